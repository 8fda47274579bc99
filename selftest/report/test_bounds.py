"""What a target says at length is kept and told in bounds; and an error in the suite is told beside any verdict."""

import io
import json
import re
from pathlib import Path

import pytest

from tests.every_operation.test_answers import INTERNALS
from trigger_conformance.contract.quoting import bounded
from trigger_conformance.report import har, results
from trigger_conformance.report.annotations import github
from trigger_conformance.report.html import _pretty, page
from trigger_conformance.report.markdown import summary as markdown
from trigger_conformance.report.terminal import summary as terminal
from trigger_conformance.verdicts.verdict import ExitStatus, Overall, exit_status
from trigger_conformance.wire.exchange import Answer, Exchange, Request
from trigger_conformance.wire.redaction import Redactor

SAID = {
    "a stack trace": "x\n    at Object.<anonymous> (/app/server.js:10:5)\n",
    "a source position": "TypeError in src/api.v3.batches.ts:42",
    "SQL": 'INSERT INTO "BatchTaskRun" (id) VALUES ($1)',
    "a file path": "see /app/node_modules/zod/lib",
}
FLOODS = ["1" * 100_000, "./" * 50_000, "SELECT " * 10_000, "\n \t" * 30_000, "a.ts" * 25_000, "at " * 30_000,
          'File "' * 15_000, "/usr/" * 20_000, "   at a(" + ":1" * 30_000]  # fmt: skip


def exchange(*headers, body=b"{}", number=1):
    return Exchange(Request(target="/", label="case"), Answer(202, "Accepted", headers, body, 0.0), None, 0, 1, 0,
                    number=number)  # fmt: skip


@pytest.mark.parametrize(("name", "text"), SAID.items())
def test_internals_are_seen(name, text):
    assert re.search(INTERNALS[name], text, re.MULTILINE)


@pytest.mark.parametrize("name", INTERNALS)
def test_the_search_for_internals_ends(name):
    for flood in FLOODS:
        re.search(INTERNALS[name], flood, re.MULTILINE)


@pytest.mark.parametrize("flood", ["eyJ-", "eyJ.", "eyJa.-", "\\u0074", "&#00", "%", "\\"])
def test_redaction_of_a_flood_ends(flood):
    redactor = Redactor(["tr_dev_secret_of_some_length"])
    assert redactor.text(flood * 15_000)
    assert redactor.leaks([("body", flood * 15_000)]) == ()


def test_of_many_and_long_headers_the_beginning_is_shown():
    headers = [(f"X-{number}", "x" * 5000) for number in range(200)]
    shown = results.headers_shown(exchange(*headers).answer)
    assert len(shown) == 61
    assert shown[-1] == ("…", "and 140 more")
    assert shown[0][1].endswith("x…")


def test_ordinary_headers_are_shown_as_they_are():
    headers = (("Date", "today"), ("x-trigger-jwt", "e" * 600))
    assert results.headers_shown(exchange(*headers).answer) == list(headers)


def test_nesting_is_not_shown_as_white_space():
    text = "[" * 900 + "]" * 900
    assert _pretty({"text": text}) == text
    assert _pretty({"text": '{"a":1}'}) == '{\n  "a": 1\n}'


# What is counted is what is written: six characters for one of control.
@pytest.mark.parametrize(("character", "whole"), [(b"x", 3), (b"\1", 1)])
def test_evidence_has_an_end(character, whole, monkeypatch):
    monkeypatch.setattr(har, "_LARGEST_EVIDENCE", 20_000)
    every = [exchange(body=character * 9000, number=number) for number in range(10)]
    kept = json.loads("".join(har.texts(every, "http://target")))
    sizes = [len(entry["response"]["content"]["text"]) for entry in kept["log"]["entries"]]
    assert sizes == [9000] * whole + [256] * (10 - whole)


def test_a_violation_beside_a_crash_keeps_its_exit_status():
    status = exit_status(Overall.NON_CONFORMANT, interrupted=False, crashed=True, selected=True)
    assert status is ExitStatus.NON_CONFORMANT


def test_an_error_in_the_suite_is_told_first_in_every_report(command):
    told = "an error in the suite itself kept a.b.c from being judged; please report it"
    only = "--only=acceptance.valid_request_is_accepted"
    document = {**command("run", only).results, "verdict": "non-conformant", "suite_errors": [told]}
    stream = io.StringIO()
    terminal(document, Path("reports"), stream)
    assert stream.getvalue().strip().splitlines()[1] == told
    assert told.replace("_", r"\_") in markdown(document).replace(r"\.", ".") or told in markdown(document)
    assert told in page(document)
    assert "::error" in github(document)
    assert told in github(document)


def test_what_no_file_can_hold_is_written_as_an_escape():
    assert bounded("a\ud800b") == "a\\ud800b"
