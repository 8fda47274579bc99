"""What checks of every operation rest on beside their own statement, and which requirement owns it."""

import itertools
import re
from urllib.parse import unquote

from trigger_conformance.checks.expect import NotApplicableError, expect, several
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.operation import operation_of
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.contract.quoting import quoted

WRONG_KEY = "authentication.wrong_key_is_refused"
REFUSAL = "authentication.missing_credential_is_refused"
ACCEPTED = "answers.valid_request_is_accepted"
PRINTABLE_KEYS, LONG_KEYS = "printable_unicode_keys_work", "keys_up_to_255_characters_work"
WORD = re.compile(r"[\w-]+", re.ASCII)
JSON = "application/json"
MAY_BE_UNKNOWN = ("OPTIONS", "TRACE", "QUERY", "FOO")


def operation(exchanges):
    """The operation that the exchanges belong to."""
    return operation_of(several(exchanges)[0].request)


def given_new(exchanges):
    """What was accepted made something new."""
    asked = several(exchanges)
    return given(asked, rests_on=operation(asked).new_owner or operation(asked).owner(ACCEPTED)).is_new()


def given_as_asked(exchanges):
    """What was accepted made something new, and what it asked for."""
    made = given_new(exchanges)
    return given(made, rests_on=operation(made).as_asked_owner or operation(made).owner(ACCEPTED)).is_as_asked()


def given_keys_taken(exchanges, area):
    """What has an odd key, or a long one, is accepted: which keys are taken is said by a requirement each."""
    held = []
    for owner, is_word in ((PRINTABLE_KEYS, False), (LONG_KEYS, True)):
        some = [
            each for each in several(exchanges) if bool(WORD.fullmatch(operation(each).key(each.request))) is is_word
        ]
        held += given(some, rests_on=f"{area}.{owner}").is_accepted() if some else []
    return held


def expect_nothing_made(target, requests):
    """What had to fail made nothing; whether it did is seen in the operation's own way."""
    shown, judge = target.look_for(list(requests))
    expect(shown).satisfies(judge)


def given_more_than_smoke(target):
    """Raises NotApplicableError where smoke has no request to spare; the operations of one site have one parser."""
    if target.profile is Profile.SMOKE and target.sparing:
        raise NotApplicableError("larger profiles send it: smoke asks this of one operation only")


def has_failed(exchange):
    """Whether the server failed: 501 says no more than that it does not know a method (RFC 9110 section 15.6.2)."""
    unknown = exchange.status == 501 and exchange.request.method in MAY_BE_UNKNOWN
    return (exchange.status or 0) >= 500 and not unknown


def why_failed(exchange):
    """A judge: the server failed."""
    return f"{exchange.outcome} to what a client can send" if has_failed(exchange) else None


def why_no_json(exchange):
    """A judge: what keeps an answer from having the media type of JSON."""
    got = exchange.answer.media_type
    return None if got == JSON else Problem(f"expected {JSON}, got {quoted(got)}", "media type")


def failed_only(target, traffic):
    """By their keys, requests that were rejected or refused where no other one with the key may have made it."""
    key = target.operation.key
    asked = [each for each in traffic if target.operation.asks(each.request) and key(each.request)]
    made = {key(each.request) for each in asked if each.status is None or not 400 <= each.status < 500}
    return {key(each.request): each for each in asked if key(each.request) not in made}


def expect_refused(exchanges):
    """Nobody is let in; with which status a stranger is refused is another requirement's affair."""
    expect_nobody_let_in(exchanges)
    given(exchanges, rests_on=operation(exchanges).owner(REFUSAL)).is_refused()


def expect_wrong_refused(exchanges):
    """Nobody is let in; with which status a wrong credential is refused is another requirement's affair."""
    expect_nobody_let_in(exchanges)
    given(exchanges, rests_on=operation(exchanges).owner(WRONG_KEY)).is_refused()


def expect_nobody_let_in(exchanges):
    """No answer is a success, and there is one."""
    expect(exchanges).satisfies(
        lambda each: f"expected 401, got {each.outcome}" if each.answer is None or is_let_in(each) else None
    )


def is_let_in(exchange):
    """Whether an answer is a success."""
    return exchange.status is not None and exchange.status // 100 == 2


def given_kept_out(plain, label, owner):
    """The ground of what is sent in some odder way: where the ``plain`` one called ``label`` is let in, all are."""
    if let_in := [each for each in plain if each.request.label == label and is_let_in(each)]:
        rests(operation(let_in).owner(owner), f"{label}: expected 401, got {let_in[0].outcome}", let_in)


def expect_removed_once(answers, success):
    """Of removals of one thing at once one is answered with ``success``, and the others so or 404."""
    expect(answers).has_status(success, 404)
    if all(each.status == 404 for each in answers):
        expect(answers[:1]).has_status(success)


def first_removal(target, traffic):
    """The run's first removal of something that it had made, if there is any."""
    there = set()
    for each in traffic:
        if each.request.credential != "primary":
            continue
        if each.request.method == "DELETE" and unquote(each.request.target.rpartition("/")[2]) in there:
            return [each]
        if each.request.method == "POST":
            there.add(target.operation.made(each))
    return []


def looks_after_removals(target, traffic):
    """The looks of the run that came next at a place from which something had been removed."""
    own = [each for each in traffic if each.request.credential == "primary"]
    found = []
    for number, each in enumerate(own):
        if each.request.method == "DELETE" and each.status == target.contract.success:
            place = each.request.target
            thing = unquote(place.rpartition("/")[2])
            # A look that had begun before may show what was there then.
            later = (other for other in own[number + 1 :]
                     if (other.request.target == place and other.started >= each.ended)
                     or target.operation.made(other) == thing)  # fmt: skip
            found += [other for other in itertools.islice(later, 1) if other.request.method == "GET"]
    return found


def given_removed_for_good(target, traffic, owner):
    """What was removed was not seen any more; the requirement ``owner`` says so."""
    if still := [each for each in looks_after_removals(target, traffic) if each.status == target.contract.success]:
        rests(owner, "what was removed is seen", still)
