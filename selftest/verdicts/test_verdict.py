"""From endings to verdicts to exit statuses: every rule of the reading's "Verdicts"."""

from itertools import product

import pytest

from trigger_conformance.checks.requirement import Level
from trigger_conformance.verdicts.verdict import (
    Decision,
    Ending,
    ExitStatus,
    Overall,
    Verdict,
    exit_status,
    overall,
    verdict_of,
)


@pytest.mark.parametrize(
    ("ending", "level", "strict", "verdict"),
    [
        (Ending.HELD, Level.MUST, False, Verdict.PASSED),
        (Ending.HELD, Level.SHOULD, False, Verdict.PASSED),
        (Ending.HELD, Level.SHOULD, True, Verdict.PASSED),
        (Ending.HELD, Level.INFO, False, Verdict.OBSERVED),
        (Ending.BROKEN, Level.MUST, False, Verdict.VIOLATED),
        (Ending.BROKEN, Level.MUST, True, Verdict.VIOLATED),
        (Ending.BROKEN, Level.SHOULD, False, Verdict.WARNED),
        (Ending.BROKEN, Level.SHOULD, True, Verdict.VIOLATED),
        (Ending.BROKEN, Level.INFO, False, Verdict.OBSERVED),
        (Ending.BROKEN, Level.INFO, True, Verdict.OBSERVED),
        (Ending.NOT_APPLICABLE, Level.MUST, True, Verdict.SKIPPED),
        (Ending.NOT_APPLICABLE, Level.INFO, False, Verdict.SKIPPED),
    ],
)
def test_an_ending_becomes_a_verdict(ending, level, strict, verdict):
    assert verdict_of(ending, level, strict=strict) is verdict


@pytest.mark.parametrize(
    ("ending", "level", "strict"), list(product([Ending.BLOCKED, Ending.CRASHED], Level, [False, True]))
)
def test_what_could_not_see_is_inconclusive(ending, level, strict):
    assert verdict_of(ending, level, strict=strict) is Verdict.INCONCLUSIVE


def decisions(*pairs):
    return [Decision(level, verdict) for level, verdict in pairs]


@pytest.mark.parametrize(
    ("found", "strict", "verdict"),
    [
        ([], False, Overall.INCONCLUSIVE),
        ([(Level.MUST, Verdict.SKIPPED), (Level.INFO, Verdict.SKIPPED)], False, Overall.INCONCLUSIVE),
        ([(Level.MUST, Verdict.SKIPPED), (Level.INFO, Verdict.OBSERVED)], False, Overall.CONFORMANT),
        ([(Level.MUST, Verdict.SKIPPED), (Level.SHOULD, Verdict.INCONCLUSIVE)], False, Overall.INCONCLUSIVE),
        ([(Level.MUST, Verdict.PASSED), (Level.SHOULD, Verdict.INCONCLUSIVE)], False, Overall.CONFORMANT),
        ([(Level.MUST, Verdict.PASSED), (Level.SHOULD, Verdict.WARNED)], False, Overall.CONFORMANT),
        ([(Level.MUST, Verdict.VIOLATED), (Level.MUST, Verdict.INCONCLUSIVE)], False, Overall.NON_CONFORMANT),
        ([(Level.MUST, Verdict.INCONCLUSIVE), (Level.MUST, Verdict.VIOLATED)], False, Overall.NON_CONFORMANT),
        ([(Level.MUST, Verdict.PASSED), (Level.MUST, Verdict.INCONCLUSIVE)], False, Overall.INCONCLUSIVE),
        ([(Level.MUST, Verdict.PASSED), (Level.SHOULD, Verdict.INCONCLUSIVE)], True, Overall.INCONCLUSIVE),
        ([(Level.MUST, Verdict.PASSED), (Level.INFO, Verdict.INCONCLUSIVE)], True, Overall.CONFORMANT),
        ([(Level.MUST, Verdict.SKIPPED), (Level.MUST, Verdict.WAIVED)], False, Overall.CONFORMANT),
        ([(Level.SHOULD, Verdict.VIOLATED)], True, Overall.NON_CONFORMANT),
    ],
)
def test_the_runs_verdict(found, strict, verdict):
    assert overall(decisions(*found), strict=strict) is verdict


@pytest.mark.parametrize(
    ("verdict", "circumstances", "status"),
    [
        (Overall.CONFORMANT, {}, ExitStatus.CONFORMANT),
        (Overall.NON_CONFORMANT, {}, ExitStatus.NON_CONFORMANT),
        (Overall.INCONCLUSIVE, {}, ExitStatus.INCONCLUSIVE),
        (Overall.NON_CONFORMANT, {"crashed": True}, ExitStatus.NON_CONFORMANT),
        (Overall.CONFORMANT, {"crashed": True}, ExitStatus.SUITE_ERROR),
        (Overall.INCONCLUSIVE, {"crashed": True}, ExitStatus.SUITE_ERROR),
        (Overall.CONFORMANT, {"selected": False}, ExitStatus.NOTHING_SELECTED),
        (Overall.NON_CONFORMANT, {"interrupted": True}, ExitStatus.INTERRUPTED),
        (Overall.CONFORMANT, {"interrupted": True, "crashed": True}, ExitStatus.INTERRUPTED),
    ],
)
def test_the_exit_status(verdict, circumstances, status):
    usual = {"interrupted": False, "crashed": False, "selected": True}
    assert exit_status(verdict, **{**usual, **circumstances}) is status


def test_exit_statuses_are_the_documented_numbers():
    assert {status.name: int(status) for status in ExitStatus} == {
        "CONFORMANT": 0, "NON_CONFORMANT": 1, "INTERRUPTED": 2, "SUITE_ERROR": 3, "USAGE": 4, "NOTHING_SELECTED": 5,
        "INCONCLUSIVE": 6,
    }  # fmt: skip
