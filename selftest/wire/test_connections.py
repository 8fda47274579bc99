"""Connections: what a target keeps of one is found by one check alone, and decides no other."""

import pytest

from selftest.conftest import at, keys, reference

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
