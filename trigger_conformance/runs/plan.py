"""What a run would send: a rehearsal of the same options on the reference server, beside the budget's ceilings."""

from __future__ import annotations

import os
import re
import tempfile
import textwrap
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from trigger_conformance.checks.catalogue import Selection, catalogue
from trigger_conformance.checks.operation import operations
from trigger_conformance.options.options import stated
from trigger_conformance.options.settings import Settings, check_names
from trigger_conformance.options.target import Target, usually_stated
from trigger_conformance.reference.process import ReferenceProcess
from trigger_conformance.reference.settings import set_up_for, stated_of
from trigger_conformance.runs.clearing import is_removable
from trigger_conformance.runs.removal import most_requests
from trigger_conformance.runs.station import Shared, Station
from trigger_conformance.runs.subrun import NoResultsError, run_apart
from trigger_conformance.verdicts.verdict import Verdict
from trigger_conformance.wire.budget import Budget

_OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]*)")
_WIDTH = 108
_WARNINGS = "PYTHONWARNINGS"
_UNTOLD = "ignore:The HMAC key is"


def forecast(settings: Settings) -> str:
    """The plan of a run with ``settings``, as text. Nothing is sent to the target.

    Raises UsageError where ``--only`` names nothing that there is, and RuntimeError where the rehearsal fails.
    """
    check_names(settings.only, catalogue())
    rehearsal = _rehearse(settings)
    tested = [each for each in rehearsal["operations"] if not operations()[each["id"]].lacking(_stated(rehearsal))]
    template = settings.template
    removable = _removable(replace(template, stated=_stated(rehearsal)), [each["id"] for each in tested])
    limited = "several 429 for the credential in use" if template.press_rate_limit else "none on purpose"
    where = settings.target.base_url if settings.target else "the built-in reference server"
    return "\n".join([
        f"A run against {where}, profile {template.profile.name.lower()}; nothing has been sent to it.",
        "",
        *_figures(settings.budget, rehearsal, tested, removable),
        "",
        f"rate limit: {limited}",
        "Expected is what a rehearsal on the reference server needed; a slower or tighter target takes longer, and",
        "requests that it answers 429 are sent again, within the ceilings.",
        *_skipped(rehearsal),
        *(told for each in tested if (told := operations()[each["id"]].aftermath)),
        *_removal([each["things"] for each in tested if each["id"] in removable]),
        *_names(tested),
    ])  # fmt: skip


def _figures(
    budget: Budget, rehearsal: Mapping[str, Any], tested: Sequence[Mapping[str, Any]], removable: Collection[str]
) -> list[str]:
    """The table: what the rehearsal needed, beside what a run with this ``budget`` may spend at most."""
    seconds, removing = rehearsal["duration_s"], rehearsal["removal_requests"]
    started = sum(each["started"] for each in tested)
    wanting = len(_wanting(rehearsal))
    most_removing = most_requests(budget.requests) if removable else 0
    if budget.per_second:
        seconds = max(seconds, rehearsal["requests"] / budget.per_second)
    return [
        f"{'':22}{'expected':>10}{'at most':>10}",
        f"{'requests':22}{rehearsal['requests']:>10}{budget.requests + most_removing:>10}",
        *([f"{'  to remove things':22}{removing:>10}{most_removing:>10}"] if removable else []),
        *(f"{each['things'] + ' left behind':22}{_left(each, rehearsal, removable):>10}{budget.requests:>10}"
          for each in tested),
        f"{'runs':22}{rehearsal['runs']:>10}{budget.runs:>10}",
        *([f"{'  of them started':22}{started:>10}{budget.runs:>10}"] if started else []),
        f"{'seconds':22}{seconds:>10.0f}{budget.seconds:>10g}",
        f"{'checks':22}{len(rehearsal['requirements']) - wanting:>10}",
        *([f"{'  skipped, see below':22}{wanting:>10}"] if wanting else []),
    ]  # fmt: skip


def _stated(rehearsal: Mapping[str, Any]) -> dict[str, Any]:
    """What the rehearsal stated of its target."""
    return {name: rehearsal["target"]["options"][name] for name in usually_stated()}


def _wanting(rehearsal: Mapping[str, Any]) -> list[list[str]]:
    """The options for want of which checks are skipped, a list for each such check."""
    given = {name for name, value in rehearsal["target"]["options"].items() if value}
    skipped = (each["message"] for each in rehearsal["requirements"] if each["verdict"] == Verdict.SKIPPED)
    named = ([name for name in _OPTION.findall(why) if name.replace("-", "_") not in given] for why in skipped)
    return [[f"--{name}" for name in names] for names in named if names]


def _skipped(rehearsal: Mapping[str, Any]) -> list[str]:
    """What has to be given for more to be judged, in one sentence."""
    options = dict.fromkeys(option for each in _wanting(rehearsal) for option in each)
    told = f"Skipped for want of an option: {', '.join(options)}."
    return textwrap.wrap(told, _WIDTH, break_on_hyphens=False) if options else []


def _names(tested: Iterable[Mapping[str, Any]]) -> list[str]:
    """How what a run makes is called."""
    beginnings = dict.fromkeys(operations()[each["id"]].beginning("<run id>") for each in tested)
    return [f"All but a few keys and names begin with {' or '.join(beginnings)}."] if beginnings else []


def _left(operation: Mapping[str, Any], rehearsal: Mapping[str, Any], removable: Collection[str]) -> int:
    """How many of an operation's things stay: all that were made where there is no way to remove them."""
    if operation["id"] not in removable:
        return int(operation["made"])
    return sum(each["operation"] == operation["id"] for each in rehearsal["left_behind"])


def _removable(target: Target, tested: Iterable[str]) -> frozenset[str]:
    """Those of the ``tested`` operations whose things the contract has a way to remove. Nothing is sent."""
    with tempfile.TemporaryDirectory(prefix="trigger-conformance-") as folder:
        station = Station(_unused(target, Path(folder)), create=True)
        try:
            return frozenset(each for each in tested if is_removable(station.client(each)))
        finally:
            station.close()


def _unused(target: Target, folder: Path) -> Shared:
    """What a station needs that never sends."""
    return Shared(
        target=target,
        budget=Budget(requests=0, runs=0, seconds=0),
        ledger=folder / "ledger.sqlite",
        report_dir=folder,
        strict=False,
        selection=Selection((), None, target.profile),
        waivers=(),
        today=datetime.now(UTC).date(),
    )


def _removal(things: Sequence[str]) -> list[str]:
    """What becomes of the ``things`` that a run makes and the contract has a way to remove."""
    if not things:
        return []
    return [
        f"At its end, also where it is interrupted, the run removes its {' and '.join(things)}, with a budget of its",
        "own. What it could not remove it tells; trigger-conformance clean finds that later, and removes it on --yes.",
    ]


def _rehearse(settings: Settings) -> dict[str, Any]:
    reference = _reference(settings).wait_until_ready()
    try:
        with tempfile.TemporaryDirectory(prefix="trigger-conformance-") as folder:
            return _results(settings, reference, Path(folder))
    finally:
        reference.stop()


def _reference(settings: Settings) -> ReferenceProcess:
    """The server of the rehearsal, which keeps to itself what pyjwt thinks of the keys of forged tokens."""
    before = os.environ.get(_WARNINGS)
    os.environ[_WARNINGS] = ",".join(filter(None, [before, _UNTOLD]))
    try:
        return ReferenceProcess.start(set_up_for(settings.template.stated))
    finally:
        if before is None:
            del os.environ[_WARNINGS]
        else:
            os.environ[_WARNINGS] = before


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
