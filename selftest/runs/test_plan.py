"""What ``plan`` tells: how much is sent, judged, skipped and left behind, of a run that has not begun."""

import re
import sys

import pytest

from selftest.conftest import call

PROGRAM = (sys.executable, "-m", "trigger_conformance.cli")
ELSEWHERE = "--base-url=http://127.0.0.1:9"
SMOKE = "--profile=smoke"
KEY = {"TRIGGER_API_KEY": "tr_dev_marker_key"}


def figures(planned):
    """The table's rows that have a number, by name: the first of them."""
    assert planned.status == 0, planned.errors
    return {name: int(number) for name, number in re.findall(r"^ *(\w.*?) {2,}(\d+)", planned.output, re.MULTILINE)}


def wanted(planned):
    """The options for want of which checks are skipped."""
    return set(re.split(r",\s", re.search(r"Skipped for want of an option: ([^.]+)\.", planned.output)[1]))


def test_what_a_check_removes_itself_is_not_left_behind(command):
    only = "--only=create_schedule.list_and_delete.every_deleted_schedule_is_gone"
    planned = command("plan", only)
    found = figures(planned)
    assert found["requests"] > 0
    assert found["schedules left behind"] == 0
    assert "the run removes its schedules" in planned.output


def test_what_cannot_be_removed_is_left_behind(command):
    planned = command("plan", "--only=create_batch.acceptance.valid_request_is_accepted")
    assert figures(planned)["batches left behind"] > 0
    assert "to remove things" not in planned.output
    assert "the run removes" not in planned.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--only=nothing_there",), "error: --only nothing_there: no such requirement or area; "),
        (("--only=idempotencies", ELSEWHERE), "(did you mean"),
        (("--checks=own",), "test_rules.py: it cannot be imported"),
    ],
)
def test_an_option_that_cannot_be_used_is_one_line(command, tmp_path, arguments, said):
    package = tmp_path / "own" / "create_batch"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "test_rules.py").write_text("import no_such_package\n")
    planned = command("plan", *arguments, module="trigger_conformance.cli")
    assert (planned.status, planned.output) == (4, "")
    assert said in planned.errors
    assert planned.errors.count("\n") == 1


def test_what_is_skipped_for_want_of_an_option_is_told_apart(command):
    wanting, whole = command("plan", ELSEWHERE, SMOKE, **KEY), command("plan", SMOKE)
    some, all_ = figures(wanting), figures(whole)
    assert some["checks"] + some["skipped, see below"] == all_["checks"]
    assert 0 < some["checks"] < some["skipped, see below"]
    assert "skipped" not in whole.output
    assert wanted(wanting) == {
        "--second-api-key", "--idempotency-wait", "--press-rate-limit", "--project", "--environment", "--schedule-task",
        "--task",
    }  # fmt: skip


def test_an_option_that_is_given_is_wanted_no_more(command):
    planned = command("plan", ELSEWHERE, SMOKE, "--schedule-task=nightly", "--shared-key", "--press-rate-limit", **KEY)
    assert not {"--schedule-task", "--shared-key", "--press-rate-limit"} & wanted(planned)


def test_of_what_is_not_tested_nothing_is_told(command):
    planned = command("plan", ELSEWHERE, SMOKE, **KEY)
    assert planned.status == 0, planned.errors
    assert "batches left behind" in planned.output
    assert re.findall("variable|schedules|fillings|start a run|CONFORMANCE_", planned.output) == []
    assert max(map(len, planned.output.splitlines())) <= 120


def test_a_plan_in_which_nothing_is_tested(command):
    planned = command("plan", ELSEWHERE, SMOKE, "--only=create_schedule.cron", **KEY)
    assert figures(planned)["checks"] == 0
    assert wanted(planned) == {"--schedule-task"}
    assert "begin with" not in planned.output


def test_warnings_of_other_packages_are_for_nobody_who_plans(tmp_path):
    forging = "--only=stream_batch_items.authentication"
    planned = call(*PROGRAM, "plan", forging, folder=tmp_path, PYTHONWARNINGS="default")
    assert planned.status == 0, planned.errors
    assert "HMAC" not in planned.errors
