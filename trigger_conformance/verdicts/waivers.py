"""Waivers: known deviations that a user accepts, each with its reason and the day on which it ends.

A waived violation does not fail the run. An entry that has expired, or whose violation no longer occurs, fails the run
and says which line to remove.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import BROKEN, Verdict


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """One entry: the ``requirement``'s id, why its violation is accepted, until when; ``place`` is file and line.

    An entry without ``expires`` comes from a baseline, and nothing is demanded of it.
    """

    requirement: str
    reason: str
    expires: date | None = None
    link: str = ""
    place: str = ""


def applied(outcome: Outcome, waivers: Iterable[Waiver], today: date) -> Outcome:
    """``outcome``, or the same marked as waived where a waiver that is still good covers it."""
    good = (each for each in waivers if each.requirement == outcome.requirement.id and not expired(each, today))
    waiver = next(good, None)
    if waiver is None or outcome.verdict not in BROKEN:
        return outcome
    return replace(outcome, verdict=Verdict.WAIVED, waiver=_told(waiver))


def problems(outcomes: Iterable[Outcome], waivers: Iterable[Waiver], today: date) -> list[str]:
    """What is no longer true in the waivers file, a line each; what a run did not decide is not held against it."""
    verdicts = {outcome.requirement.id: outcome.verdict for outcome in outcomes}
    found = []
    for waiver in waivers:
        if expired(waiver, today):
            found.append(f"{waiver.place}: the waiver of {waiver.requirement} expired on {waiver.expires}: remove it")
        elif waiver.expires is not None and verdicts.get(waiver.requirement) is Verdict.PASSED:
            found.append(f"{waiver.place}: {waiver.requirement} is no longer violated: remove its waiver")
    return found


def expired(waiver: Waiver, today: date) -> bool:
    """Whether ``waiver`` holds no longer."""
    return waiver.expires is not None and waiver.expires < today


def _told(waiver: Waiver) -> dict[str, str | None]:
    expires = waiver.expires.isoformat() if waiver.expires else None
    return {"reason": waiver.reason, "link": waiver.link or None, "expires": expires}
