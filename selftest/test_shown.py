"""What is printed is what a reader pastes: the lines of a finding show it, the command judges the same again."""

import shlex
import shutil
import subprocess
import sys

import pytest

from selftest.conftest import at, environment, keys, reference
from selftest.shown import examined
from trigger_conformance.reference.registry import faults
from trigger_conformance.report.again import command as again
from trigger_conformance.report.again import hint, lines_of

# One of each kind of evidence; ``make shown`` tries all.
KINDS = {
    "one request": "authentication.takes_missing_headers",
    "the key under another scheme": "authentication.takes_basic_users",
    "the key in letter case swapped": "authentication.compares_keys_without_case",
    "the key without a scheme": "authentication.takes_keys_without_a_scheme",
    "the key in the query": "authentication.takes_keys_from_the_query",
    "the key in a cookie": "authentication.takes_keys_from_cookies",
    "the key in the body": "authentication.takes_keys_from_the_body",
    "two Authorization headers": "authentication.takes_the_last_header",
    "16 kB of header": "authentication.fails_on_long_credentials",
    "bytes above 0x7F": "authentication.fails_on_binary_credentials",
    "a refused request and its twin": "authentication.counts_refused_requests",
    "a variable and a look at it": "values.trims_values",
    "a variable that is gone once it is removed": "list_and_delete.keeps_what_is_deleted",
    "a schedule that is lost with another's removal": "list_and_delete.delete_takes_all",
    "a replay": "acceptance.answers_conflict_to_other_bodies",
    "a batch that the path names": "deduplication.takes_items_twice",
}


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
@pytest.mark.parametrize("identity", KINDS.values(), ids=KINDS)
def test_the_printed_lines_show_what_was_found(identity):
    (fault,) = [each for each in faults() if each.id == identity]
    results = examined(fault)
    assert {each.result for each in results} == {"shown"}, results


OPTIONS = ["--profile=smoke", "--seed=7", "--timeout=4", "--press-requests=50"]


@pytest.fixture(scope="module")
def faulty():
    with reference("authentication.takes_missing_headers") as server:
        yield server


def test_the_printed_command_finds_the_same_again(faulty, command, tmp_path):
    only = "--only=create_batch.authentication.missing_credential_is_refused"
    ran = command(*at(faulty, only, *OPTIONS), **keys(faulty))
    (line,) = [each.strip() for each in ran.output.splitlines() if each.strip().startswith("trigger-conformance run")]
    assert all(key not in line for key in (faulty.settings.api_key, faulty.settings.second_api_key))
    told = subprocess.run(
        [sys.executable, "-m", "trigger_conformance.cli", *shlex.split(line)[1:], f"--report-dir={tmp_path / 'again'}"],
        cwd=tmp_path, env=environment(**keys(faulty)), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert told.returncode == ran.status == 1, told.stdout
    assert faulty.base_url in told.stdout
    assert "missing_credential_is_refused" in told.stdout
    assert line in told.stdout
    page = (ran.folder / "report.html").read_text("utf-8")
    assert line in page.replace("&#39;", "'").replace("&amp;", "&")


CURL = 'curl -H "Authorization: Bearer $STAGING_KEY" -H "X-Gateway: ${HEADER_X_GATEWAY}x" $RUN $T'
USUAL = {"base_url_from": "--base-url", "max_run_count": 1000, "press_requests": 300, "timeout_s": 10.0}


def results(options=(), name=None, evidence=(), timeline=()):
    return {
        "target": {"name": name, "base_url": "https://example.com/it's", "options": {**USUAL, **dict(options)}},
        "profile": "smoke",
        "seed": 3,
        "requirements": [{"id": "a.b.c", "evidence": [{"number": each, "curl": CURL} for each in evidence]}],
        "timeline": [{"number": number, "requirement": check} for number, check in timeline],
    }


COMMANDS = {
    "a base URL": ({}, None, """--base-url 'https://example.com/it'"'"'s'"""),
    "a target of the file": ({"base_url_from": "conformance.toml [targets.staging]"}, "staging", "--target staging"),
    "both": ({}, "staging", """--target staging --base-url 'https://example.com/it'"'"'s'"""),
    "the built-in server": ({"base_url_from": None}, None, ""),
}


@pytest.mark.parametrize(("options", "name", "place"), COMMANDS.values(), ids=COMMANDS)
def test_the_command_names_the_target(options, name, place):
    line = again(results(options, name), "a.b.c")
    assert line == " ".join(filter(None, ["trigger-conformance run --only a.b.c", place, "--profile smoke --seed 3"]))


DECIDING = {
    "max_run_count": (50, "--max-run-count 50"),
    "press_rate_limit": (True, "--press-rate-limit"),
    "press_requests": (1000, "--press-requests 1000"),
    "shared_key": (True, "--shared-key"),
    "idempotency_wait_s": (0.5, "--idempotency-wait 0.5"),
    "timeout_s": (2.5, "--timeout 2.5"),
    "requests_per_second": (4.0, "--requests-per-second 4"),
    "strict": (True, "--strict"),
    "insecure": (True, "--insecure"),
    "http2": (True, "--http2"),
}


@pytest.mark.parametrize("name", DECIDING)
def test_the_command_has_what_decides_the_answer(name):
    value, option = DECIDING[name]
    assert again(results({name: value}), "a.b.c").endswith(f"--seed 3 {option}")


def test_the_command_has_the_check_that_sent_what_is_blamed():
    line = again(results(evidence=[4], timeline=[(3, "x"), (4, "a.b.sender")]), "a.b.c")
    assert "--only a.b.c --only a.b.sender " in line
    assert "preflight" not in again(results(evidence=[1], timeline=[(1, "a.preflight")]), "a.b.c")


def test_what_the_lines_take_from_the_environment_is_said():
    assert "with STAGING_KEY, HEADER_X_GATEWAY in the environment" in hint(results(evidence=[1]))
    assert "conformance.toml" in hint(results(name="staging"))


def test_an_older_document_has_one_line():
    (requirement,) = results(evidence=[1])["requirements"]
    assert lines_of(requirement) == [CURL]


def test_explain_never_leads_to_the_built_in_server_unasked(command, tmp_path):
    identity = "create_batch.acceptance.valid_request_is_accepted"
    assert f"--only {identity} --base-url URL" in command("explain", identity).output
    (tmp_path / "conformance.toml").write_text('[targets.staging]\nbase_url = "https://staging.example.com"\n')
    assert f"--only {identity} --target staging" in command("explain", identity).output
