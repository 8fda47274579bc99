"""Answers: what success says."""

from trigger_conformance.checks.expect import expect
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, Stage, must
from trigger_conformance.contract.quoting import quoted


@must("a 200 says that success is true", clause="Succeeded.success", profile=Profile.SMOKE, stage=Stage.CLOSING)
def test_success_is_true(target, traffic):
    def judge(exchange):
        said = exchange.answer.document.get("success")
        return None if said is True else Problem(f"expected success true, got {quoted(said)}", "success")

    expect(each for each in traffic if target.operation.made(each)).satisfies(judge)
