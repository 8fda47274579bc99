"""How findings are told: a problem once however many cases have it, bounded, named cases before generated ones."""

import html
import io
import json
from pathlib import Path

import click
import pytest

from selftest.conftest import at, keys, reference
from selftest.report.test_quoting import document
from trigger_conformance.checks.expect import ViolationError, expect
from trigger_conformance.cli import cli
from trigger_conformance.options.options import OPTIONS
from trigger_conformance.report import files, telling
from trigger_conformance.report.terminal import summary
from trigger_conformance.wire.exchange import Answer, Exchange, Request


def _request(label):
    return Request(target="/", label=label, operation="create_batch")


def exchange(number, label="", status=202, check="create_batch.http.x", body=b"{}"):
    told = Answer(status, "Accepted" if status == 202 else "", (), body, 0.0)
    return Exchange(_request(label), told, None, 0.0, 1.0, 0.0, check=check, number=number)


def violation(exchanges, **how):
    with pytest.raises(ViolationError) as raised:
        expect(exchanges).is_rejected() if not how else expect(exchanges).satisfies(**how)
    return raised.value


def test_one_problem_of_many_cases_is_one_line():
    found = violation([exchange(number, f"case {number}") for number in range(1, 18)])
    names = "; ".join(f"case {number}" for number in range(1, 9))
    assert found.message == f"17 cases: {names} …: expected 400 or 422, got 202 Accepted"
    assert [each.number for each in found.evidence] == list(range(1, 18))


def test_one_case_is_told_as_such():
    assert violation(exchange(1, "runCount 0")).message == "runCount 0: expected 400 or 422, got 202 Accepted"
    assert violation(exchange(1)).message == "expected 400 or 422, got 202 Accepted"


def test_two_problems_are_two_lines_and_each_has_evidence():
    found = violation([exchange(1, "a"), exchange(2, "b"), exchange(3, "c", status=500)])
    assert found.message.splitlines() == [
        "2 cases: a; b: expected 400 or 422, got 202 Accepted", "c: expected 400 or 422, got 500",
    ]  # fmt: skip
    assert [each.number for each in found.evidence[:2]] == [1, 3]


def test_what_differs_in_particulars_alone_is_one_problem():
    cases = [exchange(number, f"case {number}") for number in range(1, 41)]
    found = violation(cases, judge=lambda each: f'the id "batch_{each.number}" is also that of exchange #{each.number}')
    assert found.message.startswith("40 cases: case 1; case 2;")
    assert found.message.endswith(' …: such as the id "batch_1" is also that of exchange #1')


def test_problems_without_end_are_counted():
    cases = [exchange(number, f"case {number}", status=400 + number) for number in range(30, 90)]
    lines = violation(cases).message.splitlines()
    assert (len(lines), lines[-1]) == (13, "… and 48 more problems")


def test_named_cases_come_before_generated_ones():
    generated = [exchange(number, f"case {number}", check="create_batch.fuzzing.y") for number in range(1, 30)]
    found = violation([*generated, exchange(30, "runCount 0")])
    assert found.message.startswith("30 cases: runCount 0; case 1; case 2")
    assert found.evidence[0].number == 30


def test_named_requirements_come_before_generated_ones():
    ids = ["create_batch.fuzzing.a", "create_batch.http.b", "create_batch.fuzzing.c", "create_batch.run_count.d"]
    told = [each["id"] for each in telling.in_order({"id": identity} for identity in ids)]
    assert told == [ids[1], ids[3], ids[0], ids[2]]


def terminal(results, **how):
    stream = io.StringIO()
    summary(results, Path("reports"), stream, **how)
    return stream.getvalue()


def test_one_reason_is_told_once_and_the_verdict_last_too():
    results = document("not allowed here")
    for each in results["requirements"]:
        each["notes"] = []
    skipped = [each["id"] for each in results["requirements"] if each["verdict"] == "skipped"]
    said = terminal(results)
    part = said.partition("\nSkipped\n")[2].partition("\n\n")[0].splitlines()
    assert part == ["  - 4 requirements: not allowed here", *(f"      {identity}" for identity in skipped)]
    assert said.strip().splitlines()[0] == said.strip().splitlines()[-1] == "NON-CONFORMANT  http://x"
    table = files.text(results, "md").decode().partition("### Inconclusive")[2]
    assert table.count("not allowed here / not allowed here") == 1
    assert table.count("`create_batch.http.") == 4


def test_a_quiet_run_says_its_verdict_once():
    assert terminal(document("x"), brief=True).count("NON-CONFORMANT") == 1


@pytest.mark.parametrize("name", ["github", "azure"])
def test_annotations_are_few_and_errors_come_first(name):
    one = document("x")["requirements"][0]
    many = [
        {**one, "id": f"create_batch.http.n{n}", "verdict": "inconclusive" if n < 60 else "violated"} for n in range(90)
    ]
    lines = files.text(document("x", requirements=many), name).decode().splitlines()
    assert len(lines) == 51
    assert all("error" in line.partition("violated")[0] for line in lines[:30])
    assert lines[-1].endswith("40 more are in the report")


def test_headers_are_cut_where_they_are_shown():
    page = html.unescape(files.text(document("y" * 60_000), "html").decode())
    shown = next(line for line in page.splitlines() if line.startswith("X-A: "))
    assert shown == f"X-A: {'y' * 299}… (60,000 characters)"


def test_a_run_tells_its_findings_in_few_words(command):
    with reference("http.get_creates") as server:
        ran = command(*at(server, "--only=http", "--only=fuzzing"), **keys(server))
    found = {each["id"]: each for each in ran.results["requirements"]}
    created = found["create_batch.http.other_methods_create_nothing"]
    assert created["verdict"] == "violated"
    assert "the valid request after: GET with a body" in created["message"]
    assert max(len(each["message"]) for each in found.values()) < 2500
    cases = [each["_case"] for each in json.loads((ran.folder / "evidence.har").read_text("utf-8"))["log"]["entries"]
             if each["_requirement"] == "create_batch.fuzzing.generated_invalid_requests_are_rejected"]  # fmt: skip
    assert cases
    for number, label in enumerate(cases, 1):
        assert label.startswith(f"case {number} (")
        assert len(label) < 60
    assert any("runCount" in label for label in cases)


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_the_help_of_an_option_is_whole_sentences(option):
    for sentence in option.help.split(". "):
        assert sentence[0].isupper() or sentence.startswith("reports/"), sentence
    assert option.help.endswith(".")
    assert len(option.help) < 100


@pytest.mark.parametrize("width", [40, 80, 120])
def test_the_list_of_commands_cuts_no_sentence(width):
    context = click.Context(cli, terminal_width=width, max_content_width=width)
    # A line may end within a word that has a hyphen.
    said = "".join(cli.get_help(context).partition("Commands:")[2].split())
    assert "..." not in said
    for command in cli.commands.values():
        assert "".join(" ".join(command.help.split()).split(". ")[0].split()) in said
