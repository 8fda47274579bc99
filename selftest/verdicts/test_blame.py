"""Who is blamed: one defect is told by the requirements that it breaks, and by no others."""

from dataclasses import replace

import pytest

from selftest.checks.test_telling import exchange
from selftest.conftest import at, keys, reference
from selftest.proof import Row
from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.expect import ViolationError
from trigger_conformance.runs import blame
from trigger_conformance.verdicts.verdict import Ending
from trigger_conformance.wire.exchange import Failure, FailureKind

FOUND = ("violated", "warned")
RUN_COUNT = {"run_count.out_of_range_is_rejected", "run_count.out_of_range_is_400"}
GENERATED = {"fuzzing.generated_invalid_requests_are_rejected"}
MISSING = {"authentication.missing_credential_is_refused"}
PAGES = {"acceptance.error_bodies_are_json", "acceptance.error_has_a_message"}
CASES = {
    # A batch was made; the request that was rejected beside it, with a key that is known, created nothing.
    "run_count.accepts_zero": {"smoke": RUN_COUNT, "standard": RUN_COUNT | GENERATED},
    "authentication.takes_missing_headers": {"smoke": MISSING, "standard": MISSING},
    # They are rejected; what the rejection looks like is told once.
    "acceptance.errors_are_html": {"smoke": PAGES, "standard": PAGES},
}


@pytest.mark.parametrize("profile", ["smoke", "standard"])
@pytest.mark.parametrize("fault", CASES)
def test_one_defect_is_told_by_what_it_breaks(command, fault, profile):
    with reference(fault) as server:
        # Without the press: what a 429 must look like is told of the 429 by a requirement of its own.
        line = [each for each in at(server, f"--profile={profile}") if each != "--press-rate-limit"]
        ran = command(*line, **keys(server))
    told = {name for name, verdict in ran.verdicts.items() if verdict in FOUND}
    assert told == {f"create_batch.{name}" for name in CASES[fault][profile]}


def test_nobody_is_blamed_for_answers_that_are_more_than_a_run_reads():
    unkept = replace(exchange(1), answer=None, failure=Failure(FailureKind.UNKEPT, "too much"))
    requirement = next(iter(catalogue()))
    found = blame._ending(ViolationError("lost", [unkept]), None, requirement)  # noqa: SLF001
    assert found[0] is Ending.BLOCKED
    assert "more than a run reads" in found[1]


@pytest.mark.parametrize(
    ("verdict", "caught", "undecided", "fine"),
    [
        ("conformant", ["a.one"], [], True),
        ("conformant", [], [], False),
        ("conformant", ["a.one", "a.two"], [], False),
        ("conformant", ["a.one"], ["a.three"], False),
        ("non-conformant", ["a.one"], [], False),
    ],
)
def test_a_variant_is_warned_of_what_it_says_and_of_nothing_else(verdict, caught, undecided, fine):
    row = Row("variants.x", "X.", (), 0, verdict, caught, undecided, 1.0, 800, warns=("a.one",))
    assert (row.complaint is None) is fine
