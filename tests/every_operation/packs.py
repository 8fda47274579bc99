"""Members that a sound server ignores, many in one request; told apart where the whole is not answered as it should."""

import json
from functools import reduce

from trigger_conformance.checks.expect import InconclusiveError, expect
from trigger_conformance.checks.requirement import Profile

from . import json_texts
from .grounds import given_as_asked
from .json_texts import with_members

ORDINARY = '"conformanceOrdinary":1'


def text_of(request):
    """The JSON text of a request's body."""
    return json.dumps(request.document, ensure_ascii=False, separators=(",", ":"))


def unknown_properties():
    """Unknown properties of every type, and many."""
    values = {
        "a string": '"x"',
        "a number": "1.5",
        "null": "null",
        "an array": "[1,[2]]",
        "an object": '{"runCount":0}',
    }
    members = {
        f"extra property with {name}": f'"conformance{number}":{value}'
        for number, (name, value) in enumerate(values.items())
    }
    many = {"120 extra properties": ",".join(f'"conformanceMore{number}":{number}' for number in range(120))}
    return {**members, **many}


def pack_of_all(target):
    """One request with every member that a sound server ignores; None where more may be sent: each pack has its own."""
    return target.once(_with_all) if target.sparing or target.profile is Profile.SMOKE else None


def _with_all(target):
    allowed = json_texts.allowed(of_lines=bool(target.operation.line))
    packs = [unknown_properties(), allowed, json_texts.SPECIAL_NAMES]
    members = [each for pack in packs for each in pack.values()]
    if not target.thrifty:
        return target.send(with_pack(target, "all that is ignored", members))
    text = _spelt(target, json_texts.SPELLINGS.values(), json_texts.SPELT)
    body = target.spaced(with_members(text.strip(), *members)).encode()
    return target.send(target.request(body, label="all that is ignored, and what is not, written otherwise"))


def expect_ignored(target, members, label, ground=(ORDINARY,), plain=None, larger=None):
    """A valid request is answered as if the ``members`` (label to JSON text) were not there; else each is tried alone.

    Returns the answers.

    What is asked beside them rests on a request with the members of the ``ground``. ``plain`` makes the valid request.
    A ``larger`` pack, which has these members too, says the same where its answer is right.
    """

    def request(label, members):
        return with_pack(target, label, members, plain)

    if larger is not None and is_right(target, larger):
        return given_as_asked(expect([larger]).is_accepted())
    answers = [target.send(request(label, members.values()))]
    if answers[0].status != 429 and not is_right(target, answers[0]):
        sound_beside(target, [target.send(request("the sound twin", ground))])
        answers += target.send_all(request(label, [member]) for label, member in members.items())
    return given_as_asked(expect(answers).is_accepted())


def expect_same(target, spellings, text):
    """A valid request is answered as any where all ``spellings`` (label to function of a JSON text) write its body.

    Each is tried alone where it is not. ``text`` stands in the body where the target takes that. A run that sends less
    has them in its pack of all.
    """
    if target.thrifty and is_right(target, larger := pack_of_all(target)):
        return given_as_asked(expect([larger]).is_accepted())
    for words in (text, "conformance"):
        answers = [target.send(_otherwise(target, "written otherwise", spellings.values(), words))]
        if answers[0].status == 429 or is_right(target, answers[0]):
            break
        twin = target.send(target.worded("the sound twin", words))
        if is_right(target, twin):
            answers += target.send_all(_otherwise(target, label, [spell], words) for label, spell in spellings.items())
            break
    else:
        sound_beside(target, [twin])
    return given_as_asked(expect(answers).is_accepted())


def _spelt(target, spellings, words):
    return reduce(lambda text, spell: spell(text), spellings, text_of(target.worded("", words)))


def _otherwise(target, label, spellings, words):
    return target.request(_spelt(target, spellings, words).encode(), label=label)


def with_pack(target, label, members, plain=None):
    """A valid request, ``plain``'s or the target's, with these ``members`` beside what it has."""
    return target.request(with_members(text_of((plain or target.telling)()), *members).encode(), label=label)


def is_right(target, exchange):
    """Whether the answer is that of a valid request, and what was asked for."""
    operation = target.operation
    return operation.why_not_new(exchange) is None and operation.why_not_as_asked(exchange) is None


def sound_beside(target, twins):
    """What stands beside a wrong value is accepted without it. Raises InconclusiveError where it is not."""
    wrong = [each for each in twins if target.operation.why_not_new(each)]
    if wrong:
        raise InconclusiveError(f"{wrong[0].request.label} is not accepted either: {wrong[0].outcome}", wrong)
