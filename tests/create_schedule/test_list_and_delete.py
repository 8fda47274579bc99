"""What is seen of schedules by their ids and in the list, and that they can be removed."""

import pytest

from tests.every_operation import grounds
from tests.every_operation.credentials import another_key
from tests.every_operation.test_authentication import wrong_keys
from trigger_conformance.checks.client import JSON, Authorization
from trigger_conformance.checks.expect import InconclusiveError, NotApplicableError, expect, seen
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.operation import SCHEMA
from trigger_conformance.checks.requirement import Profile, Stage, info, must, should
from trigger_conformance.contract.quoting import quoted
from trigger_conformance.wire.exchange import Beyond

from .client import PER_PAGE
from .grounds import (
    DELETED,
    GONE,
    ID,
    LISTED,
    PAGES,
    SEES_NOTHING,
    accepted,
    given_accepted,
    given_ids_of_their_own,
    given_listed,
    given_pages,
    given_schedules,
    given_seen,
    removed,
    remover,
    unlike,
    why_no_page,
    why_no_segment,
)
from .operation import OPERATION, as_judged, expression
from .values import KEY

SECOND = ID("list_and_delete", "second_delete_is_404")
PATTERNS = ID("cron", "rejected_pattern_creates_nothing")
SCHEDULE, PAGE = "ScheduleObject", "ListSchedulesResult"
LIST = "listSchedules.responses.200"
FEW = 3
# Into so many pages the list is parted, where each is full then; two show no page that is neither first nor last.
PARTS = (3, 4, 2)
STAYS_LISTED = ID("list_and_delete", "deleted_schedule_is_in_no_page")
WHOLE = f"?page=1&perPage={PER_PAGE}"
NO_HEADER = Authorization((), "")
made = OPERATION.made
REFUSAL, WRONG_KEY = OPERATION.owner(grounds.REFUSAL), OPERATION.owner(grounds.WRONG_KEY)


@pytest.fixture(scope="module")
def created(target):
    """Two schedules, or one, and what is seen of the first at once: by its id, and in the list."""
    return target.once(create_and_look)


def create_and_look(target):
    labels = ("one schedule", "another")[: target.pick(smoke=1, standard=2, thorough=2)]
    common = {"externalId": "conformance", "timezone": target.place(1)}
    rows = [(label, {"cron": target.cron(minute), **common}) for minute, label in enumerate(labels, 5)]
    # The first is looked for by its key, too: a plain one.
    (label, first), *others = rows
    made_now = [target.send(target.order(label=label, **first)), *target.send_carried(others, alone=target.order)]
    given_schedules(made_now[:1])
    made_now = given_schedules(made_now)
    return made_now, target.send(target.at(made(made_now[0])), fresh=True), target.look()


@must("a schedule is seen by its id at once", clause="retrieveSchedule.responses.200", profile=Profile.SMOKE)
def test_created_schedule_is_seen_by_id(created):
    (first, *_), by_id, _ = created

    def judge(exchange):
        named = exchange.answer.document.get("id") if exchange.status == 200 else None
        return None if named == made(first) else f"expected the schedule {quoted(made(first))}, got {exchange.outcome}"

    expect(by_id).satisfies(judge)


@must("a schedule is in the list at once", clause="listSchedules.responses.200", profile=Profile.SMOKE)
def test_created_schedule_is_in_the_list(created):
    several, _, look = created
    given_pages(look.pages)
    named = {entry.get("id") for entry, _ in look.entries()}

    def judge(page):
        if page.status != 200:
            return f"expected 200, got {page.outcome}"
        missing = [each.request.label for each in several if made(each) not in named]
        return f"{' and '.join(missing)} is in no page of the list" if missing and look.whole else None

    expect(look.pages).satisfies(judge)


@must("what is seen by id is what was answered, in every documented property", clause=SCHEDULE, profile=Profile.SMOKE)
def test_seen_schedule_is_the_answered_one(created):
    (first, *_), by_id, _ = created
    given_seen([by_id])
    expect(by_id).satisfies(lambda each: next(unlike(first.answer.document, each.answer.document), None))


@must("what is in the list is what was answered, in every documented property", clause=PAGE, profile=Profile.SMOKE)
def test_listed_schedule_is_the_answered_one(created):
    several, _, look = created
    given_listed(look)
    answered = {made(each): each.answer.document for each in several}

    def judge(page):
        for entry, its_page in look.entries():
            if its_page is page and entry.get("id") in answered:
                return next(unlike(answered[entry["id"]], entry), None)
        return None

    expect(look.pages).satisfies(judge)


def looks_at(traffic, what):
    """The successful looks of the run: at one ``schedule``, or at a page of the ``list``."""
    single = [each for each in traffic if each.request.method == "GET" and each.status == 200]
    return [each for each in single if ("/schedules/" in each.request.target) == (what == "schedule")
            and "/schedules" in each.request.target]  # fmt: skip


@must("every page of the list satisfies the schema", clause=PAGE, profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_pages_satisfy_the_schema(target, traffic):
    given_readable(target, traffic)

    def judge(exchange):
        page = exchange.answer.json
        if why := why_no_page(exchange):
            return why
        page = {**page, "data": [as_judged(each) for each in page["data"]]}
        return next(iter(target.contract.schema_errors(PAGE, page)), None)

    seen(looks_at(traffic, "list"), "page of the list").satisfies(judge, place="body")


def given_readable(target, traffic):
    """Schedules satisfy the schema where requests for them are answered."""
    answers = [each for each in accepted(target, traffic) if target.operation.asks(each.request)]
    wrong = [each for each in answers if any(target.contract.schema_errors(SCHEDULE, as_judged(each.answer.json)))]
    if wrong:
        rests(target.operation.owner(SCHEMA), "answers to requests for schedules do not satisfy the schema", wrong)


@must("what is seen by id satisfies the schema", clause=SCHEDULE, profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_seen_schedules_satisfy_the_schema(target, traffic):
    given_readable(target, traffic)
    found = looks_at(traffic, "schedule")
    if not found:
        # By itself the check has what it makes.
        first = target.send(target.order(label="a schedule to look at"))
        given_accepted([first])
        found = [] if why_no_segment(first) else given_seen([target.send(target.at(made(first)))])
    seen(found, "schedule by its id").satisfies(
        lambda each: next(iter(target.contract.schema_errors(SCHEDULE, as_judged(each.answer.json))), None),
        place="body",
    )


@pytest.fixture(scope="module")
def at_the_end(target, traffic):  # noqa: ARG001
    """The whole list, when all other checks have ended."""
    look = target.latest_look()
    given_listed(look)
    expect_whole(look)
    return look


def expect_whole(look):
    """All pages were looked through."""
    if look.pages[-1].answer is None:
        raise InconclusiveError("a page of the list was not answered", look.pages[-1:])
    if not look.whole:
        raise NotApplicableError(f"the list has more than {len(look.pages)} pages")


def in_pages(look, judge):
    """Judge each entry of a look's pages; a page that has a wrong one is named."""
    expect(look.pages).satisfies(
        lambda page: next((why for entry, its in look.entries() if its is page and (why := judge(entry))), None)
    )


@must("the list has each schedule once over all its pages", clause=LIST, profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_list_has_each_schedule_once(at_the_end):
    given_ids_of_their_own(at_the_end)
    before = set()

    def judge(entry):
        named = str(entry.get("id"))
        twice = named in before
        before.add(named)
        return f"{quoted(named)} is in the list twice" if twice else None

    in_pages(at_the_end, judge)


@must("every schedule of the run that was not removed is in the list", clause=LIST, stage=Stage.CLOSING)
def test_list_has_every_schedule(target, traffic, at_the_end, created):
    several, _, look = created
    # A page that was lost then is nothing that this one waits for.
    if look.whole:
        listed = {entry.get("id") for entry, _ in look.entries()}
        given(several, rests_on=LISTED).satisfies(lambda each: None if made(each) in listed else "it is in no page")
    gone, taken = removed(traffic), accepted(target, traffic)
    # A key may be the project's: then its schedule is where the last credential was that used it.
    shared = {OPERATION.key(each.request) for each in taken if each.request.credential == "second"}
    mine = {
        made(each): each
        for each in taken
        if made(each) not in gone and each.request.credential == "primary" and OPERATION.key(each.request) not in shared
    }
    # A key that named two, or an answer that names none, is another requirement's affair.
    latest = {OPERATION.key(each.request): named for named, each in mine.items() if named}
    mine = {named: mine[named] for named in latest.values()}
    found = {entry.get("id") for entry, _ in at_the_end.entries()}
    lost = {named: each for named, each in mine.items() if named not in found}
    rest_on_removals(target, traffic, lost)
    labels = {each.number: quoted(named) for named, each in lost.items()}
    expect(mine.values()).satisfies(
        lambda each: f"{labels[each.number]} is in no page of the list" if each.number in labels else None, place="list"
    )


def rest_on_removals(target, traffic, lost):
    """Where schedules are not seen by their ids either, it is no matter of the list: something has removed them."""
    for named, each in list(lost.items())[:FEW]:
        owner = remover(traffic, OPERATION.key(each.request), each.began)
        look = target.send(target.at(named)) if owner else None
        if look and look.status == 404:
            rests(owner, f"{quoted(named)} is gone", [each, look])


STAYING = ("task", KEY, "externalId", "timezone", "active", "generator")


def last_asked(traffic):
    """By id and by key, when the last of the requests that named it had been answered."""
    asked = {}
    for each in traffic:
        if each.request.method != "GET" and each.status != 404:
            named = each.request.target.rpartition("/")[2]
            for what in filter(None, (named, made(each), OPERATION.key(each.request))):
                asked[what] = max(asked.get(what, 0.0), each.ended)
    return asked


def own_pages(traffic):
    """The pages of the run's own list, with the entries that are objects."""
    pages = [each for each in looks_at(traffic, "list") if each.request.credential == "primary"]
    whole = [each for each in pages if why_no_page(each) is None]
    return [(each, [entry for entry in each.answer.json["data"] if isinstance(entry, dict)]) for each in whole]


def told_before(traffic):
    """By id, what the first page of a list said of it that was sent after all requests which named it."""
    asked, told = last_asked(traffic), {}
    for page, entries in own_pages(traffic):
        for entry in entries:
            names = [entry.get(each) for each in ("id", KEY)]
            if all(isinstance(each, str) and asked.get(each, 0.0) <= page.started for each in names):
                told.setdefault(names[0], (page, entry))
    return told


@must("what nobody asks for any more stays as it was: no old schedule comes back, and none that was removed",
      clause=LIST, stage=Stage.CLOSING)  # fmt: skip
def test_what_nobody_asks_for_stays(target, traffic, at_the_end):
    given_ids_of_their_own(at_the_end)
    there = {entry["id"]: entry for entry, _ in at_the_end.entries() if isinstance(entry.get("id"), str)}
    asked, pages, back = last_asked(traffic), own_pages(traffic), {}
    for look in grounds.looks_after_removals(target, traffic):
        named = look.request.target.rpartition("/")[2]
        after = [each for each in pages if each[0].started >= look.ended]
        whole = [entries for page, entries in after if pagination(page, "totalPages") == 1]
        was_gone = any(named not in [each.get("id") for each in entries] for entries in whole)
        if look.status == 404 and named in there and asked[named] <= look.started and was_gone:
            back[look.number] = f"{quoted(named)} was removed, and at the end the list has it"
    for named, (page, entry) in told_before(traffic).items():
        was, now = ({**each, "generator": expression(each)} for each in (entry, there.get(named, entry)))
        if other := [each for each in STAYING if was.get(each) != now.get(each)]:
            back[page.number] = f"at the end {quoted(named)} has another {other[0]}, though nobody asked for that"
    seen_before = [each for each in traffic if each.number in back]
    expect(seen_before or at_the_end.pages).satisfies(lambda each: back.get(each.number), place="body")


@pytest.fixture(scope="module")
def parted(target, at_the_end):
    """The list in a few full pages, as far as the target lets a client choose their size, and what comes after them."""
    entries = len(list(at_the_end.entries()))
    pages = next((most for most in PARTS if entries % most == 0), 0)
    if not pages:
        given_schedules([target.send(target.order(label="one more, for full pages"))])
        pages = next(most for most in PARTS if (entries + 1) % most == 0)
    look = target.look(size=max(2, -(-entries // pages)), to_the_end=True)
    given(look.pages[:1], rests_on=LISTED).has_status(200)
    expect_whole(look)
    return look


def pagination(page, name):
    """What a page says of the whole list."""
    told = page.answer.document.get("pagination")
    return told.get(name) if isinstance(told, dict) else None


@pytest.fixture(scope="module")
def overhanging(target, at_the_end, parted):
    """The list in two pages of which the last has one schedule, where one page had all of it before."""
    entries = len(list(parted.entries()))
    return [target.look(size=entries - 1, to_the_end=True)] if len(at_the_end.pages) == 1 and entries > 1 else []


@must("totalPages pages have the whole list", clause=PAGE, stage=Stage.CLOSING)
def test_total_pages_have_the_list(at_the_end, parted, overhanging):
    given_ids_of_their_own(at_the_end)
    for look in (at_the_end, parted, *overhanging):
        full = len({its.number for _, its in look.entries()})
        wanted = (full,) if full else (0, 1)
        pages = look.pages[: full or 1]
        if any(type(pagination(page, "totalPages")) is not int for page in pages):
            rests(PAGES, "a page says no number of pages", pages)
        # The list may grow or shrink between two pages; then the later one is right.
        told = [pagination(page, "totalPages") for page in pages]
        if not set(wanted) & set(told):
            expect(pages[-1:]).satisfies(
                lambda _, full=full, told=told: f"expected totalPages {full}, got {quoted(told[-1])}",
                place="pagination",
            )
        given(pages, rests_on=LISTED).has_status(200)


@must("currentPage is the page that was asked for", clause=PAGE, stage=Stage.CLOSING)
def test_current_page_is_the_one_asked_for(at_the_end, parted):
    filled = {page.number for look in (at_the_end, parted) for _, page in look.entries()}
    numbers = {page.number: place for look in (at_the_end, parted) for place, page in enumerate(look.pages, 1)}
    pages = [page for look in (at_the_end, parted) for page in look.pages if page.number in filled]
    # The schema leaves it out of what there must be.
    pages = [page for page in pages or at_the_end.pages[:1] if pagination(page, "currentPage") is not None]
    if not pages:
        raise NotApplicableError("no page of the target says which it is")

    def judge(page):
        current, wanted = pagination(page, "currentPage"), numbers[page.number]
        if type(current) is not int:
            rests(PAGES, "a page says otherwise than by a number which it is", [page])
        return None if current == wanted else f"expected currentPage {wanted}, got {quoted(current)}"

    expect(pages).satisfies(judge, place="pagination")


@must("pages of another size have the same schedules, each once", clause=LIST, stage=Stage.CLOSING)
def test_pages_of_another_size_have_the_same(traffic, at_the_end, parted):
    given_ids_of_their_own(at_the_end)
    ids = [entry.get("id") for entry, _ in at_the_end.entries()]
    found = [entry.get("id") for entry, _ in parted.entries()]
    lost, twice = set(ids) - set(found), {each for each in found if found.count(each) > 1}
    message = f"{len(lost)} schedules are in none of these pages, {len(twice)} in more than one"
    expect(parted.pages).satisfies(lambda page: message if page is parted.pages[-1] and (lost or twice) else None)
    done = {each.request.target.rpartition("/")[2] for each in traffic
            if each.request.method == "DELETE" and each.status == 200}  # fmt: skip
    back = done & (set(found) - set(ids))
    in_pages(parted, lambda entry: f"{quoted(entry.get('id'))} was removed" if entry.get("id") in back else None)


@info("what count counts", clause=PAGE, stage=Stage.CLOSING)
def test_what_count_counts(target, at_the_end):
    page = at_the_end.pages[0].answer.document
    told = page.get("pagination", {}).get("count") if isinstance(page.get("pagination"), dict) else None
    everything = len(list(at_the_end.entries()))
    target.note(f"count is {quoted(told)}, of {everything} schedules, {len(page.get('data', ()))} of them on the page")


@must("a request that was rejected or refused left no schedule behind", clause="createSchedule.responses",
      stage=Stage.CLOSING)  # fmt: skip
def test_failed_requests_left_nothing(target, traffic, at_the_end):
    failed = grounds.failed_only(target, traffic)
    keys = [entry.get(KEY) for entry, _ in at_the_end.entries()]
    left = [failed[key] for key in keys if isinstance(key, str) and key in failed]
    if left:
        rests(owner_of_nothing(left[0]), f"the list has what {left[0].request.label} asked for", at_the_end.pages)
    expect(at_the_end.pages).has_status(200)


def owner_of_nothing(exchange):
    """The requirement that a failed request makes nothing, where one of its kind has it."""
    if exchange.status == 401:
        return OPERATION.owner("authentication.refused_request_creates_nothing")
    return PATTERNS if ".cron." in exchange.check else OPERATION.owner("bodies.rejected_body_creates_nothing")


@must("what is deleted is gone, whatever key it has and however often it was changed",
      clause="deleteSchedule.responses.200", stage=Stage.REMOVING)  # fmt: skip
def test_every_deleted_schedule_is_gone(target, traffic, at_the_end):
    """Everything that the run made is removed here, and nothing else."""
    if removal := grounds.first_removal(target, traffic):
        given(removal, rests_on=DELETED).has_status(200)
    grounds.given_removed_for_good(target, traffic, GONE)
    there = dict.fromkeys(entry.get("id") for entry, _ in at_the_end.entries())
    looked = {each.request.target.rpartition("/")[2]: each.number
              for each in grounds.looks_after_removals(target, traffic)}  # fmt: skip
    # That an id is given again is its key's affair.
    given_again = {
        made(each) for each in accepted(target, traffic) if each.number > looked.get(made(each), each.number)
    }
    gone_before = {*looked} - given_again
    given(at_the_end.pages[:1], rests_on=STAYS_LISTED).satisfies(
        lambda _: "it has what was deleted" if gone_before & there.keys() else None
    )
    mine = {made(each) for each in accepted(target, traffic) if each.request.credential == "primary"}
    own = [each for each in there if each in mine and target.is_safe(each)]
    if not own:
        raise NotApplicableError("the list has nothing that the run made")
    answers = dict(zip(own, target.send_all(map(target.removal, own)), strict=True))
    look = target.look()
    given_listed(look)
    left = {entry.get("id") for entry, _ in look.entries()}
    names = {id(each): named for named, each in answers.items()}

    def judge(exchange):
        named = names[id(exchange)]
        said = {200: "its removal was answered 200", 404: "its removal is 404"}.get(exchange.status)
        return f"{quoted(named)} is still in the list, and {said}" if said and named in left else None

    expect(answers.values()).satisfies(judge)


@pytest.fixture(scope="module")
def odd_pages(target):
    """Pages that are none."""
    queries = ("?page=0", "?page=-1", "?page=x", "?page=99999999999999999999", "?perPage=0", "?perPage=-1",
               "?perPage=", "?perPage=x", "?page=", "?page=1.5", "?perPage=1.5")  # fmt: skip
    chosen = queries[: target.pick(smoke=0, standard=4, thorough=len(queries))]
    return target.send_all(target.looking(query=query, label=f"the list with {query}") for query in chosen)


@must("a page that is none is never answered with a 5xx", clause="listSchedules.responses")
def test_odd_pages_never_fail_the_server(odd_pages):
    expect(odd_pages).satisfies(never_5xx)


@info("what a page that is none gets", clause="listSchedules")
def test_reading_of_odd_pages(target, odd_pages):
    target.note(", ".join(f"{each.request.label.rpartition(' ')[2]}: {each.outcome}" for each in odd_pages))


def never_5xx(exchange):
    return f"answered {exchange.outcome}" if exchange.answer is None or exchange.status >= 500 else None


@pytest.fixture(scope="module")
def gone(target):
    """A schedule that is removed, one beside it, and what is seen then."""
    key = target.key()
    # Whatever a delete may go by beside the id, both have it.
    keys = {"a schedule": key, "one beside it": f"{key}-beside"}
    rows = list(keys.items())[: target.pick(smoke=1, standard=2, thorough=2)]
    first, *beside = (
        target.send(target.order(key=named, label=label, externalId="conformance-beside")) for label, named in rows
    )
    given_schedules([first])
    beside = [each for each in given_schedules([first, *beside]) if each is not first]
    # What has been seen may be remembered for longer than it is there.
    target.send(target.at(made(first)))
    answer = target.send(target.removal(made(first)))
    looks = [target.send(target.at(made(each)), fresh=each is first) for each in (first, *beside)]
    again = target.send(target.removal(made(first))) if target.profile > Profile.SMOKE else None
    return answer, looks, again


@must("a delete is answered 200", clause="deleteSchedule.responses.200", profile=Profile.SMOKE)
def test_delete_is_answered_200(target, gone):
    answer, looks, _ = gone
    expect(answer).has_status(200)
    for each in looks[1:]:
        if each.status != 200:
            # What a delete takes with it is another requirement's affair.
            continue
        # Clients of JSON say so with every request, those without a body too.
        named = each.request.target.rpartition("/")[2]
        expect(target.send(target.at(named, "DELETE", "a delete of a JSON client", content_type=JSON))).has_status(200)


@must("of two deletes of one schedule at once one is answered 200, and the other 200 or 404",
      clause="deleteSchedule.responses")  # fmt: skip
def test_concurrent_deletes_are_answered(target, gone):
    answer, _, again = gone
    given([answer], rests_on=DELETED).has_status(200)
    given([again], rests_on=SECOND).has_status(404)
    first = target.send(target.order(label="one to be removed twice at once"))
    given_schedules([first])
    grounds.expect_removed_once(target.send_together([target.removal(made(first))] * 2), 200)


@must("after a delete a schedule's id is 404", clause="retrieveSchedule.responses.404", profile=Profile.SMOKE)
def test_deleted_schedule_is_404(gone):
    answer, looks, *_ = gone
    given([answer], rests_on=DELETED).has_status(200)
    expect(looks[0]).has_status(404)


@must("after a delete a schedule is in no page of the list", clause=LIST)
def test_deleted_schedule_is_in_no_page(target, gone):
    answer, looks, _ = gone
    given([answer], rests_on=DELETED).has_status(200)
    given(looks[:1], rests_on=GONE).has_status(404)
    look = target.look()
    given_listed(look)
    named = answer.request.target.rpartition("/")[2]
    in_pages(look, lambda entry: f"{quoted(named)} is still in the list" if entry.get("id") == named else None)


@must("a delete removes no other schedule", clause="deleteSchedule.responses.200")
def test_delete_removes_no_other(gone):
    answer, looks, *_ = gone
    given([answer], rests_on=DELETED).has_status(200)
    expect(looks[1:]).has_status(200)


@must("a second delete is 404", clause="deleteSchedule.responses.404")
def test_second_delete_is_404(gone):
    answer, looks, again = gone
    given([answer], rests_on=DELETED).has_status(200)
    given(looks[:1], rests_on=GONE).has_status(404)
    expect(again).has_status(404)


@must("an id that names nothing is 404, seen or removed", clause="retrieveSchedule.responses.404")
def test_unknown_id_is_404(target, created):
    named = made(created[0][0])
    known = {entry.get("id") for entry, _ in created[2].entries()}
    odd = {"one that was never given": "sched_conformancethatisnotthere", "an id without its end": named[:-1],
           "a name that objects have": "constructor", "an id and more": f"{named}0", "a percent sign": "sched_%",
           "another name that objects have": "__proto__"}  # fmt: skip
    odd = [(label, each) for label, each in odd.items() if each not in known]
    chosen = odd[: target.pick(smoke=0, standard=2, thorough=9)]
    requests = [target.at(each, label=label) for label, each in chosen]
    requests += [target.at(each, "DELETE", f"delete {label}") for label, each in chosen[:1]]
    expect(target.send_all(requests)).has_status(404)
    expect(target.send(target.at(named))).has_status(200)


@must("an id that cannot be one is answered, and never with a 5xx", clause="retrieveSchedule.responses")
def test_odd_ids_never_fail_the_server(target):
    odd = {
        "a quote": "sched_' OR '1'='1",
        "NUL": "sched_\0",
        "a long one": "sched_" + "x" * 2000,
        "another script": "sched_é한",
    }
    chosen = list(odd.items())[: target.pick(smoke=0, standard=1, thorough=9)]
    looks = [target.at(each, label=label) for label, each in chosen]
    raw = {"no percent-encoding": "/sched_%zz", "no UTF-8": "/sched_%FF"}
    looks += [target.looking(each, label=label, beyond=Beyond.LINE) for label, each in raw.items()]
    expect(target.send_all(looks)).satisfies(never_5xx)


def of_strangers(target, named, authorization, who):
    """Requests that look at a schedule, and the one that would remove it."""
    looks = [target.at(named, label=f"a schedule, {who}", authorization=authorization),
             target.looking(query=WHOLE, label=f"the list, {who}", authorization=authorization)]  # fmt: skip
    return looks, target.at(named, "DELETE", f"a delete, {who}", authorization=authorization)


def nearly_right(target):
    """Wrong keys that a lookup of its own may take for the right one, in larger profiles."""
    wrong = wrong_keys(target) if target.profile > Profile.STANDARD else {}
    return [(label, wrong[label]) for label in ("letter case swapped", "extended") if label in wrong]


@pytest.fixture(scope="module")
def strangers(target, created):
    """What strangers are answered to looks and a delete, and what is seen of the schedule afterwards.

    Those are asked whose requests for a schedule are refused.
    """
    named, answers = made(created[0][-1]), []
    every = (("no header", NO_HEADER), ("a wrong key", another_key(target)), *nearly_right(target))
    for who, authorization in every[: target.pick(smoke=0, standard=2, thorough=4)]:
        looks, delete = of_strangers(target, named, authorization, who)
        # Each is looked at by one of them, and would be removed by both.
        chosen = looks if target.profile > Profile.STANDARD else [looks[authorization is NO_HEADER]]
        answered = target.send_all([*chosen, delete])
        if any(each.status != 401 for each in answered):
            asked = target.send(target.valid(f"a request for a schedule, {who}", authorization=authorization))
            given([asked], rests_on=REFUSAL if authorization is NO_HEADER else WRONG_KEY).is_refused()
        answers += answered
    return answers, target.send(target.at(named))


@must("looking at schedules needs a credential", clause="listSchedules.responses.401")
def test_looking_needs_a_credential(strangers):
    expect(each for each in strangers[0] if each.request.method == "GET").is_refused()


@must("removing a schedule needs a credential", clause="deleteSchedule.responses.401")
def test_removing_needs_a_credential(strangers):
    answers, after = strangers
    expect(each for each in answers if each.request.method == "DELETE").is_refused()
    expect(after).has_status(200)


@pytest.fixture(scope="module")
def others(target, created):
    """What another environment's credential gets to see of a schedule, and what is there after it would remove it."""
    if target.second_bearer is None:
        raise NotApplicableError("needs another environment's credential: give --second-api-key")
    looks, delete = of_strangers(target, made(created[0][0]), target.second_bearer, "another environment")
    # What was shown to the first a moment ago is nothing for the second.
    target.send(target.looking(query=WHOLE, label="the list, the first environment"))
    answers = [target.send(each) for each in (looks[1], looks[0], delete)]
    answers = [answers[1], answers[0], answers[2]]
    if target.profile > Profile.SMOKE:
        # What names a schedule beside its id may be looked up without saying whose it is.
        key = OPERATION.key(created[0][0].request)
        answers.append(target.send(target.at(key, label="its key for an id", authorization=target.second_bearer)))
    return answers, target.send(target.at(made(created[0][0])))


@must("another environment does not see a schedule, by id or in the list", clause="BearerAuth")
def test_another_environment_sees_nothing(created, others):
    by_id, page, _, *by_key = others[0]
    expect([by_id, *by_key]).has_status(404)
    mine = {made(each) for each in created[0]}

    def judge(exchange):
        data = exchange.answer.document.get("data") if exchange.status == 200 else ()
        listed = [each for each in data or () if isinstance(each, dict) and each.get("id") in mine]
        return "another environment's schedules are in the list" if listed else None

    expect(page).satisfies(judge)


@must("another environment cannot remove a schedule", clause="BearerAuth")
def test_another_environment_removes_nothing(others):
    answers, after = others
    given(answers[:1], rests_on=SEES_NOTHING).has_status(404)
    expect(answers[2]).has_status(404)
    expect(after).has_status(200)


def beside(target, traffic):
    """What looked at schedules or removed them; the list of zones is in no document."""
    return [each for each in traffic if not target.operation.asks(each.request) and "/schedules" in each.request.target]


@must("looking and removing never make the server fail: no 5xx", clause="listSchedules.responses",
      profile=Profile.SMOKE, stage=Stage.CLOSING)  # fmt: skip
def test_looking_never_fails_the_server(target, traffic):
    expect(beside(target, traffic) or target.look().pages).satisfies(
        grounds.why_failed,
        also_429=True,
        place="status",
    )


@should("an error of a look or a removal has a text that says what is wrong", clause="listSchedules.responses",
        stage=Stage.CLOSING)  # fmt: skip
def test_errors_of_looking_have_a_text(target, traffic):
    # An answer to HEAD has no body (RFC 9110 section 9.3.2).
    errors = [each for each in beside(target, traffic) if each.status in (400, 404) and each.request.method != "HEAD"]
    texts = target.operation.error_texts

    def judge(exchange):
        said = any(exchange.answer.document.get(text) for text in texts)
        return None if said else f"{exchange.status} without any of {', '.join(texts)}"

    seen(errors, "error of a look").satisfies(judge, place="message")
