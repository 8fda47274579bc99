"""The vendor's own JavaScript client accepts the reference server, and trips over faulty ones."""

import json
import subprocess

import jwt
import pytest

from selftest.conftest import reference

LONGEST = 90
KEY = "real-client-1"
BODIES = [{"runCount": 3, "idempotencyKey": KEY}, {"runCount": 3, "idempotencyKey": KEY}, {"runCount": 1}]
TRIPPING = [
    "acceptance.is_cached_is_a_number",
    "acceptance.run_count_is_text",
    "acceptance.id_is_a_number",
    "acceptance.wraps_the_answer",
    "acceptance.key_is_null_when_none_was_sent",
    "acceptance.demands_a_key",
    "idempotency.ignores_keys",
]


def created(node, server, bodies, api_key=None):
    """What the client makes of the answers to ``bodies``."""
    order = {"baseURL": server.base_url, "accessToken": api_key or server.settings.api_key, "bodies": bodies}
    ended = subprocess.run(
        ["node", str(node / "create.mjs")], input=json.dumps(order), capture_output=True, text=True, timeout=LONGEST,
        check=True,
    )  # fmt: skip
    return json.loads(ended.stdout)


def check(told):
    """What a user of the client relies on."""
    assert [each["statuses"] for each in told] == [[202], [202], [202]], told
    first, replay, keyless = (each["batch"] for each in told)
    assert (first["runCount"], first["isCached"], first["idempotencyKey"]) == (3, False, KEY)
    assert (replay["runCount"], replay["isCached"], replay["id"]) == (3, True, first["id"])
    assert (keyless["runCount"], keyless["isCached"], "idempotencyKey" in keyless) == (1, False, False)
    assert keyless["id"] != first["id"]
    for batch in (first, replay, keyless):
        claims = jwt.decode(batch["publicAccessToken"], options={"verify_signature": False})
        assert f"read:batch:{batch['id']}" in claims["scopes"]


def test_the_client_creates_a_batch_and_reads_it_back(node):
    with reference() as server:
        check(created(node, server, BODIES))


@pytest.mark.parametrize("fault", TRIPPING)
def test_the_client_trips_over_a_faulty_server(node, fault):
    with reference(fault) as server, pytest.raises((AssertionError, KeyError)):
        check(created(node, server, BODIES))


def test_the_client_waits_a_429_out(node):
    with reference("variants.tightly_limited") as server:
        told = created(node, server, [{"runCount": 1} for _ in range(40)])
    limited = [each["statuses"] for each in told if 429 in each["statuses"]]
    assert limited, "nothing was limited, so nothing was seen"
    assert all(statuses[-1] == 202 for statuses in limited)
    assert all("batch" in each for each in told)


def test_the_client_is_told_of_a_wrong_key_and_of_a_wrong_body(node):
    with reference() as server:
        refused = created(node, server, BODIES[:1], api_key="tr_dev_no_such_key")
        rejected = created(node, server, [{"runCount": 0}])
    assert (refused[0]["statuses"], refused[0]["error"]["status"]) == ([401], 401)
    assert rejected[0]["error"]["status"] == rejected[0]["statuses"][0] in (400, 422)
