"""`device-grant list` and `device-grant explain`: what is tested, and what one requirement is about."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from typing import TYPE_CHECKING

import click

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.catalogue import Requirement
    from device_grant.cli.requirements.coverage import Coverage, Judge

LEVELS = {
    "MUST": ("MUST", "MUST NOT"),
    "SHOULD": ("SHOULD", "SHOULD NOT"),
    "MAY": ("MAY",),
    "IMPLIED": ("IMPLIED",),
}
"""Columns of the table; a prohibition counts with its obligation."""
LABEL = 10
"""Columns of the labels in `explain`."""


@click.command("list")
@click.argument("target", required=False)
@click.option("--open", "only_open", is_flag=True, help="Name the requirements that nothing tests yet.")
@click.option("--ids", is_flag=True, help="Name every requirement, with its status and level.")
@click.option(
    "--party",
    type=click.Choice(["server", "client", "all"]),
    default="server",
    show_default=True,
    help="Whom the requirements bind; server takes in its pages and what binds both.",
)
def list_requirements(
    target: str | None,
    only_open: bool,  # noqa: FBT001 - click passes flags by name
    ids: bool,  # noqa: FBT001 - so too
    party: str,
) -> None:
    """Show which requirements are tested, by source and level.

    With TARGET, a server: how many of each source are judged at it, and why the others are not. It is started and
    asked where its endpoints are, and nothing else.
    """
    from device_grant.catalogue import Status
    from device_grant.cli.requirements.coverage import coverage

    if target is not None:
        if only_open or ids or party != "server":
            raise UsageError("list TARGET shows what is judged at a server: leave --open, --ids and --party out")
        from device_grant.cli.requirements.applying import show

        show(target)
        return
    covered = coverage()
    entries = covered.binding(party)
    if not (only_open or ids):
        _table(covered, entries, party)
        return
    named = 0
    for entry in entries:
        status = covered.status(entry)
        if ids or status is Status.OPEN:
            named += 1
            marker = "" if only_open else f"{status.value:9}"
            click.echo(f"{marker}{entry.id:52} {entry.level.value:10} {entry.statement}")
    if not named:
        # Not on standard output, which is empty where nothing is open.
        click.echo(f"nothing is open for --party {party}", err=True)
    if party == "server" and covered.untested_of_clients:
        click.echo(_about_clients(covered), err=True)


def _about_clients(covered: Coverage) -> str:
    return f"{covered.untested_of_clients} more requirements bind clients only and are not tested yet: --party client"


def _table(covered: Coverage, entries: list[Requirement], party: str) -> None:
    rows = [("source", *LEVELS, "tested", "open", "excluded", "all")]
    for source in covered.catalogue.sources:
        own = [entry for entry in entries if entry.source == source.name]
        if own:
            rows.append((source.name, *_numbers(covered, own)))
    rows.append(("all", *_numbers(covered, entries)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        # Gaps of one column, so that all of it fits into 80.
        line = " ".join((f"{row[0]:{widths[0]}}", *cells))
        click.echo(_bold(line) if row in (rows[0], rows[-1]) else line)
    click.echo(f"\nCatalogue {covered.catalogue.revision}. MUST and SHOULD take in MUST NOT and SHOULD NOT.")
    if party == "server" and covered.untested_of_clients:
        click.echo(_about_clients(covered))


def _numbers(covered: Coverage, entries: Iterable[Requirement]) -> list[str]:
    from device_grant.catalogue import Level, Status

    entries = list(entries)
    levels = Counter(entry.level for entry in entries)
    states = Counter(covered.status(entry) for entry in entries)
    return [
        *(str(sum(levels[Level(level)] for level in group)) for group in LEVELS.values()),
        *(str(states[status]) for status in (Status.TESTED, Status.OPEN, Status.EXCLUDED)),
        str(len(entries)),
    ]


@click.command()
@click.argument("requirement")
def explain(requirement: str) -> None:
    """Show one requirement: what it says, who is bound, which checks judge it and which faults prove them."""
    from device_grant.catalogue import Status
    from device_grant.cli.requirements.coverage import counted, coverage

    covered = coverage()
    entry = covered.catalogue.get(requirement)
    judges, status = covered.of(entry), covered.status(entry)
    _title(entry.id)
    click.echo(_wrapped(entry.statement))
    click.echo(f"\n{'source':{LABEL}}{entry.source}, section {entry.section}")
    # Never wrapped: an address that is broken over two lines can be neither clicked nor pasted.
    click.echo(f"{'':{LABEL}}{entry.url}")
    for label, text in (
        ("level", _strength(entry)),
        ("binds", entry.party.value),
        ("dialects", ", ".join(entry.dialects)),
        ("needs", ", ".join(entry.needs)),
        ("tags", ", ".join(entry.tags)),
        ("status", f"{status.value} by {counted(judges)}" if status is Status.TESTED else status.value),
    ):
        if text:
            click.echo(_wrapped(text, first=f"{label:{LABEL}}", indent=" " * LABEL))
    for title, text in (
        ("Why it matters", entry.why),
        ("Allow for", entry.caveat),
        ("In the AWS dialect", entry.aws_note),
        ("How it is seen", entry.how),
        ("Not tested because", entry.excluded),
    ):
        if text:
            click.echo()
            _title(title)
            click.echo(_wrapped(text, indent="  "))
    if entry.seen_in:
        click.echo()
        _title("Seen in")
        for address in entry.seen_in:
            click.echo(f"  {address}")
    if judges:
        _judged(entry, judges)


def _judged(entry: Requirement, judges: Iterable[Judge]) -> None:
    click.echo()
    _title("What we send and accept")
    for judge in judges:
        click.echo(f"  {judge.name}")
        click.echo(_wrapped(judge.card, indent="    "))
        # What only a wrong HTTP server can break has no fault of the reference server.
        proof = ", ".join(judge.faults) or "wrong HTTP servers in the tests of the suite itself"
        click.echo(_wrapped(proof, first="    proved by: ", indent="      "))
    click.echo()
    _title("Try it")
    for party, command, honest in (
        ("server", "run TARGET", "run embedded"),
        ("client", "client NAME", "client honest"),
    ):
        own = [judge for judge in judges if judge.party == party]
        if not own:
            continue
        click.echo(f"  device-grant {command} --only {entry.id}")
        shown = shown_broken(entry, own)
        if shown:
            name, dialect = shown
            click.echo(f"  device-grant {honest}:{dialect} --only {entry.id} --fault {name}")


def shown_broken(entry: Requirement, judges: Iterable[Judge]) -> tuple[str, str] | None:
    """A fault that breaks the requirement for sure, and a dialect in which it does; None if none is known for sure."""
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.server.faults import Faults

    known = {name: dialects for name, dialects, _ in (*Faults.catalogue(), *ClientFaults.catalogue())}
    for judge in judges:
        # Of a check with several of both, some faults break one of its requirements and some another.
        if len(judge.requirements) > 1 and len(judge.faults) > 1:
            continue
        for name in judge.faults:
            for dialect in entry.dialects:
                if dialect in known[name]:
                    return name, dialect
    return None


def _strength(entry: Requirement) -> str:
    from device_grant.catalogue import Verdict

    if entry.verdict_if_broken is Verdict.OBSERVED:
        return f"{entry.level.value}: reported, never counted against the target"
    return f"{entry.level.value}: {entry.verdict_if_broken.label} if broken"


def _title(text: str) -> None:
    click.echo(_bold(text))


def _bold(text: str) -> str:
    styled = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return click.style(text, bold=True) if styled else text


def _wrapped(text: str, indent: str = "", first: str | None = None) -> str:
    plain = " ".join(text.split())
    start = indent if first is None else first
    return click.wrap_text(plain, width=_width(), initial_indent=start, subsequent_indent=indent)


def _width() -> int:
    return max(40, min(100, shutil.get_terminal_size().columns))
