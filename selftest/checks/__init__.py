"""Tests of what a check speaks: ground and statement, operations, checks of the user's own."""
