"""Values: each is seen again as it was sent, by its name and in the list, or it is rejected."""

from dataclasses import dataclass

import pytest
from hypothesis import strategies as st

from trigger_conformance.checks.expect import REJECTIONS, InconclusiveError, ViolationError, expect
from trigger_conformance.checks.generation import drawn
from trigger_conformance.checks.ground import rests
from trigger_conformance.checks.problem import Problem
from trigger_conformance.checks.requirement import Profile, must, should
from trigger_conformance.wire.exchange import Beyond, Exchange

from . import rows
from .client import Look
from .grounds import ID, SUCCESS, THERE, given_listed, given_new_values, given_shown, key_of, value_of
from .values import VALUE, count, difference

# What a label tells of a request.
CASES = "a value"

CLAUSE = "EnvironmentVariable.value"
LONG = 2048
# Whether a value is shown may hang on what it is called.
CALLED = {"a service's key": "_SECRET_TOKEN_PASSWORD"}
# What an answer makes of a value as it shows it, one of each of these kinds tells.
SHOWN = (
    "empty_value_is_kept",
    "white_space_around_is_kept",
    "quotes_around_are_kept",
    "words_are_kept",
    "json_is_kept",
)
# What an answer that has nothing else in it may be written for.
LOOKED_AT = ("a letter of Latin-1",)
MIXED = "everything inside one text"
ITSELF, ASSIGNING = "its own name", "lines that assign a variable that is there"
ODD = ID("taken_names", "odd_new_values_replace_or_are_rejected")


@dataclass(frozen=True)
class Seen:
    """Variables by the labels of their values: what their requests were answered, and both views of what is there."""

    answers: dict[str, Exchange]
    by_name: dict[str, Exchange]
    look: Look

    def why_changed(self, label):
        """What became of a value that was accepted; None where both views have it as it was sent."""
        request = self.answers[label].request
        look, listed = self.by_name[label], self.listed(label)
        if look.status != SUCCESS:
            return Problem(f"the answer was a success, and by its name it is {look.outcome}", "status")
        views = {"": look.answer.document.get(VALUE)}
        # What is no text breaks the list's schema.
        views |= {"in the list: ": listed[-1]} if listed and isinstance(listed[-1], str) else {}
        changed = {where: difference(value_of(request), shown) for where, shown in views.items()}
        told = [f"{where}{how}" for where, how in changed.items() if how]
        return Problem(told[0], VALUE) if told else None

    def listed(self, label):
        """The values that the list has of a variable."""
        name = key_of(self.answers[label].request)
        return self.look.having([name])[name]

    def judge(self, labels):
        """Each of the ``labels``' values was accepted and is seen as it was sent, or was rejected."""
        answers = [self.answers[label] for label in labels]
        large = [each for each in answers if each.request.beyond is Beyond.SIZE]
        expect(each for each in answers if each not in large).has_status(SUCCESS, *REJECTIONS)
        if large:
            expect(large).has_status(SUCCESS, *REJECTIONS, 413)
        looks = {id(self.by_name[label]): label for label in labels if label in self.by_name}
        if looks:
            expect(self.by_name[label] for label in looks.values()).satisfies(
                lambda each: self.why_changed(looks[id(each)])
            )
        if lost := [self.answers[label] for label in looks.values() if not self.listed(label)]:
            rests(THERE, "what is seen by its name is not in the list", [*lost, self.look.page])


def seen(target, values, by_name=None, names=()):
    """Make variables with these ``values``, by label, and see them: all in the list, and each by its name.

    Where ``by_name`` says which are looked at by their names, others are where the list does not show what was sent.
    Variables that are there may be given new values: those of these ``names``, as far as they go.
    """
    called = {label: target.key(CALLED.get(label, "")) for label in list(values)[len(names) :]}
    called |= dict(zip(values, names, strict=False))
    orders = [
        target.order(value, called[label], label, beyond=Beyond.SIZE if len(value) > rows.LONG else Beyond.NOTHING)
        for label, value in values.items()
    ]
    answers = dict(zip(values, target.send_all(orders), strict=True))
    there = {label: each.request for label, each in answers.items() if each.status == SUCCESS}
    page = target.look()
    listed = page.having(map(key_of, there.values()))
    chosen = [label for label, each in there.items()
              if by_name is None or label in by_name or listed[key_of(each)] != [value_of(each)]]  # fmt: skip
    looks = target.send_all(target.at(key_of(there[label]), label=f"{label}, by its name") for label in chosen)
    # Every list that is yet to come would have them, and a run keeps only so much.
    long = [each for each in there.values() if len(value_of(each)) > LONG]
    target.send_all(target.removal(key_of(each)) for each in long)
    return Seen(answers, dict(zip(chosen, looks, strict=True)), page)


def _texts():
    """Texts of all of Unicode but NUL and surrogates, at times such as repeat what software looks for."""
    characters = st.characters(exclude_categories=("Cs",), exclude_characters="\0")
    marks = st.sampled_from(["$", "${", "%", "\\", '"', "'", "\r\n", "\n", "=", "#", " ", "&#", "<", "{{", "\u0301"])
    return st.lists(st.one_of(st.text(characters, max_size=40), marks), max_size=12).map("".join)


def generated(target):
    """Random texts, called by their lengths."""
    texts = drawn(_texts(), target.options.seed, target.pick(smoke=0, standard=40, thorough=200))
    # The longest of them have most in them.
    chosen = sorted(dict.fromkeys(texts), key=len)[-target.pick(smoke=0, standard=2, thorough=200) :]
    return {f"random text {number}, {count(text)}": text for number, text in enumerate(chosen, 1)}


def references(name):
    """A value that refers to a variable that is there, as the languages of such values do."""
    ways = (f"${{{name}}}", f"${name}", f"%{name}%", f"{{{{{name}}}}}", f"$({name})", f"#{{{name}}}")
    return {"references to a variable that is there": f"a {' b '.join(ways)} c"}


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
    found = seen(target, {MIXED: rows.mixed()}, () if target.profile is Profile.SMOKE else None)
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
    parts = list(rows.parts(rows.WHOLE, thorough=target.profile > Profile.STANDARD))
    texts, refers = generated(target), references(target.known_key())
    alone = {label: value for _, values in parts for label, value in values.items()}
    firsts = {next(iter(values)) for kind, values in parts if kind.check in SHOWN}
    found = seen(target, {**alone, **texts, **refers}, None if target.profile > Profile.STANDARD else firsts)
    own = {"generated": (found, list(texts)), "references": (found, list(refers))}
    return {kind.check: (found, list(values)) for kind, values in parts} | own


@pytest.fixture(scope="module")
def later(target, inside, whole):
    """Of the same kinds: values that variables are given which are there, and what was seen of them."""
    found, _ = whole["words_are_kept"]
    # What a variable is called may decide how it is shown.
    there = [each.request for label, each in found.answers.items() if each.status == SUCCESS and label not in CALLED]
    # The one without any stays so to the end, when it is removed.
    names = [key_of(each) for each in there if 0 < len(value_of(each)) <= LONG]
    # A target may reject a name that is there: its values are then those of new names.
    if names and target.send(target.order("a new value", names[0])).status != SUCCESS:
        names = []
    kinds = list(rows.later(rows.WHOLE).items())
    half = len(kinds) // 2
    first = _changed(target, inside, dict(kinds[:half]), names)
    # In two rounds, so that there are names for all.
    names = names or [target.key()]
    of_names = {"itself": {ITSELF: of_itself(names[0])}, "assigning": {ASSIGNING: assigning(target.known_key())}}
    return first | _changed(target, inside, of_names | dict(kinds[half:]), names)


def _changed(target, inside, kinds, names):
    """What became of the values of these ``kinds`` as new ones of the variables of these ``names``."""
    values = {label: value for rows_ in kinds.values() for label, value in rows_.items()}
    second = seen(target, values, LOOKED_AT, names[: len(values)])
    odd = [label for label in second.by_name if second.why_changed(label)]
    alone = seen(target, {label: values[label] for label in odd}) if odd and names else None
    broken = next((check for check in inside if is_broken(inside, check)), "") if alone else ""
    return {check: Later(second, list(labels), alone, broken) for check, labels in kinds.items()}


@dataclass(frozen=True)
class Later:
    """New values of variables that are there, by their ``labels``; and what became of odd ones as first values.

    ``broken`` is a kind of what is inside a text that is not kept: then it may be in these values, too.
    """

    found: Seen
    labels: list[str]
    alone: Seen | None
    broken: str

    def judge(self):
        """As ``Seen.judge``; what is changed as a new value alone is the affair of new values."""
        odd = [label for label in self.labels if self.alone and label in self.alone.answers]
        if kept := [label for label in self.labels if label not in odd]:
            self.found.judge(kept)
        if odd:
            if self.broken:
                rests(ID("values", self.broken), "what may be in any text is changed")
            self.alone.judge(odd)
            rests(ODD, "a new value is changed, which is kept as the first one of its variable")


def judge(kinds, check, later=None):
    found, labels = kinds[check]
    found.judge(labels)
    if later is not None:
        later[check].judge()


def is_broken(kinds, check):
    """Whether values of the kind are not kept."""
    try:
        judge(kinds, check)
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
def test_control_characters_are_kept(inside):
    judge(inside, "control_characters_are_kept")


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
def test_quotes_around_are_kept(whole):
    judge(whole, "quotes_around_are_kept")


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
    expect(found.answers[rows.PRINTABLE]).is_accepted()


@must("a value that is encoded as a whole is not decoded", clause=CLAUSE)
def test_encoded_values_are_kept(inside, whole, later):
    _given_kept(inside, "encodings_are_kept", "variables_in_values_are_kept")
    judge(whole, "encoded_values_are_kept", later)


@must("a value that has lines as of a file of variables changes no other variable", clause=CLAUSE)
def test_value_changes_no_other_variable(target, whole, later):
    name, assigned = target.known_key(), later["assigning"].found
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
    itself = later["itself"].found
    if ITSELF in itself.by_name and itself.why_changed(ITSELF):
        given_new_values(target)
    itself.judge([ITSELF])


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
