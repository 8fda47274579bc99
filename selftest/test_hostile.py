"""The suite survives hostile servers: some of the catalogue here, all of it by ``make hostile``."""

import pytest

from selftest.hostile import KEY, SERVERS, attempt, leaking

KINDS = [
    "trickles_for_ever",
    "gzip_bomb_in_gzip",
    "nested_900_deep",
    "limits_of_5000_digits",
    "surrogates",
    "token_flood",
    "echo_as_json_escapes",
    "echo_in_the_reason",
]


@pytest.mark.parametrize("name", KINDS)
def test_a_hostile_server_is_survived(name):
    survived = attempt(name)
    assert survived.problems == [], survived.output[-3000:]


def test_every_hostile_server_says_in_a_sentence_what_it_does():
    assert len(SERVERS) >= 60
    assert all((server.__doc__ or "").endswith(".") for server in SERVERS.values())


FORMS = [KEY, KEY.replace("t", "\\u0074"), KEY.replace("_", "%5F"), KEY.replace(".", "&#46;"), KEY.upper()]


@pytest.mark.parametrize("form", FORMS)
def test_a_credential_in_a_report_would_be_seen(form):
    assert leaking({"report.html": f"<p>{form}</p>".encode()}) == ("report.html",)
    assert leaking({"report.html": f"<p>{KEY[:10]}...{KEY[-4:]}</p>".encode()}) == ()
