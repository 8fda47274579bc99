"""Whose a variable is: other environments, other projects, and what paths name that is nobody's."""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import unquote

import pytest
from hypothesis import strategies as st

from tests.every_operation.test_answers import words
from trigger_conformance.checks.expect import REJECTIONS, NotApplicableError, expect, is_blocked, seen
from trigger_conformance.checks.generation import drawn
from trigger_conformance.checks.ground import given, rests
from trigger_conformance.checks.requirement import Stage, info, must, should
from trigger_conformance.wire.exchange import Beyond, Exchange
from trigger_conformance.wire.spellings import FORMS, folded

from .client import Look
from .grounds import (
    ID,
    SUCCESS,
    given_accepted,
    given_array,
    given_listed,
    given_listing,
    given_looked,
    given_new_values,
    given_shown,
    key_of,
    value_of,
    why_not_the_value,
)
from .values import ENVIRONMENTS

PROJECT, ENV = "projectRef", "env"
INTRUDER, ENCODED, THIRD = "another credential", "an encoded path", "the third environment"
INTRUDED = ID("whose_it_is", "another_credential_makes_nothing_where_it_is_refused")
UNSEEN = ID("whose_it_is", "another_environment_does_not_see_a_variable")
LEFT = ID("whose_it_is", "removing_elsewhere_leaves_the_variable")
OWNERS = {
    PROJECT: ID("whose_it_is", "unknown_project_is_refused"),
    ENV: ID("whose_it_is", "unknown_environment_is_rejected"),
}
NOT_ITS_OWN = (401, 403, 404)
LONG_NAMES = {"dev": "development", "staging": "stage", "prod": "production"}
# So long a value is in no error by chance.
TELLING = 12


@dataclass(frozen=True)
class Elsewhere:
    """A variable of the first environment, and what the second's credential sees and does in its own."""

    first: Exchange
    by_name: Exchange
    look: Look
    never_there: Exchange
    created: Exchange
    named: Exchange
    equal: Exchange
    replaced: Exchange
    listed: Look
    after_create: Exchange
    rewritten: Exchange
    after_rewrite: Exchange
    removed: Exchange
    after_removal: Exchange
    again: Exchange
    after_again: Exchange


@pytest.fixture(scope="module")
def elsewhere(target):
    """One name in both environments."""
    if why := target.why_no_second():
        raise NotApplicableError(why)
    given_shown(target)
    first = target.send(target.order("a value of this environment alone", label="here"))
    given_accepted(first)
    name, other = key_of(first.request), target.of_second()
    # What has been seen may be remembered by its name alone.
    target.send(target.at(name))
    return Elsewhere(
        first,
        other.send(other.at(name, label="its name in another environment")),
        other.look("another environment's list"),
        other.send(other.at(name, "DELETE", "a delete of what another environment has")),
        other.send(other.order("a value of another environment", name, "the name in another environment")),
        other.send(other.at(name, label="another environment's variable")),
        # What is equal may be kept once.
        other.send(other.order(value_of(first.request), name, "the same name and value in another environment")),
        other.send(other.order("its new value", name, "the name in another environment, once more")),
        other.look("another environment's list, with its variable"),
        target.send(target.at(name)),
        # Whoever looks for a name alone changes the one that was made last.
        target.send(target.order("a newer value of this environment", name, "the name here, once more")),
        target.send(target.at(name)),
        other.send(other.removal(name)),
        target.send(target.at(name)),
        target.send(target.order("a value after its removal elsewhere", name, "the name that was removed elsewhere")),
        target.send(target.at(name)),
    )


@must("a variable is not seen in another environment, by its name or in the list", clause="env")
def test_another_environment_does_not_see_a_variable(elsewhere):
    expect(elsewhere.by_name).has_status(404)
    name = key_of(elsewhere.first.request)
    page = elsewhere.look.page
    expect(page).satisfies(
        lambda _: "another environment's list has it" if elsewhere.look.having([name])[name] else None
    )


@must("no answer to another environment's credential has the value", clause="BearerAuth")
def test_value_is_in_no_other_environments_answer(elsewhere):
    value = value_of(elsewhere.first.request)
    others = [elsewhere.by_name, elsewhere.look.page, elsewhere.created, elsewhere.removed]
    # Where the variable itself is seen there, its value is too: that is another requirement's affair.
    judged = [each for each in others if each.request.method != "GET" or each.status != SUCCESS]
    if not judged:
        raise NotApplicableError("another environment sees the variable itself")
    expect(judged).satisfies(lambda each: "the value is in the answer" if _says(each, value) else None)


@must("making a variable in another environment leaves this one's as it is", clause="env")
def test_creating_elsewhere_leaves_the_variable(elsewhere):
    given(elsewhere.by_name, rests_on=UNSEEN).has_status(404)
    given(elsewhere.never_there, rests_on=LEFT).has_status(404)
    given_accepted(elsewhere.created)
    expect(given_looked([elsewhere.after_create])).satisfies(why_not_the_value([elsewhere.first]))


@must(
    "a name that two environments have is each one's own: seen by its name and in the list, and changed there alone",
    clause="listEnvironmentVariables.responses.200",
)
def test_variable_of_both_is_in_each_list(target, elsewhere):
    given_accepted(elsewhere.created)
    page, name = elsewhere.listed.page, key_of(elsewhere.first.request)
    given_array(page)
    given_listing(target)
    given_listed(elsewhere.listed)
    there = elsewhere.listed.having([name])[name]
    expect(page).satisfies(lambda _: None if there else "accepted, and its own list does not have it")
    expect(given_looked([elsewhere.named])).satisfies(why_not_the_value([elsewhere.created]))
    if elsewhere.rewritten.status == SUCCESS:
        rewritten = why_not_the_value([elsewhere.rewritten])
        if rewritten(elsewhere.after_rewrite):
            given_new_values(target)
        expect(given_looked([elsewhere.after_rewrite])).satisfies(rewritten)


@must("removing a variable in another environment leaves this one's there", clause="env")
def test_removing_elsewhere_leaves_the_variable(elsewhere):
    given(elsewhere.by_name, rests_on=UNSEEN).has_status(404)
    expect(elsewhere.never_there).has_status(404)
    expect(elsewhere.after_removal).has_status(SUCCESS)


@must("a name that was removed in another environment is free here: its new value is seen, or it is rejected",
      clause="createEnvironmentVariable.responses.200")  # fmt: skip
def test_name_removed_elsewhere_is_free(target, elsewhere):
    given(elsewhere.by_name, rests_on=UNSEEN).has_status(404)
    accepted = (each for each in (elsewhere.again, elsewhere.rewritten) if each.status == SUCCESS)
    kept = next(accepted, elsewhere.first)
    seen_again, answered = why_not_the_value([kept]), (SUCCESS, *REJECTIONS)
    if elsewhere.again.status not in answered or seen_again(elsewhere.after_again):
        given_new_values(target)
    expect(elsewhere.again).has_status(*answered)
    given(elsewhere.after_removal, rests_on=LEFT).has_status(SUCCESS)
    expect(elsewhere.after_again).satisfies(seen_again)


@pytest.fixture(scope="module")
def intruding(target, strays):
    """What another environment's credential was answered on this environment's path; and the list afterwards."""
    if why := target.why_no_second():
        raise NotApplicableError(why)
    return strays.answers[INTRUDER][0], strays.look


def intruder(target):
    """The request of another environment's credential on this environment's path."""
    return target.order("a value of an intruder", label="another environment's credential", path=target.path(),
                        authorization=target.second_bearer)  # fmt: skip


@must("another environment's credential is refused here, and then makes nothing, or it is the whole project's",
      clause="BearerAuth")  # fmt: skip
def test_another_credential_makes_nothing_where_it_is_refused(intruding):
    answer, look = intruding
    expect(answer).has_status(SUCCESS, *NOT_ITS_OWN)
    name = key_of(answer.request)
    there = bool(look.having([name])[name])
    if answer.status != SUCCESS:
        expect(look.page).satisfies(lambda _: "refused, and the list has the variable" if there else None)


def of_this_project_alone(target):
    """A variable of this environment, which others look for and try to remove."""
    first = target.once(_alone)
    given_accepted(first)
    return first


def _alone(target):
    return target.send(target.order("a value of this project and environment alone", label="a variable"))


def afterwards(target, first):
    """A look at it by its own credential; where it is another now, who comes next has one of its own."""
    look = target.send(target.at(key_of(first.request)))
    if why_not_the_value([first])(look):
        target.found.pop(_alone, None)
    return look


@pytest.fixture(scope="module")
def stranger(target, intruding):
    """Looks, a change and a removal of a variable by another environment's credential on this environment's path.

    Where it may write here, it is the whole project's.
    """
    answer, look = intruding
    if answer.status == SUCCESS:
        raise NotApplicableError("the second credential may write in this environment")
    if look.having([key_of(answer.request)])[key_of(answer.request)]:
        rests(INTRUDED, "what is refused is done", [answer, look.page])
    given_shown(target)
    first = of_this_project_alone(target)
    name, other = key_of(first.request), {"authorization": target.second_bearer}
    looks = [
        target.send(target.at(name, label="a variable, another environment's credential", **other)),
        target.send(target.looking(label="the list, another environment's credential", **other)),
    ]
    changes = [
        target.send(target.order("a value of a stranger", name, "its name, another environment's credential",
                                 path=target.path(), **other)),
        target.send(target.at(name, "DELETE", "a delete, another environment's credential", **other)),
    ]  # fmt: skip
    return first, looks, changes, afterwards(target, first)


@must("a credential that may not write in an environment does not see what is in it", clause="BearerAuth")
def test_another_credential_sees_nothing(stranger):
    first, looks, *_ = stranger
    its = key_of(first.request), value_of(first.request)
    expect(looks).satisfies(
        lambda each: (
            "it shows the variable" if each.status == SUCCESS and any(_says(each, text) for text in its) else None
        )
    )


@must("a credential that may not write in an environment changes and removes nothing in it", clause="BearerAuth")
def test_another_credential_changes_nothing(stranger):
    first, _, changes, after = stranger
    expect(changes).satisfies(lambda each: f"answered {each.outcome}" if each.status == SUCCESS else None)
    expect(after).satisfies(why_not_the_value([first]))


@pytest.fixture(scope="module")
def beside_the_project(target, strays):
    """Looks at a variable and a removal of it on the path of a project that there is not; and what is seen then."""
    strays.given_refused(PROJECT)
    given_shown(target)
    first = of_this_project_alone(target)
    name, place = key_of(first.request), target.path(projectRef="proj_conformancenosuchone")
    answers = [
        target.send(target.at(name, label="a variable, an unknown project", path=place)),
        target.send(target.looking(label="the list, an unknown project", path=place)),
        target.send(target.at(name, "DELETE", "a delete, an unknown project", path=place)),
    ]
    return first, answers, afterwards(target, first)


@must("an environment that is none shows nothing, and that of another credential nothing of this one's", clause="env")
def test_other_environments_have_nothing_of_this_one(target, beside_the_project, strays):
    strays.given_refused(ENV)
    first, *_ = beside_the_project
    name = key_of(first.request)
    another = target.second_environment or next(each for each in ENVIRONMENTS if each != target.stated["environment"])
    nowhere = target.at(name, label="a variable, an environment that is none", path=target.path(env="conformance"))
    expect(target.send(nowhere)).has_status(400, *NOT_ITS_OWN)
    elsewhere = target.send(target.looking(label=f"the list, the environment {another}", path=target.path(env=another)))
    expect(elsewhere).satisfies(
        lambda each: "it has a variable of this one" if each.status == SUCCESS and _says(each, name) else None
    )


@must("a project that there is not shows and removes nothing", clause="projectRef")
def test_unknown_project_has_nothing(beside_the_project):
    first, answers, after = beside_the_project
    expect(answers).satisfies(lambda each: f"answered {each.outcome}" if each.status == SUCCESS else None)
    expect(after).satisfies(why_not_the_value([first]))


@info("whether another environment's credential can write here", clause="BearerAuth")
def test_reading_of_another_credential(target, intruding):
    answer, look = intruding
    name = key_of(answer.request)
    target.note(f"{answer.outcome}; the variable is {'' if look.having([name])[name] else 'not '}there")


@dataclass(frozen=True)
class Strays:
    """Requests on paths that name nothing, by kind: what they were answered; and the list after all of them."""

    answers: dict[str, list[Exchange]]
    look: Look

    def expect(self, kind, *statuses):
        """Those of a kind are answered so, and made nothing."""
        answers = self.answers[kind]
        expect(answers).has_status(*statuses)
        self.expect_nothing_of(answers)

    def given_refused(self, *kinds):
        """Plain ones of these kinds are refused: where they are not, odder ones say no more."""
        for kind in kinds:
            if taken := [each for each in self.answers[kind] if each.status == SUCCESS]:
                rests(OWNERS[kind], f"{taken[0].request.label}: accepted", taken)

    def expect_nothing_of(self, answers):
        """The list has no variable that these made."""
        given_listed(self.look)
        listed = self.look.having(key_of(each.request) for each in answers)
        made = [each.request.label for each in answers if listed[key_of(each.request)]]
        expect(self.look.page).satisfies(
            lambda _: f"the list has what was made by: {'; '.join(made)}" if made else None
        )


def unknown_projects(own):
    """References that are not the project's."""
    rows = {
        "the reference cut short": own[:-1],
        "another letter for its underscore": own.replace("_", "x"),
        "the reference in upper case": own.upper(),
        "a word for one's own": "default",
        "a wildcard": "%",
        "a space behind the reference": f"{own} ",
        "the reference without its beginning": own.rpartition("_")[2],
        "one that there is not": "proj_conformancenosuchone",
        "the reference and more": f"{own}x",
        "more in front of the reference": f"x{own}",
        "hyphens for underscores": own.replace("_", "-"),
        "a prototype's word": "constructor",
    }
    return {label: value for label, value in rows.items() if value and value != own}


def unknown_environments(own):
    """Names that the document gives to no environment."""
    return {
        "its long name": LONG_NAMES.get(own, f"{own}elopment"),
        "its name in upper case": own.upper(),
        "a space behind": f"{own} ",
        "a parameter behind": f"{own};x=1",
        "an ending": f"{own}.json",
        "another word": "conformance",
        "null": "null",
        "a number": "0",
        "two of them": ",".join(ENVIRONMENTS[:2]),
        "more in front": f"my-{own}",
        "a word for all of them": "all",
        "a prototype's word for it": "constructor",
        "full-width letters": "".join(chr(ord(each) + 0xFEE0) for each in own),
        "one that the vendor has besides": "preview",
    }


def malformed(path, project, env):
    """Paths in which a parameter is empty, or cannot be one."""
    return {
        "two dots for the project": path.replace(project, ".."),
        "no project": path.replace(project, ""),
        "a quote in the project": path.replace(project, f"{project}'"),
        "a long project": path.replace(project, "p" * 2000),
        "an encoded slash in the project": path.replace(project, f"{project}%2F..%2F{project}x"),
        "no environment": path.removesuffix(env),
        "encoded dots for the project": path.replace(project, "%2e%2e"),
        "NUL in the project": path.replace(project, f"{project}%00"),
        "no UTF-8 in the project": path.replace(project, f"{project}%ff"),
    }


def _texts_near(own):
    """Texts for a parameter that is ``own``: any, also such as no path has, and small changes of it."""
    anything = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=40)
    odd = st.sampled_from(["..", ".", "../..", "%2e%2e", "\0", "\r\n", "null", "*", "%", "{}", "é", "한", "😀"])
    places = st.integers(0, len(own) - 1)
    near = st.builds(lambda at, more: own[:at] + more + own[at + 1 :], places, st.one_of(anything, odd))
    return st.one_of(anything, odd, near).filter(lambda text: _names_nothing(text, own))


def _names_nothing(text, own):
    """Whether nobody could take a text for ``own``, whatever he cuts off, decodes, or reads as a part of the path."""
    bare = re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", unquote(text))).casefold()
    return bare not in {re.sub(r"[\W_]", "", each).casefold() for each in (own, *ENVIRONMENTS)}


def generated(target, count):
    """Generated texts for either parameter, the longest of many: what is in them is most of all."""
    found = []
    for number, (name, fact) in enumerate(((PROJECT, "project"), (ENV, "environment"))):
        if not (wanted := (count + 1 - number) // 2):
            continue
        texts = dict.fromkeys(drawn(_texts_near(target.stated[fact]), target.options.seed + number, 10 * wanted))
        found += [(name, text) for text in sorted(texts, key=lambda text: len(text.encode()))[-wanted:]]
    return found


def _is_plain(request):
    """Whether a path's parameters are of such characters as any server reads in one way."""
    return not re.search(r"/\.|%(?:[01].|2[0EF]|5C|7F|25)", request.target, re.IGNORECASE)


@pytest.fixture(scope="module")
def strays(target):
    """A few of each kind of paths that name nothing."""
    project, env = target.stated["project"], target.stated["environment"]
    few, most = target.pick(smoke=0, standard=13, thorough=14), target.pick(smoke=0, standard=4, thorough=9)

    def orders(name, rows):
        return [target.order(label=label, path=target.path(**{name: value})) for label, value in rows]

    odd = list(malformed(target.path(), project, env).items())[:most]
    texts = generated(target, target.pick(smoke=0, standard=1, thorough=80))
    requests = {
        PROJECT: orders(
            PROJECT, list(unknown_projects(project).items())[: target.pick(smoke=0, standard=12, thorough=12)]
        ),
        ENV: orders(ENV, list(unknown_environments(env).items())[:few]),
        "malformed": [target.order(label=label, path=path, beyond=Beyond.LINE) for label, path in odd],
        "generated": [
            target.order(label=f"{name}, number {number}", path=target.path(**{name: text}), beyond=Beyond.LINE)
            for number, (name, text) in enumerate(texts, 1)
        ],
    }
    answers = {kind: target.send_all(each) for kind, each in requests.items()}
    wrong = list(answers.values())
    answers[INTRUDER] = target.send_all([] if target.why_no_second() else [intruder(target)])
    answers[ENCODED] = target.send_all([encoded(target)])
    answers[THIRD] = target.send_all([] if few == 0 else [in_third(target, env)])
    found = Strays(answers, target.look())
    remove_where_it_was_made(target, [*wrong, answers[THIRD]])
    return found


def in_third(target, own):
    """A request for the environment that is none of the credentials'."""
    third = next(each for each in ENVIRONMENTS if each not in (own, target.second_environment))
    return target.order(label=f"the environment {third}", path=target.path(env=third))


def remove_where_it_was_made(target, answers):
    """Take back what a path that names nothing was answered a success for: nobody looks for it there any more."""
    made = [each.request for several in answers for each in several if each.status == SUCCESS]
    target.send_all(target.removal_beside(each) for each in made)


@must("a project that is none of the credential's is refused, and nothing is made", clause="projectRef")
def test_unknown_project_is_refused(strays):
    strays.expect(PROJECT, *NOT_ITS_OWN)


@must("an environment that is none of the three is 400 or 404, and nothing is made", clause="env.schema")
def test_unknown_environment_is_rejected(strays):
    strays.expect(ENV, 400, 404)


@must("what is asked for in an environment that is not the credential's is made there, or nowhere", clause="env")
def test_third_environments_variable_is_not_here(strays):
    strays.given_refused(ENV)
    expect(strays.answers[THIRD]).has_status(SUCCESS, *REJECTIONS, *NOT_ITS_OWN)
    strays.expect_nothing_of(strays.answers[THIRD])


@must(
    "a path whose parameters cannot be any is answered, never with 2xx or 5xx, and makes nothing", clause="projectRef"
)
def test_malformed_paths_are_answered(strays):
    def judge(exchange):
        wrong = exchange.answer is None or exchange.status // 100 in (2, 5)
        return f"answered {exchange.outcome}" if wrong else None

    strays.given_refused(PROJECT)
    expect(strays.answers["malformed"]).satisfies(judge)
    strays.expect_nothing_of(strays.answers["malformed"])


@must(
    "generated path parameters name nothing: they are refused, and nothing is made", clause="createEnvironmentVariable"
)
def test_generated_paths_are_refused(target, strays):
    def judge(exchange):
        refused = (*REJECTIONS, *NOT_ITS_OWN) if _is_plain(exchange.request) else range(300, 500)
        return None if exchange.status in refused else f"answered {exchange.outcome}"

    strays.given_refused(PROJECT, ENV)
    expect(strays.answers["generated"]).satisfies(judge)
    strays.expect_nothing_of(strays.answers["generated"])
    target.note(f"{len(strays.answers['generated'])} generated paths")


@must("a path with percent-encoded letters is that path, or names nothing", clause="RFC 3986 6.2.2.2")
def test_encoded_path_is_the_path_or_nothing(target, strays):
    given_listing(target)
    (answer,) = expect(strays.answers[ENCODED]).has_status(SUCCESS, *REJECTIONS, 404)
    name = key_of(answer.request)
    # What the list leaves out may be there all the same.
    there = bool(strays.look.having([name])[name]) or target.send(target.at(name)).status == SUCCESS
    said = "accepted, and it is not there" if answer.status == SUCCESS else "not accepted, and it is there"
    expect(strays.look.page).satisfies(lambda _: said if there is not (answer.status == SUCCESS) else None)


def encoded(target):
    """A request on the path, one letter of it percent-encoded."""
    own = target.stated["project"]
    path = target.path().replace(own, f"%{ord(own[0]):02x}{own[1:]}")
    return target.order(label="a percent-encoded letter", path=path, beyond=Beyond.LINE)


# So much of a value that stands in an error is no chance.
PIECE = 20


def _pieces(text):
    return (text[at : at + PIECE] for at in range(len(text) - PIECE + 1))


def _says(exchange, value):
    """Whether an answer has a value in it, or a piece of it: as it is, or in another spelling as a whole."""
    answer, request = exchange.answer, exchange.request
    said = "\n".join([*words(answer), *(text for _, text in answer.headers)])
    # A variable's own name may be told, and the request's path.
    known = f"{key_of(request)}\n{request.target}"
    if len(value) < PIECE:
        shared = [value] if value in said else []
    else:
        # Either may have a million characters, and the answer is the target's: only the shorter one's are kept.
        short, long = sorted((value, said), key=len)
        of_short = {*_pieces(short)}
        shared = (piece for piece in _pieces(long) if piece in of_short)
    return any(piece not in known for piece in shared) or _spells(said, value)


def _spells(said, value):
    """Whether a text has the whole value in it, in some spelling: none is shorter than the value."""
    if len(value) > len(said):
        return False
    forms = (folded(form) for write in FORMS.values() for form in write(value) if len(form) >= PIECE)
    told = folded(said)
    return any(form in told for form in forms)


@should("no error repeats the value that was sent: it may be a secret",
        clause="createEnvironmentVariable.responses.400", stage=Stage.CLOSING)  # fmt: skip
def test_no_error_repeats_the_value(target, traffic):
    def value(exchange):
        found = (exchange.request.document or {}).get("value") if target.operation.asks(exchange.request) else None
        found = found[0] if isinstance(found, list) and found else found
        return found if isinstance(found, str) and len(found) >= TELLING else None

    errors = [each for each in traffic if (each.status or 0) >= 400 and value(each) and not is_blocked(each)]
    seen(errors, "error of a request with a telling value").satisfies(
        lambda each: f"the {each.status} has the value in it" if _says(each, value(each)) else None, place="value"
    )
