"""What a run made is gone however it ends, ``clean`` finds what a killed one left; what was there before stays."""

import json
import random
import re
import signal
import sys
import time
import urllib.request
from dataclasses import dataclass
from urllib.parse import unquote

import pytest

from selftest.conftest import call, keys, ran, reference
from selftest.runs.test_interruption import started

PROGRAM = "trigger_conformance.cli"
FIRST, SECOND = "TRIGGER_API_KEY", "TRIGGER_CONFORMANCE_SECOND_API_KEY"
PLACE = ("--project=proj_conformance", "--environment=dev", "--second-environment=prod")
SHOWN = 150
# Seconds after the first thing was there.
MOMENTS = [(random.Random(number).random() * 2, (signal.SIGINT, signal.SIGTERM)[number % 2]) for number in range(5)]
# Names that a run's might be taken for, and such as careless servers keep in the place of what is no name.
OWNERS_OWN = {
    "DATABASE_URL": "postgres://user:hunter2-hunter2@host/db",
    "CONFORMANCE_MODE": "the owner's own value",
    "CONFORMANCE_DEADBEEF": "no run's: nothing follows",
    "CONFORMANCE_deadbeef_1": "no run's: in lower case",
    "MY_CONFORMANCE_0123ABCD_1": "no run's: it does not begin so",
    "null": "the owner's word", "[object Object]": "the owner's thing",
}  # fmt: skip


NAMED = re.compile(r'"name"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]*)')


@dataclass
class Owner:
    """Whoever uses the target beside a run: makes what is ``before``, and lists what there is."""

    operation: str
    server: object
    before: tuple = ()

    def list(self, key=FIRST):
        """Everything that the target has for a credential."""
        if self.operation == "create_schedule":
            return [each["id"] for each in self.ask("/api/v1/schedules?page=1&perPage=100", key)["data"]]
        return [tuple(each.values()) for each in self.ask(self._place(key), key)]

    def make(self, variables):
        """What no run may touch, in both environments."""
        self.before = tuple(variables.items())
        for name, value in self.before:
            for key in (FIRST, SECOND):
                self.ask(self._place(key), key, json.dumps({"name": name, "value": value}).encode())

    def has_only_its_own(self):
        return tuple(self.list()) == tuple(self.list(SECOND)) == self.before

    def _place(self, key):
        settings = self.server.settings
        env = settings.environment if key == FIRST else settings.second_environment
        return f"/api/v1/projects/{settings.project}/envvars/{env}"

    def ask(self, path, key, body=None):
        headers = {"Authorization": f"Bearer {keys(self.server)[key]}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.server.base_url}{path}", body, headers)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)


@pytest.fixture(scope="module", params=["create_schedule", "create_environment_variable"])
def owner(request):
    with reference() as server:
        owner = Owner(request.param, server)
        owner.make(OWNERS_OWN if owner.operation == "create_environment_variable" else {})
        yield owner


def running(owner, folder):
    server = owner.server
    return started(folder, (PROGRAM, "run"), f"--base-url={server.base_url}", *server.run_options,
                   f"--only={owner.operation}", **keys(server))  # fmt: skip


def until_something_is_there(owner):
    end = time.monotonic() + 60
    while len(owner.list()) == len(owner.before):
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize(("delay", "sent"), MOMENTS)
def test_an_interrupted_run_leaves_nothing(owner, delay, sent, tmp_path):
    with running(owner, tmp_path) as process:
        until_something_is_there(owner)
        time.sleep(delay)
        process.send_signal(sent)
        output, errors = process.communicate(timeout=60)
        ended = ran(process, tmp_path / "report", output, errors)
    assert owner.has_only_its_own(), errors
    assert ended.results["left_behind"] == []


def test_what_a_killed_run_leaves_is_found_and_removed(owner, tmp_path):
    def clean(*more):
        line = ("clean", f"--base-url={owner.server.base_url}", *PLACE, *more)
        return call(sys.executable, "-m", PROGRAM, *line, folder=tmp_path, **keys(owner.server))

    with running(owner, tmp_path) as process:
        until_something_is_there(owner)
        time.sleep(0.5)
        process.kill()
        process.wait(60)
    left = [each if isinstance(each, str) else each[0] for each in owner.list() if each not in owner.before]
    found = [each["id"] for each in json.loads(clean("--json").output)["found"]]
    # The longest names are shown cut off, and two of them may look alike.
    assert len(found) >= len({each[:SHOWN] for each in left}) > 0
    assert not {*found} & {name for name, _ in owner.before}
    assert clean("--yes").status == 0
    assert owner.has_only_its_own()


def asked_for(evidence):
    """The names of every request of a run that could make, change or remove a variable, as JSON."""
    for each in evidence["log"]["entries"]:
        request = each["request"]
        if request["method"] not in ("GET", "HEAD"):
            _, _, name = unquote(request["url"]).rpartition("/envvars/")[2].partition("/")
            yield from [json.dumps(name)] if name else []
            yield from NAMED.findall(request.get("postData", {}).get("text", ""))


def test_a_run_makes_and_removes_only_what_is_called_after_it(command):
    only = "--only=create_environment_variable"
    with reference() as server:
        whole = command("run", f"--base-url={server.base_url}", *server.run_options, only, **keys(server))
    names = {*asked_for(json.loads((whole.folder / "evidence.har").read_text("utf-8")))}
    run_id = whole.results["run_id"].upper()
    others = {each for each in names if run_id not in each.upper()}
    # No server can take these for a name, and one that makes a text of them hits nobody's.
    assert others <= {'""', "1", "false", "null", "{}", "[]"}
    assert len(names - others) > 80


def test_what_a_wrong_path_has_made_is_removed_where_it_was_made(command):
    only = "--only=create_environment_variable.whose_it_is.unknown_project_is_refused"
    with reference("whose_it_is.makes_projects_that_there_are_not") as server:
        whole = command("run", f"--base-url={server.base_url}", *server.run_options, only, **keys(server))
        evidence = json.loads((whole.folder / "evidence.har").read_text("utf-8"))["log"]["entries"]
        made = [each["request"]["url"] for each in evidence
                if each["request"]["method"] == "POST" and each["response"]["status"] == 200]  # fmt: skip
        wrong = {each.removeprefix(server.base_url) for each in made if "/proj_conformance/" not in each}
        owner = Owner("create_environment_variable", server)
        assert wrong
        assert [owner.ask(each, FIRST) for each in wrong] == [[]] * len(wrong)


def test_a_target_that_removes_all_on_one_request_loses_nothing_of_its_owners(command):
    with reference("variants.the_collection_is_replaced_and_removed") as server:
        owner = Owner("create_environment_variable", server)
        owner.make(OWNERS_OWN)
        line = (f"--base-url={server.base_url}", *server.run_options, "--only=create_environment_variable")
        assert command("run", *line, **keys(server)).results["verdict"] == "conformant"
        assert owner.has_only_its_own()
