"""The tables of JSON texts and of values: every row is what its table says it is, in every place."""

import json
import re

import pytest

from tests.create_batch import beside, values
from tests.every_operation import json_texts
from trigger_conformance.contract.told import INVALID, document
from trigger_conformance.wire.exchange import Exchange, Request

TEXT = '{"runCount":1}'
MALFORMED = {
    **json_texts.malformed(everywhere=True),
    **json_texts.words(everywhere=True),
    **json_texts.no_surroundings(everywhere=True),
}
SOUND = {**json_texts.UNNEEDED, **json_texts.ALLOWED, **json_texts.SPECIAL_NAMES}
NO_UTF8 = json_texts.no_utf8(json_texts.STRINGS, everywhere=True)
LITERALS = {
    **values.too_small(),
    **values.too_large(1000),
    **values.OTHER_VALUES,
    **values.FRACTIONS,
    **values.OTHER_TYPES,
    **values.NUMBERS_IN_STRINGS,
    **values.CONTAINERS_OF_NUMBERS,
}


@pytest.mark.parametrize("label", MALFORMED)
def test_what_is_malformed_is_no_json(label):
    assert document(MALFORMED[label](TEXT).encode()) is INVALID


@pytest.mark.parametrize("label", MALFORMED)
def test_what_is_malformed_breaks_one_thing(label):
    """Whoever reads the row leniently finds the sound object in it."""
    text = MALFORMED[label](TEXT)
    assert re.search(r"""['"]?runCount['"]?:1""", text)


@pytest.mark.parametrize("label", SOUND)
def test_what_is_sound_is_json_that_says_nothing_twice(label):
    text = json_texts.with_members(TEXT, SOUND[label])
    names = []
    json.loads(text, object_pairs_hook=lambda pairs: names.append([name for name, _ in pairs]))
    assert document(text.encode()) is not INVALID
    assert all(len(set(each)) == len(each) for each in names)


@pytest.mark.parametrize("table", [json_texts.ALLOWED, json_texts.SPECIAL_NAMES])
def test_a_pack_says_nothing_twice(table):
    whole = json_texts.with_members(TEXT, *table.values())
    assert len(json.loads(whole)) == 1 + len(table)
    # What is larger may be refused for its size.
    assert len(whole.encode()) < 100_000


@pytest.mark.parametrize("label", NO_UTF8)
def test_what_is_no_utf8_is_sound_json_but_for_its_bytes(label):
    body = NO_UTF8[label](TEXT)
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert isinstance(document(body.decode("utf-8", "replace")), dict)


def test_a_token_is_in_every_place_of_a_whole_table_and_in_one_of_a_usual_one():
    everywhere = json_texts.placed(json_texts.WORDS, json_texts.VALUES, 4, everywhere=True)
    assert len(everywhere) == len(json_texts.WORDS) * len(json_texts.VALUES)
    usual = json_texts.placed(json_texts.WORDS, json_texts.VALUES, 4, everywhere=False)
    assert list(usual) == ["NaN as a value", "-Infinity in an object", "undefined in an array", "TRUE as a value"]


@pytest.mark.parametrize("label", LITERALS)
def test_a_literal_for_run_count_is_json_and_in_no_range(label):
    value = document(LITERALS[label])
    assert value is not INVALID
    in_range = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1000
    assert not in_range


class _Target:
    """Enough of a target to see what would be sent."""

    def __init__(self):
        self.sent = []

    def key(self):
        return f"fresh-{len(self.sent)}"

    def keyed(self):
        body = b'{"runCount":1,"idempotencyKey":"known"}'
        return [Exchange(Request(target="/", body=body, operation="create_batch"), None, None, 0.0, 1.0, 0.0)]

    def request(self, body, label):
        self.sent.append(label)
        return json.loads(body)


KINDS = {
    "too small": values.too_small(),
    "too large": values.too_large(1000),
    "missing": values.MISSING,
    "another type's": values.OTHER_TYPES,
    "fractions": values.FRACTIONS,
    "numbers in strings": json_texts.first(values.NUMBERS_IN_STRINGS, 14, everywhere=False),
    "containers": json_texts.first(values.CONTAINERS_OF_NUMBERS, 4, everywhere=False),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_meets_each_property_and_each_kind_of_key(kind):
    target = _Target()
    sent = list(beside.each_beside(target, "runCount", KINDS[kind]))
    assert {each.get("resumeParentOnCompletion") for each in sent} == {None, True, False}
    keys = [each.get("idempotencyKey") for each in sent]
    assert {None, "known"} < set(keys)
    assert {"conformanceExtra" in each for each in sent} == {True, False}
    assert len(set(target.sent)) == len(sent)


def test_the_nine_hold_every_pair():
    pairs = {(one, other): set() for one in range(3) for other in range(one)}
    for row in beside.COMBINATIONS:
        for one, other in pairs:
            pairs[one, other].add((row[one], row[other]))
    assert all(len(found) == 9 for found in pairs.values())
