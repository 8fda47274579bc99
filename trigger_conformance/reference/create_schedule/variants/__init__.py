"""Conforming variants of schedules alone."""
