"""Conforming variants of environment variables alone."""
