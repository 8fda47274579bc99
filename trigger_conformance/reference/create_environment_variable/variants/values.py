"""Values that a target may reject, or never show again."""

from __future__ import annotations

import hashlib
import unicodedata

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable
from trigger_conformance.reference.server import Problem


@variant
class ValuesAreHidden(CreateEnvironmentVariableServer):
    """All values are secret: dots are shown in their place."""

    def shown_value(self, variable: Variable) -> str:  # noqa: ARG002
        return "•" * 8


@variant
class ValuesAreHiddenButForTheirEnds(CreateEnvironmentVariableServer):
    """All values are secret: their last four characters are shown."""

    def shown_value(self, variable: Variable) -> str:
        return f"********{variable.value[-4:]}"


@variant
class ValuesAreShownAsHashes(CreateEnvironmentVariableServer):
    """All values are secret: a hash tells whether two are the same."""

    def shown_value(self, variable: Variable) -> str:
        return f"sha256:{hashlib.sha256(variable.value.encode('utf-8', 'surrogatepass')).hexdigest()}"


class _Choosy(CreateEnvironmentVariableServer):
    """Rejects values."""

    def check_value(self, value: str) -> None:
        super().check_value(value)
        if self.is_rejected(value):
            raise Problem(400, "value cannot be the value of an environment variable")

    def is_rejected(self, value: str) -> bool:
        """Whether a value is none that is taken."""
        raise NotImplementedError


@variant
class NoEmptyValues(_Choosy):
    """The empty value is rejected."""

    def is_rejected(self, value: str) -> bool:
        return not value


@variant
class ValuesOfOneLine(_Choosy):
    """Values with line breaks or other control characters are rejected."""

    def is_rejected(self, value: str) -> bool:
        return any(unicodedata.category(each) in ("Cc", "Zl", "Zp") for each in value)


@variant
class ValuesOfUpTo4096Characters(_Choosy):
    """Longer values are rejected."""

    def is_rejected(self, value: str) -> bool:
        return len(value) > 4096


@variant
class ValuesOfAscii(_Choosy):
    """Values beyond ASCII are rejected."""

    def is_rejected(self, value: str) -> bool:
        return not value.isascii()


@variant
class NoWhiteSpaceAround(_Choosy):
    """Values with white space around them are rejected."""

    def is_rejected(self, value: str) -> bool:
        return value != value.strip()


@variant
class AnyText(CreateEnvironmentVariableServer):
    """Values with NUL and unpaired surrogates are kept as they are."""

    def check_value(self, value: str) -> None:
        super().check_value("".join(each for each in value if each != "\0" and not "\ud800" <= each <= "\udfff"))
