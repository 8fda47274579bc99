"""The first, plain valid request of an operation: is there a target to test, and what to do where there is none."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from trigger_conformance.checks.expect import InconclusiveError
from trigger_conformance.checks.operation import Operation, operation_of
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.options.target import Target
from trigger_conformance.runs.station import Station
from trigger_conformance.wire.destination import Destination
from trigger_conformance.wire.exchange import Answer, Exchange, FailureKind, Request
from trigger_conformance.wire.handshake import speaks_tls
from trigger_conformance.wire.ledger import BudgetSpentError
from trigger_conformance.wire.sending import Sending

_COLD_START = 30.0
_SLOW_START = 3.0
# What a second request meets too, or has waited for long enough.
_HOPELESS = (FailureKind.UNREACHABLE, FailureKind.TLS, FailureKind.TIMEOUT)
_LONGEST_PIECE = 200
# What no gateway says of a server that is down.
_OF_ITS_OWN = 500
# How OpenSSL calls an answer that is no TLS.
_NO_TLS = re.compile("wrong.version.number|record.layer.failure|packet.length.too.long|http.request", re.IGNORECASE)


@dataclass(frozen=True)
class Tried:
    """Why a run must stop, or None, and what is worth telling of the way to the target."""

    halted: str | None
    notes: tuple[str, ...] = ()


def tried(station: Station, operation: Operation, seconds: float) -> Tried:
    """Send one plain valid request, which may take as long as a cold start, within the ``seconds`` of the run."""
    api = station.begin(f"{operation.id}.preflight")
    timeout = max(api.options.timeout, min(_COLD_START, seconds))
    try:
        exchange = _first_answer(station, station.api.valid(), Sending(timeout=timeout))
    except BudgetSpentError as error:
        return Tried(f"the target could not be tried: {error}")
    except InconclusiveError as error:
        # What an operation's requests need beside is another's to make: its answer tells of the way to the target, too.
        if not error.evidence:
            return Tried(None)
        exchange = error.evidence[0]
        if exchange.failure is not None:
            # It may be a cold start: asked like any first request, it has as long.
            again = Sending(timeout=timeout, repeats=exchange.number)
            exchange = _first_answer(station, exchange.request, again)
        operation = operation_of(exchange.request)
    # What is told is cut, and what is cut must be redacted before.
    clean = station.redactor.exchange(exchange)
    halted = _other_scheme(api.options, clean) or why_no_target(clean, operation)
    if clean.status == _OF_ITS_OWN and _serves_others(station, operation):
        # It is up: that it fails here is what its checks find.
        halted = None
    notes = list(_of_the_way(station.shared.target, exchange))
    took = exchange.ended - exchange.started
    if took > _SLOW_START and halted is None:
        notes.append(f"the first request took {took:.1f} s (a cold start?); it was waited for once")
    return Tried(halted, tuple(notes))


def _serves_others(station: Station, operation: Operation) -> bool:
    """Whether the target has answered another operation's requests in this run."""
    served = any(
        each.request.operation != operation.id and each.request.credential == "primary"
        and (each.status or 0) // 100 == 2
        for each in station.ledger.exchanges()
    )  # fmt: skip
    # What others had sent by then hangs on the time.
    return station.wire.decide("served others", int(served)) == 1


def _first_answer(station: Station, request: Request, sending: Sending) -> Exchange:
    """The answer to a plain valid ``request``; one that is lost on its way, or fails, is sent once more.

    A target that answers then is up: what its first answer was is judged as any other.
    """
    wire = station.wire
    exchange = wire.send(request, sending)
    if wire.take_lost() and exchange.failure and exchange.failure.kind not in _HOPELESS:
        return wire.send(exchange.request, replace(sending, repeats=exchange.number))
    if (exchange.status or 0) >= _OF_ITS_OWN:
        return wire.send(station.api.valid(), sending)
    return exchange


def _of_the_way(target: Target, exchange: Exchange) -> Iterator[str]:
    if target.proxy is not None:
        yield f"requests go by the proxy {target.proxy.url}: its answers are taken for the target's"
    if target.http2 and exchange.answer is not None and exchange.answer.version != "HTTP/2":
        yield f"--http2: the target does not offer HTTP/2; it speaks {exchange.answer.version}"


def _other_scheme(target: Destination, exchange: Exchange) -> str | None:
    """What to say where the target speaks TLS and was called without, or the reverse."""
    parts = urlsplit(target.base_url)
    rest = target.base_url.partition("://")[2]
    failure = exchange.failure
    if parts.scheme == "https":
        plain = failure is not None and failure.kind is FailureKind.TLS and _NO_TLS.search(failure.detail)
        return f"the target speaks no TLS on this port: give --base-url http://{rest}" if plain else None
    odd = exchange.status == 400 if failure is None else failure.kind in (FailureKind.DROPPED, FailureKind.BROKEN)
    if not odd or target.proxy is not None:
        return None
    if speaks_tls(parts.hostname or "", parts.port or 80, min(_SLOW_START, target.timeout)):
        return f"the target speaks TLS on this port: give --base-url https://{rest}"
    return None


def why_no_target(exchange: Exchange, operation: Operation) -> str | None:
    """Why a run must stop at the answer to an operation's first, plain valid request; None where it need not."""
    if exchange.answer is None:
        assert exchange.failure is not None
        hints = {
            FailureKind.TLS: "check the certificate, or name its authority with --ca-bundle",
            FailureKind.TIMEOUT: "is the target up? a longer --timeout waits longer",
        }
        hint = hints.get(exchange.failure.kind, "check --base-url, and that the target is up")
        return f"the target does not answer ({exchange.failure}): {hint}"
    return _why_not_it(exchange.answer, operation)


def _why_not_it(answer: Answer, operation: Operation) -> str | None:
    status = answer.status
    if status == operation.contract.success:
        return None
    if status in (401, 403):
        return f"the target refused the key ({status} on a plain valid request): check --api-key, or TRIGGER_API_KEY"
    if status == 407:
        return (
            "a proxy on the way asks for credentials (407): give them in HTTP_PROXY, as http://user:password@host:port"
        )
    if status == 429:
        return "the target answers 429 and waiting did not help: try again later, or with a key that is not limited"
    if 300 <= status < 400:
        place = quoted(answer.header("location") or "nowhere", _LONGEST_PIECE)
        return f"the target redirects to {place} ({status}): give the final origin as --base-url"
    if status >= 500:
        return f"the target is down ({status} on a plain valid request): {_gist(answer)}"
    if status in (404, 405) or "html" in answer.media_type:
        media_type = quoted(answer.media_type, _LONGEST_PIECE) if answer.media_type else "without a media type"
        return f"this is no {operation.title} ({status} {media_type}): check --base-url"
    return None


def _gist(answer: Answer) -> str:
    message = answer.document.get("message")
    return quoted(message, _LONGEST_PIECE) if isinstance(message, str) and message else "try again when it is up"
