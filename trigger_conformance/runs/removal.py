"""What a run made is removed: after its checks, before its reports, by its controlling process, however it ended.

What was made is what the book says (ids in answers to the run's requests, each removed with the credential that made
it), and what the target's list still shows under the run's name: some answers were never read. Removing has a budget
of its own, so that it is done where the run's is spent; its requests are in the book, and decide nothing.
"""

from __future__ import annotations

import logging
import time
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.client import Client
from trigger_conformance.checks.operation import Operation, operations
from trigger_conformance.options import interruption
from trigger_conformance.report.results import LeftBehind, Removal, checked
from trigger_conformance.runs.clearing import Claim, Clearing, is_removable
from trigger_conformance.runs.station import Station
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.exchange import Exchange, FailureKind

_SECONDS, _MOST_SECONDS, _A_SECOND = 30.0, 300.0, 20.0
_REQUESTS, _MOST_REQUESTS = 200, 20_000
_USUAL_PATIENCE, _LONGEST_PATIENCE = 1.0, 3.0
_UNLIMITED = 1 << 62
_UNREACHED = (FailureKind.UNREACHABLE, FailureKind.TLS)
_UNSEEN = "what the target lists at the end could not be read, so more may be left behind than is told"
_INTERRUPTED = "the run was interrupted once more"


def most_requests(sent: int) -> int:
    """How many requests removing may take, after so many that may each have made something."""
    return min(_MOST_REQUESTS, _REQUESTS + 2 * sent)


def remove_made(run: Station) -> Removal:
    """Remove what was made in the run of which this is the controlling process's part.

    A second Ctrl-C cuts it short.
    """
    run.ledger.release()
    exchanges, requests = run.ledger.exchanges(), run.ledger.requests
    # An interruption leaves requests under way, of which the book does not know what they were.
    unread = requests > len(exchanges)
    if not (made := _removable(run, exchanges, unread=unread)):
        return Removal()
    budget = _budget(run.shared.budget, len(exchanges), requests, run.ledger.seconds_spent)
    station = Station(replace(run.shared, budget=budget))
    try:
        clearings = [each for operation in made for each in _clearings(station, operation, exchanges, unread=unread)]
        try:
            with interruption.cut_short():
                time.sleep(_patience(exchanges) if unread else 0)
                for each in clearings:
                    each.clear()
        except KeyboardInterrupt:
            # What asyncio says of the requests that were under way helps nobody.
            logging.getLogger("asyncio").disabled = True
            for each in clearings:
                each.stop(_INTERRUPTED)
        return _told(clearings, station.ledger.requests - requests)
    finally:
        station.close()


def _told(clearings: Iterable[Clearing], requests: int) -> Removal:
    removed: Counter[str] = Counter()
    left: list[LeftBehind] = []
    notes: dict[str, None] = {}
    for each in clearings:
        removed[each.operation] += each.removed
        left += each.left()
        if each.unseen:
            notes[f"{each.operation}: {_UNSEEN} ({each.unseen})"] = None
    return Removal(removed, left, requests, list(notes))


def _budget(usual: Budget, sent: int, requests: int, seconds: float) -> Budget:
    """What may be spent by the end of removing; each of the requests that were ``sent`` may have made something."""
    a_second = min(_A_SECOND, usual.per_second or _A_SECOND)
    return Budget(
        requests=requests + most_requests(sent),
        runs=_UNLIMITED,
        seconds=seconds + min(_MOST_SECONDS, _SECONDS + sent / a_second),
        per_second=usual.per_second,
    )


def _patience(exchanges: Iterable[Exchange]) -> float:
    """How long the target may take to make what it was asked for last: as long as it took for any other answer."""
    return min(_LONGEST_PATIENCE, max((each.ended - each.started for each in exchanges), default=_USUAL_PATIENCE))


def _removable(run: Station, exchanges: Sequence[Exchange], *, unread: bool) -> list[Operation]:
    """The operations that may have made what can be removed; where requests are ``unread``, all that were tested."""
    tested = {each.operation for each in catalogue() if each in run.shared.selection} if unread else set()
    tested |= {each.request.operation for each in checked(exchanges) if _may_have_made(each)}
    return [
        each
        for identity, each in operations().items()
        if identity in tested and run.why_untested(each) is None and is_removable(run.client(identity))
    ]


def _clearings(
    station: Station, operation: Operation, exchanges: Sequence[Exchange], *, unread: bool
) -> Iterator[Clearing]:
    """One for each credential with which something may have been made."""
    run_id = station.shared.target.run_id
    own = [each for each in checked(exchanges) if each.request.operation == operation.id]
    by_second = [each for each in own if each.request.credential == "second"]
    others = [each for each in own if each.request.credential != "second"]
    client = station.client(operation.id)
    for each, sent in ((client, others), (client.of_second(), by_second)):
        if each is not None and (unread or sent):
            yield Clearing(each, lambda name: name.startswith(operation.beginning(run_id)), _claims(each, sent, run_id))


def _may_have_made(exchange: Exchange) -> bool:
    if exchange.answer is None:
        return exchange.failure is not None and exchange.failure.kind not in _UNREACHED
    return not 400 <= exchange.answer.status < 500


def _claims(client: Client, exchanges: Iterable[Exchange], run_id: str) -> list[Claim]:
    """What the answers name, without what the checks have removed themselves."""
    operation = client.operation
    claims: dict[str, Claim] = {}
    removed_by: dict[tuple[str, str], str] = {}
    for each in exchanges:
        request = each.request
        if request.method != operation.contract.method.upper():
            if 200 <= (each.status or 0) < 300:
                claims.pop(removed_by.get((request.method, request.target), ""), None)
            continue
        identity = operation.made(each)
        if not isinstance(identity, str) or (identity in claims and claims[identity].ours):
            continue
        name = operation.named(each) or ""
        ours = name.startswith(operation.beginning(run_id)) or _is_ours(name, operation.key(request), run_id)
        if ours or operation.is_new(each) is not False:
            claims[identity] = Claim(identity, name, ours)
            if client.is_safe(identity) and (removal := client.removal(identity)):
                removed_by[removal.method, removal.target] = identity
    return list(claims.values())


def _is_ours(name: str, key: str | None, run_id: str) -> bool:
    """Whether an answer's ``name`` is the key that was sent, in which the run's id is.

    Some keys differ from others at their very beginning, or in their letter case.
    """
    return name == key and run_id in unicodedata.normalize("NFKC", name).casefold()
