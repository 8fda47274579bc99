"""The normative reading, line by line: each has its requirements, each requirement its line."""

import hashlib
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from trigger_conformance.checks.catalogue import catalogue, declared
from trigger_conformance.checks.operation import EVERY, operations
from trigger_conformance.checks.requirement import Level
from trigger_conformance.contract.home import DOCUMENTS

PUBLISHED_SHA256 = {
    "create_batch": "45e75c9a4ab9a5dbfad87202c51355ad2f34e27cb46d285906b12fa427d2239c",
    "create_environment_variable": "dcf68a503afd76f96d07352c88c300527995ea1e8d65ff48178bb1ddd4401ecb",
    "create_schedule": "4421605d3c8d66333cafa2a73459bc9fdbfbce94f4ada8f4380610d0b756f919",
    "stream_batch_items": "a07e975408c504c13eca4d6580abc580c1d7e0f2b40409d6b5a58a991791b2ec",
}
NOT_IN_THE_READING = {
    "create_batch.properties.repeated_property",
    "create_batch.properties.repeated_names_are_answered_consistently",
}


@dataclass(frozen=True)
class Page:
    """A page of the reading, the mapping of its lines, and the operation whose requirements decide them."""

    file: str
    mapping: str
    operation: str
    heading: str = "## "
    after: str = ""

    @cached_property
    def lines(self):
        text = (DOCUMENTS / self.file).read_text("utf-8")
        return list(_lines(text.partition(self.after)[2] if self.after else text, self.heading))

    @cached_property
    def entries(self):
        return tomllib.loads((Path(__file__).parents[1] / "reading" / self.mapping).read_text("utf-8"))

    @cached_property
    def unchecked(self):
        return self.entries["not checked yet"]

    @cached_property
    def sections(self):
        return {section: lines for section, lines in self.entries.items() if section != "not checked yet"}

    @cached_property
    def mapped(self):
        """The requirements that the page's lines name."""
        return {
            f"{self.operation}.{each}" for lines in self.sections.values() for _, *ids in lines.values() for each in ids
        }

    def is_unchecked(self, section, line):
        return any(section == each and line.startswith(words) for each, words in self.unchecked.values())


def _lines(text, heading):
    section = ""
    for block in re.split(rf"\n(?=- |{heading})", text):
        if block.startswith(heading):
            section, _, rest = block.removeprefix(heading).partition("\n")
            yield from ((section, each) for each in _bullets(rest))
        elif block.startswith("- "):
            yield section, " ".join(block[2:].split())


def _bullets(text):
    return [" ".join(block[2:].split()) for block in re.split(r"\n(?=- )", text.strip()) if block.startswith("- ")]


PAGES = (
    Page("normative-reading.md", "create_batch.toml", "create_batch", "### ", "## Requirements"),
    Page("reading/create-schedule.md", "create_schedule.toml", "create_schedule"),
    Page("reading/create-environment-variable.md", "create_environment_variable.toml", "create_environment_variable"),
    Page("reading/stream-batch-items.md", "stream_batch_items.toml", "stream_batch_items"),
    Page("reading/every-operation.md", "every_operation.toml", "create_schedule"),
)
# Create batch has its own words for it; its page is bound to the requirements of schedules, once.
BOUND_TO_EVERY = ("create_batch", "create_schedule")
LINES = [(page, section, line) for page in PAGES for section, line in page.lines]
NAMES = [f"{page.mapping} {section}: {line[:40]}" for page, section, line in LINES]
UNCHECKED = [(page, section, words) for page in PAGES for section, words in page.unchecked.values()]


@pytest.mark.parametrize("operation", PUBLISHED_SHA256)
def test_the_contract_is_the_published_one(operation):
    published = (DOCUMENTS / operations()[operation].document).read_bytes()
    assert hashlib.sha256(published).hexdigest() == PUBLISHED_SHA256[operation]


@pytest.mark.parametrize(("page", "section", "line"), LINES, ids=NAMES)
def test_a_line_has_one_slug(page, section, line):
    slugs = [slug for slug, (beginning, *_) in page.sections.get(section, {}).items() if line.startswith(beginning)]
    assert len(slugs) + page.is_unchecked(section, line) == 1


@pytest.mark.parametrize(("page", "section", "words"), UNCHECKED, ids=[words for *_, words in UNCHECKED])
def test_what_is_not_checked_yet_stands_in_the_page(page, section, words):
    assert sum(words in line for each, line in page.lines if each == section) == 1


@pytest.mark.parametrize("page", PAGES, ids=[page.mapping for page in PAGES])
def test_every_slug_has_its_line(page):
    unknown = [
        f"{section}: {slug}"
        for section, entries in page.sections.items()
        for slug, (beginning, *_) in entries.items()
        if not any(line.startswith(beginning) for each, line in page.lines if each == section)
    ]
    assert unknown == []
    checked = sum(len(entries) for entries in page.sections.values())
    assert len(page.lines) == checked + sum(page.is_unchecked(*each) for each in page.lines)
    assert checked > 10


@pytest.mark.parametrize("operation", ["create_batch", "create_environment_variable", "create_schedule"])
def test_every_requirement_of_the_mapping_exists_and_every_existing_one_is_mapped(operation):
    mapped = set().union(*(page.mapped for page in PAGES if page.operation == operation))
    if operation not in BOUND_TO_EVERY:
        every = (each.id.partition(".")[2] for each in declared() if each.operation == EVERY)
        mapped |= {operations()[operation].owner(each) for each in every}
    existing = {each.id for each in catalogue() if each.operation == operation}
    assert mapped == existing - NOT_IN_THE_READING


def test_a_further_operation_has_what_every_operation_has_and_its_own():
    every = {each.partition(".")[2] for each in PAGES[-1].mapped}
    own = {each.partition(".")[2] for page in PAGES if page.operation == "stream_batch_items" for each in page.mapped}
    existing = {each.id.partition(".")[2] for each in catalogue() if each.operation == "stream_batch_items"}
    assert own - existing == set()
    assert existing - own - every == set()


@pytest.mark.parametrize(("page", "section", "line"), LINES, ids=NAMES)
def test_a_line_that_says_must_has_a_requirement_that_is_a_must(page, section, line):
    levels = {requirement.id: requirement.level for requirement in catalogue()}
    for beginning, *ids in page.sections.get(section, {}).values():
        if line.startswith(beginning) and line.startswith(("MUST", "SHOULD")):
            wanted = Level.MUST if line.startswith("MUST") else Level.SHOULD
            assert wanted in {levels[f"{page.operation}.{each}"] for each in ids}, line


def test_ids_are_unique_and_clauses_exist():
    ids = [requirement.id for requirement in catalogue()]
    assert len(set(ids)) == len(ids) > 100
    assert all(operations()[each.operation].contract.clause(each.clause).text for each in catalogue())


def test_a_clause_is_found_by_its_pointer():
    clause = operations()["create_batch"].contract.clause("createBatch.responses.429.headers.Retry-After")
    assert clause.pointer == "#/paths/~1api~1v3~1batches/post/responses/429/headers/Retry-After"
    assert clause.text == "Seconds to wait before retrying (type: integer)"
