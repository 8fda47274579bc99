"""The call and the fixture for programs that start a server themselves."""

import json
import subprocess
import sys
import tempfile

import pytest

import trigger_conformance
from selftest.conftest import environment, reference
from trigger_conformance import UsageError
from trigger_conformance.contract.home import ROOT

ONE = "create_batch.run_count.one_is_accepted"


@pytest.fixture(scope="module")
def sound():
    with reference() as server:
        yield server


@pytest.fixture(scope="module")
def faulty():
    with reference("run_count.accepts_zero") as server:
        yield server


def ran(server, **options):
    return trigger_conformance.run(server.base_url, server.settings.api_key, **options)


def test_results_of_a_sound_server(sound, tmp_path):
    second = sound.settings.second_api_key
    found = ran(sound, second_api_key=second, report_dir=tmp_path, profile="smoke", only=["run_count", "acceptance"])
    assert (found.verdict, found.exit_status, found.report_dir) == ("conformant", 0, tmp_path)
    assert found.document["profile"] == "smoke"
    assert found.document["target"]["options"]["second_api_key"]
    passed = [each["id"] for each in found.with_verdict("passed")]
    assert {each.split(".")[1] for each in passed} == {"run_count", "acceptance"}
    assert found.with_verdict("violated", "warned") == []
    assert found.expect_conformant() is None
    assert (tmp_path / "report.html").exists()


def test_options_are_those_of_the_command_line(sound, tmp_path):
    (tmp_path / "conformance-waivers.toml").write_text("", "utf-8")
    options = {
        "only": ONE, "level": "must", "strict": True, "press_rate_limit": False, "max_requests": 50, "timeout": 4.5,
        "header": ("X-Gateway", "open"), "waivers": tmp_path / "conformance-waivers.toml", "seed": 7, "shard": None,
    }  # fmt: skip
    told = ran(sound, **options).document
    shown = told["target"]["options"]
    assert [each["id"] for each in told["requirements"]] == [ONE]
    assert (shown["strict"], shown["press_rate_limit"], shown["max_requests"]) == (True, False, 50)
    assert (shown["timeout_s"], shown["headers"], shown["level"], told["seed"]) == (4.5, ["X-Gateway"], "MUST", 7)


def test_what_is_broken_is_told(faulty, tmp_path):
    found = ran(faulty, only="out_of_range_is_rejected", report_dir=tmp_path)
    assert (found.verdict, found.exit_status) == ("non-conformant", 1)
    with pytest.raises(AssertionError) as raised:
        found.expect_conformant()
    first, second, *_, last = str(raised.value).splitlines()
    assert first == "the target is non-conformant"
    assert second.startswith("create_batch.run_count.out_of_range_is_rejected: ")
    assert last == f"reports: {tmp_path}"
    assert faulty.settings.api_key not in str(raised.value)


def test_a_target_that_is_not_there_is_inconclusive(tmp_path):
    found = trigger_conformance.run("http://127.0.0.1:9", "a-key-of-nobody", only=ONE, report_dir=tmp_path)
    assert (found.verdict, found.exit_status) == ("inconclusive", 6)
    with pytest.raises(AssertionError, match="the target is inconclusive\nthe target does not answer"):
        found.expect_conformant()


def test_neither_the_environment_nor_a_file_adds_anything(sound, tmp_path, monkeypatch):
    (tmp_path / "conformance.toml").write_text("seed = 9\nprofile = 'thorough'\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TRIGGER_CONFORMANCE_SEED", "8")
    monkeypatch.setenv("TRIGGER_CONFORMANCE_BASE_URL", "http://127.0.0.1:9")
    found = ran(sound, only=ONE).document
    assert (found["seed"], found["profile"], found["target"]["base_url"]) == (1, "standard", sound.base_url)


# Options that cannot be used, and what the line says.
WRONG = {
    "no such option": ({"speed": 3}, "there is no option 'speed'"),
    "an option of the command line alone": ({"target": "staging"}, "there is no option 'target'"),
    "a value that is none": ({"profile": "quick"}, "quick"),
    "a requirement that there is not": ({"only": "nothing"}, "--only nothing"),
    "a file that is not there": ({"waivers": "nowhere.toml"}, "nowhere.toml"),
    "a folder of checks that is not there": ({"checks": "nowhere"}, "it must be a folder"),
    "a document that is not there": ({"openapi": "nowhere.yaml"}, "that can be read"),
}


@pytest.mark.parametrize(("options", "said"), WRONG.values(), ids=WRONG)
def test_what_cannot_be_used_is_one_line(options, said, tmp_path):
    with pytest.raises(UsageError) as raised:
        trigger_conformance.run("http://127.0.0.1:9", "a-key-of-nobody", report_dir=tmp_path, **options)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_base_url_that_is_none_is_told_and_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with pytest.raises(UsageError, match="staging"):
        trigger_conformance.run("staging", "a-key-of-nobody")
    assert list(tmp_path.iterdir()) == []


def test_ones_own_checks_and_documents_are_options(sound, tmp_path):
    found = ran(
        sound,
        only=ONE,
        checks=ROOT / "selftest" / "own",
        openapi=ROOT / "openapi" / "create-batch.openapi.yaml",
        report_dir=tmp_path,
    )
    assert found.document["target"]["options"]["checks"] == ["own"]
    assert "stands in" in found.document["notes"][0]


# Another project's own tests, which know nothing of this one's.
FOREIGN = """
import pytest

pytest_plugins = ["trigger_conformance.fixture"]
URL, KEY = {url!r}, {key!r}

def test_keeps_the_contract(conformance):
    conformance(base_url=URL, api_key=KEY, only="out_of_range_is_rejected").expect_conformant()

def test_reports_lie_in_the_tests_own_folder(conformance, tmp_path):
    found = conformance(base_url=URL, api_key=KEY, only="one_is_accepted")
    assert found.report_dir.parent == tmp_path

def test_options_can_be_wrong(conformance):
    from trigger_conformance import UsageError
    with pytest.raises(UsageError):
        conformance(base_url=URL, api_key=KEY, speed=3)
"""


@pytest.mark.parametrize(("name", "status"), [("sound", 0), ("faulty", 1)])
def test_the_fixture_serves_another_project(name, status, request, tmp_path):
    server = request.getfixturevalue(name)
    text = FOREIGN.format(url=server.base_url, key=server.settings.api_key)
    (tmp_path / "test_contract.py").write_text(text, "utf-8")
    (tmp_path / "pytest.ini").write_text("[pytest]\naddopts = --strict-markers\n", "utf-8")
    line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=own.xml"]
    ended = subprocess.run(line, cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False)
    assert ended.returncode == status, ended.stdout + ended.stderr
    assert ("3 passed" if status == 0 else "1 failed, 2 passed") in ended.stdout
    assert ("the target is non-conformant" in ended.stdout) is bool(status)
    assert (tmp_path / "own.xml").exists()


def test_the_package_costs_nothing_to_import():
    program = "import sys, json, trigger_conformance; print(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment(), capture_output=True, text=True, check=True
    )
    assert not {"pytest", "click", "trigger_conformance.library"} & set(json.loads(done.stdout))
