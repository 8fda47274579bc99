"""The shell lines that show a finding again, all the requests that it takes in their order.

Which requests a finding rests on is read off the run: whoever used its key, or got what it made, before; what made the
thing that its path names; what left together with it; how often the same request was answered otherwise.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from typing import Any
from urllib.parse import unquote

from trigger_conformance.checks.operation import operation_of
from trigger_conformance.checks.requirement import Requirement, Stage
from trigger_conformance.contract.shell import Expression
from trigger_conformance.report.curl import FRESH, LEFT_OUT, Way, curl_line, fresh_beginning, is_fresh
from trigger_conformance.wire.exchange import Delivery, Exchange, FailureKind, Framing, Request
from trigger_conformance.wire.reading import PlainReading
from trigger_conformance.wire.redaction import NO_SIGNATURE, REDACTED

_MOST_SHOWN = 5
_MOST_BEFORE = 6
_MOST_ROUNDS = 200
RACES = 20
_LANES = 16
_MANY = 12
_MOST_FAILURES = 60
_LINE_END = r"-w '\n'"
_FORGETFUL_SECONDS = 0.9
_LONGEST_SLEEP = 3600
_KEY = re.compile(rb"conformance([-_])[0-9a-f]{8}\1[0-9a-f]{8}\1\d+", re.IGNORECASE)
_LIMITED = "'^HTTP[^ ]* 429'"
_NOTHING = PlainReading().cost
_ANSWERS = "T=$(mktemp -d)"
# The first text of a property, of an answer with its head.
_READ = "tr ',{' '\\n\\n' | sed -n 's/^[[:space:]]*\"%s\"[[:space:]]*:[[:space:]]*\"\\([^\"]*\\)\".*/\\1/p' | head -n 1"

_WORD = re.compile(r"\w+", re.ASCII)

Made = Mapping[str, Expression]


class Reproducer:
    """Knows a run's ``exchanges``, the ``way`` to its target, what requests ``cost``; gives each finding's lines."""

    def __init__(self, exchanges: Sequence[Exchange], way: Way, cost: Callable[[Request], int] = _NOTHING) -> None:
        self.way = way
        self._cost = cost
        self._numbered = {each.number: each for each in exchanges}
        self._order = sorted(exchanges, key=lambda each: each.started)

    def exchanges(self, numbers: Iterable[int]) -> list[Exchange]:
        """The exchanges with these numbers."""
        return [self._numbered[number] for number in numbers if number in self._numbered]

    @cached_property
    def _by_key(self) -> Mapping[str, Sequence[Exchange]]:
        return _sorted_by(_key, self._order)

    @cached_property
    def _by_made(self) -> Mapping[str, Sequence[Exchange]]:
        return _sorted_by(_made, self._order)

    @cached_property
    def _alike(self) -> Mapping[Any, Sequence[Exchange]]:
        found = defaultdict(list)
        for each in self._order:
            found[self._shape(each)].append(each)
        return found

    def _shape(self, exchange: Exchange) -> _Shape:
        """What two requests have in common that say the same with different keys, of different things."""
        request, maker = exchange.request, self._maker(exchange)
        target = request.target.replace(_made(maker) or "", "") if maker else request.target
        return _Shape(request.method, target, request.headers, _KEY.sub(b"", request.body))

    def __call__(self, requirement: Requirement, evidence: Sequence[int]) -> dict[str, Any]:
        """``lines`` for sh that send what the exchanges ``evidence`` of a finding sent, with what came before them.

        ``exchanges`` are the numbers of those that the lines show, ``note`` says what no line can show, or is None.
        They are to be run in the report folder, with the run's keys in the environment.
        """
        found = self.exchanges(evidence)
        if not found:
            return {"lines": [], "exchanges": [], "note": None}
        shown = self._connected(self._plainest_first(requirement, found))
        lines, notes = self._lines(requirement, shown, {*evidence})
        notes += self._unshowable(self._story(shown))
        if any(NO_SIGNATURE in line for line in lines):
            notes.append("reports leave a token's signature out: put one in the place of redacted-signature")
        if any(LEFT_OUT in line for line in lines):
            notes.append(f"reports leave out a token that the target handed out: put one in the place of {REDACTED}")
        if any(is_fresh(line) for line in lines) and FRESH not in "\n".join(lines):
            lines = [FRESH, *lines]
        return {"lines": lines, "exchanges": [each.number for each in shown], "note": "; ".join(notes) or None}

    def _unshowable(self, story: Sequence[Exchange]) -> list[str]:
        notes = []
        if any(each.is_abandoned for each in story):
            notes.append("the suite hung up before the answer; curl reads it")
        if any(each.together for each in story[:-1]) and not story[-1].together:
            notes.append("what left together need not meet when a shell sends it")
        if any(_is_new(each) and _has_a_key_of_its_own(each.request) for each in story):
            notes.append(
                "the key is itself what is shown, so it cannot be a fresh one: once it is known, it is a replay"
            )
        if any(_forgot(earlier, later) for earlier, later in combinations(story, 2)):
            notes.append("when a key is forgotten may hang on the time that passes, and on what comes between")
        notes += dict.fromkeys(
            f"the suite sends {each.request.delivery}, curl both at once"
            for each in story
            if each.request.delivery in (Delivery.HEAD_FIRST, Delivery.BY_BYTES)
        )
        notes += dict.fromkeys(
            f"the suite's body is {each.request.framing}; curl's is one chunk"
            for each in story
            if each.request.framing not in (Framing.LENGTH, Framing.CHUNKED)
        )
        if any(each.request.upload for each in story):
            notes.append("the suite's body leaves in pieces, which may end without the rest; curl's leaves at once")
        named = [each for each in story if _made(each) and operation_of(each.request).key_property]
        keys = {_made(each): _key(each) for each in reversed(named)}
        if any(_key(each) != keys[_made(each)] for each in named):
            thing = operation_of(story[0].request).thing
            notes.append(
                f"different keys got one {thing}: where that hangs on their every character, others show nothing; "
                "the keys that were sent stand in results.json"
            )
        return notes

    def _lines(
        self, requirement: Requirement, shown: list[Exchange], evidence: set[int]
    ) -> tuple[list[str], list[str]]:
        first = shown[0]
        if any(each.together for each in shown):
            return self._race(shown)
        if requirement.stage is Stage.PRESS or first.status == 429:
            return self._press(first)
        if turn := self._turn(first):
            makers, made = self._makers(turn)
            # One curl keeps the connection from one request to the next.
            first_line, *others = (self._line(each, made=made) for each in turn)
            return [*makers, " --next ".join([first_line, *(each.removeprefix("curl ") for each in others)])], []
        story = self._story(shown)
        if story[-1] is first and (rounds := self._rounds(first, requirement, evidence)):
            return self._until(story, rounds), [f"where it shows only now and then: sent up to {rounds} times"]
        return self._steps(story), []

    def _plainest_first(self, requirement: Requirement, found: list[Exchange]) -> list[Exchange]:
        """Of what was found in the whole run, first what was asked most often: it leaves nothing else to blame."""
        if requirement.stage is not Stage.CLOSING:
            return found
        return sorted(found, key=lambda each: (each.together, -len(self._alike[self._shape(each)])))

    def _connected(self, found: Sequence[Exchange]) -> list[Exchange]:
        """The first of the evidence, and what of the rest has to do with it: its key, what it made, its volley."""
        first = found[0]
        return [
            each
            for each in found
            if each is first
            or (_key(each) is not None and _key(each) == _key(first))
            or (_made(each) is not None and _made(each) == _made(first))
            or (each.together and each.together == first.together and each.check == first.check)
        ][: _LANES if found[0].together else _MOST_SHOWN]

    def _story(self, shown: Iterable[Exchange]) -> list[Exchange]:
        """``shown`` and what they rest on, in the order in which they left."""
        told: dict[int, Exchange] = {}
        for each in list(shown)[:_MOST_SHOWN]:
            for one in (*self._before(each), each):
                told[one.number] = one
        return sorted(told.values(), key=lambda each: each.started)

    def _before(self, exchange: Exchange) -> list[Exchange]:
        earlier, maker = self._earlier(exchange), self._maker(exchange)
        if maker is None:
            return earlier
        return [*([] if maker in earlier else [maker]), *earlier, *self._removals(maker, exchange)]

    def _removals(self, maker: Exchange, lost: Exchange) -> list[Exchange]:
        """What its check removed between the making of a thing and the answer that it is not there; with its makers."""
        if lost.status != 404 or lost.request.method == "DELETE":
            return []
        between = [
            each
            for each in self._order
            if each.request.method == "DELETE" and each.check == lost.check
            and maker.started < each.started < lost.started
        ][:_MOST_BEFORE]  # fmt: skip
        return [one for each in between for one in (self._maker(each), each) if one is not None]

    def _earlier(self, exchange: Exchange) -> list[Exchange]:
        """Who used a request's key, or got what it got, before it."""
        key, made = _key(exchange), _made(exchange)
        same_key = self._by_key.get(key, ()) if key is not None else ()
        earlier = [each for each in same_key if each.started < exchange.started and each.status != 429]
        owners = self._by_made.get(made, ())[:1] if made else ()
        own = {each.number for each in earlier}
        maker = self._maker(exchange)
        earlier += [
            each
            for each in owners
            if each.started < exchange.started and each.number not in own and each is not exchange and each is not maker
        ]
        earlier += operation_of(exchange.request).also_shows(exchange, self._order)
        if len(earlier) > _MOST_BEFORE:
            earlier = [*earlier[: _MOST_BEFORE - 1], earlier[-1]]
        return earlier

    def _line(
        self, exchange: Exchange, options: str = _LINE_END, key: Expression | None = None, made: Made | None = None
    ) -> str:
        broken = exchange.failure is not None and exchange.failure.kind is FailureKind.BROKEN
        coded = broken or (exchange.answer is not None and exchange.answer.header("content-encoding") is not None)
        return curl_line(exchange.request, self.way, options=options, key=key, made=made or {}, compressed=coded)

    # What was made for it

    def _maker(self, exchange: Exchange) -> Exchange | None:
        """The request that made what the path of a later one names, where its answer has that as a property."""
        for segment in exchange.request.target.partition("?")[0].split("/"):
            maker = next(iter(self._by_made.get(unquote(segment), ())), None)
            if maker is not None and maker.started < exchange.started and _property(maker, unquote(segment)):
                return maker
        return None

    def _makers(self, exchanges: Iterable[Exchange]) -> tuple[list[str], Made]:
        """Lines that make anew what the paths of ``exchanges`` name, and the variables that then hold its ids."""
        makers = {each.number: each for one in exchanges if (each := self._maker(one))}
        made: dict[str, Expression] = {}
        lines = [line for each in makers.values() for line in self._making(each, made)]
        return lines, made

    def _making(self, maker: Exchange, made: dict[str, Expression]) -> list[str]:
        """The lines of a request whose answer names what later ones need: its id is ``made``, in a variable."""
        identity = _made(maker) or ""
        name = re.sub(r"[^A-Z]", "_", operation_of(maker.request).thing.upper()) + (str(len(made) + 1) if made else "")
        line = self._line(maker, made=made)
        made[identity] = Expression(f"${name}", len(identity))
        return [
            f"A=$({line}); printf '%s\\n' \"$A\"",
            f"{name}=$(printf '%s\\n' \"$A\" | {_READ % _property(maker, identity)})",
        ]

    # One after the other

    def _turn(self, last: Exchange) -> list[Exchange]:
        """What a connection carried up to ``last``, where it carried several credentials: only then it matters."""
        turn = [
            each
            for each in self._order
            if each.check == last.check and each.connection == last.connection != 0 and each.started <= last.started
        ]
        return turn if len({each.request.shell_authorization for each in turn}) > 1 else []

    def _steps(self, story: Sequence[Exchange]) -> list[str]:
        lines: list[str] = []
        makers = {each.number for one in story if (each := self._maker(one))}
        made: dict[str, Expression] = {}
        earlier: Exchange | None = None
        for each in story:
            if earlier is not None:
                lines += ["wait"] if earlier.together and earlier.together != each.together else []
                lines += self._meanwhile(earlier, each)
            lines += self._making(each, made) if each.number in makers else [self._line(each, made=made)]
            if each.together:
                lines[-1] += " &"
            earlier = each
        return lines

    def _meanwhile(self, earlier: Exchange, later: Exchange) -> list[str]:
        """Where a target forgot a key: what it was asked, or how long it had, until then."""
        if not _forgot(earlier, later):
            return []
        lines = []
        between = {
            _key(each)
            for each in self._order
            if _is_new(each) and _key(each) and earlier.started < each.started < later.started
        }
        if len(between) >= _MANY:
            other = Expression(f"{fresh_beginning(earlier.request)}$n")
            quiet = self._line(earlier, "-o /dev/null", key=other)
            lines.append(_loop(min(_MOST_ROUNDS, len(between) + 1), [quiet]))
        if (gap := later.started - earlier.ended) > _FORGETFUL_SECONDS:
            lines.append(f"sleep {min(_LONGEST_SLEEP, math.ceil(gap + 0.1))}")
        return lines

    # Now and then

    def _rounds(self, exchange: Exchange, requirement: Requirement, evidence: set[int]) -> int:
        """How often to send a request that was not always answered so; 0 where it was."""
        alike = self._alike[self._shape(exchange)]
        failed = exchange.status is None or exchange.status >= 500
        judged_together = requirement.stage is Stage.CLOSING
        alone = not self._earlier(exchange)
        if not alone and not failed:
            return 0
        others = [
            each
            for each in alike
            if each.number not in evidence and (judged_together or each.status != exchange.status)
            and each.status != 429 and (not self._earlier(each)) is alone
        ]  # fmt: skip
        if not others:
            return _MOST_FAILURES if judged_together and failed else 0
        same = len(alike) - len(others)
        return min(_MOST_ROUNDS, max(RACES, 4 * math.ceil(len(alike) / max(1, same))))

    def _until(self, story: Sequence[Exchange], rounds: int) -> list[str]:
        """Send a story again and again; where its end can be told from the status, until it shows."""
        *before, line = self._steps(story)
        status = story[-1].status
        if status is None:
            return [_loop(rounds, [FRESH, *before, f"{line} || break"])]
        if status == operation_of(story[-1].request).contract.success:
            return [_loop(rounds, [FRESH, *before, line])]
        seen = f'case $A in HTTP*" {status}"*) break;; esac'
        return [_loop(rounds, [FRESH, *before, f"A=$({line})", 'printf "%s\\n" "$A"', seen])]

    # Together

    def _race(self, shown: list[Exchange]) -> tuple[list[str], list[str]]:
        volley = [
            each
            for each in self._order
            if each.together and (each.check, each.together) in {(one.check, one.together) for one in shown}
        ][:_LANES]
        alone = [each for each in shown if not each.together]
        makers, made = self._makers([*volley, *alone])
        rest = [self._line(each, made=made) for each in alone]
        lines = [
            f"n=0; while [ $((n+=1)) -le {RACES} ]; do {FRESH}; {_ANSWERS}",
            *makers,
            *self._lanes(volley, made, others=not rest),
            "wait; for A in $T/*; do cat $A; echo; done",
            *rest,
            "done",
        ]
        note = (
            "the suite holds back the last byte of each request and lets all go at once, which no shell can: "
            f"these requests leave together {RACES} times, and not every time need show it"
        )
        return lines, [note]

    def _lanes(self, volley: Sequence[Exchange], made: Made, *, others: bool) -> list[str]:
        """The volley's lines, those that are the same once; with ``others`` keys that differ may be other ones."""
        differ = len({_key(each) for each in volley}) == len(volley) > 1
        start = fresh_beginning(volley[0].request)
        key = Expression(f"{start}$lane") if differ and others and not made else None
        counts = Counter(self._line(each, "-o $T/LANE", key=key, made=made) for each in volley)
        rounds = max(counts.values())
        lines = [f"{line.replace('/LANE', f'/{number}.$lane')} &" for number, line in enumerate(counts)]
        if key is not None:
            lines = [line.replace(f"{start}$lane", f"{start}{number}_$lane") for number, line in enumerate(lines)]
        return [f"for lane in {' '.join(map(str, range(1, rounds + 1)))}; do", *lines, "done"]

    # Pressing

    def _press(self, last: Exchange) -> tuple[list[str], list[str]]:
        refused = last if last.status == 429 else self._refused_before(last)
        pressing = self._strongest(refused or last)
        count = max(_LANES * 2, sum(each.check == pressing.check for each in self._order))
        key = Expression(f"{fresh_beginning(pressing.request)}$n")
        press = self._line(pressing, "-o $T/$n", key=key)
        lines = [
            FRESH,
            _ANSWERS,
            f"n=0; while [ $((n+=1)) -le {min(count, 2000)} ] && ! grep -q {_LIMITED} $T/* 2>/dev/null; do",
            f"{press} &",
            f"[ $((n % {_LANES})) -ne 0 ] || wait; done; wait",
            "grep -h '^HTTP' $T/* | sort | uniq -c",
        ]
        if refused is None:
            lines += ["cat $T/1; echo"]
        else:
            lines += [f"N=$(basename $(grep -l {_LIMITED} $T/* | head -n 1)); cat $T/$N; echo"]
        if refused is not None and last is not refused:
            lines += self._after_the_refusal(refused, last)
        return lines, ["the requests of a press leave several at a time; how many it takes depends on the limit"]

    def _after_the_refusal(self, refused: Exchange, last: Exchange) -> list[str]:
        gap = last.started - refused.ended
        again = _key(refused) is not None and _key(last) == _key(refused)
        key = Expression(f"{fresh_beginning(last.request)}$N") if again else None
        wait = [f"sleep {min(_LONGEST_SLEEP, math.ceil(gap))}"] if gap > _FORGETFUL_SECONDS else []
        return [*wait, self._line(last, key=key)]

    def _refused_before(self, last: Exchange) -> Exchange | None:
        refused = [each for each in self._order if each.status == 429 and each.started < last.started]
        own = [each for each in refused if _key(each) is not None and _key(each) == _key(last)]
        return next(iter([*own[-1:], *refused[-1:]]), None)

    def _strongest(self, last: Exchange) -> Exchange:
        """The request that asked for most of what came just before: that is what pressed."""
        near = [
            each
            for each in self._order
            if each.request.credential == last.request.credential and _key(each) is not None
            and last.started - 3 < each.started <= last.ended
            and each.status in (operation_of(each.request).contract.success, 429)
        ]  # fmt: skip
        return max(near, key=lambda each: self._cost(each.request), default=last)


@dataclass(frozen=True)
class _Shape:
    method: str
    target: str
    headers: tuple[tuple[str, bytes], ...]
    body: bytes


def _forgot(earlier: Exchange, later: Exchange) -> bool:
    """Whether a key that was known made something else."""
    keyed = bool(operation_of(later.request).key_property)
    at_once = earlier.together == later.together != 0
    return keyed and not at_once and _is_new(later) and _key(later) is not None and _key(later) == _key(earlier)


def _has_a_key_of_its_own(request: Request) -> bool:
    """Whether a request's key is none of the run's, so that no line can make it a fresh one."""
    operation = operation_of(request)
    return bool(operation.key_property) and operation.names_its_key(request) and not _KEY.search(request.body)


def _property(exchange: Exchange, value: str) -> str | None:
    """The property of an answer's document that has ``value``; of no name that would be more than that in a shell."""
    document = exchange.answer.document if exchange.answer else {}
    return next((name for name, each in document.items() if each == value and _WORD.fullmatch(name)), None)


def _sorted_by(name: Callable[[Exchange], str | None], exchanges: Iterable[Exchange]) -> Mapping[str, list[Exchange]]:
    """The exchanges that have a ``name``, by it."""
    found: dict[str, list[Exchange]] = defaultdict(list)
    for each in exchanges:
        if (called := name(each)) is not None:
            found[called].append(each)
    return found


def _key(exchange: Exchange) -> str | None:
    return operation_of(exchange.request).about(exchange.request)


def _made(exchange: Exchange) -> str | None:
    return operation_of(exchange.request).made(exchange)


def _is_new(exchange: Exchange) -> bool:
    return operation_of(exchange.request).is_new(exchange) is True


def _loop(rounds: int, lines: Sequence[str]) -> str:
    return f"n=0; while [ $((n+=1)) -le {rounds} ]; do {'; '.join(lines)}; done"
