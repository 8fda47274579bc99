"""Names: which are accepted, that each is seen as it was sent, and that what differs is another variable."""

import pytest

from tests.every_operation import transformations
from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError, expect
from trigger_conformance.checks.requirement import info, must, should

from . import names, pairs
from .grounds import SUCCESS, given_shown, key_of
from .named import is_ordinary
from .values import NAME, VALUE

# What a label tells of a request.
CASES = "a name"

CLAUSE = "EnvironmentVariable.name"
ORDINARY, LONGEST = "ordinary_names_are_accepted", "names_of_64_characters_are_different"


@pytest.fixture(scope="module")
def named(target):
    """One volley of names that software takes for each other."""
    given_shown(target)
    return pairs.named(target)


@must("a name that contains another, or begins with it, is another variable's", clause=CLAUSE)
def test_containing_names_are_different(named):
    named.judge("containing_names_are_different")


@must("names of 64 characters that differ at their end, or in their middle, are different", clause=CLAUSE)
def test_names_of_64_characters_are_different(named):
    named.judge("names_of_64_characters_are_different")


@must("names of one length, sum, or checksum are different", clause=CLAUSE)
def test_names_with_equal_checksums_are_different(named):
    named.judge("names_with_equal_checksums_are_different")


@must("names that differ in letter case are different", clause=CLAUSE)
def test_letter_case_makes_names_different(named):
    plain, other = named.answers[transformations.PLAIN], named.answers["one letter in upper case"]
    if plain.status == SUCCESS and len(key_of(other.request)) <= names.LONGEST:
        # Of letters and an underscore both: it is no reason to reject one that the other is there.
        expect(other).is_accepted()
    named.judge("letter_case_makes_names_different")


@must("names that differ in white space are different, where they are accepted", clause=CLAUSE)
def test_white_space_makes_names_different(named):
    named.judge("white_space_makes_names_different")


@must("names in different Unicode forms are different, where they are accepted", clause=CLAUSE)
def test_unicode_form_makes_names_different(named):
    named.judge("unicode_form_makes_names_different")


@must("names that differ in characters beyond U+FFFF are different, where they are accepted", clause=CLAUSE)
def test_characters_of_other_planes_make_names_different(named):
    named.judge("characters_of_other_planes_make_names_different")


@must("names that differ in invisible characters are different, where they are accepted", clause=CLAUSE)
def test_invisible_characters_make_names_different(named):
    named.judge("invisible_characters_make_names_different")


@must("names with delimiters and wildcards stand for themselves, where they are accepted", clause=CLAUSE)
def test_delimiters_make_names_different(named):
    named.judge("delimiters_make_names_different")


@must("a name and what it may be decoded to are different, where they are accepted", clause=CLAUSE)
def test_encoded_spellings_are_different_names(named):
    named.judge("encoded_spellings_are_different_names")


@must("names that differ only behind marks are different, where they are accepted", clause=CLAUSE)
def test_cut_off_ends_make_names_different(named):
    named.judge("cut_off_ends_make_names_different")


@must("names of more than 64 characters that differ at any place are different, where they are accepted",
      clause=CLAUSE)  # fmt: skip
def test_suffix_makes_long_names_different(named):
    named.judge("suffix_makes_long_names_different")


@info("whether names of more than 64 characters are accepted", clause=CLAUSE)
def test_reading_of_longer_names(target, named):
    longer = {label: each for label, each in named.answers.items() if len(key_of(each.request)) > names.LONGEST}
    target.note(", ".join(f"{label}: {each.status}" for label, each in longer.items()))


@info("whether names of other characters are accepted", clause=CLAUSE)
def test_reading_of_other_characters(target, named):
    others = {label: each for label, each in named.answers.items() if not is_ordinary(key_of(each.request))}
    target.note(", ".join(f"{label}: {each.status}" for label, each in others.items()))


@must("names of letters, digits and underscores, up to 64 of them, are accepted", clause=CLAUSE)
def test_ordinary_names_are_accepted(named):
    expect(named.answers_of(ORDINARY) + named.answers_of(LONGEST)).is_accepted()
    named.judge(ORDINARY)


@should("names with letters in lower case are accepted", clause=CLAUSE)
def test_lower_case_letters_are_accepted(named):
    expect(named.answers[transformations.PLAIN]).is_accepted()


IMPOSSIBLE = ("an equals sign", "NUL", "the empty name")


@pytest.fixture(scope="module")
def impossible(target):
    """Names that no environment can hold, and a sound one beside them."""
    rows = {
        "an equals sign": f"{target.key()}=x",
        "NUL": f"{target.key()}\0x",
        "the empty name": "",
        "3,000 characters": f"{target.key()}_".ljust(3000, "B"),
        "an unpaired surrogate": f"{target.key()}\ud800",
    }
    chosen = list(rows.items())[: target.pick(smoke=1, standard=3, thorough=5)]
    sound = target.plain_ones().answers[0]
    answers = [target.request({NAME: name, VALUE: f"the value of {label}"}, label=label) for label, name in chosen]
    return [sound, *target.send_all(answers)]


@should("names with = or NUL, and the empty one, are rejected", clause=CLAUSE)
def test_impossible_names_are_rejected(impossible):
    sound, *answers = impossible
    if sound.status != SUCCESS:
        raise NotApplicableError("the sound twin is not accepted either")
    answered = [each for each in answers if each.status in (SUCCESS, *REJECTIONS)]
    expect(each for each in answered if each.request.label in IMPOSSIBLE).is_rejected()


@must("names that no environment can hold are accepted or rejected, never answered otherwise",
      clause="createEnvironmentVariable.responses")  # fmt: skip
def test_impossible_names_are_answered(impossible):
    expect(impossible).has_status(SUCCESS, *REJECTIONS)


@must("a name with a slash, a question mark or a percent sign is found by its encoded path, where it is accepted",
      clause="retrieveEnvironmentVariable")  # fmt: skip
def test_names_with_marks_are_found_by_their_paths(named):
    named.judge("names_with_marks_are_found_by_their_paths")


@must("a reserved name is rejected, or its variable is there", clause=CLAUSE)
def test_reserved_names_are_there_or_rejected(named):
    named.judge("reserved_names_are_there_or_rejected")
