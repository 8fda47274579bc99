"""What stores of secrets, hosting platforms and parsers of .env files were reported for."""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.faults.values import (
    AROUND,
    ASSIGNMENTS,
    BACKSLASHES,
    BREAKS,
    INVISIBLE,
    NUMBERS,
    QUOTED,
    QUOTES,
    VARIABLES,
    WORDS,
    keeping,
)
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.site import Site

SECRETS = "values.secrets_are_kept"
TAKEN = "taken_names.odd_new_values_replace_or_are_rejected"
SEVERAL = "values.generated_values_are_kept"


@keeping(ASSIGNMENTS)
def drops_a_trailing_ampersand(value: str) -> str:
    """An ampersand at a value's end sends it to the background."""
    return value.removesuffix("&")


@keeping(VARIABLES)
def cuts_at_dollars(value: str) -> str:
    """A value ends where a dollar sign and a word begin."""
    return re.split(r"(?<!\\)\$(?=[A-Za-z])", value)[0]


@keeping(VARIABLES)
def halves_dollars(value: str) -> str:
    """Two dollar signs are one, as in a compose file."""
    return value.replace("$$", "$")


@keeping(VARIABLES)
def takes_defaults(value: str) -> str:
    """${X:-y} is y."""
    return re.sub(r"\$\{\w+:-(\w*)\}", r"\1", value)


@keeping(VARIABLES)
def finds_home(value: str) -> str:
    """A tilde in front is a home."""
    return re.sub(r"(^|(?<= ))~/", "/root/", value)


@keeping(BREAKS)
def keeps_the_first_line(value: str) -> str:
    """Only a value's first line is kept."""
    return value.split("\n")[0]


@keeping(BREAKS)
def reads_line_separators(value: str) -> str:
    """A line separator is a line break."""
    return value.replace("\u2028", "\n")


@keeping(SEVERAL)
def joins_continued_lines(value: str) -> str:
    """A backslash at a line's end joins it with the next."""
    return value.replace("\\\n", "")


@keeping(QUOTES)
def straightens_quotes(value: str) -> str:
    """Curly quotes are made straight."""
    return value.translate(str.maketrans("\u2018\u2019\u201c\u201d\u201e", '\'\'"""'))


@keeping(QUOTED)
def drops_backticks_around(value: str) -> str:
    """Backticks around a value are dropped."""
    return re.sub(r"\A`(.*)`\Z", r"\1", value, flags=re.DOTALL)


@keeping(BACKSLASHES)
def reads_octal_escapes(value: str) -> str:
    """A backslash and three digits are a character."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), value)


@keeping(SEVERAL)
def joins_surrogate_escapes(value: str) -> str:
    """Escapes of a surrogate pair in a value become its character."""
    return re.sub(r"\\ud83d\\ude00", "\U0001f600", value)


@keeping(SECRETS)
def decodes_base64_values(value: str) -> str:
    """A value that is base64 is decoded, as a manifest's data is."""
    try:
        return base64.b64decode(value, validate=True).decode() if len(value) > 7 and len(value) % 4 == 0 else value
    except ValueError:
        return value


@keeping(AROUND)
def drops_byte_order_marks(value: str) -> str:
    """A byte-order mark in front is a file's, and no value's."""
    return value.removeprefix("\ufeff")


@keeping(AROUND)
def drops_no_break_spaces(value: str) -> str:
    """A no-break space at an end came along when the value was copied."""
    return value.strip("\u00a0")


@keeping(AROUND)
def empties_white_space(value: str) -> str:
    """A value of white space alone is empty."""
    return value if value.strip() else ""


@keeping(INVISIBLE)
def drops_noncharacters(value: str) -> str:
    """Code points that are no characters are dropped."""
    return re.sub("[\ufffe\uffff]", "", value)


@keeping(WORDS)
def reads_yes(value: str) -> str:
    """yes and on are true."""
    return "true" if value in ("yes", "on") else value


@keeping(WORDS)
def reads_undefined(value: str) -> str:
    """The word undefined is no value."""
    return "" if value == "undefined" else value


@keeping(NUMBERS)
def reads_fractions(value: str) -> str:
    """1.10 is 1.1, as in YAML."""
    return str(float(value)) if re.fullmatch(r"\d+\.\d{1,9}", value) else value


@keeping(NUMBERS)
def rounds_long_numbers(value: str) -> str:
    """A number beyond 2^53 is rounded."""
    return f"{float(value):.0f}" if re.fullmatch(r"[1-9]\d{15,}", value) else value


@keeping(NUMBERS)
def reads_hexadecimal(value: str) -> str:
    """0x1F is 31."""
    return str(int(value, 16)) if re.fullmatch(r"0x[0-9A-F]+", value) else value


@keeping(ASSIGNMENTS)
def reads_files(value: str) -> str:
    """A value with an at sign in front is a file's name."""
    return "" if value.startswith("@/") else value


@keeping(ASSIGNMENTS)
def normalises_addresses(value: str) -> str:
    """A URL's scheme and host are put into lower case."""
    return re.sub(r"\A[A-Z]+://[\w.]+", lambda match: match[0].lower(), value)


@keeping(ASSIGNMENTS)
def guards_spreadsheets(value: str) -> str:
    """A value that a spreadsheet might take for a formula gets an apostrophe in front."""
    return f"'{value}" if value[:1] in ("=", "@", "+") else value


@keeping(ASSIGNMENTS)
def joins_lists(value: str) -> str:
    """A comma list loses the blanks behind its commas."""
    return re.sub(r", ", ",", value) if re.fullmatch(r"\w+(, \w+)+", value) else value


@keeping(SECRETS)
def takes_masks_for_nothing_new(value: str) -> str:
    """A value of asterisks is what the form shows of a secret: there is none yet, so it is empty."""
    return "" if value and not value.strip("*") else value


@fault(SECRETS)
class HidesWhatLooksSecret(CreateEnvironmentVariableServer):
    """Values that begin as keys of well-known services are shown as asterisks."""

    def shown_value(self, variable: Variable) -> str:
        value = super().shown_value(variable)
        return "*" * len(value) if re.match(r"(sk_live_|ghp_|xoxb-|AKIA)", value) else value


@fault(SECRETS)
class HidesWhatIsCalledSecret(CreateEnvironmentVariableServer):
    """Variables that are called a secret, a token or a password show no value."""

    def shown_value(self, variable: Variable) -> str:
        return "********" if re.search("SECRET|TOKEN|PASSWORD", variable.name) else super().shown_value(variable)


@fault("values.references_to_variables_are_kept")
class ExpandsWhatItKnows(CreateEnvironmentVariableServer):
    """${NAME} is filled in where there is a variable of that name, and stays where there is none."""

    def put(self, variables: Variables, variable: Variable) -> None:
        def known(match: re.Match[str]) -> str:
            found = self.find(variables, match[1])
            return found.value if found else match[0]

        super().put(variables, Variable(variable.name, re.sub(r"\$\{(\w+)\}", known, variable.value)))


@fault("values.references_to_variables_are_kept")
class ExpandsItsOldValue(CreateEnvironmentVariableServer):
    """A new value that refers to its own variable gets the old one, as where files of variables are sourced."""

    def put(self, variables: Variables, variable: Variable) -> None:
        known = self.find(variables, variable.name)
        value = variable.value.replace(f"${variable.name}", known.value) if known else variable.value
        super().put(variables, Variable(variable.name, value))


@fault("values.references_to_variables_are_kept")
class DropsItsOwnName(CreateEnvironmentVariableServer):
    """A value that begins with its own name and = was pasted as a whole line: it begins behind them."""

    def put(self, variables: Variables, variable: Variable) -> None:
        super().put(variables, Variable(variable.name, variable.value.removeprefix(f"{variable.name}=")))


@fault(TAKEN)
class LeavesWhatAMaskReplaces(CreateEnvironmentVariableServer):
    """A new value of asterisks leaves the old one, for it is what a form shows of a secret."""

    def put(self, variables: Variables, variable: Variable) -> None:
        known = self.find(variables, variable.name)
        masked = known is not None and variable.value and not variable.value.strip("*")
        super().put(variables, known if known and masked else variable)


@fault(TAKEN)
class RemovesWhatIsEmptied(CreateEnvironmentVariableServer):
    """A new value that is empty removes the variable."""

    def put(self, variables: Variables, variable: Variable) -> None:
        known = self.find(variables, variable.name)
        if known and not variable.value:
            self.remove(variables, known)
        else:
            super().put(variables, variable)


@fault(TAKEN)
class KeepsWhatIsNotEmptied(CreateEnvironmentVariableServer):
    """A new value that is empty is no new value."""

    def put(self, variables: Variables, variable: Variable) -> None:
        super().put(variables, variable if variable.value else self.find(variables, variable.name) or variable)


@fault(TAKEN)
class FailsOnWhatIsUnchanged(CreateEnvironmentVariableServer):
    """A second request with the value that is there fails, for nothing was updated."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        known = self.find(variables, order.name)
        if known is not None and known.value == order.value:
            raise Problem(500, "No rows were updated")
        await super().keep(variables, order)


@fault("list_and_delete.accepted_variables_are_there")
class ReplacesTheWholeSet(CreateEnvironmentVariableServer):
    """A new value of a variable replaces all variables that there are."""

    def put(self, variables: Variables, variable: Variable) -> None:
        if self.find(variables, variable.name) is not None:
            variables.clear()
        super().put(variables, variable)


@fault("list_and_delete.delete_removes_no_other")
class SharesEqualValues(CreateEnvironmentVariableServer):
    """Equal values are kept once, and the first delete takes them from all variables."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        super().remove(variables, variable)
        for name, each in list(variables.items()):
            if each.value == variable.value:
                variables[name] = Variable(each.name, "")


@fault("list_and_delete.delete_removes_no_other", "list_and_delete.every_deleted_variable_is_gone")
class DeletesInAnyCase(CreateEnvironmentVariableServer):
    """A delete removes every name that is the same in other letters."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        for name in [each for each in variables if each.casefold() == variable.name.casefold()]:
            del variables[name]


@fault("list_and_delete.delete_removes_no_other", "list_and_delete.every_deleted_variable_is_gone")
class DeletesByPattern(CreateEnvironmentVariableServer):
    """A delete takes a name for a pattern of SQL, in which an underscore is any character."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        pattern = re.compile(re.escape(variable.name).replace("_", "."), re.DOTALL)
        for name in [each for each in variables if pattern.fullmatch(each)]:
            del variables[name]


@fault("list_and_delete.unknown_name_is_404")
class FindsByPattern(CreateEnvironmentVariableServer):
    """A look takes a name for a pattern of SQL: a percent sign is anything."""

    def find(self, variables: Variables, name: str) -> Variable | None:
        if "%" not in name or super().find(variables, name) is not None:
            return super().find(variables, name)
        pattern = re.compile(re.escape(name).replace("%", ".*"), re.DOTALL)
        return next((each for each in variables.values() if pattern.fullmatch(each.name)), None)


@fault("list_and_delete.name_is_free_after_a_delete")
class RemembersWhatWasNotThere(CreateEnvironmentVariableServer):
    """That a name is not there is remembered, and told when it is."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._missing: set[str] = set()

    def named(self, variables: Variables, name: str) -> Variable:
        try:
            found = super().named(variables, name)
        except Problem:
            self._missing.add(name)
            raise
        if name in self._missing:
            raise Problem(404, "There is no such variable")
        return found


@fault("list_and_delete.deleted_variable_is_404")
class EmptiesWhatIsDeleted(CreateEnvironmentVariableServer):
    """A delete empties the variable."""

    def remove(self, variables: Variables, variable: Variable) -> None:
        self.put(variables, Variable(variable.name, ""))


@fault("list_and_delete.created_variable_is_in_the_list")
class ListsOneWriteLate(CreateEnvironmentVariableServer):
    """The list is that before the last write, for it is read from a replica."""

    def __init__(self, site: Site) -> None:
        super().__init__(site)
        self._before: dict[int, list[Variable]] = {}

    def put(self, variables: Variables, variable: Variable) -> None:
        self._before[id(variables)] = list(variables.values())
        super().put(variables, variable)

    def listed(self, variables: Variables) -> list[Variable]:
        return self._before.pop(id(variables), None) or super().listed(variables)


@fault("whose_it_is.another_environment_does_not_see_a_variable")
class InheritsFromOtherEnvironments(CreateEnvironmentVariableServer):
    """What an environment does not have by a name it takes from another of the project."""

    def find(self, variables: Variables, name: str) -> Variable | None:
        key = self.stored_key(name)
        stores = [variables, *(self.variables(each) for each in self.environments)]
        return next((each[key] for each in stores if key in each), None)


@fault("list_and_delete.created_variable_is_seen_by_name")
class AnswersWithTheWholeVariable(CreateEnvironmentVariableServer):
    """A look by name answers with the value as JSON."""

    def seen_body(self, variable: Variable) -> dict[str, Any]:
        return {"value": json.dumps(self.shown_value(variable))}
