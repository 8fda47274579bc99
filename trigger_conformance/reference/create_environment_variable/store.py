"""Environment variables, and what is kept of them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """A variable of an environment, and what a valid request asks for."""

    name: str
    value: str


class Variables(dict[str, Variable]):
    """An environment's variables, by what their names are remembered as, in the order of their making."""
