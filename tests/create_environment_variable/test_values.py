"""Values: each is seen again as it was sent, by its name and in the list, or it is rejected."""

from dataclasses import dataclass

import pytest

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, ViolationError, expect
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, must, should

from . import pairs, rows
from .grounds import EVERY_PLANE, ID, ODD, SUCCESS, given_listed, given_new_values, given_shown, key_of, value_of
from .named import is_ordinary
from .pairs import MIXED
from .seen import CALLED, LONG, Seen, seen
from .values import VALUE, is_plain

# What a label tells of a request.
CASES = "a value"

CLAUSE = "EnvironmentVariable.value"
# What an answer that has nothing else in it may be written for.
LOOKED_AT = ("a letter of Latin-1", rows.TELLING)
ITSELF, ASSIGNING = "its own name", "lines that assign a variable that is there"
BARE, AT = "the name of a variable that is there", "the same behind an at sign"


def of_itself(name):
    """A value that begins as its own assignment, and refers to the value that is there."""
    return f"{name}=${name} ${{{name}}} %{name}% b"


def assigning(name):
    """A value that has lines as of a file of variables, which give another one a value."""
    return f"a\n{name}=b\r\nexport {name}='c'\n"


@pytest.fixture(scope="module")
def shown(target):
    """Values are shown, and plain ones as they were sent."""
    given_shown(target)


@pytest.fixture(scope="module")
def mixed(target, shown):  # noqa: ARG001
    """Whether one value with all that happens inside a text is seen as it was sent; and what was seen."""
    is_smoke = target.profile is Profile.SMOKE
    found = seen(target, {MIXED: rows.mixed()}, ()) if is_smoke else pairs.first_values(target)
    looked = MIXED in found.by_name
    whole = found.answers[MIXED].status == SUCCESS and not (looked and found.why_changed(MIXED))
    return whole, found


@pytest.fixture(scope="module")
def inside(target, mixed):
    """Of each kind that happens inside a text: its rows, and what was seen of them."""
    whole, found = mixed
    thorough = target.profile > Profile.STANDARD
    if whole and not thorough:
        return dict.fromkeys((kind.check for kind in rows.INSIDE), (found, [MIXED]))
    parts = list(rows.parts(rows.INSIDE, thorough=thorough))
    found = seen(target, {label: value for _, values in parts for label, value in values.items()})
    return {kind.check: (found, list(values)) for kind, values in parts}


@pytest.fixture(scope="module")
def whole(target, shown):  # noqa: ARG001
    """Of each kind that a value is as a whole: its rows, and what was seen of them."""
    found = pairs.first_values(target)
    return {check: (found, list(values)) for check, values in target.once(pairs.kinds_of_values).items()}


@pytest.fixture(scope="module")
def later(target, inside, whole):
    """Of the same kinds: values that variables are given which are there, and what was seen of them."""
    found, _ = whole["words_are_kept"]
    # What a variable is called may decide how it is shown; the one without any value stays so to the end.
    there = [each.request for label, each in found.answers.items()
             if each.status == SUCCESS and label not in CALLED and value_of(each.request)]  # fmt: skip
    # Long ones are in every list until they have another; languages refer to ordinary ones.
    there.sort(key=lambda each: (len(value_of(each)) <= LONG, not is_ordinary(key_of(each))))
    names = list(map(key_of, there))
    known = target.known_key()
    itself = {ITSELF: of_itself(names[0] if names else target.key()), BARE: known, AT: f"@{known}"}
    kinds = {"itself": itself, "assigning": {ASSIGNING: assigning(known)}, **rows.later((*rows.WHOLE, *rows.INSIDE))}
    values = {label: value for rows_ in kinds.values() for label, value in rows_.items()}
    rounds = in_rounds(target, values, names)
    if not rounds[0].took_any:
        # A target may reject a name that is there: its values are then those of new names.
        names = []
        rounds = in_rounds(target, values, names)
    odd = [label for each in rounds for label in each.by_name if each.why_changed(label)]
    if not odd and target.sparing:
        target.use_again(still_there(names, rounds))
    alone = seen(target, {label: values[label] for label in odd}) if odd and names else None
    broken = next((check for check in inside if is_broken(inside, check)), "") if alone else ""
    return {check: Later(rounds, list(labels), alone, broken) for check, labels in kinds.items()}


def in_rounds(target, values, names):
    """What was seen of ``values`` that variables of these ``names`` were given: of each one at a time.

    Where the first are rejected, no others are sent; without names all values are those of new ones.
    """
    labels, size = list(values), len(names) or len(values)
    rounds = []
    for at in range(0, len(labels), size):
        some = {label: values[label] for label in labels[at : at + size]}
        rounds.append(seen(target, some, LOOKED_AT, names[: len(some)]))
        if not rounds[0].took_any:
            break
    return rounds


def still_there(names, rounds):
    """Those of the ``names`` whose latest value was accepted, plain names first; long values are removed."""
    latest = {key_of(each.request): each for seen_ in rounds for each in seen_.answers.values()}
    kept = [name for name, each in latest.items() if each.status == SUCCESS and len(value_of(each.request)) <= LONG]
    return sorted(set(names) & set(kept), key=lambda name: (not is_ordinary(name), len(name), name))


@dataclass(frozen=True)
class Later:
    """New values of variables that are there, by their ``labels``; and what became of odd ones as first values.

    ``broken`` is a kind of what is inside a text that is not kept: then it may be in these values, too.
    """

    rounds: list[Seen]
    labels: list[str]
    alone: Seen | None
    broken: str

    def of(self, label):
        """What was seen of the round that the label is in."""
        return next(each for each in self.rounds if label in each.answers)

    def judge(self, labels=None):
        """As ``Seen.judge``; what is changed as a new value alone is the affair of new values."""
        labels = labels or self.labels
        odd = [label for label in labels if self.alone and label in self.alone.answers]
        for each in self.rounds:
            if kept := [label for label in labels if label not in odd and label in each.answers]:
                each.judge(kept)
        if odd:
            if self.broken:
                rests(ID("values", self.broken), "what may be in any text is changed")
            self.alone.judge(odd)
            rests(ODD, "a new value is changed, which is kept as the first one of its variable")


def judge(kinds, check, later=None):
    found, labels = kinds[check]
    found.judge(labels, misread_too=ID("values", check) == EVERY_PLANE)
    if later is not None:
        later[check].judge()


def is_broken(kinds, check):
    """Whether values of the kind are not kept."""
    found, labels = kinds[check]
    try:
        found.judge(labels, misread_too=True)
    except ViolationError:
        return True
    return False


@must(
    "$HOME, %PATH% and variables of other languages in a value stand for themselves",
    clause=CLAUSE,
    profile=Profile.SMOKE,
)
def test_variables_in_values_are_kept(inside):
    judge(inside, "variables_in_values_are_kept")


@must("=, # and other marks in a value are kept", clause=CLAUSE, profile=Profile.SMOKE)
def test_marks_in_values_are_kept(inside):
    judge(inside, "marks_in_values_are_kept")


@must("quotation marks in a value are kept", clause=CLAUSE, profile=Profile.SMOKE)
def test_quotes_in_values_are_kept(inside):
    judge(inside, "quotes_in_values_are_kept")


@must("backslashes in a value escape nothing", clause=CLAUSE, profile=Profile.SMOKE)
def test_backslashes_are_kept(inside):
    judge(inside, "backslashes_are_kept")


@must("what looks encoded in a value is not decoded", clause=CLAUSE, profile=Profile.SMOKE)
def test_encodings_are_kept(inside):
    judge(inside, "encodings_are_kept")


@must("markup and queries in a value are kept", clause=CLAUSE, profile=Profile.SMOKE)
def test_markup_and_queries_are_kept(inside):
    judge(inside, "markup_and_queries_are_kept")


@must("line breaks in a value are kept as they are", clause=CLAUSE, profile=Profile.SMOKE)
def test_line_breaks_are_kept(inside):
    judge(inside, "line_breaks_are_kept")


@must("white space inside a value is kept", clause=CLAUSE, profile=Profile.SMOKE)
def test_white_space_inside_is_kept(inside):
    judge(inside, "white_space_inside_is_kept")


@must("control characters in a value are kept, or it is rejected", clause=CLAUSE, profile=Profile.SMOKE)
def test_control_characters_are_kept(request, target, inside):
    # A smoke run has no other kinds.
    later = None if target.profile is Profile.SMOKE else request.getfixturevalue("later")
    judge(inside, "control_characters_are_kept", later)


@must("invisible characters in a value are kept", clause=CLAUSE, profile=Profile.SMOKE)
def test_invisible_characters_are_kept(inside):
    judge(inside, "invisible_characters_are_kept")


@must("characters of every plane of Unicode are kept", clause=CLAUSE, profile=Profile.SMOKE)
def test_every_plane_is_kept(inside):
    judge(inside, "every_plane_is_kept")


@must("a value keeps its Unicode normal form", clause=CLAUSE, profile=Profile.SMOKE)
def test_normal_forms_are_kept(inside):
    judge(inside, "normal_forms_are_kept")


@must("the empty string is a value, or is rejected", clause=CLAUSE)
def test_empty_value_is_kept(whole):
    judge(whole, "empty_value_is_kept")


@must("white space around a value is kept", clause=CLAUSE)
def test_white_space_around_is_kept(whole, later):
    judge(whole, "white_space_around_is_kept", later)


@must("quotation marks around a value are kept", clause=CLAUSE)
def test_quotes_around_are_kept(whole, later):
    judge(whole, "quotes_around_are_kept", later)


@must("values such as null and true are texts", clause=CLAUSE)
def test_words_are_kept(whole, later):
    judge(whole, "words_are_kept", later)


@must("values that look like numbers are texts", clause=CLAUSE)
def test_numbers_are_kept(whole, later):
    judge(whole, "numbers_are_kept", later)


@must("values that look like dates are texts", clause=CLAUSE)
def test_dates_are_kept(whole, later):
    judge(whole, "dates_are_kept", later)


@must("values that are JSON are texts", clause=CLAUSE)
def test_json_is_kept(whole, later):
    judge(whole, "json_is_kept", later)


@must("values that look like assignments or lists are texts", clause=CLAUSE)
def test_lists_and_assignments_are_kept(whole, later):
    judge(whole, "lists_and_assignments_are_kept", later)


@must("a value of up to 64 kB is kept whole, or is rejected", clause=CLAUSE)
def test_long_values_are_kept(whole, later):
    judge(whole, "long_values_are_kept", later)


@should("one line of printable text of up to 4 kB is accepted", clause=CLAUSE)
def test_printable_values_are_accepted(whole):
    found, _ = whole["long_values_are_kept"]
    # A name may be a reason to reject what is called so.
    expect(
        each for label, each in found.answers.items() if label not in CALLED and is_plain(value_of(each.request))
    ).is_accepted()


@must("a value that is encoded as a whole is not decoded", clause=CLAUSE)
def test_encoded_values_are_kept(inside, whole, later):
    _given_kept(inside, "encodings_are_kept", "variables_in_values_are_kept")
    judge(whole, "encoded_values_are_kept", later)


@must("a value that has lines as of a file of variables changes no other variable", clause=CLAUSE)
def test_value_changes_no_other_variable(target, whole, later):
    name, assigned = target.known_key(), later["assigning"].of(ASSIGNING)
    expect(assigned.answers[ASSIGNING]).has_status(SUCCESS, *REJECTIONS)
    before, after = (each.look.having([name])[name] for each in (whole["words_are_kept"][0], assigned))
    if not before:
        raise InconclusiveError("the variable was gone before", [assigned.look.page])
    given_listed(assigned.look)
    expect(assigned.look.page).satisfies(
        lambda _: None if after == before else Problem("a variable that the value assigns is another", VALUE)
    )


@must("a value that looks like a secret, or like what stands for one, is kept and shown", clause=CLAUSE)
def test_secrets_are_kept(whole, later):
    judge(whole, "secrets_are_kept", later)


@must("a variable that is there, named in a value, is not filled in", clause=CLAUSE)
def test_references_to_variables_are_kept(target, inside, whole, later):
    _given_kept(inside, "variables_in_values_are_kept")
    judge(whole, "references")
    # What names itself is another value as the first one of another variable.
    itself = later["itself"].of(ITSELF)
    if ITSELF in itself.by_name and itself.why_changed(ITSELF):
        given_new_values(target)
    itself.judge([ITSELF])
    later["itself"].judge([BARE])
    # A mark in front of a text may be what is changed.
    _given_kept(whole, "lists_and_assignments_are_kept")
    later["itself"].judge([AT])


@must("generated values are kept as they were sent, or rejected", clause=CLAUSE)
def test_generated_values_are_kept(target, mixed, inside, whole):
    _given_kept(inside, *inside)
    # What is no kind's affair happens where several are in one text.
    mixed[1].judge([MIXED])
    judge(whole, "generated")
    target.note(f"{len(whole['generated'][1])} generated values")


def _given_kept(kinds, *checks):
    """Values of these kinds are kept."""
    if (broken := next((check for check in checks if is_broken(kinds, check)), None)) is not None:
        rests(ID("values", broken), "what may be in any text is changed")
