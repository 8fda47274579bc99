"""junit.xml: each requirement that was selected is a case, whatever became of the run."""

import json
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree

import pytest

from selftest.canned import answer, canned
from selftest.conftest import ROOT, at, environment, keys, reference
from trigger_conformance.report import junit

KEY = {"TRIGGER_API_KEY": "tr_dev_marker_key"}
PART = "--only=run_count"
OUTCOMES = ("failure", "error", "skipped")


def suite_of(text):
    suite = ElementTree.fromstring(text).find("testsuite")
    cases = {case.attrib["name"]: case for case in suite}
    assert len(cases) == len(suite) == int(suite.attrib["tests"])
    for tag, count in zip(OUTCOMES, ("failures", "errors", "skipped"), strict=True):
        assert int(suite.attrib[count]) == len(suite.findall(f"testcase/{tag}")), count
    return cases


def outcome(case):
    return next((each.tag for each in case if each.tag in OUTCOMES), "passed")


def facts(case):
    return {each.attrib["name"]: each.attrib["value"] for each in case.iter("property")}


def of_requirements(cases):
    return {name: case for name, case in cases.items() if case.attrib["classname"] != "run"}


CANNED = {
    "the key refused": (answer("401 Unauthorized", b'{"message":"no"}'), "the target refused the key"),
    "a wrong URL": (answer("404 Not Found", b"<html></html>", media_type="text/html"), "this is no batch API"),
    "a failing server": (answer("503 Service Unavailable", b"{}"), "the target is down"),
}


def undecided(ran, why):
    cases = suite_of((ran.folder / "junit.xml").read_text("utf-8"))
    own = of_requirements(cases)
    assert set(own) == {each["id"] for each in ran.results["requirements"]}
    assert len(own) > 5
    assert {outcome(case) for case in own.values()} == {"error"}
    assert all(why in case.find("error").text for case in own.values())
    assert outcome(cases["run-halted 1"]) == "error"
    (allure,) = (ran.folder / "allure-results").glob("*-result.json")
    assert why in json.loads(allure.read_text("utf-8"))["statusDetails"]["message"]


def test_where_nobody_answers_each_case_is_an_error(command):
    undecided(command("run", "--base-url=http://127.0.0.1:9", PART, **KEY), "the target does not answer")


@pytest.mark.parametrize(("said", "why"), CANNED.values(), ids=CANNED)
def test_where_nothing_could_be_seen_each_case_is_an_error(command, said, why):
    with canned(said) as base_url:
        undecided(command("run", f"--base-url={base_url}", PART, **KEY), why)


def test_plain_pytest_writes_the_same_cases(command):
    with reference("run_count.accepts_zero") as server:
        options = (f"--base-url={server.base_url}", PART)
        ran = command(str(ROOT / "tests"), *options, module="pytest", **keys(server))
    text = (ran.folder / "junit.xml").read_text("utf-8")
    assert text == junit.text(ran.results)
    assert "failure" in {outcome(case) for case in suite_of(text).values()}


def test_after_an_interruption_what_is_undecided_is_an_error(tmp_path):
    with reference() as server:
        line = [sys.executable, "-m", "trigger_conformance.cli", *at(server, "--only=idempotency", "--only=run_count")]
        process = subprocess.Popen(
            [*line, "--requests-per-second=10", f"--report-dir={tmp_path}"], env=environment(**keys(server)),
            cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(8)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 2
    cases = suite_of((tmp_path / "junit.xml").read_text("utf-8"))
    own = of_requirements(cases)
    found = [case for case in own.values() if outcome(case) == "error"]
    assert len(own) > 20
    assert found
    assert all("the run was interrupted" in case.find("error").text for case in found[-3:])
    assert outcome(cases["run-interrupted 1"]) == "error"


@pytest.fixture(scope="module")
def cases(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cases")
    with reference("authentication.refuses_without_a_challenge") as server:
        line = [
            sys.executable,
            "-m",
            "trigger_conformance.cli",
            *at(server, "--only=authentication", "--only=run_count"),
        ]
        line += ["--max-run-count=2000", f"--report-dir={folder}", "--level=should"]
        subprocess.run(line, env=environment(**keys(server)), cwd=folder, capture_output=True, check=False)
    return suite_of((folder / "junit.xml").read_text("utf-8"))


def test_a_case_is_named_by_its_requirement_and_tells_level_clause_and_curl(cases):
    for name, case in cases.items():
        told = facts(case)
        assert told["requirement"] == name == f"{case.attrib['classname']}.{name.rpartition('.')[2]}"
        assert told["level"] == "SHOULD"
        assert told["clause"]
        if told["verdict"] != "skipped":
            assert "curl -" in told["curl"]
            assert told["curl"] in case.find("system-out").text


def test_a_warning_is_told_and_fails_nothing(cases):
    warned = [case for case in cases.values() if facts(case)["verdict"] == "warned"]
    assert warned
    for case in warned:
        assert outcome(case) == "passed"
        assert facts(case)["warning"]
        assert case.find("system-out").text.startswith("warned: ")


@pytest.mark.parametrize(
    ("verdict", "tag"),
    [("violated", "failure"), ("inconclusive", "error"), ("skipped", "skipped"), ("waived", "skipped"),
     ("warned", "passed"), ("passed", "passed"), ("observed", "passed")],
)  # fmt: skip
def test_a_verdict_is_told_in_the_common_form(verdict, tag):
    entry = {
        "id": "create_batch.http.one", "level": "MUST", "statement": "it holds", "verdict": verdict, "notes": [],
        "clause": {"name": "c"}, "message": "because\nof this", "duration_s": 1.0, "evidence": [],
        "waiver": {"reason": "known", "expires": "2027-01-01"} if verdict == "waived" else None,
    }  # fmt: skip
    document = {"verdict": "conformant", "exit_status": 0, "interrupted": False, "halted": None, "wrong_waivers": [],
                "duration_s": 1.0, "started_at": "2026-11-25T10:00:00+00:00", "requirements": [entry]}  # fmt: skip
    (case,) = suite_of(junit.text(document)).values()
    assert outcome(case) == tag
    if verdict == "waived":
        assert case.find("skipped").attrib["message"] == "waived until 2027-01-01: known"


def test_a_run_of_nothing_is_an_error():
    document = {"verdict": "conformant", "exit_status": 5, "interrupted": False, "halted": None, "wrong_waivers": [],
                "duration_s": 1.0, "started_at": "2026-11-25T10:00:00+00:00", "requirements": []}  # fmt: skip
    assert outcome(suite_of(junit.text(document))["nothing-selected 1"]) == "error"
