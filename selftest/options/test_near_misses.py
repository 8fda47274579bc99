"""Near misses: a name that is almost right, a part of one, a URL that is almost the target's."""

import ssl
import subprocess
import sys
from collections import Counter

import pytest
import trustme

from selftest.canned import answer, canned
from selftest.conftest import at, environment, keys, reference
from trigger_conformance.checks.catalogue import catalogue, find
from trigger_conformance.options import waivers_file
from trigger_conformance.options.target import UsageError, check_url
from trigger_conformance.reference import registry

KEY = {"TRIGGER_API_KEY": "tr_dev_marker_key"}
ONE = "create_batch.run_count.out_of_range_is_rejected"
WRONG = "out_of_range_is_rejectd"
MEANT = {
    "a command": (("lst",), "there is no command lst (did you mean list?)"),
    "an option": (("run", "--pres-requests=1"), "'--press-requests'"),
    "a profile": (("run", "--profile=smok"), "--profile smok: it must be smoke, standard, thorough or soak (did"),
    "an area": (("run", "--only=idempotncy"), "no such requirement or area (did you mean create_batch.idempotency?)"),
    "an id": (("run", "--only=run_count.out_of_range_is_rejectd"), f"(did you mean {ONE}"),
    "an id's last part": (("explain", "out_of_range_is_rejectd"), f"(did you mean {ONE}"),
    "an id to waive": (("waive", "out_of_range_is_rejectd", "--reason=r"), f"(did you mean {ONE}"),
    "a waived id": (("run", "--waivers=wrong.toml"), f"wrong.toml:2: there is no requirement {WRONG!r} (did you mean"),
    "a target": (("run", "--target=stagin"), "--target stagin: no such target (did you mean staging?)"),
    "a fault": (("serve", "--fault=run_count.accept_zero"), "(did you mean run_count.accepts_zero"),
    "a fault's last part": (("serve", "--fault=accept_zero"), "(did you mean run_count.accepts_zero"),
    "a variant": (("serve", "--variant=behind_tsl"), "(did you mean variants.behind_tls"),
    "what no requirement has": (("list", "colour"), "list colour: no requirement has that"),
    "what no fault has": (("serve", "--list-faults", "colour"), "colour: no fault or variant has that"),
    "an area without --list-faults": (("serve", "idempotency"), "goes with --list-faults"),
}  # fmt: skip


@pytest.mark.parametrize(("arguments", "said"), MEANT.values(), ids=MEANT)
def test_a_near_miss_is_told_what_may_be_meant(tmp_path, arguments, said):
    (tmp_path / "conformance.toml").write_text("[targets.staging]\n[targets.other]\n")
    (tmp_path / "wrong.toml").write_text('[[waiver]]\nrequirement = "out_of_range_is_rejectd"\n')
    ended = subprocess.run(
        [sys.executable, "-m", "trigger_conformance.cli", *arguments], cwd=tmp_path, env=environment(),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (ended.returncode, len(ended.stderr.splitlines())) == (4, 1)
    assert said in ended.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [("time-out = 1", "did you mean timeout"), ("api_key_enf = 'A'", "did you mean api_key_env"), ("colour = 1", None)],
)
def test_a_key_of_the_file_is_told_what_may_be_meant(command, tmp_path, text, said):
    (tmp_path / "conformance.toml").write_text(text)
    ended = command("config")
    assert ended.status == 4
    assert said in ended.errors if said else "did you mean" not in ended.errors


def test_a_requirement_is_known_by_its_last_part(tmp_path):
    named = Counter(each.id.rpartition(".")[2] for each in catalogue())
    for each in catalogue():
        # What two operations have is named in full.
        last = each.id.rpartition(".")[2]
        assert (find(last) == each) is (named[last] == 1), each.id
    file = tmp_path / "waivers.toml"
    file.write_text('[[waiver]]\nrequirement = "out_of_range_is_rejected"\nreason = "r"\nexpires = 2999-01-01\n')
    [entry] = waivers_file.load(file, [each.id for each in catalogue()])
    assert entry.requirement == ONE


def test_a_run_takes_last_parts(command):
    ran = command("run", "--only=out_of_range_is_rejected", "--profile=smoke")
    assert list(ran.verdicts) == [ONE]


def test_lists_take_an_area_or_words(command):
    area = command("list", "rate_limits").output
    assert "create_batch.rate_limits." in area
    assert "create_batch.idempotency." not in area
    some = command("serve", "--list-faults", "idempotency", "LETTERS").output
    assert "idempotency.sorts_letters" in some
    assert "run_count." not in some


def test_a_plan_needs_no_key_and_no_target(command, tmp_path):
    (tmp_path / "conformance.toml").write_text(
        '[targets.a]\nbase_url = "http://127.0.0.1:9"\napi_key_command = "false"\nsecond_api_key_env = "NONE"\n'
    )
    planned = command("plan", "--target=a", "--only=out_of_range_is_rejected", "--profile=smoke")
    assert planned.status == 0, planned.errors
    assert "http://127.0.0.1:9" in planned.output


SUFFIXES = ["/api/v3/batches", "/api/v3/batches/", "/gateway/api/v3/batches"]


@pytest.mark.parametrize("path", SUFFIXES)
def test_a_base_url_that_ends_in_the_operation_is_corrected(path):
    with pytest.raises(
        UsageError, match="it is the operation's own; give what stands before /api/v3/batches"
    ) as raised:
        check_url(f"https://host.example{path}")
    assert str(raised.value).endswith(f": https://host.example{path.partition('/api')[0]}")


def test_a_slash_at_its_end_changes_nothing(command):
    with reference() as server:
        ran = command("run", f"--base-url={server.base_url}/", "--only=out_of_range_is_rejected", **keys(server))
    assert ran.status == 0


PASSWORDS = [
    "http://user:hunter2@host.example", "http://user:hunter2@host.example:99999", "user:hunter2@host.example",
    "ftp://user:hunter2@host.example", "http://user:hunter2/@host.example", "http://user:hunter2?@host.example/?a",
    "http://user:hunter2#@host.example", "http://[user:hunter2@host.example", "http://user:hunter2 @host.example",
    f"http://user:hunter2@{'a' * 3000}", "//user:hunter2@host.example", "http://host.example/?to=user:hunter2@b",
]  # fmt: skip


@pytest.mark.parametrize("url", PASSWORDS)
def test_the_password_of_a_url_is_in_no_message(command, url):
    for ended in (command("run", f"--base-url={url}", **KEY), command("config", f"--base-url={url}")):
        assert ended.status in (0, 4)
        assert "hunter2" not in ended.output + ended.errors
    by_proxy = (
        command("run", "--base-url=http://host.example", HTTP_PROXY=url, ALL_PROXY="", **KEY) if "?" in url else None
    )
    assert by_proxy is None or "hunter2" not in by_proxy.output + by_proxy.errors


LONG = [f"http://host.example/{'a' * 2000}", f"http://{'a' * 64}.example", f"http://{'a.' * 130}example"]


@pytest.mark.parametrize("url", LONG)
def test_a_url_that_is_too_long_is_a_usage_error(url):
    with pytest.raises(UsageError) as raised:
        check_url(url)
    assert len(str(raised.value)) < 400


@pytest.fixture
def tls():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    trustme.CA().issue_cert("127.0.0.1").configure_cert(context)
    return context


def test_https_to_a_plain_port_is_told(command):
    with reference() as server:
        ran = command("run", server.base_url.replace("http://", "--base-url=https://"), **KEY)
    assert ran.status == 6
    assert ran.results["halted"] == f"the target speaks no TLS on this port: give --base-url {server.base_url}"


def test_http_to_a_port_with_tls_is_told(command, tls):
    with canned(answer("202 Accepted", b"{}"), tls=tls) as base_url:
        plain = base_url.replace("https://", "http://")
        ran = command("run", f"--base-url={plain}", **KEY)
    assert ran.status == 6
    assert ran.results["halted"] == f"the target speaks TLS on this port: give --base-url {base_url}"


PAIRS = [
    ("run_count.accepts_zero", "authentication.takes_missing_headers"),
    ("idempotency.sorts_letters", "acceptance.errors_have_no_message"),
    ("acceptance.run_count_is_text", "run_count.accepts_negatives"),
]


@pytest.mark.parametrize("pair", PAIRS)
def test_two_faults_are_served_at_once_and_both_are_found(command, pair):
    caught = {each.id: each.caught_by for each in registry.faults()}
    wanted = [identity for fault in pair for identity in caught[fault]]
    with reference("+".join(pair)) as server:
        ran = command(*at(server, *(f"--only={identity}" for identity in wanted)), **keys(server))
    assert ran.status == 1
    for fault in pair:
        assert any(ran.verdicts[identity] in ("violated", "warned") for identity in caught[fault]), fault


@pytest.mark.parametrize("pair", ["acceptance.answers_created+acceptance.answers_ok", "answers_ok+answers_created"])
def test_faults_that_exclude_each_other_are_refused(command, pair):
    refused = command("serve", *(f"--fault={fault}" for fault in pair.split("+")))
    assert (refused.status, len(refused.errors.splitlines())) == (4, 1)
    assert "each replace status: give one of them" in refused.errors


def test_a_fault_that_hands_on_comes_first_whatever_the_order():
    faults = {each.id: each.server for each in registry.faults()}
    ordered = registry.behaviour_class("acceptance.answers_created+acceptance.answers_text_json")
    reversed_ = registry.behaviour_class("acceptance.answers_text_json+acceptance.answers_created")
    for both in (ordered.operations["create_batch"], reversed_.operations["create_batch"]):
        assert {faults["acceptance.answers_created"], faults["acceptance.answers_text_json"]} <= set(both.__mro__)
