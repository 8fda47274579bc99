"""Members that a sound server ignores, many in one request; told apart where the whole is not answered as it should."""

from trigger_conformance.checks.expect import expect, given, why_not_new
from trigger_conformance.contract.quoting import quoted

from .json_texts import with_members

ORDINARY = '"conformanceOrdinary":1'


def expect_ignored(target, members, label, run_count=1, ground=(ORDINARY,)):
    """A batch is made as if the ``members`` (label to JSON text) were not there; else each is tried by itself.

    What is asked beside them rests on a batch with the members of the ``ground``.
    """
    count = target.within(run_count)

    def judge(exchange):
        if problem := why_not_new(exchange):
            return problem
        got = exchange.answer.document.get("runCount")
        return None if type(got) is int and got == count else f"expected runCount {count}, got {quoted(got)}"

    def request(label, members):
        return target.request(with_members(f'{{"runCount":{count}}}', *members).encode(), label=label)

    answers = [target.send(request(label, members.values()))]
    if answers[0].status != 429 and judge(answers[0]):
        given(target.send(request("the sound twin", ground)))
        answers += target.send_all(request(label, [member]) for label, member in members.items())
    expect(answers).satisfies(judge)
