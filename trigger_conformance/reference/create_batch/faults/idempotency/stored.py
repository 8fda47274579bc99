"""Keys that are taken for each other: what they are stored as."""

from __future__ import annotations

from trigger_conformance.reference import stored_keys
from trigger_conformance.reference.create_batch.server import CreateBatchServer

CASE = "idempotency.letter_case_makes_keys_different"
SPACE = "idempotency.white_space_makes_keys_different"
SUFFIX = "idempotency.suffix_makes_keys_different"
WIDE = "idempotency.wide_suffix_makes_keys_different"
FORM = "idempotency.unicode_form_makes_keys_different"
NUMBERS = "idempotency.look_alike_numbers_are_different"
DELIMITERS = "idempotency.delimiters_make_keys_different"
UNUSUAL = "idempotency.unusual_keys_work_or_are_rejected"

_CAUGHT_BY: dict[stored_keys.Stored, tuple[str, ...]] = {
    **stored_keys.caught_in("idempotency"),
    stored_keys.reads_paths: ("idempotency.spellings_of_one_value_are_different_keys",),
    stored_keys.reads_base64_of_both_alphabets: ("idempotency.invisible_characters_and_markup_make_keys_different",),
    stored_keys.drops_the_last_line_break: (SPACE, UNUSUAL),
    stored_keys.lowers_keys: (CASE,),
    stored_keys.uppers_keys: (CASE,),
    stored_keys.folds_keys: (
        CASE,
        FORM,
    ),
    stored_keys.trims_keys: (SPACE,),
    stored_keys.trims_keys_at_their_end: (SPACE,),
    stored_keys.trims_keys_at_their_beginning: (SPACE,),
    stored_keys.collapses_spaces: (SPACE,),
    stored_keys.removes_spaces: (SPACE,),
    stored_keys.normalises_to_nfc: (FORM,),
    stored_keys.normalises_to_nfkc: (FORM,),
    stored_keys.normalises_to_nfd: (FORM,),
    stored_keys.strips_accents: (FORM,),
    stored_keys.keeps_ascii_only: (
        FORM,
        WIDE,
    ),
    stored_keys.stores_latin1: (
        WIDE,
        FORM,
    ),
    stored_keys.stores_three_byte_utf8: (WIDE,),
    stored_keys.keeps_high_surrogates_only: (WIDE,),
    stored_keys.cuts_keys_at36: (SUFFIX,),
    stored_keys.cuts_keys_at64: (SUFFIX,),
    stored_keys.cuts_keys_at100: (SUFFIX,),
    stored_keys.cuts_keys_at128: (SUFFIX,),
    stored_keys.cuts_keys_at191: (SUFFIX,),
    stored_keys.cuts_keys_at254: (SUFFIX,),
    stored_keys.cuts_keys_at255_bytes: (WIDE,),
    stored_keys.cuts_keys_at256: (UNUSUAL,),
    stored_keys.keeps_the_end_of_keys: ("idempotency.beginning_makes_keys_different",),
    stored_keys.hashes_the_head: (SUFFIX,),
    # Which keys collide hangs on the run's id.
    stored_keys.hashes_to_ten_bits: (
        "idempotency.concurrent_requests_with_different_keys_create_different_batches",
        "fuzzing.nearly_alike_keys_are_different",
        "fuzzing.any_order_is_answered_as_the_model_says",
        "idempotency.unicode_form_makes_keys_different",
        SUFFIX,
        UNUSUAL,
    ),
    stored_keys.sorts_letters: ("fuzzing.nearly_alike_keys_are_different",),
    stored_keys.reads_whole_numbers: (NUMBERS,),
    stored_keys.reads_floats: (NUMBERS,),
    stored_keys.decodes_urls: (DELIMITERS,),
    stored_keys.decodes_pluses: (DELIMITERS,),
    stored_keys.splits_at_colons: (DELIMITERS,),
    stored_keys.splits_at_slashes: (DELIMITERS,),
    stored_keys.drops_punctuation: (DELIMITERS,),
    stored_keys.unescapes_backslashes: (DELIMITERS,),
    stored_keys.ends_keys_at_nul: (UNUSUAL,),
    stored_keys.replaces_surrogates: (UNUSUAL,),
    stored_keys.drops_control_characters: (UNUSUAL,),
}

for _stored, _caught_by in _CAUGHT_BY.items():
    stored_keys.storing(CreateBatchServer, __name__, _stored, *_caught_by)
