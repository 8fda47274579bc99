"""Names that a target may reject, and how many there may be."""

from __future__ import annotations

import re

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem

LOWER = "names.lower_case_letters_are_accepted"


class _Choosy(CreateEnvironmentVariableServer):
    """Takes names of its own kind only."""

    names = re.compile(".*", re.DOTALL)

    def check_name(self, name: str) -> None:
        super().check_name(name)
        if not self.names.fullmatch(name):
            raise Problem(400, "name cannot be the name of an environment variable")


@variant
class OnlyPortableNames(_Choosy):
    """Names are of letters, digits and underscores."""

    names = re.compile(r"[A-Za-z_][A-Za-z0-9_]*", re.ASCII)


@variant(warns=(LOWER,))
class OnlyNamesInUpperCase(_Choosy):
    """Names are of upper-case letters, digits and underscores, as POSIX has them; others are rejected."""

    names = re.compile(r"[A-Z_][A-Z0-9_]*", re.ASCII)


@variant
class NamesOfUpTo64Characters(_Choosy):
    """Longer names are rejected."""

    names = re.compile(r".{1,64}", re.DOTALL)


@variant
class NoNamesOfPaths(_Choosy):
    """Names with what paths are made of are rejected."""

    names = re.compile(r"[^/?%#\\]+", re.DOTALL)


@variant
class ReservedNames(_Choosy):
    """Names that begin as the platform's own do are rejected."""

    names = re.compile(r"(?!TRIGGER_|AWS_|LD_|NODE_).*", re.DOTALL)


@variant
class TakenNamesAreRejected(CreateEnvironmentVariableServer):
    """A name that is there is answered 400, and its variable stays."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is not None:
            raise Problem(400, "A variable with this name is there already")
        await super().keep(variables, order)
