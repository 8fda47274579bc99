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
from trigger_conformance.checks.operation import operations
from trigger_conformance.options import interruption
from trigger_conformance.report.results import Removal, checked
from trigger_conformance.runs.clearing import Claim, Clearing, is_removable
from trigger_conformance.runs.station import Shared, Station
from trigger_conformance.wire.budget import Budget
from trigger_conformance.wire.exchange import Exchange, FailureKind

_SECONDS, _MOST_SECONDS, _A_SECOND = 30.0, 300.0, 20.0
_REQUESTS, _MOST_REQUESTS = 200, 20_000
_USUAL_PATIENCE, _LONGEST_PATIENCE = 1.0, 3.0
_UNLIMITED = 1 << 62
_UNREACHED = (FailureKind.UNREACHABLE, FailureKind.TLS)
_UNSEEN = "what the target lists at the end could not be read, so more may be left behind than is told"
_INTERRUPTED = "the run was interrupted once more"


def beginning(run_id: str) -> str:
    """How the names of what a run makes begin."""
    return f"conformance-{run_id}-"


def remove_made(shared: Shared, exchanges: Sequence[Exchange], requests: int, seconds: float) -> Removal:
    """Remove what a run made that sent ``exchanges``, and has spent so many ``requests`` and ``seconds``.

    A second Ctrl-C cuts it short.
    """
    station = Station(replace(shared, budget=_budget(shared.budget, len(exchanges), requests, seconds)))
    try:
        # An interruption leaves requests under way, of which the book does not know what they were.
        unread = requests > len(exchanges)
        clearings = list(_clearings(station, exchanges, unread=unread))
        try:
            with interruption.cut_short():
                time.sleep(_patience(exchanges) if unread and clearings else 0)
                for each in clearings:
                    each.clear()
        except KeyboardInterrupt:
            # What asyncio says of the requests that were under way helps nobody.
            logging.getLogger("asyncio").disabled = True
            for each in clearings:
                each.stop(_INTERRUPTED)
        removed: Counter[str] = Counter()
        for each in clearings:
            removed[each.operation] += each.removed
        left = [thing for each in clearings for thing in each.left()]
        notes = [f"{each.operation}: {_UNSEEN} ({each.unseen})" for each in clearings if each.unseen]
        return Removal(removed, left, station.ledger.requests - requests, list(dict.fromkeys(notes)))
    finally:
        station.close()


def _budget(usual: Budget, sent: int, requests: int, seconds: float) -> Budget:
    """What may be spent by the end of removing; each of the requests that were ``sent`` may have made something."""
    a_second = min(_A_SECOND, usual.per_second or _A_SECOND)
    return Budget(
        requests=requests + min(_MOST_REQUESTS, _REQUESTS + 2 * sent),
        runs=_UNLIMITED,
        seconds=seconds + min(_MOST_SECONDS, _SECONDS + sent / a_second),
        per_second=usual.per_second,
    )


def _patience(exchanges: Iterable[Exchange]) -> float:
    """How long the target may take to make what it was asked for last: as long as it took for any other answer."""
    return min(_LONGEST_PATIENCE, max((each.ended - each.started for each in exchanges), default=_USUAL_PATIENCE))


def _clearings(station: Station, exchanges: Sequence[Exchange], *, unread: bool) -> Iterator[Clearing]:
    """One for each operation and credential with which something may have been made; where much is ``unread``, all."""
    run_id = station.shared.target.run_id
    selected = {each.operation for each in catalogue() if each in station.shared.selection} if unread else set()
    for operation in operations().values():
        own = [each for each in checked(exchanges) if each.request.operation == operation.id]
        may = operation.id in selected and station.why_untested(operation) is None
        if not (may or any(map(_may_have_made, own))) or not is_removable(client := station.client(operation.id)):
            continue
        by_second = [each for each in own if each.request.credential == "second"]
        others = [each for each in own if each.request.credential != "second"]
        for each, sent in ((client, others), (client.of_second(), by_second)):
            if each is not None and (may or sent):
                yield Clearing(each, lambda name: name.startswith(beginning(run_id)), _claims(each, sent, run_id))


def _may_have_made(exchange: Exchange) -> bool:
    if exchange.answer is None:
        return exchange.failure is not None and exchange.failure.kind not in _UNREACHED
    return not 400 <= exchange.answer.status < 500


def _claims(client: Client, exchanges: Iterable[Exchange], run_id: str) -> list[Claim]:
    """What the answers name, without what the checks have removed themselves."""
    operation = client.operation
    claims: dict[str, Claim] = {}
    for each in exchanges:
        request = each.request
        if request.method != operation.contract.method.upper():
            if 200 <= (each.status or 0) < 300:
                claims = {identity: claim for identity, claim in claims.items()
                          if not _removes(client, identity, each)}  # fmt: skip
            continue
        identity = operation.made(each)
        if not isinstance(identity, str) or (identity in claims and claims[identity].ours):
            continue
        name = operation.named(each) or ""
        ours = _is_ours(name, operation.key(request), run_id)
        if ours or operation.is_new(each) is not False:
            claims[identity] = Claim(identity, name, ours)
    return list(claims.values())


def _is_ours(name: str, key: str | None, run_id: str) -> bool:
    """Whether an answer's ``name`` is the run's: it begins so, or is the key that was sent, in which the run's id is.

    Some keys differ from others at their very beginning, or in their letter case.
    """
    return name.startswith(beginning(run_id)) or (
        name == key and run_id in unicodedata.normalize("NFKC", name).casefold()
    )


def _removes(client: Client, identity: str, exchange: Exchange) -> bool:
    request = exchange.request
    if not request.target.endswith(identity):
        return False
    removal = client.removal(identity)
    return removal is not None and (removal.method, removal.target) == (request.method, request.target)
