"""What checks of schedules rest on beside their own statement, and which requirement owns it."""

import math
import re

from trigger_conformance.checks.expect import several
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.contract.quoting import apart, quoted

from .moments import moment
from .operation import OPERATION, expression, owner_of_zone, why_another_pattern
from .values import KEY, LOOK_ALIKES

ID = "create_schedule.{}.{}".format
VALID = ID("answers", "valid_request_is_accepted")
UPDATES = ID("deduplication", "second_request_updates_the_schedule")
AS_ASKED = ID("answers", "answer_has_what_the_request_asked_for")
IDS = ID("answers", "ids_are_never_given_twice")
NEXT_RUN = ID("next_run", "plain_times_are_right")
SAME_ID = ID("deduplication", "second_request_answers_with_the_first_id")
PAGES = ID("list_and_delete", "pages_satisfy_the_schema")
SEGMENT = ID("answers", "id_is_a_path_segment")
ZONES = ID("time_zones", "listed_zones_are_accepted")
IN_UTC = ID("time_zones", "utc_is_accepted")
SEEN_SAME = ID("list_and_delete", "seen_schedule_is_the_answered_one")
SEEN = ID("list_and_delete", "created_schedule_is_seen_by_id")
LISTED = ID("list_and_delete", "created_schedule_is_in_the_list")
DELETED = ID("list_and_delete", "delete_is_answered_200")
GONE = ID("list_and_delete", "deleted_schedule_is_404")
BESIDE = ID("list_and_delete", "delete_removes_no_other")
SEES_NOTHING = ID("list_and_delete", "another_environment_sees_nothing")
REJECTED = ID("deduplication", "rejected_request_changes_nothing")
REFUSED = ID("deduplication", "refused_request_changes_nothing")
PROPERTIES = ("id", "task", "type", "active", KEY, "externalId", "generator", "timezone", "nextRun", "environments")
# RFC 3986 section 3.3: what a path segment holds as it stands, without percent-encoding.
PATH_SEGMENT = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@-]+")
# What a schedule has that a request says.
ASKED = ("task", KEY, "externalId", "timezone")


def given_accepted(firsts, needed=True):
    """Plain valid requests are accepted, and those in a zone that every target has."""
    firsts, held = several(firsts), []
    if some := _in_the_zone_of(firsts, ""):
        held += given(some, rests_on=VALID, needed=needed).is_accepted()
    if some := _in_the_zone_of(firsts, IN_UTC):
        held += given(some, rests_on=IN_UTC, needed=needed).is_accepted()
    if some := _in_the_zone_of(firsts, ZONES):
        held += given(some, rests_on=ZONES, needed=needed).is_accepted()
    return [each for each in firsts if each in held]


def is_refusal(exchange):
    """Whether an answer says that the request was wrong, or not allowed."""
    return exchange.answer is not None and 400 <= exchange.status < 500


def _in_the_zone_of(exchanges, owner):
    return [each for each in exchanges if owner_of_zone(each.request) == owner]


def given_schedules(firsts):
    """Plain valid requests make schedules of their own, with ids that they can be seen by."""
    made = given(given_accepted(firsts), rests_on=IDS).is_new()
    return given(made, rests_on=SEGMENT).satisfies(why_no_segment, place="id")


def why_no_segment(exchange):
    """What keeps the id that an answer names from being one segment of a path as it stands (RFC 3986 3.3)."""
    named = OPERATION.made(exchange)
    usable = named and PATH_SEGMENT.fullmatch(named) and named.strip(".")
    return None if usable else f"the id {quoted(named)} is no path segment as it stands"


def given_seen_as_answered(look, first):
    """What is seen of a schedule by its id is what was answered."""
    return given(given_seen([look]), rests_on=SEEN_SAME).satisfies(
        lambda each: next(unlike(first.answer.document, each.answer.document), None)
    )


def unlike(schedule, told):
    """The documented properties that are not the same in two accounts of one schedule."""
    for name in PROPERTIES:
        one, other = schedule.get(name), told.get(name)
        if name == "nextRun":
            one, other = moment(one) or one, moment(other) or other
        if one != other:
            yield Problem(f"expected {name} {quoted(schedule.get(name))}, got {quoted(told.get(name))}", name)


def given_as_asked(exchanges):
    """Plain answers have what their requests asked for."""
    return given(given_accepted(exchanges), rests_on=AS_ASKED).is_as_asked()


def given_updated(first_and_seconds):
    """A schedule is seen as a second request with its key asked for."""
    _, seconds, looks = first_and_seconds
    for second, look in zip(seconds, looks[1:], strict=True):
        given(given_seen([look]), rests_on=UPDATES).satisfies(why_not_of(second.request))


def given_same_id(seconds, first, needed=True):
    """Plain second requests with a key find the schedule of the first."""
    accepted = given_accepted(seconds, needed)
    return given(accepted, rests_on=SAME_ID, needed=needed).satisfies(why_another_id(first)) if accepted else []


def given_seen(looks):
    """A schedule is seen by its id."""
    return given(looks, rests_on=SEEN).has_status(OPERATION.contract.success)


def given_listed(look):
    """The list is answered, and could be looked through."""
    return given(given_pages(look.pages), rests_on=LISTED).has_status(OPERATION.contract.success)


def given_ids_of_their_own(look):
    """No id of the list is that of several schedules."""
    if twice := sorted(look.given_twice()):
        rests(IDS, f"two schedules have the id {quoted(twice[0])}", look.pages)


def given_pages(pages):
    """Pages of the list can be read: each has its schedules where the document says."""
    return given(pages, rests_on=PAGES).satisfies(why_no_page)


def why_no_page(page):
    """What keeps a page that was answered from being read."""
    has_data = page.status != OPERATION.contract.success or isinstance(page.answer.document.get("data"), list)
    return None if has_data else Problem("the page has no data, a list", "body")


def why_another_id(first):
    """A judge: what keeps an answer from naming the schedule of ``first``."""
    wanted = OPERATION.made(first)

    def judge(exchange):
        named = OPERATION.made(exchange)
        return (
            None if named == wanted else Problem(f"expected the schedule {quoted(wanted)}, got {quoted(named)}", "id")
        )

    return judge


def differences(request, schedule):
    """What of a ``schedule``, as an answer has it, is not as the ``request`` asked: a property and both values each."""
    asked = request.document or {}
    for name in ASKED:
        if name in asked and schedule.get(name) != asked[name]:
            yield name, asked[name], schedule.get(name)
    if why_another_pattern(asked.get("cron"), expression(schedule)):
        yield "generator.expression", asked.get("cron"), expression(schedule)


def why_not_of(request):
    """A judge: what keeps a schedule that is seen by its id from being as the ``request`` asked."""

    def judge(exchange):
        if exchange.status != OPERATION.contract.success:
            return f"expected {OPERATION.contract.success}, got {exchange.outcome}"
        return told(differences(request, exchange.answer.document))

    return judge


def told(found):
    """The first difference of a schedule, or None."""
    for name, one, other in found:
        wanted, got = apart(one, other)
        return Problem(f"expected {name} {wanted}, got {got}", name.split(".")[0])
    return None


def accepted(target, traffic):
    """The exchanges of the run whose request for a schedule was accepted."""
    return [each for each in traffic if target.operation.asks(each.request) and each.status == target.contract.success
            and each.request.method == "POST"]  # fmt: skip


def plain(exchanges):
    """Those whose body satisfies the schema, without look-alikes of its properties: what comes of the others, and of
    what else is accepted, is another requirement's affair.
    """
    return [
        each for each in several(exchanges)
        if each.request.document is not None and OPERATION.contract.keeps_schema(each.request.document)
        and not LOOK_ALIKES & set(each.request.document)
    ]  # fmt: skip


def remover(traffic, key, since, until=math.inf):
    """The requirement that what was sent in between, Unix times, leaves the schedule of the ``key``; None: nothing."""
    between = [each for each in traffic if since < each.began < until]
    failed = [each for each in between if OPERATION.key(each.request) == key and is_refusal(each)]
    if failed:
        return REFUSED if failed[0].status == 401 else REJECTED
    return BESIDE if any(each.request.method == "DELETE" for each in between) else None


def removed(traffic):
    """The ids that requests asked to remove."""
    return {each.request.target.rpartition("/")[2] for each in traffic if each.request.method == "DELETE"}
