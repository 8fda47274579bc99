"""What is wrong with an answer, and where in it."""

from __future__ import annotations


class Problem(str):
    """What is wrong with an answer, and at which ``place`` of it: "status", a member of its body, a header."""

    place: str

    def __new__(cls, text: str, place: str) -> Problem:
        """``text`` for a reader."""
        problem = super().__new__(cls, text)
        problem.place = place
        return problem
