"""Requirements, and how a check declares the one it decides: ``@must``, ``@should``, ``@info``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, TypeVar

Check = TypeVar("Check", bound=Callable[..., Any])


class Level(StrEnum):
    """How binding a requirement is (normative reading, "Levels")."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    INFO = "INFO"


class Profile(IntEnum):
    """How much a run sends; each profile contains the ones before it."""

    SMOKE = 0
    STANDARD = 1
    THOROUGH = 2
    SOAK = 3


class Stage(IntEnum):
    """When in a run a check has its turn.

    HAND_WRITTEN checks decide first, GENERATED ones take what budget is left, PRESS provokes the rate limit when
    nothing else is running, CLOSING judges all that the run has seen. REMOVING takes back what was made, so that
    nobody looks for it any more.
    """

    HAND_WRITTEN = 0
    GENERATED = 1
    PRESS = 2
    CLOSING = 3
    REMOVING = 4


@dataclass(frozen=True)
class Requirement:
    """One normative statement and the check that decides it.

    ``clause`` is a name that ``Contract.clause`` knows, ``profile`` the smallest profile that runs the check, ``cases``
    what its requests have in common whose labels tell them apart, such as "a forged token".
    """

    id: str
    level: Level
    statement: str
    clause: str
    profile: Profile
    stage: Stage
    cases: str = ""

    @property
    def area(self) -> str:
        """The id without its last part: "operation.area"."""
        return self.id.rpartition(".")[0]

    @property
    def operation(self) -> str:
        """The operation that it is a requirement of; of every operation's it is the folder's name."""
        return self.id.partition(".")[0]


def requirement_of(check: Callable[..., Any]) -> Requirement | None:
    """The requirement that ``check`` declares, if it declares one."""
    return getattr(check, "__requirement__", None)


def _identify(check: Callable[..., Any]) -> str:
    operation, area = check.__module__.split(".")[-2:]
    return ".".join((operation, area.removeprefix("test_"), check.__name__.removeprefix("test_")))


def _declare(level: Level) -> Callable[..., Callable[[Check], Check]]:
    def declare(
        statement: str,
        *,
        clause: str,
        profile: Profile = Profile.STANDARD,
        stage: Stage = Stage.HAND_WRITTEN,
        cases: str | None = None,
    ) -> Callable[[Check], Check]:
        def decorate(check: Check) -> Check:
            named = getattr(check, "__globals__", {}).get("CASES", "") if cases is None else cases
            requirement = Requirement(_identify(check), level, statement, clause, profile, stage, named)
            check.__requirement__ = requirement  # type: ignore[attr-defined]
            return check

        return decorate

    declare.__doc__ = (
        f"Declare that a check decides a {level} of the contract, resting on ``clause``. "
        "``cases`` is what a finding's title calls its labelled requests; a module's ``CASES`` is for all its checks."
    )
    return declare


must = _declare(Level.MUST)
should = _declare(Level.SHOULD)
info = _declare(Level.INFO)
