"""Several faults of different areas make as many findings: a sample of the table; ``selftest.combos`` runs all."""

import pytest

from selftest.combos import COMBOS, Combo, combo
from selftest.trial import attempt
from trigger_conformance.reference.registry import behaviour_class, faults


def area(fault):
    return fault.partition(".")[0].replace("replays", "idempotency")


@pytest.mark.parametrize("row", COMBOS, ids=" ".join)
def test_a_row_is_a_server_with_faults_of_different_areas(row):
    known = {each.id for each in faults()}
    assert {*row} <= known
    assert len({area(each) for each in row}) == len(row) > 1
    assert behaviour_class("+".join(row))


def test_there_are_rows_enough_and_each_is_another():
    assert len({frozenset(row) for row in COMBOS}) == len(COMBOS) >= 40
    assert {len(row) for row in COMBOS} == {2, 3, 4}


@pytest.mark.parametrize("row", COMBOS[5::20], ids=" ".join)
def test_a_server_makes_as_many_findings_as_it_has_faults(row):
    assert combo(row, attempt("+".join(row), ["--only=create_batch"])).complaint is None


NAMED = ("create_batch.http.other_methods_are_405_with_allow",)


@pytest.mark.parametrize(
    ("findings", "fine"),
    [
        ((NAMED, ("create_batch.authentication.wrong_key_is_refused",)), False),
        ((NAMED, ("create_batch.authentication.other_schemes_are_refused",)), True),
        ((NAMED, ("create_batch.authentication.other_schemes_are_refused",), ("create_batch.x.y",)), False),
        ((NAMED,), False),
    ],
    ids=["an area is not named", "each has one", "one too many", "one too few"],
)
def test_findings_are_counted_and_areas_are_named(findings, fine):
    row = ("http.no_allow_header", "authentication.takes_the_token_scheme")
    assert (Combo(row, 1, findings, ("",) * len(findings)).complaint is None) is fine
