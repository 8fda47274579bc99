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


MISSING = {"no index": ("index", None), "no task": ("task", None)}
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


@pytest.fixture(scope="module")
def broken(target):
    """A batch, and streams of a line that lacks a property, or has one of another type, by what is wrong with them."""
    batch = target.batch(1)

    def send(table, count):
        return target.send_all(
            target.stream(batch, f"{with_property(target, *change)}\n".encode(), label)
            for label, change in list(table.items())[:count]
        )

    count = target.pick(smoke=2, standard=6, thorough=len(MISTYPED))
    return batch, {"missing": send(MISSING, 2), "mistyped": send(MISTYPED, count)}


def with_property(target, name, literal):
    """The text of a line whose property ``name`` is the ``literal``, or is left out where that is None."""
    text = json.dumps({each: value for each, value in target.item().items() if each != name})
    return text if literal is None else json_texts.with_members(text, f'"{name}":{literal}')


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
