"""`device-grant list` and `device-grant explain`: what is tested, and what one requirement is about."""

from __future__ import annotations

import importlib
import pkgutil
import shutil
from collections import Counter
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from conformance.judging import Check, Invariant
    from conformance.requirements import Requirement, Status

OPEN_SHOWN = 400


@click.command("list")
@click.option("--open", "only_open", is_flag=True, help="List the requirements that nothing tests yet.")
@click.option("--ids", is_flag=True, help="List every requirement with its status.")
def list_requirements(only_open: bool, ids: bool) -> None:  # noqa: FBT001 - click passes flags by name
    """Show which requirements are tested, by source and level."""
    from rich.console import Console
    from rich.table import Table

    from conformance.requirements import Status, load

    catalogue = load()
    tested = set(_judges())
    console = Console(highlight=False)
    rows = [(entry, catalogue.status(entry, tested)) for entry in catalogue.requirements]
    if only_open or ids:
        for entry, status in rows:
            if ids or status is Status.OPEN:
                marker = "" if only_open else f"{status.value:9}"
                click.echo(f"{marker}{entry.id:52} {entry.level.value:10} {entry.statement}")
        return
    table = Table(box=None, pad_edge=False)
    table.add_column("source")
    for title in ("tested", "open", "excluded", "all"):
        table.add_column(title, justify="right")
    for source in catalogue.sources:
        counts = Counter(status for entry, status in rows if entry.source == source.name)
        table.add_row(source.name, *_numbers(counts))
    table.add_row("all", *_numbers(Counter(status for _, status in rows)), style="bold")
    console.print(table)
    console.print(f"catalogue {catalogue.revision}; `device-grant list --open` names the open ones", style="dim")


def _numbers(counts: Counter[Status]) -> list[str]:
    from conformance.requirements import Status

    return [*(str(counts[status]) for status in (Status.TESTED, Status.OPEN, Status.EXCLUDED)), str(counts.total())]


@click.command()
@click.argument("requirement")
def explain(requirement: str) -> None:
    """Show one requirement: what it says, who is bound, which checks judge it and which faults prove them."""
    from conformance.requirements import load

    catalogue = load()
    entry = catalogue.get(requirement)
    judges = _judges().get(entry.id, [])
    status = catalogue.status(entry, set(_judges()))
    click.secho(entry.id, bold=True)
    click.echo(f"{entry.source}, section {entry.section}    {entry.url}")
    click.echo(f"{_strength(entry)} · binds: {entry.party.value} · {', '.join(entry.dialects)} · {status.value}")
    click.echo(f"\n{_paragraph(entry.statement)}")
    for title, text in (
        ("Why it matters", entry.why),
        ("Allow for", entry.caveat),
        ("In the AWS dialect", entry.aws),
        ("How it is seen", entry.how),
        ("Not tested because", entry.excluded),
    ):
        if text:
            click.echo(f"\n{title}:\n{_paragraph(text, '  ')}")
    for judge in judges:
        click.echo(f"\n{judge.name}\n{_paragraph(judge.card, '  ')}")
        if judge.faults:
            click.echo(f"  proved by the faults: {', '.join(judge.faults)}")
    if judges:
        click.echo(f"\ndevice-grant run TARGET --only {entry.id}")


def _strength(entry: Requirement) -> str:
    level = entry.level.value
    return f"{level} (breaking it is {entry.verdict_if_broken.label})"


def _paragraph(text: str, indent: str = "") -> str:
    plain = " ".join(text.split())
    return click.wrap_text(plain, width=_width(), initial_indent=indent, subsequent_indent=indent)


def _width() -> int:
    return max(40, min(100, shutil.get_terminal_size().columns))


def _judges() -> dict[str, list[Check | Invariant]]:
    """Checks and invariants by the requirement that they judge."""
    import conformance.server
    from conformance.judging import all_checks, all_invariants

    for module in pkgutil.iter_modules(conformance.server.__path__, "conformance.server."):
        if module.name.rpartition(".")[2].startswith(("test_", "invariants")):
            importlib.import_module(module.name)
    found: dict[str, list[Check | Invariant]] = {}
    judges: list[Check | Invariant] = [*all_checks(), *all_invariants()]
    for judge in judges:
        for requirement in judge.requirements:
            found.setdefault(requirement, []).append(judge)
    return found
