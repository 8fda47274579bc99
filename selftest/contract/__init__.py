"""Tests of what a target is held to: documents, clauses, what a target tells as a value."""
