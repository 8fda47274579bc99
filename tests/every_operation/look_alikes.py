"""One volley of all keys that software takes for each other, and what each requirement makes of its own rows of it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import ClassVar

from trigger_conformance.checks.expect import REJECTIONS, ViolationError, Wrong
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.operation import Operation
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Exchange

from . import keys
from .grounds import LONG_KEYS, PRINTABLE_KEYS, given_keys_taken
from .transformations import PLAIN, SLASH, Kind

MOST = 8
# Where so many kinds forget what they made, it is no matter of the keys.
MANY = 3


@dataclass(frozen=True)
class LookAlikes:
    """The table's kinds, and by label what each row's key was answered at first, and some when they came again.

    An operation's own says what its replays are: ``given_copies(replays, *firsts)``, ``expect_new(firsts)``; ``area``
    is where its requirements stand, and ``never_two`` the one that no key names two things.
    """

    area: ClassVar[str]
    never_two: ClassVar[str]
    operation: ClassVar[Operation]
    why_no_copy: ClassVar[Callable[[Exchange, Exchange], str | None]]

    kinds: list[Kind]
    firsts: dict[str, Exchange]
    replays: dict[str, Exchange]
    # Ids that several things have, each with a key of its own.
    given_twice: frozenset[str] = frozenset()

    @classmethod
    def sent(cls, target, kinds, again, brought=MappingProxyType({})):
        """Send the plain key, then all others, then the plain one and those of each kind that ``again`` picks.

        ``brought`` is what some were answered already, by their labels.
        """
        rows = {label: key for kind in kinds for label, key in kind.rows.items()}
        orders = {label: target.order(key=key, label=label) for label, key in rows.items() if label not in brought}
        plain = brought.get(PLAIN) or target.send(orders.pop(PLAIN))
        found = {**brought, PLAIN: plain, **dict(zip(orders, target.send_all(orders.values()), strict=True))}
        firsts = {label: found[label] for label in (PLAIN, *rows)}
        repeated = [PLAIN, *(label for kind in kinds for label in again(kind) if label != PLAIN)]
        repeated = [label for label in repeated if firsts[label].status == cls.operation.contract.success]
        answers = target.send_all(firsts[label].request for label in repeated)
        found = cls(kinds, firsts, dict(zip(repeated, answers, strict=True)))
        shared = {named for named, labels in found._by_thing().items() if len(labels) > 1}
        return replace(found, given_twice=frozenset(cls.seen_twice(target, shared))) if shared else found

    @classmethod
    def seen_twice(cls, target, named):  # noqa: ARG003  (not everywhere is there anything to look at)
        """Those of the ids ``named`` that several things are seen to have."""
        return ()

    def judge(self, check):
        """Whether the rows that the requirement ``check`` judges are keys of their own, and remembered.

        What several kinds have in common is the affair of the last one; the others rest on it.
        """
        mine = [label for kind in self.kinds if kind.check == check for label in kind.rows]
        needs = {label for kind in self.kinds if kind.check == check for label in kind.needs} - set(mine)
        if needs:
            given_keys_taken([self.firsts[label] for label in needs], self.area)
        shared = self._shared(mine)
        taken = [
            self.firsts[label] for label in mine if label not in shared and not self._is_refused(self.firsts[label])
        ]
        if check not in (PRINTABLE_KEYS, LONG_KEYS) and taken:
            taken = given_keys_taken(taken, self.area)
        if taken or not shared:
            self.expect_new(taken)
        self._judge_replays([label for label in mine if label in self.replays and label not in shared])
        # What others look like is nothing of its own.
        if elsewhere := sorted({owner for label, owner in shared.items() if label not in (PLAIN, SLASH)}):
            rests(
                elsewhere[0],
                f"keys of another kind got one {self.operation.thing}",
                [self.firsts[each] for each in shared],
            )

    def _shared(self, mine):
        """Those of ``mine`` whose thing other rows have too, and who answers for it; raises for our own."""
        found = {}
        for named, labels in self._by_thing().items():
            if len(labels) == 1 or not set(labels) & set(mine):
                continue
            blamed = max(labels, key=list(self.firsts).index)
            if self._are_new(labels, named):
                owner = self.operation.ids_owner
            elif blamed in mine:
                self._blame(labels, named)
            else:
                owner = f"{self.area}.{next(kind.check for kind in self.kinds if blamed in kind.rows)}"
            found |= {label: owner for label in labels if label in mine}
        return found

    def _are_new(self, labels, named):
        """Whether each made what is ``named``, as is seen or as each says: no key was taken for another, but an id
        given twice.
        """
        if named in self.given_twice:
            return True
        firsts = [self.firsts[label] for label in labels]
        return all(self.operation.made(each) == named and self.operation.is_new(each) for each in firsts)

    def _blame(self, labels, named):
        message, evidence = self._one_thing(labels, named), self._evidence(labels, named)
        raise ViolationError(message, evidence, [Wrong(each, message, "id") for each in evidence])

    def _by_thing(self):
        named = {}
        for answers in (self.firsts, self.replays):
            for label, each in answers.items():
                if made := self.operation.made(each):
                    named.setdefault(made, {})[label] = None
        return {made: list(labels) for made, labels in named.items()}

    def _evidence(self, labels, named):
        every = [answers[label] for answers in (self.firsts, self.replays) for label in labels if label in answers]
        return sorted(every, key=lambda each: self.operation.made(each) != named)

    def _judge_replays(self, labels):
        if not labels:
            return
        named = self.operation.made
        made = {named(each) for each in self.firsts.values()}
        forgotten = {label for label, each in self.replays.items() if named(each) and named(each) not in made}
        first, plain = self.firsts[PLAIN], self.replays.get(PLAIN)
        if PLAIN in forgotten:
            self._rest_on(self.never_two, forgotten)
        # Replays only confirm what was seen: where the plain key's do not work, the others say nothing.
        if plain is None or (type(self).why_no_copy(plain, first) and named(plain) not in made - {named(first)}):
            self.given_copies([plain or first], first)
            return
        if len({kind.check for kind in self.kinds if forgotten & set(kind.rows)}) >= MANY:
            self._rest_on(self.never_two, forgotten)
        replays, firsts = ([answers[label] for label in labels] for answers in (self.replays, self.firsts))
        self.given_copies(replays, *firsts)

    def _rest_on(self, check, labels):
        evidence = [self.replays.get(label) or self.firsts[label] for label in labels]
        rests(f"{self.area}.{check}", "replays do not find what was made", evidence)

    def _is_refused(self, exchange):
        """Whether a key was rejected that no server needs to take: one that cannot be printed, or is too long."""
        key = self.operation.key(exchange.request)
        return exchange.status in REJECTIONS and not (key.isprintable() and len(key) <= keys.LONGEST)

    def _one_thing(self, labels, named):
        names = "; ".join(labels[:MOST]) + (" …" if len(labels) > MOST else "")
        return f"{len(labels)} keys got one {self.operation.thing}, {quoted(named)}: {names}"
