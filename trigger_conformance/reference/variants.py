"""Conforming variants: servers that differ from the sound one only where the contract leaves it open."""
