"""What CI systems are given: each file has the form that its system reads, and its shell lines do what they should."""

import json
import os
import re
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import yaml

from selftest.conftest import environment, keys, reference
from trigger_conformance import __version__
from trigger_conformance.contract.home import ROOT
from trigger_conformance.options.waivers_file import entry
from trigger_conformance.report.annotations import azure, github, gitlab
from trigger_conformance.verdicts.waivers import Waiver

CI = ROOT / "docs" / "ci"
SCHEMAS = {
    "vendor.github-actions": [ROOT / "action.yml"],
    "vendor.github-workflows": [CI / "github-gate.yml", CI / "github-matrix.yml"],
    "vendor.gitlab-ci": [CI / "gitlab.yml"],
    "vendor.azure-pipelines": [CI / "azure-pipelines.yml"],
}
PROGRAMS = Path(sys.executable).parent


def shell(script, folder, **variables):
    """Run a step as CI systems do, where ``python`` is this Python."""
    path = f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}"
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder, env=environment(**{"PATH": path, **variables}), capture_output=True, text=True, check=False,
    )  # fmt: skip


@pytest.mark.parametrize(("schema", "path"), [(schema, path) for schema, paths in SCHEMAS.items() for path in paths],
                         ids=lambda value: getattr(value, "name", value))  # fmt: skip
def test_files_have_the_form_that_their_system_publishes(schema, path):
    line = [PROGRAMS / "check-jsonschema", "--regex-variant", "python", "--builtin-schema", schema, path]
    done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_the_kubernetes_manifest_is_valid():
    done = subprocess.run([PROGRAMS / "kubernetes-validate", "--strict", CI / "kubernetes.yaml"], check=False)
    assert done.returncode == 0


def test_hadolint_has_nothing_against_the_dockerfile():
    done = subprocess.run([PROGRAMS / "hadolint", ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_file_names_this_version():
    for path in CI.iterdir():
        named = re.findall(r"trigger[-_]conformance(?:-|:|@v)([\d.]+\d)", path.read_text("utf-8"))
        assert named, path.name
        assert set(named) == {__version__}, path.name


def test_what_an_installed_suite_needs_is_locked_as_it_was_proven():
    locks = [dict(re.findall(r"^([\w.-]+)==(\S+)", (ROOT / name).read_text("utf-8"), re.MULTILINE))
             for name in ("requirements.lock", "requirements-run.lock")]  # fmt: skip
    assert {"schemathesis", "hypothesis", "redis"} <= set(locks[1])
    assert locks[1].items() <= locks[0].items()


class Action:
    """The steps of action.yml that are shell, with inputs as GitHub fills them in."""

    def __init__(self, folder, inputs):
        self.folder = folder
        document = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
        self.steps = {step["name"]: step for step in document["runs"]["steps"] if "run" in step}
        known = {name: each.get("default", "") for name, each in document["inputs"].items()}
        assert set(inputs) <= set(known)
        self.inputs = known | inputs
        self.outputs = {}
        self.temp = folder / "temp"
        self.temp.mkdir()

    def value(self, text):
        def fill(match):
            kind, name = match[1].split(".", 1)
            return self.inputs[name] if kind == "inputs" else self.outputs.get(name.rpartition(".")[2], "")

        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", fill, text)

    def run(self, name, **more):
        step = self.steps[name]
        assert "${{" not in step["run"], "an input in a script would be read as shell"
        output = self.folder / "output"
        output.write_text("")
        variables = {each: self.value(value) for each, value in step.get("env", {}).items()}
        done = shell(
            step["run"], self.folder, RUNNER_TEMP=str(self.temp), GITHUB_ACTION_PATH=str(ROOT),
            GITHUB_OUTPUT=str(output), GITHUB_STEP_SUMMARY=str(self.folder / "summary"), **variables, **more,
        )  # fmt: skip
        self.outputs |= dict(line.split("=", 1) for line in output.read_text().splitlines())
        return done


@pytest.fixture(scope="module")
def action(once, packages, tmp_path_factory):
    """An action whose suite is installed already, as its own first step does."""

    def install(folder):
        done = Action(folder, {}).run("Install the suite, with the very versions that it was proven with", **packages)
        assert done.returncode == 0, done.stderr

    temp = once("first", install) / "temp"

    def make(**inputs):
        new = Action(tmp_path_factory.mktemp("action"), {name.replace("_", "-"): each for name, each in inputs.items()})
        (new.temp / "trigger-conformance").symlink_to(temp / "trigger-conformance")
        return new

    return make


def test_the_action_passes_a_sound_server(action):
    with reference() as server:
        steps = action(base_url=server.base_url, api_key=server.settings.api_key, max_seconds="60")
        ran = steps.run("Run")
    assert ran.returncode == 0, ran.stderr
    assert steps.outputs == {"exit-status": "0", "verdict": "conformant"}
    assert not re.search(r"^::error", ran.stdout, re.MULTILINE)
    assert steps.run("Gate").returncode == 0
    assert (steps.folder / "conformance-report" / "junit.xml").exists()
    assert "conformant" in (steps.folder / "summary").read_text("utf-8")


def test_the_action_fails_a_faulty_server_with_annotations(action):
    with reference("run_count.accepts_zero") as server:
        steps = action(
            base_url=server.base_url, api_key=server.settings.api_key,
            options="--only=run_count\n--strict", report_dir="out",
        )  # fmt: skip
        ran = steps.run("Run")
    assert ran.returncode == 0, "the reports are uploaded before the gate fails"
    assert steps.outputs == {"exit-status": "1", "verdict": "non-conformant"}
    assert re.search(r"^::error title=violated%3A runCount 0 is answered 202", ran.stdout, re.MULTILINE)
    assert steps.run("Gate").returncode == 1
    assert json.loads((steps.folder / "out/results.json").read_text("utf-8"))["target"]["options"]["strict"]
    assert server.settings.api_key not in ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("inputs", "status"),
    [
        ({"base_url": "http://127.0.0.1:9", "api_key": "key-0123456789"}, "6"),
        ({"base_url": "no URL", "api_key": "key-0123456789"}, "4"),
        ({"base_url": "https://x; touch injected", "api_key": "$(touch injected)"}, "4"),
        ({"options": "--only=run_count '--seed"}, "4"),
        ({"options": "--seed=$(touch injected)"}, "4"),
        ({"options": "`touch injected`; touch injected"}, "4"),
        ({"waivers": "$(touch injected).toml"}, "4"),
        ({"press_rate_limit": "perhaps"}, "4"),
        ({"headers": "no header"}, "4"),
    ],
)
def test_the_action_fails_where_nothing_could_be_decided(action, inputs, status):
    steps = action(**inputs)
    earlier = steps.folder / "conformance-report/results.json"
    earlier.parent.mkdir()
    earlier.write_text('{"verdict": "conformant"}')
    ran = steps.run("Run")
    assert steps.outputs.get("verdict") in (None, "inconclusive"), "an earlier run's verdict is not this one's"
    assert steps.outputs["exit-status"] == status
    assert "::error" in ran.stdout
    assert steps.run("Gate").returncode == int(status)
    assert not list(steps.folder.rglob("injected"))


def test_the_action_hands_on_waivers_baseline_headers_and_the_press(action):
    with reference("run_count.accepts_zero") as server:
        target = {"base_url": server.base_url, "api_key": server.settings.api_key}
        found = action(**target)
        found.run("Run")
        accepted = action(**target, baseline="found.json", press_rate_limit="true")
        shutil.copy(found.folder / "conformance-report/results.json", accepted.folder / "found.json")
        accepted.run("Run")
        waived = action(**target, waivers="known.toml", headers="X-One: first\nX-Two: a secret, of two")
        broken = json.loads((found.folder / "conformance-report/results.json").read_text("utf-8"))["requirements"]
        known = (each["id"] for each in broken if each["verdict"] == "violated")
        entries = (entry(Waiver(requirement=each, reason="known", expires=date.today())) for each in known)
        (waived.folder / "known.toml").write_text("".join(entries), "utf-8")
        ran = waived.run("Run")
    assert [steps.outputs["exit-status"] for steps in (found, accepted, waived)] == ["1", "0", "0"]
    pressed = json.loads((accepted.folder / "conformance-report/results.json").read_text("utf-8"))
    assert pressed["target"]["options"]["press_rate_limit"]
    told = (waived.folder / "conformance-report/evidence.har").read_text("utf-8") + ran.stdout + ran.stderr
    assert "X-Two" in told
    assert "a secret, of two" not in told


def test_options_of_the_action_may_hold_spaces(action):
    with reference() as server:
        steps = action(
            base_url=server.base_url, api_key=server.settings.api_key,
            options="--only=http\n--report-dir 'a folder of mine' --header \"X-One: two  words; $(x)\"",
            report_dir="a folder of mine",
        )  # fmt: skip
        ran = steps.run("Run")
    assert steps.outputs == {"exit-status": "0", "verdict": "conformant"}, ran.stderr
    assert (steps.folder / "a folder of mine/report.html").exists()


@pytest.mark.parametrize(("system", "status"), [("Linux", 0), ("macOS", 0), ("Windows", 4)])
def test_the_action_says_on_which_runners_it_runs(tmp_path, system, status):
    told = Action(tmp_path, {}).run("Check the runner", RUNNER_OS=system)
    assert (told.returncode, "one of Linux or macOS" in told.stdout) == (status, bool(status))


def steps_of_gitlab():
    job = yaml.safe_load((CI / "gitlab.yml").read_text("utf-8"))["conformance"]
    return "\n".join(job["before_script"] + job["script"]), job["variables"]


def steps_of_azure():
    document = yaml.safe_load((CI / "azure-pipelines.yml").read_text("utf-8"))
    scripts = [step for step in document["steps"] if "bash" in step]
    variables = {name: value for step in scripts for name, value in step.get("env", {}).items()}
    return "\n".join(step["bash"] for step in scripts), variables


def steps_of_jenkins():
    text = (CI / "Jenkinsfile").read_text("utf-8")
    return "\n".join(re.findall(r"sh '''(.*?)'''", text, re.DOTALL)), dict(re.findall(r"(TRIGGER\w+) = '(.*)'", text))


GATES = {"gitlab": steps_of_gitlab, "azure": steps_of_azure, "jenkins": steps_of_jenkins}


@pytest.mark.long
@pytest.mark.parametrize("gate", GATES)
def test_a_gate_installs_runs_and_ends_as_the_run_does(gate, wheel, packages, tmp_path):
    script, variables = GATES[gate]()
    if "venv" not in script:
        # The job's Python is what the suite is installed into.
        subprocess.run([sys.executable, "-m", "venv", tmp_path / "python"], check=True)
    with reference("run_count.accepts_zero") as server:
        key = server.settings.api_key
        own = {
            "SUITE": str(wheel), "STAGING_KEY": key, "TRIGGER_CONFORMANCE_BASE_URL": server.base_url,
            "TRIGGER_CONFORMANCE_API_KEY": key, "PATH": f"{tmp_path / 'python/bin'}:{os.environ['PATH']}",
        }  # fmt: skip
        ran = shell(script, tmp_path, **{**variables, **own, **packages})
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert (tmp_path / "conformance/junit.xml").exists()
    assert (tmp_path / "conformance/report.html").exists()
    if gate == "gitlab":
        issues = json.loads((tmp_path / "gl-code-quality-report.json").read_text("utf-8"))
        assert {"description", "check_name", "fingerprint", "severity", "location"} <= set(issues[0])
        assert "major" in {issue["severity"] for issue in issues}
    if gate == "azure":
        assert re.search(r"^##vso\[task\.logissue type=error\]violated: ", ran.stdout, re.MULTILINE)
        assert f"##vso[task.uploadsummary]{tmp_path}/conformance/summary.md" in ran.stdout


@pytest.mark.long
def test_the_kubernetes_job_runs_its_own_part(command, installed, tmp_path):
    document = yaml.safe_load((CI / "kubernetes.yaml").read_text("utf-8"))
    container = document["spec"]["template"]["spec"]["containers"][0]
    variables = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    parts = document["spec"]["completions"]
    with reference() as server:
        own = {
            "TRIGGER_CONFORMANCE_BASE_URL": server.base_url, "REPORTS": str(tmp_path), **keys(server),
            "PATH": f"{installed.parent}:{os.environ['PATH']}", "TRIGGER_CONFORMANCE_PROFILE": "smoke",
            "TRIGGER_CONFORMANCE_EXAMPLE_DATABASE": "",
        }  # fmt: skip
        for index in range(parts):
            line = [*container["command"], *container["args"]]
            told = environment(**{**variables, **own, "JOB_COMPLETION_INDEX": str(index)})
            assert subprocess.run(line, env=told, cwd=tmp_path, check=False).returncode == 0
    merged = command("merge", *(str(tmp_path / str(number + 1)) for number in range(parts)))
    assert (merged.status, "CONFORMANT" in merged.output) == (0, True)


@pytest.fixture(scope="module")
def results():
    evidence = [{"curl": "curl -sS 'https://x' # 100%"}]

    def entry(verdict, name, message, evidence=()):
        return {"id": f"create_batch.{name}", "verdict": verdict, "level": "MUST", "statement": "it holds",
                "message": message, "evidence": list(evidence)}  # fmt: skip

    return {
        "verdict": "non-conformant",
        "halted": None,
        "contract": {"title": "An API"},
        "wrong_waivers": ["waivers.toml:3: x is no longer violated: remove its waiver"],
        "requirements": [
            entry("violated", "a.one", "first\r\n::error::injected\n##vso[task.complete result=Succeeded]", evidence),
            entry("warned", "a.two", "second"),
            entry("inconclusive", "a.three", "third"),
            entry("passed", "a.four", ""),
        ],
    }


def test_annotations_of_github_are_one_command_a_finding(results):
    lines = github(results).splitlines()
    assert [line.partition(" ")[0] for line in lines] == ["::error", "::error", "::warning", "::warning"]
    assert lines[1].startswith(
        "::error title=violated%3A create_batch.a.one::it holds%0Afirst\\r%0A\\::error::injected"
    )
    assert lines[1].endswith("curl -sS 'https://x' # 100%25")


def test_annotations_of_azure_are_one_command_a_finding(results):
    lines = azure(results).splitlines()
    assert len(lines) == 4
    assert lines[1].startswith("##vso[task.logissue type=error]violated: create_batch.a.one: it holds%0Afirst\\r%0A")


def test_annotations_of_gitlab_are_recognised_again(results):
    issues = json.loads(gitlab(results))
    assert [issue["severity"] for issue in issues] == ["major", "major", "minor", "minor"]
    assert len({issue["fingerprint"] for issue in issues}) == 4
    assert issues == json.loads(gitlab(results))


def test_a_run_that_could_not_begin_is_annotated_too(results):
    halted = {**results, "halted": "the target refused the key", "verdict": "inconclusive", "wrong_waivers": []}
    assert github(halted) == "::error title=conformance%3A inconclusive::the target refused the key\n"
