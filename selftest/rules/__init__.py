"""Tests of the pure rules, on cases that a reader can check by hand, or against a search over every order."""
