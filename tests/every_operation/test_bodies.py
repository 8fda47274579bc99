"""Bodies: what is no JSON is rejected wherever it stands, what JSON allows is accepted, what is unknown is ignored."""

import base64
import itertools
import json
from urllib.parse import urlencode

import pytest

from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError, expect
from trigger_conformance.checks.requirement import Profile, info, must, should
from trigger_conformance.wire.exchange import Beyond

from . import json_texts
from .grounds import expect_nothing_made, given_as_asked, given_more_than_smoke
from .packs import expect_ignored, expect_same, is_right, pack_of_all, sound_beside, unknown_properties

SMOKE = {"an array", "a trailing comma", "an overlong form as idempotencyKey"}


NO_OBJECT = {
    "an array": lambda text: f"[{text}]",
    "a string that holds an object": json.dumps,
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "an empty body": b"",
    "a form": lambda text: urlencode(json.loads(text)),
    "YAML": lambda text: "\n".join(f"{name}: {json.dumps(value)}" for name, value in json.loads(text).items()),
    "base64": lambda text: base64.b64encode(text.encode()),
}


NESTING = 10_000
# Of the properties of a request: where there are more, one of a kind tells of the others.
FEW = 3


def everywhere(target):
    return target.profile > Profile.STANDARD


def spared(target):
    """How much of a table of JSON texts is left to larger profiles."""
    return {"sparing": target.sparing, "thrifty": target.thrifty}


def chosen(target, cases):
    return {label: case for label, case in cases.items() if target.profile > Profile.SMOKE or label in SMOKE}


def bodies(target, cases):
    """Requests with these bodies: bytes, or a function of a valid JSON text."""
    for label, case in chosen(target, cases).items():
        body = case(target.text()) if callable(case) else case
        yield target.request(body if isinstance(body, bytes) else body.encode(), label=label)


@pytest.fixture(scope="module")
def sound_text(target):
    """A valid request that has unknown properties and white space wherever the malformed ones have something else."""
    if target.thrifty and is_right(target, larger := pack_of_all(target)):
        return [larger]
    text = json_texts.with_members(target.text(), '"conformanceExtra":{"a":["é", 1]}', '"é":1')
    body = target.spaced(text) if target.profile > Profile.SMOKE else None
    return target.send_all([target.request(body.encode(), label="the sound twin")] if body else [])


@must(
    "a body that is no JSON object is rejected",
    clause="{operation}.requestBody",
    profile=Profile.SMOKE,
    cases="a body that is no object",
)
def test_body_must_be_a_json_object(target):
    cases = dict(list(NO_OBJECT.items())[: target.pick(smoke=9, standard=9, thorough=9, frugal=3, thrifty=2)])
    expect(target.send_all(bodies(target, cases))).is_rejected()


@must("malformed JSON is rejected", clause="{operation}.requestBody", profile=Profile.SMOKE, cases="malformed JSON")
def test_malformed_json_is_rejected(target, sound_text):
    expect(target.send_all(bodies(target, json_texts.malformed(everywhere(target), **spared(target))))).is_rejected()
    sound_beside(target, sound_text)


@must(
    "words of other languages, such as NaN and undefined, are rejected in unknown properties too",
    clause="{operation}.requestBody",
    cases="a word of another language",
)
def test_words_of_other_languages_are_rejected(target, sound_text):
    expect(target.send_all(bodies(target, json_texts.words(everywhere(target), sparing=target.sparing)))).is_rejected()
    sound_beside(target, sound_text)


@must(
    "what is no white space of JSON is rejected around the document and between its tokens",
    clause="{operation}.requestBody",
    cases="what is no white space of JSON",
)
def test_what_is_no_white_space_is_rejected(target, sound_text):
    expect(
        target.send_all(bodies(target, json_texts.no_surroundings(everywhere(target), **spared(target))))
    ).is_rejected()
    sound_beside(target, sound_text)


@should("invalid UTF-8 is rejected", clause="RFC 8259 8.1", profile=Profile.SMOKE, cases="invalid UTF-8")
def test_invalid_utf8_is_rejected(target, sound_text):
    given_more_than_smoke(target)

    def as_key(text, token):
        return json_texts.with_members(text, f'"{name}":{token[:-1]}{target.key()}"')

    name = target.operation.key_property
    places = {"as a value": json_texts.STRINGS["as a value"], **({f"as {name}": as_key} if name else {}),
              **json_texts.STRINGS}  # fmt: skip
    expect(
        target.send_all(bodies(target, json_texts.no_utf8(places, everywhere(target), **spared(target))))
    ).is_rejected()
    sound_beside(target, sound_text)


@should("UTF-16 and UTF-32 are rejected", clause="RFC 8259 8.1", cases="another encoding")
def test_utf16_and_utf32_are_rejected(target):
    encodings = json_texts.first(json_texts.OTHER_ENCODINGS, 1 if target.sparing else 3, everywhere(target))
    expect(
        target.send_all(target.request(target.text().encode(name), label=label) for label, name in encodings.items())
    ).is_rejected()


@info("whether a UTF-8 byte-order mark is accepted", clause="{operation}.requestBody")
def test_byte_order_mark(target):
    answer = target.send(target.request(b"\xef\xbb\xbf" + target.text().encode(), label="byte-order mark"))
    target.note(f"a body with a byte-order mark: {answer.outcome}")


@must("what JSON allows is accepted in unknown properties", clause="{request}", profile=Profile.SMOKE)
def test_what_json_allows_is_accepted(target):
    expect_ignored(target, json_texts.ALLOWED, label="all that JSON allows", larger=pack_of_all(target))


@must(
    "a valid body is the same however JSON writes it: with escapes, in another order, with white space between",
    clause="RFC 8259 7",
)
def test_spelling_of_a_body_does_not_matter(target):
    expect_same(target, json_texts.SPELLINGS, json_texts.SPELT)


@must(
    "values that no server needs to take are accepted or rejected, never answered with a 5xx",
    clause="{operation}.responses",
    cases="a value that no server needs to take",
)
def test_values_that_nobody_needs_are_answered(target):
    unneeded = json_texts.first(json_texts.UNNEEDED, 2 if target.sparing else 4, everywhere(target))

    def body(*members):
        return json_texts.with_members(target.text(target.spare_key()), *members).encode()

    answers = []
    if target.sparing:
        answers.append(target.send(target.request(body(*unneeded.values()), label="NUL and unpaired surrogates")))
    # What takes none of them may still fail for another; what takes all, none.
    if not answers or answers[0].status != target.contract.success:
        answers += target.send_all(target.request(body(each), label=label) for label, each in unneeded.items())
    expect(answers).has_status(target.contract.success, *REJECTIONS)
    if taken := [each for each in answers if each.status == target.contract.success]:
        given_as_asked(taken)


@must(
    "names that languages and databases give a meaning are ignored as any unknown property",
    clause="{request}",
    profile=Profile.SMOKE,
)
def test_special_names_change_nothing(target):
    expect_ignored(
        target, json_texts.SPECIAL_NAMES, label="names that mean something elsewhere", larger=pack_of_all(target)
    )


@must(
    "NUL and unpaired surrogates in any documented string are accepted or rejected, never answered with a 5xx",
    clause="{request}.properties",
)
def test_odd_characters_in_strings_are_answered(target):
    schema = target.contract.document["components"]["schemas"][target.contract.request_schema]
    texts = [name for name, known in schema.get("properties", {}).items() if known.get("type") == "string"]
    # Keys of an operation's own say whose a thing is, and have checks of their own.
    texts = [name for name in texts if name != target.operation.key_property]
    odd = {"NUL": r'"a\u0000b"', "an unpaired surrogate": r'"a\ud800"'}
    turns = list(itertools.product(texts, odd))
    if target.thrifty and len(texts) > FEW:
        # What there must be is looked up or read, and what may be left out is a text that is kept.
        turns = [(name, what) for name, what in turns if name not in schema["required"] and what == "NUL"]
    # Of few, what some may keep needs no key of its own.
    answers = target.send_all(
        with_property(
            target, name, odd[what], f"{name} with {what}", target.valid().document if target.thrifty else None
        )
        for name, what in turns
    )
    if not answers:
        raise NotApplicableError("the document has no property that is a string")
    expect(answers).has_status(target.contract.success, *REJECTIONS)


@must(
    "deep nesting and large bodies in an unknown property are answered, never with a 5xx",
    clause="{operation}.requestBody",
    profile=Profile.SMOKE,
    cases="a deep or large body",
)
def test_deep_and_large_bodies_are_answered(target):
    given_more_than_smoke(target)
    extras = {
        "10,000 arrays in each other": "[" * NESTING + "]" * NESTING,
        "10,000 objects in each other": '{"x":' * NESTING + "1" + "}" * NESTING,
        "a string of 1 MiB": '"' + "x" * (1 << 20) + '"',
    }
    if target.sparing:
        del extras["10,000 arrays in each other"]
    if target.profile is Profile.SMOKE:
        *_, deep, large = extras.values()
        extras = {"10,000 objects in each other, beside 1 MiB": f"[{deep},{large}]"}
    requests = [
        target.request(
            json_texts.with_members(target.text(target.spare_key()), f'"conformanceExtra":{extra}').encode(),
            label=label,
            beyond=Beyond.SIZE,
        )
        for label, extra in extras.items()
    ]
    expect([target.send(request) for request in requests]).has_status(
        target.contract.success, *REJECTIONS, 404, 405, 411, 413, 415, 431
    )


@must("unknown extra properties are accepted", clause="{request}", profile=Profile.SMOKE)
def test_unknown_properties_are_accepted(target):
    expect_ignored(
        target, unknown_properties(), label="120 and one of every type", ground=(), larger=pack_of_all(target)
    )


# A value of another type for each type that JSON has, the most often coerced first.
OTHER_TYPES = {
    "string": ("1", "null", "{}", "true", "false", "1.5", "0", "[]"),
    "integer": ('"1"', "true", "1.5", "null", "[1]", "{}"),
    "number": ('"1"', "true", "null", "[1]", "{}"),
    "boolean": ('"true"', "1", "0", "null", "[]"),
    "array": ('"x"', "1", "{}", "null"),
    "object": ('"x"', "1", "[]", "null"),
}


def with_property(target, name, literal, label, sound=None):
    """A valid request whose property ``name`` is the ``literal``, or is left out where that is None.

    ``sound`` is the body that it is put into; it has a key of its own where none is given.
    """
    document = {each: value for each, value in (sound or target.document()).items() if each != name}
    text = json.dumps(document)
    members = [] if literal is None else [f"{json.dumps(name)}:{literal}"]
    return target.request(json_texts.with_members(text, *members).encode(), label=label)


def _others(kind, turns):
    """Values of another type than the ``kind``, each the first in its turn."""
    found = OTHER_TYPES.get(kind, ())
    at = turns % len(found) if found else 0
    return found[at:] + found[:at]


@pytest.fixture(scope="module")
def broken(target):
    """Requests that lack a required property, or have one of another type, by what is wrong with them."""
    schema = target.contract.document["components"]["schemas"][target.contract.request_schema]
    required, properties = schema.get("required", ()), schema.get("properties", {})
    # Where properties are many, what takes one type for another shows in one of them.
    frugal = 1 if len(properties) > FEW else 2
    count = target.pick(smoke=1, standard=3, thorough=len(OTHER_TYPES), frugal=frugal, thrifty=1)
    missing = [with_property(target, name, None, f"{name} missing") for name in required]
    if not target.thrifty:
        missing.append(target.request({"json": target.document()}, label="all of it inside another property"))
    # What may be left out is often let be null.
    optional = [name for name in properties if name not in required]
    nullable = optional[: target.pick(smoke=0, standard=99, thorough=99, frugal=frugal)]
    mistyped = [
        with_property(target, name, literal, f"{name} {literal}")
        for number, (name, known) in enumerate(properties.items())
        for literal in dict.fromkeys(
            (
                *(("null",) if name in nullable else ()),
                *_others(known.get("type"), number * count if target.sparing else 0)[:count],
            )
        )
    ]
    sound = target.document()
    texts = [name for name in required if isinstance(sound.get(name), str)]
    mistyped += [
        with_property(target, name, json.dumps([sound[name]]), f"an array of a {name}")
        for name in texts[: target.pick(smoke=0, standard=3, thorough=9, frugal=frugal, thrifty=1)]
    ]
    return {"missing": target.send_all(missing), "mistyped": target.send_all(mistyped)}


@must("a body that lacks a required property is rejected", clause="{request}.required")
def test_missing_property_is_rejected(broken):
    expect(broken["missing"]).is_rejected()


@must("a property of another type is rejected", clause="{request}.properties", profile=Profile.SMOKE)
def test_mistyped_property_is_rejected(broken):
    expect(broken["mistyped"]).is_rejected()


@must("a rejected body creates nothing", clause="{operation}.responses")
def test_rejected_body_creates_nothing(target, broken):
    rejected = [each for group in broken.values() for each in group if each.status in REJECTIONS]
    kept = target.unspent(rejected)[:: target.pick(smoke=4, standard=2, thorough=1)]
    if not kept:
        raise NotApplicableError("no rejected request had a key of its own, which would show what it made")
    expect_nothing_made(target, (each.request for each in kept))
