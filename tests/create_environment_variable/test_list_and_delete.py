"""What is seen of variables by their names and in the list, and that they can be removed."""

import itertools
from collections import Counter
from itertools import pairwise
from urllib.parse import unquote

import pytest

from tests.every_operation.credentials import another_key
from tests.every_operation.grounds import (
    expect_removed_once,
    failed_only,
    first_removal,
    given_removed_for_good,
    looks_after_removals,
    why_failed,
    why_no_json,
)
from trigger_conformance.checks.client import Authorization
from trigger_conformance.checks.expect import (
    REJECTIONS,
    NotApplicableError,
    ViolationError,
    Wrong,
    expect,
    is_blocked,
    seen,
)
from trigger_conformance.checks.ground import GroundError, given, rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Stage, must
from trigger_conformance.contract.contract import strict_json
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.contract.told import INVALID
from trigger_conformance.wire.exchange import Beyond

from .client import Look
from .grounds import (
    DELETED,
    ID,
    SEEN,
    SEEN_SCHEMA,
    STAYS_404,
    STAYS_LISTED,
    SUCCESS,
    given_accepted,
    given_array,
    given_found,
    given_listed,
    given_listing,
    key_of,
    why_not_in_the_list,
    why_not_the_value,
)
from .named import is_ordinary
from .names import owner_of
from .removals import at_once, removed
from .values import NAME, VALUE

ONE, LIST, DELETE = "retrieveEnvironmentVariable", "listEnvironmentVariables", "deleteEnvironmentVariable"
SECOND = ID("list_and_delete", "second_delete_is_404")
OTHERS = ID("list_and_delete", "delete_removes_no_other")
LETTERS = ID("names", "letter_case_makes_names_different")
ORDINARY = ID("names", "ordinary_names_are_accepted")
REFUSED = 401
NO_HEADER = Authorization((), "")
# What of the run is judged by requirements of its own.
OWN_AFFAIRS = ("names", "values", "many_at_once", "whose_it_is", "taken_names", "list_and_delete")


@pytest.fixture(scope="module")
def plain(target):
    """Two plain variables, and what is seen of them at once."""
    found = target.plain_ones()
    given_accepted(found.answers)
    return found


@must("a variable is seen by its name at once, with the value that was sent", clause=f"{ONE}.responses.200",
      profile=Profile.SMOKE)  # fmt: skip
def test_created_variable_is_seen_by_name(target, plain):
    given(plain.by_name, rests_on=SEEN_SCHEMA).satisfies(
        lambda each: None if each.status != SUCCESS or VALUE in each.answer.document else "it has no value"
    )
    if target.hides:
        expect(plain.by_name).has_status(SUCCESS)
        target.note("the target never shows a value again")
        return
    expect(plain.by_name).satisfies(why_not_the_value(plain.answers))


@must("a variable is in the list at once, with the value that was sent", clause=f"{LIST}.responses.200",
      profile=Profile.SMOKE)  # fmt: skip
def test_created_variable_is_in_the_list(target, plain):
    given_found(target)
    given_array(plain.look.page)
    expect(plain.look.page).satisfies(why_not_in_the_list(target, plain.answers, plain.look))


def looks(target, traffic, *, one):
    """The successful looks of the run: at one variable each, or at the list."""
    path = target.contract.path.count("/")
    return [each for each in traffic if each.request.method == "GET" and each.status == SUCCESS
            and (target.contract.prefix_of(each.request.target) is None) == one
            and each.request.target.count("/") >= path]  # fmt: skip


def own_lists(target, traffic):
    """The lists of this environment: a key may be the whole project's."""
    path = target.looking().target
    found = looks(target, traffic, one=False)
    return [each for each in found if each.request.credential == "primary" and each.request.target == path]


def schema_of(target, name):
    """A judge: the answer satisfies the schema called so."""
    return lambda each: next(iter(target.contract.schema_errors(name, each.answer.json)), None)


@must("what is seen by its name satisfies the schema", clause="EnvironmentVariableValue", profile=Profile.SMOKE,
      stage=Stage.CLOSING)  # fmt: skip
def test_seen_variables_satisfy_the_schema(target, traffic):
    schema = schema_of(target, "EnvironmentVariableValue")
    found = looks(target, traffic, one=True)
    seen(found, "variable by its name").satisfies(
        lambda each: why_no_json(each) or why_not_read(each) or schema(each), place="body"
    )


def why_not_read(exchange):
    """What keeps a body from being read at all."""
    # JSON's null is read as None, too.
    unread = exchange.answer.json is None and strict_json(exchange.answer.body) is INVALID
    return "the body is no JSON" if unread else None


@must("the list is an array of variables, and each satisfies the schema", clause=f"{LIST}.responses.200",
      profile=Profile.SMOKE, stage=Stage.CLOSING)  # fmt: skip
def test_lists_satisfy_the_schema(target, traffic):
    def judge(exchange):
        told = exchange.answer.json
        if why := why_not_read(exchange):
            return why
        if not isinstance(told, list):
            return f"expected an array, got {type(told).__name__}"
        if problem := why_no_json(exchange):
            return problem
        errors = (error for each in told for error in target.contract.schema_errors("EnvironmentVariable", each))
        return next(errors, None)

    seen(looks(target, traffic, one=False), "list").satisfies(judge, place="body")


@pytest.fixture(scope="module")
def at_the_end(target, traffic):  # noqa: ARG001
    """The list, when all other checks have ended."""
    look = target.look()
    given_listed(look)
    return look


@must("the list has each name once", clause=f"{LIST}.responses.200", stage=Stage.CLOSING)
def test_list_has_each_name_once(target, traffic, at_the_end):
    asked = Counter(key_of(each.request) for each in traffic if target.operation.made(each))
    # What becomes of a name that is asked for again is another requirement's affair.
    names = [entry[NAME] for entry in at_the_end.entries() if asked[entry[NAME]] == 1]

    def judge(_):
        twice = next((name for name in names if names.count(name) > 1), None)
        return f"{quoted(twice)} is in the list {names.count(twice)} times" if twice is not None else None

    expect(at_the_end.page).satisfies(judge)


@must("every variable that was accepted, and not removed, is in the list",
      clause="createEnvironmentVariable.responses.200", stage=Stage.CLOSING)  # fmt: skip
def test_accepted_variables_are_there(target, traffic, at_the_end):
    given_listing(target)
    gone = {each.request.target.rpartition("/")[2] for each in traffic if each.request.method == "DELETE"}
    plain = {key_of(each.request) for each in target.plain_ones().answers}
    accepted = {
        key_of(each.request): each
        for each in traffic
        if target.operation.made(each) and each.request.credential == "primary"
        and not key_of(each.request).startswith(tuple(gone)) and each.check.split(".")[1] not in OWN_AFFAIRS
    }  # fmt: skip
    accepted = {name: each for name, each in accepted.items() if name not in plain}
    listed = at_the_end.having(accepted)
    expect(accepted.values()).satisfies(
        lambda each: None if listed[key_of(each.request)] else Problem("accepted, and it is not in the list", "list")
    )


def last_requests(target, traffic):
    """By name, when the last of its requests had been answered, where only this environment's asked for it in turn."""
    asked = {}
    for each in traffic:
        if each.request.method == "DELETE":
            asked.setdefault(unquote(each.request.target.rpartition("/")[2]), []).append(each)
        elif target.operation.asks(each.request) and key_of(each.request) is not None:
            asked.setdefault(key_of(each.request), []).append(each)

    def are_in_turn(several):
        own = all(each.request.credential == "primary" and each.answer is not None for each in several)
        return own and all(one.ended <= other.started for one, other in pairwise(several))

    # Whose name is not the run's own, others may change.
    own = {name: several for name, several in asked.items() if target.own in name}
    return {name: several[-1].ended for name, several in own.items() if are_in_turn(several)}


def made_again(target, traffic):
    """The names that were removed, and whose last request made them again."""
    removed, found = set(), set()
    for each in traffic:
        if each.request.method == "DELETE" and each.status == SUCCESS:
            name = unquote(each.request.target.rpartition("/")[2])
            removed.add(name)
            found.discard(name)
        elif target.operation.made(each) in removed:
            found.add(target.operation.made(each))
    return found


@must("what nobody asks for any more stays as it was: no old value comes back, and nothing that was removed",
      clause=f"{LIST}.responses.200", stage=Stage.CLOSING)  # fmt: skip
def test_what_nobody_asks_for_stays(target, traffic, at_the_end):
    given_listing(target)
    lists = [Look(each) for each in own_lists(target, traffic)]
    changed, again = {}, made_again(target, traffic)
    for name, ended in last_requests(target, traffic).items():
        first = next((each for each in lists if each.page.started >= ended), None)
        if first is not None:
            was, now = (each.having([name])[name] for each in (first, at_the_end))
            # What is gone has a requirement of its own, but for what was removed once and made again.
            if (was and not now and name in again) or (now and (not was or (was != now and not target.hides))):
                how = "is back" if not was else "has another value" if now else "is gone once more"
                changed.setdefault(first.page.number, f"at the end {quoted(name)} {how}, though nobody asked for that")
    seen_before = [each.page for each in lists if each.page.number in changed]
    expect(seen_before or [at_the_end.page]).satisfies(lambda each: changed.get(each.number), place=VALUE)


@must("a request that was rejected or refused left no variable behind", clause="createEnvironmentVariable.responses",
      stage=Stage.CLOSING)  # fmt: skip
def test_failed_requests_left_nothing(target, traffic, at_the_end):
    # Whose requests make nothing here is a matter of requirements of their own.
    failed = {name: each for name, each in failed_only(target, traffic).items() if ".whose_it_is." not in each.check}
    listed = at_the_end.having(failed)
    left = [each.request.label for name, each in failed.items() if listed[name]]
    # Which of them, and why, may be told by requirements of their own.
    expect(at_the_end.page).satisfies(lambda _: f"the list has what {left[0]} asked for" if left else None)


def given_removals(target, traffic):
    """Plain removals are answered, and what they removed is seen no more: by its name, and in the next list."""
    if removal := first_removal(target, traffic):
        given(removal, rests_on=DELETED).has_status(SUCCESS)
    given_removed_for_good(target, traffic, STAYS_404)
    for each in looks_after_removals(target, traffic)[:1]:
        name = each.request.target.rpartition("/")[2]
        lists = (other for other in own_lists(target, traffic) if other.started >= each.ended)
        if page := list(itertools.islice(lists, 1)):
            given(page, rests_on=STAYS_LISTED).satisfies(
                lambda page, name=name: "it is still in the list" if Look(page).having([name])[name] else None
            )


@must("what is deleted is gone, whatever it is called and however often it was made", clause=f"{DELETE}.responses.200",
      stage=Stage.REMOVING)  # fmt: skip
def test_every_deleted_variable_is_gone(target, traffic, at_the_end):
    """Everything that the run made is removed here, and nothing else."""
    given_removals(target, traffic)
    accepted = {}
    for each in traffic:
        if target.operation.made(each) and each.request.credential == "primary":
            accepted.setdefault(key_of(each.request), each.request.label)
    there = [entry[NAME] for entry in at_the_end.entries() if entry[NAME] in accepted]
    own = [name for name in dict.fromkeys(there) if target.own in name and target.is_safe(name)]
    if not own:
        raise NotApplicableError("the list has nothing that the run made")
    answers = dict(zip(own, target.send_all(map(target.removal, own)), strict=True))
    look = target.look()
    given_listed(look)
    left = look.having(own)

    def judge(name):
        status = answers[name].status
        if not left[name]:
            # Two names that differ in letter case, say, are one to whoever removes both at once.
            if status == 404 and not answers[name].repeats:
                rests(OTHERS, f"{quoted(name)} is gone, and its removal is answered 404", [answers[name]])
            return None
        if status == SUCCESS:
            return f"{quoted(name)} is still in the list"
        # Whether odd names are found by their paths is a requirement of its own.
        if not is_ordinary(name) and (look := target.send(target.at(name))).status != SUCCESS:
            rests(
                ID("names", owner_of(name, accepted[name])),
                "what is in the list is not found by its path",
                [answers[name], look],
            )
        return f"the list has {quoted(name)}, and its removal is answered {answers[name].outcome}"

    names = {id(answer): name for name, answer in answers.items()}
    expect(answers.values()).satisfies(lambda each: judge(names[id(each)]))


@pytest.fixture(scope="module")
def gone(target):
    """A variable that is removed, one beside it, and what is seen then; its name is used once more at the end."""
    return target.once(removed)


def given_removed(gone):
    given(gone.answer, rests_on=DELETED).has_status(SUCCESS)


@pytest.fixture(scope="module")
def twice(target):
    """Two removals of the variable beside it at once; none where it is not there."""
    return target.once(at_once).removals


@must("a delete is answered 200, and says success", clause=f"{DELETE}.responses.200", profile=Profile.SMOKE)
def test_delete_is_answered_200(gone, twice):
    def judge(exchange):
        if exchange.status != SUCCESS:
            return f"expected {SUCCESS}, got {exchange.outcome}"
        said = exchange.answer.document.get("success")
        return None if said is True else Problem(f"expected success true, got {quoted(said)}", "success")

    expect(gone.answer).satisfies(judge)
    # The other one may have come before it.
    if as_json := [each for each in twice[:1] if each.status != 404]:
        expect(as_json).satisfies(judge)


@must("of two deletes of one variable at once one is answered 200, and the other 200 or 404",
      clause=f"{DELETE}.responses")  # fmt: skip
def test_concurrent_deletes_are_answered(gone, twice):
    given_removed(gone)
    given(gone.again, rests_on=SECOND).has_status(404)
    if not twice:
        rests(OTHERS, "what was made beside it is not in the list")
    as_json, plain = twice
    if as_json.status not in (SUCCESS, 404):
        rests(DELETED, f"a delete of a JSON client: {as_json.outcome}", [as_json])
    expect_removed_once([plain, as_json], SUCCESS)


@must("after a delete the variable's name is 404", clause=f"{ONE}.responses.404", profile=Profile.SMOKE)
def test_deleted_variable_is_404(gone):
    given_removed(gone)
    expect(gone.found).has_status(404)


@must("after a delete the variable is not in the list", clause=f"{LIST}.responses.200")
def test_deleted_variable_is_not_in_the_list(gone):
    given_removed(gone)
    given(gone.found, rests_on=STAYS_404).has_status(404)
    given_listed(gone.look)
    listed = gone.look.having([gone.name])[gone.name]
    expect(gone.look.page).satisfies(lambda _: "it is still in the list" if listed else None)


@must("a delete removes no other variable", clause=f"{DELETE}.responses.200")
def test_delete_removes_no_other(target, gone):
    given_removed(gone)
    given_listing(target)

    def judge(page):
        listed = Look(page).having(gone.others)
        if lost := [name for name, values in listed.items() if not values]:
            if lost[0].casefold() == gone.name.casefold():
                rests(LETTERS, "a delete removes a name in other letters", [page])
            if target.send(target.at(lost[0])).status == SUCCESS:
                rests(ORDINARY, "what is seen by its name is not in the list", [page])
            return f"the list does not have {quoted(lost[0])} any more"
        emptied = [name for name, values in listed.items() if not target.hides and values[-1] != "before"]
        return Problem(f"{quoted(emptied[0])} has another value", VALUE) if emptied else None

    given_listed(gone.listed_again)
    # Nor does one of what is gone already, after which its name was made again.
    expect([gone.look.page, gone.listed_again.page]).satisfies(judge)


@must("a second delete is 404", clause=f"{DELETE}.responses.404")
def test_second_delete_is_404(gone):
    given_removed(gone)
    given(gone.found, rests_on=STAYS_404).has_status(404)
    expect(gone.again).has_status(404)


@must("after a delete its name is free: the next request makes the variable", clause=f"{DELETE}.responses.200")
def test_name_is_free_after_a_delete(target, plain, gone):
    given_removed(gone)
    if not target.hides:
        given(plain.by_name, rests_on=SEEN).satisfies(why_not_the_value(plain.answers))
    back, look = gone.back, gone.seen_again
    expect(back).is_accepted()
    if target.hides:
        expect(look).has_status(SUCCESS)
    else:
        expect(look).satisfies(why_not_the_value([back]))
    if gone.listed_again:
        given_listing(target)
        given_listed(gone.listed_again)
        there = gone.listed_again.having([gone.name])[gone.name]
        expect(gone.listed_again.page).satisfies(lambda _: None if there else "the list does not have it again")


# Whoever keeps variables in an object finds that it has them by itself, and may take a number for a place in a list.
OF_OBJECTS = ("0", "constructor", "toString", "hasOwnProperty")


@must("a name that names nothing is 404, seen or removed", clause=f"{ONE}.responses.404")
def test_unknown_name_is_404(target, plain):
    name = key_of(plain.answers[0].request)
    # Names of a run end in numbers: without its last digit it may be another one's.
    rows = {"one that was never given": f"{name}_NONE", "a name without its end": name.rpartition("_")[0],
            # To LIKE it is any character.
            "an underscore for its last character": f"{name[:-1]}_"}  # fmt: skip
    requests = [target.at(each, label=label) for label, each in rows.items()]
    if target.profile > Profile.STANDARD:
        # What was deleted is so, too, in any run.
        requests += [target.at(each, "DELETE", f"delete {label}") for label, each in rows.items()]
    expect(target.send_all(requests)).has_status(404)
    # To LIKE and to regular expressions they are any characters.
    alike = {"a wildcard": f"{name[:-1]}%", "a dot for its last character": f"{name[:-1]}.",
             "one that is there in other letters": name.lower()}  # fmt: skip
    # Which names there may be is the target's affair.
    *wildcards, lower = target.send_all(target.at(each, label=label) for label, each in alike.items())
    expect(wildcards).has_status(404, *REJECTIONS)
    if lower.status == SUCCESS:
        # Whoever looks for it once more has to make the one that is found.
        message = f"{lower.request.label}: expected 404, got {lower.outcome}"
        violation = ViolationError(message, [plain.answers[0], lower], [Wrong(lower, message, "status")])
        raise GroundError(ID("names", "letter_case_makes_names_different"), violation)
    expect(lower).has_status(404, *REJECTIONS)
    there = plain.look.having(OF_OBJECTS)
    names = [each for each in OF_OBJECTS if not there[each]][: target.pick(smoke=0, standard=2, thorough=4)]
    expect(target.send_all(target.at(each, label=f"the name {each}") for each in names)).has_status(404, *REJECTIONS)


@must("a name that cannot be one is answered, and never with a 5xx", clause=f"{ONE}.responses")
def test_odd_names_never_fail_the_server(target):
    rows = {"a quote and another script": "CONFORMANCE_é한' OR '1'='1", "NUL": "CONFORMANCE_\0",
            "a long one": "C" * 2000, "only dots": "CONFORMANCE_..."}  # fmt: skip
    chosen = list(rows.items())[: target.pick(smoke=0, standard=2, thorough=9)]
    looks = [target.at(each, label=label) for label, each in chosen]
    raw = {"no UTF-8": "/CONFORMANCE_%FF", "no percent-encoding": "/CONFORMANCE_%zz"}
    raw = dict(list(raw.items())[: target.pick(smoke=0, standard=1, thorough=2)])
    looks += [target.looking(each, label=label, beyond=Beyond.LINE) for label, each in raw.items()]
    expect(target.send_all(looks)).satisfies(never_5xx)
    expect(target.send(target.at(target.known_key(), "HEAD", "HEAD of a variable"))).satisfies(why_failed)


def never_5xx(exchange):
    return f"answered {exchange.outcome}" if exchange.answer is None or exchange.status >= 500 else None


@pytest.fixture(scope="module")
def strangers(target, plain):
    """What is answered without a credential, and with a wrong one, and what is seen of the variable afterwards."""
    given_found(target)
    name = key_of(plain.answers[0].request)
    both = (("no header", NO_HEADER), ("a wrong key", another_key(target)))
    chosen = both[: target.pick(smoke=0, standard=2, thorough=2)]
    # What was just seen with the right key may be remembered, until somebody writes.
    target.send(target.at(name))
    requests = [target.at(name, label=f"a variable, {who}", authorization=each) for who, each in chosen]
    # Who looks at one with a wrong key looks at all.
    requests += [target.looking(label=f"the list, {who}", authorization=each)
                 for who, each in chosen[: target.pick(smoke=0, standard=1, thorough=2)]]  # fmt: skip
    requests += [target.at(name, "DELETE", f"a delete, {who}", authorization=each) for who, each in chosen]
    answers = [target.send(each) for each in requests]
    return answers, target.send(target.at(name))


def expect_strangers_refused(answers):
    """Strangers get 401; what they are answered wherever they ask is no affair of a look or a removal."""
    for each in answers:
        if each.status != REFUSED:
            owner = "wrong_key_is_refused" if each.request.authorization else "missing_credential_is_refused"
            rests(ID("authentication", owner), f"{each.request.label}: answered {each.outcome}", [each])
    expect(answers).is_refused()


@must("looking at variables needs a credential", clause=f"{LIST}.responses.401")
def test_looking_needs_a_credential(strangers):
    expect_strangers_refused([each for each in strangers[0] if each.request.method == "GET"])


@must("removing a variable needs a credential", clause=f"{DELETE}.responses.401")
def test_removing_needs_a_credential(strangers):
    answers, after = strangers
    expect_strangers_refused([each for each in answers if each.request.method == "DELETE"])
    expect(after).has_status(SUCCESS)


def beside(target, traffic):
    """What looked at variables, or removed them."""
    return [each for each in traffic if each.request.method in ("GET", "DELETE") and not each.request.body
            and "/envvars/" in each.request.target and not _is_other_method(target, each.request)]  # fmt: skip


def _is_other_method(target, request):
    return request.method == "DELETE" and target.contract.prefix_of(request.target.partition("?")[0]) is not None


@must("looking and removing never make the server fail: no 5xx", clause=f"{LIST}.responses", profile=Profile.SMOKE,
      stage=Stage.CLOSING)  # fmt: skip
def test_looking_never_fails_the_server(target, traffic):
    expect(beside(target, traffic) or [target.look().page]).satisfies(
        why_failed,
        also_429=True,
        place="status",
    )


def given_errors_have_a_text(target, traffic):
    """Errors of the operation itself are JSON that says what is wrong."""
    rejected = [each for each in traffic if target.operation.asks(each.request) and each.status == 400
                and each.request.beyond is Beyond.NOTHING and not is_blocked(each)]  # fmt: skip
    texts = target.operation.error_texts
    kinds = {"error_bodies_are_json": dict, "error_has_a_message": str}
    for owner, kind in kinds.items():
        if rejected:
            # That there is a text is no MUST of a request that is rejected.
            given(rejected, rests_on=ID("answers", owner), needed=kind is dict).satisfies(
                lambda each, kind=kind: None if _says(each, texts, kind) else "it does not say what is wrong"
            )


def _says(exchange, texts, kind):
    """Whether an error is an object of the right media type, and where a text is asked for has one."""
    is_object = isinstance(exchange.answer.json, dict) and "json" in exchange.answer.media_type
    return is_object and (kind is dict or any(exchange.answer.document.get(text) for text in texts))


@must("an error of a look or a removal satisfies its schema", clause="Error", stage=Stage.CLOSING)
def test_errors_of_looking_satisfy_the_schema(target, traffic):
    errors = [each for each in beside(target, traffic) if each.status in (400, 404)]

    def judge(exchange):
        if exchange.answer.media_type == "application/problem+json":
            return None
        return schema_of(target, "Error")(exchange)

    if not errors:
        raise NotApplicableError("the run saw no error of a look")
    given_errors_have_a_text(target, traffic)
    expect(errors).satisfies(judge, place="body")
