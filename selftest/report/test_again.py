"""The command that judges a requirement again: every value as the run had it."""

import shlex

import pytest

from trigger_conformance.options.settings import gather
from trigger_conformance.report import again
from trigger_conformance.report.results import _options

ONE = "create_batch.run_count.one_is_accepted"
URL = {"base_url": "https://x.example", "api_key": "tr_dev_key"}


def told(**options):
    """The command of a run with these in its results."""
    target = {"base_url": URL["base_url"], "options": options}
    document = {"target": target, "profile": "smoke", "seed": 1, "requirements": [], "timeline": []}
    return shlex.split(again.command(document, ONE))


def given(line):
    """What the command's options are read as."""
    pairs = zip(line[2::2], line[3::2], strict=True)
    return {name.removeprefix("--").replace("-", "_"): value for name, value in pairs}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_run_count", 1_000_000), ("max_run_count", 1_234_567), ("max_run_count", 7),
        ("press_requests", 12_345_678),
        ("timeout_s", 0.1234567), ("timeout_s", 1_234_567.5), ("timeout_s", 7.0), ("idempotency_wait_s", 1e-05),
        ("idempotency_wait_s", 0.0), ("requests_per_second", 100_000_000.0),
    ],
)  # fmt: skip
def test_numbers_are_told_whole(tmp_path, name, value):
    options = {**URL, **given(told(**{name: value}))}
    found = gather({**options, "only": (options["only"],)}, {}, tmp_path)
    target = found.target
    read = {
        **target.stated, "press_requests": target.press_requests, "timeout_s": target.timeout,
        "idempotency_wait_s": target.idempotency_wait, "requests_per_second": found.budget.per_second,
    }  # fmt: skip
    assert read[name] == value


def test_what_is_usual_is_not_told():
    assert set(given(told(timeout_s=10.0, press_requests=300, max_run_count=1000))) == {
        "only", "base_url", "profile", "seed",
    }  # fmt: skip


def test_certificates_to_trust_are_told_and_are_in_the_results(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own ca.pem").write_text("", "utf-8")
    found = gather({**URL, "base_url": "http://x.example", "ca_bundle": "own ca.pem"}, {}, tmp_path)
    options = _options(found.target, found)
    assert options["ca_bundle"] == "own ca.pem"
    assert given(told(ca_bundle=options["ca_bundle"]))["ca_bundle"] == "own ca.pem"
