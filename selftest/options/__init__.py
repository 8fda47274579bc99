"""Tests of what the user says: options, conformance.toml, names that are almost right."""
