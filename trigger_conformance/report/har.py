"""evidence.har: every exchange of a run as HAR 1.2, which browsers' network panels and other tools load.

Exchanges come redacted from the run's book. HAR has no place for some of what matters here; fields that begin with an
underscore hold it, as the format allows.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from trigger_conformance import __version__
from trigger_conformance.report.curl import origin
from trigger_conformance.wire.exchange import Answer, Exchange, Failure, FailureKind, Request
from trigger_conformance.wire.replay import Decision, Replay, fingerprint

FILE = "evidence.har"
_HEAD, _TAIL = 8192, 1024
# What an answer lists is judged, and is judged again from here.
_LONGEST_ANSWER = 1 << 18
# Ten times what the largest profile's exchanges take with a server that keeps the contract.
_LARGEST_EVIDENCE = 1 << 25


def texts(
    exchanges: Iterable[Exchange],
    base_url: str,
    decisions: Iterable[Decision] = (),
    last: Callable[[str], str] = str,
) -> Iterator[str]:
    """The HAR document of ``exchanges``, piece by piece, an entry a piece: of a long run it is large.

    ``decisions`` are what checks made of the time that they had; ``last`` sees each text as it will stand there, before
    JSON puts escapes into it.
    """
    creator = json.dumps({"name": "trigger-conformance", "version": __version__})
    told = json.dumps([_seen_by(last, asdict(decision)) for decision in decisions])
    yield f'{{"log": {{"version": "1.2", "creator": {creator}, "pages": [], "_decisions": {told}, "entries": ['
    room, between = _LARGEST_EVIDENCE, "\n"
    for exchange in exchanges:
        yield between + json.dumps(_seen_by(last, _entry(exchange if room > 0 else _gist(exchange), base_url)))
        room -= _size(exchange)
        between = ",\n"
    yield "\n]}}\n"


def replay(document: Mapping[str, Any]) -> Replay:
    """The evidence in a document that ``har`` made, as a run's answers. Raises LookupError, TypeError, ValueError."""
    answers: defaultdict[str, list[Exchange]] = defaultdict(list)
    log = document["log"]
    for entry in log["entries"]:
        answers[entry["_fingerprint"]].append(_exchange(entry))
    return Replay(answers, [Decision(**decision) for decision in log["_decisions"]])


def merged(documents: Sequence[Mapping[str, Any]], offsets: Sequence[int]) -> dict[str, Any]:
    """Several documents as one; the exchanges of each are numbered after its ``offsets``."""
    entries = [
        {**entry, "_number": entry["_number"] + offset, "_repeats": entry["_repeats"] and entry["_repeats"] + offset}
        for document, offset in zip(documents, offsets, strict=True)
        for entry in document["log"]["entries"]
    ]
    decisions = [decision for document in documents for decision in document["log"]["_decisions"]]
    return {"log": {**documents[0]["log"], "entries": entries, "_decisions": decisions}}


def exchanges(document: Mapping[str, Any]) -> list[Exchange]:
    """The exchanges of a document, with their answers but without their requests."""
    return [_exchange(entry) for entry in document["log"]["entries"]]


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    error = entry.get("_error")
    return Exchange(
        request=Request(target="", operation=entry["_requirement"].partition(".")[0]),
        answer=None if error else _answer(entry),
        failure=Failure(FailureKind(error["kind"]), error["detail"]) if error else None,
        started=entry["_started"],
        ended=entry["_ended"],
        began=datetime.fromisoformat(entry["startedDateTime"]).timestamp(),
        check=entry["_requirement"],
        together=entry["_together"],
        repeats=entry.get("_repeats", 0),
        connection=int(entry["connection"]),
        number=entry["_number"],
    )


def _answer(entry: Mapping[str, Any]) -> Answer:
    response = entry["response"]
    content = response["content"]
    return Answer(
        status=response["status"],
        reason=response["statusText"],
        headers=tuple((header["name"], header["value"]) for header in response["headers"]),
        body=content["text"].encode(content.get("_charset", "utf-8")),
        at=entry["_at"],
        leaks=tuple(entry["_leaks"]),
        version=response["httpVersion"],
    )


def _entry(exchange: Exchange, base_url: str) -> dict[str, Any]:
    milliseconds = round(1000 * (exchange.ended - exchange.started), 3)
    entry: dict[str, Any] = {
        "startedDateTime": datetime.fromtimestamp(exchange.began, UTC).isoformat(timespec="milliseconds"),
        "time": milliseconds,
        "request": _request(exchange.request, base_url),
        "response": _response(exchange.answer, str(exchange.failure or "")),
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        "connection": str(exchange.connection),
        "_requirement": exchange.check,
        "_case": exchange.request.label,
        "_number": exchange.number,
        "_started": exchange.started,
        "_ended": exchange.ended,
        "_together": exchange.together,
        "_repeats": exchange.repeats,
        "_framing": str(exchange.request.framing),
        "_delivery": str(exchange.request.delivery),
        "_upload": None if exchange.request.upload is None else asdict(exchange.request.upload),
        "_fingerprint": fingerprint(exchange.check, exchange.request),
    }
    if exchange.answer is not None:
        entry |= {"_at": exchange.answer.at, "_leaks": list(exchange.answer.leaks)}
    if exchange.failure is not None:
        entry["_error"] = {"kind": str(exchange.failure.kind), "detail": exchange.failure.detail}
    return entry


def _seen_by(last: Callable[[str], str], told: Any) -> Any:
    """What is ``told`` with each text in it as ``last`` has it."""
    if isinstance(told, str):
        return last(told)
    if isinstance(told, dict):
        return {name: _seen_by(last, value) for name, value in told.items()}
    return [_seen_by(last, value) for value in told] if isinstance(told, list) else told


def _size(exchange: Exchange) -> int:
    """About how many bytes of a document an exchange takes."""
    answer = exchange.answer
    sent = min(len(exchange.request.body), _HEAD + _TAIL)
    if answer is None:
        return sent
    headers = sum(len(name) + len(value) for name, value in answer.headers)
    # JSON writes some characters six times as long.
    kept = answer.body if len(answer.body) <= _LONGEST_ANSWER else answer.body[: _HEAD + _TAIL]
    return sent + headers + len(json.dumps(kept.decode("latin-1")))


def _gist(exchange: Exchange) -> Exchange:
    """``exchange`` with so much of its answer as is kept once there is too much of it."""
    answer = exchange.answer and replace(exchange.answer, headers=exchange.answer.headers[:8],
                                         body=exchange.answer.body[:256])  # fmt: skip
    return replace(exchange, answer=answer)


def _request(request: Request, base_url: str) -> dict[str, Any]:
    url = origin(base_url) + request.target if request.target.startswith("/") else request.target
    data: dict[str, Any] = {
        "method": request.method,
        "url": url,
        "httpVersion": request.version,
        "cookies": [],
        "headers": [{"name": name, "value": value.decode("latin-1")} for name, value in request.headers],
        "queryString": [{"name": name, "value": value} for name, value in parse_qsl(urlsplit(url).query)],
        "headersSize": -1,
        "bodySize": len(request.body),
    }
    if request.body:
        kinds = [value.decode("latin-1") for name, value in request.headers if name.lower() == "content-type"]
        data["postData"] = {"mimeType": kinds[0] if kinds else "", **_content(request.body)}
    return data


def _response(answer: Answer | None, error: str) -> dict[str, Any]:
    if answer is None:
        empty: dict[str, Any] = {"size": 0, "mimeType": "x-unknown"}
        return {
            "status": 0, "statusText": error, "httpVersion": "HTTP/1.1", "cookies": [], "headers": [],
            "content": empty, "redirectURL": "", "headersSize": -1, "bodySize": -1,
        }  # fmt: skip
    return {
        "status": answer.status,
        "statusText": answer.reason,
        "httpVersion": answer.version,
        "cookies": [],
        "headers": [{"name": name, "value": value} for name, value in answer.headers],
        "content": {
            "size": len(answer.body),
            "mimeType": answer.header("content-type") or "x-unknown",
            **_content(answer.body, _LONGEST_ANSWER),
        },
        "redirectURL": answer.header("location") or "",
        "headersSize": -1,
        "bodySize": len(answer.body),
    }


def _content(body: bytes, most: int = _HEAD + _TAIL) -> dict[str, Any]:
    """A body as text; one that is no UTF-8 byte by byte (Latin-1); one larger than ``most`` by head, tail, digest."""
    if len(body) > most:
        cut = b"%s\n[%d bytes left out]\n%s" % (body[:_HEAD], len(body) - _HEAD - _TAIL, body[-_TAIL:])
        return {"text": cut.decode("utf-8", "replace"), "_sha256": hashlib.sha256(body).hexdigest()}
    try:
        return {"text": body.decode("utf-8")}
    except UnicodeDecodeError:
        return {"text": body.decode("latin-1"), "_charset": "latin-1"}
