"""Which machine decides which requirement, where several share a run.

A requirement keeps its shard whatever else is selected, added or removed: its id alone decides. What presses the rate
limit stays together in the last shard. What judges all that was sent is judged in each, over what that one sent.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from trigger_conformance.checks.requirement import Profile, Requirement, Stage

_TEXT = re.compile(r"([1-9]\d{0,3})/([1-9]\d{0,3})")


@dataclass(frozen=True)
class Shard:
    """Part ``number`` of ``of`` (from 1)."""

    number: int
    of: int

    def __str__(self) -> str:
        return f"{self.number}/{self.of}"

    @property
    def presses(self) -> bool:
        """Whether this is the part that may provoke the rate limit."""
        return self.number == self.of

    def takes(self, requirement: Requirement, profile: Profile) -> bool:
        """Whether this part decides ``requirement``."""
        if everywhere(requirement, profile):
            return True
        if requirement.stage is Stage.PRESS:
            return self.presses
        digest = hashlib.sha256(requirement.id.encode()).digest()
        return int.from_bytes(digest[:8]) % self.of == self.number - 1


def everywhere(requirement: Requirement, profile: Profile) -> bool:
    """Whether every part decides ``requirement``: over all that it sent, or with generated cases of its own."""
    campaign = profile is Profile.SOAK and requirement.stage is Stage.GENERATED
    return campaign or requirement.stage >= Stage.CLOSING


def shard(text: str) -> Shard:
    """The part that ``text`` names, such as "2/4". Raises ValueError."""
    matched = _TEXT.fullmatch(text)
    if matched is None or int(matched[1]) > int(matched[2]):
        raise ValueError("I/N with I from 1 to N, such as 2/4")
    return Shard(int(matched[1]), int(matched[2]))
