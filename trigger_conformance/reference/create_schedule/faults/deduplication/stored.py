"""Keys that are taken for each other: what they are stored as."""

from __future__ import annotations

from trigger_conformance.reference import stored_keys
from trigger_conformance.reference.create_schedule.server import CreateScheduleServer

CASE = "deduplication.letter_case_makes_keys_different"
SPACE = "deduplication.white_space_makes_keys_different"
SUFFIX = "deduplication.suffix_makes_keys_different"
WIDE = "deduplication.wide_suffix_makes_keys_different"
FORM = "deduplication.unicode_form_makes_keys_different"
NUMBERS = "deduplication.look_alike_numbers_are_different"
DELIMITERS = "deduplication.delimiters_make_keys_different"
SLIGHTLY = "deduplication.slightly_different_keys_are_different"
UNUSUAL = "deduplication.unusual_keys_work_or_are_rejected"
CLEANED = "deduplication.invisible_characters_and_markup_make_keys_different"
BEGINNING = "deduplication.beginning_makes_keys_different"

_CAUGHT_BY: dict[stored_keys.Stored, tuple[str, ...]] = {
    **stored_keys.caught_in("deduplication"),
    stored_keys.strips_tags: (CLEANED,),
    stored_keys.drops_soft_hyphens: (CLEANED,),
    stored_keys.reads_base64_of_both_alphabets: (CLEANED,),
    stored_keys.drops_the_last_line_break: (SPACE,),
    stored_keys.lowers_keys: (CASE,),
    stored_keys.uppers_keys: (CASE,),
    stored_keys.folds_keys: (CASE, FORM),
    stored_keys.trims_keys: (SPACE,),
    stored_keys.trims_keys_at_their_end: (SPACE,),
    stored_keys.trims_keys_at_their_beginning: (SPACE,),
    stored_keys.collapses_spaces: (SPACE, SLIGHTLY),
    stored_keys.normalises_to_nfc: (FORM,),
    stored_keys.normalises_to_nfkc: (FORM,),
    stored_keys.strips_accents: (FORM,),
    stored_keys.stores_latin1: (WIDE, FORM),
    stored_keys.stores_three_byte_utf8: (WIDE,),
    stored_keys.cuts_keys_at36: (SUFFIX,),
    stored_keys.cuts_keys_at64: (SUFFIX,),
    stored_keys.cuts_keys_at128: (SUFFIX,),
    stored_keys.cuts_keys_at191: (SUFFIX,),
    stored_keys.cuts_keys_at254: (SUFFIX,),
    stored_keys.cuts_keys_at255_bytes: (WIDE,),
    stored_keys.cuts_keys_at256: ("deduplication.long_keys_are_different_or_rejected",),
    stored_keys.keeps_the_end_of_keys: (BEGINNING,),
    stored_keys.reads_whole_numbers: (NUMBERS,),
    stored_keys.reads_floats: (NUMBERS,),
    stored_keys.decodes_urls: (DELIMITERS,),
    stored_keys.splits_at_colons: (DELIMITERS, "deduplication.names_derived_from_a_key_are_other_keys"),
    stored_keys.splits_at_slashes: (DELIMITERS,),
    stored_keys.drops_punctuation: (DELIMITERS, SLIGHTLY),
    stored_keys.reads_no_break_spaces_as_spaces: (SPACE, SLIGHTLY),
    stored_keys.folds_final_sigmas: (FORM,),
    stored_keys.cuts_at_commas: ("deduplication.cut_off_ends_make_keys_different",),
    stored_keys.halves_percent_signs: ("deduplication.encoded_spellings_are_different_keys",),
    stored_keys.drops_zero_width_characters: (CLEANED,),
    stored_keys.drops_marks_of_direction: (CLEANED,),
    stored_keys.drops_what_may_be_ignored: (CLEANED,),
    stored_keys.reads_dates: ("deduplication.spellings_of_one_value_are_different_keys",),
    stored_keys.hashes_to_crc32: ("deduplication.keys_with_equal_checksums_are_different",),
    stored_keys.ends_keys_at_nul: (UNUSUAL,),
    stored_keys.replaces_surrogates: (UNUSUAL,),
}

for _stored, _caught_by in _CAUGHT_BY.items():
    stored_keys.storing(CreateScheduleServer, __name__, _stored, *_caught_by)
