"""What is lost once is sent again: a stall is observed, a loss that lasts is violated."""

import itertools
from types import SimpleNamespace

import pytest

from selftest.canned import answer, canned
from trigger_conformance.checks.expect import InconclusiveError, ViolationError
from trigger_conformance.checks.losses import Losses
from trigger_conformance.runs.checking import _tell
from trigger_conformance.verdicts.verdict import Verdict
from trigger_conformance.wire.exchange import Answer, Exchange, Failure, FailureKind, Request

SOUND = Answer(202, "Accepted", (), b"{}", 0.0)
LATE = Failure(FailureKind.TIMEOUT, "")
DROPPED = Failure(FailureKind.DROPPED, "")


def _request(label):
    return Request(target="/", label=label, operation="create_batch")


def exchange(number, failure=None, *, repeats=0, started=None):
    began = float(number if started is None else started)
    told = None if failure else SOUND
    return Exchange(_request("case"), told, failure, began, began + 0.5, 0.0, repeats=repeats, number=number)


def lost_once(*numbers, failure=DROPPED, together=False):
    first = [exchange(number, failure, started=0 if together else None) for number in numbers]
    return [*first, *(exchange(1000 + number, repeats=number) for number in numbers)]


def test_without_losses_there_is_nothing_to_note():
    assert Losses.of([exchange(1), exchange(2)]).decide(2) == ""


def test_a_loss_that_was_made_good_is_noted():
    assert "#7 case" in Losses.of(lost_once(7)).decide(800)


def test_a_loss_that_was_not_sent_again_is_not_judged():
    with pytest.raises(InconclusiveError, match="not sent again"):
        Losses.of([exchange(7, DROPPED)]).decide(800)


def test_a_loss_that_lasts_is_violated():
    with pytest.raises(ViolationError) as found:
        Losses.of([exchange(7, DROPPED), exchange(8, DROPPED), exchange(9, LATE, repeats=7)]).decide(800)
    assert [each.number for each in found.value.evidence] == [7]


def test_an_abandoned_request_is_not_lost():
    assert Losses.of([exchange(1, Failure(FailureKind.ABANDONED, ""))]).decide(1) == ""


@pytest.mark.parametrize(
    ("traffic", "requests", "blamed"),
    [
        (lost_once(1, 2, 3, 4), 800, False),
        (lost_once(1, 2, 3, 4, 5), 400, True),
        (lost_once(1, 2, 3, 4, 5), 2000, False),
        (lost_once(1, 2, 3, 4, 5, 6, together=True), 400, False),
        (lost_once(1, 2, 3, 4, 5, 6, failure=LATE), 400, False),
    ],
    ids=["few", "many", "few of many", "at one time", "stalls"],
)
def test_connections_that_are_lost_time_and_again_are_no_stall(traffic, requests, blamed):
    if not blamed:
        assert Losses.of(traffic).decide(requests)
        return
    with pytest.raises(ViolationError, match="5 of 400 requests"):
        Losses.of(traffic).decide(requests)


def run_on(command, respond, *options):
    with canned(respond) as url:
        return command("run", f"--base-url={url}", "--timeout=0.5", *options, TRIGGER_API_KEY="tr_dev_second_look")


@pytest.mark.parametrize("lost", [(2,), (2, 3)], ids=["once", "twice"])
def test_a_check_is_judged_by_what_is_answered_when_its_request_is_sent_again(command, lost):
    def respond(_, number, __):
        if number in lost:
            return None
        return answer("202 Accepted", b'{"id":"batch_%d","runCount":1,"isCached":false}' % number)

    done = run_on(command, respond, "--only=create_batch.acceptance.valid_request_is_accepted")
    (requirement,) = done.results["requirements"]
    assert requirement["verdict"] == ("passed" if len(lost) == 1 else "violated"), done.output
    assert "sent again" in " ".join(requirement["notes"])


REFUSED = answer("401 Unauthorized", b'{"message":"no"}', "WWW-Authenticate: Bearer")
NO_METHOD = answer("405 Method Not Allowed", b'{"message":"no"}', "Allow: POST")
ON_ONE_CONNECTION = "create_batch.authentication.requests_on_one_connection_are_judged_by_themselves"
NOTHING = "create_batch.http.other_methods_create_nothing"


def test_what_a_body_that_nobody_read_spoils_is_told_once(command):
    unread, made = set(), itertools.count()

    def respond(request, _, connection):
        if connection in unread:
            unread.discard(connection)
            return answer("400 Bad Request", b'{"message":"no such method"}')
        known = b"Bearer tr_dev_second_look\r\n" in request
        if known and request.startswith(b"POST "):
            return answer("202 Accepted", b'{"id":"batch_%d","runCount":1,"isCached":false}' % next(made))
        unread.add(connection)
        return NO_METHOD if known else REFUSED

    done = run_on(command, respond, f"--only={ON_ONE_CONNECTION}", f"--only={NOTHING}")
    verdicts = {each["id"]: each["verdict"] for each in done.results["requirements"]}
    assert verdicts == {ON_ONE_CONNECTION: "violated", NOTHING: "inconclusive"}, done.output
    assert [each["requirements"] for each in done.results["findings"]] == [[ON_ONE_CONNECTION]]


@pytest.mark.parametrize("verdict", [Verdict.WARNED, Verdict.OBSERVED])
def test_a_setup_that_found_something_is_not_followed_by_the_check_itself(verdict):
    # To pytest a setup has passed or not; a check whose fixture raised would run without that fixture.
    report = SimpleNamespace(when="setup", outcome="failed", location=("test_x.py", 1, "test_x"), longrepr=None)
    _tell(report, SimpleNamespace(verdict=verdict, message="why", waiver=None))
    assert report.outcome == "skipped"
    assert report.longrepr == ("test_x.py", 1, f"{verdict}: why")
