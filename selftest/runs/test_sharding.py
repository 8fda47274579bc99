"""A run in parts: who decides what, and one verdict of all parts that is an undivided run's."""

import json
import os
import re
import shutil
import sys
from collections import Counter
from dataclasses import replace
from datetime import date
from xml.etree import ElementTree

import jsonschema_rs
import pytest

from selftest import warm
from selftest.conftest import LONGEST, at, call, environment, keys, reference, told
from trigger_conformance.checks.catalogue import Selection, catalogue
from trigger_conformance.checks.requirement import Level, Profile, Stage
from trigger_conformance.checks.sharding import Shard, everywhere, shard
from trigger_conformance.options.settings import gather
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import results
from trigger_conformance.report.curl import Way
from trigger_conformance.report.reproduce import Reproducer
from trigger_conformance.report.results import SCHEMA
from trigger_conformance.runs.merging import _settled
from trigger_conformance.verdicts.outcome import Outcome
from trigger_conformance.verdicts.settling import settled
from trigger_conformance.verdicts.verdict import Ending, Verdict
from trigger_conformance.verdicts.waivers import Waiver

URL = {"base_url": "https://x", "api_key": "k", "press_rate_limit": True}
SMOKE = ("--profile=smoke", "--idempotency-wait=1")
# Servers that are broken in several ways at once: what each part says of one is merged beside what it says of others.
FAULTS = (
    "acceptance.id_has_a_slash+authentication.trusts_any_token+http.put_creates",
    "acceptance.no_claims_header+idempotency.ignores_keys+rate_limits.says_no_retry_after",
    "idempotency.keys_are_shared+properties.coerces_key_numbers+run_count.accepts_zero+rate_limits.refuses_in_html",
)


@pytest.mark.parametrize("text", ["", "1", "0/4", "5/4", "1/0", "a/b", "1/4/2", "-1/4", "1/12345"])
def test_a_part_is_named_by_its_number_and_how_many_there_are(text):
    with pytest.raises(ValueError, match="I from 1 to N"):
        shard(text)
    assert shard("2/4") == Shard(2, 4)


@pytest.mark.parametrize("of", [1, 2, 4, 7])
@pytest.mark.parametrize("profile", list(Profile))
def test_each_requirement_is_decided_once_or_in_every_part(of, profile):
    for requirement in catalogue():
        takers = [number for number in range(1, of + 1) if Shard(number, of).takes(requirement, profile)]
        assert len(takers) == (of if everywhere(requirement, profile) else 1), requirement.id
        if requirement.stage is Stage.PRESS:
            assert takers == [of], "what presses stays together, in the last part"


def test_a_requirement_keeps_its_part_whatever_else_is_selected():
    part = Shard(2, 4)
    whole = {each.id for each in catalogue() if each in Selection((), None, Profile.STANDARD, part)}
    named = {each.id for each in catalogue() if each in Selection(("idempotency",), None, Profile.STANDARD, part)}
    assert named == {identity for identity in whole if ".idempotency." in identity}
    assert "create_batch.idempotency.replay_returns_the_existing_batch" in {
        each.id for each in catalogue() if each in Selection((), None, Profile.STANDARD, Shard(2, 4))
    }, "an id must not move to another part from one release to the next"


def test_parts_are_of_like_size():
    sizes = [sum(each in Selection((), None, Profile.STANDARD, Shard(n, 4)) for each in catalogue()) for n in (1, 2, 3)]
    assert max(sizes) < 1.5 * min(sizes)


@pytest.mark.parametrize(
    ("given", "presses", "shared"),
    [
        ({}, True, False),
        ({"shard": "1/1"}, True, False),
        ({"shard": "1/4"}, False, True),
        ({"shard": "4/4"}, True, True),
        ({"shard": "4/4", "shared_key": False}, True, False),
        ({"shard": "4/4", "press_rate_limit": False}, False, True),
    ],
)
def test_only_the_last_part_presses_and_the_credential_counts_as_shared(tmp_path, given, presses, shared):
    target = gather({**URL, **given}, {}, tmp_path).target
    assert (target.press_rate_limit, target.shared_key) == (presses, shared)


@pytest.fixture(scope="module")
def divide(tmp_path_factory):
    """Runs a server whole, and in four parts, of which the last one waits for the others; gives both results."""

    def run(server, *options):
        folder = tmp_path_factory.mktemp("parts")

        def start(name, *more):
            line = at(server, *options, "--no-shared-key", *more, f"--report-dir={folder / name}", "--quiet")
            return warm.Started(line, folder, environment(**keys(server)))

        start("whole").ended(LONGEST)
        for part in [start(str(number), f"--shard={number}/4") for number in (1, 2, 3)]:
            part.ended(LONGEST)
        start("4", "--shard=4/4").ended(LONGEST)
        return folder

    return run


def merged(folder, *parts, name="merged"):
    line = ["merge", *(str(folder / part) for part in parts), f"--report-dir={folder / name}"]
    ended = told(*warm.call(line, folder, environment(), LONGEST), folder / name)
    return ended, ended.results or None


def read(folder):
    return json.loads((folder / "results.json").read_text("utf-8"))


def verdicts(results):
    return {each["id"]: each["verdict"] for each in results["requirements"]}


@pytest.mark.parametrize("behaviour", ["", *FAULTS])
def test_four_parts_merged_say_what_an_undivided_run_says(divide, behaviour):
    with reference(behaviour) as server:
        folder = divide(server, "--idempotency-wait=1")
    ended, results = merged(folder, "3", "1", "4", "2")
    whole = read(folder / "whole")
    assert verdicts(results) == verdicts(whole)
    assert list(verdicts(results)) == list(verdicts(whole))
    assert (results["verdict"], results["exit_status"]) == (whole["verdict"], whole["exit_status"])
    assert ended.status == whole["exit_status"]
    assert bool(behaviour) == bool({"violated", "warned"} & set(verdicts(whole).values()))


@pytest.fixture(scope="module")
def parts(divide):
    """A faulty server in four parts, in the smoke profile."""
    with reference("run_count.accepts_zero") as server:
        return divide(server, *SMOKE)


def test_merged_reports_are_those_of_one_run(parts):
    ended, results = merged(parts, "1", "2", "3", "4", name="reports")
    folder = parts / "reports"
    single = [read(parts / str(number)) for number in (1, 2, 3, 4)]
    assert ended.status == 1
    assert "NON-CONFORMANT" in ended.output
    assert jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8"))).is_valid(results)
    assert [part["shard"] for part in results["shards"]] == ["1/4", "2/4", "3/4", "4/4"]
    for count in ("requests", "runs", "batches"):
        assert results[count] == sum(each[count] for each in single)
    assert Counter(results["statuses"]) == sum((Counter(each["statuses"]) for each in single), Counter())
    numbers = [each["number"] for each in results["timeline"]]
    assert sorted(numbers) == list(range(1, results["requests"] + 1))
    log = json.loads((folder / "evidence.har").read_text("utf-8"))["log"]
    by_number = {entry["_number"]: entry for entry in log["entries"]}
    for requirement in results["requirements"]:
        for shown in requirement["evidence"]:
            assert by_number[shown["number"]]["_case"] == shown["case"]
    assert {path.name for path in folder.iterdir()} >= {"report.html", "summary.md", "badge.svg", "allure-results"}
    suite = ElementTree.parse(folder / "junit.xml").getroot().find("testsuite")
    assert int(suite.get("tests")) == len(suite.findall("testcase")) == len(results["requirements"])
    assert int(suite.get("failures")) == len(suite.findall("testcase/failure")) > 0


def test_a_missing_part_is_no_pass(parts):
    ended, results = merged(parts, "4", "2", name="missing")
    assert "1/4, 3/4 are missing" in results["halted"]
    undecided = [each for each in results["requirements"] if "no part decided it" in each["message"]]
    assert len(undecided) > 5
    assert set(verdicts(results)) == set(verdicts(read(parts / "whole")))
    assert ended.status in (1, 6)


def test_a_run_may_go_on_while_others_press(parts):
    with reference() as server:
        lines = [
            at(server, *SMOKE, f"--shard={number}/3", "--quiet", f"--report-dir={number + 10}") for number in (1, 2, 3)
        ]
        started = [warm.Started(line, parts, environment(**keys(server))) for line in lines]
        assert [each.ended(LONGEST)[0] for each in started] == [0, 0, 0]
    ended, results = merged(parts, "11", "12", "13", name="together")
    assert ended.status == 0
    unsure = [identity for identity, verdict in verdicts(results).items() if verdict == "skipped"]
    # Without --schedule-task that operation is none of the run's.
    mine = [identity for identity in unsure if identity.startswith("create_batch.")]
    assert mine == ["create_batch.rate_limits.retry_after_is_honest"]


def test_parts_of_the_built_in_server_are_parts_of_one_target(tmp_path):
    for number in (1, 2):
        line = ["run", "--profile=smoke", "--quiet", f"--shard={number}/2", f"--report-dir={number}"]
        assert call(sys.executable, "-m", "trigger_conformance.cli", *line, folder=tmp_path).status == 0
    ended, results = merged(tmp_path, "1", "2")
    assert (ended.status, results["halted"]) == (0, None), ended.errors
    decided = {name: each for name, each in verdicts(results).items() if ".rate_limits." not in name}
    assert set(decided.values()) <= {"passed", "observed"}
    with reference() as server:
        line = at(server, *SMOKE, "--quiet", "--shard=2/2", "--report-dir=3")
        call(sys.executable, "-m", "trigger_conformance.cli", *line, folder=tmp_path, **keys(server))
    ended, _ = merged(tmp_path, "1", "3", name="mixed")
    assert (ended.status, "but 'the built-in reference server'" in ended.errors) == (4, True)


def altered(parts, number, **changes):
    folder = parts / f"altered-{number}-{'-'.join(changes)}-{os.urandom(3).hex()}"
    shutil.copytree(parts / number, folder)
    document = read(folder)
    for path, value in changes.items():
        *way, last = path.split("__")
        place = document
        for step in way:
            place = place[step]
        place[last] = value
    (folder / "results.json").write_text(json.dumps(document), "utf-8")
    return folder.name


OTHERS = {
    "another target": ({"target__base_url": "https://other"}, "target is 'https://other', but"),
    "another profile": ({"profile": "standard"}, "profile is 'standard', but 'smoke'"),
    "another seed": ({"seed": 2}, "seed is 2, but 1"),
    "another maximum": ({"target__options__max_run_count": 7}, "max_run_count is 7, but 1000"),
    "another division": ({"target__options__shard": "2/3"}, "number of parts is 3, but 4"),
    "the same part": ({"target__options__shard": "1/4"}, "part 1/4 is also in"),
    "an undivided run": ({"target__options__shard": None}, "this run was no part of a run"),
    "another contract": ({"contract__sha256": "0" * 64}, "contract is '0000"),
}


@pytest.mark.parametrize(("changes", "said"), OTHERS.values(), ids=OTHERS)
def test_what_is_no_part_of_the_same_run_is_refused(parts, changes, said):
    ended, _ = merged(parts, "1", altered(parts, "2", **changes), name="refused")
    assert (ended.status, ended.output) == (4, "")
    assert re.search(re.escape(said), ended.errors)
    assert ended.errors.count("\n") == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"interrupted": True}, 2), ({"halted": "the target does not answer"}, 1), ({"wrong_waivers": ["x:1: old"]}, 1)],
)
def test_how_a_part_ended_is_how_the_run_ended(parts, changes, status):
    names = ["1", altered(parts, "2", **changes), "3", "4"]
    ended, results = merged(parts, *names, name=f"ended-{'-'.join(changes)}")
    assert ended.status == results["exit_status"] == status


def test_a_part_that_broke_is_told_where_nothing_is_violated(parts):
    quiet = [altered(parts, str(number), requirements=[]) for number in (1, 2, 4)]
    broken = altered(parts, "3", requirements=[], exit_status=3)
    ended, _ = merged(parts, *quiet, broken, name="broken")
    assert ended.status == 3


def test_a_waiver_that_one_part_needs_is_not_held_against_it_in_another(parts):
    identity = "create_batch.acceptance.ids_are_never_given_twice"

    def with_verdict(number, verdict, lines):
        entries = [{**each, "verdict": verdict} if each["id"] == identity else each for each in
                   read(parts / number)["requirements"]]  # fmt: skip
        return altered(parts, number, requirements=entries, wrong_waivers=lines)

    useless = [f"waivers.toml:1: {identity} is no longer violated: remove its waiver"]
    names = [with_verdict("1", "waived", []), with_verdict("2", "passed", useless), "3", "4"]
    _, needed = merged(parts, *names, name="needed")
    assert needed["wrong_waivers"] == []
    _, gone = merged(parts, "1", with_verdict("2", "passed", useless), "3", "4", name="gone")
    assert gone["wrong_waivers"] == useless


TODAY = date(2026, 1, 1)
CHECK, OWNER = [each for each in catalogue() if each.level is Level.MUST][:2]
WAIVED = Waiver(requirement=CHECK.id, reason="known", expires=date(2026, 1, 2), link="https://x.example/1")


def data(outcome):
    return results.requirement_data(outcome, Reproducer((), Way(base_url="http://x")))


def resting(*, waivers=(), beside=()):
    """What a part says of a check whose ground failed."""
    seen = Outcome(requirement=CHECK, ending=Ending.UNGROUNDED, verdict=Verdict.INCONCLUSIVE, message="seen",
                   rests_on=OWNER.id)  # fmt: skip
    return data(settled([seen], beside, waivers=waivers, today=TODAY)[0])


def owning(verdict):
    ending = Ending.HELD if verdict is Verdict.PASSED else Ending.BROKEN
    return Outcome(requirement=OWNER, ending=ending, verdict=verdict)


def of_all(*requirements, waivers=(), today=TODAY):
    told, _ = _settled(requirements, {}, waivers=waivers, today=today, strict=False)
    return [(each["verdict"], each["waiver"]) for each in told]


def test_ground_that_is_settled_by_a_merge_is_waived_as_in_an_undivided_run():
    known = {"reason": "known", "link": "https://x.example/1", "expires": "2026-01-02"}
    holds = data(owning(Verdict.PASSED))
    assert of_all(resting(), holds) == [("violated", None), ("passed", None)]
    assert of_all(resting(waivers=[WAIVED]), holds, waivers=[WAIVED]) == [("waived", known), ("passed", None)]
    assert of_all(resting(), holds, waivers=[WAIVED], today=date(2026, 1, 3))[0] == ("violated", None)


def test_what_many_checks_of_all_parts_saw_is_told_of_who_says_it_with_the_lines_that_show_it():
    musts = [each for each in catalogue() if each.operation == OWNER.operation and each.level is Level.MUST]
    accepted = next(each for each in musts if each.id.endswith("valid_request_is_accepted"))
    checks = [each for each in musts if each not in (accepted, OWNER)][:6]
    sight = {"exchange": 3, "problem": "expected 202, got 422", "place": "status", "got": "422"}
    shown = {"evidence": [{"number": 3}], "reproduce": {"lines": ["curl …"], "exchanges": [3]}, "sights": [sight]}
    saw = [{**resting(), "id": each.id, **shown, "verdict": "violated"} for each in checks]
    holds = [data(replace(owning(Verdict.PASSED), requirement=each)) for each in (OWNER, accepted)]
    told, _ = _settled([*holds, *saw], {}, waivers=(), today=TODAY, strict=False)
    assert [each["verdict"] for each in told] == ["passed", "violated", *["inconclusive"] * 6]
    assert {name: told[1][name] for name in shown} == shown
    assert told[2]["rests_on"] == accepted.id


def test_an_owner_that_another_part_found_violated_leaves_a_waived_check_undecided():
    alone = resting(waivers=[WAIVED], beside=[owning(Verdict.PASSED)])
    assert alone["verdict"] == "waived"
    broken = data(owning(Verdict.VIOLATED))
    assert of_all(alone, broken, waivers=[WAIVED])[0] == ("inconclusive", None)


@pytest.mark.parametrize(("waivers", "verdict"), [((), "violated"), ((WAIVED,), "waived")])
def test_what_was_settled_beside_an_owner_of_no_part_stays_so(waivers, verdict):
    alone = resting(waivers=waivers, beside=[owning(Verdict.PASSED)])
    assert of_all(alone, waivers=waivers)[0][0] == verdict


def test_waivers_are_told_with_the_results_and_kept_by_a_merge(parts):
    one = results.waiver_data(WAIVED)
    assert results.waiver_of(one) == WAIVED
    names = [altered(parts, "1", waivers=[one]), altered(parts, "2", waivers=[one]), "3", "4"]
    _, merged_results = merged(parts, *names, name="with-waivers")
    assert merged_results["waivers"] == [one]


def test_links_of_a_part_are_not_followed(parts, tmp_path):
    (tmp_path / "elsewhere").write_text("of nobody's concern", "utf-8")
    part = altered(parts, "1")
    (parts / part / "bodies").mkdir(exist_ok=True)
    (parts / part / "bodies" / "link").symlink_to(tmp_path / "elsewhere")
    (parts / part / "allure-results" / "link").symlink_to(tmp_path)
    merged(parts, part, "2", name="linked")
    assert list((parts / "linked").rglob("link*")) == []


def test_an_id_that_two_parts_were_given_is_found(parts):
    one, other = altered(parts, "3"), altered(parts, "4")

    def created(entry):
        return '"isCached": false' in entry["response"]["content"].get("text", "")

    logs = [json.loads((parts / name / "evidence.har").read_text("utf-8")) for name in (one, other)]
    first, second = (next(filter(created, log["log"]["entries"])) for log in logs)
    made = json.loads(first["response"]["content"]["text"])["id"]
    answered = json.loads(second["response"]["content"]["text"])
    second["response"]["content"]["text"] = json.dumps({**answered, "id": made})
    (parts / other / "evidence.har").write_text(json.dumps(logs[1]), "utf-8")
    _, results = merged(parts, "1", "2", one, other, name="shared-id")
    assert verdicts(results)["create_batch.acceptance.ids_are_never_given_twice"] == "violated"


def test_merged_runs_are_not_attested_and_parts_are(parts, command):
    merged(parts, "1", "2", "3", "4", name="whole-again")
    refused = command("attest", str(parts / "whole-again"))
    assert (refused.status, "this was merged; attest the parts" in refused.errors) == (4, True)
    assert command("attest", str(parts / "4")).status == 0
    assert command("verify", str(parts / "4" / "attestation.zip")).status == 0


def test_workers_share_one_budget_and_pace_on_a_tight_limit(command):
    with reference("variants.tightly_limited") as server:
        bounds = ("--workers=3", "--max-requests=150", "--requests-per-second=20")
        ran = command(*at(server, *SMOKE, *bounds), **keys(server))
    assert ran.status == 0, ran.output
    starts = sorted(each["started_s"] for each in ran.results["timeline"])
    assert ran.results["requests"] == len(starts) <= 150
    assert all(later - earlier > 0.9 for earlier, later in zip(starts, starts[21:], strict=False)), "the pace is shared"


def test_workers_spend_one_budget_together(command):
    with reference() as server:
        ran = command(*at(server, "--workers=3", "--max-requests=90"), **keys(server))
    assert ran.status == 6
    assert ran.results["requests"] == 90


def test_a_part_cannot_be_named_wrongly(tmp_path):
    with pytest.raises(UsageError, match=r"--shard 5/4: it must be I/N with I from 1 to N, such as 2/4"):
        gather({**URL, "shard": "5/4"}, {}, tmp_path)
