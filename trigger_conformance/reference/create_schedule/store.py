"""Schedules, and what is kept of them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from trigger_conformance.reference.create_schedule.cron import Cron


@dataclass(frozen=True)
class Order:
    """What a valid request asks for; what it leaves out is None."""

    task: str
    cron: Cron
    key: str
    external_id: str | None = None
    timezone: str | None = None


@dataclass(frozen=True)
class Schedule:
    """A schedule of an environment."""

    id: str
    task: str
    cron: Cron
    key: str
    external_id: str | None
    timezone: str


class Schedules(dict[str, Schedule]):
    """An environment's schedules, by what their deduplication keys are remembered as, in the order of their making."""


def new_schedule_id() -> str:
    """A friendly id that no other schedule has."""
    return f"sched_{secrets.token_hex(12)}"
