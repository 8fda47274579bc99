"""Allure: labels of a requirement, and its exchanges as an attachment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import allure
import pytest
from allure_commons import hookimpl, plugin_manager

from trigger_conformance.checks.requirement import Level, Requirement
from trigger_conformance.contract.contract import Clause
from trigger_conformance.contract.quoting import shortened
from trigger_conformance.report.curl import FRESH, Way, curl_line, is_fresh
from trigger_conformance.report.results import headers_shown
from trigger_conformance.wire.exchange import Exchange
from trigger_conformance.wire.redaction import Redactor

_MOST_EXCHANGES = 20
_LARGEST_BODY, _LARGEST_HEADERS = 2000, 8000
_SEVERITY = {
    Level.MUST: allure.severity_level.CRITICAL,
    Level.SHOULD: allure.severity_level.NORMAL,
    Level.INFO: allure.severity_level.TRIVIAL,
}


def label(item: pytest.Item, requirement: Requirement, clause: Clause, documentation: str) -> None:
    """Label the running Allure test with its requirement, level and clause; ``documentation`` is the contract's URL."""
    # Title and description are read off the item once its setup is over, whatever was said during it.
    allure.title(requirement.statement)(item.function)  # type: ignore[attr-defined]
    item.add_marker(pytest.mark.allure_description(f"{clause.name}: {clause.text}"))
    allure.dynamic.severity(_SEVERITY[requirement.level])
    allure.dynamic.feature(requirement.area)
    allure.dynamic.label("requirement", requirement.id)
    allure.dynamic.label("level", str(requirement.level))
    allure.dynamic.label("clause", clause.name)
    is_url = clause.pointer.startswith("https://")
    allure.dynamic.link(clause.pointer if is_url else documentation + clause.pointer, name=clause.name)


class LastWord:
    """Sees what Allure writes of a test or fixture last: exceptions quote a target, which is neither clean nor tame."""

    def __init__(self, readable: Callable[[str], str]) -> None:
        self._readable = readable

    @hookimpl(tryfirst=True)
    def report_result(self, result: Any) -> None:
        """Clean a test's result."""
        self._clean(result)

    @hookimpl(tryfirst=True)
    def report_container(self, container: Any) -> None:
        """Clean what is told of fixtures."""
        for fixture in (*container.befores, *container.afters):
            self._clean(fixture)

    def _clean(self, told: Any) -> None:
        for step in told.steps:
            self._clean(step)
        if details := told.statusDetails:
            details.message = details.message and self._readable(details.message)
            details.trace = details.trace and self._readable(details.trace)


def have_last_word(readable: Callable[[str], str]) -> None:
    """Have every message that Allure writes pass through ``readable``."""
    name = "trigger-conformance"
    if plugin_manager.has_plugin(name):
        plugin_manager.unregister(name=name)
    plugin_manager.register(LastWord(readable), name)


def attach_exchanges(exchanges: Sequence[Exchange], way: Way, redactor: Redactor) -> None:
    """Attach what the running test sent and got; ``redactor`` sees the text last."""
    if not exchanges:
        return
    shown = "\n\n".join(transcript(exchange, way) for exchange in exchanges[:_MOST_EXCHANGES])
    more = len(exchanges) - _MOST_EXCHANGES
    text = shown + (f"\n\n… and {more} more" if more > 0 else "")
    name = f"{len(exchanges)} exchange{'s' if len(exchanges) > 1 else ''}"
    allure.attach(redactor.text(text), name=name, attachment_type=allure.attachment_type.TEXT)


def transcript(exchange: Exchange, way: Way) -> str:
    """One exchange as text: the curl line, then what came back."""
    label = f" {exchange.request.label}" if exchange.request.label else ""
    line = curl_line(exchange.request, way)
    fresh = [FRESH] if is_fresh(line) else []
    lines = [f"#{exchange.number}{label}", *fresh, line, exchange.outcome]
    if exchange.answer is not None:
        headers = "\n".join(f"{name}: {value}" for name, value in headers_shown(exchange.answer))
        body = exchange.answer.body[:_LARGEST_BODY].decode("utf-8", "backslashreplace")
        lines += [shortened(headers, _LARGEST_HEADERS), "", body]
    return "\n".join(lines)
