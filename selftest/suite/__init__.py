"""Tests of the checks under ``tests/``: their tables and models, their ground, and the reading that they cover."""
