"""The normative reading, line by line: each has its requirements, each requirement its line."""

import hashlib
import re
import tomllib
from pathlib import Path

import pytest

from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import operations
from trigger_conformance.checks.requirement import Level
from trigger_conformance.contract.home import DOCUMENTS

PUBLISHED_SHA256 = "45e75c9a4ab9a5dbfad87202c51355ad2f34e27cb46d285906b12fa427d2239c"
MAPPING = tomllib.loads(Path(__file__).with_name("reading.toml").read_text("utf-8"))
UNCHECKED = MAPPING.pop("not checked yet")
NOT_IN_THE_READING = {
    "create_batch.properties.repeated_property",
    "create_batch.properties.repeated_names_are_answered_consistently",
}


def lines_of_the_reading():
    page = (DOCUMENTS / "normative-reading.md").read_text("utf-8").partition("## Requirements")[2]
    section = ""
    for block in re.split(r"\n(?=- |### )", page):
        if block.startswith("### "):
            section = block.splitlines()[0][4:]
        elif block.startswith("- "):
            yield section, " ".join(block[2:].split())


LINES = list(lines_of_the_reading())


def test_the_contract_is_the_published_one():
    published = (DOCUMENTS / "create-batch.openapi.yaml").read_bytes()
    assert hashlib.sha256(published).hexdigest() == PUBLISHED_SHA256


@pytest.mark.parametrize(("section", "line"), LINES, ids=[f"{section}: {line[:40]}" for section, line in LINES])
def test_a_line_has_one_slug(section, line):
    slugs = [slug for slug, (beginning, *_) in MAPPING[section].items() if line.startswith(beginning)]
    assert len(slugs) + is_unchecked(section, line) == 1


def is_unchecked(section, line):
    return any(section == each and line.startswith(words) for each, words in UNCHECKED.values())


@pytest.mark.parametrize(("section", "words"), UNCHECKED.values(), ids=UNCHECKED)
def test_what_is_not_checked_yet_stands_in_the_page(section, words):
    assert sum(words in line for each, line in LINES if each == section) == 1


def test_every_slug_has_its_line():
    unknown = [
        f"{section}: {slug}"
        for section, entries in MAPPING.items()
        for slug, (beginning, *_) in entries.items()
        if not any(line.startswith(beginning) for each, line in LINES if each == section)
    ]
    assert unknown == []
    checked = sum(len(entries) for entries in MAPPING.values())
    assert len(LINES) == checked + sum(is_unchecked(*each) for each in LINES)
    assert checked > 50


def test_every_requirement_of_the_mapping_exists_and_every_existing_one_is_mapped():
    mapped = {f"create_batch.{each}" for entries in MAPPING.values() for _, *ids in entries.values() for each in ids}
    assert mapped == {requirement.id for requirement in catalogue()} - NOT_IN_THE_READING


def test_a_line_that_says_must_has_a_requirement_that_is_a_must():
    levels = {requirement.id: requirement.level for requirement in catalogue()}
    for section, line in LINES:
        for beginning, *ids in MAPPING[section].values():
            if line.startswith(beginning) and line.startswith(("MUST", "SHOULD")):
                wanted = Level.MUST if line.startswith("MUST") else Level.SHOULD
                assert wanted in {levels[f"create_batch.{each}"] for each in ids}, line


def test_ids_are_unique_and_clauses_exist():
    ids = [requirement.id for requirement in catalogue()]
    assert len(set(ids)) == len(ids) > 100
    assert all(operations()[each.operation].contract.clause(each.clause).text for each in catalogue())


def test_a_clause_is_found_by_its_pointer():
    clause = operations()["create_batch"].contract.clause("createBatch.responses.429.headers.Retry-After")
    assert clause.pointer == "#/paths/~1api~1v3~1batches/post/responses/429/headers/Retry-After"
    assert clause.text == "Seconds to wait before retrying (type: integer)"
