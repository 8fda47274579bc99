"""cron: which patterns are accepted and seen as sent, and what is none."""

import pytest

from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError, expect
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.requirement import Profile, Stage, info, must
from trigger_conformance.contract.quoting import shortened, visible

from . import patterns
from .carriers import texts_with_patterns
from .grounds import AS_ASKED, ID, NEXT_RUN, UPDATES, given_accepted, given_listed
from .moments import both_meanings, moment, why_another_time
from .operation import expression, why_another_pattern
from .values import UTC

# What a label tells of a request.
CASES = "a pattern"

CRON = "CreateScheduleOptions.cron"
WEEKDAYS = ID("next_run", "times_of_weekdays_are_right")
NEVER_5XX = ID("answers", "never_a_server_error")
SHORT = 40
FEW = 4
# Of these kinds software takes most: a standard run sends so many of each.
MANY = {"texts": 11, "counts": 7, "hours": 3, "days": 3}


def send_patterns(target, table):
    """The exchanges of a table's patterns, each with a key that other requests have too."""
    return target.send_all(target.valid(label, cron=pattern) for label, pattern in table.items())


@pytest.fixture(scope="module")
def tables(target):
    """Patterns that must be accepted, by kinds."""
    return target.tables()


@pytest.fixture(scope="module")
def sent(target, tables):
    """One volley of the patterns of every kind, and its answers by kinds."""
    count = target.pick(smoke=0, standard=4, thorough=9)
    rows = {f"{kind}: {label}": (kind, pattern) for kind, table in tables.items()
            for label, pattern in list(table.items())[:count]}  # fmt: skip
    # Some came with a text as their externalId.
    with_texts = target.once(texts_with_patterns)[1] if count else {}
    sent = {f"{kind}: {label}": each for (kind, label), each in with_texts.items()}
    # What is far away has a key of its own: whoever lists the near future only does not list it.
    far = {label: {"cron": pattern} for label, (kind, pattern) in rows.items() if kind == "leap_days"}
    usual = {label: {"cron": pattern} for label, (_, pattern) in rows.items() if label not in {**far, **sent}}
    sent |= dict(zip(far, target.send_carried(far.items(), alone=target.order), strict=True))
    sent |= dict(zip(usual, target.send_carried(usual.items()), strict=True))
    found = {kind: [] for kind in tables}
    for label, (kind, _) in rows.items():
        found[kind].append(sent[label])
    return found


def began(exchange):
    """When a request set out."""
    return exchange.started


def expect_taken(answers):
    """Accepted; that they are answered as sent is the affair of all answers."""
    given(expect(answers).is_accepted(), rests_on=AS_ASKED).is_as_asked()


@must("a star is accepted in every field", clause=CRON)
def test_stars_are_accepted(sent):
    expect_taken(sent["stars"])


@must("numbers are accepted up to the ends of their ranges", clause=CRON)
def test_numbers_are_accepted(sent):
    expect_taken(sent["numbers"])


@must("lists are accepted", clause=CRON)
def test_lists_are_accepted(sent):
    expect_taken(sent["lists"])


@must("ranges are accepted", clause=CRON)
def test_ranges_are_accepted(sent):
    expect_taken(sent["ranges"])


@must("steps of a star are accepted", clause=CRON)
def test_steps_are_accepted(sent):
    expect_taken(sent["steps"])


@must("steps of a range are accepted", clause=CRON)
def test_steps_of_ranges_are_accepted(sent):
    expect_taken(sent["steps_of_ranges"])


@must("0 and 7 are accepted for Sunday", clause=CRON)
def test_both_sundays_are_accepted(sent):
    expect_taken(sent["sundays"])


@must("L is accepted as the last day of the month", clause=CRON)
def test_last_day_is_accepted(sent):
    expect_taken(sent["last_days"])


@must("1L to 7L are accepted as a weekday's last day of the month", clause=CRON)
def test_last_weekday_is_accepted(sent):
    expect_taken(sent["last_weekdays"])


@must("29 February is accepted", clause=CRON)
def test_leap_day_is_accepted(sent):
    expect_taken(sent["leap_days"])


@must("patterns are seen in the list as they were sent", clause="ScheduleObject.generator", cases="")
def test_patterns_are_seen_as_sent(target, sent):
    # Some share a key: of those the last one is there.
    key, everything = target.operation.key, sorted((each for kind in sent.values() for each in kind), key=began)
    # What got no answer may have been sent once more, at the end.
    unsure = {key(each.request) for each in everything if each.answer is None}
    answers = [each for each in everything if each.status == target.contract.success]
    given_accepted(answers)
    made = target.operation.made
    last = {made(each): each for each in answers if key(each.request) not in unsure}
    # What another key was answered with since, whoever takes it for the same, is that one's affair.
    latest = {made(each): each.number for each in target.wire.ledger.exchanges() if made(each)}
    last = {named: each for named, each in last.items() if latest.get(named) == each.number}
    look = target.look()
    given_listed(look)

    def why_wrong(page, new):
        for entry, its_page in look.entries():
            asked = last.get(entry.get("id"))
            if asked and its_page is page and target.operation.is_new(asked) is new:
                problem = why_another_pattern(asked.request.document["cron"], expression(entry))
                if problem:
                    return problem
        return None

    expect(look.pages).satisfies(lambda page: why_wrong(page, new=True))
    given(look.pages, rests_on=UPDATES).satisfies(lambda page: why_wrong(page, new=False))


@pytest.fixture(scope="module")
def spaced(target):
    """Patterns with more white space than they need."""
    count = target.pick(smoke=0, standard=1, thorough=3)
    return send_patterns(target, dict(list(patterns.spaced(target.month).items())[:count]))


@must("a pattern with more spaces is accepted as the same pattern, or rejected", clause=CRON)
def test_spaces_are_accepted_or_rejected(target, spaced):
    expect(spaced).has_status(target.contract.success, *REJECTIONS)
    if taken := [each for each in spaced if each.status == target.contract.success]:
        expect_taken(taken)


@must("a number with a leading zero is accepted as that number, or rejected", clause=CRON)
def test_leading_zeros_are_read_or_rejected(target):
    rows = patterns.zero_padded(target.month).items()
    zero_padded = target.send_carried(((label, {"cron": pattern}) for label, pattern in rows), alone=target.order)
    expect(zero_padded).has_status(target.contract.success, *REJECTIONS)
    if taken := [each for each in zero_padded if each.status == target.contract.success]:
        expect_taken(taken)
        if any(map(why_another_time, taken)):
            twin = target.send(target.order(f"9 8 7 {target.month} *", label="the same without zeros"))
            if why_another_time(twin):
                rests(NEXT_RUN, "the same without zeros comes at another time, too", [twin])
        expect(taken).satisfies(why_another_time, place="nextRun")


@info("whether a pattern with more spaces is accepted", clause=CRON)
def test_reading_of_spaces(target, spaced):
    target.note(", ".join(f"{each.request.label}: {each.status}" for each in spaced))


@must("generated patterns of the grammar are accepted", clause=CRON, profile=Profile.SMOKE, stage=Stage.GENERATED)
def test_generated_patterns_are_accepted(target):
    count = target.pick(smoke=1, standard=1, thorough=400)
    generated = patterns.generated(target.options.seed, max(count, FEW), target.months()[:4])
    # Where one is all that is sent, it has most members.
    generated = sorted(generated, key=len)[-count:]
    answers = send_patterns(target, {named(pattern): pattern for pattern in generated})
    target.note(f"{len(answers)} generated patterns")
    expect_taken(answers)


def named(pattern):
    return f"generated: {shortened(visible(pattern), SHORT)}"


@pytest.fixture(scope="module")
def unreadable(target):
    """One volley of what is no pattern, each with a key of its own, and its answers by kinds."""
    tables = patterns.rejected(target.month)
    most = {kind: target.pick(smoke=1, standard=MANY.get(kind, 2), thorough=99) for kind in tables}
    rows = [(kind, label, text) for kind, table in tables.items()
            for label, text in list(table.items())[: most[kind]]]  # fmt: skip
    if target.profile is Profile.SMOKE:
        rows = [row for row in rows if row[0] == "minutes"]
    answers = target.send_all(target.order(text, label=label) for _, label, text in rows)
    found = {kind: [] for kind in tables}
    for (kind, *_), answer in zip(rows, answers, strict=True):
        found[kind].append(answer)
    return found


@must("the empty string is rejected", clause=CRON)
def test_empty_pattern_is_rejected(unreadable):
    expect(unreadable["empty"]).is_rejected()


@must("patterns of fewer or more than five fields are rejected", clause=CRON)
def test_other_counts_of_fields_are_rejected(unreadable):
    expect(unreadable["counts"]).is_rejected()


@must("a minute above 59 is rejected", clause=CRON, profile=Profile.SMOKE)
def test_minutes_out_of_range_are_rejected(unreadable):
    expect(unreadable["minutes"]).is_rejected()


@must("an hour above 23 is rejected", clause=CRON)
def test_hours_out_of_range_are_rejected(unreadable):
    expect(unreadable["hours"]).is_rejected()


@must("days 0 and 32 are rejected", clause=CRON)
def test_days_out_of_range_are_rejected(unreadable):
    expect(unreadable["days"]).is_rejected()


@must("months 0 and 13 are rejected", clause=CRON)
def test_months_out_of_range_are_rejected(unreadable):
    expect(unreadable["months"]).is_rejected()


@must("weekday 8 is rejected", clause=CRON)
def test_weekdays_out_of_range_are_rejected(unreadable):
    expect(unreadable["weekdays"]).is_rejected()


@must("negative values are rejected", clause=CRON)
def test_negative_values_are_rejected(unreadable):
    expect(unreadable["negatives"]).is_rejected()


@must("a step of 0 is rejected", clause=CRON)
def test_steps_of_0_are_rejected(unreadable):
    expect(unreadable["steps"]).is_rejected()


@must("text is rejected", clause=CRON)
def test_text_is_rejected(unreadable):
    expect(unreadable["texts"]).is_rejected()


@must("generated patterns of which one member is wrong are rejected", clause=CRON, stage=Stage.GENERATED)
def test_generated_invalid_patterns_are_rejected(target):
    count = target.pick(smoke=0, standard=1, thorough=400)
    broken = patterns.broken(target.options.seed, count, target.months()[:4])
    answers = target.send_all(target.order(text, label=named(text)) for text in broken)
    target.note(f"{len(answers)} generated patterns with one wrong member")
    expect(answers).is_rejected()


@must("a rejected pattern creates nothing", clause="createSchedule.responses.422")
def test_rejected_pattern_creates_nothing(target, unreadable):
    rejected = [each for kind in unreadable.values() for each in kind if each.status in REJECTIONS]
    if not rejected:
        raise NotApplicableError("no pattern was rejected")
    pages, judge = target.look_for([each.request for each in rejected])
    expect(pages).satisfies(judge)


@must("a pattern that never comes is answered, in time, and never with a 5xx", clause="createSchedule.responses")
def test_pattern_that_never_comes_is_answered(target):
    never = {"30 February": "0 12 30 2 *", "31 April and June, 2,000 times": f"0 12 31 {','.join(['4,6'] * 500)} *"}
    answers = target.send_all(target.order(pattern, label=label) for label, pattern in never.items())
    expect(answers).has_status(target.contract.success, *REJECTIONS)


@pytest.fixture(scope="module")
def left_open(target):
    """Patterns of which the contract does not say whether they are any, and their answers by kinds."""
    tables = patterns.open_ones(target.month)
    rows = [(kind, label, text) for kind, table in tables.items() for label, text in table.items()]
    answers = target.send_all(target.valid(label, cron=text) for _, label, text in rows)
    found = {kind: [] for kind in tables}
    for (kind, *_), answer in zip(rows, answers, strict=True):
        found[kind].append(answer)
    return found


def tell(target, answers):
    taken = given(answers, rests_on=NEVER_5XX).has_status(target.contract.success, *REJECTIONS)
    target.note(", ".join(f"{each.request.document['cron']}: {said(each)}" for each in taken))


def said(exchange):
    """How a pattern was answered, and when it would come next."""
    following = exchange.answer.document.get("nextRun")
    return f"{exchange.status}, next {visible(str(following))}" if exchange.status == 200 else str(exchange.status)


@info("whether months and weekdays may be named", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_names(target, left_open):
    tell(target, left_open["names"])


@info("whether ? is accepted", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_question_marks(target, left_open):
    tell(target, left_open["question_marks"])


@info("whether # is accepted", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_nth_weekdays(target, left_open):
    tell(target, left_open["nth_weekdays"])


@info("whether W is accepted", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_working_days(target, left_open):
    tell(target, left_open["working_days"])


@info("whether nicknames such as @yearly are accepted", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_nicknames(target, left_open):
    tell(target, left_open["nicknames"])


@info("whether a range may end before it begins", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_reversed_ranges(target, left_open):
    tell(target, left_open["reversed_ranges"])


@info("what a number with a step is", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_numbers_with_steps(target, left_open):
    tell(target, left_open["numbers_with_steps"])


@info("whether a step may be larger than the range", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_large_steps(target, left_open):
    tell(target, left_open["large_steps"])


@info("whether 0L is the last Sunday", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_0l(target, left_open):
    tell(target, left_open["last_sundays_as_0"])


@info("whether L may stand in a list", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_last_days_in_lists(target, left_open):
    tell(target, left_open["last_days_in_lists"])


@pytest.fixture(scope="module")
def with_both_days(target):
    """Answers to patterns that give a day of the month and a day of the week."""
    return send_patterns(target, patterns.both_days(target.month, target.now))


@must("where a day of the month and a day of the week are given, nextRun has both of them, or the earlier one",
      clause="ScheduleObject.nextRun")  # fmt: skip
def test_both_days_have_one_of_two_meanings(target, with_both_days):
    taken = [each for each in with_both_days if each.status == target.contract.success]
    if not taken:
        raise NotApplicableError("the target takes no pattern that gives both")

    def judge(exchange):
        told, meant = (
            moment(exchange.answer.document.get("nextRun")),
            both_meanings(exchange.request.document["cron"], target.now),
        )
        # What zone it is where none was sent is another requirement's affair.
        if told is None or told in meant or exchange.answer.document.get("timezone") != UTC:
            return None
        return f"expected {' or '.join(f'{each:%Y-%m-%d}' for each in meant)}, got {told:%Y-%m-%d}"

    wrong = [each for each in given(taken, rests_on=AS_ASKED).is_as_asked() if judge(each)]
    for each in wrong[:1]:
        minute, hour, day, month, weekday = each.request.document["cron"].split()
        for owner, alone in ((NEXT_RUN, f"{day} {month} *"), (WEEKDAYS, f"* {month} {weekday}")):
            answer = target.send(target.valid("one of its days alone", cron=f"{minute} {hour} {alone}"))
            given(given_accepted([answer]), rests_on=owner).satisfies(why_another_time, place="nextRun")
    expect(taken).satisfies(judge, place="nextRun")


@info("what a day of the month and a day of the week mean together", clause=CRON, profile=Profile.THOROUGH)
def test_reading_of_both_days(target, with_both_days):
    tell(target, with_both_days)
