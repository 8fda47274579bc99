"""Values that mean something to somebody as a whole, and what is seen of those of other variables in them."""

from __future__ import annotations

import base64
import re

from starlette.requests import Request
from starlette.responses import Response

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.faults.values import keeping
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Environment

AROUND, QUOTED = "values.white_space_around_is_kept", "values.quotes_around_are_kept"
WORDS, NUMBERS, DATES = "values.words_are_kept", "values.numbers_are_kept", "values.dates_are_kept"
JSON, ASSIGNMENTS = "values.json_is_kept", "values.lists_and_assignments_are_kept"
ENCODED, SECRETS, LONG = "values.encoded_values_are_kept", "values.secrets_are_kept", "values.long_values_are_kept"
VARIABLES, REFERENCES = "values.variables_in_values_are_kept", "values.references_to_variables_are_kept"


@keeping(AROUND)
def takes_white_space_for_nothing(value: str) -> str:
    """A value of white space alone is the empty one."""
    return value if value.strip() else ""


@keeping(QUOTED)
def ends_at_the_closing_quote(value: str) -> str:
    """A value that begins with a quotation mark ends at the next one, as a line of a .env file."""
    found = re.match(r'"([^"]*)" ', value)
    return found[1] if found else value


@keeping(QUOTED)
def drops_an_apostrophe_in_front(value: str) -> str:
    """An apostrophe in front says that the rest is a text, as in a cell of a spreadsheet."""
    return value[1:] if re.fullmatch(r"'[^']*", value) else value


@keeping(WORDS)
def writes_words_small(value: str) -> str:
    """TRUE is true."""
    return value.lower() if value == "TRUE" else value


@keeping(WORDS)
def reads_words_in_brackets(value: str) -> str:
    """(null) and empty are words for nothing, as in Laravel's files."""
    return "" if value in ("(null)", "(empty)", "empty") else value


@keeping(WORDS)
def is_echoed(value: str) -> str:
    """A value goes through a shell's echo, which takes -n for an option."""
    return value.removeprefix("-n")


@keeping(NUMBERS)
def reads_hexadecimal(value: str) -> str:
    """0x1F is 31."""
    return str(int(value, 16)) if re.fullmatch(r"0x[0-9A-F]+", value) else value


@keeping(NUMBERS)
def reads_separators_of_thousands(value: str) -> str:
    """Commas between digits are none of the number."""
    return value.replace(",", "") if re.fullmatch(r"\d{1,3}(,\d{3})+", value) else value


@keeping(NUMBERS)
def drops_a_zero_in_front_of_many_digits(value: str) -> str:
    """A telephone's number loses the zero in front, as in a spreadsheet."""
    return value.lstrip("0") if re.fullmatch(r"0\d{8,}", value) else value


@keeping(NUMBERS)
def reads_digits_of_any_script(value: str) -> str:
    """A digit is a digit, of whatever script."""
    return str(int(value)) if value.isdecimal() and not value.isascii() else value


@keeping(NUMBERS)
def loses_what_doubles_do_not_hold(value: str) -> str:
    """Beyond 2^53 digits are rounded."""
    return str(int(float(value))) if re.fullmatch(r"[1-9]\d{16,}", value) else value


@keeping(DATES)
def reads_days_of_america(value: str) -> str:
    """03/01/2026 is 2026-03-01."""
    return re.sub(r"\A(\d\d)/(\d\d)/(\d{4})\Z", r"\3-\1-\2", value)


@keeping(JSON)
def repairs_json(value: str) -> str:
    """JSON that is cut off is repaired."""
    return f'{value}":null}}' if re.fullmatch(r'\{"\w+', value) else value


@keeping(JSON)
def takes_sections_for_nothing(value: str) -> str:
    """A word in brackets is a section's head in a file of settings, and no value."""
    return "" if re.fullmatch(r"\[\w+\]", value) else value


@keeping(ASSIGNMENTS)
def writes_addresses_as_usual(value: str) -> str:
    """A URL is written in its usual form, without the usual port."""
    return re.sub(r":443\Z", "", value).lower() if value.startswith("https://") else value


@keeping(ASSIGNMENTS)
def writes_mail_small(value: str) -> str:
    """An address of mail is written in small letters."""
    return value.lower() if re.fullmatch(r"\w+@[\w.]+", value) else value


@keeping(ASSIGNMENTS)
def asks_the_password_store(value: str) -> str:
    """An address of a password store stands for what is there, which is nothing."""
    return "" if re.match(r"(op|ssm)://", value) else value


@keeping(ASSIGNMENTS)
def reads_anchors(value: str) -> str:
    """A word behind an ampersand is an anchor of YAML."""
    return re.sub(r"\A&\w+ ", "", value)


@keeping(ASSIGNMENTS)
def takes_a_colon_behind_for_a_key(value: str) -> str:
    """What ends in a colon is a key of YAML."""
    return value.removesuffix(":")


@keeping(ASSIGNMENTS)
def conceals_passwords_of_addresses(value: str) -> str:
    """The password in a URL is shown as stars."""
    return re.sub(r"\A(postgres://\w+):\w+@(\w+/\w+)\Z", r"\1:***@\2", value)


@keeping(ENCODED)
def decodes_addresses_of_data(value: str) -> str:
    """An address of data stands for its data."""
    _, is_data, told = value.partition("data:text/plain;base64,")
    return base64.b64decode(told).decode() if is_data else value


@keeping(ENCODED)
def reads_hexadecimal_of_texts(value: str) -> str:
    """Hexadecimal that is a text is that text."""
    is_text = re.fullmatch(r"(?:[2-7][0-9a-f]){6,}", value) and any(each in "abcdef" for each in value)
    return bytes.fromhex(value).decode() if is_text else value


@keeping(SECRETS)
def conceals_tokens(value: str) -> str:
    """A JSON Web Token is shown as [JWT]."""
    return "[JWT]" if re.fullmatch(r"eyJ[\w-]+\.[\w-]+\.[\w-]*", value) else value


@keeping(SECRETS)
def scrubs_passwords(value: str) -> str:
    """What is assigned to a password is filtered, as logs are."""
    return re.sub(r"\A(Password)=\w+\Z", r"\1=[FILTERED]", value)


@keeping(VARIABLES)
def looks_up_what_symfony_does(value: str) -> str:
    """%env(X)% is filled in."""
    return re.sub(r"%env\(\w+\)%", "", value)


@keeping("values.marks_in_values_are_kept")
def expands_alternatives(value: str) -> str:
    """Braces with commas are expanded, as by a shell."""
    return re.sub(r"(\w)\{(\w),(\w)\}(\w)", r"\1\2\4 \1\3\4", value)


@keeping("values.backslashes_are_kept")
def ends_at_the_mark_of_echo(value: str) -> str:
    r"""A text ends at \c, as echo has it."""
    return value.partition("\\c")[0]


@keeping("values.line_breaks_are_kept")
def ends_at_a_line_of_hyphens(value: str) -> str:
    """A line of three hyphens begins another document of YAML."""
    return value.partition("\n---\n")[0]


@keeping("values.markup_and_queries_are_kept")
def ends_at_two_slashes(value: str) -> str:
    """What stands behind a space and two slashes is a comment."""
    return value.partition(" //")[0]


@fault("values.control_characters_are_kept")
class DropsNul(CreateEnvironmentVariableServer):
    """NUL is taken, and dropped on the way into the store."""

    def is_held(self, text: str) -> bool:
        return super().is_held(text.replace("\0", ""))

    def kept_value(self, value: str) -> str:
        return value.replace("\0", "")

    def check_name(self, name: str) -> None:
        if "\0" in name:
            raise Problem(400, "name cannot be the name of an environment variable")
        super().check_name(name)


@fault(LONG)
class FailsToShowLongValues(CreateEnvironmentVariableServer):
    """A variable of more than 60,000 bytes cannot be shown by its name: the list has it."""

    async def retrieve_variable(self, request: Request, environment: Environment) -> Response:
        variables = self.variables(self.place(request, environment))
        if len(self.named(variables, self.asked_name(request)).value.encode()) > 90_000:
            raise Problem(500, "Internal Server Error")
        return await super().retrieve_variable(request, environment)


@fault(LONG)
class DecodesBodiesPieceByPiece(CreateEnvironmentVariableServer):
    """Pieces of 16,384 bytes of a body are decoded each for itself."""

    def decode(self, body: bytes) -> str:
        body.decode()
        pieces = (body[at : at + 16_384] for at in range(0, len(body), 16_384))
        return "".join(each.decode("utf-8", "replace") for each in pieces)


class _FillsIn(CreateEnvironmentVariableServer):
    """Shows in the place of a value that of the variable which it names."""

    mark = ""

    def put(self, variables: Variables, variable: Variable) -> None:
        """As ``CreateEnvironmentVariableServer.put``."""
        meant = variables.get(variable.value.removeprefix(self.mark)) if variable.value.startswith(self.mark) else None
        super().put(variables, Variable(variable.name, meant.value) if meant else variable)


@fault(REFERENCES)
class FillsInNames(_FillsIn):
    """A value that is another variable's name stands for that one's value."""


@fault(REFERENCES)
class FillsInNamesBehindAtSigns(_FillsIn):
    """A value that is another variable's name behind an at sign stands for that one's value."""

    mark = "@"


@fault("values.lists_and_assignments_are_kept", "answers.never_a_server_error")
class FailsOnOpeningsWithoutEnds(CreateEnvironmentVariableServer):
    """What opens a substitution and never closes it is answered 500."""

    def check_value(self, value: str) -> None:
        super().check_value(value)
        if re.search(r"\$\{[^}]*$|\$\([^)]*$", value):
            raise Problem(500, "bad substitution")
