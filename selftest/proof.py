"""The proof: the suite against every fault and every conforming variant, on one page.

``make proof`` (``python -m selftest.proof``) writes reports/proof.json and reports/proof.html, and fails where a
fault is missed, makes more than two findings or violates what it is not declared to, a variant is blamed or runs an
item twice, a requirement has no fault, or the suite crashes.
"""

from __future__ import annotations

import argparse
import fnmatch
import hashlib
import inspect
import json
import math
import sys
import time
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import jinja2

from selftest.trial import Trial, attempt, side_by_side
from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import operations
from trigger_conformance.checks.requirement import Level, Stage
from trigger_conformance.contract.home import ROOT
from trigger_conformance.reference.behaviours import Behaviour
from trigger_conformance.reference.registry import faults, known, variants
from trigger_conformance.verdicts.verdict import ExitStatus

REPORTS = ROOT / "reports"
PROVEN = Path(__file__).with_name("proven.json")
ALLOWED = Path(__file__).with_name("allowed.json")
MOST_FINDINGS = 2


@dataclass(frozen=True)
class Row:
    """What the run on one behaviour came to.

    ``named`` are the requirements that must catch it (none: a variant), ``warns`` those that a variant is warned of,
    ``may`` those that may catch a fault too, ``findings`` the requirements of each finding and ``titles`` its name,
    ``ran_twice`` how many items of batches started more than one run, ``shown_by`` the requests that showed it,
    ``thorough`` the operations in which only a thorough run catches it.
    """

    id: str
    sentence: str
    named: tuple[str, ...]
    status: int
    verdict: str
    caught: list[str]
    undecided: list[str]
    seconds: float
    requests: int
    warns: tuple[str, ...] = ()
    leaves: tuple[str, ...] = ()
    may: tuple[str, ...] = ()
    most: int = MOST_FINDINGS
    findings: tuple[tuple[str, ...], ...] = ()
    titles: tuple[str, ...] = ()
    ran_twice: int = 0
    shown_by: tuple[str, ...] = ()
    thorough: tuple[str, ...] = ()

    @property
    def is_fault(self) -> bool:
        """Whether it is a fault; else it is a variant."""
        return bool(self.named)

    @property
    def told_along(self) -> set[str]:
        """What says of all answers, in one finding with a named requirement, what that says of the case."""
        general = {each.id for each in catalogue() if each.stage in (Stage.CLOSING, Stage.GENERATED)}
        return {each for finding in self.findings if {*finding} & {*self.named} for each in finding if each in general}

    @property
    def beyond(self) -> list[str]:
        """What caught it though its declaration does not name it."""
        return [each for each in self.caught if each not in {*self.named, *self.told_along}]

    @property
    def missed(self) -> list[str]:
        """The operations of which no named requirement caught it."""
        return [operation for operation, named in by_operation(self.named).items() if not named & set(self.caught)]

    @property
    def complaint(self) -> str | None:
        """What is wrong with this run, if anything."""
        if self.status == ExitStatus.SUITE_ERROR or not self.verdict:
            return f"the suite ended with status {self.status}"
        if not self.is_fault:
            blamed = sorted({*self.caught, *self.undecided} ^ {*self.warns, *self.leaves})
            wanted = "inconclusive" if self.leaves else "conformant"
            if self.verdict != wanted or blamed:
                return f"{self.verdict}: {', '.join(blamed)}"
            return f"{self.ran_twice} items ran twice on a sound server" if self.ran_twice else None
        missed = self.missed
        if missed and set(self.named) & set(self.caught):
            return f"missed in {', '.join(missed)}"
        if missed:
            return f"caught by {', '.join(self.caught)} only" if self.caught else "missed"
        if len(self.findings) > self.most * len(by_operation(self.named)):
            return f"{len(self.findings)} findings of one cause: {'; '.join(self.titles)}"
        beyond = [each for each in self.beyond if not _fits(each, self.may)]
        return f"violates what it is not declared to: {', '.join(beyond)}" if beyond else None


def _fits(identity: str, allowed: Iterable[str]) -> bool:
    """Whether an allowance names it: by its id, or by a pattern, for a fault that hits this or that by chance."""
    return any(fnmatch.fnmatchcase(identity, entry) for entry in allowed)


def by_operation(requirements: Iterable[str]) -> dict[str, set[str]]:
    """Requirements by the operation that they belong to."""
    found: dict[str, set[str]] = {}
    for each in requirements:
        found.setdefault(each.partition(".")[0], set()).add(each)
    return found


def row(behaviour: Behaviour, trial: Trial) -> Row:
    """The row of one trial."""
    return Row(
        id=behaviour.id,
        sentence=behaviour.sentence,
        named=behaviour.caught_by,
        status=trial.status,
        verdict=trial.verdict,
        caught=trial.caught,
        undecided=trial.having("inconclusive"),
        seconds=trial.seconds,
        requests=trial.requests,
        warns=behaviour.warns,
        leaves=behaviour.undecided,
        **_allowance(behaviour.id),
        findings=tuple(map(tuple, trial.findings)),
        titles=tuple(trial.titles),
        ran_twice=trial.ran_twice,
        shown_by=tuple(trial.shown_by),
    )


def _allowance(identity: str) -> dict[str, Any]:
    entry = known_allowances().get(identity, {})
    return {"may": tuple(entry.get("may", ())), "most": entry.get("findings", MOST_FINDINGS)}


def known_allowances() -> dict[str, Any]:
    """What each fault may be caught by beside what its declaration names, and how many findings it may make."""
    allowances: dict[str, Any] = json.loads(ALLOWED.read_text("utf-8"))
    return allowances


def with_allowances(rows: list[Row], known: dict[str, Any]) -> dict[str, Any]:
    """``known`` with what ``rows`` came to: to be read by whoever accepts it."""
    found = dict(known)
    for each in rows:
        if each.is_fault:
            patterns = [entry for entry in each.may if "*" in entry]
            may = sorted([*patterns, *(one for one in each.beyond if not _fits(one, patterns))])
            more = {"findings": len(each.findings)} if len(each.findings) > MOST_FINDINGS else {}
            found[each.id] = {"may": may, **more}
    return {identity: entry for identity, entry in sorted(found.items()) if any(entry.values())}


def quantiles(rows: list[Row]) -> dict[str, Any]:
    """How many requirements, and how many findings, one fault makes: the median, what 95 % keep to, the most."""
    counts = {
        "requirements": sorted(len(each.caught) for each in rows),
        "findings": sorted(len(each.findings) for each in rows),
    }
    return {
        name: {"median": found[len(found) // 2], "95 %": found[math.ceil(0.95 * len(found)) - 1], "most": found[-1]}
        for name, found in counts.items()
        if found
    }


def unproven(rows: list[Row], operation: str | None = None) -> list[str]:
    """The requirements (of one operation) that can be violated and that no fault was caught by."""
    proven = {identity for each in rows if each.is_fault for identity in each.caught}
    return [each.id for each in binding(operation) if each.id not in proven]


def binding(operation: str | None = None) -> list[Any]:
    """The requirements (of one operation) that can be violated."""
    own = [each for each in catalogue() if operation is None or each.id.startswith(f"{operation}.")]
    return [each for each in own if each.level is not Level.INFO]


def digest(behaviour: Behaviour) -> str:
    """What a behaviour's code is recognised by, the bases that are no sound server's included."""
    bases = dict.fromkeys((*behaviour.server.__mro__, *behaviour.app.__mro__))
    classes = [each for each in bases if not each.__module__.endswith((".server", ".app", "builtins"))]
    try:
        source = "".join(inspect.getsource(each) for each in classes)
    except OSError:
        # Made from a table: it changes with its file.
        source = inspect.getsource(sys.modules[behaviour.server.__module__])
    return hashlib.sha256(source.encode()).hexdigest()[:16]


def operation_of(only: list[str]) -> str | None:
    """The operation that the proof is of; None where it is of all, or of some behaviours."""
    return only[0] if len(only) == 1 and only[0] in known() else None


def chosen(only: list[str], third: bool) -> list[Behaviour]:
    """All behaviours, an operation's, the named ones, or a fixed third and what changed since the last whole proof."""
    operation = operation_of(only)
    every = [*faults(operation), *variants(operation)]
    if only and not operation:
        return [each for each in every if any(each.id.startswith(entry) for entry in only)]
    if not third:
        return every
    known = json.loads(PROVEN.read_text("utf-8")) if PROVEN.exists() else {}
    return [each for each in every if zlib.crc32(each.id.encode()) % 3 == 0 or known.get(each.id) != digest(each)]


def spread(behaviours: list[Behaviour], most: int) -> list[Behaviour]:
    """At most so many of ``behaviours``, always the same of them; 0 is all."""
    if not most or len(behaviours) <= most:
        return behaviours
    print(f"{most} of {len(behaviours)} that were to be proven: a whole proof has the rest")
    kept = {each.id for each in sorted(behaviours, key=lambda each: zlib.crc32(each.id.encode()))[:most]}
    return [each for each in behaviours if each.id in kept]


def examined(behaviour: Behaviour, operation: str | None, profile: str) -> Row:
    """Run the suite on one behaviour, and tell how it went: for the operation that the proof is of, or the fault."""
    own = [operation] if operation else [*by_operation(behaviour.caught_by)]
    only = [f"--only={each}" for each in own] if len(own) == 1 else []
    trial = attempt(behaviour.id, [f"--profile={profile}", *only])
    result = with_thorough(behaviour, row(behaviour, trial))
    print(f"{'ok  ' if not result.complaint else 'FAIL'} {result.id} {result.seconds:.1f} s {result.complaint or ''}")
    sys.stdout.flush()
    if not result.verdict:
        sys.stderr.write(trial.output)
    return result


def with_thorough(behaviour: Behaviour, result: Row) -> Row:
    """``result``, to which a thorough run adds what catches a fault in frugal operations, of whose tables a run sends
    less.
    """
    frugal = [each for each in result.missed if operations()[each].frugal]
    if not frugal or not result.verdict:
        return result
    deeper = attempt(behaviour.id, ["--profile=thorough", *(f"--only={each}" for each in frugal)])
    caught = [each for each in deeper.caught if each in result.named]
    return replace(result, caught=[*result.caught, *caught], thorough=tuple(by_operation(caught)))


def document(rows: list[Row], seconds: float, complete: bool, operation: str | None = None) -> dict[str, Any]:
    """Everything that the page and the exit status are made of; ``complete`` is a proof of all, or of an operation."""
    tried, sound = [each for each in rows if each.is_fault], [each for each in rows if not each.is_fault]
    missed = [each for each in tried if not {*each.named} & {*each.caught}]
    blamed = [each for each in sound if each.complaint]
    lacking = unproven(rows, operation) if complete else []
    complaints = [f"{each.id}: {each.complaint}" for each in rows if each.complaint]
    complaints += [f"{identity}: no fault was caught by it" for identity in lacking]
    return {
        "complete": complete,
        "faults": len(tried),
        "caught": len(tried) - len(missed),
        "thorough": sum(1 for each in tried if each.thorough),
        "requirements": len(binding(operation)),
        "proven": len(binding(operation)) - len(unproven(rows, operation)),
        "variants": len(sound),
        "false_alarms": len(blamed),
        "quantiles": quantiles(tried),
        "seconds": round(seconds, 1),
        "requests": sum(each.requests for each in rows),
        "complaints": complaints,
        "rows": [{**asdict(each), "complaint": each.complaint} for each in rows],
    }


def page(proof: dict[str, Any], operation: str | None = None) -> str:
    """proof.html: self-contained."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("proof.html.jinja").render(proof=proof, requirements=binding(operation))


def main() -> int:
    """Run, write both files, print what is wrong; 1 where anything is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="ID", help="an operation, or behaviours: their ids' beginnings"
    )
    parser.add_argument("--third", action="store_true", help="a fixed third, and what changed since the whole proof")
    parser.add_argument("--most", type=int, default=0, metavar="N", help="of what is chosen N at most, spread by id")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="of what is chosen every N-th only")
    parser.add_argument("--allow", action="store_true", help="write what was found into allowed.json, to be read")
    parser.add_argument("--jobs", type=int, default=3, help="at a time; a run waits more than it computes")
    parser.add_argument("--profile", default="standard")
    arguments = parser.parse_args()
    began = time.monotonic()
    behaviours = spread(chosen(arguments.only, arguments.third)[:: arguments.every], arguments.most)
    operation = operation_of(arguments.only)
    rows = side_by_side(lambda each: examined(each, operation, arguments.profile), behaviours, lanes=arguments.jobs)
    complete = (operation is not None or not arguments.only) and not arguments.third and arguments.every == 1
    complete = complete and not arguments.most
    if arguments.allow:
        ALLOWED.write_text(json.dumps(with_allowances(rows, known_allowances()), indent=1) + "\n", "utf-8")
        rows = [replace(each, **_allowance(each.id)) for each in rows]
    proof = document(rows, time.monotonic() - began, complete, operation)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "proof.json").write_text(json.dumps(proof, indent=1), "utf-8")
    (REPORTS / "proof.html").write_text(page(proof, operation), "utf-8")
    if complete and not operation and not proof["complaints"]:
        PROVEN.write_text(json.dumps({each.id: digest(each) for each in behaviours}, indent=0) + "\n", "utf-8")
    print(
        f"{proof['caught']} of {proof['faults']} faults caught, {proof['thorough']} of them in some operation by "
        f"thorough runs alone, {proof['proven']} of {proof['requirements']} requirements proven, "
        f"{proof['false_alarms']} false alarms on {proof['variants']} variants, "
        f"{proof['seconds']:.0f} s{'' if complete else ' (a part of the whole)'}: {REPORTS / 'proof.html'}"
    )
    for name, found in proof["quantiles"].items():
        print(f"  {name} of one fault: " + ", ".join(f"{word} {number}" for word, number in found.items()))
    for complaint in proof["complaints"]:
        print(f"  {complaint}")
    return 1 if proof["complaints"] else 0


if __name__ == "__main__":
    sys.exit(main())
