"""Conforming variants of any operation: servers that differ from the sound one where the contract leaves it open."""
