"""What checks of variables speak through: ``target.send(target.order(value))``, ``target.look()``."""

from __future__ import annotations

import itertools
import re
import zlib
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import quote

from trigger_conformance.checks.client import Client
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.operation import operation_of
from trigger_conformance.wire.exchange import Exchange

from .sights import SIGHTS
from .values import CLIMBING, NAME, OF_RUNS, VALUE, hides

# Of different lengths and beginnings, so that what is cut, or shown for all, can be told from what hides them.
PLAIN_VALUES = ("first of a conformance run", "2nd: another value, and a longer one than the first")
# Long enough to be in no error by chance.
USUAL_VALUE = "a usual value of conformance"
NOWHERE = "conformance-none"
# So many telling requests are made before they are sent.
MOST_AT_ONCE = 15
_OUT = re.compile(r"[/\\?#%;]")


@dataclass(frozen=True)
class Look:
    """A look at the list."""

    page: Exchange

    def entries(self):
        """Every variable of the list that is an object with a name."""
        told = self.page.answer.json if self.page.status == 200 else None
        return [each for each in told if isinstance(each, dict) and isinstance(each.get(NAME), str)] \
            if isinstance(told, list) else []  # fmt: skip

    def having(self, names):
        """The values that the list has of each of these names."""
        found = {name: [] for name in names}
        for entry in self.entries():
            if entry[NAME] in found:
                found[entry[NAME]].append(entry.get(VALUE))
        return found


@dataclass(frozen=True)
class Plain:
    """Two plain variables, what is seen of them by their names at once, and what the list then shows."""

    answers: list[Exchange]
    by_name: list[Exchange]
    look: Look

    def shown(self):
        """Each value with what is shown of it: by its name, and in the list."""
        listed = self.look.having(operation_of(each.request).key(each.request) for each in self.answers)
        sent = [each.request.document for each in self.answers]
        by_name = [
            (each[VALUE], seen.answer.document.get(VALUE) if seen.status == 200 else None)
            for each, seen in zip(sent, self.by_name, strict=False)
        ]
        return by_name, [(each[VALUE], shown) for each in sent for shown in listed[each[NAME]][:1]]


class VariableClient(Client):
    """A client that creates, sees and removes variables."""

    def __init__(self, operation, target, wire):
        super().__init__(operation, target, wire)
        self._turns = 0
        self._telling = set()
        self._to_use_again, self._used_again = iter(()), set()
        self._plain = self._latest = None
        self._of_first = self.stated.get("environment")
        self._of_second = self.stated.get("second_environment")

    # Whose it is

    @property
    def second_environment(self):
        """The second credential's environment; None where nobody said it, or it is the first's."""
        return self._of_second if self._of_second != self._of_first and self.second_bearer else None

    def why_no_second(self):
        """Why another environment cannot be looked at; None where it can."""
        if self.second_bearer is None:
            return "needs another environment's credential: give --second-api-key"
        if self.second_environment is None:
            return "needs the second credential's environment: give --second-environment"
        return None

    def of_second(self):
        """The client of the second environment."""
        other = super().of_second() if self.second_environment else None
        if other is not None:
            other._of_first = self.second_environment  # noqa: SLF001  (it is one of ours)
        return other

    def path(self, **values):
        """The path of the environment."""
        return super().path(**{"env": self._of_first, **values}) if self._of_first else super().path(**values)

    # Requests

    def key(self, suffix=""):
        """A name that nothing else uses, of letters, digits and underscores."""
        self._keys += 1
        return f"{self.own}{zlib.crc32(self.wire.check.encode()):08X}_{self._keys}{suffix}"

    def order(self, value=USUAL_VALUE, name=None, label="", **how):
        """A request for a variable; what is no way of sending it is a further property of its body."""
        ways = {each: how.pop(each) for each in self.WAYS if each in how}
        request = self.request({NAME: name or self.key(), VALUE: value, **how}, label=label, **ways)
        SIGHTS.know(request, self._paths(), self.own)
        return request

    def _paths(self):
        own = {"primary": self._prefix + self.path()}
        second = self.second_environment
        return {**own, "second": self._prefix + self.path(env=second)} if second else own

    def valid(self, label="", *, key=None, **how):
        """A request for a variable, in the environment of its credential."""
        authorization = how.get("authorization")
        if self.second_environment and authorization is not None and authorization.honours == "second":
            how.setdefault("path", self.path(env=self.second_environment))
        return self.order(how.pop(VALUE, USUAL_VALUE), key, label, **how)

    def telling(self, label="", *, key=None, **how):
        """A valid request whose variable is looked at once it is accepted: its value is that of no other.

        It may be a new one of a variable that is there to be used again.
        """
        self._turns += 1
        request = self.valid(
            label, key=key or self.spare_key(), **{VALUE: f"conformance, value {self.wire.lane}.{self._turns}", **how}
        )
        self._telling.add(self.operation.key(request))
        return request

    def use_again(self, names):
        """These variables took a new value as they should: each that need not be made anew saves a removal."""
        self._used_again.update(names)
        self._to_use_again = itertools.cycle(names) if len(names) > MOST_AT_ONCE else iter(())

    def spare_key(self):
        """The name of a variable that takes new values, a different one each time."""
        return next(self._to_use_again, None)

    def generated_key(self):
        """A name for a generated request that is to be accepted."""
        return self.spare_key() or self.key()

    def worded(self, label, text):
        """``telling`` with ``text`` as its value."""
        return self.telling(label, **{VALUE: text})

    def invalid(self):
        """Bodies that break one thing each."""
        sound = self.order("a value of an invalid request")
        return {
            "no value": self.request({NAME: sound.document[NAME]}).body,
            "malformed JSON": sound.body[:-1],
            "a mistyped name": self.request({**sound.document, NAME: 1}).body,
        }

    def sample(self):
        """A valid request, looks at what it made, a refused one, and invalid ones; a value that an error may repeat."""
        wrong = self.valid(authorization=self.credential("Bearer wrong-key"))
        mistyped = self.request(self.invalid()["a mistyped name"], label="a mistyped name")
        valid = self.valid()
        looks = [self.at(self.operation.key(valid)), self.looking(label="the list")]
        return [valid, *looks, self.request(b"{"), wrong, mistyped]

    def twin(self, request):
        """The valid request with the same name."""
        return self.order(name=self.operation.key(request), label=f"the valid request after: {request.label}")

    def known_key(self):
        """The name of a plain variable."""
        return self.operation.key(self.plain_ones().answers[0].request)

    def narrowed(self):
        """Generated requests have plain values: others may be rejected, and have checks of their own."""
        place = f"$.components.schemas.{self.contract.request_schema}.properties"
        return [
            {"target": f"{place}.{NAME}", "update": {"enum": [self.key()]}},
            {"target": f"{place}.{VALUE}", "update": {"pattern": "^[!-~]([ -~]{0,100}[!-~])?$", "maxLength": 100}},
        ]

    def place_of(self, method):
        """PUT and DELETE go where there is nothing, for they may mean all variables there are; if nothing is there."""
        return self._nowhere if method in ("PUT", "DELETE") else self.path()

    @cached_property
    def _nowhere(self):
        """The path of a project and an environment that there are not; None where the target takes variables there."""
        path = self.path(projectRef=NOWHERE, env=NOWHERE)
        answer = self.send(self.order(label="a project and an environment that there are not", path=path))
        if answer.status is not None and 400 <= answer.status < 500:
            return path
        self.send(self.removal_beside(answer.request))
        return None

    # Sending

    def send(self, request, **how):
        """As any client; what tells by its variable is looked at."""
        answer = super().send(request, **how)
        self._see([answer])
        return answer

    def send_all(self, requests, **how):
        """As any client; what tells by its variable is looked at."""
        answers = super().send_all(requests, **how)
        self._see(answers)
        return answers

    def _see(self, answers):
        made = [each for each in answers if self.operation.made(each) in self._telling]
        if not made:
            return
        # The first look at plain ones shows these, too.
        look = self.plain_ones().look if self._plain is None else None
        _ = self.hides
        self.watch(made, look)
        self._given_new_values(made)

    def _given_new_values(self, made):
        """Variables that are there take plain values as before: else nothing is seen of what is odd in others."""
        key, why_not = self.operation.key, self.operation.why_not_as_asked
        odd = [each for each in made if key(each.request) in self._used_again and why_not(each)]
        if not odd:
            return
        order = self.order("a plain value of a variable that is there", key(odd[0].request), "a further plain value")
        plain = super().send(order)
        look = self.watch([plain])
        if why_not(plain):
            self.use_again(())
            owner = self.operation.owner("taken_names.odd_new_values_replace_or_are_rejected")
            rests(owner, "a further value of a variable is not seen", [plain, look.page, *odd])

    def watch(self, answers, look=None):
        """Remember what a ``look`` at the list, or a new one, shows of the variables of these answers."""
        look = look or self.look()
        if look.page.status == self.contract.success:
            names = {self.operation.key(each.request): each.request for each in answers}
            for name, shown in look.having(names).items():
                SIGHTS.take(look.page.request, name, names[name].document[VALUE], shown)
        return look

    # Looking, and removing

    def looking(self, below="", method="GET", label="", content_type=None, **how):
        """A request on the operation's path, or below it."""
        place = how.pop("path", None) or self.path()
        return self.request(method=method, path=f"{place}{below}", content_type=content_type, label=label, **how)

    def at(self, name, method="GET", label="", **how):
        """A request for one variable."""
        return self.looking(
            f"/{quote(name, safe='', errors='surrogatepass')}", method, label or f"{method} of a variable", **how
        )

    def removal(self, thing):
        """The request that removes a variable."""
        return self.at(thing, "DELETE", "remove a variable")

    def removal_beside(self, request):
        """The request that removes what a ``request`` on whatever path has made there."""
        return self.at(self.operation.key(request), "DELETE", path=request.target.removeprefix(self._prefix))

    def is_safe(self, thing):
        """Also what begins as a run's names do: whatever a path is cut or decoded to, it stays so; and no more."""
        of_a_run = self.operation.run_of(thing) is not None or not _OUT.search(thing)
        return super().is_safe(thing) or (OF_RUNS in thing and of_a_run and not CLIMBING.search(thing))

    def look(self, label="the list", **how):
        """Look at the list."""
        return Look(self.send(self.looking(label=label, **how)))

    def latest_look(self):
        """A look at the list as it is now: the one before, where nothing but looks has come since."""
        if not self._latest or not self.has_only_looked_since(self._latest.page):
            self._latest = self.look()
        return self._latest

    def left(self, beginning):
        """The variables whose names begin so: a name is all the id that there is."""
        return {each[NAME]: each[NAME] for each in self.look().entries() if each[NAME].startswith(beginning)}

    def look_for(self, requests):
        """The list, in which there must be no variable of the ``requests``' names."""
        labels = {operation_of(each).key(each): each.label for each in requests}
        look = self.latest_look()
        # Where the list is not answered, nothing is seen; whose affair that is, the operation says.
        given(look.page, rests_on=self.operation.as_asked_owner).is_accepted()

        def judge(_):
            made = [labels[name] for name, values in look.having(labels).items() if values]
            return f"the list has a variable that was made by: {'; '.join(made)}" if made else None

        return [look.page], judge

    def plain_ones(self):
        """Two plain variables, made once for all checks."""
        if self._plain is None:
            answers = [self.send(self.order(value, label="a plain value")) for value in PLAIN_VALUES]
            looked_at = answers[: self.pick(smoke=1, standard=2, thorough=2)]
            by_name = [self.send(self.at(self.operation.key(each.request)), fresh=True) for each in looked_at]
            self._plain = Plain(answers, by_name, self.look())
        return self._plain

    @property
    def hides(self):
        """Whether the target never shows a value again."""
        plain = self.plain_ones()
        hidden = all(map(hides, plain.shown()))
        if hidden:
            SIGHTS.hide(plain.answers[0].request)
        return hidden
