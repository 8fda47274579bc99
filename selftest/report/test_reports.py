"""Every format of a run's results: complete, valid, and safe against what a target says."""

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import jsonschema_rs
import pytest
from allure_commons.model2 import TestBeforeResult, TestResultContainer

from selftest.canned import answer, canned
from selftest.conftest import at, environment, keys, reference
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import junit
from trigger_conformance.report.allure_files import Files
from trigger_conformance.report.annotations import github
from trigger_conformance.report.badge import badge
from trigger_conformance.report.comparison import compare
from trigger_conformance.report.files import read, render
from trigger_conformance.report.html import page
from trigger_conformance.report.markdown import summary
from trigger_conformance.report.results import SCHEMA

KEY = {"TRIGGER_API_KEY": "tr_dev_marker_key"}
FORMATS = {"results.json", "report.html", "summary.md", "badge.svg", "evidence.har", "junit.xml"}
HOSTILE = '</script><script>alert(1)</script><img src=x onerror="alert(2)">\x1b[31m\x07`|[x](javascript:alert(3))'


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """The results folder of a run on a server that does one thing wrong, in a race."""
    folder = tmp_path_factory.mktemp("broken")
    with reference("idempotency.race_of5_milliseconds") as server:
        command = [sys.executable, "-m", "trigger_conformance.cli", *at(server, "--only=idempotency")]
        variables = environment(**keys(server), GITHUB_STEP_SUMMARY=str(folder / "step.md"))
        subprocess.run(
            [*command, f"--report-dir={folder}"], env=variables, cwd=folder, capture_output=True, check=False
        )
    return folder


@pytest.fixture(scope="module")
def results(broken):
    return json.loads((broken / "results.json").read_text("utf-8"))


def is_valid(document):
    schema = jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")))
    return [error.message for error in schema.iter_errors(document)] == []


def test_a_run_writes_every_format(broken, results):
    assert {path.name for path in broken.iterdir()} >= FORMATS
    assert is_valid(results)
    assert (broken / "report.html").read_bytes() == page(results).encode("utf-8", "backslashreplace")
    assert (broken / "step.md").read_text("utf-8") == summary(results)


def test_the_report_shows_each_requirement_and_what_its_verdict_rests_on(results):
    text = page(results)
    for requirement in results["requirements"]:
        assert f'id="{requirement["id"]}"' in text
    assert "Requests released together" in text
    assert "curl -sS -i" in text
    assert "If provided and a batch with this key already exists" in text


def test_the_report_needs_nothing_from_elsewhere(results):
    text = page(results)
    assert "default-src &#39;none&#39;" in text or "default-src 'none'" in text
    assert 'src="http' not in text
    assert "<link" not in text


def test_the_summary_names_what_is_violated(results):
    text = summary(results)
    assert text.startswith("## ❌ non-conformant: http://127.0.0.1:")
    assert "`create_batch.idempotency.concurrent_requests_with_one_key_create_one_batch`" in text


def test_the_badge_is_a_picture_of_the_verdict(results):
    assert ElementTree.fromstring(badge(results)).attrib["aria-label"] == "batch API: non-conformant"


def test_the_har_has_every_exchange_with_its_requirement(broken, results):
    log = json.loads((broken / "evidence.har").read_text("utf-8"))["log"]
    assert log["version"] == "1.2"
    assert len(log["entries"]) == results["requests"] == len(results["timeline"])
    for entry in log["entries"]:
        assert {"startedDateTime", "time", "request", "response", "cache", "timings"} <= set(entry)
        assert {"method", "url", "httpVersion", "cookies", "headers", "queryString", "headersSize", "bodySize"} <= set(
            entry["request"]
        )
        assert {"status", "statusText", "headers", "content", "redirectURL"} <= set(entry["response"])
        assert entry["_requirement"].startswith(("create_batch.", "preflight"))
    errors = [entry["_error"]["kind"] for entry in log["entries"] if "_error" in entry]
    assert "hung up on purpose" in errors


def test_large_bodies_are_bounded_in_the_evidence(command):
    with reference() as server:
        large = command(*at(server, "--only=properties.deep_and_large_bodies_are_answered"), **keys(server))
    log = json.loads((large.folder / "evidence.har").read_text("utf-8"))["log"]
    bodies = [entry["request"]["postData"] for entry in log["entries"] if entry["request"]["bodySize"] > 1 << 20]
    assert len(bodies) == 1
    assert "bytes left out" in bodies[0]["text"]
    assert len(bodies[0]["_sha256"]) == 64
    assert all(len(path.read_bytes()) < 1 << 20 for path in large.folder.iterdir() if path.is_file())


@pytest.mark.parametrize("name", ["terminal", "html", "md", "badge"])
def test_a_report_is_rendered_again_from_the_results_alone(command, broken, name):
    again = command("report", str(broken), f"--format={name}")
    assert again.status == 0, again.errors
    files = {"html": "report.html", "md": "summary.md", "badge": "badge.svg"}
    wanted = (broken / files[name]).read_text("utf-8") if name in files else "NON-CONFORMANT"
    assert wanted in again.output


def test_what_is_no_results_file_is_a_usage_error(command, tmp_path):
    (tmp_path / "x.json").write_text("[]")
    assert command("report").status == 4
    for name in ("x.json", "none.json"):
        wrong = command("report", name)
        assert wrong.status == 4
        assert name in wrong.errors
        assert len(wrong.errors.splitlines()) == 1


# What is hardly a results document, and what is read of it.
NO_RESULTS = {
    "nothing but a version": ('{"schema_version": "1.4"}', "is a required property"),
    "lists in lists": ("[" * 100_000, "it cannot be read: maximum recursion depth"),
    "a version that is deep": ('{"schema_version": ' + "[" * 500 + "]" * 500 + "}", "these are no results"),
    "a number of too many digits": ("9" * 5_000, "it cannot be read"),
}


@pytest.mark.parametrize(("text", "said"), NO_RESULTS.values(), ids=NO_RESULTS)
def test_what_is_hardly_a_results_file_is_a_usage_error(tmp_path, text, said):
    (tmp_path / "results.json").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=said) as raised:
        read(tmp_path)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "change", [{"requirements": [{}]}, {"profile": "smoke\x1b[2J\n"}, {"target": []}, {"timeline": [{"number": "1"}]}],
    ids=str,
)  # fmt: skip
def test_results_are_of_the_published_schema(results, tmp_path, change):
    (tmp_path / "results.json").write_text(json.dumps({**results, **change}), "utf-8")
    with pytest.raises(UsageError, match="these are no whole results of a run: ") as raised:
        read(tmp_path)
    assert str(raised.value).isprintable()


def test_results_of_a_later_suite_may_have_more(results, tmp_path):
    later = {**results, "schema_version": "1.99", "mood": "good"}
    later["requirements"] = [{**each, "colour": "blue"} for each in results["requirements"]]
    (tmp_path / "results.json").write_text(json.dumps(later), "utf-8")
    assert read(tmp_path) == later


def test_two_runs_are_compared(results):
    better = json.loads(json.dumps(results))
    for requirement in better["requirements"]:
        requirement["verdict"] = "passed" if requirement["verdict"] == "violated" else requirement["verdict"]
    assert compare(results, better).worse is False
    assert any(line.endswith("violated -> passed") for line in compare(results, better).lines)
    assert compare(better, results).worse is True
    assert compare(results, results).lines[-1] == "no requirement changed"


def compared(results, was, now, **changes):
    """Two runs that differ in one requirement's verdict (None: not there), and in what ``changes`` says of the new."""
    one = results["requirements"][0]
    runs = [
        {**results, "requirements": [] if verdict is None else [{**one, "verdict": verdict}]} for verdict in (was, now)
    ]
    return compare(runs[0], {**runs[1], **changes})


CHANGES = {
    # What is found wrong or cannot be decided any more is worse, and so is what is found wrong at first sight.
    ("passed", "violated"): "worse",
    ("passed", "inconclusive"): "worse",
    ("violated", "inconclusive"): "worse",
    ("inconclusive", "violated"): "worse",
    ("skipped", "warned"): "worse",
    ("skipped", "inconclusive"): "worse",
    ("waived", "violated"): "worse",
    ("passed", "waived"): "worse",
    (None, "violated"): "worse",
    (None, "inconclusive"): "worse",
    (None, "warned"): "worse",
    # What is not judged any more is lost, never better.
    ("violated", None): "no longer judged",
    ("violated", "skipped"): "no longer judged",
    ("passed", None): "no longer judged",
    ("passed", "skipped"): "no longer judged",
    (None, "passed"): "newly judged",
    (None, "observed"): "newly judged",
    ("skipped", "passed"): "newly judged",
    ("violated", "passed"): "better",
    ("violated", "warned"): "better",
    ("waived", "passed"): "better",
    ("inconclusive", "passed"): "better",
    ("violated", "waived"): "changed",
    ("warned", "waived"): "changed",
    (None, "skipped"): "changed",
    ("inconclusive", None): "changed",
    ("inconclusive", "warned"): "changed",
}


@pytest.mark.parametrize(("was", "now"), CHANGES)
def test_a_change_is_told_as_what_it_is(results, was, now):
    found = compared(results, was, now)
    title = CHANGES[was, now]
    assert found.lines[1] == f"{title}:"
    assert found.lines[2].endswith(f"{was or 'not there'} -> {now or 'not there'}")
    assert found.worse is (title in ("worse", "no longer judged"))


OTHERS = {
    "profile": {"profile": "smoke"},
    "seed": {"seed": 2},
    "contract": {"contract": {"title": "T", "version": "2", "sha256": "1" * 64}},
    "target": {"target": {"base_url": "http://other", "options": {}}},
    "suite version": {"suite_version": "9"},
}


@pytest.mark.parametrize(("name", "changes"), OTHERS.items(), ids=OTHERS)
def test_what_the_runs_do_not_have_in_common_is_said_first(results, name, changes):
    if name == "target":
        changes = {"target": {**changes["target"], "options": results["target"]["options"]}}
    found = compared(results, "passed", None, **changes)
    assert found.lines[1] == "the runs were not asked for the same:"
    assert found.lines[2].startswith(f"  {name}: ")
    assert found.lines[3] == "no longer judged:"
    # A smaller profile explains what is not judged, another seed does not.
    assert found.worse is (name in ("seed", "target"))
    assert compared(results, None, "violated", **changes).worse


def test_worse_is_an_exit_status(command, broken, results, tmp_path):
    sound = json.loads(json.dumps(results))
    sound["requirements"] = [{**each, "verdict": "passed"} for each in sound["requirements"]]
    (tmp_path / "old.json").write_text(json.dumps(sound))
    assert command("report", "--compare", "old.json", str(broken)).status == 1
    assert command("report", "--compare", str(broken), "old.json").status == 0


def test_what_a_target_says_changes_nothing_in_any_report(command):
    body = json.dumps({"id": "batch_1", "runCount": HOSTILE, "isCached": False}).encode()
    header = "X-Hostile: <script>alert(4)</script>"

    def respond(_request, number, _connection):
        if number == 1:
            return answer("202 Accepted", b'{"id":"batch_1","runCount":1,"isCached":false}')
        return answer("202 <script>alert(5)</script>", body, header)

    with canned(respond) as base_url:
        hostile = command("run", f"--base-url={base_url}", "--profile=smoke", **KEY)
    assert hostile.status == 1
    assert "\x1b" not in hostile.output
    report = (hostile.folder / "report.html").read_text("utf-8")
    assert report.count("<script>") == 1
    assert "<img" not in report
    assert "\x1b" not in report
    text = (hostile.folder / "summary.md").read_text("utf-8")
    assert "<script" not in text
    assert "](javascript" not in text
    ElementTree.parse(hostile.folder / "junit.xml")
    assert is_valid(hostile.results)


def test_answers_with_unpaired_surrogates_can_be_written(results, tmp_path):
    document = json.loads(json.dumps(results))
    document["requirements"][0]["message"] = "a lone \ud800"
    document["requirements"][0]["evidence"][0]["response"]["body"] = {"size": 14, "text": '{"key":"\\udc00"}'}
    render(document, tmp_path)
    assert "a lone \\ud800" in (tmp_path / "report.html").read_text("utf-8")


def test_a_run_that_could_not_begin_has_every_format(command):
    nobody = command("run", "--base-url=http://127.0.0.1:9", **KEY)
    assert {path.name for path in nobody.folder.iterdir()} >= FORMATS
    assert "the target does not answer" in (nobody.folder / "report.html").read_text("utf-8")
    assert "the target does not answer" in (nobody.folder / "summary.md").read_text("utf-8")
    assert is_valid(nobody.results)


def test_the_allure_report_shows_requirement_level_clause_and_exchanges(node, broken, tmp_path, results):
    command = [
        str(node / "node_modules/.bin/allure"),
        "generate",
        str(broken / "allure-results"),
        "-o",
        str(tmp_path / "report"),
    ]
    subprocess.run(command, cwd=tmp_path, capture_output=True, check=True)
    shown = [json.loads(path.read_text("utf-8")) for path in (tmp_path / "report").glob("data/test-results/*.json")]
    assert len(shown) == len(results["requirements"])
    by_id = {label["value"]: each for each in shown for label in each["labels"] if label["name"] == "requirement"}
    assert set(by_id) == {each["id"] for each in results["requirements"]}
    race = by_id["create_batch.idempotency.concurrent_requests_with_one_key_create_one_batch"]
    labels = {label["name"]: label["value"] for label in race["labels"]}
    assert (labels["level"], labels["severity"], labels["clause"]) == (
        "MUST", "critical", "CreateBatchRequest.idempotencyKey"
    )  # fmt: skip
    assert race["links"][0]["url"].endswith("#/components/schemas/CreateBatchRequest/properties/idempotencyKey")
    assert (race["name"], race["status"]) == ("concurrent requests with one new key create one batch", "failed")
    assert list((tmp_path / "report" / "data" / "attachments").iterdir())


@pytest.mark.parametrize(("status", "is_written"), [("passed", False), (None, False), ("broken", True)])
def test_what_a_fixture_did_is_for_allure_where_it_did_not_end_as_it_should(status, is_written, tmp_path):
    fixture = TestBeforeResult(name="a fixture", status=status)
    Files(str(tmp_path)).report_container(TestResultContainer(uuid="of-a-test", befores=[fixture]))
    assert bool(list(tmp_path.iterdir())) is is_written


def test_of_what_left_together_no_key_is_said_to_be_forgotten(results):
    owner = "create_batch.idempotency.concurrent_requests_with_one_key_create_one_batch"
    (race,) = [each for each in results["findings"] if each["id"] == owner]
    assert "together" in race["reproduce"]["note"]
    assert "forgotten" not in race["reproduce"]["note"]


def test_junit_has_the_common_form(broken, results):
    root = ElementTree.parse(broken / "junit.xml").getroot()
    assert [root.tag, *{suite.tag for suite in root}] == ["testsuites", "testsuite"]
    for suite in root:
        cases = suite.findall("testcase")
        assert {"name", "tests", "failures", "errors", "skipped", "time", "timestamp"} <= set(suite.attrib)
        assert int(suite.attrib["tests"]) == len(cases) == len(results["requirements"])
        assert int(suite.attrib["failures"]) == len(suite.findall("testcase/failure"))
        assert int(suite.attrib["skipped"]) == len(suite.findall("testcase/skipped"))
        for case in cases:
            assert set(case.attrib) == {"classname", "name", "time"}
            assert {each.tag for each in case} <= {"failure", "skipped", "properties", "system-out", "system-err"}
            assert all("message" in each.attrib for each in case if each.tag in ("failure", "skipped"))


def finding(identity, title="it is wrong"):
    reproduce = {"lines": [], "exchanges": [], "note": None}
    return {"id": identity, "title": title, "level": "MUST", "requirements": [identity], "evidence": [1],
            "reproduce": reproduce, "not_judged": []}  # fmt: skip


def test_findings_are_compared_by_what_they_are_about(results):
    one, two, three = (each["id"] for each in results["requirements"][:3])
    old = {**results, "findings": [finding(one, "a is gone"), finding(two, "b was 422")]}
    new = {**results, "findings": [finding(two, "b is 500"), finding(three, "c is new")]}
    lines = compare(old, new).lines
    told = {title: lines[lines.index(f"{title}:") + 1].strip() for title in
            ("new findings", "findings gone", "findings still there")}  # fmt: skip
    assert told == {
        "new findings": "c is new", "findings gone": "a is gone", "findings still there": "b is 500",
    }  # fmt: skip


@pytest.mark.parametrize("render", [page, summary, junit.text, github], ids=lambda each: each.__module__)
def test_a_document_of_before_findings_is_still_told(results, render):
    old = {name: value for name, value in results.items() if name != "findings"}
    new = ("rests_on", "needed", "stated", "sights")
    old["requirements"] = [
        {name: value for name, value in each.items() if name not in new} for each in results["requirements"]
    ]
    assert is_valid({**old, "schema_version": "1.2"})
    assert "concurrent_requests_with_one_key_create_one_batch" in render(old)
