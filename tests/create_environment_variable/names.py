"""Names that software takes for each other: the rows of every operation's keys that a name may be."""

from __future__ import annotations

import itertools

from tests.every_operation import keys, transformations
from tests.every_operation.transformations import PLAIN, Kind

from .values import CLIMBING, OF_RUNS, RESERVED

LONGEST = 64
LONGER = "a longer one"
# Between the labels of a name and of a value that travels with it.
WITH_A_VALUE = ", and a value: "
OF_PATHS, ENDING_A_PATH = "names_with_marks_are_found_by_their_paths", "/?"
OF_SECRETS = "words of secrets"
MARKS = ("two slashes and a dot", "a question mark, a percent sign and a plus", "an ending as of a file")
# What each kind is called here, in the order of the rows; names of numbers, dates and the like would say of no run.
CHECKS = {
    "delimiters_make_keys_different": "delimiters_make_names_different",
    "unicode_form_makes_keys_different": "unicode_form_makes_names_different",
    "invisible_characters_and_markup_make_keys_different": "invisible_characters_make_names_different",
    "letter_case_makes_keys_different": "letter_case_makes_names_different",
    "white_space_makes_keys_different": "white_space_makes_names_different",
    "encoded_spellings_are_different_keys": "encoded_spellings_are_different_names",
    "cut_off_ends_make_keys_different": "cut_off_ends_make_names_different",
    "keys_with_equal_checksums_are_different": "names_with_equal_checksums_are_different",
    "suffix_makes_keys_different": "suffix_makes_long_names_different",
    "containing_keys_are_different": "containing_names_are_different",
}
TELLING = (
    PLAIN, "é composed", "é decomposed", "a zero-width space inside", "one letter in upper case", "a trailing space",
    "a character by its number", "an encoded digit", "marks, then a", "marks, then b", "other after 254 characters",
    "other at the end", LONGER,
    "sharp s", "a full-width k", "a leading space", "a tab inside", "one space inside", "in quotation marks",
    "a byte-order mark before it", "a trailing dot", "a backslash", "a slash inside", ".", "_", "*",
    "other after 64 characters", "other in the middle",
)  # fmt: skip


def kinds(key, *, thorough):
    """The table of names that must not be taken for each other, made of fresh ones."""
    found, taken = [], set()
    for kind in transformations.kinds(key, 0, thorough=thorough, searched=thorough):
        if kind.check in CHECKS:
            # What is no name at all hides what else is in it.
            rows = {label: each.replace("-", "_").replace("=", "") for label, each in kind.rows.items()
                    if thorough or label in TELLING}  # fmt: skip
            # A name that goes on as that of a file does, in which the value is.
            rows |= {LONGER: rows[LONGER].replace("_outer", "_FILE")} if LONGER in rows else {}
            # Some rows differ in what no name has.
            new = {label: each for label, each in rows.items() if _may_be_made(each) and each not in taken}
            taken |= {*new.values()}
            found.append(Kind(CHECKS[kind.check], new | _more(kind.check, key(), thorough=thorough)))
    return [
        *found,
        Kind("ordinary_names_are_accepted", ordinary(key, thorough=thorough)),
        Kind("names_of_64_characters_are_different", longest(key())),
        Kind("characters_of_other_planes_make_names_different", of_planes(key())),
        Kind(OF_PATHS, in_paths(key(), thorough=thorough)),
        Kind("reserved_names_are_there_or_rejected", reserved(key(), thorough=thorough)),
        # Whether a value is shown under such a name is the affair of values.
        Kind("", {OF_SECRETS: f"{key()}_SECRET_TOKEN_PASSWORD"}),
    ]


def owner_of(name, label):
    """Which check judges whether a ``name`` of a request that is labelled so is found by its path."""
    if any(mark in name for mark in ENDING_A_PATH):
        return OF_PATHS
    stems = (f"{OF_RUNS}{number:08X}_" for number in itertools.count())
    of_name = label.partition(WITH_A_VALUE)[0]
    found = (kind.check for kind in kinds(stems.__next__, thorough=False) if of_name in kind.rows)
    return next(found, OF_PATHS)


def _may_be_made(name):
    """Only names that tell of the run, and are removed by their paths in one way.

    To many a router a line break at a path's end is none.
    """
    return OF_RUNS in name and not CLIMBING.search(name) and not name.endswith("\n")


def _more(check, stem, *, thorough):
    """Rows that keys have otherwise, or not at all."""
    if check == "keys_with_equal_checksums_are_different":
        return of_one_hash(stem)
    if check == "delimiters_make_keys_different" and thorough:
        return of_programs(stem)
    return beyond_columns(stem) if check == "suffix_makes_keys_different" and thorough else {}


def of_programs(stem):
    """Names that shells, frameworks and files of settings read as one."""
    return {
        "two underscores for a level": f"{stem}__B",
        "a colon for a level": f"{stem}:B",
        "a dot for a level": f"{stem}.B",
        "a hyphen for a level": f"{stem}-B",
        "one underscore for a level": f"{stem}_B",
        "a shell's word in front": f"export {stem}_B",
    }


def beyond_columns(stem):
    """Names that differ behind what most columns for text hold."""
    long = keys.filled(stem, 300, "K")
    return {"300 characters": long, "300 characters, another end": f"{long[:-1]}L"}


def of_one_hash(stem):
    """Names with one hash of 31 times what was before, as Java's, in fewer characters than keys have for it."""
    return {"Aa behind": f"{stem}_Aa", "BB behind": f"{stem}_BB"}


def ordinary(key, *, thorough):
    """Names as any program has them, that checks of names may take for wrong ones."""
    stem = key()
    rows = {
        "underscores in front, inside and behind": f"_{stem}__09_",
        "one underscore for two": f"_{stem}_09_",
        "an underscore in front": f"_{key()}",
        "digits and underscores behind": f"{key()}__09_",
        "one digit and more": f"{key()}_A1",
    }
    return dict(list(rows.items())[: None if thorough else 2])


def longest(stem):
    """Names of 64 characters that differ at their end, or in their middle."""
    full = keys.filled(stem, LONGEST, "K")
    middle = LONGEST - 20
    return {
        "64 characters": full,
        "64 characters, another end": f"{full[:-1]}L",
        "64 characters, another middle": f"{full[:middle]}L{full[middle + 1 :]}",
    }


def of_planes(stem):
    """Names that differ in a character of which two units of UTF-16 are needed."""
    return {"an emoji behind": f"{stem}😀", "another emoji behind": f"{stem}😁"}


def in_paths(stem, *, thorough):
    """Names with what paths are made of."""
    marks = {"two slashes and a dot": "//./", "a question mark, a percent sign and a plus": "?%+",
             "a question mark": "?", "a percent sign": "%", "a number sign": "#", "a space": " ", "a slash": "/",
             "a plus": "+", "a colon": ":", "a semicolon": ";"}  # fmt: skip
    found = {label: f"{stem}_{mark}B" for label, mark in list(marks.items())[: None if thorough else 2]}
    # What a path ends in may be taken for the format of the answer.
    return {**found, "an ending as of a file": f"{stem}.json"}


def reserved(stem, *, thorough):
    """Names as platforms keep for themselves."""
    return {f"beginning with {each}": f"{each}{stem}" for each in RESERVED[: None if thorough else 1]}
