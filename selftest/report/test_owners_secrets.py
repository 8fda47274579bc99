"""The values that a target held before a run stand in nothing that the run tells or writes, however it comes out."""

import base64
import html
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selftest.conftest import keys, reference
from selftest.runs.test_left_behind import OWNERS_OWN, Owner
from tests.create_environment_variable.values import difference

OPERATION = "create_environment_variable"
SECRETS = {
    **OWNERS_OWN,
    "MULTILINE_KEY": "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQ\n-----END PRIVATE KEY-----",
    "QUOTED": 'the "owner\'s" <secret> & ümlaut',
    "LONG": "long-secret " * 500,
}
SERVERS = {
    "a sound one": "",
    "one that shows the environment with every create": "variants.creates_show_the_environment",
    "one that tells strangers": "list_and_delete.shows_variables_to_all",
}


def spellings(secret):
    """A secret as texts, JSON, pages and evidence may have it."""
    raw = json.dumps(secret)[1:-1]
    ways = {secret, raw, json.dumps(secret, ensure_ascii=False)[1:-1], json.dumps(raw)[1:-1], html.escape(secret)}
    return {each.encode() for each in ways} | {base64.b64encode(secret.encode())}


@pytest.mark.parametrize("behaviour", SERVERS.values(), ids=SERVERS)
def test_no_value_of_the_owners_is_told(behaviour, command):
    telling = [each for each in SECRETS.values() if len(each) > 8]
    with reference(behaviour) as server:
        Owner(OPERATION, server).make(SECRETS)
        line = (f"--base-url={server.base_url}", *server.run_options, f"--only={OPERATION}")
        whole = command("run", *line, **keys(server))
    told = {"the terminal": (whole.output + whole.errors).encode(), **whole.files()}
    assert len(told) > 6, whole.errors
    found = {(where, secret[:20]) for where, text in told.items() for secret in telling
             if any(each in text for each in spellings(secret))}  # fmt: skip
    assert found == set()


@given(st.text(min_size=5), st.text(min_size=5))
def test_how_values_differ_is_told_without_them(sent, shown):
    told = difference(sent, shown) or ""
    assert not any(each in told for each in (sent, shown) if not each.isascii())
