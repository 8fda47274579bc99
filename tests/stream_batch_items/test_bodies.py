"""What every operation's checks say of bodies, said of lines: here a line end divides documents."""

import json

import pytest

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, expect
from trigger_conformance.checks.requirement import Profile, must

from ..every_operation import json_texts
from ..every_operation.packs import expect_ignored
from .grounds import expect_whole_by_now, given_taken

NO_OBJECT = {
    "an array": lambda text: f"[{text}]",
    "a string that holds an object": json.dumps,
    "a number": lambda _: "1",
    "null": lambda _: "null",
    "true": lambda _: "true",
    "a form": lambda _: "index=0&task=x",
}
# Of these each line is a document, or a part of one.
OF_SEVERAL_LINES = ("documents in lines", "white space")


# Names are what they are: a property in capitals is another one, which nobody knows.
MISSING = {"INDEX in the place of index": "index", "TASK in the place of task": "task"}
MISTYPED = {
    "index as a string": ("index", '"0"'),
    "a fraction": ("index", "0.5"),
    "task a number": ("task", "1"),
    "options a string": ("options", '"x"'),
    "index null": ("index", "null"),
    "index true": ("index", "true"),
    "task null": ("task", "null"),
    "index in a list": ("index", "[0]"),
    "index in an object": ("index", '{"0":0}'),
    "index empty": ("index", '""'),
    "task in a list": ("task", '["x"]'),
    "options a list": ("options", "[]"),
    "options null": ("options", "null"),
}


def expect_rejected(target, bodies):
    """Each of ``bodies``, by label, is rejected for one batch, which takes the right line afterwards."""
    batch = target.batch(1)
    expect(target.send_all(target.stream(batch, body, label) for label, body in bodies.items())).is_rejected()
    expect_whole_by_now(target.send(target.whole(batch, "the sound twin")), 1)


@must("a line that is no JSON object is rejected, alone in its stream too", clause="streamBatchItems.requestBody")
def test_body_must_be_a_json_object(target):
    right = target.text()
    count = target.pick(smoke=1, standard=3, thorough=9)
    expect_rejected(target, {label: f"{case(right)}\n".encode() for label, case in list(NO_OBJECT.items())[:count]})


@must("malformed JSON is rejected", clause="streamBatchItems.requestBody")
def test_malformed_json_is_rejected(target):
    right = target.text()
    everywhere = target.profile > Profile.STANDARD
    cases = {
        **json_texts.malformed(everywhere, sparing=target.sparing),
        "two items on a line": lambda text: text + text,
    }
    expect_rejected(
        target,
        {label: f"{case(right)}\n".encode() for label, case in cases.items() if label not in OF_SEVERAL_LINES},
    )


@must("what JSON allows is accepted in unknown properties", clause="BatchItem")
def test_what_json_allows_is_accepted(target):
    allowed = {label: text for label, text in json_texts.ALLOWED.items() if label not in OF_SEVERAL_LINES}
    allowed["white space within a line"] = '\t "conformanceSpace"\t: [ ] \t'
    expect_ignored(target, allowed, label="all that JSON allows")


@must("NUL and unpaired surrogates in a task or a payload are accepted or rejected, never answered with a 5xx",
      clause="BatchItem.properties")  # fmt: skip
def test_odd_characters_in_strings_are_answered(target):
    odd = {"task": r'"a\u0000b"', "payload": r'{"a\u0000":"b\ud800"}'}
    # Whatever becomes of them, it is not sealed by them, so both are looked at.
    batch = target.batch(2)
    answers = target.send_all(
        target.stream(batch, f"{with_property(target, name, text)}\n".encode(), f"odd characters in the {name}")
        for name, text in odd.items()
    )
    expect(answers).has_status(target.contract.success, *REJECTIONS)


@pytest.fixture(scope="module")
def broken(target):
    """A batch, and streams of a line that lacks a property, or has one of another type, by what is wrong with them."""
    batch = target.batch(1)

    def send(texts):
        return target.send_all(target.stream(batch, f"{text}\n".encode(), label) for label, text in texts.items())

    missing = {label: json.dumps(without(target, name) | {name.upper(): 0}) for label, name in MISSING.items()}
    mistyped = {label: with_property(target, *change) for label, change in MISTYPED.items()}
    count = target.pick(smoke=2, standard=6, thorough=len(MISTYPED))
    return batch, {"missing": send(missing), "mistyped": send(dict(list(mistyped.items())[:count]))}


def without(target, name):
    """An item that lacks the property ``name``."""
    return {each: value for each, value in target.item().items() if each != name}


def with_property(target, name, literal):
    """The text of a line whose property ``name`` is the ``literal``."""
    return json_texts.with_members(json.dumps(without(target, name)), f'"{name}":{literal}')


@must("a line that lacks an index or a task is rejected", clause="BatchItem.required")
def test_missing_property_is_rejected(broken):
    expect(broken[1]["missing"]).is_rejected()


@must("a property of another type is rejected", clause="BatchItem.index")
def test_mistyped_property_is_rejected(broken):
    expect(broken[1]["mistyped"]).is_rejected()


@must("a rejected line leaves nothing of its item", clause="streamBatchItems.responses")
def test_rejected_body_creates_nothing(target, broken):
    batch, answers = broken
    if any(each.status not in REJECTIONS for group in answers.values() for each in group):
        raise InconclusiveError("a wrong line was not rejected, so what it left is that requirement's affair")
    given_taken(target.send(target.whole(batch, "the right line, afterwards")), 1)
