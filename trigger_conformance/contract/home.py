"""Where the suite and the contract lie: beside this package in a checkout, inside it where it was installed."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
_PACKED = _PACKAGE / "packed"

ROOT = _PACKED if _PACKED.is_dir() else _PACKAGE.parent
SUITE = ROOT / "tests"
DOCUMENTS = ROOT / "openapi"
