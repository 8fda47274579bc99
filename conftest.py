"""Makes plain ``pytest tests --base-url …`` a conformance run."""

from importlib.metadata import PackageNotFoundError, version

import pytest

try:
    version("trigger-conformance")
    pytest_plugins = ["trigger_conformance.plugin"]
except PackageNotFoundError:

    def pytest_addoption() -> None:
        # Options are read before anything else could be said, and those of a run are unknown here.
        raise pytest.UsageError(
            "this pytest is of an environment without the suite: make conformance, then source .venv/bin/activate"
        )
