"""Contract and conformance test suite for the Trigger.dev API.

``trigger_conformance.run(base_url=…, api_key=…)`` runs it and returns its ``Results``.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.12.4"

_LIBRARY = ("Results", "UsageError", "run")


def __getattr__(name: str) -> Any:
    # The command line and every worker import this, too, and need none of it.
    if name not in _LIBRARY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module("trigger_conformance.library"), name)
