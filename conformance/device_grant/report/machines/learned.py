"""Learned machines on a terminal: a table of states, what breaks a requirement, where two machines part."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from device_grant.learning.machine import Parting, spoken
from device_grant.learning.protocol import Colour
from device_grant.report.machines.drawing import marks
from device_grant.report.terminal.console import encodable, heading, indented, paragraph
from device_grant.report.text import one_line, plural

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from rich.console import Console

    from device_grant.learning.machine import Machine
    from device_grant.learning.protocol import WordStep
    from device_grant.learning.record import EdgeRecord, MachineRecord

_STYLE = {"red": "bold red", "open": "yellow"}


def claim(record: MachineRecord) -> str:
    """What is claimed of a machine, in a sentence."""
    if record.withheld:
        return "The machine is withheld"
    states = plural(len(record.states), "state")
    if record.complete:
        return (
            f"{states}, complete: no other machine over these {plural(len(record.inputs), 'input')} with at most "
            f"{record.bound} states answers so (k = {record.k}; longest word: {plural(record.longest, 'input')})"
        )
    return f"Unfinished, so that nothing is claimed: {record.stopped}. The last hypothesis has {states}"


def effort(record: MachineRecord) -> str:
    """What it took; empty where that is not published."""
    if not record.words:
        return ""
    return f"{plural(record.words, 'grant')}, {plural(record.requests, 'request')}, {record.seconds:.1f} s"


def silences(record: MachineRecord) -> list[list[EdgeRecord]]:
    """The edges that are open, and red in no other word, grouped."""
    red, _ = marks(record)
    return alike(edge for edge in record.edges if edge.colour == "open" and (edge.state, edge.word[-1]) not in red)


def alike(edges: Iterable[EdgeRecord]) -> list[list[EdgeRecord]]:
    """Edges by what they break, by which answer to which kind of input; each group with its shortest word first."""
    groups: dict[tuple[str, ...], list[EdgeRecord]] = {}
    for edge in edges:
        kind = edge.word[-1].removesuffix("_now").removesuffix("_polite")
        groups.setdefault((edge.requirement, kind, edge.answers[-1]), []).append(edge)
    return list(groups.values())


def remarks(record: MachineRecord) -> list[str]:
    """What else is to be said of a machine, a line each."""
    lines = [f"{letter} is left out: {reason}" for letter, reason in record.left_out.items()]
    if record.too_long:
        lines.append(f"{plural(record.too_long, 'word')} left out: their waits outlive a part of the codes' life")
    return lines + record.remarks


def render(record: MachineRecord, console: Console) -> None:
    """Print one machine."""
    heading(f"{record.target} ({record.dialect}), inputs: {record.set}", console)
    paragraph(console, claim(record), "bold" if record.complete else "bold yellow")
    if record.words:
        paragraph(console, effort(record), "dim")
    machine = record.machine
    if machine is not None:
        console.print()
        console.print(_table(record, machine, console))
    if record.complete:
        _print_edges(record, console)
    if record.disagreements:
        heading("Not deterministic", console)
        for one in record.disagreements:
            seen = ", ".join(f"{answer} ({plural(count, 'time')})" for answer, count in one.answers.items())
            indented(console, f"{' '.join(one.word)}: {one_line(seen)}", 2, "bold red")
    lines = remarks(record)
    if lines:
        console.print()
        for line in lines:
            indented(console, f"- {one_line(line)}", 2, "dim")


def _print_edges(record: MachineRecord, console: Console) -> None:
    red = alike(record.red)
    silent = silences(record)
    console.print()
    if red:
        broken = {edge.requirement for edge in record.red}
        paragraph(console, f"Red: {plural(len(red), 'edge')} breaking {plural(len(broken), 'requirement')}", "bold red")
        for group in red:
            _print_red(group, console)
    else:
        paragraph(console, "No edge breaks a requirement", "bold green")
    if silent:
        paragraph(console, f"Open, for the texts are silent or leave latitude: {len(silent)}", "yellow")
        for edge in (group[0] for group in silent):
            indented(console, one_line(spoken(edge.word, edge.answers)), 2, "dim")


def _print_red(group: Sequence[EdgeRecord], console: Console) -> None:
    edge = group[0]
    indented(console, one_line(spoken(edge.word, edge.answers)), 2, "bold")
    more = f"; {plural(len(group) - 1, 'longer word')} of the same kind" if len(group) > 1 else ""
    indented(console, f"{edge.requirement} ({edge.level}: {edge.verdict}{more})", 4, _STYLE["red"])
    indented(console, edge.command, 4, "dim", whole=True)


def _table(record: MachineRecord, machine: Machine, console: Console) -> Table:
    table = Table(
        box=box.ASCII2 if console.encoding != "utf-8" else box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True
    )
    red, silent = marks(record)
    colours = dict.fromkeys(silent, "open") | dict.fromkeys(red, "red")
    table.add_column("state")
    for letter in record.inputs:
        table.add_column(letter.replace("_", " "), overflow="fold")
    for number, state in enumerate(machine.states):
        cells = [Text(f"s{number}", style="bold")]
        for letter in record.inputs:
            step = state[letter]
            text = one_line(step.answer) + (f" s{step.target}" if step.target != number else "")
            cells.append(Text(encodable(console, text), style=_STYLE.get(colours.get((number, letter), ""), "")))
        table.add_row(*cells)
    return table


def render_word(steps: Sequence[WordStep], console: Console, target: str) -> None:
    """Print one word with what the texts say of each answer."""
    heading(f"One word, asked of {target} on a fresh grant", console)
    for step in steps:
        said = f"{step.letter} / {one_line(step.answer)}"
        if step.colour is Colour.RED and step.requirement is not None:
            allowed = f"; allowed: {', '.join(step.allowed)}" if step.allowed else ""
            indented(console, f"{said}   breaks {step.requirement.id}{allowed}", 2, _STYLE["red"])
        elif step.colour is Colour.OPEN:
            indented(console, f"{said}   (open)", 2, _STYLE["open"])
        else:
            indented(console, said, 2, "" if step.colour else "dim")


def render_differences(parts: Mapping[str, Sequence[Parting]], console: Console, *, one: str, other: str) -> None:
    """Print where the machines of two targets part, by sets of inputs."""
    for name, differences in parts.items():
        heading(f"{one} | {other}, inputs: {name}", console)
        if not differences:
            paragraph(console, "The same machine", "bold green")
        for place, difference in enumerate(differences):
            before = spoken(difference.word[:-1], difference.answers)
            last = f"{difference.word[-1]}: {difference.one} | {difference.other}"
            indented(console, one_line(f"{before} {last}".strip()), 2, "bold" if place == 0 else "")
