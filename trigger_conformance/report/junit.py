"""junit.xml from a results document, in the form that pytest writes for a run of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

FILE = "junit.xml"
_FAILED = ("violated", "inconclusive")
_SKIPPED = ("skipped", "waived")
# What XML 1.0 cannot hold, not even as a reference (section 2.2).
_NO_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write(results: Mapping[str, Any], path: Path) -> None:
    """Write one test case a requirement."""
    requirements = results["requirements"]
    verdicts = [each["verdict"] for each in requirements]
    suite = ElementTree.Element(
        "testsuite",
        name="conformance",
        tests=str(len(verdicts)),
        errors="0",
        failures=str(sum(verdict in _FAILED for verdict in verdicts)),
        skipped=str(sum(verdict in _SKIPPED for verdict in verdicts)),
        time=f"{results['duration_s']:.3f}",
        timestamp=results["started_at"],
    )
    for each in requirements:
        _case(suite, each)
    root = ElementTree.Element("testsuites", name="conformance")
    root.append(suite)
    ElementTree.ElementTree(root).write(path, "utf-8", xml_declaration=True)


def _case(suite: ElementTree.Element, requirement: Mapping[str, Any]) -> None:
    area, _, name = requirement["id"].rpartition(".")
    operation, _, file = area.partition(".")
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"tests.{operation}.test_{file}",
        name=f"test_{name}",
        time=f"{requirement['duration_s']:.3f}",
    )
    verdict, message = requirement["verdict"], requirement["message"]
    if verdict in _FAILED:
        said = _NO_XML.sub("�", f"{verdict}: {requirement['statement']}\n{message}")
        ElementTree.SubElement(case, "failure", message=said.partition("\n")[0]).text = said
    elif verdict in _SKIPPED:
        waived = requirement["waiver"] and f"waived: {requirement['waiver']['reason']}"
        ElementTree.SubElement(case, "skipped", message=_NO_XML.sub("�", waived or message))
