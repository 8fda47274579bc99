"""What every operation's checks say of bodies, said of lines: here a line end divides documents."""

import itertools
import json

import pytest

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, expect
from trigger_conformance.checks.ground import given
from trigger_conformance.checks.requirement import Profile, must

from ..every_operation import json_texts
from ..every_operation.packs import expect_ignored, pack_of_all
from .grounds import REJECTION, TAKEN, expect_whole_after_wrong_lines, given_taken, why_not_taken

NO_OBJECT = {
    "an array": lambda text: f"[{text}]",
    "a string that holds an object": json.dumps,
    "an index and a task in an array": lambda text: json.dumps([*json.loads(text).values()]),
    "null": lambda _: "null",
    "a number": lambda _: "1",
    "true": lambda _: "true",
    "a form": lambda _: "index=0&task=x",
}
# Of it each line is a document.
OF_SEVERAL_LINES = "documents in lines"


# What no line of JSON is, as bodies: what stands before and behind lines, and lines that end too soon. Readers of logs
# and of lists in lines forgive them. A right line before does not make its batch whole.
WRONG_ENDS = {
    "a comma behind the line": lambda text: f"{text},\n",
    "a last line cut short, without a line end": lambda text: f"{text}\n{text[:-4]}",
    "a comment line before": lambda text: f"# one\n{text}\n",
    "a NUL behind the line": lambda text: f"{text}\0\n",
    "a carriage return in a string": lambda text: text.replace("{", '{"payload":"a\rb",', 1) + "\n",
    "an object over two lines": lambda text: text.replace(",", ",\n", 1) + "\n",
    "a header line of JSON": lambda text: f'{{"type":"header"}}\n{text}\n',
    "a last line that tells of the others": lambda text: f'{text}\n{{"done":true}}\n',
    "an empty object": lambda text: f"{{}}\n{text}\n",
    "a carriage return alone between": lambda text: f"{text}\r{text}\n",
    "an event's field": lambda text: f"data: {text}\n\n",
    "a comment line of two slashes": lambda text: f"// one\n{text}\n",
    "a bracket before and behind": lambda text: f"[\n{text}\n]\n",
    "a header line": lambda text: f"index,task\n{text}\n",
    "a last line of one brace": lambda text: f"{text}\n{{",
}
# How a line may be written that says the same: "{0}" is its index, "{1}" its task, "{2}" that with escapes.
WRITTEN = {
    "names with escapes": r'{{"\u0069ndex":{0},"t\u0061sk":"{1}","payload":{{"a":1}}}}',
    "a payload before the index": '{{"payload":{{"index":99,"task":1}},"task":"{1}","index":{0}}}',
    "unknown names before the index": '{{"conformanceExtra":[{{"index":99}}],"index":{0},"options":{{}},"task":"{1}"}}',
    "white space before and behind": ' \t{{"index":{0},"task":"{1}"}} \t',
    "white space around colons": '{{ "index"\t: {0} , "task" : "{1}" }}',
    "a task with escapes": '{{"index":{0},"task":"{2}"}}',
    "a task before the index": '{{"task":"{1}","index":{0}}}',
}


# Names are what they are: a property in capitals is another one, which nobody knows.
MISSING = {"no index, but INDEX": "index", "no task, but TASK": "task"}
MISTYPED = {
    "index as a string": ("index", '"0"'),
    "a negative fraction": ("index", "-0.5"),
    "index false": ("index", "false"),
    "task a number": ("task", "1"),
    "task an object": ("task", '{"id":"x"}'),
    "task in a list": ("task", '["x"]'),
    "task false": ("task", "false"),
    "task null, beside options": ("task", 'null,"options":{"conformanceExtra":1}'),
    "an index of nearly 0": ("index", "1e-10"),
    "options null": ("options", "null"),
    "options a list of pairs": ("options", '[["a",1]]'),
    "options an object in a string": ("options", '"{}"'),
    "index null": ("index", "null"),
    "task null": ("task", "null"),
    "index in a list": ("index", "[0]"),
    "index empty": ("index", '""'),
    "options a string": ("options", '"x"'),
    "options a list": ("options", "[]"),
    "a fraction": ("index", "0.5"),
    "index as a string with spaces": ("index", '" 0 "'),
    "index as a hexadecimal string": ("index", '"0x0"'),
    "index a space": ("index", '" "'),
    "index in digits of another script": ("index", '"٠"'),
    "index in an object": ("index", '{"0":0}'),
    "task an empty object": ("task", "{}"),
    "task an empty list": ("task", "[]"),
}


@pytest.fixture(scope="module")
def unreadable(target):
    """Streams of what is no line of JSON, by what it is, for one batch; and the right lines, which it then takes."""
    right, everywhere = target.text(), target.profile > Profile.STANDARD
    malformed = {
        "two items on a line": lambda text: text + text,
        **json_texts.malformed(everywhere, sparing=target.sparing),
    }
    ends = itertools.islice(WRONG_ENDS.items(), target.pick(smoke=1, standard=11, thorough=len(WRONG_ENDS)))
    objects = itertools.islice(NO_OBJECT.items(), target.pick(smoke=1, standard=4, thorough=len(NO_OBJECT)))
    tables = {
        "no object": {label: f"{case(right)}\n".encode() for label, case in objects},
        "malformed": in_payloads(
            {label: f"{case(right)}\n".encode() for label, case in malformed.items() if label != OF_SEVERAL_LINES}
        ),
        "ends": {label: wrong(right).encode() for label, wrong in ends},
    }
    # It has room for one item more, so that a right line of theirs does not seal it.
    batch = target.batch(2)
    rows = [(kind, label, body) for kind, bodies in tables.items() for label, body in bodies.items()]
    answers = zip(rows, target.send_all(target.stream(batch, body, label) for _, label, body in rows), strict=True)
    found = {kind: [] for kind in tables}
    for (kind, *_), answer in answers:
        found[kind].append(answer)
    return found, target.send(target.stream(batch, [target.item(0), target.item(1)], "the sound twin"))


@must(
    "a line that is no JSON object is rejected, alone in its stream too",
    clause="streamBatchItems.requestBody",
    cases="a line that is no object",
)
def test_body_must_be_a_json_object(unreadable):
    expect(unreadable[0]["no object"]).is_rejected()


@must("malformed JSON is rejected", clause="streamBatchItems.requestBody", cases="malformed JSON")
def test_malformed_json_is_rejected(unreadable):
    found, twin = unreadable
    expect(found["malformed"]).is_rejected()
    # Among right lines it has its own requirement, whatever is wrong with it.
    given(found["ends"], rests_on=REJECTION).is_rejected()
    expect_whole_after_wrong_lines(twin, 2)


def in_payloads(bodies):
    """The same bodies, but that in every second one what is malformed stands in the payload, behind index and task."""
    own, payload = f'"{json_texts.EXTRA}":'.encode(), b'"payload":'
    return {
        label: body if number % 2 else body.replace(own, payload) for number, (label, body) in enumerate(bodies.items())
    }


@must("a line is read as JSON is: names and texts with escapes, properties in any order, white space between them",
      clause="streamBatchItems.requestBody", cases="a line written otherwise")  # fmt: skip
def test_lines_are_read_as_json(target):
    size = target.creates.within(len(WRITTEN))
    forms = dict(itertools.islice(WRITTEN.items(), size))
    texts = [written(target, form, index) for index, form in enumerate(forms.values())]
    answer = target.send(target.stream(target.batch(size), b"".join(texts), "lines written in every way"))
    answers = [answer]
    if why_not_taken(size)(answer) and answer.status != 429:
        # What tells the kinds apart is sent where one of them fails; a plain line beside them shows that others pass.
        batch = target.batch(size + 1)
        plain, *answers = target.send_all([
            target.stream(batch, [target.item(size)], "a plain line"),
            *(target.stream(batch, text, label) for label, text in zip(forms, texts, strict=True)),
        ])  # fmt: skip
        given(plain, rests_on=TAKEN).satisfies(why_not_taken(1))
    expect(answers).satisfies(lambda each: why_not_taken(size if each is answer else 1)(each))


def written(target, form, index):
    """A line of the item with this index, in a form of the table."""
    task = json.dumps(target.task)[1:-1]
    escaped = "".join(f"\\u{ord(each):04x}" for each in target.task) if target.task.isascii() else task
    return f"{form.format(index, task, escaped)}\n".encode()


@must("what JSON allows is accepted in unknown properties", clause="BatchItem")
def test_what_json_allows_is_accepted(target):
    allowed = json_texts.allowed(of_lines=True)
    expect_ignored(target, allowed, label="all that JSON allows", larger=pack_of_all(target))


@must("NUL and unpaired surrogates in a task or a payload are accepted or rejected, never answered with a 5xx",
      clause="BatchItem.properties")  # fmt: skip
def test_odd_characters_in_strings_are_answered(target):
    odd = {
        "odd characters in the task": ("task", r'"a\u0000b"'),
        "odd characters in the payload": ("payload", r'{"a\u0000":"b\ud800"}'),
        "odd characters in the options": ("options", r'{"a\ud800":"b\u0000"}'),
        "a task of 300 characters": ("task", f'"{"x" * 300}"'),
        "1e999 in the payload": ("payload", "[1e999]"),
    }
    # Whatever becomes of them, it is not sealed by them, so all are looked at.
    batch = target.batch(2)
    together = rf'{{"index":0,"task":"a\u0000{"x" * 300}","payload":{{"a\u0000":"b\ud800","n":[1e999]}},' \
               r'"options":{"a\ud800":"b\u0000"}}'  # fmt: skip
    answers = [target.send(target.stream(batch, f"{together}\n".encode(), "odd characters in everything"))]
    # What takes all of them fails for none.
    if answers[0].status != target.contract.success:
        answers += target.send_all(
            target.stream(batch, f"{with_property(target, *change)}\n".encode(), label) for label, change in odd.items()
        )
    expect(answers).has_status(target.contract.success, *REJECTIONS)


@pytest.fixture(scope="module")
def broken(target):
    """A batch, and streams of a line that lacks a property, or has one of another type, by what is wrong with them."""
    batch = target.batch(1)

    def send(texts):
        return target.send_all(target.stream(batch, f"{text}\n".encode(), label) for label, text in texts.items())

    missing = {label: json.dumps(without(target, name) | {name.upper(): 0}) for label, name in MISSING.items()}
    if target.profile > Profile.SMOKE:
        missing["an item in an envelope"] = json.dumps({"item": target.item()})
    mistyped = {label: with_property(target, *change) for label, change in MISTYPED.items()}
    count = target.pick(smoke=2, standard=15, thorough=len(MISTYPED))
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
