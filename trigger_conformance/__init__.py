"""Contract and conformance test suite for the Trigger.dev API."""

__version__ = "0.3.0"
