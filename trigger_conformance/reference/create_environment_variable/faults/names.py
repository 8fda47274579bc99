"""Names that are taken for each other, rejected, or lost on the way to a look-up."""

from __future__ import annotations

import functools
import html
import re
import urllib.parse
import zlib
from typing import Any

from starlette.requests import Request

from trigger_conformance.reference import stored_keys
from trigger_conformance.reference.behaviours import fault
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem
from trigger_conformance.reference.stored_keys import storing

CASE = "names.letter_case_makes_names_different"
SPACE = "names.white_space_makes_names_different"
FORM = "names.unicode_form_makes_names_different"
INVISIBLE = "names.invisible_characters_make_names_different"
DELIMITERS = "names.delimiters_make_names_different"
ENCODED = "names.encoded_spellings_are_different_names"
CUT = "names.cut_off_ends_make_names_different"
CHECKSUMS = "names.names_with_equal_checksums_are_different"
LONG, SIXTY_FOUR = "names.suffix_makes_long_names_different", "names.names_of_64_characters_are_different"
CONTAINING = "names.containing_names_are_different"
PATHS = "names.names_with_marks_are_found_by_their_paths"
ORDINARY = "names.ordinary_names_are_accepted"
IMPOSSIBLE = "names.impossible_names_are_rejected"


def cuts_names_at63(name: str) -> str:
    """Names are cut at 63 characters, the length of a label."""
    return name[:63]


def keeps_a_checksum(name: str) -> str:
    """Names are remembered by their CRC-32."""
    return str(zlib.crc32(name.encode("utf-8", "replace")))


def reads_entities_in_names(name: str) -> str:
    """Entities in a name are decoded."""
    return html.unescape(name)


def cuts_names_at_marks(name: str) -> str:
    """A name ends at its first comma."""
    return name.partition(",")[0]


def drops_invisible_characters_of_names(name: str) -> str:
    """Zero-width spaces in names are dropped."""
    return name.replace("\u200b", "")


def uppers_letters_one_by_one(name: str) -> str:
    """Letters whose upper case is one of ASCII are taken for it: a long s is an s."""
    return "".join("s" if each == "\u017f" else each for each in name)


def collapses_underscores(name: str) -> str:
    """Underscores in a row are one, as in a slug."""
    return re.sub("_+", "_", name)


def makes_names_fit_for_shells(name: str) -> str:
    """What no shell has in a name is an underscore."""
    return name.replace("-", "_")


def reads_levels(name: str) -> str:
    """Two underscores in a name are a colon, as in the settings of .NET."""
    return name.replace("__", ":")


def reads_dots_as_underscores(name: str) -> str:
    """Dots and hyphens in a name are underscores, as Spring binds them."""
    return name.replace(".", "_").replace("-", "_") if name.endswith("B") else name


def reads_lines_of_shells(name: str) -> str:
    """A name may be that of a shell's line: the word export in front of it is dropped."""
    return name.removeprefix("export ")


def cuts_names_at255(name: str) -> str:
    """Names are cut at 255 characters."""
    return name[:255]


def reads_sharp_letters(name: str) -> str:
    """A sharp s is two of them."""
    return name.replace("ß", "ss")


def drops_quotes_around_names(name: str) -> str:
    """Quotation marks around a name are none of it."""
    return name.strip('"')


def reads_names_as_php_does(name: str) -> str:
    """Dots and spaces in a name are underscores, as PHP has them of a form's."""
    return name.replace(".", "_").replace(" ", "_") if "ess" in name else name


def keeps_both_ends_of_names(name: str) -> str:
    """A name of more than 40 characters is kept by its ends."""
    return f"{name[:35]}{name[-5:]}" if len(name) > 40 else name


for stored, *caught_by in (
    (reads_sharp_letters, FORM),
    (drops_quotes_around_names, INVISIBLE),
    (reads_names_as_php_does, DELIMITERS, SPACE),
    (keeps_both_ends_of_names, SIXTY_FOUR, LONG),
    (stored_keys.reads_tabs_as_spaces, SPACE),
    (stored_keys.normalises_to_nfkc, FORM),
    (stored_keys.trims_keys_at_their_beginning, SPACE),
    (reads_levels, DELIMITERS),
    (reads_dots_as_underscores, DELIMITERS),
    (reads_lines_of_shells, DELIMITERS),
    (cuts_names_at255, LONG),
    (stored_keys.lowers_keys, CASE),
    (stored_keys.folds_keys, CASE),
    (stored_keys.trims_keys, SPACE),
    (stored_keys.trims_keys_at_their_end, SPACE),
    (stored_keys.normalises_to_nfc, FORM),
    (stored_keys.normalises_to_nfd, FORM),
    (stored_keys.strips_accents, FORM),
    (stored_keys.cuts_keys_at64, LONG),
    (stored_keys.cuts_keys_at128, LONG),
    (stored_keys.cuts_keys_at254, LONG),
    (cuts_names_at63, SIXTY_FOUR, LONG),
    (keeps_a_checksum, CHECKSUMS),
    (reads_entities_in_names, ENCODED),
    (stored_keys.decodes_urls, DELIMITERS),
    (cuts_names_at_marks, CUT),
    (drops_invisible_characters_of_names, INVISIBLE),
    (uppers_letters_one_by_one, FORM),
    (collapses_underscores, ORDINARY),
    (makes_names_fit_for_shells, "taken_names.new_value_leaves_others"),
):
    storing(CreateEnvironmentVariableServer, __name__, stored, *caught_by)


@fault(CONTAINING)
class FindsNamesByTheirBeginning(CreateEnvironmentVariableServer):
    """A name that another one begins with is that one."""

    def find(self, variables: Variables, name: str) -> Variable | None:
        longer = (each for each in reversed(variables.values()) if each.name.startswith(name) and name.endswith("1ess"))
        return next(longer, None) or super().find(variables, name)


@fault("list_and_delete.unknown_name_is_404")
class FindsNamesByExpressions(CreateEnvironmentVariableServer):
    """Where there is no variable with a name, it is a regular expression."""

    def find(self, variables: Variables, name: str) -> Variable | None:
        plain = re.fullmatch(r"[\w.]+", name)
        alike = (each for key, each in variables.items() if plain and re.fullmatch(name, key))
        return super().find(variables, name) or next(alike, None)


@fault("list_and_delete.unknown_name_is_404")
class FindsNamesByUnderscores(CreateEnvironmentVariableServer):
    """Where there is no variable with a name, its last underscore is any character, as to LIKE."""

    def find(self, variables: Variables, name: str) -> Variable | None:
        alike = (each for key, each in variables.items() if name[-1:] == "_" and key[:-1] == name[:-1])
        return super().find(variables, name) or next(alike, None)


@fault("list_and_delete.unknown_name_is_404")
class FindsNamesInOtherLetters(CreateEnvironmentVariableServer):
    """Where there is no variable with a name, one with the name in other letters is found."""

    def find(self, variables: Variables, name: str) -> Variable | None:
        alike = (each for key, each in variables.items() if key.lower() == name.lower())
        return super().find(variables, name) or next(alike, None)


@fault(SPACE)
class KeepsTrimmedNames(CreateEnvironmentVariableServer):
    """White space around a name is dropped where the variable is made."""

    def kept_name(self, name: str) -> str:
        return name.strip()


@fault("list_and_delete.created_variable_is_seen_by_name")
class KeepsNamesInLowerCase(CreateEnvironmentVariableServer):
    """Names are kept in lower case."""

    def kept_name(self, name: str) -> str:
        return name.lower()


@fault("list_and_delete.created_variable_is_in_the_list")
class ListsNamesWithABeginning(CreateEnvironmentVariableServer):
    """The list has names with the environment in front."""

    def listed_body(self, variable: Variable) -> dict[str, object]:
        return {**super().listed_body(variable), "name": f"DEV_{variable.name}"}


class _Rejecting(CreateEnvironmentVariableServer):
    """Rejects names that every target must take."""

    def check_name(self, name: str) -> None:
        super().check_name(name)
        if self.is_rejected(name):
            raise Problem(400, "name is not allowed")

    def is_rejected(self, name: str) -> bool:
        raise NotImplementedError


@fault(ORDINARY)
class RejectsNamesBeyond63(_Rejecting):
    """A name of 64 characters is rejected."""

    def is_rejected(self, name: str) -> bool:
        return len(name) > 63


@fault(ORDINARY)
class RejectsUnderscoresInFront(_Rejecting):
    """A name that begins with an underscore is rejected."""

    def is_rejected(self, name: str) -> bool:
        return name.startswith("_")


@fault("names.reserved_names_are_there_or_rejected")
class DropsReservedNames(CreateEnvironmentVariableServer):
    """A reserved name is answered with success, and dropped."""

    def put(self, variables: Variables, variable: Variable) -> None:
        if not variable.name.startswith("TRIGGER_"):
            super().put(variables, variable)


@fault(IMPOSSIBLE)
class TakesEqualsSigns(CreateEnvironmentVariableServer):
    """A name with an equals sign is accepted."""

    def check_name(self, name: str) -> None:
        super().check_name(name.replace("=", "_"))


@fault(IMPOSSIBLE)
class TakesTheEmptyName(CreateEnvironmentVariableServer):
    """The empty name is accepted."""

    def check_name(self, name: str) -> None:
        super().check_name(name or "x")


@fault(IMPOSSIBLE)
class TakesNul(CreateEnvironmentVariableServer):
    """A name with NUL is accepted."""

    def check_name(self, name: str) -> None:
        super().check_name(name.replace("\0", "_"))


@fault("names.impossible_names_are_answered", "answers.never_a_server_error")
class FailsOnNul(CreateEnvironmentVariableServer):
    """NUL in a name is answered 500, as a database does."""

    def check_name(self, name: str) -> None:
        if "\0" in name:
            raise Problem(500, "invalid byte sequence for encoding")
        super().check_name(name)


class _Asked(CreateEnvironmentVariableServer):
    """Reads the name at the end of a path in its own way."""

    def asked_name(self, request: Request) -> str:
        return self.read(super().asked_name(request))

    def read(self, name: str) -> str:
        raise NotImplementedError


@fault(PATHS)
class ReadsTheLastSegment(_Asked):
    """A path's name begins behind its last slash, an encoded one too."""

    def read(self, name: str) -> str:
        return name.rpartition("/")[2]


@fault(PATHS, CUT)
class CutsPathsAtQuestionMarks(_Asked):
    """An encoded question mark begins a query."""

    def read(self, name: str) -> str:
        return name.partition("?")[0]


@fault(DELIMITERS)
class DecodesPathsTwice(_Asked):
    """A path is decoded by what stands in front, and again."""

    def read(self, name: str) -> str:
        return urllib.parse.unquote(name)


@fault(SPACE)
class TrimsPaths(_Asked):
    """White space at a path's end is dropped."""

    def read(self, name: str) -> str:
        return name.strip()


@fault("names.ordinary_names_are_accepted")
class ListsUnderscoresAsColons(CreateEnvironmentVariableServer):
    """Two underscores are a colon to the list."""

    def listed_body(self, variable: Variable) -> dict[str, Any]:
        return {**super().listed_body(variable), "name": variable.name.replace("__", ":")}


@fault("names.ordinary_names_are_accepted")
class ListsNoPrivateNames(CreateEnvironmentVariableServer):
    """What begins with an underscore is in no list."""

    def listed(self, variables: Variables) -> list[Variable]:
        return [each for each in super().listed(variables) if not each.name.startswith("_")]


@fault(CASE)
class RejectsNamesInOtherLetters(CreateEnvironmentVariableServer):
    """A name is taken where it is there in other letters."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if any(
            each.name != order.name and each.name.casefold() == order.name.casefold() for each in variables.values()
        ):
            raise Problem(400, "name is taken")
        await super().keep(variables, order)


@fault(PATHS)
class ReadsPlusesInPaths(CreateEnvironmentVariableServer):
    """A plus in a path is a space."""

    def asked_name(self, request: Request) -> str:
        return super().asked_name(request).replace("+", " ")


@fault(PATHS)
class MergesSlashes(CreateEnvironmentVariableServer):
    """Two slashes in a path are one."""

    def asked_name(self, request: Request) -> str:
        return super().asked_name(request).replace("//", "/")


@fault(PATHS)
class ResolvesDotsInPaths(CreateEnvironmentVariableServer):
    """A path's dot segments are resolved once it is decoded."""

    def asked_name(self, request: Request) -> str:
        return super().asked_name(request).replace("/./", "/")


@fault("names.reserved_names_are_there_or_rejected")
class SkipsNamesOfItsHost(CreateEnvironmentVariableServer):
    """Names that its host sets are answered with success, and left out."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if not order.name.startswith("GITHUB_"):
            await super().keep(variables, order)


@fault(PATHS)
class TakesEndingsForFormats(CreateEnvironmentVariableServer):
    """What looks like a file's ending at the end of a path is the format of the answer, as in Rails."""

    def asked_name(self, request: Request) -> str:
        return re.sub(r"\.(json|xml|html|txt)$", "", super().asked_name(request))


@fault("names.characters_of_other_planes_make_names_different")
class ComparesOnePlane(CreateEnvironmentVariableServer):
    """Characters beyond U+FFFF are one and the same, as in MySQL's older collations."""

    def stored_key(self, key: str) -> str:
        return re.sub("[\U00010000-\U0010ffff]", "\ufffd", key)


@fault("names.impossible_names_are_answered", "answers.never_a_server_error")
class FailsOnNamesBeyondAnIndex(CreateEnvironmentVariableServer):
    """A name of more than 2,704 bytes is answered 500: it is too long for a row of PostgreSQL's index."""

    def check_name(self, name: str) -> None:
        if len(name.encode("utf-8", "surrogatepass")) > 2704:
            raise Problem(500, "index row size exceeds btree version 4 maximum 2704")
        super().check_name(name)


@fault(CONTAINING)
class ReadsNamesOfFiles(CreateEnvironmentVariableServer):
    """A name that ends as that of a file sets the one without, as images of databases have it."""

    def kept_name(self, name: str) -> str:
        return name.removesuffix("_FILE")


@fault("names.names_with_equal_checksums_are_different")
class HashesAsJavaDoes(CreateEnvironmentVariableServer):
    """A name is remembered by its hash of 32 bits, 31 times what was before."""

    def stored_key(self, key: str) -> str:
        return str(functools.reduce(lambda hashed, each: (31 * hashed + ord(each)) % 2**32, key, 0))


@fault("names.invisible_characters_make_names_different")
class DropsTheLastDots(CreateEnvironmentVariableServer):
    """Dots at a name's end do not count, as with names of files in Windows."""

    def stored_key(self, key: str) -> str:
        return key.rstrip(".")
