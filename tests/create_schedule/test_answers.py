"""Answers: a schedule is what the request asked for."""

import json

import pytest

from tests.every_operation import keys
from tests.every_operation.packs import expect_ignored
from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError, expect, seen
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.requirement import Profile, Stage, must, should
from trigger_conformance.contract.quoting import apart, quoted
from trigger_conformance.rules import cron

from .carriers import texts_with_patterns
from .grounds import ID, SEES_NOTHING, UPDATES, accepted, given_accepted, given_as_asked, plain, why_no_segment
from .moments import moment
from .values import OF_PARTS, OF_TEXTS, OF_THE_PATTERN, OF_THE_ZONE, UTC

SCHEDULE = "ScheduleObject"
ACTIVE = ID("answers", "schedule_is_active")
TYPE = ID("answers", "type_is_imperative")
USUAL_ZONE = ID("answers", "timezone_is_utc_where_none_was_sent")
NO_EXTERNAL_ID = ID("answers", "external_id_is_absent_where_none_was_sent")
# What nobody would answer with but to whom it was sent.
FOREIGN_ID, LONG_AGO = "sched_conformance", "2001-02-03T04:05:00.000Z"


@pytest.fixture(scope="module")
def answered(target, traffic):
    """Every answer to a request for a schedule that satisfies the schema."""
    return plain(accepted(target, traffic))


@pytest.fixture(scope="module")
def first_answers(target, answered):
    """Those that were the first of their key."""
    return [each for each in answered if target.operation.is_new(each)]


def has(name, value):
    """A judge: the answer's property is the value."""

    def judge(exchange):
        got = exchange.answer.document.get(name)
        same = got == value and type(got) is type(value)
        wanted, told = apart(value, got)
        return None if same else f"expected {name} {wanted}, got {told}"

    return judge


@must(
    "task, deduplicationKey, externalId, timezone and generator.expression are the request's",
    clause=SCHEDULE,
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_answer_has_what_the_request_asked_for(target, answered):
    # Of several at a time each may be answered with what another one made of the schedule meanwhile.
    alone = [each for each in answered if not each.together]
    later = [each for each in alone if not target.operation.is_new(each)]
    # Where there is nothing at all, nothing was seen to be as asked.
    if (firsts := [each for each in alone if target.operation.is_new(each)]) or not later:
        expect(firsts).is_as_asked()
    if later:
        given(later, rests_on=UPDATES).is_as_asked()


@must("timezone is UTC where none was sent", clause=f"{SCHEDULE}.timezone", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_timezone_is_utc_where_none_was_sent(first_answers):
    without = [each for each in first_answers if "timezone" not in each.request.document]
    seen(without, "new schedule without a timezone").satisfies(has("timezone", UTC), place="timezone")


@must(
    "externalId is absent where none was sent",
    clause=f"{SCHEDULE}.externalId",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_external_id_is_absent_where_none_was_sent(first_answers):
    without = [each for each in first_answers if "externalId" not in each.request.document]

    def judge(exchange):
        got = exchange.answer.document.get("externalId")
        return None if got is None else f"no externalId was sent, got {quoted(got)}"

    seen(without, "new schedule without an externalId").satisfies(judge, place="externalId")


@should("an externalId that is not there is no null", clause=f"{SCHEDULE}.externalId", stage=Stage.CLOSING)
def test_absent_external_id_is_no_null(answered):
    expect(answered).satisfies(
        lambda each: "externalId is null" if each.answer.document.get("externalId", "") is None else None,
        place="externalId",
    )


@must("type is IMPERATIVE", clause=f"{SCHEDULE}.type", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_type_is_imperative(answered):
    expect(answered).satisfies(has("type", "IMPERATIVE"), place="type")


@must("active is true", clause=f"{SCHEDULE}.active", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_schedule_is_active(answered):
    expect(answered).satisfies(has("active", True), place="active")


@must("generator.type is CRON", clause=f"{SCHEDULE}.generator", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_generator_is_cron(answered):
    def judge(exchange):
        generator = exchange.answer.document.get("generator")
        got = generator.get("type") if isinstance(generator, dict) else None
        return None if got == "CRON" else f"expected generator.type CRON, got {quoted(got)}"

    expect(answered).satisfies(judge, place="generator.type")


@must(
    "an id is usable as one URL path segment as it stands",
    clause=f"{SCHEDULE}.id",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_id_is_a_path_segment(answered):
    expect(answered).satisfies(why_no_segment, place="id")


@must("an id begins with sched_", clause=f"{SCHEDULE}.id", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_id_begins_with_sched(target, answered):
    def judge(exchange):
        named = target.operation.made(exchange) or ""
        return None if named.startswith("sched_") and len(named) > len("sched_") else f"the id is {quoted(named)}"

    expect(answered).satisfies(judge, place="id")


@must("an id is never given to two schedules", clause=f"{SCHEDULE}.id", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_ids_are_never_given_twice(target, answered):
    made, key, owners = target.operation.made, target.operation.key, {}

    def judge(exchange):
        owner = owners.setdefault(made(exchange), exchange)
        both = {key(owner.request) or "", key(exchange.request) or ""}
        # That odd keys have one schedule is the affair of what is odd about them.
        fine = len(both) == 1 or not any(map(keys.is_plain, both))
        return None if fine else f"the id {quoted(made(exchange))} is also that of exchange #{owner.number}"

    expect(each for each in answered if made(each)).satisfies(judge, place="id")


@must(
    "nextRun is a date-time with an offset",
    clause=f"{SCHEDULE}.nextRun",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_next_run_is_a_date_time(answered):
    def judge(exchange):
        got = exchange.answer.document.get("nextRun")
        return None if moment(got) else f"expected a date-time with an offset, got {quoted(got)}"

    expect(each for each in answered if cron.comes(each.request.document["cron"])).satisfies(judge, place="nextRun")


@should(
    "generator.description is not empty",
    clause=f"{SCHEDULE}.generator",
    profile=Profile.SMOKE,
    stage=Stage.CLOSING,
)
def test_description_is_not_empty(answered):
    def judge(exchange):
        generator = exchange.answer.document.get("generator")
        said = generator.get("description") if isinstance(generator, dict) else None
        return None if isinstance(said, str) and said.strip() else f"the description is {quoted(said)}"

    expect(answered).satisfies(judge, place="generator.description")


def environments(exchange):
    """The ids of the environments that an answer names."""
    told = exchange.answer.document.get("environments")
    return [each.get("id") for each in told if isinstance(each, dict)] if isinstance(told, list) else []


@should(
    "environments names at least one", clause=f"{SCHEDULE}.environments", profile=Profile.SMOKE, stage=Stage.CLOSING
)
def test_environments_names_one(answered):
    expect(answered).satisfies(
        lambda each: None if environments(each) else "environments names none", place="environments"
    )


@should("environments names the credential's alone", clause=f"{SCHEDULE}.environments", stage=Stage.CLOSING)
def test_environments_names_the_credentials_alone(answered):
    # That strangers are answered at all is another requirement's affair.
    known = [each for each in answered if each.request.credential in ("primary", "second")]
    named = [each for each in known if environments(each)]
    if not named:
        raise NotApplicableError("no answer names an environment")
    first = {}

    def judge(exchange):
        own = first.setdefault(exchange.request.credential, environments(exchange))
        if len(environments(exchange)) > 1 or environments(exchange) != own:
            return f"one credential has one environment, got {quoted(environments(exchange))}"
        return None

    expect(named).satisfies(judge, place="environments")
    if len(first) > len(set(map(str, first.values()))):
        shared = [each for each in named if each.request.credential == "second"]
        rests(SEES_NOTHING, "another credential has the same environment", shared[:1])


@must("a task that is none of the target's is rejected", clause="CreateScheduleOptions.task")
def test_unknown_task_is_rejected(target):
    names = {
        "its name in other letters": target.task.swapcase(),
        "its name and a space": f"{target.task} ",
        "a name that objects have": "constructor",
        "another name": "conformance-no-such-task",
        "the empty string": "",
        "the beginning of its name": target.task[:-1],
        "a wildcard": "%",
        "its beginning and a wildcard": f"{target.task[:-1]}%",
    }
    unknown = {label: name for label, name in names.items() if name != target.task}
    chosen = list(unknown.items())[: target.pick(smoke=0, standard=3, thorough=8)]
    requests = [target.request({**target.document(), "task": name}, label=label) for label, name in chosen]
    expect(target.send_all(requests)).is_rejected()


@must("every subset of the optional properties is accepted", clause="CreateScheduleOptions")
def test_every_subset_of_optional_properties_is_accepted(target):
    # An identifier of somebody else's is no UUID, though it may look like one.
    more = {"externalId": "C56A4180-65AA-42EC-A945-5FD21DEC0538", "timezone": target.place(0)}
    subsets = {"neither": {}, **{f"with {name}": {name: value} for name, value in more.items()}, "with both": more}
    # Others are sent all the time.
    chosen = list(subsets.items())[0 if target.profile > Profile.STANDARD else 3 :]
    answers = target.send_all(target.valid(label, **subset) for label, subset in chosen)
    expect(answers).is_accepted()


@must("an externalId is kept as it was sent", clause="CreateScheduleOptions.externalId")
def test_external_id_is_kept_as_it_was_sent(target):
    answers = list(target.once(texts_with_patterns)[0].values())
    # The contract names no length; what is taken is not cut.
    open_ones = {
        "the empty string": "",
        "300 characters": "conformance ".ljust(300, "x"),
        "200 characters": "conformance ".ljust(199, "x") + "y",
    }
    chosen = list(open_ones.items())[: target.pick(smoke=0, standard=2, thorough=3)]
    may_be = target.send_all(target.valid(label, externalId=text) for label, text in chosen)
    expect(may_be).has_status(target.contract.success, *REJECTIONS)
    answers += [each for each in may_be if each.status == target.contract.success]
    kept = given_accepted(answers)
    if any(map(why_not_kept, kept)):
        given_as_asked([target.send(target.valid("letters and digits", externalId="conformance-1"))])
    later = [each for each in kept if why_not_kept(each) and not target.operation.is_new(each)]
    if later:
        # What is wrong with any later request with a key has nothing to do with the text.
        again = target.valid(
            "letters and digits again", key=target.operation.key(later[0].request), externalId="conformance-2"
        )
        given_as_asked([target.send(again)])
    expect(kept).satisfies(why_not_kept, place="externalId")


def why_not_kept(exchange):
    """A judge: the answer's externalId is the request's."""
    return has("externalId", exchange.request.document["externalId"])(exchange)


@must("property names are case-sensitive: look-alikes are unknown properties", clause="CreateScheduleOptions")
def test_look_alike_properties_are_ignored(target):
    # Each with a value that it might be taken at.
    values = {
        OF_THE_ZONE: target.place(1),
        OF_THE_PATTERN: target.cron(21, 21),
        OF_TEXTS: "conformance",
        ("active", "enabled", "isActive"): False,
        ("paused", "disabled"): True,
        ("type",): "DECLARATIVE",
        ("id",): FOREIGN_ID,
        ("nextRun",): LONG_AGO,
        # What answers call it, and what other APIs put a request's properties in.
        OF_PARTS[:1]: {"type": "CRON", "expression": target.cron(21, 21)},
        OF_PARTS[1:]: {"cron": target.cron(21, 21), "externalId": "conformance"},
    }
    members = {name: f"{json.dumps(name)}:{json.dumps(value)}" for names, value in values.items() for name in names}
    answers = expect_ignored(target, members, label="look-alikes of every property")
    # Of a new schedule more may be taken over, and where a property is left out a look-alike may stand in for it.
    anew = expect_ignored(target, members, label="look-alikes alone, of a new schedule", plain=target.order)
    answers += [each for each in anew if each not in answers]
    expect_beside(target, answers, has("active", True), place="active", rests_on=ACTIVE)
    expect_beside(target, answers, has("type", "IMPERATIVE"), place="type", rests_on=TYPE)
    # What a second request with a key leaves out may be as it was.
    usual = [each for each in answers if "timezone" not in each.request.document and target.operation.is_new(each)]
    expect_beside(target, usual, has("timezone", UTC), place="timezone", rests_on=USUAL_ZONE)
    nameless = [each for each in anew if "externalId" not in each.request.document]
    expect_beside(target, nameless, has("externalId", None), place="externalId", rests_on=NO_EXTERNAL_ID)
    given_id = target.operation.made
    expect(answers).satisfies(
        lambda each: "the id is the one sent" if given_id(each) == FOREIGN_ID else None, place="id"
    )
    expect(answers).satisfies(
        lambda each: None if moment(each.answer.document.get("nextRun")) != moment(LONG_AGO)
        else "nextRun is the one sent", place="nextRun",
    )  # fmt: skip


def expect_beside(target, answers, judge, place, rests_on):
    """The judge finds nothing wrong with answers, unless it does with that to an ordinary request, too."""
    wrong = [each for each in answers if judge(each)]
    # What is wrong with any later request with a key has nothing to do with what is beside it.
    later = [target.operation.key(each.request) for each in wrong[:1] if not target.operation.is_new(each)]
    for key in (None, *later) if wrong else ():
        ordinary = target.send(target.order(key=key, label="an ordinary one"))
        given(ordinary, rests_on=rests_on).satisfies(judge, place=place)
    if answers:
        expect(answers).satisfies(judge, place=place)
