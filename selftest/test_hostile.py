"""The suite survives hostile servers: some of the catalogue here, all of it by ``make hostile``."""

import pytest

from selftest.hostile import SERVERS, attempt, leaking

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


@pytest.mark.parametrize("form", ["tr_dev_hostile/Secret+Key_8417", "\\u0074r_dev_hostile/Secret+Key_8417",
                                  "tr%5Fdev_hostile%2FSecret+Key_8417", "&#116;r_dev_hostile/Secret+Key_8417"])  # fmt: skip
def test_a_credential_in_a_report_would_be_seen(form):
    assert leaking({"report.html": f"<p>{form}</p>".encode()}) == ("report.html",)
    assert leaking({"report.html": b"<p>tr_dev_host...8417</p>"}) == ()
