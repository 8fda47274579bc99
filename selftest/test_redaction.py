"""No credential in anything that is written, in whatever form it comes back."""

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trigger_conformance.wire.exchange import Answer, Exchange, Request
from trigger_conformance.wire.redaction import NO_SIGNATURE, REDACTED, Redactor

SECRET = "tr_dev_Marker/Secret+Key=1234"
FORMS = {
    "plain": SECRET,
    "percent-encoded": quote(SECRET, safe=""),
    "percent-encoded, but for slashes": quote(SECRET),
    "in base64": base64.b64encode(SECRET.encode()).decode(),
    "in base64url": base64.urlsafe_b64encode(SECRET.encode()).decode(),
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
    leaks = Redactor([SECRET]).leaks({"the body": f"x{form}y", "header date": "today"})
    assert leaks == ("the body",)


@given(st.binary(max_size=5), st.binary(max_size=5))
def test_a_secret_is_found_in_base64_at_any_offset(before, after):
    encoded = base64.b64encode(before + SECRET.encode() + after).decode()
    assert Redactor([SECRET]).leaks({"body": encoded}) == ("body",)


def test_what_holds_no_secret_stays_as_it_is():
    redactor = Redactor([SECRET])
    assert redactor.text("tr_dev_Other/Secret") == "tr_dev_Other/Secret"
    assert redactor.leaks({"body": "tr_dev_Other"}) == ()


def test_a_secret_that_is_learnt_later_is_taken_out_too():
    redactor = Redactor()
    redactor.learn("another-secret-value")
    assert redactor.text("x another-secret-value") == f"x {REDACTED}"


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
