"""Tests of the reports: whole, bounded, safe against what a target says, and pasted."""
