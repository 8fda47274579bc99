"""No credential in anything that is written, in whatever form it comes back."""

import base64
import codecs
import hashlib
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_conformance.checks.problem import Problem
from trigger_conformance.wire.exchange import Answer, Exchange, Request
from trigger_conformance.wire.redaction import NO_SIGNATURE, REDACTED, Redactor

SECRET = "tr_dev_Marker/Secret+Key=1234"
FORMS = {
    "plain": SECRET,
    "percent-encoded": quote(SECRET, safe=""),
    "percent-encoded, but for slashes": quote(SECRET),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in base64url": base64.urlsafe_b64encode(SECRET.encode()).decode(),
    "in hexadecimal with dashes": SECRET.encode().hex("-").upper(),
    "in groups of four": "-".join(SECRET[start : start + 4] for start in range(0, len(SECRET), 4)),
    "as Basic": base64.b64encode(f"{SECRET}:".encode()).decode(),
    "as Basic, one off": base64.b64encode(f"u:{SECRET}".encode()).decode(),
    "as Basic, two off": base64.b64encode(f"api:{SECRET}".encode()).decode(),
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_secret_is_taken_out_in_every_form(form):
    redactor = Redactor([SECRET])
    cleaned = redactor.text(f"before {form} after")
    assert REDACTED in cleaned
    assert cleaned.startswith("before ")
    assert not any(form[start : start + 12] in cleaned for start in range(len(form) - 12))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_an_answer_that_has_it_is_told(form):
    leaks = Redactor([SECRET]).leaks([("the body", f"x{form}y"), ("header date", "today")])
    assert leaks == ("the body",)


@given(st.binary(max_size=5), st.binary(max_size=5))
def test_a_secret_is_found_in_base64_at_any_offset(before, after):
    encoded = base64.b64encode(before + SECRET.encode() + after).decode()
    assert Redactor([SECRET]).leaks([("body", encoded)]) == ("body",)


def test_what_holds_no_secret_stays_as_it_is():
    redactor = Redactor([SECRET])
    assert redactor.text("tr_dev_Other/Secret") == "tr_dev_Other/Secret"
    assert redactor.leaks([("body", "tr_dev_Other")]) == ()


def test_a_secret_that_is_learnt_later_is_taken_out_too():
    redactor = Redactor()
    redactor.learn("another-secret-value")
    assert redactor.text("x another-secret-value") == f"x {REDACTED}"


@pytest.mark.parametrize("spell", [str, lambda text: text[::-1]], ids=["as it is", "reversed"])
def test_a_text_around_a_secret_that_was_learnt_with_its_quotation_marks_stays_json(spell):
    redactor = Redactor([SECRET])
    redactor.learn(f'"{SECRET}"')
    assert json.loads(redactor.text(json.dumps({"by": spell(SECRET)}))) == {"by": "[redacted]"}


def test_tokens_lose_their_signature():
    cleaned = Redactor().text("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl end")
    assert cleaned == f"jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.{NO_SIGNATURE} end"


def test_a_kept_exchange_holds_no_secret():
    request = Request(
        target=f"/api?key={SECRET}",
        headers=(("Authorization", f"Bearer {SECRET}".encode()), ("Cookie", f"a={quote(SECRET)}".encode())),
        body=b'\xff{"apiKey":"' + SECRET.encode() + b'"}',
    )
    told = Answer(401, "", (("x-echo", SECRET),), b"\x00" + FORMS["in base64"].encode(), 0.0)
    kept = Redactor([SECRET]).exchange(Exchange(request, told, None, 0, 1, 0))
    everything = repr(kept)
    assert not any(form in everything for form in FORMS.values())
    assert kept.request.body.startswith(b"\xff")
    assert kept.answer.body.startswith(b"\x00")


def escaped(write, text=SECRET):
    return "".join(write(character) for character in text)


ENTITIES = {"/": "&sol;", "+": "&plus;", "=": "&equals;", "_": "&lowbar;"}
CODE = base64.b64encode(b"x" * 9 + SECRET.encode() + b"y" * 9).decode()
LINES = [CODE[start : start + 20] for start in range(0, len(CODE), 20)]
SPELLINGS = {
    "as JSON escapes": escaped(lambda each: f"\\u{ord(each):04x}"),
    "as JSON escapes in capitals": escaped(lambda each: f"\\u{ord(each):04X}"),
    "as JSON escapes within JSON": json.dumps(escaped(lambda each: f"\\u{ord(each):04x}")),
    "as JSON escapes within JSON within JSON": json.dumps(json.dumps(escaped(lambda each: f"\\u{ord(each):04x}"))),
    "as JavaScript escapes": escaped(lambda each: f"\\u{{{ord(each):x}}}"),
    "as bytes of a string literal": escaped(lambda each: f"\\x{ord(each):02x}"),
    "as octal escapes": escaped(lambda each: f"\\{ord(each):03o}"),
    "with one escape": SECRET.replace("M", "\\u004d"),
    "with an escaped slash": SECRET.replace("/", "\\/"),
    "percent-encoded whole": escaped(lambda each: f"%{ord(each):02X}"),
    "percent-encoded twice": quote(escaped(lambda each: f"%{ord(each):02x}")),
    "as entities": escaped(lambda each: f"&#{ord(each)};"),
    "as entities in hexadecimal": escaped(lambda each: f"&#x{ord(each):X};"),
    "as entities with noughts": escaped(lambda each: f"&#x0000{ord(each):x}"),
    "as named entities": escaped(lambda each: ENTITIES.get(each, each)),
    "as entities within JSON": escaped(lambda each: f"\\u0026#{ord(each)};"),
    "in upper case": SECRET.upper(),
    "in lower case": SECRET.lower(),
    "reversed": SECRET[::-1],
    "in hexadecimal": SECRET.encode().hex(),
    "in hexadecimal capitals": SECRET.encode().hex().upper(),
    "in hexadecimal with colons": SECRET.encode().hex(":"),
    "in base32": base64.b32encode(SECRET.encode()).decode(),
    "in base32, three off": base64.b32encode(b"abc" + SECRET.encode()).decode(),
    "in lower base32": base64.b32encode(SECRET.encode()).decode().lower(),
    "as a list of codes": str(list(SECRET.encode())),
    "in UTF-16": SECRET.encode("utf-16-le").decode("latin-1"),
    "in lines of base64": base64.encodebytes(b"x" * 41 + SECRET.encode() + b"y" * 41).decode().strip(),
    "in short lines of base64": "\r\n\t".join(LINES),
    "in lines of base64 within JSON": json.dumps("\n".join(LINES))[1:-1],
    "in quoted-printable": escaped(lambda each: f"={ord(each):02X}"),
    "in quoted-printable, broken off": SECRET.replace("_", "=5F").replace("=1234", "=3D12=\r\n34"),
    "rotated": codecs.encode(SECRET, "rot13"),
}


@pytest.mark.parametrize("form", SPELLINGS.values(), ids=SPELLINGS)
def test_every_spelling_is_noticed_and_taken_out(form):
    redactor = Redactor([SECRET])
    assert redactor.leaks([("the body", f"x {form} y")]) == ("the body",)
    cleaned = redactor.text(f"before {form} after")
    assert cleaned.startswith("before ")
    assert cleaned.endswith(" after")
    assert REDACTED in cleaned
    assert redactor.leaks([("what is left", cleaned)]) == ()


@pytest.mark.parametrize("form", SPELLINGS.values(), ids=SPELLINGS)
def test_what_is_rendered_last_is_still_what_it_was(form):
    rendered = json.dumps({"said": f"a {form} b", "more": 1})
    assert json.loads(Redactor([SECRET]).text(rendered)).keys() == {"said", "more"}


def test_a_secret_beyond_ascii_is_found_as_its_bytes():
    redactor = Redactor(["tr_dev_schlüssel-é"])
    assert redactor.leaks([("body", quote("tr_dev_schlüssel-é"))]) == ("body",)
    assert redactor.leaks([("body", "tr_dev_schlüssel-é".encode().decode("latin-1"))]) == ("body",)
    assert redactor.leaks([("body", json.dumps("tr_dev_schlüssel-é"))]) == ("body",)


@given(
    st.text("\\u0/%&#x;-eyJ.aİ\"'", max_size=40), st.sampled_from(sorted(SPELLINGS)), st.text("\\%&#xu04;", max_size=9)
)
def test_nothing_that_stands_around_hides_a_secret(before, spelling, after):
    cleaned = Redactor([SECRET]).text(f"{before} {SPELLINGS[spelling]} {after}")
    assert Redactor([SECRET]).leaks([("left", cleaned)]) == ()


PIECES = [
    ("in two headers", [("header a", SECRET[:15]), ("header b", SECRET[15:])]),
    ("in two strings", [("the body", json.dumps({"a": SECRET[:15], "b": SECRET[15:]}))]),
    ("in two strings that overlap", [("the body", f"{SECRET[:18]} {SECRET[10:]}")]),
    ("in three", [("the body", "|".join((SECRET[:9], SECRET[9:18], SECRET[18:])))]),
    ("in two, with escapes", [("the body", SECRET[:15].replace("e", "\\u0065") + '","' + SECRET[15:])]),
]


@pytest.mark.parametrize("texts", [texts for _, texts in PIECES], ids=[name for name, _ in PIECES])
def test_a_secret_in_pieces_is_noticed_and_taken_out(texts):
    redactor = Redactor([SECRET])
    assert redactor.leaks(texts) == ("several places, in pieces",)
    for _, text in texts:
        assert redactor.leaks([("left", redactor.text(text))]) == ()
        assert SECRET[15:23] not in redactor.text(text)
    # Pieces are taken out from now on, but alone they are no leak.
    assert redactor.leaks(texts[:1]) == (("several places, in pieces",) if len(texts) == 1 else ())


SOUND = {
    "its beginning and end": f"{SECRET[:10]}…{SECRET[-4:]}",
    "long beginning and end": f"{SECRET[:12]}…{SECRET[-10:]}",
    "stars": f"{SECRET[:8]}{'*' * 17}{SECRET[-4:]}",
    "its beginning alone": SECRET[:20],
    "its end alone": SECRET[-20:],
    "another with its beginning": SECRET[:14] + "somebody-else",
    "its digest": hashlib.sha256(SECRET.encode()).hexdigest(),
}


@pytest.mark.parametrize("text", SOUND.values(), ids=SOUND)
def test_a_masked_secret_is_no_leak(text):
    redactor = Redactor([SECRET])
    assert redactor.leaks([("the body", text), ("header a", text)]) == ()
    assert redactor.text(text) == text


def test_what_the_request_gave_is_no_leak():
    redactor = Redactor(["conformance-test-key"])
    redactor.learn("conformanc")
    key = "conformance-1a2b3c4d-5e6f7a8b-1"
    assert redactor.leaks([("the body", f'{{"idempotencyKey":"{key}"}}')], key) == ()
    assert redactor.leaks([("the body", f'{{"idempotencyKey":"{key}","a":"test-key"}}')], key) == ()
    assert redactor.leaks([("the body", "conformance-test-key")], key) == ("the body",)


def test_reason_and_header_names_hold_no_secret():
    headers = ((f"X-{SECRET}", "a"), ("X-Half", SECRET.upper()))
    kept = Redactor([SECRET]).exchange(
        Exchange(Request(target="/"), Answer(400, f"Bad {SECRET}", headers, b"", 0.0), None, 0, 1, 0)
    )
    assert SECRET.lower() not in repr(kept).lower()


def test_a_place_that_is_named_holds_no_secret():
    assert SECRET not in repr(Redactor([SECRET]).leaks([(f"header {SECRET}", SECRET)]))


def test_halves_in_hexadecimal_are_told():
    text = SECRET.encode().hex()
    parts = [("header x-high", text[:28]), ("header x-low", text[28:])]
    assert Redactor([SECRET]).leaks(parts) == ("several places, in pieces",)
    assert Redactor([SECRET]).leaks(parts[:1]) == ()


@pytest.mark.parametrize(
    "shown", [f"{SECRET[:7]}...{SECRET[-4:]}", f"{SECRET[:7]}{'*' * 18}{SECRET[-4:]}", f"...{SECRET[-4:]}", SECRET[:14]]
)
def test_a_masked_key_is_no_leak(shown):
    redactor = Redactor([SECRET])
    redactor.learn(f"{SECRET} x")
    assert redactor.leaks([("the body", shown)]) == ()


@pytest.mark.parametrize("at", range(57))
def test_a_secret_is_found_wherever_a_line_of_base64_ends(at):
    redactor = Redactor([SECRET])
    text = base64.encodebytes(b"x" * at + SECRET.encode() + b"y" * 60).decode()
    assert redactor.leaks([("the body", text)]) == ("the body",)
    assert REDACTED in redactor.text(text)
    assert redactor.leaks([("what is left", redactor.text(text))]) == ()


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ("hunter2-secret1", False),
        ("a1b2c3d4", False),
        ("correcthorsebatterystaple", False),
        ("production", True),
        ("a1b2c3d", True),
    ],
    ids=["15 characters", "8 characters", "25 letters", "a word", "7 characters"],
)
def test_a_gateways_value_is_taken_out_unless_it_may_be_a_word(value, kept):
    redactor = Redactor([SECRET], [("X-Gate", value)])
    assert redactor.text(f"sent {value} to") == f"sent {value if kept else REDACTED} to"
    assert redactor.leaks([("the body", value)]) == ()
    sent = redactor.request(Request(target="/", headers=(("x-gate", value.encode()),)))
    assert sent.headers == (("x-gate", REDACTED.encode()),)


def test_what_is_concealed_is_taken_out_and_is_no_leak():
    redactor, digest = Redactor([SECRET]), hashlib.sha256(SECRET.encode()).hexdigest()
    redactor.conceal(digest)
    assert redactor.text(digest) == REDACTED
    assert redactor.leaks([("the body", digest)]) == ()


def test_a_text_without_a_secret_is_its_characters_alone():
    problem = Redactor(["tr_dev_secret_key"]).text(Problem("expected 200, got 500", "status"))
    assert (type(problem), problem) == (str, "expected 200, got 500"), "a Problem does not travel between processes"
