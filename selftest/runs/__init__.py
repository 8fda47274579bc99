"""Tests of whole runs: their ends, parts, lanes, campaigns, attestations, and what they leave behind."""
