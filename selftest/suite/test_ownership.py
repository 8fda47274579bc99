"""Who owns the ground of which check, read from the suite's source: owners exist, and none rests on itself."""

import ast
import importlib
from graphlib import TopologicalSorter

import pytest

from selftest.conftest import at, keys, reference
from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import EVERY, operations
from trigger_conformance.checks.requirement import Level, requirement_of
from trigger_conformance.contract.home import ROOT, SUITE

REPLAY_STATUS = "create_batch.idempotency.replay_is_answered_202"
CASE = "create_batch.idempotency.letter_case_makes_keys_different"
BATCH = operations()["create_batch"]
AS_ASKED = "create_schedule.answers.answer_has_what_the_request_asked_for"
UPDATES = "create_schedule.deduplication.second_request_updates_the_schedule"
ZONES = "create_schedule.time_zones.listed_zones_are_accepted"
IN_UTC = "create_schedule.time_zones.utc_is_accepted"
SAME_ID = "create_schedule.deduplication.second_request_answers_with_the_first_id"
TENTH = "create_batch.idempotency.tenth_replay_is_as_the_first"


def functions(path):
    return {node.name: node for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.FunctionDef)}


def owned(node, names):
    """The owners that a function's own ``given`` and ``rests`` name."""
    own = {argument.arg for argument in node.args.args}
    own |= {each.id for each in ast.walk(node) if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Store)}
    for call in (each for each in ast.walk(node) if isinstance(each, ast.Call)):
        named = [keyword.value for keyword in call.keywords if keyword.arg == "rests_on"]
        if isinstance(call.func, ast.Name) and call.func.id == "rests":
            named.append(call.args[0])
        for each in named:
            # What a parameter or a variable stands for is named by whoever calls the function, or by what it calls.
            if not {name.id for name in _names_in(each)} & own:
                yield from _said(each, names)


def _names_in(owner):
    """The names that say which owner it is: not those of what an operation calls it by."""
    inner = owner.args[0] if isinstance(owner, ast.Call) and owner.args else owner
    return [each for each in ast.walk(inner) if isinstance(each, ast.Name)]


def _said(node, names):
    """The ids that an owner's expression comes to: a text, a name, or what an operation calls it."""
    match node:
        case ast.Constant():
            yield node.value
        case ast.Name():
            yield getattr(names, node.id)
        case ast.BoolOp():
            for each in node.values:
                yield from _said(each, names)
        case ast.IfExp():
            for each in (node.body, node.orelse):
                yield from _said(each, names)
        case ast.Call(func=ast.Attribute(attr="owner"), args=[name]):
            yield from (BATCH.owner(each) for each in _said(name, names))
        case ast.Attribute() if node.attr.endswith("_owner"):
            yield getattr(BATCH, node.attr)


def rests_on():
    """Each requirement's owners: those that its check names, or a fixture or function that it uses."""
    found = {}
    for path in sorted(SUITE.glob("*/test_*.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))
        known = functions(path.with_name("grounds.py")) | functions(path)
        for name in (each for each in known if each.startswith("test_")):
            used, todo = set(), [name]
            while todo:
                each = todo.pop()
                used.add(each)
                inside = {node.id for node in ast.walk(known[each]) if isinstance(node, ast.Name)}
                inside |= {argument.arg for argument in known[each].args.args}
                todo += (inside & known.keys()) - used
            grounds = importlib.import_module(f"{module.__package__}.grounds")
            names = type("Names", (), {**vars(grounds), **vars(module)})
            owners = {owner for each in used for owner in owned(known[each], names)}
            declared = requirement_of(getattr(module, name))
            found[BATCH.requirement(declared).id if declared.operation == EVERY else declared.id] = owners
    return found


def test_owners_are_requirements_that_can_be_violated():
    levels = {each.id: each.level for each in catalogue()}
    for identity, owners in ((each, owners) for each, owners in rests_on().items() if each in levels):
        # What is a warning itself may rest on what is one.
        binding = {Level.MUST, levels[identity]} - {Level.INFO}
        assert {levels[owner] for owner in owners} <= binding, identity


def test_no_requirement_rests_on_itself_by_way_of_others():
    owners = rests_on()
    assert REPLAY_STATUS in owners[TENTH]
    # Later requests with a key are as asked where those count, which is judged by a first request that is as asked:
    # one rests on the other for other requests.
    owners[AS_ASKED] = owners[AS_ASKED] - {UPDATES}
    # A zone that is refused may be so for a used key, which is told by a request without a zone.
    for each in (ZONES, IN_UTC):
        owners[each] = owners[each] - {SAME_ID}
    TopologicalSorter(owners).prepare()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_owner_that_was_not_selected_is_judged_once_by_itself_and_the_run_says_so(command, workers):
    with reference("replays.refuses_used_keys") as server:
        only = (f"--only={TENTH}", f"--only={CASE}")
        ran = command(*at(server, *only, f"--workers={workers}"), **keys(server))
    found = {each["id"]: each for each in ran.results["requirements"]}
    assert found.keys() == {TENTH, CASE}
    assert found[CASE]["verdict"] == "passed"
    assert found[TENTH]["verdict"] == "inconclusive"
    assert found[TENTH]["message"].startswith(f"not judged: rests on {REPLAY_STATUS}, which is violated")
    assert [note for note in ran.results["notes"] if note.startswith(f"{REPLAY_STATUS} was not selected")]
    assert ran.status == 6
