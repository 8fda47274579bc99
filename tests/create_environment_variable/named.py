"""Variables with names that software takes for each other, and what is seen of them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from types import MappingProxyType

from tests.every_operation import transformations
from trigger_conformance.checks.expect import REJECTIONS, ViolationError, Wrong, expect
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.wire.exchange import Exchange

from . import names
from .client import Look
from .grounds import BESIDE, EVERY_PLANE, SUCCESS, THERE, key_of, value_of
from .values import NAME, VALUE, is_misread

MOST = 8
# Names that a look may take for each other, or for others, where the list does not; removals look for all of them.
LOOKED_AT = (transformations.PLAIN, "one letter in upper case", "an encoded digit", *names.MARKS)


@dataclass(frozen=True)
class Named:
    """Variables by the labels of their names: answers, what is seen by each name, and the list."""

    kinds: list[names.Kind]
    answers: dict[str, Exchange]
    by_name: dict[str, Exchange]
    look: Look

    @classmethod
    def sent(cls, target, kinds, values=MappingProxyType({})):
        """Make a variable with each name, each with a value of its own, and see them.

        ``values`` are those of some names, each with what it is called; others are plain.
        """
        rows = {label: name for kind in kinds for label, name in kind.rows.items()}
        orders = [_order(target, *row, number, *values.get(row[0], ())) for number, row in enumerate(rows.items(), 1)]
        answers = dict(zip(rows, [*target.send_all(orders[:1]), *target.send_all(orders[1:])], strict=True))
        look = target.look()
        return cls(kinds, answers, _looks(target, answers, look), look)

    def are_kept(self):
        """Whether each request was accepted, and both views have what was sent, or was rejected."""
        accepted = {label: each for label, each in self.answers.items() if each.status == SUCCESS}
        return (
            all(each.status in (SUCCESS, *REJECTIONS) for each in self.answers.values())
            and all(_is_listed(each.request, self.look) for each in accepted.values())
            and not any(map(self._why_not_seen(self.by_name), self.by_name.values()))
        )

    def with_plain_values(self, target, labels):
        """The same after requests for the names of these ``labels`` with plain values; None where all are not kept."""
        names = [key_of(self.answers[label].request) for label in labels]
        numbers = itertools.count(len(self.answers) + 1)
        orders = [_order(target, *row) for row in zip(labels, names, numbers)]  # noqa: B905  (numbers never end)
        sent = dict(zip(labels, target.send_all(orders), strict=True))
        look = target.look() if any(each.status == SUCCESS for each in sent.values()) else self.look
        found = Named(self.kinds, self.answers | sent, self.by_name | _looks(target, sent, look), look)
        return found if found.are_kept() else None

    def _labels(self, check):
        return [label for kind in self.kinds if kind.check == check for label in kind.rows]

    def answers_of(self, check):
        """What requests with the names of the kind were answered."""
        return [self.answers[label] for label in self._labels(check)]

    def judge(self, check):
        """Each name of the kind that was accepted is that of a variable of its own, and is seen as it was sent.

        Where names of several kinds have one variable, it is the affair of the last one.
        """
        mine = self._labels(check)
        expect(self.answers_of(check)).has_status(SUCCESS, *REJECTIONS)
        shared = self._shared()
        for labels in shared:
            if labels[-1] in mine:
                self._given_apart(labels)
                message = f"{len(labels)} names are one variable: {'; '.join(labels[:MOST])}"
                evidence = [self.by_name[label] for label in labels if label in self.by_name]
                raise ViolationError(message, evidence, [Wrong(each, message, NAME) for each in evidence])
        misread = list(filter(self._is_misread, mine))
        alone = [label for label in mine if label in self.by_name and label not in misread
                 and not any(label in each for each in shared)]  # fmt: skip
        if alone:
            expect(self.by_name[label] for label in alone).satisfies(self._why_not_seen(alone))
        listed = self.look.having(key_of(self.answers[label].request) for label in alone)
        if lost := [name for name, values in listed.items() if not values]:
            self._judge_the_lost(alone, lost)
        if misread:
            rests(EVERY_PLANE, "UTF-8 is read as Latin-1", [self.look.page, *map(self.answers.get, misread)])

    def _given_apart(self, labels):
        """Where the list has each of the names, with one value, it is the value that was taken for another's."""
        listed = self.look.having(key_of(self.answers[label].request) for label in labels)
        if all(listed.values()) and len({str(values[-1]) for values in listed.values()}) == 1:
            rests(BESIDE, "variables made at once have one value", [self.by_name[each] for each in labels
                                                                   if each in self.by_name])  # fmt: skip

    def _judge_the_lost(self, labels, lost):
        """What the list does not have as it was sent: it has it otherwise, or has less than there is."""
        values = [entry.get(VALUE) for entry in self.look.entries()]
        missing = [label for label in labels if key_of(self.answers[label].request) in lost]
        otherwise = [label for label in missing if value_of(self.answers[label].request) in values]
        if otherwise:
            message = f"the list has another name: {'; '.join(otherwise[:MOST])}"
            raise ViolationError(message, [self.look.page], [Wrong(self.look.page, message, NAME)])
        rests(THERE, "what is seen by its name is not in the list", [self.look.page])

    def _is_misread(self, label):
        """Whether the list has the variable under what its name's bytes are in another encoding."""
        request = self.answers[label].request
        return any(is_misread(key_of(request), entry[NAME]) for entry in self.look.entries()
                   if entry.get(VALUE) == value_of(request))  # fmt: skip

    def _shared(self):
        """Groups of labels whose names show the value of one of them."""
        owners = {value_of(each.request): label for label, each in self.answers.items()}
        found = {}
        for label, look in self.by_name.items():
            value = look.answer.document.get(VALUE) if look.status == SUCCESS else None
            shown = owners.get(value) if isinstance(value, str) else None
            if shown is not None:
                found.setdefault(shown, {shown: None})[label] = None
        order = list(self.answers).index
        return [sorted(each, key=order) for each in found.values() if len(each) > 1]

    def _why_not_seen(self, labels):
        label_of = {id(self.by_name[label]): label for label in labels}

        def judge(look):
            label = label_of[id(look)]
            request = self.answers[label].request
            if look.status != SUCCESS:
                return Problem(f"{label}: accepted, and by its name it is {look.outcome}", "status")
            if look.answer.document.get(VALUE) != value_of(request):
                return Problem(f"{label}: by its name it has another value", VALUE)
            return None

        return judge


def _order(target, label, name, number, called="", value=None):
    # Plain ones, whatever the labels have in them: values have checks of their own.
    if value is None:
        return target.order(f"a value, number {number}", name, label)
    return target.order(value, name, f"{label}{names.WITH_A_VALUE}{called}")


def _looks(target, answers, look):
    """Looks at variables by their names, by their labels: in a standard run at few, and where the list is odd."""
    thorough = target.profile > Profile.STANDARD
    accepted = {label: each.request for label, each in answers.items() if each.status == SUCCESS}
    chosen = {label: key_of(request) for label, request in accepted.items()
              if thorough or label in LOOKED_AT or not _is_listed(request, look)}  # fmt: skip
    found = target.send_all(target.at(name, label=f"{label}, by its name") for label, name in chosen.items())
    return dict(zip(chosen, found, strict=True))


def _is_listed(request, look):
    name = key_of(request)
    return look.having([name])[name] == [value_of(request)]


def is_ordinary(name):
    """Whether a name is of letters, digits and underscores."""
    return name.isascii() and name.replace("_", "").isalnum()
