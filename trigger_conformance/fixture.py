"""A pytest fixture for other projects' test suites: ``pytest_plugins = ["trigger_conformance.fixture"]``."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from trigger_conformance.library import Results, run


@pytest.fixture
def conformance(tmp_path: Path) -> Callable[..., Results]:
    """Runs the suite as ``trigger_conformance.run`` does, with reports in the test's own temporary folder."""
    return partial(run, report_dir=tmp_path / "conformance")
