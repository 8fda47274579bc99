"""The command line, thin: what each command does stands in the modules that it calls."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from trigger_conformance.options import interruption

if __name__ == "__main__":
    # What is imported next takes a while.
    interruption.begin()
    from trigger_conformance.options import places

    places.settle(sys.argv[1:], os.environ, Path.cwd())

import gc
import platform
import re
import traceback
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from importlib import metadata
from typing import Any

import click

from trigger_conformance import __version__
from trigger_conformance.checks.near_misses import hint
from trigger_conformance.checks.operation import UnusableChecksError, operations
from trigger_conformance.options import completions
from trigger_conformance.options.options import OPTIONS, Option, is_flag
from trigger_conformance.options.places import FILE
from trigger_conformance.options.settings import gather, values
from trigger_conformance.options.target import UsageError
from trigger_conformance.runs import standard_streams
from trigger_conformance.verdicts.verdict import ExitStatus

DEFAULT_PORT = 8030
# What decides which target is reached, and how.
_REACHES = ("target", "base_url", "api_key", "second_api_key", "header", "requests_per_second", "timeout",
            "ca_bundle", "insecure", "http2", "openapi", "checks")  # fmt: skip
_PROGRAM = "trigger-conformance"
_PACKAGE = Path(__file__).parent
_Command = Callable[..., Any]


def main() -> None:
    """The console script. Exit statuses are those of ``ExitStatus``; a usage error is one line on stderr."""
    interruption.begin()
    standard_streams.open_all()
    status = _settled(_run_command())
    interruption.end()
    # All ends with the process: looking through it for garbage first would take a tenth of a run's computing.
    gc.freeze()
    sys.exit(status)


def _run_command() -> int | None:
    """What the command that the command line names returns: an exit status, or None where it had only to tell."""
    try:
        returned: int | None = cli.main(prog_name=_PROGRAM, standalone_mode=False)
        return returned
    except (UsageError, UnusableChecksError, click.ClickException) as error:
        message = error.format_message() if isinstance(error, click.ClickException) else str(error)
        click.echo(f"error: {message}", err=True)
        return ExitStatus.USAGE
    except click.Abort:
        return ExitStatus.INTERRUPTED
    except OSError as error:
        where = f"{error.filename}: {error.strerror}" if error.filename else error
        click.echo(f"error: {where}", err=True)
        return ExitStatus.SUITE_ERROR
    except Exception as error:
        # Python's own exit status would be that of a non-conformant target.
        click.echo(f"error: an error in the suite itself: {_place(error)}; please report it", err=True)
        return ExitStatus.SUITE_ERROR


def _place(error: Exception) -> str:
    """What was raised, and where in the suite; not its words, which may be anybody's."""
    frames = [each for each in traceback.extract_tb(error.__traceback__) if _PACKAGE in Path(each.filename).parents]
    frame = frames[-1]
    return f"{type(error).__name__} at {Path(frame.filename).relative_to(_PACKAGE.parent)}:{frame.lineno}"


def _settled(returned: int | None) -> int:
    """The exit status: a verdict stands where it could not be told; what had only to be told is missing then.

    Whoever reads no further has seen enough.
    """
    lost = standard_streams.lost()
    if lost is None:
        return returned or 0
    click.echo(f"standard output did not take all that was to be told: {lost.why}", err=True)
    if returned is None and not lost.unread:
        return ExitStatus.SUITE_ERROR
    return returned or 0


def _show_versions(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    if not wanted or context.resilient_parsing:
        return
    click.echo(f"trigger-conformance {__version__}")
    for contract in dict.fromkeys(each.contract for each in operations().values()):
        click.echo(f"contract: {contract.title} {contract.version}, sha256 {contract.sha256}")
    click.echo(f"Python {platform.python_version()}")
    for name in _direct_dependencies():
        click.echo(f"{name} {metadata.version(name)}")
    context.exit()


def _direct_dependencies() -> list[str]:
    needed = metadata.requires("trigger-conformance") or []
    return sorted(re.split(r"[\s<>=!~;\[]", each)[0] for each in needed if "extra ==" not in each)


class _Commands(click.Group):
    """Commands that are listed with the whole first sentence of their help, where click would cut it."""

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list."""
        texts = {name: " ".join((command.help or "").split()) for name, command in sorted(self.commands.items())}
        with formatter.section("Commands"):
            formatter.write_dl([(name, re.split(r"(?<=\.) ", text)[0]) for name, text in texts.items()])

    def resolve_command(
        self, context: click.Context, arguments: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find a command, or tell which one may be meant."""
        name = arguments[0]
        if not name.startswith("-") and self.get_command(context, name) is None:
            context.fail(f"there is no command {name}{hint(name, self.list_commands(context))}; see --help")
        return super().resolve_command(context, arguments)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_show_versions,
              help="Tell the versions of the suite, the contract and what they stand on.")  # fmt: skip
def cli() -> None:
    """Contract and conformance tests for the Trigger.dev API."""


def _run_options(command: _Command) -> _Command:
    for option in reversed(OPTIONS):
        command = _click_option(option)(command)
    return command


def _target_options(command: _Command) -> _Command:
    reaching = {*_REACHES, *(fact.dest for each in operations().values() for fact in each.reached_by)}
    for option in reversed(OPTIONS):
        if option.dest in reaching:
            command = _click_option(option)(command)
    return command


def _click_option(option: Option) -> Callable[[_Command], _Command]:
    told = f"{option.help} [default: {option.default}; {option.variable}]"
    if is_flag(option):
        return click.option(f"--{option.name}/--no-{option.name}", option.dest, default=None, help=told)
    return click.option(
        f"--{option.name}", option.dest, metavar=option.metavar, multiple=option.many, help=told,
        shell_complete=completions.of_option(option.dest),
    )  # fmt: skip


@cli.command()
@_run_options
@click.option("--quiet", "output", flag_value="quiet", help="Tell the verdict only.")
@click.option("--verbose", "output", flag_value="verbose", help="Tell every exchange, without secrets.")
def run(output: str | None, **given: Any) -> int:
    """Run the suite; without --base-url, on the built-in reference server.

    Exit status: 0 conformant, 1 non-conformant, 2 interrupted, 3 an error in the suite itself, 4 usage,
    5 nothing was selected, 6 inconclusive.
    """
    settings = gather(given, os.environ, Path.cwd())
    # What is known now is enough for a report.
    interruption.postpone()
    from trigger_conformance.report.progress import Console, Output
    from trigger_conformance.runs.session import conduct

    # pytest takes the standard streams for itself while a check runs.
    with standard_streams.copy() as stream:
        return conduct(settings, Console(Output(output or "usual"), stream))


@cli.command()
@_run_options
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON, for programs.")
def config(as_json: bool, **given: Any) -> None:
    """What a run with these options would use, and where each value is from. Keys are neither shown nor fetched."""
    from trigger_conformance.options import configuration

    found = values(given, os.environ, Path.cwd())
    rows = [
        (option.name, configuration.told(option.dest, found[option.dest]), found[option.dest].source)
        if option.dest in found
        else (option.name, option.default, "default")
        for option in OPTIONS
    ]
    if as_json:
        import json

        click.echo(json.dumps({name: {"value": value, "source": source} for name, value, source in rows}, indent=1))
        return
    widths = [max(len(row[column]) for row in rows) for column in range(2)]
    for name, value, source in rows:
        click.echo(f"{name:{widths[0]}}  {value:{widths[1]}}  {source}")
    targets = configuration.load(Path.cwd()).targets
    click.echo(f"\ntargets in {FILE}: {', '.join(targets) or 'none'}")
    click.echo("Earlier ones win: option, environment, the target's table, the file, default.")


@cli.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes SHELL complete commands, options, targets and requirement ids: put it into its start-up file."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    assert found is not None
    click.echo(found(cli, {}, _PROGRAM, "_TRIGGER_CONFORMANCE_COMPLETE").source())


@cli.command("list")
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON, for programs.")
@click.argument("words", metavar="[WORD]...", nargs=-1)
def list_requirements(as_json: bool, words: tuple[str, ...]) -> None:
    """Every requirement: id, level, clause, sentence. WORD is an area or a word: only those that have it are listed."""
    from trigger_conformance.checks.catalogue import catalogue

    _check_documents()
    entries = [
        {
            "id": requirement.id,
            "level": str(requirement.level),
            "clause": operations()[requirement.operation].contract.clause(requirement.clause).name,
            "statement": requirement.statement,
            "profile": requirement.profile.name.lower(),
        }
        for requirement in catalogue()
        if _has(words, requirement.id, requirement.level, requirement.statement, requirement.clause)
    ]
    if as_json:
        import json

        click.echo(json.dumps(entries, indent=1))
        return
    if not entries:
        raise UsageError(f"list {' '.join(words)}: no requirement has that in its id, level, clause or sentence")
    for entry in entries:
        click.echo(f"{entry['id']}\n    {entry['level']:6} {entry['clause']}: {entry['statement']}")


def _check_documents() -> None:
    """Raise UsageError where a document of the user's own cannot stand in for the published one."""
    from trigger_conformance.checks import contracts
    from trigger_conformance.checks.operation import OPENAPI

    try:
        contracts.check()
    except contracts.UnusableDocumentError as error:
        raise UsageError(f"{OPENAPI}: {error}") from error


def _has(words: tuple[str, ...], *texts: str) -> bool:
    """Whether each of the words is somewhere in the texts, in any letter case."""
    everything = " ".join(texts).lower()
    return all(word.lower() in everything for word in words)


@cli.command()
@click.argument("identity", metavar="ID", shell_complete=completions.requirements)
def explain(identity: str) -> None:
    """One requirement: its clause, what is sent, what is judged."""
    from trigger_conformance.checks.catalogue import find, story, unknown
    from trigger_conformance.options import configuration
    from trigger_conformance.report.again import explained

    _check_documents()
    found = find(identity)
    if found is None:
        raise UsageError(f"explain {identity}: {unknown(identity)}")
    clause = operations()[found.operation].contract.clause(found.clause)
    click.echo(f"{found.id}\n{found.level}: {found.statement}\n")
    click.echo(f"Clause {clause.name} ({clause.pointer})\n  {clause.text}\n")
    click.echo(f"Checked in the profile {found.profile.name.lower()} and larger ones. Sent and judged:\n")
    click.echo(story(found.id))
    for line in explained(found.id, configuration.load(Path.cwd()).targets):
        click.echo(line)


@cli.command()
@_run_options
def plan(**given: Any) -> None:
    """What a run would send at most: requests, runs, side effects. Sends nothing to the target."""
    from trigger_conformance.runs.plan import forecast

    settings = gather(given, os.environ, Path.cwd(), keyless=True)
    _check_documents()
    with interruption.unwinding():
        click.echo(forecast(settings))


@cli.command()
@_target_options
@click.option("--run-id", "run_ids", metavar="ID", multiple=True,
              help="What this run left only. May be repeated. [default: what any run left]")  # fmt: skip
@click.option("--yes", is_flag=True, help="Remove it. Runs that are under way lose what they have made, too.")
@click.option("--json", "as_json", is_flag=True, help="Tell it as JSON, for programs.")
def clean(run_ids: tuple[str, ...], yes: bool, as_json: bool, **given: Any) -> int:
    """What runs left on a target, found by how its name begins (conformance-<run id>-), and removed with --yes.

    A run removes what it made; this is for one that was killed, or could not.

    Exit status: 0 nothing is left, 1 something is, 2 interrupted, 3 an error in the suite itself, 4 usage,
    6 the target could not be asked.
    """
    from trigger_conformance.runs import cleaning

    settings = gather(given, os.environ, Path.cwd())
    _check_documents()
    with interruption.unwinding():
        # What is about to be removed is told before, and stands there if it cannot be.
        show = None if as_json else lambda thing: click.echo(cleaning.line(thing))
        cleaned = cleaning.clean(settings, run_ids, show, remove=yes)
    click.echo(cleaned.json_text() if as_json else cleaned.text())
    for each in cleaned.unasked:
        click.echo(f"not looked for: {each}", err=True)
    return cleaned.status


@cli.command()
@click.argument("path", metavar="RESULTS", type=click.Path(path_type=Path), required=False)
@click.option(
    "--format",
    "name",
    type=click.Choice(["terminal", "html", "md", "badge", "junit", "github", "azure", "gitlab"]),
    default="terminal",
    show_default=True,
    help="What to print: terminal is what a run tells at its end; github, azure and gitlab are for CI systems.",
)
@click.option(
    "--write", is_flag=True, help="Write report.html, summary.md, badge.svg and junit.xml beside the results instead."
)
@click.option("--compare", nargs=2, type=click.Path(path_type=Path), metavar="OLD NEW",
              help="Tell what got better and what got worse; exit status 1 if anything got worse.")  # fmt: skip
def report(path: Path | None, name: str, write: bool, compare: tuple[Path, Path] | None) -> int | None:
    """Render the results of a run again (a results.json or its folder), or compare those of two."""
    from trigger_conformance.report import comparison, files

    if compare is not None:
        compared = comparison.compare(*(files.read(each) for each in compare))
        click.echo("\n".join(compared.lines))
        return int(compared.worse)
    if path is None:
        raise UsageError("report: give a run's results.json or its folder, or --compare OLD NEW")
    results = files.read(path)
    folder = path if path.is_dir() else path.parent
    if write:
        files.render(results, folder)
        click.echo(f"written: {', '.join(str(folder / file) for file, _ in files.RENDERERS.values())}")
    elif name == "terminal":
        from trigger_conformance.report.terminal import summary

        summary(results, folder, sys.stdout)
    else:
        click.echo(files.text(results, name), nl=False)
    return None


@cli.command()
@click.argument("folders", metavar="DIR...", nargs=-1, required=True,
                type=click.Path(path_type=Path, exists=True, file_okay=False))  # fmt: skip
@click.option("--report-dir", type=click.Path(path_type=Path), metavar="DIR", help="Where the one run's reports go.")
def merge(folders: tuple[Path, ...], report_dir: Path | None) -> int:
    """Make one verdict and one set of reports of the parts (--shard I/N) of a run; exits as an undivided run does."""
    from trigger_conformance.report.terminal import summary
    from trigger_conformance.runs.merging import merge as merged

    results, folder = merged(folders, report_dir)
    summary(results, folder, sys.stdout)
    return int(results["exit_status"])


@cli.command()
@click.argument("folder", metavar="RESULTS-DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--sign",
    "private_key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="An Ed25519 key to sign with, in PEM.",
)
def attest(folder: Path, private_key: Path | None) -> int:
    """Pack a run's results and evidence into an archive that anyone can verify."""
    from trigger_conformance.runs import attestation

    _check_documents()
    archive = attestation.attest(folder, private_key)
    click.echo(f"{archive}: anyone can check it with trigger-conformance verify {archive}")
    return 0


@cli.command()
@click.argument("archive", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--public-key",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The key whose signature it must have, in PEM.",
)
def verify(archive: Path, public_key: Path | None) -> int:
    """Judge an attested run again from its evidence; sends nothing. Exit status 1 where anything differs."""
    from trigger_conformance.contract.quoting import harmless, lines, visible
    from trigger_conformance.runs import attestation

    _check_documents()
    try:
        with interruption.unwinding():
            results = attestation.verify(archive, public_key)
    except attestation.RejectedError as error:
        # An archive is anyone's: what it holds must not steer whatever prints this.
        click.echo(harmless(lines(f"rejected: {archive}\n{error}")))
        return 1
    signed = "signed by that key" if public_key else (
        "signed, but nobody's key was given to check it" if attestation.is_signed(archive) else "not signed"
    )  # fmt: skip
    told = f"verified: {results['target']['base_url']} was {results['verdict']} on {results['started_at'][:10]}"
    click.echo(harmless(visible(told)))
    counts = Counter(passed=0, skipped=0)
    counts.update(each["verdict"] for each in results["requirements"])
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    click.echo(f"{counts.total()} verdicts ({told}) follow from {results['requests']} exchanges; {signed}")
    return 0


@cli.command()
@click.argument("identity", metavar="ID", shell_complete=completions.requirements)
@click.option("--reason", required=True, help="Why the deviation is accepted.")
@click.option("--link", default="", metavar="URL", help="Where it is tracked.")
@click.option("--expires", type=click.DateTime(["%Y-%m-%d"]), help="The last day it holds. [default: in 90 days]")
@click.option("--waivers", type=click.Path(path_type=Path), default=None, metavar="FILE",
              help="The file to append to. [default: conformance-waivers.toml]")  # fmt: skip
def waive(identity: str, reason: str, link: str, expires: datetime | None, waivers: Path | None) -> int:
    """Accept a known deviation: append a waiver for the requirement ID."""
    from trigger_conformance.checks.catalogue import catalogue, find, unknown
    from trigger_conformance.options import waivers_file
    from trigger_conformance.verdicts.waivers import Waiver

    requirement = find(identity)
    if requirement is None:
        raise UsageError(f"waive {identity}: {unknown(identity)}")
    path = waivers or Path(waivers_file.USUAL_FILE)
    until = expires.date() if expires else date.today() + waivers_file.USUAL_TERM
    waiver = Waiver(requirement=requirement.id, reason=reason, expires=until, link=link)
    waivers_file.add(path, waiver, (each.id for each in catalogue()), date.today())
    click.echo(f"{path}: {requirement.id} is waived until {until}; run with --waivers {path}")
    return 0


def _faults(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from trigger_conformance.reference import registry

    return completions.beginning(incomplete, (each.id for each in registry.faults()))


def _variants(_: click.Context, __: click.Parameter, incomplete: str) -> list[str]:
    from trigger_conformance.reference import registry

    return completions.beginning(incomplete, (each.id for each in registry.variants()))


@cli.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=DEFAULT_PORT,
    show_default=True,
    help="The port to listen on; 0 is a free one.",
)
@click.option("--fault", "faults", metavar="ID", multiple=True, shell_complete=_faults,
              help="Misbehave in this way; may be repeated.")  # fmt: skip
@click.option(
    "--variant",
    "variant_id",
    metavar="ID",
    shell_complete=_variants,
    help="Behave differently, but within the contract.",
)
@click.option(
    "--list-faults", is_flag=True, help="List every fault and variant, and what it does, or those that have a word."
)
@click.argument("words", metavar="[WORD]...", nargs=-1)
def serve(
    port: int, faults: tuple[str, ...], variant_id: str | None, list_faults: bool, words: tuple[str, ...]
) -> None:
    """The reference server, sound or with faults.

    With --list-faults, WORD is an area or a word: only those that have it are listed.
    """
    from trigger_conformance.reference import registry

    if list_faults:
        found = [each for each in (*registry.faults(), *registry.variants()) if _has(words, each.id, each.sentence)]
        if not found:
            raise UsageError(
                f"serve --list-faults {' '.join(words)}: no fault or variant has that in its id or sentence"
            )
        for behaviour in found:
            kind = "fault" if behaviour.caught_by else "variant"
            click.echo(f"{behaviour.id}\n    {kind}: {behaviour.sentence}")
        return
    if words:
        raise UsageError(f"serve {' '.join(words)}: an area or a word goes with --list-faults; a fault with --fault")
    if faults and variant_id:
        raise UsageError("--variant: give either --fault or --variant, not both")
    from trigger_conformance.reference.listening import listen

    try:
        server = registry.behaviour_class("+".join(faults) or variant_id or "")()
    except LookupError as error:
        raise UsageError(f"{'--fault' if faults else '--variant'}: {error}; see serve --list-faults") from None
    try:
        listener = listen(port=port)
    except OSError as error:
        raise UsageError(f"--port {port}: {error.strerror}; give another, or 0 for a free one") from None
    base_url = server.base_url(listener.getsockname()[1])
    click.echo(f"serving {base_url}; keys {server.settings.api_key} and {server.settings.second_api_key}")
    click.echo(
        f"try: trigger-conformance run --base-url {base_url} --api-key {server.settings.api_key} "
        f"--second-api-key {server.settings.second_api_key} {' '.join(['--press-rate-limit', *server.run_options()])}"
    )
    with interruption.unwinding():
        server.run(listener)


if __name__ == "__main__":
    main()
