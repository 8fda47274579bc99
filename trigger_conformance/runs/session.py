"""A run as a pytest session of its own, out of reach of whatever pytest configuration and plug-ins lie around."""

from __future__ import annotations

import os
from dataclasses import dataclass

from trigger_conformance.contract.home import ROOT, SUITE
from trigger_conformance.options.settings import Settings

# A user's own pytest.ini, conftest.py and plug-ins (which reorder, rerun, time out) have no say in a verdict.
_ARGUMENTS = (
    "-c", os.devnull, f"--rootdir={ROOT}", f"--confcutdir={SUITE}",
    "-p", "no:cacheprovider", "-p", "xdist.plugin", "-p", "allure_pytest.plugin", "-p", "trigger_conformance.plugin",
    "-qq", "--no-header", "--assert=plain", "-W", "ignore",
)  # fmt: skip
_NOT_OURS = ("PYTEST_ADDOPTS", "PYTEST_PLUGINS")


@dataclass(frozen=True)
class Prepared:
    """A run's settings, read before pytest began; a pytest plug-in only so that it is handed on."""

    settings: Settings


def conduct(settings: Settings, *plugins: object) -> int:
    """Run the suite with ``settings``; returns the exit status. ``plugins`` are further pytest plug-ins."""
    import pytest
    from platformdirs import user_cache_dir

    # Hypothesis keeps a table of all characters, which takes a second to make; not in the folder that a run is made in.
    os.environ.setdefault("HYPOTHESIS_STORAGE_DIRECTORY", user_cache_dir("trigger-conformance"))
    # What it would load from whatever else is installed takes a tenth of a second, and has no say in a run.
    os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")
    for variable in _NOT_OURS:
        os.environ.pop(variable, None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return int(pytest.main([*_ARGUMENTS, str(SUITE)], [Prepared(settings), *plugins]))
