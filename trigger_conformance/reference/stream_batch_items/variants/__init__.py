"""Conforming variants of a batch's items alone."""
