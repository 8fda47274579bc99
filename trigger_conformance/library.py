"""The way in for programs: a run of the suite as a call, for those whose tests start a server themselves."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trigger_conformance.checks.operation import CHECKS, OPENAPI
from trigger_conformance.options.options import BY_DEST, Option, is_flag
from trigger_conformance.options.target import UsageError
from trigger_conformance.report import files
from trigger_conformance.runs.subrun import NoResultsError, run_apart

# Told by other ways than the command line, or by the call itself.
_OWN = ("base_url", "api_key", "second_api_key", "report_dir")
# Those of the calling program are none of the run's.
_NO_PLACES = {CHECKS: "", OPENAPI: ""}


@dataclass(frozen=True)
class Results:
    """What a run found: the results ``document`` (docs, "results.json") and the folder of its reports."""

    document: Mapping[str, Any]
    report_dir: Path

    @property
    def verdict(self) -> str:
        """The run's verdict: "conformant", "non-conformant" or "inconclusive"."""
        return str(self.document["verdict"])

    @property
    def exit_status(self) -> int:
        """What the command line would have ended with: 0 where all is well."""
        return int(self.document["exit_status"])

    def with_verdict(self, *verdicts: str) -> list[Mapping[str, Any]]:
        """The requirements that came to one of ``verdicts``, such as "violated"."""
        return [each for each in self.document["requirements"] if each["verdict"] in verdicts]

    def expect_conformant(self) -> None:
        """Raise AssertionError, with what to mend, unless the run ended well (exit status 0)."""
        if self.exit_status == 0:
            return
        told = [f"{each['id']}: {each['message']}" for each in self.with_verdict("violated", "inconclusive")]
        why = [self.document["halted"]] if self.document["halted"] else [*self.document["wrong_waivers"], *told]
        raise AssertionError("\n".join([f"the target is {self.verdict}", *why, f"reports: {self.report_dir}"]))


def run(
    base_url: str, api_key: str, *, second_api_key: str | None = None, report_dir: Path | str | None = None,
    **options: Any,
) -> Results:  # fmt: skip
    """Run the suite against ``base_url`` and return what it found.

    ``options`` are those of ``trigger-conformance run`` with ``_`` for ``-``: ``profile="smoke"``,
    ``press_rate_limit=True``, ``only=["idempotency"]``. Neither the environment nor a conformance.toml adds any. The
    suite runs in a process of its own. Raises UsageError with one line where an option cannot be used.
    """
    arguments = [argument for name, value in options.items() for argument in _arguments(name, value)]
    folder = Path(report_dir).resolve() if report_dir is not None else Path(tempfile.mkdtemp(prefix="conformance-"))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / files.RESULTS).unlink(missing_ok=True)
    given = [f"--base-url={base_url}", *arguments]
    try:
        document = run_apart(given, api_key, second_api_key, folder, _NO_PLACES, nearby=False)
    except NoResultsError as error:
        if report_dir is None:
            shutil.rmtree(folder, ignore_errors=True)
        raise UsageError(str(error).removeprefix("error: ")) from None
    return Results(document, folder)


def _arguments(name: str, value: Any) -> Iterable[str]:
    option = BY_DEST.get(name)
    if option is None or name in _OWN or name == "target":
        raise UsageError(f"run: there is no option {name!r}; see trigger-conformance run --help")
    if value is None:
        return []
    if is_flag(option):
        return [f"--{option.name}" if value else f"--no-{option.name}"]
    # A header's name and value are one.
    one = not option.many or isinstance(value, str | Path) or (name == "header" and isinstance(value, tuple))
    values = [value] if one else value
    return [f"--{option.name}={_text(option, each)}" for each in values]


def _text(option: Option, value: Any) -> str:
    if option.name == "header" and isinstance(value, tuple):
        return ": ".join(value)
    # The run is made in its own folder.
    return os.path.abspath(value) if option.metavar in ("FILE", "DIR") else str(value)
