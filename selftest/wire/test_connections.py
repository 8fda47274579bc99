"""Connections: what a target keeps of one is found by one check alone, and decides no other."""

import time

import pytest

from selftest.canned import answer, canned
from selftest.conftest import at, keys, reference
from selftest.wire.test_wire import connect  # noqa: F401
from trigger_conformance.wire.budget import Budget

ON_ONE = "create_batch.authentication.requests_on_one_connection_are_judged_by_themselves"
FAULTS = ("caches_header_values", "authenticates_connections", "refuses_connections")


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


OK = answer("202 Accepted", b'{"id":"batch_1","runCount":1,"isCached":false}')
AMPLE = Budget(requests=500, runs=1000, seconds=60)


def nth_on_each(respond):
    """Responds by the number of the request on its connection, from 1."""
    seen = {}

    def numbered(_request, _number, connection):
        seen[connection] = seen.get(connection, 0) + 1
        return respond(seen[connection], connection)

    return numbered


def test_what_is_dropped_on_a_connection_that_was_idle_is_lost_and_paid_for(connect):  # noqa: F811
    arrived = []

    def respond(nth, _connection):
        arrived.append(nth)
        return OK if nth == 1 else None

    with canned(nth_on_each(respond)) as base_url:
        api = connect(base_url, AMPLE)
        exchanges = [api.create() for _ in range(20)]
    assert len(arrived) == api.wire.ledger.requests == 20
    assert [each.status for each in exchanges] == [202, None, *[202] * 18]


def test_a_target_that_closes_idle_connections_unannounced_is_not_blamed_for_what_that_meets(connect):  # noqa: F811
    def respond(nth, connection):
        connection.sendall(OK)
        if nth == 3:
            # The next request is likely to have left by now.
            time.sleep(0.005)
            return None
        return b""

    with canned(nth_on_each(respond)) as base_url:
        api = connect(base_url, AMPLE)
        exchanges = [api.create() for _ in range(100)]
    assert sum(each.failure is not None for each in exchanges) <= 1


def test_an_end_that_has_arrived_is_seen_before_a_request_leaves(connect):  # noqa: F811
    with canned(nth_on_each(lambda _, connection: connection.sendall(OK))) as base_url:
        api = connect(base_url, AMPLE)
        for _ in range(20):
            assert api.create().status == 202
            # The event loop does not run meanwhile, so it has not heard of it.
            time.sleep(0.01)
