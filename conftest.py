"""Makes plain ``pytest tests --base-url …`` a conformance run."""

from importlib.metadata import PackageNotFoundError, version

import pytest

try:
    version("trigger-conformance")
    pytest_plugins = ["trigger_conformance.plugin"]
except PackageNotFoundError:

    def pytest_addoption() -> None:
        """Refuse, with the remedy, before the options of a run are refused as unknown."""
        raise pytest.UsageError(
            "this pytest is of an environment without the suite: make conformance, then source .venv/bin/activate"
        )
