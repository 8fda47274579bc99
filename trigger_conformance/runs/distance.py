"""How far away a target is: whether a run waits for answers more than it computes, and may have several lanes."""

from __future__ import annotations

import os

from trigger_conformance.checks.expect import InconclusiveError
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.options.settings import Settings
from trigger_conformance.options.target import usual_budget
from trigger_conformance.runs.station import Station
from trigger_conformance.wire.ledger import BudgetSpentError
from trigger_conformance.wire.pace import MOST_LANES

LANES = 4
# Of a round trip, in seconds: below it a run computes more than it waits.
_FAR = 0.01
# A target that serves one connection at a time makes the last of four wait four times as long as the first.
_SIDE_BY_SIDE = 2.0
_MANY = 12


def is_far(station: Station, settings: Settings, operation: str, checks: int) -> bool:
    """Whether the target is far away and serves several connections at a time; asks it with a few plain requests.

    It is not asked for the sake of a few ``checks``. A run that must keep a pace or a tight limit, or whose budget may
    not last for all checks, has them in one order.
    """
    if checks < _MANY:
        return False
    station.begin(f"{operation}.preflight")
    likely = _may_have_lanes(settings) and not _is_limited(station) and _takes_long(station)
    if not station.wire.decide("may be far", int(likely)):
        return False
    return _serves_side_by_side(station)


def _may_have_lanes(settings: Settings) -> bool:
    usual, budget = usual_budget(settings.template.profile, settings.template.stated), settings.budget
    enough = budget.requests >= usual.requests and budget.runs >= usual.runs and not budget.per_second
    return enough and hasattr(os, "fork") and settings.workers == 1 and settings.template.profile is not Profile.SOAK


def _takes_long(station: Station) -> bool:
    took = [each.ended - each.started for each in station.ledger.exchanges() if each.answer is not None]
    return bool(took) and min(took) >= _FAR


def _serves_side_by_side(station: Station) -> bool:
    api = station.api
    try:
        answers = api.send_together([api.valid("one of several at once") for _ in range(LANES)])
    except (BudgetSpentError, InconclusiveError):
        return False
    took = [each.ended - each.started for each in answers]
    return all(each.answer for each in answers) and max(took) < _SIDE_BY_SIDE * min(took) and not _is_limited(station)


def _is_limited(station: Station) -> bool:
    return station.wire.lanes < MOST_LANES
