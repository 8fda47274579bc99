"""Members that a sound server ignores, many in one request; told apart where the whole is not answered as it should."""

from .expectations import expect
from .grounds import given_right_batches, sound_beside
from .json_texts import with_members
from .operation import OPERATION

ORDINARY = '"conformanceOrdinary":1'


def expect_ignored(target, members, label, run_count=1, ground=(ORDINARY,)):
    """A batch is made as if the ``members`` (label to JSON text) were not there; else each is tried by itself.

    What is asked beside them rests on a batch with the members of the ``ground``.
    """
    count = target.within(run_count)

    def request(label, members):
        return target.request(with_members(f'{{"runCount":{count}}}', *members).encode(), label=label)

    answers = [target.send(request(label, members.values()))]
    if answers[0].status != 429 and not is_right(answers[0], count):
        sound_beside([target.send(request("the sound twin", ground))])
        answers += target.send_all(request(label, [member]) for label, member in members.items())
    given_right_batches(expect(answers).is_accepted(), count)


def is_right(exchange, count):
    """Whether the answer is a new batch with this runCount."""
    return OPERATION.why_not_new(exchange) is None and exchange.answer.document.get("runCount") == count
