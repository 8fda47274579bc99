"""Variables with values of all kinds, and what is seen of them: in the list, and by their names."""

from __future__ import annotations

from dataclasses import dataclass, replace

from trigger_conformance.checks.expect import REJECTIONS, expect
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.wire.exchange import Beyond, Exchange

from . import rows
from .client import Look
from .grounds import BESIDE, EVERY_PLANE, SEEN_SCHEMA, SUCCESS, THERE, given_array, key_of, value_of
from .values import VALUE, difference, is_misread

LONG = 2048
# Whether a value is shown may hang on what it is called.
CALLED = {"a service's key": "_SECRET_TOKEN_PASSWORD"}


@dataclass(frozen=True)
class Seen:
    """Variables by the labels of their values: what their requests were answered, and both views of what is there."""

    answers: dict[str, Exchange]
    by_name: dict[str, Exchange]
    look: Look
    mixed_up: frozenset[str] = frozenset()

    @property
    def took_any(self):
        """Whether any of the values was accepted."""
        return any(each.status == SUCCESS for each in self.answers.values())

    def why_changed(self, label):
        """What became of a value that was accepted; None where both views have it as it was sent."""
        request = self.answers[label].request
        look, listed = self.by_name[label], self.listed(label)
        if look.status != SUCCESS:
            return Problem(f"the answer was a success, and by its name it is {look.outcome}", "status")
        views = {"": look.answer.document.get(VALUE)}
        # What is no text breaks the list's schema.
        views |= {"in the list: ": listed[-1]} if listed and isinstance(listed[-1], str) else {}
        changed = {where: difference(value_of(request), shown) for where, shown in views.items()}
        told = [f"{where}{how}" for where, how in changed.items() if how]
        return Problem(told[0], VALUE) if told else None

    def _is_misread(self, label):
        shown = _shown(self, label) if label in self.by_name else None
        return shown is not None and is_misread(value_of(self.answers[label].request), shown)

    def listed(self, label):
        """The values that the list has of a variable."""
        name = key_of(self.answers[label].request)
        return self.look.having([name])[name]

    def judge(self, labels, *, misread_too=False):
        """Each of the ``labels``' values was accepted and is seen as it was sent, or was rejected.

        That UTF-8 is read as another encoding is told once, by the check that judges what is ``misread_too``.
        """
        misread = [] if misread_too else list(filter(self._is_misread, labels))
        if rest := [label for label in labels if label not in misread]:
            self._judge(rest)
        if misread:
            rests(EVERY_PLANE, "UTF-8 is read as Latin-1", [self.by_name[label] for label in misread])

    def _judge(self, labels):
        answers = [self.answers[label] for label in labels]
        large = [each for each in answers if each.request.beyond is Beyond.SIZE]
        if small := [each for each in answers if each not in large]:
            expect(small).has_status(SUCCESS, *REJECTIONS)
        if large:
            expect(large).has_status(SUCCESS, *REJECTIONS, 413)
        looks = {id(self.by_name[label]): label for label in labels if label in self.by_name}
        if mixed_up := [self.by_name[label] for label in looks.values() if label in self.mixed_up]:
            rests(BESIDE, "a variable shows the value of a request beside its own, and the right one where it is alone",
                  mixed_up)  # fmt: skip
        if unread := [look for look in map(self.by_name.get, looks.values()) if is_no_json(look)]:
            rests(SEEN_SCHEMA, "what is seen by its name is no JSON", unread)
        if looks:
            expect(self.by_name[label] for label in looks.values()).satisfies(
                lambda each: self.why_changed(looks[id(each)])
            )
        given_array(self.look.page)
        if lost := [self.answers[label] for label in looks.values() if not self.listed(label)]:
            rests(THERE, "what is seen by its name is not in the list", [*lost, self.look.page])


def seen(target, values, by_name=None, names=()):
    """Make variables with these ``values``, by label, and see them: all in the list, and each by its name.

    Where ``by_name`` says which are looked at by their names, others are where the list does not show what was sent.
    Variables that are there may be given new values: those of these ``names``, as far as they go.
    """
    called = {label: target.key(CALLED.get(label, "")) for label in list(values)[len(names) :]}
    called |= dict(zip(values, names, strict=False))
    orders = [
        target.order(
            value, called[label], label, beyond=Beyond.SIZE if len(value.encode()) > rows.LONG else Beyond.NOTHING
        )
        for label, value in values.items()
    ]
    answers = dict(zip(values, target.send_all(orders), strict=True))
    there = {label: each.request for label, each in answers.items() if each.status == SUCCESS}
    page = target.look()
    listed = page.having(map(key_of, there.values()))
    chosen = [label for label, each in there.items()
              if by_name is None or label in by_name or listed[key_of(each)] != [value_of(each)]]  # fmt: skip
    looks = target.send_all(target.at(key_of(there[label]), label=f"{label}, by its name") for label in chosen)
    # Every list that is yet to come would have them, and a run keeps only so much.
    long = [each for each in there.values() if len(value_of(each)) > LONG]
    target.send_all(target.removal(key_of(each)) for each in long)
    found = Seen(answers, dict(zip(chosen, looks, strict=True)), page)
    return replace(found, mixed_up=frozenset(_mixed_up(target, found)))


def is_no_json(look):
    """Whether what is seen by its name is no JSON at all."""
    return look.status == SUCCESS and look.answer.json is None


def _mixed_up(target, found):
    """Labels of what shows another one's value, where it is seen as it was sent once nothing is beside it."""
    sent = {value_of(each.request) for each in found.answers.values()}
    odd = [label for label in found.by_name if found.why_changed(label) and _shown(found, label) in sent]
    if not odd:
        return []
    alone = target.send(target.order(value_of(found.answers[odd[0]].request), label=f"{odd[0]}, alone"))
    look = target.send(target.at(key_of(alone.request)))
    return odd if look.status == SUCCESS and look.answer.document.get(VALUE) == value_of(alone.request) else []


def _shown(found, label):
    look = found.by_name[label]
    value = look.answer.document.get(VALUE) if look.status == SUCCESS else None
    return value if isinstance(value, str) else None
