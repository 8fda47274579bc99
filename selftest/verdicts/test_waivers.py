"""Waivers: what they cover, and when they are themselves wrong."""

import json
import xml.etree.ElementTree as ElementTree
from datetime import date

import pytest

from selftest.conftest import at, keys, reference
from trigger_conformance.checks.requirement import Level, Profile, Requirement, Stage
from trigger_conformance.options import waivers_file
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import files, telling
from trigger_conformance.verdicts import waivers
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.verdict import Ending, Verdict
from trigger_conformance.verdicts.waivers import Waiver

TODAY = date(2027, 1, 15)
ONE, OTHER = "create_batch.http.one", "create_batch.http.other"
GOOD = """
[[waiver]]
requirement = "create_batch.http.one"
reason = "a gateway in front of it"
link = "https://example.com/1"
expires = 2027-01-15
"""


def outcome(verdict, identity=ONE):
    requirement = Requirement(identity, Level.MUST, "", "", Profile.SMOKE, Stage.HAND_WRITTEN)
    return Outcome(requirement=requirement, ending=Ending.BROKEN, verdict=verdict)


def waiver(expires=TODAY, identity=ONE):
    return Waiver(requirement=identity, reason="known", expires=expires, place="w.toml:3")


def load(folder, text):
    path = folder / "waivers.toml"
    path.write_text(text)
    return waivers_file.load(path, [ONE, OTHER])


def test_a_file_is_read_with_the_line_of_each_entry(tmp_path):
    (entry,) = load(tmp_path, GOOD)
    assert (entry.requirement, entry.reason, entry.link) == (ONE, "a gateway in front of it", "https://example.com/1")
    assert entry.expires == TODAY
    assert entry.place.endswith("waivers.toml:3")


BAD = {
    "not TOML": ("[[waiver", "cannot be read"),
    "another table": ("[other]\na = 1\n", "may hold [[waiver]] entries only"),
    "an unknown requirement": (GOOD.replace("http.one", "http.three"), ":3: there is no requirement"),
    "no requirement": ('[[waiver]]\nreason = "x"\n', "there is no requirement None"),
    "no reason": (GOOD.replace('reason = "a gateway in front of it"', ""), "needs a reason"),
    "an empty reason": (GOOD.replace("a gateway in front of it", " "), "needs a reason"),
    "no end": (GOOD.replace("expires = 2027-01-15", ""), "needs expires"),
    "an end in words": (GOOD.replace("2027-01-15", '"soon"'), "needs expires"),
    "one requirement twice": (GOOD + GOOD, ":9: create_batch.http.one is waived already at "),
    "a further key": (GOOD + 'owner = "me"\n', "nothing else"),
}


@pytest.mark.parametrize(("text", "said"), BAD.values(), ids=BAD)
def test_a_wrong_file_is_told_in_one_line(tmp_path, text, said):
    with pytest.raises(UsageError) as raised:
        load(tmp_path, text)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_told(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        waivers_file.load(tmp_path / "none.toml", [])


@pytest.mark.parametrize("verdict", [Verdict.VIOLATED, Verdict.WARNED])
def test_a_violation_is_waived_until_its_last_day(verdict):
    waived = waivers.applied(outcome(verdict), [waiver()], TODAY)
    assert waived.verdict is Verdict.WAIVED
    assert waived.waiver == {"reason": "known", "link": None, "expires": "2027-01-15"}


@pytest.mark.parametrize(
    ("verdict", "entry"),
    [
        (Verdict.VIOLATED, waiver(date(2027, 1, 14))),
        (Verdict.VIOLATED, waiver(identity=OTHER)),
        (Verdict.PASSED, waiver()),
        (Verdict.INCONCLUSIVE, waiver()),
    ],
)
def test_nothing_else_is_waived(verdict, entry):
    found = outcome(verdict)
    assert waivers.applied(found, [entry], TODAY) is found


def test_an_expired_waiver_and_one_without_a_violation_are_wrong():
    expired, stale = waiver(date(2027, 1, 14)), waiver(identity=OTHER)
    found = waivers.problems([outcome(Verdict.VIOLATED), outcome(Verdict.PASSED, OTHER)], [expired, stale], TODAY)
    assert found == [
        f"w.toml:3: the waiver of {ONE} expired on 2027-01-14: remove it",
        f"w.toml:3: {OTHER} is no longer violated: remove its waiver",
    ]


@pytest.mark.parametrize("verdict", [Verdict.WAIVED, Verdict.INCONCLUSIVE, Verdict.SKIPPED])
def test_what_a_run_did_not_decide_is_not_held_against_a_waiver(verdict):
    assert waivers.problems([outcome(verdict)], [waiver()], TODAY) == []
    assert waivers.problems([], [waiver()], TODAY) == []


def test_a_baseline_covers_what_was_violated_and_demands_nothing(tmp_path):
    path = tmp_path / "results.json"
    verdicts = [(ONE, "violated"), (OTHER, "passed")]
    entries = [{"id": identity, "verdict": verdict} for identity, verdict in verdicts]
    path.write_text(json.dumps({"started_at": "2026-12-24T10:00:00Z", "requirements": entries}))
    known = waivers_file.of_baseline(path)
    assert waivers.applied(outcome(Verdict.VIOLATED), known, TODAY).verdict is Verdict.WAIVED
    assert waivers.applied(outcome(Verdict.VIOLATED, OTHER), known, TODAY).verdict is Verdict.VIOLATED
    assert waivers.problems([outcome(Verdict.PASSED)], known, TODAY) == []


def test_a_baseline_that_is_none_is_told(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("{}")
    with pytest.raises(UsageError, match=r"--baseline .*: these are no results of a run"):
        waivers_file.of_baseline(path)


def test_what_is_written_can_be_read(tmp_path):
    path = tmp_path / "waivers.toml"
    said = Waiver(requirement=ONE, reason='said "no" \\ for now', expires=TODAY, link="https://example.com")
    for each in (said, waiver(identity=OTHER)):
        waivers_file.add(path, each, [ONE, OTHER], TODAY)
    first, second = waivers_file.load(path, [ONE, OTHER])
    assert (first.reason, first.link, second.requirement) == ('said "no" \\ for now', "https://example.com", OTHER)
    assert first.expires == second.expires == TODAY


@pytest.mark.parametrize(
    "reason", ["wanted 🙂", "\x7f\x01\x1f\u2028\x85", 'a\n"""\n[[waiver]]', "\\u0041 \\", "é\0\ufffe\U0010ffff"]
)
def test_a_reason_of_any_characters_can_be_read(tmp_path, reason):
    path = tmp_path / "waivers.toml"
    waivers_file.add(path, Waiver(requirement=ONE, reason=reason, expires=TODAY, link=reason), [ONE], TODAY)
    (found,) = waivers_file.load(path, [ONE])
    assert (found.reason, found.link) == (reason, reason)


@pytest.mark.parametrize("where", ["reason", "link"])
def test_what_no_file_can_hold_is_refused_and_the_file_left_as_it_was(tmp_path, where):
    path = tmp_path / "waivers.toml"
    waivers_file.add(path, waiver(), [ONE, OTHER], TODAY)
    before = path.read_bytes()
    odd = {"reason": "known", where: "a\udcff"}
    with pytest.raises(UsageError, match=f"waive {OTHER}: no file can hold this reason or link"):
        waivers_file.add(path, Waiver(requirement=OTHER, expires=TODAY, **odd), [ONE, OTHER], TODAY)
    assert path.read_bytes() == before


def test_what_is_waived_already_is_not_waived_again(tmp_path):
    path = tmp_path / "w.toml"
    waivers_file.add(path, waiver(), [ONE], TODAY)
    with pytest.raises(UsageError, match=r"it is waived already at .*w\.toml:2"):
        waivers_file.add(path, waiver(date(2027, 2, 1)), [ONE], TODAY)
    assert path.read_text("utf-8").count("[[waiver]]") == 1


def test_a_waiver_that_has_ended_is_not_written(tmp_path):
    with pytest.raises(UsageError, match="waive --expires 2027-01-14: that day is past"):
        waivers_file.add(tmp_path / "w.toml", waiver(date(2027, 1, 14)), [ONE], TODAY)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--expires=2020-01-01",), "waive --expires 2020-01-01: that day is past"),
        (("--waivers=broken.toml",), "--waivers broken.toml: it cannot be read"),
        (("--waivers=no/such/folder.toml",), "waive --waivers no/such/folder.toml: it cannot be written"),
    ],
)
def test_a_waiver_that_cannot_be_written_is_a_usage_error(command, tmp_path, options, said):
    (tmp_path / "broken.toml").write_text("[[waiver")
    wrong = command("waive", "run_count.one_is_accepted", "--reason=x", *options)
    assert wrong.status == 4
    assert said in wrong.errors
    assert len(wrong.errors.splitlines()) == 1


# Whole runs


def test_a_run_whose_violations_are_waived_does_not_fail(command):
    part = ("--only=run_count", "--level=must")
    with reference("run_count.accepts_zero") as server:
        found = command(*at(server, *part), **keys(server))
        wrong = [identity for identity, verdict in found.verdicts.items() if verdict == "violated"]
        for identity in wrong:
            assert command("waive", identity, "--reason", "a known bug").status == 0
        waived = command(*at(server, *part, "--waivers=conformance-waivers.toml"), **keys(server))
        known = command(*at(server, *part, f"--baseline={found.folder / 'results.json'}"), **keys(server))
    assert (found.status, waived.status, known.status) == (1, 0, 0), waived.output + known.output
    assert {waived.verdicts[identity] for identity in wrong} == {"waived"} == {known.verdicts[each] for each in wrong}
    assert "a known bug" in waived.output
    assert "<failure" not in (waived.folder / "junit.xml").read_text("utf-8")


@pytest.fixture
def stale(command):
    """A run of a sound server with a waiver that it does not need."""
    command("waive", "run_count.one_is_accepted", "--reason", "it was broken once")
    return command("run", "--only=run_count.one_is_accepted", "--waivers=conformance-waivers.toml")


def test_a_waiver_without_its_violation_fails_the_run(stale):
    assert stale.status == 1
    assert "conformance-waivers.toml:2: create_batch.run_count.one_is_accepted is no longer violated" in stale.output
    # What the target deserves is one thing, what the run comes to another.
    assert (stale.results["verdict"], stale.results["exit_status"]) == ("conformant", 1)


def test_every_format_says_first_that_the_waivers_are_wrong(stale):
    told = "failed: waivers are no longer true"
    assert stale.output.strip().startswith(told.upper())
    assert stale.output.strip().splitlines()[-1].startswith(told.upper())
    page = (stale.folder / "report.html").read_text("utf-8")
    assert f"<title>{told}" in page
    assert f'<span class="verdict failed">{told}</span>' in page
    assert (stale.folder / "summary.md").read_text("utf-8").startswith(f"## ❌ {told}: ")
    picture = (stale.folder / "badge.svg").read_text("utf-8")
    assert f"batch API: {told}" in picture
    assert "#a8201a" in picture
    suite = ElementTree.parse(stale.folder / "junit.xml").getroot().find("testsuite")
    assert suite.attrib["failures"] == "1"
    assert suite.find("testcase[failure]").attrib["name"] == "waiver-no-longer-true 1"
    for name, sign in (("github", "::error "), ("azure", "##vso[task.logissue type=error]")):
        assert files.text(stale.results, name).decode().startswith(sign)
    (issue,) = json.loads(files.text(stale.results, "gitlab"))
    assert (issue["severity"], issue["check_name"]) == ("major", "waiver-no-longer-true")
    assert issue["location"] == {"path": "conformance-waivers.toml", "lines": {"begin": 2}}
    shown = [json.loads(path.read_text("utf-8")) for path in (stale.folder / "allure-results").glob("*-result.json")]
    assert [each["fullName"] for each in shown if each["status"] == "failed"] == ["run.waiver-no-longer-true"]


def test_wrong_waivers_are_told_apart_and_recognised_again():
    ids = ("create_batch.http.one", "create_batch.http.other", "create_batch.http.third")

    def issues(line):
        wrong = [f"w.toml:{line + number}: {identity} is no longer violated: x" for number, identity in enumerate(ids)]
        document = {"verdict": "conformant", "halted": None, "wrong_waivers": wrong, "requirements": []}
        return json.loads(files.text(document, "gitlab"))

    before, after = ([each["fingerprint"] for each in issues(line)] for line in (1, 7))
    assert len(set(before)) == len(ids)
    assert before == after
    assert {each["check_name"] for each in issues(1)} == {"waiver-no-longer-true"}


HEADLINES = {
    "sound": ({}, "conformant", "conformant", ""),
    "violated": ({"verdict": "non-conformant", "exit_status": 1}, "non-conformant", "failed", ""),
    "undecided": ({"verdict": "inconclusive", "exit_status": 6}, "inconclusive", "inconclusive", ""),
    "violated, and waivers wrong": (
        {"verdict": "non-conformant", "exit_status": 1, "wrong_waivers": ["w:1: x"]}, "non-conformant", "failed", "",
    ),
    "undecided, and waivers wrong": (
        {"verdict": "inconclusive", "exit_status": 1, "wrong_waivers": ["w:1: x"]},
        "failed: waivers are no longer true", "failed", "inconclusive",
    ),
    "interrupted": (
        {"verdict": "inconclusive", "exit_status": 2, "interrupted": True}, "inconclusive, interrupted",
        "inconclusive", "",
    ),
    "interrupted at its end": ({"exit_status": 2, "interrupted": True}, "interrupted", "inconclusive", "conformant"),
    "an error in the suite": ({"exit_status": 3}, "failed: an error in the suite", "failed", "conformant"),
    "nothing selected": ({"exit_status": 5}, "nothing was selected", "inconclusive", ""),
}  # fmt: skip


@pytest.mark.parametrize(("found", "words", "kind", "beside"), HEADLINES.values(), ids=HEADLINES)
def test_a_headline_is_never_better_than_the_exit_status(found, words, kind, beside):
    usual = {"verdict": "conformant", "exit_status": 0, "interrupted": False, "halted": None, "wrong_waivers": []}
    document = usual | found
    told = telling.headline(document)
    assert (told.words, told.kind) == (words, kind)
    assert telling.aside(document) == (f"What was decided of the target: {beside}." if beside else "")
    assert (kind == "conformant") == (document["exit_status"] == 0)


def test_a_waiver_of_nothing_is_a_usage_error(command, tmp_path):
    (tmp_path / "w.toml").write_text(GOOD)
    wrong = command("run", "--waivers=w.toml", "--only=run_count")
    assert wrong.status == 4
    assert "w.toml:3: there is no requirement 'create_batch.http.one'" in wrong.output + wrong.errors
