"""The reference pages, made from the code when the documentation is built (a hook of mkdocs)."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from trigger_conformance.checks.catalogue import catalogue
from trigger_conformance.checks.operation import operations
from trigger_conformance.cli import cli
from trigger_conformance.contract.home import DOCUMENTS, ROOT
from trigger_conformance.options.options import OPTIONS
from trigger_conformance.report.results import SCHEMA
from trigger_conformance.verdicts.verdict import ExitStatus


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the generated pages."""
    pages = {
        "commands": commands(),
        "options": options(),
        "exit-statuses": exit_statuses(),
        "requirements": requirements(),
        "results": results(),
        "normative-reading": (DOCUMENTS / "normative-reading.md").read_text("utf-8"),
        "every-operation": (DOCUMENTS / "reading" / "every-operation.md").read_text("utf-8"),
        "create-schedule": (DOCUMENTS / "reading" / "create-schedule.md").read_text("utf-8"),
        "create-environment-variable": (DOCUMENTS / "reading" / "create-environment-variable.md").read_text("utf-8"),
        "stream-batch-items": (DOCUMENTS / "reading" / "stream-batch-items.md").read_text("utf-8"),
        "changes": (ROOT / "CHANGELOG.md").read_text("utf-8"),
    }
    for name, text in pages.items():
        files.append(File.generated(config, f"reference/{name}.md", content=text))
    return files


def commands() -> str:
    """Every command with its help."""
    parts = ["# Commands\n"]
    with click.Context(cli, info_name="trigger-conformance", terminal_width=100) as context:
        parts.append(_block(cli.get_help(context)))
        for name, command in cli.commands.items():
            with click.Context(command, info_name=f"trigger-conformance {name}", terminal_width=100) as inner:
                parts.append(f"## {name}\n\n{_block(command.get_help(inner))}")
    parts.append("The options of `run`, `plan` and `config` are told in [Options](options.md).\n")
    return "\n".join(parts)


def _block(text: str) -> str:
    return f"```text\n{text}\n```\n"


def options() -> str:
    """Every option of a run."""
    rows = [
        f"| `{_option(option)}` | `{option.variable}` | {_cell(option.default)} | {_cell(option.help)} |"
        for option in OPTIONS
    ]
    return "\n".join([
        "# Options", "",
        "Each is an option of `run`, `plan`, `config` and of plain pytest, a variable, and a key of",
        "`conformance.toml`, for every run at its top or for one target in `[targets.NAME]`. Earlier ones win;",
        "`trigger-conformance config` shows which value is from where. In the file keys are named by where they are",
        "kept: `api_key_env`, `api_key_file` or `api_key_command`, and the same for `second_api_key`.", "",
        "| option | variable | default | meaning |", "|---|---|---|---|", *rows, "",
    ])  # fmt: skip


def _option(option: Any) -> str:
    return f"--{option.name} {option.metavar}".strip()


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def exit_statuses() -> str:
    """Every exit status."""
    rows = [f"| {int(status)} | {status.meaning} |" for status in ExitStatus]
    return "\n".join(["# Exit statuses", "", "| status | meaning |", "|---|---|", *rows, ""])


def requirements() -> str:
    """Every requirement, by area, with its clause quoted."""
    parts = ["# Requirements\n", "`trigger-conformance explain ID` shows what is sent and judged for each.\n"]
    area = ""
    for requirement in catalogue():
        if requirement.area != area:
            area = requirement.area
            parts.append(f"## {_heading(*area.split('.'))}\n")
        clause = operations()[requirement.operation].contract.clause(requirement.clause)
        name = requirement.id.rpartition(".")[2]
        parts.append(
            f"### {name}\n\n**{requirement.level}**: {requirement.statement}.\n\n"
            f"`{requirement.id}`, in the profile {requirement.profile.name.lower()} and larger ones.\n\n"
            f"> {_cell(' '.join(clause.text.split()))}\n>\n> *{clause.name}* (`{clause.pointer}`)\n"
        )
    return "\n".join(parts)


def _heading(operation: str, area: str) -> str:
    return f"{operations()[operation].title}: {area.replace('_', ' ')}"


def results() -> str:
    """The schema of results.json, a line a field."""
    schema = json.loads(SCHEMA.read_text("utf-8"))
    rows = [f"| `{path}` | {kind} | {note} |" for path, kind, note in _fields(schema, "", schema["$defs"])]
    return "\n".join([
        "# results.json", "", schema["description"], "",
        "It is published as JSON Schema: `trigger_conformance/report/results.schema.json`.", "",
        "| field | type | |", "|---|---|---|", *rows, "",
    ])  # fmt: skip


def _fields(schema: Mapping[str, Any], path: str, named: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, field in schema.get("properties", {}).items():
        field = _resolved(field, named)
        variants = [_resolved(each, named) for each in field.get("oneOf") or field.get("anyOf") or [field]]
        kinds = dict.fromkeys(_kind(variant) for variant in variants)
        yield f"{path}{name}", _cell(" or ".join(kinds)), _cell(field.get("description", ""))
        for variant in variants:
            yield from _fields(variant, f"{path}{name}.", named)
            yield from _fields(_resolved(variant.get("items", {}), named), f"{path}{name}[].", named)


def _resolved(field: Mapping[str, Any], named: Mapping[str, Any]) -> Mapping[str, Any]:
    resolved: Mapping[str, Any] = named[field["$ref"].rpartition("/")[2]] if "$ref" in field else field
    return resolved


def _kind(field: Mapping[str, Any]) -> str:
    if "enum" in field:
        return ", ".join(map(str, field["enum"]))
    kind = field.get("type", "any")
    return " or ".join(kind) if isinstance(kind, list) else kind
