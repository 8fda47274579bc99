"""One volley of all keys that software takes for each other, and what each requirement makes of its own rows of it."""

from dataclasses import dataclass

from trigger_conformance.checks.expect import (
    REJECTIONS,
    InconclusiveError,
    ViolationError,
    expect,
    given,
    why_no_copy,
)
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Exchange

from . import keys
from .transformations import PLAIN, SLASH, Kind

AREA = "create_batch.idempotency"
MOST = 8
# Where so many kinds forget what they made, it is no matter of the keys.
MANY = 3


@dataclass(frozen=True)
class LookAlikes:
    """The table's kinds, and by label what each row's key was answered at first, and some when they came again."""

    kinds: list[Kind]
    firsts: dict[str, Exchange]
    replays: dict[str, Exchange]

    @classmethod
    def sent(cls, target, kinds, again):
        """Send the plain key, then all others, then the plain one and those of each kind that ``again`` picks."""
        rows = {label: key for kind in kinds for label, key in kind.rows.items()}
        orders = {label: target.order(key=key, label=label) for label, key in rows.items()}
        plain = target.send(orders.pop(PLAIN))
        firsts = {PLAIN: plain, **dict(zip(orders, target.send_all(orders.values()), strict=True))}
        repeated = [PLAIN, *(label for kind in kinds for label in again(kind) if label != PLAIN)]
        repeated = [label for label in repeated if firsts[label].status == 202]
        answers = target.send_all(firsts[label].request for label in repeated)
        return cls(kinds, firsts, dict(zip(repeated, answers, strict=True)))

    def judge(self, check):
        """Whether the rows that the requirement ``check`` judges are keys of their own, and remembered.

        What several kinds have in common is the affair of the last one; the others rest on it.
        """
        mine = [label for kind in self.kinds if kind.check == check for label in kind.rows]
        needs = {label for kind in self.kinds if kind.check == check for label in kind.needs} - set(mine)
        given(self.firsts[label] for label in needs)
        shared = self._shared(mine)
        taken = [self.firsts[label] for label in mine if label not in shared and not _is_refused(self.firsts[label])]
        if taken or not shared:
            expect(taken).is_new_batch()
        self._judge_replays([label for label in mine if label in self.replays and label not in shared])
        # What others look like is nothing of its own.
        if elsewhere := {check for label, check in shared.items() if label not in (PLAIN, SLASH)}:
            names = ", ".join(sorted(f"{AREA}.{each}" for each in elsewhere))
            raise InconclusiveError(f"not judged: rests on {names}", [self.firsts[label] for label in shared])

    def _shared(self, mine):
        """Those of ``mine`` whose batch other rows have too, and the check that answers for it; raises for our own."""
        found = {}
        for batch, labels in self._by_batch().items():
            if len(labels) == 1 or not set(labels) & set(mine):
                continue
            blamed = max(labels, key=list(self.firsts).index)
            if blamed in mine:
                raise ViolationError(_one_batch(labels, batch), self._evidence(labels, batch))
            owner = next(kind.check for kind in self.kinds if blamed in kind.rows)
            found |= {label: owner for label in labels if label in mine}
        return found

    def _by_batch(self):
        named = {}
        for answers in (self.firsts, self.replays):
            for label, each in answers.items():
                if each.batch:
                    named.setdefault(each.batch, {})[label] = None
        return {batch: list(labels) for batch, labels in named.items()}

    def _evidence(self, labels, batch):
        every = [answers[label] for answers in (self.firsts, self.replays) for label in labels if label in answers]
        return sorted(every, key=lambda each: each.batch != batch)

    def _judge_replays(self, labels):
        if not labels:
            return
        made = {each.batch for each in self.firsts.values()}
        forgotten = {label for label, each in self.replays.items() if each.batch and each.batch not in made}
        first, plain = self.firsts[PLAIN], self.replays.get(PLAIN)
        if plain is None or (why_no_copy(plain, first) and plain.batch not in made - {first.batch}):
            self._rest_on("replay_returns_the_existing_batch", [PLAIN])
        if len({kind.check for kind in self.kinds if forgotten & set(kind.rows)}) >= MANY:
            self._rest_on("no_key_ever_named_two_batches", forgotten)
        expect(self.replays[label] for label in labels).is_cached_copy_of(*(self.firsts[label] for label in labels))

    def _rest_on(self, check, labels):
        evidence = [self.replays.get(label) or self.firsts[label] for label in labels]
        raise InconclusiveError(f"not judged: rests on {AREA}.{check}", evidence)


def _is_refused(exchange):
    """Whether a key was rejected that no server needs to take: one that cannot be printed, or is too long."""
    key = exchange.request.key
    return exchange.status in REJECTIONS and not (key.isprintable() and len(key) <= keys.LONGEST)


def _one_batch(labels, batch):
    names = "; ".join(labels[:MOST]) + (" …" if len(labels) > MOST else "")
    return f"{len(labels)} keys got one batch, {quoted(batch)}: {names}"
