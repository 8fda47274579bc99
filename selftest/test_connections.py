"""Connections: who shares one, and that no check but the one on connections depends on it."""

import re
from collections import defaultdict

import pytest

from selftest.canned import answer, canned
from selftest.conftest import at, keys, reference
from selftest.test_wire import KEY, OK, connect  # noqa: F401  (a fixture)

ON_ONE = "create_batch.authentication.requests_on_one_connection_are_judged_by_themselves"
FAULTS = ("caches_header_values", "authenticates_connections", "refuses_connections")


@pytest.fixture
def listener():
    """A server that keeps what each connection carried: the Authorization values, in order."""
    carried = defaultdict(list)

    def respond(request, _number, connection):
        found = re.search(rb"(?i)authorization: ([^\r]*)", request)
        carried[connection].append(found[1].decode() if found else None)
        return OK

    with canned(respond) as base_url:
        yield base_url, carried


def test_requests_in_turn_share_one_connection(connect, listener):  # noqa: F811
    base_url, carried = listener
    api = connect(base_url)
    wrong = api.credential("Bearer wrong")
    exchanges = api.send_in_turn([api.order(), api.order(authorization=wrong), api.order()])
    assert list(carried.values()) == [[f"Bearer {KEY}", "Bearer wrong", f"Bearer {KEY}"]]
    assert len({each.connection for each in exchanges}) == 1
    assert exchanges[0].connection > 0


def test_a_connection_that_the_target_closes_is_seen_to_be_another(connect):  # noqa: F811
    with canned(lambda _request, number, _connection: answer("202 Accepted", b"{}", "Connection: close")) as base_url:
        api = connect(base_url)
        exchanges = api.send_in_turn([api.order(), api.order(), api.order()])
    assert [each.status for each in exchanges] == [202, 202, 202]
    assert len({each.connection for each in exchanges}) == 3


def test_what_is_no_plain_right_key_has_a_connection_of_its_own(connect, listener):  # noqa: F811
    base_url, carried = listener
    api = connect(base_url, second_api_key="tr_prod_another_key")
    others = [api.credential("Bearer wrong"), api.credential(f"bearer {KEY}"), api.second_bearer]
    for other in others:
        api.send_all([api.order(), api.order(authorization=other), api.order()])
        api.send(api.order(authorization=other))
        api.send(api.order())
    assert all(set(values) == {f"Bearer {KEY}"} or len(values) == 1 for values in carried.values())
    assert max(len(values) for values in carried.values()) > 1


@pytest.mark.parametrize("profile", ["smoke", "standard"])
@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_connection_remembers_is_found_by_one_check_alone(command, fault, profile):
    with reference(f"authentication.{fault}") as server:
        ran = command(*at(server, f"--profile={profile}"), **keys(server))
    assert [name for name, verdict in ran.verdicts.items() if verdict in ("violated", "warned")] == [ON_ONE]


def test_a_target_that_keeps_no_connection_is_not_blamed(command):
    with reference("variants.connections_close") as server:
        ran = command(*at(server, "--profile=smoke"), **keys(server))
    assert (ran.status, ran.verdicts[ON_ONE]) == (0, "skipped")
