"""Which operations the reference server has, told without loading it."""

from __future__ import annotations

from pathlib import Path

from trigger_conformance.checks.operation import operations, suites

HERE = Path(__file__).parent


def mounted() -> list[str]:
    """The ids of the operations that have a server: in a folder of their own here, or beside their declaration."""
    places = (HERE, *suites()[1:])
    return [each for each in operations() if any((place / each / "server.py").is_file() for place in places)]
