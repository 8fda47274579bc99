"""Names that a target may reject, and how many there may be."""

from __future__ import annotations

import re

from trigger_conformance.reference.behaviours import variant
from trigger_conformance.reference.create_environment_variable.server import CreateEnvironmentVariableServer
from trigger_conformance.reference.create_environment_variable.store import Variable, Variables
from trigger_conformance.reference.server import Problem

# Where there is room for twenty variables, what needs more at a time.
MORE_THAN_TWENTY = (
    "authentication.requests_on_one_connection_are_judged_by_themselves",
    "authentication.scheme_is_matched_without_regard_to_case",
    "bodies.malformed_json_is_rejected",
    "bodies.spelling_of_a_body_does_not_matter",
    "bodies.words_of_other_languages_are_rejected",
    "bodies.what_is_no_white_space_is_rejected",
    "bodies.invalid_utf8_is_rejected",
    "bodies.what_json_allows_is_accepted",
    "bodies.values_that_nobody_needs_are_answered",
    "bodies.special_names_change_nothing",
    "bodies.deep_and_large_bodies_are_answered",
    "bodies.unknown_properties_are_accepted",
    "fuzzing.generated_valid_requests_are_accepted",
    "http.other_media_types_are_handled",
    "http.chunked_body_is_accepted_or_411",
    "http.charset_parameter_is_accepted",
    "http.header_names_in_any_letter_case_are_read",
    "http.media_type_in_any_letter_case_is_read",
    "http.any_accept_that_has_json_is_answered",
    "http.expectation_of_100_is_met",
    "http.body_in_pieces_is_read",
    "http.unknown_headers_are_ignored",
    "http.requests_of_other_clients_are_read",
    "http.chunks_of_any_form_are_read",
    "http.unusual_request_lines_never_fail_the_server",
    "names.containing_names_are_different",
    "names.names_of_64_characters_are_different",
    "names.characters_of_other_planes_make_names_different",
    "names.names_with_equal_checksums_are_different",
    "names.suffix_makes_long_names_different",
    "names.ordinary_names_are_accepted",
    "names.names_with_marks_are_found_by_their_paths",
    "names.reserved_names_are_there_or_rejected",
    "taken_names.second_request_replaces_the_value_or_is_rejected",
    "taken_names.failed_request_does_not_use_up_its_name",
    "taken_names.reading_of_taken_names",
    "values.quotes_around_are_kept",
    "values.words_are_kept",
    "values.dates_are_kept",
    "values.json_is_kept",
    "values.lists_and_assignments_are_kept",
    "values.long_values_are_kept",
    "values.printable_values_are_accepted",
    "values.generated_values_are_kept",
    "whose_it_is.encoded_path_is_the_path_or_nothing",
    "taken_names.odd_new_values_replace_or_are_rejected",
    "taken_names.new_value_leaves_others",
    "values.encoded_values_are_kept",
    "values.references_to_variables_are_kept",
    "values.secrets_are_kept",
    "whose_it_is.another_credential_changes_nothing",
    "whose_it_is.another_credential_sees_nothing",
    "whose_it_is.unknown_project_has_nothing",
    "whose_it_is.other_environments_have_nothing_of_this_one",
    "names.cut_off_ends_make_names_different",
    "names.delimiters_make_names_different",
    "names.encoded_spellings_are_different_names",
    "names.white_space_makes_names_different",
    "values.numbers_are_kept",
    "values.white_space_around_is_kept",
)
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


@variant(undecided=MORE_THAN_TWENTY)
class RoomForTwenty(CreateEnvironmentVariableServer):
    """An environment has room for twenty variables; one more is answered 400."""

    async def keep(self, variables: Variables, order: Variable) -> None:
        if self.find(variables, order.name) is None and len(variables) >= 20:
            raise Problem(400, "Your plan's limit of 20 environment variables is reached")
        await super().keep(variables, order)
