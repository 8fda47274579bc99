"""Sends requests: waits for its turn, waits out 429, keeps the budget, records every exchange without secrets."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import httpx

from trigger_conformance.contract import told
from trigger_conformance.wire.decoding import OversizedAnswerError
from trigger_conformance.wire.destination import Destination
from trigger_conformance.wire.exchange import Answer, Delivery, Exchange, Failure, FailureKind, Request
from trigger_conformance.wire.ledger import BudgetSpentError, Ledger
from trigger_conformance.wire.reading import PlainReading, Reading
from trigger_conformance.wire.redaction import Redactor
from trigger_conformance.wire.replay import Decision, Replay, fingerprint
from trigger_conformance.wire.transport import Gate, Line, Transport, decoded
from trigger_conformance.wire.waiting import Ban, asked

if TYPE_CHECKING:
    from trigger_conformance.wire.http2 import Http2Transport

MOST_LANES = 16
# Without one other answer for this long, a target that says 429 to everything is given up.
_PATIENCE = 20.0
_LONGEST_PAUSE = 1.0
_GATE_PATIENCE = 1.5
# What a run keeps of answers that are larger than any usual one: every check looks at all of them again and again.
_LARGE, _MOST_LARGE = 1 << 12, 3 << 22
# Objects take many times the memory of their text.
_JSON_WEIGHT = 4


@dataclass(frozen=True)
class Sending:
    """How one request is sent, beside what it says."""

    fresh: bool = False
    hang_up: bool = False
    keep_429: bool = False
    timeout: float | None = None
    gate: Gate | None = None
    together: int = 0
    repeats: int = 0
    line: Line | None = None


class Wire:
    """One worker's way to the target.

    ``check`` names the requirement on whose behalf requests leave. Requests of one ``send_all`` are in flight
    together, as many as the target's speed and limits allow. With a ``replay`` nothing leaves: it answers. ``reading``
    says what requests cost.
    """

    def __init__(
        self,
        target: Destination,
        ledger: Ledger,
        redactor: Redactor,
        replay: Replay | None = None,
        reading: Reading = PlainReading(),  # noqa: B008  (it has no state)
    ) -> None:
        self._target = target
        self._reading = reading
        self._url = httpx.URL(target.base_url)
        self.ledger = ledger
        self.redactor = redactor
        self.check = ""
        self._usual = f"Bearer {target.api_key}".encode()
        self._loop = asyncio.new_event_loop()
        self._replay = replay
        self._transport = _transport(target) if replay is None else Transport()
        self._random = random.Random(target.seed)
        self._slowest = 0.0
        self._in_flight = 0
        # Seconds of an answer for each request in flight beside it: a target that serves one at a time keeps this up,
        # one that is merely far away does not.
        self._share = 0.0
        self._volleys = 0
        self._lost: list[Exchange] = []
        self._gave_up = 0.0
        self._learned_until = 0.0
        self._limit: int | None = None
        self._remaining: int | None = None
        self._reset = 0.0
        self._room = _MOST_LARGE
        self.ban = Ban()

    def close(self) -> None:
        """Close connections and event loop."""
        # An interruption leaves requests under way.
        if under_way := asyncio.all_tasks(self._loop):
            for task in under_way:
                task.cancel()
            self._loop.run_until_complete(asyncio.wait(under_way))
        self._loop.run_until_complete(self._transport.aclose())
        self._loop.close()

    def send(self, request: Request, sending: Sending = Sending()) -> Exchange:
        """Send one request; a 429 is waited out and the request sent again, within the budget.

        Raises BudgetSpentError. A transport error is no exception but the exchange's ``failure``.
        """
        return self._loop.run_until_complete(self._deliver(request, sending))

    def send_all(self, requests: Sequence[Request], sending: Sending = Sending()) -> list[Exchange]:
        """Send independent requests, several in flight at a time; the answers come in the requests' order."""
        lanes = asyncio.Semaphore(self._lanes(pressing=sending.keep_429))

        async def deliver(request: Request) -> Exchange:
            async with lanes:
                return await self._deliver(request, sending)

        return self._loop.run_until_complete(_gather(deliver(request) for request in requests))

    def send_together(self, requests: Sequence[Request], *, keep_429: bool = False) -> list[Exchange]:
        """Send requests so that their last bytes leave in one go, each on a connection of its own.

        A target that takes fewer connections at a time gets the rest after these.
        """
        if not keep_429:
            self._await_allowance(len(requests))
        gate = Gate(len(requests))
        timeout = self._target.timeout + len(requests) * self._slowest
        self._volleys += 1
        sending = Sending(gate=gate, timeout=timeout, together=self._volleys, keep_429=keep_429)

        async def all_at_once() -> list[Exchange]:
            self._transport.close_idle()
            opener = asyncio.ensure_future(gate.open_when_full(_GATE_PATIENCE + self._slowest))
            try:
                return await _gather(self._deliver(request, sending) for request in requests)
            finally:
                opener.cancel()

        return self._loop.run_until_complete(all_at_once())

    def take_lost(self) -> list[Exchange]:
        """The exchanges since the last call that failed without being meant to, with their requests as they were."""
        lost, self._lost = self._lost, []
        return lost

    def _note_loss(self, exchange: Exchange) -> Exchange:
        failure = exchange.failure
        if failure is not None and failure.kind is not FailureKind.ABANDONED and not exchange.repeats:
            self._lost.append(exchange)
        return exchange

    def send_in_turn(self, requests: Sequence[Request]) -> list[Exchange]:
        """Send requests one after the other on one connection of their own, as long as the target keeps it open.

        Exchanges with one ``connection`` did share it.
        """
        line = Line()
        self._transport.close_idle()
        try:
            return [self.send(request, Sending(line=line)) for request in requests]
        finally:
            line.close()

    def pause(self, seconds: float) -> None:
        """Wait, where the contract itself speaks of time, at most as long as the time budget lasts.

        Raises BudgetSpentError where the budget is shorter.
        """
        if self._replay is not None:
            return
        if seconds > self.ledger.seconds_left:
            raise BudgetSpentError(f"a wait of {seconds:.0f} s does not fit into the time budget (--max-seconds)")
        time.sleep(max(0.0, seconds))

    def burst_size(self, wanted: int) -> int:
        """How many of ``wanted`` simultaneous requests the target's own limit leaves room for."""
        return wanted if self._limit is None else max(2, min(wanted, self._limit))

    @property
    def limit(self) -> int | None:
        """The limit that the target last stated, or None where it stated none."""
        return self._limit

    @property
    def remaining(self) -> int | None:
        """What the target last said remains of its limit, or None where it did not say."""
        return self._remaining

    def decide(self, name: str, value: int) -> int:
        """``value``, which hangs on the time that was left or had passed; in a replay what the run made of it."""
        earlier = None if self._replay is None else self._replay.decision(self.check, name)
        decided = value if earlier is None else earlier
        self.ledger.decide(Decision(self.check, name, decided))
        return decided

    def _lanes(self, *, pressing: bool) -> int:
        by_speed = self._target.timeout / (4 * self._share) if self._share else MOST_LANES
        by_limit = self._limit / 4 if self._limit and not pressing else MOST_LANES
        return max(1, min(MOST_LANES, int(by_speed), int(by_limit)))

    def _await_allowance(self, wanted: int) -> None:
        if self._remaining is not None and self._remaining < wanted:
            self.ledger.hold(time.monotonic() + min(5.0, max(0.0, self._reset - time.time())))
            self._remaining = None

    def _again(self, request: Request, sending: Sending, replay: Replay) -> Exchange:
        """What the earlier run was answered; it gave up where its evidence ends."""
        name = fingerprint(self.check, self.redactor.request(request))
        while recorded := replay.take(name):
            exchange = replace(recorded, request=request)
            # Answers are learned from in the order in which they came, not in that in which they are asked for.
            if exchange.ended >= self._learned_until:
                self._learned_until = exchange.ended
                self._learn(exchange, 1)
            self.ledger.reserve(self._reading.cost(request))
            self.ledger.record(self.redactor.exchange(exchange), self._spent(exchange))
            if exchange.status != 429 or sending.keep_429 or not replay.has(name):
                return self._note_loss(exchange)
        raise BudgetSpentError("the evidence has no answer to this request")

    async def _deliver(self, request: Request, sending: Sending) -> Exchange:
        if self._replay is not None:
            return self._again(request, sending, self._replay)
        first_sent = time.monotonic()
        attempt = 0
        while True:
            exchange = await self._attempt(request, sending)
            if exchange.status != 429 or sending.keep_429:
                return exchange
            attempt += 1
            now = time.monotonic()
            delay = self._delay(exchange, attempt)
            success = self.ledger.last_success
            # Having waited in vain once is reason enough not to wait as long again.
            patience = _PATIENCE if self._gave_up <= success else _LONGEST_PAUSE
            hopeless = now - first_sent > patience and success < first_sent
            if hopeless:
                self._gave_up = now
            if hopeless or self.ban.why or delay > self.ledger.seconds_left:
                return exchange
            self.ledger.hold(now + delay)
            sending = replace(sending, gate=None)

    async def _attempt(self, request: Request, sending: Sending) -> Exchange:
        if self._remaining == 0 and not sending.keep_429:
            self.ledger.hold(time.monotonic() + min(_LONGEST_PAUSE, max(0.0, self._reset - time.time())))
            self._remaining = None
        self._heed_the_ban(request, sending)
        slot = self.ledger.reserve(self._reading.cost(request))
        delay = slot - time.monotonic()
        while delay > 0:
            if delay > self.ledger.seconds_left:
                raise BudgetSpentError("the time budget ends before the rate limit allows more (--max-seconds)")
            await asyncio.sleep(delay)
            # Where others were refused meanwhile, leaving now would only lengthen that.
            delay = 0.0 if sending.keep_429 else self.ledger.waiting
            self._heed_the_ban(request, sending)
        self._in_flight += 1
        in_flight = self._in_flight
        try:
            exchange = await self._exchange(request, sending)
        finally:
            self._in_flight -= 1
        self._learn(exchange, in_flight)
        recorded = self.ledger.record(self.redactor.exchange(exchange), self._spent(exchange))
        return self._note_loss(replace(exchange, number=recorded.number))

    def _heed_the_ban(self, request: Request, sending: Sending) -> None:
        if self.ban.why and request.credential == "primary" and not sending.keep_429:
            raise BudgetSpentError(f"the target refuses for longer the more it is asked ({self.ban.why}): left alone")

    def _spent(self, exchange: Exchange) -> int:
        return self._reading.cost(exchange.request) if self._reading.is_new(exchange) else 0

    def _delay(self, exchange: Exchange, attempt: int) -> float:
        assert exchange.answer is not None
        after = asked(exchange.answer)
        if after is None:
            after = min(8.0, 0.25 * 2**attempt)
        # Jitter keeps requests that were refused together from coming back together.
        return after + self._random.uniform(0.0, 0.1)

    def _learn(self, exchange: Exchange, in_flight: int) -> None:
        if exchange.answer is None:
            return
        took = exchange.ended - exchange.started
        self._slowest = max(self._slowest * 0.9, took)
        # One alone only says how much it can be at most.
        self._share = min(self._share or took, took) if in_flight == 1 else max(self._share * 0.9, took / in_flight)
        if exchange.request.credential != "primary":
            return
        self.ban.hear(exchange)
        limit = told.seconds(exchange.answer.header("x-ratelimit-limit"))
        remaining = told.seconds(exchange.answer.header("x-ratelimit-remaining"))
        if limit and remaining is not None:
            self._limit, self._remaining = int(limit), int(remaining)
            self._reset = told.seconds(exchange.answer.header("x-ratelimit-reset")) or 0.0

    async def _exchange(self, request: Request, sending: Sending) -> Exchange:
        began = time.time()
        prepared = self._prepare(request, sending)
        started = time.monotonic()
        answer: Answer | None = None
        failure: Failure | None = None
        connection = 0
        try:
            response = await self._transport.handle_async_request(prepared)
            started = response.extensions.get("started", started)
            connection = response.extensions.get("connection", 0)
            if sending.hang_up:
                failure = Failure(FailureKind.ABANDONED, "")
            else:
                answer = await self._answer(response, self._reading.repeatable(request))
        except (httpx.TransportError, httpx.DecodingError) as error:
            failure = _failure(error, self.redactor)
        return Exchange(
            request,
            answer,
            failure,
            started,
            time.monotonic(),
            began,
            self.check,
            together=sending.together,
            repeats=sending.repeats,
            connection=connection,
        )

    def _timeout(self, sending: Sending) -> float:
        """A request sent in good time has its whole time limit; a longer one is for as long as the run may last."""
        usual = self._target.timeout
        return min(sending.timeout or usual, max(usual, self.ledger.seconds_left))

    def _prepare(self, request: Request, sending: Sending) -> httpx.Request:
        extensions: dict[str, Any] = {
            "target": request.target.encode("latin-1"),
            "timeout": {"read": self._timeout(sending)},
            "chunked": request.framing if request.framing.in_chunks else None,
            "delivery": None if request.delivery is Delivery.WHOLE else request.delivery,
            "version": None if request.version == "HTTP/1.1" else request.version,
            "fresh": sending.fresh,
            # What a target keeps of a connection must decide no other check than the one on connections.
            "alone": not sending.line and request.authorization != (self._usual,),
            "hang_up": sending.hang_up,
            "line": sending.line,
        }
        if sending.gate is not None and not sending.gate.is_open:
            extensions["gate"] = sending.gate
        headers = [(name.encode("ascii"), value) for name, value in request.headers]
        return httpx.Request(
            request.method, self._url, headers=headers, stream=httpx.ByteStream(request.body), extensions=extensions
        )

    def _take_room(self, body: bytes, headers: httpx.Headers) -> None:
        size = len(body) + sum(len(name) + len(value) for name, value in headers.raw)
        if size > _LARGE:
            self._room -= size * (_JSON_WEIGHT if body.lstrip()[:1] in (b"{", b"[") else 1)
        if self._room < 0 and size > _LARGE:
            raise OversizedAnswerError(f"answers of more than {_LARGE:,} bytes are more than a run keeps")

    async def _answer(self, response: httpx.Response, given: str) -> Answer:
        body = await decoded(response)
        self._take_room(body, response.headers)
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw)
        where = [("the reason phrase", response.reason_phrase), ("the body", body.decode("latin-1"))]
        where[1:1] = [(f"header {name}", value) for name, value in headers]
        where += [("a header's name", name) for name, _ in headers]
        leaks = self.redactor.leaks(where, given)
        return Answer(
            response.status_code, response.reason_phrase, headers, body, time.time(), leaks, response.http_version
        )


def _transport(target: Destination) -> Transport | Http2Transport:
    verify = target.tls() if target.base_url.startswith("https:") else None
    plain = Transport(verify, target.proxy)
    if not target.http2 or verify is None:
        return plain
    from trigger_conformance.wire.http2 import multiplexed

    # A context of its own: offering HTTP/2 is written into it, and HTTP/1.1 connections must not offer that.
    return multiplexed(plain, target.tls(), target.proxy)


async def _gather(deliveries: Any) -> list[Exchange]:
    """All results in order; the first exception is raised once nothing is in flight any more."""
    results = await asyncio.gather(*deliveries, return_exceptions=True)
    exchanges: list[Exchange] = []
    for result in results:
        if isinstance(result, BaseException):
            raise result
        exchanges.append(result)
    return exchanges


def _failure(error: Exception, redactor: Redactor) -> Failure:
    detail = redactor.text(str(error))
    match error:
        case httpx.ConnectError() if detail.startswith("TLS"):
            return Failure(FailureKind.TLS, detail)
        case httpx.ConnectError():
            return Failure(FailureKind.UNREACHABLE, detail)
        case httpx.ReadError():
            return Failure(FailureKind.DROPPED, detail)
        case httpx.TimeoutException():
            return Failure(FailureKind.TIMEOUT, detail)
        case OversizedAnswerError():
            return Failure(FailureKind.OVERSIZE, detail)
    return Failure(FailureKind.BROKEN, detail)
