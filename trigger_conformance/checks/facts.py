"""What a check may know of the target before it asks it anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from trigger_conformance.checks.requirement import Profile
from trigger_conformance.wire.destination import Destination


class Facts(Destination, Protocol):
    """What the user says of the target and of how it may be treated, beside the way to it; a ``Target`` tells it."""

    @property
    def second_api_key(self) -> str | None:
        """Another environment's credential."""

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        """What goes with every request."""

    @property
    def stated(self) -> Mapping[str, Any]:
        """What the user states of the target for the operations: by the names of their facts."""

    @property
    def profile(self) -> Profile:
        """How much is sent."""

    @property
    def run_id(self) -> str:
        """What the keys of this run have in common."""

    @property
    def press_rate_limit(self) -> bool:
        """Whether a 429 may be provoked."""

    @property
    def press_requests(self) -> int:
        """With how many requests at most."""

    @property
    def shared_key(self) -> bool:
        """Whether others use the credential meanwhile."""

    @property
    def idempotency_wait(self) -> float | None:
        """After how many seconds a key is replayed once more."""

    @property
    def stream(self) -> int:
        """Soak runs with different numbers generate different cases."""

    @property
    def example_database(self) -> str | None:
        """Where soak runs keep failing examples."""
