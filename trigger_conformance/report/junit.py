"""junit.xml from a results document: a test case a requirement, whatever became of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from xml.etree import ElementTree

from trigger_conformance.contract.quoting import bounded, harmless, lines, visible
from trigger_conformance.report.telling import Trouble, titles, troubles, why

FILE = "junit.xml"
# What the common form calls a verdict; the others are passes.
_OUTCOME = {"violated": "failure", "inconclusive": "error", "skipped": "skipped", "waived": "skipped"}
_LONGEST_PROPERTY = 1000
_COUNTED = {"failure": "failures", "error": "errors", "skipped": "skipped"}


def text(results: Mapping[str, Any]) -> str:
    """The document: each requirement is a case of its own, and so is what is wrong with the run itself.

    Violated ones are failures, undecided ones errors, what a finding keeps from being judged is skipped; a warning
    passes, and is told in the case's properties.
    """
    named = titles(results)
    cases = [_of_requirement(each, named.get(each["id"], ())) for each in results["requirements"]]
    cases += [_of_trouble(each, number) for number, each in enumerate(troubles(results), 1)]
    counts = Counter(each.tag for case in cases for each in case)
    numbers = {name: str(counts[tag]) for tag, name in _COUNTED.items()}
    numbers |= {"tests": str(len(cases)), "time": f"{results['duration_s']:.3f}"}
    root = ElementTree.Element("testsuites", {"name": "conformance", **numbers})
    facts = {"name": "conformance", "timestamp": results["started_at"], **numbers}
    suite = ElementTree.SubElement(root, "testsuite", facts)
    suite.extend(cases)
    ElementTree.indent(root, "")
    document = ElementTree.tostring(root, "unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{harmless(lines(document), "&#58;", "&#35;")}\n'


def _of_requirement(requirement: Mapping[str, Any], findings: Sequence[str]) -> ElementTree.Element:
    verdict, identity = requirement["verdict"], requirement["id"]
    took = f"{requirement['duration_s']:.3f}"
    case = ElementTree.Element("testcase", classname=identity.rpartition(".")[0], name=identity, time=took)
    properties = ElementTree.SubElement(case, "properties")
    for name, value in (*_facts(requirement), *(("finding", each) for each in findings)):
        ElementTree.SubElement(properties, "property", name=name, value=visible(value))
    said = bounded(why(requirement))
    if tag := outcome_of(requirement):
        message = said.partition("\n")[0] if tag == "skipped" else f"{verdict}: {requirement['statement']}"
        outcome = ElementTree.SubElement(case, tag, message=f"waived {message}" if verdict == "waived" else message)
        if tag != "skipped":
            outcome.text = f"{message}\n{said}"
    told = [
        f"{verdict}: {requirement['statement']}",
        *(f"finding: {visible(each)}" for each in findings),
        said,
        *map(visible, requirement["notes"]),
        _shown(requirement),
    ]
    ElementTree.SubElement(case, "system-out").text = "\n".join(line for line in told if line)
    return case


def outcome_of(requirement: Mapping[str, Any]) -> str | None:
    """What the common form calls a requirement's verdict, or None where it passes."""
    if requirement["verdict"] == "inconclusive" and requirement.get("rests_on"):
        return "skipped"
    return _OUTCOME.get(requirement["verdict"])


def _facts(requirement: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "requirement", requirement["id"]
    yield "level", requirement["level"]
    yield "clause", requirement["clause"]["name"]
    yield "verdict", requirement["verdict"]
    # A longer one is in the case's output; a property is shown on a line.
    if (shown := _shown(requirement)) and len(shown) <= _LONGEST_PROPERTY:
        yield "curl", shown
    if requirement["verdict"] == "warned":
        yield "warning", requirement["message"].partition("\n")[0]


def _shown(requirement: Mapping[str, Any]) -> str:
    return visible(requirement["evidence"][0]["curl"]) if requirement["evidence"] else ""


def _of_trouble(trouble: Trouble, number: int) -> ElementTree.Element:
    """What is wrong with the run: waivers that are not true fail it, anything else is an error."""
    case = ElementTree.Element("testcase", classname="run", name=f"{trouble.rule} {number}", time="0.000")
    tag = "failure" if trouble.rule == "waiver-no-longer-true" else "error"
    message = bounded(trouble.message)
    ElementTree.SubElement(case, tag, message=message.partition("\n")[0]).text = message
    return case
