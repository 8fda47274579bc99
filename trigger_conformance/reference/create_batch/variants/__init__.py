"""Conforming variants of create batch alone."""
