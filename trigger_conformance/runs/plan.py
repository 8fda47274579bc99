"""What a run would send: a rehearsal of the same options on the reference server, beside the budget's ceilings."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trigger_conformance.checks.operation import operations
from trigger_conformance.options.options import stated
from trigger_conformance.options.settings import Settings
from trigger_conformance.reference.process import ReferenceProcess
from trigger_conformance.reference.settings import set_up_for, stated_of
from trigger_conformance.runs.removal import most_requests
from trigger_conformance.runs.subrun import NoResultsError, run_apart


def forecast(settings: Settings) -> str:
    """The plan of a run with ``settings``, as text. Nothing is sent to the target. Raises RuntimeError."""
    rehearsal = _rehearse(settings)
    budget, template = settings.budget, settings.template
    seconds, removing = rehearsal["duration_s"], rehearsal["removal_requests"]
    started = sum(each["started"] for each in rehearsal["operations"])
    most_removing = most_requests(budget.requests) if removing else 0
    if budget.per_second:
        seconds = max(seconds, rehearsal["requests"] / budget.per_second)
    limited = "several 429 for the credential in use" if template.press_rate_limit else "none on purpose"
    where = settings.target.base_url if settings.target else "the built-in reference server"
    lines = [
        f"A run against {where}, profile {template.profile.name.lower()}; nothing has been sent to it.",
        "",
        f"{'':22}{'expected':>10}{'at most':>10}",
        f"{'requests':22}{rehearsal['requests']:>10}{budget.requests + most_removing:>10}",
        *([f"{'  to remove things':22}{removing:>10}{most_removing:>10}"] if removing else []),
        *(f"{each['things'] + ' left behind':22}{_left(each, rehearsal):>10}{budget.requests:>10}"
          for each in rehearsal["operations"]),
        f"{'runs':22}{rehearsal['runs']:>10}{budget.runs:>10}",
        *([f"{'  of them started':22}{started:>10}{budget.runs:>10}"] if started else []),
        f"{'seconds':22}{seconds:>10.0f}{budget.seconds:>10g}",
        f"{'checks':22}{len(rehearsal['requirements']):>10}",
        "",
        f"rate limit: {limited}",
        "Expected is what a rehearsal on the reference server needed; a slower or tighter target takes longer, and",
        "requests that it answers 429 are sent again, within the ceilings.",
        *(told for each in rehearsal["operations"] if (told := operations()[each["id"]].aftermath)),
        *_removal(rehearsal),
        f"All but a few keys and names begin with {_beginnings(rehearsal)}.",
    ]  # fmt: skip
    return "\n".join(lines)


def _beginnings(rehearsal: Mapping[str, Any]) -> str:
    """How what a run makes is called."""
    tested = (operations()[each["id"]] for each in rehearsal["operations"])
    return " or ".join(dict.fromkeys(each.beginning("<run id>") for each in tested))


def _left(operation: Mapping[str, Any], rehearsal: Mapping[str, Any]) -> int:
    """How many of an operation's things stay: all that were made where there is no way to remove them."""
    left = [each for each in rehearsal["left_behind"] if each["operation"] == operation["id"]]
    return len(left) if left or operation["removed"] else int(operation["made"])


def _removal(rehearsal: Mapping[str, Any]) -> list[str]:
    """What becomes of what a run makes, where the contract has a way to remove it."""
    removed = [each["things"] for each in rehearsal["operations"] if each["removed"]]
    if not removed:
        return []
    return [
        f"At its end, also where it is interrupted, the run removes its {' and '.join(removed)}, with a budget of its",
        "own. What it could not remove it tells; trigger-conformance clean finds that later, and removes it on --yes.",
    ]


def _rehearse(settings: Settings) -> dict[str, Any]:
    reference = ReferenceProcess.start(set_up_for(settings.template.stated)).wait_until_ready()
    try:
        with tempfile.TemporaryDirectory(prefix="trigger-conformance-") as folder:
            return _results(settings, reference, Path(folder))
    finally:
        reference.stop()


def _results(settings: Settings, reference: ReferenceProcess, folder: Path) -> dict[str, Any]:
    keys = reference.settings
    second = keys.second_api_key if settings.template.second_api_key is not None else None
    # The built-in server states more of itself than a user does.
    known = settings.template.stated if settings.target else stated_of(keys, settings.template.stated)
    options = [f"--base-url={reference.base_url}", *_options(settings, known)]
    try:
        return run_apart(options, keys.api_key, second, folder)
    except NoResultsError as error:
        raise RuntimeError(f"the rehearsal did not come to its end: {error}") from error


def _options(settings: Settings, known: Mapping[str, Any]) -> list[str]:
    template, budget = settings.template, settings.budget
    options = [
        f"--profile={template.profile.name.lower()}",
        *(f"--{each.name}={value}" for each in stated() if (value := known[each.dest]) is not None),
        "--press-rate-limit" if template.press_rate_limit else "--no-press-rate-limit",
        f"--press-requests={template.press_requests}",
        f"--seed={template.seed}",
        f"--max-requests={budget.requests}",
        f"--max-runs={budget.runs}",
        f"--max-seconds={budget.seconds}",
        *(f"--only={entry}" for entry in settings.only),
    ]
    options += ["--shared-key"] if template.shared_key else []
    options += [f"--level={settings.level.lower()}"] if settings.level else []
    options += [f"--shard={settings.shard}"] if settings.shard else []
    if template.idempotency_wait is not None:
        options.append(f"--idempotency-wait={template.idempotency_wait}")
    return options
