"""Variables that are removed: one alone, and one twice at once, while others are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from trigger_conformance.checks.client import JSON
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.wire.exchange import Exchange

from .client import Look
from .grounds import SUCCESS, given_accepted, given_found, key_of


def besides(target, name):
    """The name that is removed, and others that a delete may take for it; all have one value."""
    stem = name.removesuffix("_B1")
    names = {
        "one": name,
        "one beside it": f"{name}__BESIDE",
        "one with another letter for an underscore": f"{stem}AB1",
        "one in other letters": f"{stem}_b1",
    }
    return dict(list(names.items())[: target.pick(smoke=1, standard=4, thorough=4, thrifty=2)])


@dataclass(frozen=True)
class Gone:
    """What the removal of a variable was answered, and what is seen then: by its name and in the list.

    ``others`` are the names beside it; it is removed ``again``, made once more (``back``) and looked at.
    """

    answer: Exchange
    found: Exchange
    others: Sequence[str] = ()
    look: Look | None = None
    again: Exchange | None = None
    back: Exchange | None = None
    seen_again: Exchange | None = None
    listed_again: Look | None = None

    @property
    def name(self):
        """The name that was removed."""
        return self.answer.request.target.rpartition("/")[2]


def removed(target):
    """A variable that is removed, one beside it, and what is seen then; its name is used once more at the end."""
    given_found(target)
    name = f"{target.key()}_B1"
    made = target.send_all(target.order("before", each, label) for label, each in besides(target, name).items())
    given_accepted(made[:2])
    # What has been seen may be remembered for longer than it is there.
    target.send(target.at(name))
    answer, found = target.send(target.removal(name)), target.send(target.at(name))
    if target.profile is Profile.SMOKE:
        return Gone(answer, found)
    look, again = target.look(), target.send(target.removal(name))
    back = target.send(target.order("afterwards", name, "the removed name once more"))
    others = [key_of(each.request) for each in made if each.status == SUCCESS and key_of(each.request) != name]
    return Gone(answer, found, others, look, again, back, target.send(target.at(name)), target.look())


@dataclass(frozen=True)
class AtOnce:
    """Two removals of one variable, none where it is not there, and requests with different names beside them."""

    removals: list[Exchange]
    made: list[Exchange]


def at_once(target):
    """Send such in one volley; in two where the target's limit leaves no room for it."""
    removals = _removals(target, target.once(removed))
    wanted = target.pick(smoke=0, standard=3, thorough=16)
    is_one = target.wire.burst_size(len(removals) + wanted) >= len(removals) + wanted
    lanes = wanted if is_one else target.wire.burst_size(wanted)
    orders = [target.order(f"the value of lane {lane}", target.key(), f"lane {lane}") for lane in range(1, lanes + 1)]
    volleys = [[*removals, *orders]] if is_one else [removals, orders]
    answers = [answer for volley in volleys if volley for answer in target.send_together(volley)]
    return AtOnce(answers[: len(removals)], answers[len(removals) :])


def _removals(target, gone):
    """Two of the variable beside what is gone, the first as JSON clients send it: they say so without a body, too."""
    if not gone.listed_again or not any(gone.listed_again.having(gone.others[:1]).values()):
        return []
    name = gone.others[0]
    as_json = target.at(name, "DELETE", "a delete of a JSON client", content_type=JSON)
    return [as_json, target.removal(name)]
