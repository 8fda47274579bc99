"""Makes plain ``pytest tests --base-url …`` a conformance run."""

pytest_plugins = ["trigger_conformance.plugin"]
