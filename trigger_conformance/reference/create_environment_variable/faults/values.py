"""Values that become something else on their way into a store, or out of it."""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
import textwrap
import unicodedata
import urllib.parse
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem

AROUND = "values.white_space_around_is_kept"
INSIDE = "values.white_space_inside_is_kept"
VARIABLES = "values.variables_in_values_are_kept"
MARKS = "values.marks_in_values_are_kept"
QUOTES, QUOTED = "values.quotes_in_values_are_kept", "values.quotes_around_are_kept"
BACKSLASHES = "values.backslashes_are_kept"
ENCODINGS = "values.encodings_are_kept"
MARKUP = "values.markup_and_queries_are_kept"
BREAKS = "values.line_breaks_are_kept"
CONTROLS = "values.control_characters_are_kept"
INVISIBLE = "values.invisible_characters_are_kept"
PLANES = "values.every_plane_is_kept"
FORMS = "values.normal_forms_are_kept"
EMPTY = "values.empty_value_is_kept"
WORDS, NUMBERS, DATES = "values.words_are_kept", "values.numbers_are_kept", "values.dates_are_kept"
JSON = "values.json_is_kept"
ASSIGNMENTS = "values.lists_and_assignments_are_kept"
LONG = "values.long_values_are_kept"


def keeping(*caught_by: str) -> Callable[[Callable[[str], str]], Callable[[str], str]]:
    """Declare a fault: values are kept as the function makes them."""

    def declare(kept: Callable[[str], str]) -> Callable[[str], str]:
        name = kept.__name__.title().replace("_", "")
        parts = {"__doc__": kept.__doc__, "__module__": kept.__module__, "kept_value": lambda _, value: kept(value)}
        fault(*caught_by)(type(name, (CreateEnvironmentVariableServer,), parts))
        return kept

    return declare


@keeping(AROUND)
def trims_values(value: str) -> str:
    """White space around a value is dropped."""
    return value.strip()


@keeping(AROUND)
def drops_the_last_line_break(value: str) -> str:
    """A line break at a value's end is dropped, as a shell's substitution does."""
    return value.rstrip("\n")


@keeping(INSIDE)
def collapses_white_space(value: str) -> str:
    """Several spaces are one."""
    return re.sub(" {2,}", " ", value)


@keeping(INSIDE)
def expands_tabs(value: str) -> str:
    """A tab becomes spaces."""
    return value.replace("\t", "    ")


@keeping(VARIABLES)
def expands_dollars(value: str) -> str:
    """$HOME is looked up where the value is kept."""
    return re.sub(r"\$[A-Z]\w*", "/root", value)


@keeping(VARIABLES)
def expands_braces(value: str) -> str:
    """${X} becomes nothing, for there is no X."""
    return re.sub(r"(?<!\$)\$\{[A-Z]\w*\}", "", value)


@keeping(VARIABLES)
def expands_per_cent_signs(value: str) -> str:
    """%PATH% is looked up."""
    return re.sub(r"%[A-Z]{3,}%", "C:/Windows", value)


@keeping(VARIABLES)
def runs_commands(value: str) -> str:
    """A command between backticks is replaced by what it says."""
    return re.sub(r"`id`", "uid=0(root)", value)


@keeping(VARIABLES)
def renders_templates(value: str) -> str:
    """A template's double braces are filled in."""
    return re.sub(r"\{\{\w+\}\}", "", value)


@keeping(MARKS)
def cuts_at_comments(value: str) -> str:
    """What follows a number sign is a comment."""
    return re.sub(r"(?<=\w) #\w+", "", value)


@keeping(MARKS)
def splits_at_equals_signs(value: str) -> str:
    """Padding of equals signs is dropped."""
    return value.replace("b==", "b")


@keeping(MARKS)
def reads_semicolons_as_commas(value: str) -> str:
    """A list's semicolons become commas."""
    return value.replace("a;b", "a,b")


@keeping(MARKS)
def normalises_paths(value: str) -> str:
    """A path loses doubled slashes."""
    return re.sub(r"(?<=\w)//+(?=\w)", "/", value)


@keeping(QUOTED, JSON)
def unquotes_values(value: str) -> str:
    """Double quotes around a value are dropped."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == '"' else value


@keeping(QUOTED)
def unquotes_single_quotes(value: str) -> str:
    """Single quotes around a value are dropped."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == "'" else value


@keeping(QUOTES)
def doubles_quotes(value: str) -> str:
    """An apostrophe is doubled, as for SQL."""
    return value.replace("t's", "t''s")


@keeping(QUOTES)
def undoubles_quotes(value: str) -> str:
    """Two quotes are one, as in CSV."""
    return value.replace('b""c', 'b"c')


@keeping(BACKSLASHES)
def reads_escapes(value: str) -> str:
    """A backslash and n is a line break."""
    return value.replace("\\n", "\n")


@keeping(BACKSLASHES)
def drops_backslashes(value: str) -> str:
    """Backslashes are dropped."""
    return value.replace("\\", "")


@keeping(BACKSLASHES)
def doubles_backslashes(value: str) -> str:
    """Backslashes are doubled."""
    return value.replace("\\", "\\\\")


@keeping(ENCODINGS)
def decodes_values(value: str) -> str:
    """What is percent-encoded is decoded."""
    return urllib.parse.unquote(value)


@keeping(ENCODINGS, DATES)
def reads_pluses_as_spaces(value: str) -> str:
    """A plus is a space, as in a form."""
    return value.replace("+", " ")


@keeping(ENCODINGS)
def reads_entities(value: str) -> str:
    """Entities are decoded."""
    return html.unescape(value)


@keeping(ENCODINGS)
def repairs_latin1(value: str) -> str:
    """What looks like UTF-8 that was read as Latin-1 is repaired."""
    return value.replace("Ã©", "é")


@keeping(MARKUP)
def strips_tags(value: str) -> str:
    """Tags are dropped, for a page that shows values."""
    return re.sub(r"</?(b|script)>", "", value)


@keeping(MARKUP)
def drops_comments(value: str) -> str:
    """Comments are dropped."""
    return re.sub(r"/\*.*?\*/", "", value)


@keeping(BREAKS)
def folds_line_breaks(value: str) -> str:
    """CR LF is LF."""
    return value.replace("\r\n", "\n")


@keeping(BREAKS)
def writes_line_breaks_of_windows(value: str) -> str:
    """LF is CR LF, but at the end."""
    return re.sub(r"(?<!\r)\n(?!\Z)", "\r\n", value)


@keeping(BREAKS)
def joins_lines(value: str) -> str:
    """Lines are joined by a space."""
    return re.sub(r"\r?\n(?=\S)", " ", value)


@keeping(CONTROLS)
def drops_control_characters_of_values(value: str) -> str:
    """Control characters are dropped."""
    return "".join(each for each in value if each in "\t\r\n" or unicodedata.category(each) != "Cc")


@keeping(INVISIBLE)
def drops_invisible_characters(value: str) -> str:
    """Characters of no width are dropped."""
    return re.sub("[\u200b-\u200d\u2060\ufeff]", "", value)


@keeping(INVISIBLE)
def drops_soft_hyphens(value: str) -> str:
    """Soft hyphens are dropped."""
    return value.replace("\u00ad", "")


@keeping(PLANES)
def keeps_three_bytes(value: str) -> str:
    """Characters beyond the BMP become question marks: utf8mb3."""
    return "".join(each if ord(each) < 1 << 16 else "?" for each in value)


@keeping(FORMS)
def composes_values(value: str) -> str:
    """Values are composed."""
    return unicodedata.normalize("NFC", value)


@keeping(FORMS, PLANES, ENCODINGS)
def decomposes_values(value: str) -> str:
    """Values are decomposed, as a file system does."""
    return unicodedata.normalize("NFD", value)


@keeping(FORMS, INSIDE, PLANES)
def makes_values_compatible(value: str) -> str:
    """Values lose compatibility forms."""
    return unicodedata.normalize("NFKC", value)


@keeping(WORDS)
def reads_null(value: str) -> str:
    """null is nothing."""
    return "" if value == "null" else value


@keeping(WORDS)
def reads_booleans(value: str) -> str:
    """true is a boolean, and shown as Python does."""
    return "True" if value == "true" else value


@keeping(NUMBERS)
def reads_integers(value: str) -> str:
    """Digits are a number."""
    return str(int(value)) if value.isdecimal() and value.isascii() else value


@keeping(NUMBERS)
def reads_numbers(value: str) -> str:
    """What reads as a number is one."""
    return f"{float(value):g}" if re.fullmatch(r"\d+e\d+", value) else value


@keeping(DATES)
def reads_dates(value: str) -> str:
    """A moment is kept in UTC."""
    if not re.fullmatch(r"\d{4}-\d\d-\d\dT\S+", value):
        return value
    return datetime.fromisoformat(value).astimezone(UTC).isoformat()


@keeping(JSON)
def parses_json(value: str) -> str:
    """JSON is parsed, and written again."""
    try:
        return json.dumps(json.loads(value)) if value.startswith("{") else value
    except ValueError:
        return value


@keeping(ASSIGNMENTS)
def reads_assignments(value: str) -> str:
    """An assignment's left side is dropped."""
    return re.sub(r"^export \w+=", "", value)


@keeping(LONG)
def cuts_values_at65535_bytes(value: str) -> str:
    """Values are cut where a TEXT column ends."""
    return value.encode()[:65535].decode("utf-8", "ignore")


@keeping(LONG)
def cuts_values_at4000(value: str) -> str:
    """Values are cut at 4,000 characters."""
    return value[:4000]


@fault(EMPTY)
class DropsEmptyValues(CreateEnvironmentVariableServer):
    """An empty value makes no variable, and the answer is a success."""

    def put(self, variables: Variables, variable: Variable) -> None:
        if variable.value:
            super().put(variables, variable)


@fault(EMPTY)
class ShowsNothingForTheEmptyValue(CreateEnvironmentVariableServer):
    """An empty value is shown as undefined."""

    def shown_value(self, variable: Variable) -> str:
        return super().shown_value(variable) or "undefined"


@fault("values.printable_values_are_accepted")
class RejectsValuesBeyond1024(CreateEnvironmentVariableServer):
    """A value of more than 1,024 characters is rejected."""

    def check_value(self, value: str) -> None:
        super().check_value(value)
        if len(value) > 1024:
            raise Problem(400, "value is too long")


@fault(LONG, "answers.never_a_server_error")
class FailsOnLongValues(CreateEnvironmentVariableServer):
    """A value of more than 32 kB is answered 500."""

    def check_value(self, value: str) -> None:
        super().check_value(value)
        if len(value) > 32_768:
            raise Problem(500, "value too long for type character varying")


@fault(AROUND)
class ListsTrimmedValues(CreateEnvironmentVariableServer):
    """The list drops white space around values."""

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        return {**super().listed_body(variable), "value": variable.value.strip()}


@fault(LONG)
class ListsShortenedValues(CreateEnvironmentVariableServer):
    """The list shortens long values."""

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        value = variable.value
        return {**super().listed_body(variable), "value": value if len(value) < 2000 else f"{value[:2000]}…"}


@fault(QUOTED)
class ShowsUnquotedValues(CreateEnvironmentVariableServer):
    """A variable that is asked for by its name loses quotes around its value."""

    def seen_body(self, variable: Variable) -> dict[str, Any]:
        return {"value": unquotes_values(variable.value)}


@fault("list_and_delete.created_variable_is_seen_by_name", "list_and_delete.created_variable_is_in_the_list")
class ShowsValuesInUpperCase(CreateEnvironmentVariableServer):
    """Values are shown in upper case."""

    def shown_value(self, variable: Variable) -> str:
        return variable.value.upper()


@fault("list_and_delete.created_variable_is_seen_by_name", "list_and_delete.created_variable_is_in_the_list")
class MasksLongValues(CreateEnvironmentVariableServer):
    """Only values of more than thirty characters are hidden."""

    def shown_value(self, variable: Variable) -> str:
        return "•" * 8 if len(variable.value) > 30 else variable.value


@fault("list_and_delete.created_variable_is_in_the_list")
class ListsNoValues(CreateEnvironmentVariableServer):
    """The list hides values that a look by the name shows."""

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        return {"name": variable.name, "value": "********"}


@keeping(AROUND)
def dedents_lines(value: str) -> str:
    """What all lines begin with is dropped, as a block of YAML has it."""
    return textwrap.dedent(value) if value.lstrip("\n").startswith(" ") and "\n" in value else value


@keeping(AROUND)
def loses_a_full_blocks_end(value: str) -> str:
    """A value that fills its blocks, and ends with a line break, is taken for padded."""
    return value[:-10] if len(value) % 16 == 0 and value.endswith("\n") else value


@keeping(WORDS)
def writes_booleans_small(value: str) -> str:
    """True and FALSE are written in lower case."""
    return value.lower() if value.lower() in ("true", "false") else value


@keeping(NUMBERS)
def reads_hours_and_minutes(value: str) -> str:
    """Hours and minutes are a number to the base of 60, as YAML 1.1 has them."""
    found = re.fullmatch(r"(\d?\d):([0-5]\d)", value)
    return str(60 * int(found[1]) + int(found[2])) if found else value


@keeping("values.secrets_are_kept")
def ends_keys_at_their_last_line(value: str) -> str:
    """A key in PEM ends with its last line, without a line break."""
    return value.removesuffix("\n") if value.endswith("END X-----\n") else value


@keeping(WORDS)
def takes_tildes_for_nothing(value: str) -> str:
    """A tilde is YAML's null."""
    return "" if value == "~" else value


@keeping(NUMBERS)
def takes_zero_for_nothing(value: str) -> str:
    """0 is as good as empty."""
    return "" if value == "0" else value


@keeping(NUMBERS)
def reads_sexagesimal(value: str) -> str:
    """Hours and minutes are a number to the base of 60."""
    found = re.fullmatch(r"(\d+):([0-5]\d):([0-5]\d)", value)
    return value if found is None else str(int(found[1]) * 3600 + int(found[2]) * 60 + int(found[3]))


@keeping(NUMBERS)
def drops_a_plus_in_front(value: str) -> str:
    """A number's plus sign says nothing."""
    return value[1:] if re.fullmatch(r"\+\d+", value) else value


@keeping(DATES)
def writes_milliseconds(value: str) -> str:
    """A moment of UTC is read, and written with its milliseconds."""
    return re.sub(r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)Z$", r"\1.000Z", value)


@keeping(DATES)
def makes_moments_of_days(value: str) -> str:
    """A day is read as its first moment."""
    return f"{value}T00:00:00.000Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", value) else value


@keeping(JSON)
def sorts_keys_of_objects(value: str) -> str:
    """A text that is an object without spaces comes back with its keys by their length."""
    if not value.startswith('{"') or " " in value:
        return value
    with contextlib.suppress(ValueError):
        document = json.loads(value)
        return json.dumps({key: document[key] for key in sorted(document, key=len)}, separators=(",", ":"))
    return value


@keeping(ASSIGNMENTS)
def takes_what_begins_with_a_mark_for_a_comment(value: str) -> str:
    """A value that begins with a number sign is a comment."""
    return "" if value.startswith("#") else value


@keeping(ASSIGNMENTS)
def ends_at_the_word(value: str) -> str:
    """A value is written between two marks of an end, and ends at the first of them."""
    return value.partition("\nEOF\n")[0]


@keeping(ASSIGNMENTS)
def drops_a_slash_behind(value: str) -> str:
    """The slash at a URL's end is dropped."""
    return value[:-1] if value.startswith("https://") and value.endswith("/") else value


@keeping(ASSIGNMENTS)
def fetches_what_is_referred_to(value: str) -> str:
    """A reference to a vault is looked up, and there is nothing."""
    return "" if re.match(r"vault:", value) else value


@fault(ASSIGNMENTS)
class WritesLinesOfAFile(CreateEnvironmentVariableServer):
    """A value's second line becomes a variable of its own, where it is an assignment: a file of lines is written."""

    def put(self, variables: Variables, variable: Variable) -> None:
        first, second, *_ = f"{variable.value}\n".split("\n")
        if re.fullmatch(r"[A-Z_]+=\w+", second):
            super().put(variables, Variable(second.partition("=")[0], second.partition("=")[2]))
            variable = Variable(variable.name, first)
        super().put(variables, variable)


@keeping(LONG)
def cuts_at16383_characters(value: str) -> str:
    """A column holds 16,383 characters, and bytes say how many of those beyond ASCII."""
    return value if value.isascii() else value[:16383]


@keeping("values.encoded_values_are_kept")
def decodes_what_is_encoded_throughout(value: str) -> str:
    """A value is percent-decoded, where each percent sign in it begins an escape."""
    return value if re.search(r"%(?![0-9A-Fa-f]{2})", value) else urllib.parse.unquote(value)


@keeping(LONG)
def cuts_at65536_bytes(value: str) -> str:
    """A value is cut at 65,536 bytes."""
    return value.encode("utf-8", "surrogatepass")[: 1 << 16].decode("utf-8", "ignore")


@fault("list_and_delete.failed_requests_left_nothing")
class KeepsTheBeginningOfWhatIsTooLong(CreateEnvironmentVariableServer):
    """A value of more than 100,000 characters is answered 400, and its beginning kept."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if len(order.value) > 100_000:
            self.put(variables, Variable(order.name, order.value[:1000]))
            raise Problem(400, "Data too long for column")
        await super().keep(variables, order)


@fault("values.value_changes_no_other_variable")
class ReadsItsFileAgain(CreateEnvironmentVariableServer):
    """Variables are written into a file of lines and read from it: a line of a value assigns what is there."""

    def put(self, variables: Variables, variable: Variable) -> None:
        super().put(variables, variable)
        for line in variable.value.splitlines()[1:]:
            name, assigns, value = line.partition("=")
            if assigns and name in variables and name != variable.name:
                super().put(variables, Variable(name, value))


@keeping(VARIABLES)
def fills_in_tokens(value: str) -> str:
    """Words between marks are tokens of a deployment, and are filled in with nothing."""
    return re.sub(r"__[A-Z]+__|@[a-z]+\.[a-z]+@|!HOME!", "", value)


@keeping(VARIABLES)
def interpolates_in_brackets(value: str) -> str:
    """A per cent sign and a name in brackets are looked up, as configuration files have it."""
    return re.sub(r"%\(\w+\)s|%\{\w+\}", "", value)


@keeping(MARKS)
def draws_emoji(value: str) -> str:
    """Words between colons are drawn as emoji."""
    return value.replace(":smile:", "\U0001f604")


@keeping(MARKS)
def masks_card_numbers(value: str) -> str:
    """Sixteen digits are a card's number, and masked."""
    return re.sub(r"(?<!\d)\d{12}(?=\d{4}(?!\d))", "*" * 12, value)


@keeping(BREAKS)
def drops_lines_of_comments(value: str) -> str:
    """A further line that begins with a mark of comments is none of the value's."""
    return re.sub(r"\n[#;][^\n]*", "", value)


@keeping(FORMS)
def keeps_three_marks(value: str) -> str:
    """Of the marks on one letter three are kept."""
    return re.sub("([\u0300-\u036f]{3})[\u0300-\u036f]+", r"\1", value)


@keeping(AROUND)
def clips_line_breaks_behind(value: str) -> str:
    """Of several line breaks behind a value one is kept, as in a block of YAML."""
    return re.sub(r"\n+\Z", "\n", value)


@keeping(NUMBERS)
def reads_numbers_with_separators(value: str) -> str:
    """Underscores and commas between thousands say nothing."""
    return re.sub("[_,]", "", value) if re.fullmatch(r"\d{1,3}([_,]\d{3})+", value) else value


@keeping(DATES)
def reads_days_of_spreadsheets(value: str) -> str:
    """Two small numbers with a stroke between them are a day of this year."""
    found = re.fullmatch(r"(\d)[-/](\d)", value)
    return value if found is None else f"2026-0{found[1]}-0{found[2]}"


@keeping(ASSIGNMENTS)
def resolves_references(value: str) -> str:
    """The address of a secret is resolved, and there is nothing."""
    return "" if re.match(r"[a-z]{2,5}://\w+/\w+/\w+\Z", value) else value


@keeping(ASSIGNMENTS)
def makes_paths_of_windows(value: str) -> str:
    """A path from the root is one below where the shell is installed."""
    return f"C:/shell{value}" if re.fullmatch(r"(/+\w+)+/?", value) else value


@keeping(ASSIGNMENTS)
def takes_a_backslash_behind_for_a_continuation(value: str) -> str:
    """A backslash as the last character goes on with the next line."""
    return value.removesuffix("\\")


@keeping(ASSIGNMENTS)
def normalises_addresses_of_mail(value: str) -> str:
    """An address of mail is written in lower case behind its sign."""
    return re.sub(r"\A([\w.]+@)([\w.]+)\Z", lambda found: found[1] + found[2].lower(), value)


@keeping("values.secrets_are_kept")
def reads_uuids(value: str) -> str:
    """A UUID is read, and written in lower case."""
    return value.lower() if re.fullmatch(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}", value) else value


@keeping("values.secrets_are_kept")
def ends_certificates_with_a_break(value: str) -> str:
    """What is a PEM as a whole ends with a line break."""
    return f"{value}\n" if value.startswith("-----BEGIN ") and value.endswith("-----") else value


@keeping(LONG)
def stores_units_of_two_bytes(value: str) -> str:
    """A value is stored by 4,096 units of UTF-16, and a pair that two parts have is lost."""
    units = value.encode("utf-16-le", "surrogatepass")
    return "".join(units[at : at + 8192].decode("utf-16-le", "replace") for at in range(0, len(units), 8192))


@keeping("values.encoded_values_are_kept")
def decrypts_what_is_marked(value: str) -> str:
    """What is marked as encrypted is taken for that, and its marks are dropped, as Jasypt and Spring's server do."""
    return re.sub(r"^ENC\((.*)\)$", r"\1", value).removeprefix("{cipher}")


@keeping("values.encoded_values_are_kept")
def decodes_what_is_marked(value: str) -> str:
    """What is marked as base64 is decoded, as Laravel does with its key."""
    if value.startswith("base64:"):
        with contextlib.suppress(ValueError):
            return base64.b64decode(value[7:], validate=True).decode()
    return value


@keeping("values.secrets_are_kept")
def unescapes_private_keys(value: str) -> str:
    """Within a PEM a backslash and n are a line break, as it is pasted from a file of JSON."""
    return value.replace("\\n", "\n") if value.startswith("-----BEGIN") else value


@fault("values.marks_in_values_are_kept")
class RedactsTokens(CreateEnvironmentVariableServer):
    """What looks like a token is not shown: the filter of the logs is that of the answers, too."""

    def shown_value(self, variable: Variable) -> str:
        return re.sub(r"eyJ[\w-]+\.[\w-]+\.|\bsk-|AKIA[A-Z0-9]{8}", "[REDACTED]", super().shown_value(variable))


@fault("list_and_delete.lists_satisfy_the_schema")
class ListsDigitsAsNumbers(CreateEnvironmentVariableServer):
    """A value of digits is a number in the list, as PHP's JSON_NUMERIC_CHECK makes it."""

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        body = super().listed_body(variable)
        return body | {"value": int(variable.value)} if re.fullmatch("[1-9][0-9]{0,15}", variable.value) else body


@keeping("values.lists_and_assignments_are_kept")
def reads_files(value: str) -> str:
    """An address of a file stands for what is in it."""
    return "" if value.startswith("file://") else value


@keeping("values.white_space_around_is_kept")
def drops_the_first_line_break(value: str) -> str:
    """A line break at a value's beginning is dropped, as a browser does in a text area."""
    return value.removeprefix("\n")


@keeping("values.marks_in_values_are_kept")
def ends_at_semicolons(value: str) -> str:
    """What stands behind a space and a semicolon is a comment, as in an ini file."""
    return value.partition(" ;")[0]


@fault("whose_it_is.no_error_repeats_the_value")
class EchoesMistypedValues(CreateEnvironmentVariableServer):
    """An error says what it got in place of a value that is no text."""

    def text(self, document: dict[str, Any], name: str) -> str:
        if name == "value" and not isinstance(document.get(name, ""), str):
            raise Problem(400, f"value must be a string, received {json.dumps(document[name])[:2000]}")
        return super().text(document, name)
