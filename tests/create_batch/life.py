"""Which of a run's keys are asked for once more at its end: as long as each must be known, and in every way made."""

import time

from tests.every_operation import keys
from tests.every_operation.clients import value
from trigger_conformance.checks.expect import InconclusiveError

from .grounds import given_that_replays_work
from .operation import batch, is_cached, is_new, key_of, keyed_batches, run_count

# A key is known for so many seconds at least.
LIFE = 60.0
# So many of the earliest keys come again.
EARLIEST = 4
# Ways of sending a request in which software reads its body, or what is to be kept of it, otherwise.
WAYS = {
    "in chunks": lambda request: request.framing.in_chunks,
    "coded": lambda request: value(request, "content-encoding") != b"",
    "expecting to be told to go on": lambda request: value(request, "expect") != b"",
    "not to be stored": lambda request: value(request, "cache-control") == b"no-store",
    "as a connection's last": lambda request: value(request, "connection") == b"close",
}


def within_their_life(target, traffic):
    """The exchanges of the run that made batches with plain keys, as far as those must still be known."""
    made = [each for each in keyed_batches(traffic) if keys.is_plain(key_of(each.request))]
    old = sum(time.monotonic() - each.ended > LIFE - 2 for each in made)
    return made[target.wire.decide("keys beyond their life", old) :]


def longest_unused(target, traffic, young):
    """Those of ``young`` whose keys were used last the longest ago, the longest first.

    Keys that were replayed in vain, or never, are left out where others were: a replay must work to begin with.
    """
    last = {key_of(each.request): each.number for each in traffic}
    found = {batch(each) for each in traffic if is_cached(each)}
    if not found:
        # A part of the suite may have replayed nothing yet.
        given_that_replays_work(target)
    replayed = [each for each in young if batch(each) in found] or young
    if not replayed:
        raise InconclusiveError("the run made no batch with a key that it could ask for again")
    return sorted(replayed, key=lambda each: last[key_of(each.request)])[:EARLIEST]


def the_largest_and_the_limited(traffic, young):
    """Of ``young`` the one that made the largest batch, and the last one whose key was answered 429 afterwards."""
    refused = {key_of(each.request): each.number for each in traffic if each.status == 429}
    limited = [each for each in young if refused.get(key_of(each.request), 0) > each.number]
    largest = sorted(young, key=lambda each: run_count(each.request) or 0)
    return [*largest[-1:], *limited[-1:]]


def sent_in_ways(young):
    """Of ``young`` the first that was sent in each way."""
    found = {way: next((each for each in young if sent(each.request)), None) for way, sent in WAYS.items()}
    return [each for each in found.values() if each is not None]


def of_the_other_environment(target, traffic):
    """The last exchange that made a batch with a key for the second environment."""
    made = [each for each in traffic if is_new(each) and key_of(each.request) and each.request.credential == "second"]
    late = sum(time.monotonic() - each.ended < LIFE - 2 for each in made)
    return made[-1:] if target.wire.decide("the other environment's keys", late) else []


def again(target, first):
    """A plain replay of what made a batch, for its environment."""
    credential = target.second_bearer if first.request.credential == "second" else target.bearer
    return target.send(target.order(key=key_of(first.request), authorization=credential))


def replayed_in_time(target, firsts):
    """Each of ``firsts`` with its replay now, as far as its key's life has not ended by then."""
    pairs = [(first, again(target, first)) for first in firsts]
    in_time = [(first, replay) for first, replay in pairs if replay.ended - first.ended < LIFE]
    if not in_time:
        raise InconclusiveError("the replays took so long that a key may have expired", [replay for _, replay in pairs])
    return in_time
