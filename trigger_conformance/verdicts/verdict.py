"""From what the checks found to verdicts, and from verdicts to the run's own: pure rules, no I/O."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum, StrEnum

from trigger_conformance.checks.requirement import Level


class Verdict(StrEnum):
    """The verdict of one check."""

    PASSED = "passed"
    VIOLATED = "violated"
    WARNED = "warned"
    INCONCLUSIVE = "inconclusive"
    SKIPPED = "skipped"
    OBSERVED = "observed"
    WAIVED = "waived"


# What a check comes to that found something wrong which nothing excuses.
BROKEN = (Verdict.VIOLATED, Verdict.WARNED)


class Overall(StrEnum):
    """The verdict of a run."""

    CONFORMANT = "conformant"
    NON_CONFORMANT = "non-conformant"
    INCONCLUSIVE = "inconclusive"


class ExitStatus(IntEnum):
    """What the process tells the shell."""

    CONFORMANT = 0
    NON_CONFORMANT = 1
    INTERRUPTED = 2
    SUITE_ERROR = 3
    USAGE = 4
    NOTHING_SELECTED = 5
    INCONCLUSIVE = 6

    @property
    def meaning(self) -> str:
        """What to tell a reader, in one sentence or two."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitStatus.CONFORMANT: "Conformant: every MUST was seen to hold, but for those that were skipped.",
    ExitStatus.NON_CONFORMANT: (
        "Non-conformant: a MUST is violated (under --strict a SHOULD too), or an entry of the waivers file is no "
        "longer true. `report --compare` ends so where anything got worse, `verify` where an archive is rejected, "
        "`clean` where something is left."
    ),
    ExitStatus.INTERRUPTED: "Interrupted (Ctrl-C, SIGTERM): what was decided until then is in the reports.",
    ExitStatus.SUITE_ERROR: "An error in the suite itself: please report it.",
    ExitStatus.USAGE: "An option, a file or a variable cannot be used; the line on stderr says which, and the remedy.",
    ExitStatus.NOTHING_SELECTED: "The options select no requirement.",
    ExitStatus.INCONCLUSIVE: (
        "Inconclusive: nothing is violated, but a MUST could not be decided: the target is unreachable, refused the "
        "key, or a budget is spent; or all that was selected was skipped. Never a pass. `clean` ends so where the "
        "target could not be asked."
    ),
}


class Ending(StrEnum):
    """How a check came to its end."""

    HELD = "held"
    BROKEN = "broken"
    BLOCKED = "blocked"
    UNGROUNDED = "ungrounded"
    NOT_APPLICABLE = "not applicable"
    CRASHED = "crashed"


_WITHOUT_JUDGEMENT = {
    Ending.BLOCKED: Verdict.INCONCLUSIVE,
    Ending.UNGROUNDED: Verdict.INCONCLUSIVE,
    Ending.CRASHED: Verdict.INCONCLUSIVE,
    Ending.NOT_APPLICABLE: Verdict.SKIPPED,
}


def verdict_of(ending: Ending, level: Level, *, strict: bool) -> Verdict:
    """The verdict of a check of ``level`` that came to ``ending``; under ``strict`` a SHOULD counts as a MUST."""
    if ending in _WITHOUT_JUDGEMENT:
        return _WITHOUT_JUDGEMENT[ending]
    if level is Level.INFO:
        return Verdict.OBSERVED
    if ending is Ending.HELD:
        return Verdict.PASSED
    binding = level is Level.MUST or strict
    return Verdict.VIOLATED if binding else Verdict.WARNED


@dataclass(frozen=True)
class Decision:
    """One requirement's level and verdict: all that the overall verdict depends on."""

    level: Level
    verdict: Verdict


def overall(decisions: Iterable[Decision], *, strict: bool) -> Overall:
    """The run's verdict: any violation decides; else every MUST (under ``strict`` every SHOULD) must be decided.

    Where every requirement was skipped or is undecided nothing was seen, which is no pass.
    """
    decisions = list(decisions)
    if all(decision.verdict in (Verdict.SKIPPED, Verdict.INCONCLUSIVE) for decision in decisions):
        return Overall.INCONCLUSIVE
    if any(decision.verdict is Verdict.VIOLATED for decision in decisions):
        return Overall.NON_CONFORMANT
    binding = (Level.MUST, Level.SHOULD) if strict else (Level.MUST,)
    if any(decision.verdict is Verdict.INCONCLUSIVE and decision.level in binding for decision in decisions):
        return Overall.INCONCLUSIVE
    return Overall.CONFORMANT


def exit_status(
    verdict: Overall, *, interrupted: bool, crashed: bool, selected: bool, wrong_waivers: bool = False
) -> ExitStatus:
    """What a run ends with.

    A violation that was seen stands even if another check crashed, which every report says first; without one, a crash
    means that the suite itself cannot be trusted. A waiver that is no longer true fails the run as a violation does.
    """
    if interrupted:
        return ExitStatus.INTERRUPTED
    if verdict is Overall.NON_CONFORMANT or wrong_waivers:
        return ExitStatus.NON_CONFORMANT
    if crashed:
        return ExitStatus.SUITE_ERROR
    if not selected:
        return ExitStatus.NOTHING_SELECTED
    return ExitStatus.CONFORMANT if verdict is Overall.CONFORMANT else ExitStatus.INCONCLUSIVE
