"""The wheel: installed apart from the repository, it brings all that a run needs."""

import json
import re
import shutil
import sys
import tarfile
import zipfile
from collections import Counter
from pathlib import Path

import pytest

from selftest.conftest import call, keys, reference
from trigger_conformance import __version__
from trigger_conformance.contract.home import ROOT

HOSTILE = {
    "pytest.ini": "[pytest]\naddopts = --no-such-option\n",
    "conftest.py": "raise SystemExit('a conftest.py of the user was read')\n",
    "tests/__init__.py": "raise SystemExit('tests of the user were imported')\n",
}


def test_the_archives_hold_what_a_run_needs_and_nothing_of_the_repositorys_own(built, wheel):
    names = zipfile.ZipFile(wheel).namelist()
    packed = ("tests/create_batch/test_idempotency.py", "openapi/create-batch.openapi.yaml")
    assert [name for name in packed if f"trigger_conformance/packed/{name}" not in names] == []
    assert [name for name in names if "selftest" in name or "__pycache__" in name or name.startswith("tests/")] == []
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        beginnings = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"selftest", "requirements.lock", "CHANGELOG.md", "Makefile"} <= beginnings
    assert not beginnings & {".venv", ".allure", "node_modules"}


def test_make_installs_for_a_run_what_a_run_needs_and_the_rest_for_who_develops(tmp_path):
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "requirements-run.lock"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / ".venv").mkdir()

    def would(goal):
        done = call("make", "-n", f"PYTHON={sys.executable}", goal, folder=tmp_path, MAKEFLAGS="")
        assert done.status == 0, done.errors
        installs = re.findall(r"--require-hashes -r (\S+)", done.output)
        told = re.findall(r'^echo "(?:Making|Installing).*"$', done.output, re.MULTILINE)
        assert len(told) == done.output.count("-m venv") + done.output.count("pip install"), "each slow step is told"
        return installs

    run, rest = "requirements-run.lock", "requirements.lock"
    assert (would("conformance"), would("lint")) == ([run], [run, rest])
    (tmp_path / ".venv/.can-run").touch()
    assert (would("conformance"), would("lint")) == ([], [rest])
    (tmp_path / ".venv/.ready").touch()
    assert (would("conformance"), would("lint")) == ([], [])


def test_a_pytest_without_the_suite_says_what_to_do(tmp_path):
    packages = Path(pytest.__file__).parent.parent
    for name in ("pytest", "_pytest", "py.py", "pluggy", "iniconfig", "packaging", "pygments"):
        (tmp_path / name).symlink_to(packages / name)
    # Without site there are no packages but those.
    line = [sys.executable, "-S", "-m", "pytest", "tests", "--base-url=https://staging.example.com"]
    told = call(*line, folder=ROOT, PYTHONPATH=str(tmp_path), PYTHONDONTWRITEBYTECODE="1")
    assert (told.status, told.output) == (4, "")
    assert re.fullmatch(r"ERROR: this pytest .* make conformance, .*activate\s+", told.errors)


def test_the_version_stands_in_one_place(wheel):
    assert wheel.name.split("-")[1] == __version__
    assert f"\n## {__version__}\n" in (ROOT / "CHANGELOG.md").read_text("utf-8")


def test_an_installed_suite_tells_its_versions(installed, tmp_path):
    told = call(installed, "--version", folder=tmp_path).output.splitlines()
    assert told[0] == f"trigger-conformance {__version__}"
    assert told[1].startswith("contract: Trigger.dev API 1.0.0, sha256 ")
    names = [line.split()[0] for line in told[2:]]
    assert {"Python", "schemathesis", "hypothesis", "pytest", "httpx", "openapi-core"} <= set(names)


@pytest.mark.long
def test_an_installed_suite_runs_on_its_own_server_and_on_a_named_target(installed, tmp_path):
    own = call(installed, "run", "--report-dir=.", folder=tmp_path)
    assert (own.status, own.results["verdict"]) == (0, "conformant"), own.output + own.errors
    assert {each["verdict"] for each in own.results["requirements"]} == {"passed", "observed", "skipped"}
    unjudged = [each["id"] for each in own.results["requirements"] if each["verdict"] == "skipped"]
    # The limit is pressed with the requests of one operation.
    others = ("create_environment_variable", "create_schedule", "stream_batch_items")
    pressed_elsewhere = tuple(f"{each}.rate_limits." for each in others)
    assert [each for each in unjudged if not each.startswith(pressed_elsewhere)] == [
        "create_batch.run_count.parent_run_switches_nothing_off",
        "create_schedule.time_zones.other_canonical_names_are_accepted",
    ]
    with reference() as server:
        (tmp_path / "conformance.toml").write_text(
            f'[targets.staging]\nbase_url = "{server.base_url}"\napi_key_env = "STAGING"\nprofile = "smoke"\n'
        )
        named = call(
            installed, "run", "--target=staging", "--report-dir=.", "--workers=2",
            folder=tmp_path, STAGING=server.settings.api_key,
        )  # fmt: skip
    assert (named.status, named.results["target"]["name"]) == (0, "staging"), named.output + named.errors
    written = {path.name for path in tmp_path.iterdir()}
    assert not written & {".hypothesis", ".pytest_cache", ".schemathesis"}
    assert {"report.html", "junit.xml", "summary.md", "badge.svg", "evidence.har", "allure-results"} <= written


@pytest.mark.parametrize("workers", [1, 2])
def test_a_project_around_the_environment_has_no_say(installed, tmp_path, workers):
    for name, text in HOSTILE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    # The project holds the environment, as many do, so that pytest would find the project's own files above it.
    (tmp_path / ".venv").symlink_to(installed.parent.parent)
    with reference() as server:
        done = call(
            tmp_path / ".venv/bin/python", "-m", "trigger_conformance.cli", "run", f"--base-url={server.base_url}",
            "--profile=smoke", "--report-dir=out", f"--workers={workers}",
            folder=tmp_path, PYTEST_ADDOPTS="-x --no-such-option", PYTEST_PLUGINS="no_such_plugin", **keys(server),
        )  # fmt: skip
    assert done.status == 0, done.output + done.errors


def test_an_installed_suite_explains_attests_and_verifies(installed, tmp_path):
    explained = call(installed, "explain", "run_count.one_is_accepted", folder=tmp_path)
    assert explained.status == 0, explained.errors
    run = call(installed, "run", "--profile=smoke", "--report-dir=out", folder=tmp_path)
    assert run.status == 0
    assert call(installed, "attest", "out", folder=tmp_path).status == 0
    assert call(installed, "verify", "out/attestation.zip", folder=tmp_path).status == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_printed_for_each_shell(command, shell):
    script = command("completion", shell)
    assert script.status == 0
    assert "_TRIGGER_CONFORMANCE_COMPLETE" in script.output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("explain idempotency.replay_is", "idempotency.replay_is_answered_202"),
        ("run --only run_co", "run_count"),
        ("run --profile sm", "smoke"),
        ("run --target stag", "staging"),
        ("serve --fault run_count.accepts_z", "run_count.accepts_zero"),
        ("ver", "verify"),
    ],
)
def test_a_shell_completes(tmp_path, words, expected):
    (tmp_path / "conformance.toml").write_text("[targets.staging]\n")
    line = f"trigger-conformance {words}"
    script = Path(sys.executable).with_name("trigger-conformance")
    shell = {
        "_TRIGGER_CONFORMANCE_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")),
    }  # fmt: skip
    offered = call(script, folder=tmp_path, **shell).output.splitlines()
    assert expected in [each.partition(",")[2] for each in offered]


def test_one_seed_sends_the_same_requests_however_the_suite_was_installed(installed, command, tmp_path):
    def sent(run):
        log = json.loads((run.folder / "evidence.har").read_text("utf-8"))["log"]
        return Counter(
            re.sub(run.results["run_id"], "", entry.get("request", {}).get("postData", {}).get("text", ""), flags=re.I)
            for entry in log["entries"]
            if ".fuzzing." in entry["_requirement"]
        )

    (tmp_path / "out").mkdir()
    apart = call(installed, "run", "--only=fuzzing", "--report-dir=.", folder=tmp_path / "out")
    here = command("run", "--only=fuzzing")
    plain = command(str(ROOT / "tests"), "--only=fuzzing", module="pytest")
    assert sent(apart).total() > 60
    assert sent(apart) == sent(here) == sent(plain)
