"""Campaigns: what one machine finds, the others try first."""

import json
import multiprocessing
import os
import re
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager

import pytest
from hypothesis.database import InMemoryExampleDatabase

from selftest.conftest import keys
from trigger_conformance.checks.generation import Enough, Generator
from trigger_conformance.checks.operation import operations
from trigger_conformance.contract.contract import Expected
from trigger_conformance.options.target import Target, UsageError
from trigger_conformance.reference.app import ReferenceApp
from trigger_conformance.reference.create_batch.server import CreateBatchServer
from trigger_conformance.reference.listening import listen
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.settings import Settings
from trigger_conformance.runs.examples import Examples, check

VALID = "--only=fuzzing.generated_valid_requests_are_accepted"
BOUNDS = ("--profile=soak", "--max-requests=8000", "--max-seconds=120", VALID)


class RarelyWrong(CreateBatchServer):
    """Rejects what few bodies are: resuming a parent, four runs, and three properties of others."""

    def validate(self, document):
        order = super().validate(document)
        others = set(document) - {"runCount", "idempotencyKey", "resumeParentOnCompletion"}
        if order.run_count == 4 and document.get("resumeParentOnCompletion") is True and len(others) > 2:
            raise Problem(400, "too many cooks")
        return order


class Noting(CreateBatchServer):
    """Notes each body that it takes, in a file."""

    def validate(self, document):
        order = super().validate(document)
        with open(self.notes, "a") as notes:
            notes.write(json.dumps(document) + "\n")
        return order


class FallsOver(RarelyWrong):
    """Ends itself where the other one rejects."""

    def validate(self, document):
        try:
            return super().validate(document)
        except Problem as problem:
            if problem.message == "too many cooks":
                os._exit(1)
            raise


class Running:
    """What ``selftest.conftest.keys`` and a run need to know of a server."""

    def __init__(self, base_url, settings):
        self.base_url = base_url
        self.settings = settings


@contextmanager
def serving(server_class):
    settings = Settings(request_limit=(100_000, 10_000.0), run_limit=(1_000_000, 100_000.0))
    listener = listen()
    server = type("App", (ReferenceApp,), {"operations": {"create_batch": server_class}})(settings)
    process = multiprocessing.get_context("fork").Process(target=server.run, args=(listener,))
    process.start()
    listener_port = listener.getsockname()[1]
    listener.close()
    try:
        yield Running(server.base_url(listener_port), settings)
    finally:
        process.terminate()
        process.join()


@pytest.fixture(scope="module")
def redis():
    """The URL of a Redis server of this test's own."""
    if not shutil.which("redis-server"):
        pytest.skip("needs redis-server")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    line = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--requirepass", "redis-password"]  # fmt: skip
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    url = f"redis://:redis-password@127.0.0.1:{port}/0"
    until = time.monotonic() + 10
    while True:
        try:
            check(url)
            break
        except UsageError:
            assert time.monotonic() < until
            time.sleep(0.05)
    yield url
    process.terminate()
    process.wait()


def soak(command, server, *options):
    ran = command("run", f"--base-url={server.base_url}", *BOUNDS, *options, **keys(server))
    return ran, next(each for each in ran.results["requirements"] if VALID.endswith(each["id"].partition(".")[2]))


def test_what_one_part_finds_another_replays_at_once(command, redis):
    place = f"--example-database={redis}"
    with serving(RarelyWrong) as server:
        ran, alone = soak(command, server, "--shard=2/2")
        first, found = soak(command, server, "--shard=1/2", place)
        second, replayed = soak(command, server, "--shard=2/2", place)
    assert (first.status, second.status) == (1, 1)
    assert (found["verdict"], replayed["verdict"]) == ("violated", "violated")
    assert found["requests"] > 100, "nothing was known: it had to be looked for"
    assert alone["requests"] > 100 or ran.status == 0, "without the database the other part has to look for it too"
    numbers = [each["number"] for each in second.results["timeline"] if each["status"] == 400]
    assert numbers[0] <= 3, "the preflight, and then what the other part found"
    shown = replayed["evidence"][0]["request"]["body"]["text"]
    assert '"runCount": 4' in shown
    assert len(shown) < 200, "the smallest body that shows it"
    for run in (first, second):
        assert all(b"redis-password" not in content for content in run.files().values())


def test_examples_are_kept_in_a_folder_too(command, tmp_path):
    place = f"--example-database={tmp_path / 'examples'}"
    with serving(RarelyWrong) as server:
        _, found = soak(command, server, place)
        _, replayed = soak(command, server, place, "--seed=2")
    assert (found["verdict"], replayed["verdict"]) == ("violated", "violated")
    assert replayed["requests"] < found["requests"] / 2


def test_a_server_that_falls_over_is_not_searched_any_further(command):
    with serving(FallsOver) as server:
        ran, found = soak(command, server)
    assert found["verdict"] == "inconclusive"
    assert "stopped answering" in found["message"]
    assert ran.status == 6
    assert '"runCount": 4' in found["evidence"][0]["request"]["body"]["text"]


def test_a_campaign_on_a_sound_server_ends_with_its_budget(command):
    with serving(CreateBatchServer) as server:
        ran = command(
            "run", f"--base-url={server.base_url}", "--profile=soak", "--only=fuzzing", "--max-requests=1500",
            "--max-seconds=90", **keys(server),
        )  # fmt: skip
    verdicts = {each["id"]: each["verdict"] for each in ran.results["requirements"]}
    campaigns = [each["notes"] for each in ran.results["requirements"] if "campaign" in " ".join(each["notes"])]
    assert len(campaigns) == 2
    assert "violated" not in verdicts.values()
    assert ran.results["requests"] <= 1500
    assert ran.results["requests"] - evidence(ran) > 500, "what is not shown is not kept"


def test_a_campaign_asks_for_nothing_twice(command, tmp_path):
    with serving(type("NotingHere", (Noting,), {"notes": tmp_path / "notes"})) as server:
        _, found = soak(command, server, "--max-requests=400")
    campaign = int(next(each for each in found["notes"] if "campaign" in each).split()[0])
    # Keys differ by a number of their own, and nothing else has one that is so long.
    asked = [re.sub(r"conformance-\w+-\w+-\d+", "", line) for line in (tmp_path / "notes").read_text().splitlines()]
    assert campaign > 100
    assert len(set(asked)) >= campaign


def evidence(ran):
    return len(json.loads((ran.folder / "evidence.har").read_text("utf-8"))["log"]["entries"])


@pytest.fixture
def generator():
    class Wire:
        check = "create_batch.selftest"

    target = Target(base_url="http://127.0.0.1", api_key="key")
    return Generator(operations()["create_batch"].client(target, Wire()))


def bodies(generator, number, count=40):
    seen = []

    def check(generated):
        if len(seen) == count:
            raise Enough
        seen.append(generated.case.body)

    generator.explore(Expected.ACCEPTED, check, number, None)
    return list(map(repr, seen))


def test_parts_generate_different_cases_and_a_seed_the_same(generator):
    assert bodies(generator, 1) == bodies(generator, 1)
    assert len(set(bodies(generator, 1)) & set(bodies(generator, 2))) < 20


def test_an_error_that_ends_a_campaign_is_raised(generator):
    def check(_):
        raise Enough(LookupError("over"))

    with pytest.raises(LookupError, match="over"):
        generator.explore(Expected.REJECTED, check, 1, None)


def test_what_is_seen_only_once_is_found_all_the_same(generator):
    seen = []

    def check(generated):
        seen.append(generated)
        if len(seen) == 7:
            raise ValueError("seen once")
        if len(seen) > 500:
            raise Enough

    with pytest.raises(ValueError, match="seen once"):
        generator.explore(Expected.ACCEPTED, check, 1, None)


@pytest.mark.parametrize("ended", [Enough(), Enough(LookupError("the budget is spent"))])
def test_what_was_found_stands_where_the_budget_ends_while_it_is_made_smaller(generator, ended):
    seen = []

    def check(generated):
        seen.append(generated)
        if len(seen) > 12:
            raise ended
        if len(seen) > 7:
            raise ValueError("found")

    with pytest.raises(ValueError, match="found"):
        generator.explore(Expected.ACCEPTED, check, 1, None)


def test_the_first_of_two_defects_is_raised_alone(generator):
    seen = []

    def check(generated):
        seen.append(generated)
        if len(seen) > 7 and len(generated.body) % 5 == 0:
            raise KeyError("found")
        if len(seen) > 7 and len(generated.body) % 2:
            raise ValueError("found")

    with pytest.raises((KeyError, ValueError)):
        generator.explore(Expected.ACCEPTED, check, 1, None)


def test_a_database_that_fails_costs_no_verdict():
    class Broken(InMemoryExampleDatabase):
        def fetch(self, _):
            raise OSError("gone")

        def save(self, *_):
            raise OSError("gone")

        delete = save

    examples = Examples(Broken(), "name ")
    assert list(examples.fetch(b"key")) == []
    examples.save(b"key", b"value")
    examples.delete(b"key", b"value")
    assert examples.failure == "OSError: gone"


def test_examples_have_names_of_their_own():
    inner = InMemoryExampleDatabase()
    Examples(inner, "one ").save(b"key", b"value")
    assert list(Examples(inner, "one ").fetch(b"key")) == [b"value"]
    assert list(Examples(inner, "two ").fetch(b"key")) == []


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("redis://127.0.0.1:9/0", "--example-database: Redis cannot be used"),
        ("https://example.com", "--example-database: https:// is no Redis URL"),
        ("/proc/no/such", "--example-database /proc/no/such: "),
    ],
)
def test_a_place_that_cannot_be_used_is_told_before_the_run(command, place, said):
    ran = command("run", "--profile=soak", f"--example-database={place}")
    assert (ran.status, said in ran.output + ran.errors) == (4, True)


@pytest.mark.parametrize(
    "place",
    ["redis://:s3cr/et@127.0.0.1:9", "rediss://u:s3cr?et@127.0.0.1:9", "redis://:s3cr#et@127.0.0.1:9",
     "redis://:12/s3cr@127.0.0.1:9", "redis://:s3cr[et@127.0.0.1:9", "redis://u:et@127.0.0.1:s3cr"],
)  # fmt: skip
def test_no_piece_of_a_password_is_told(place):
    with pytest.raises(UsageError, match="this URL cannot be read") as raised:
        check(place)
    assert not re.search("s3cr|et@|12", str(raised.value))


def test_a_folder_whose_name_no_file_system_takes_is_a_usage_error():
    with pytest.raises(UsageError, match="--example-database "):
        check("a\0b")


def test_only_campaigns_keep_examples(command):
    ran = command("run", "--example-database=here")
    assert (ran.status, "give --profile soak" in ran.errors) == (4, True)


def test_a_campaign_is_not_attested(command):
    ran = command("run", "--profile=soak", "--only=run_count.one_is_accepted")
    assert ran.status == 0
    refused = command("attest", str(ran.folder))
    assert (refused.status, "a campaign goes where its findings lead" in refused.errors) == (4, True)
