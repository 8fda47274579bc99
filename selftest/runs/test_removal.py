"""What a run makes is removed at its end, however it ends; what is left is told, and ``clean`` removes it."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import astuple
from datetime import date

import jsonschema_rs
import pytest

from selftest.canned import answer, canned
from selftest.conftest import call, environment, ran
from selftest.runs.test_interruption import started
from trigger_conformance.checks import operation
from trigger_conformance.checks.catalogue import Selection
from trigger_conformance.checks.operation import CHECKS
from trigger_conformance.checks.requirement import Profile
from trigger_conformance.contract.home import ROOT
from trigger_conformance.options.target import Target
from trigger_conformance.report.results import SCHEMA, LeftBehind
from trigger_conformance.runs.removal import remove_made
from trigger_conformance.runs.station import Shared, Station
from trigger_conformance.wire.budget import Budget

OWN = ROOT / "selftest" / "own"
PROGRAM = (sys.executable, "-m", "trigger_conformance.cli")
FIRST, SECOND = "tr_dev_first_key_0123456789", "tr_prod_second_key_0123456789"
KEYS = {CHECKS: str(OWN), "TRIGGER_API_KEY": FIRST, "TRIGGER_CONFORMANCE_SECOND_API_KEY": SECOND}
RUN = "1f0a9b3c"
FEW = "--only=create_note.answers"
THEIRS = {"theirs_1": "a note of theirs", "theirs_2": "conformance-nightly", "theirs_3": "conformance-00000000"}


class Notes:
    """A target that has notes: sound, but for what a test replaces. ``asked`` are its requests' methods and paths."""

    def __init__(self):
        self.of = {FIRST: dict(THEIRS), SECOND: {}}
        self.asked = []
        self.lock = threading.Lock()
        self.numbers = iter(range(1, 1 << 30))

    def __call__(self, received, *_):
        head = received.decode("latin-1")
        method, path = head.split(" ", 2)[:2]
        bearer = re.search(r"(?i)\r\nauthorization: bearer (\S+)\r\n", head)
        length = re.search(r"(?i)\r\ncontent-length: (\d+)\r\n", head)
        body = received[-int(length[1]) :] if length and int(length[1]) else b""
        with self.lock:
            self.asked.append((method, path))
            self.arrived(len(self.asked))
            notes = self.of.get(bearer[1]) if bearer else None
            if notes is None:
                return answer("401 Unauthorized", b'{"message":"no key"}', 'WWW-Authenticate: Bearer realm="x"')
            return {"POST": self.create, "GET": self.list, "DELETE": self.delete}[method](notes, path, body)

    def arrived(self, count):
        """Another request has come."""

    def create(self, notes, _, body):
        try:
            name = json.loads(body)["name"]
            assert isinstance(name, str)
        except (ValueError, LookupError, TypeError, AssertionError):
            return answer("400 Bad Request", b'{"message":"no name"}')
        known = next((each for each, known in notes.items() if known == name), None)
        identity = known or self.identity(next(self.numbers))
        notes[identity] = name
        return self.made({"id": identity, "name": name, "isNew": known is None})

    def identity(self, number):
        return f"note_{number}"

    def made(self, note):
        return answer("201 Created", json.dumps(note).encode())

    def list(self, notes, *_):
        return answer("200 OK", json.dumps([{"id": each, "name": name} for each, name in notes.items()]).encode())

    def delete(self, notes, path, _):
        gone = notes.pop(path.rpartition("/")[2], None)
        return answer("404 Not Found", b'{"message":"no note"}') if gone is None else answer("204 No Content")

    @property
    def ours(self):
        return [name for notes in self.of.values() for each, name in notes.items() if each not in THEIRS]

    @property
    def deleted(self):
        return [path.rpartition("/")[2] for method, path in self.asked if method == "DELETE"]


@contextmanager
def on(notes):
    with canned(notes) as base_url:
        yield f"--base-url={base_url}"


def run(folder, *options, **variables):
    report = folder / "report"
    line = (*PROGRAM, "run", f"--report-dir={report}", *options)
    ended = subprocess.run(line, cwd=folder, env=environment(**KEYS, **variables), capture_output=True, text=True,
                           timeout=120, check=False)  # fmt: skip
    return ran(ended, report, ended.stdout, ended.stderr)


def clean(folder, *options):
    return call(*PROGRAM, "clean", *options, folder=folder, **KEYS)


def reasons(ended):
    return {each["reason"] for each in ended.results["left_behind"]}


def theirs_are_there(notes):
    return {each: name for each, name in notes.of[FIRST].items() if each in THEIRS} == THEIRS


def is_documented(results):
    jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8"))).validate(results)


@pytest.mark.parametrize("options", [(), ("--workers=2",)], ids=["one process", "workers"])
def test_a_run_removes_what_it_made_with_either_credential(options, tmp_path):
    notes = Notes()
    with on(notes) as place:
        ended = run(tmp_path, place, FEW, "--only=create_note.authentication", *options)
    (operation,) = ended.results["operations"]
    assert (notes.ours, ended.results["left_behind"]) == ([], []), ended.output
    assert theirs_are_there(notes)
    assert operation["removed"] == operation["made"] > 15
    assert 0 < ended.results["removal_requests"] < 2 * operation["made"] + 10
    assert f"({ended.results['removal_requests']} of them to remove what was made)" in ended.output
    assert sum(ended.results["statuses"].values()) == ended.results["requests"] - ended.results["removal_requests"]
    assert not any(THEIRS.keys() & set(notes.deleted))
    is_documented(ended.results)


class Interrupted(Notes):
    """Sends a signal to the run when so many requests have come."""

    def __init__(self, after):
        super().__init__()
        self.after, self.process, self.sent = after, None, None

    def arrived(self, count):
        if count == self.after:
            self.process.send_signal(self.sent)


# The very first request, too, is answered, though nobody reads it.
MOMENTS = [(1, signal.SIGINT), (9, signal.SIGTERM), (37, signal.SIGINT), (83, signal.SIGTERM), (160, signal.SIGINT)]


@pytest.mark.parametrize(("after", "sent"), MOMENTS)
def test_an_interrupted_run_leaves_nothing(after, sent, tmp_path):
    notes = Interrupted(after)
    notes.sent = sent
    with on(notes) as place, started(tmp_path, (*PROGRAM[2:], "run"), place, "--only=create_note", **KEYS) as process:
        notes.process = process
        output, errors = process.communicate(timeout=60)
        ended = ran(process, tmp_path / "report", output, errors)
    assert ended.status == 2, errors
    assert errors == f"interrupted: what was decided until then is in {ended.folder}\n"
    assert (notes.ours, ended.results["left_behind"]) == ([], [])
    assert theirs_are_there(notes)


class Slow(Notes):
    """Takes its time to remove: a second signal comes meanwhile."""

    def __init__(self):
        super().__init__()
        self.removing = threading.Event()

    def delete(self, notes, path, body):
        self.removing.set()
        time.sleep(0.4)
        return super().delete(notes, path, body)


def test_a_second_interruption_ends_the_removal_and_says_how_to_go_on(tmp_path):
    notes = Slow()
    with on(notes) as place:
        with started(tmp_path, (*PROGRAM[2:], "run"), place, FEW, "--seed=7", **KEYS) as process:
            assert notes.removing.wait(60)
            process.send_signal(signal.SIGINT)
            time.sleep(0.6)
            process.send_signal(signal.SIGINT)
            sent = time.monotonic()
            output, errors = process.communicate(timeout=60)
            assert time.monotonic() - sent < 3
        ended = ran(process, tmp_path / "report", output, errors)
        assert ended.status == 2, errors
        assert reasons(ended) == {"the run was interrupted once more"}
        first, second = errors.splitlines()
        assert first.startswith("interrupted: ")
        command = second.partition(": ")[2]
        assert command.startswith(f"trigger-conformance clean {place.replace('=', ' ')} --run-id ")
        notes.delete = super(Slow, notes).delete
        assert clean(tmp_path, *command.removesuffix("--checks own --yes").split()[2:], "--yes").status == 0
    assert notes.ours == []
    assert theirs_are_there(notes)


def test_what_a_killed_run_leaves_is_found_and_removed_by_clean(tmp_path):
    notes = Interrupted(120)
    notes.sent = signal.SIGKILL
    with on(notes) as place:
        with started(tmp_path, (*PROGRAM[2:], "run"), place, "--only=create_note", **KEYS) as process:
            notes.process = process
            process.wait(60)
        left = sorted(notes.ours)
        shown = clean(tmp_path, place)
        assert (shown.status, len(left) > 5, sorted(notes.ours)) == (1, True, left)
        assert sorted(line.split("  ")[2] for line in shown.output.splitlines()[:-1]) == left
        assert "add --yes" in shown.output
        told = json.loads(clean(tmp_path, place, "--json").output)
        assert sorted(each["name"] for each in told["found"]) == left
        other = clean(tmp_path, place, "--run-id=00000000", "--yes")
        assert (other.status, sorted(notes.ours)) == (0, left)
        removed = clean(tmp_path, place, "--yes")
        assert (removed.status, notes.ours) == (0, []), removed.output + removed.errors
        assert clean(tmp_path, place).output == f"nothing is left on {place.partition('=')[2]}\n"
    assert theirs_are_there(notes)


def test_clean_says_what_it_cannot_do(tmp_path):
    for options, status, said in [
        ((), 4, "give --base-url or --target"),
        (("--base-url=http://127.0.0.1:9", "--run-id=../x"), 4, "--run-id ../x"),
        (("--base-url=http://127.0.0.1:9",), 6, "could not be seen: create_note: unreachable"),
    ]:
        ended = clean(tmp_path, *options)
        assert ended.status == status
        assert said in ended.output + ended.errors


def test_parts_of_a_run_remove_what_each_made_and_are_merged(tmp_path):
    notes = Notes()
    notes.refused = iter(["note_1"])
    with on(notes) as place:
        for number in (1, 2):
            (tmp_path / str(number)).mkdir()
            run(tmp_path / str(number), place, FEW, f"--shard={number}/2")
    assert notes.ours == []
    parts = [tmp_path / str(number) / "report" for number in (1, 2)]
    for number, part in enumerate(parts):
        document = json.loads((part / "results.json").read_text("utf-8"))
        document["left_behind"] = [{"operation": "create_note", "id": f"note_{number}", "name": "n", "reason": "r"}]
        (part / "results.json").write_text(json.dumps(document), "utf-8")
    merged = call(*PROGRAM, "merge", *parts, f"--report-dir={tmp_path / 'all'}", folder=tmp_path, **KEYS)
    merged = json.loads((merged.folder / "all" / "results.json").read_text("utf-8"))
    assert [each["id"] for each in merged["left_behind"]] == ["note_0", "note_1"]
    assert merged["removal_requests"] > merged["operations"][0]["removed"] > 3
    assert "--run-id" in (tmp_path / "all" / "summary.md").read_text("utf-8")
    is_documented(merged)


class Refusing(Notes):
    """Removes nothing."""

    def delete(self, *_):
        return answer("403 Forbidden", b'{"message":"no"}')


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """A run on a target that removes nothing, and what is left there."""
    folder, notes = tmp_path_factory.mktemp("refused"), Refusing()
    with on(notes) as place:
        return run(folder, place, FEW), notes


def test_what_a_target_refuses_to_remove_is_told_and_the_verdict_stands(refused):
    ended, notes = refused
    assert (ended.status, ended.results["verdict"]) == (0, "conformant"), ended.output
    assert sorted(each["name"] for each in ended.results["left_behind"]) == sorted(notes.ours) != []
    assert reasons(ended) == {"its removal was answered 403 Forbidden"}
    assert notes.deleted
    assert len(set(notes.deleted)) == len(notes.deleted)
    is_documented(ended.results)
    command = f"trigger-conformance clean --base-url {ended.results['target']['base_url']} --run-id"
    assert command in ended.output
    for name in ("report.html", "summary.md"):
        text = (ended.folder / name).read_text("utf-8")
        assert command in text
        assert "left behind" in text


def test_reports_of_older_results_are_rendered_all_the_same(refused, tmp_path):
    document = {**refused[0].results, "schema_version": "1.3"}
    document["operations"] = [{**each, "removed": 0} for each in document["operations"]]
    for name in ("left_behind", "removal_requests"):
        del document[name]
    (tmp_path / "results.json").write_text(json.dumps(document), "utf-8")
    for name in ("terminal", "html", "md"):
        shown = call(*PROGRAM, "report", "results.json", "--format", name, folder=tmp_path, **KEYS)
        assert (shown.status, "left behind" in shown.output) == (0, False), shown.errors


def test_an_attested_run_is_verified_with_its_removal(refused, tmp_path):
    ended, _ = refused
    assert call(*PROGRAM, "attest", ended.folder, folder=tmp_path, **KEYS).status == 0
    verified = call(*PROGRAM, "verify", ended.folder / "attestation.zip", folder=tmp_path, **KEYS)
    assert verified.status == 0, verified.output + verified.errors


class Hostile(Notes):
    """Says ids that would do harm, where they were believed."""

    def __init__(self, identity=None, made=None, listed=None):
        super().__init__()
        self._identity, self._made, self._listed = identity, made, listed

    def identity(self, number):
        return self._identity(number) if self._identity else super().identity(number)

    def made(self, note):
        return super().made({**note, **self._made} if self._made else note)

    def list(self, notes, *rest):
        return self._listed(notes) if self._listed else super().list(notes, *rest)

    def delete(self, notes, path, body):
        # As sloppy as a server can be.
        identity = os.path.normpath(path).rpartition("/")[2]
        return super().delete(notes, f"/{identity}", body)


def no_list(_):
    return answer("500 Internal Server Error", b"{}")


def for_ever(notes):
    pad = [{"id": f"x{number}", "name": "y" * 90} for number in range(100_000)]
    return answer("200 OK", json.dumps([*pad, *({"id": each, "name": name} for each, name in notes.items())]).encode())


@pytest.fixture
def known(monkeypatch):
    """The made-up operation, in this process too."""
    monkeypatch.setenv(CHECKS, str(OWN))
    monkeypatch.setattr(operation, "_declared", operation._declared.__wrapped__)  # noqa: SLF001


def removal(folder, place, interrupted_in=""):
    """What becomes of three notes that a run made, the book of which was interrupted in a statement of SQL."""
    target = Target(base_url=place.partition("=")[2], api_key=FIRST, second_api_key=SECOND, run_id=RUN, timeout=1)
    shared = Shared(
        target=target, budget=Budget(100, 100, 100), ledger=folder / "book", report_dir=folder, strict=False,
        selection=Selection((), None, Profile.STANDARD), waivers=(), today=date.today(),
    )  # fmt: skip
    station = Station(shared, create=True)
    client = station.begin("create_note.any")
    client.send_all([client.valid() for _ in range(3)])
    try:
        station.ledger._database.executescript(interrupted_in)  # noqa: SLF001
        return remove_made(station)
    finally:
        station.close()


UNPLAIN = "no plain segment"
# What a target says, and why which of its things stay.
HARM = {
    "ids that lead elsewhere": (Hostile(identity=lambda number: f"{number}/../theirs_1"), UNPLAIN),
    "ids with control characters": (Hostile(identity=lambda number: f"{number}\r\nX: y"), UNPLAIN),
    "ids in percent signs": (Hostile(identity=lambda number: f"%2e%2e%2f{number}"), UNPLAIN),
    "ids of 100 KB": (Hostile(identity=lambda number: f"{number}" + "9" * 100_000), UNPLAIN),
    "somebody else's id": (Hostile(made={"id": "theirs_1"}), "lists it as"),
    "somebody else's id and name": (Hostile(made={"id": "theirs_1", "name": THEIRS["theirs_1"]}), "somebody else's"),
    "somebody else's id and name, without a list": (
        Hostile(made={"id": "theirs_2", "name": THEIRS["theirs_2"]}, listed=no_list), "somebody else's",
    ),
    "no list": (Hostile(listed=no_list), ""),
    "a list that is too long": (Hostile(listed=for_ever), ""),
    "a list of nonsense": (Hostile(listed=lambda _: answer("200 OK", b'[{"id": {}, "name": 7}, 3, null]')), ""),
    "no list that ends": (Hostile(listed=lambda _: b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n["), ""),
}  # fmt: skip


@pytest.mark.usefixtures("known")
@pytest.mark.parametrize(("notes", "why"), HARM.values(), ids=HARM)
def test_nothing_that_a_target_says_makes_a_run_harm_it(notes, why, tmp_path):
    with on(notes) as place:
        found = removal(tmp_path, place)
    assert theirs_are_there(notes)
    assert not any(THEIRS.keys() & set(notes.deleted))
    left = {each.reason for each in found.left}
    assert [reason for reason in left if not why or why not in reason] == []
    assert bool(left) == bool(why)
    assert why or notes.ours == []
    assert max(len(part) for each in [*found.left, LeftBehind("", "", "", "")] for part in astuple(each)) < 1000


@pytest.mark.usefixtures("known")
def test_a_book_that_an_interruption_left_half_written_keeps_nothing_from_being_removed(tmp_path):
    notes = Notes()
    with on(notes) as place:
        found = removal(tmp_path, place, "BEGIN IMMEDIATE")
    assert (notes.ours, [*found.left], [*found.notes]) == ([], [], [])


class Dying(Notes):
    """Is gone once it has removed something."""

    def delete(self, notes, path, body):
        self.list = self.create = self.delete = lambda *_: None
        return super().delete(notes, path, body)


def test_a_target_that_dies_meanwhile_is_left_soon(tmp_path):
    notes = Dying()
    with on(notes) as place:
        ended = run(tmp_path, place, FEW)
    assert (ended.status, len(ended.results["left_behind"])) == (0, len(notes.ours)), ended.output
    assert notes.ours
    assert any("create_note: what the target lists at the end" in note for note in ended.results["notes"])


class Spent(Notes):
    """Refuses the first removals with 429, and says how long to wait."""

    def __init__(self, seconds):
        super().__init__()
        self.seconds, self.refusals = seconds, 3

    def delete(self, notes, path, body):
        self.refusals -= 1
        if self.refusals >= 0:
            return answer("429 Too Many Requests", b"{}", f"Retry-After: {self.seconds}")
        return super().delete(notes, path, body)


@pytest.mark.parametrize(("seconds", "left"), [(1, False), (3600, True)])
def test_a_429_is_waited_out_within_bounds(seconds, left, tmp_path):
    notes = Spent(seconds)
    with on(notes) as place:
        ended = run(tmp_path, place, FEW)
    assert (ended.status, bool(notes.ours)) == (0, left), ended.output
    assert len(ended.results["left_behind"]) == len(notes.ours)
    assert ended.results["duration_s"] < 10


@pytest.mark.parametrize("option", ["--max-requests=5", "--max-seconds=1"])
def test_a_spent_budget_keeps_nothing_from_being_removed(option, tmp_path):
    notes = Notes()
    with on(notes) as place:
        ended = run(tmp_path, place, FEW, option, "--requests-per-second=4")
    assert (notes.ours, ended.results["left_behind"]) == ([], []), ended.output
    assert ended.results["operations"][0]["removed"] > 0
    assert ended.results["verdict"] == "inconclusive"


def test_a_plan_tells_what_is_removed(tmp_path):
    planned = call(*PROGRAM, "plan", FEW, "--max-requests=500", folder=tmp_path, **KEYS)
    assert planned.status == 0, planned.errors
    figures = re.findall(r"^ *(\w.*?) +(\d+) +(\d+)$", planned.output, re.MULTILINE)
    assert [each for each in figures if each[0] in ("requests", "to remove things", "notes left behind")] == [
        ("requests", "13", "1700"), ("to remove things", "6", "1200"), ("notes left behind", "0", "500"),
    ]  # fmt: skip
    assert "the run removes its notes" in planned.output
