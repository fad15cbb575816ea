"""Published machines beside one another: what sets each apart, in sentences, and which servers have the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.learning.machine import differences
from device_grant.learning.masking import masked
from device_grant.report.machines.learned import alike
from device_grant.report.machines.page import MachinePart

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_grant.learning.machine import Machine
    from device_grant.learning.record import EdgeRecord, MachineRecord

PHRASES = {
    "poll_polite": "a poll at the interval",
    "poll_now": "a poll at once",
    "poll_foreign": "a poll by another client",
    "poll_wrong_secret": "a poll with a wrong secret",
    "poll_malformed": "a poll without grant_type",
    "approve": "an approval",
    "deny": "a denial",
    "approve_late": "a late approval",
    "half_life": "half of the codes' life",
    "expire": "the end of the codes' life",
    "start_second": "the start of a second grant",
    "poll_second": "a poll of the second grant",
    "refresh": "a refresh",
    "replay": "the use of a replaced refresh token",
}
"""Inputs in words."""


@dataclass(frozen=True)
class PlacedMachine:
    """A published machine among others."""

    part: MachinePart
    sentences: tuple[str, ...]
    """What sets it apart from the reference server's machine and from the protocol's; none: nothing does."""
    same: tuple[str, ...] = ()
    """Names of the other targets that have it too."""
    own: bool = False
    """Whether it is the reference server's."""

    @property
    def shown(self) -> bool:
        """Whether there is something to see."""
        return bool(self.part.record.states)

    @property
    def remark(self) -> str:
        """What sets it apart, where nothing does or nothing is said."""
        if self.own:
            return "The machine that the others are compared with."
        if not self.shown:
            return "No machine of it is published."
        return "" if self.sentences else "Nothing sets it apart from the reference server."


@dataclass(frozen=True)
class MachineGroup:
    """Servers of one dialect with the same published machine."""

    names: tuple[str, ...]
    placed: PlacedMachine


def placed(machines: Mapping[str, MachineRecord], own: Sequence[str]) -> dict[str, PlacedMachine]:
    """Each machine with what sets it apart; `own` are the names of the reference server's, one a dialect."""
    public = {name: masked(record) for name, record in machines.items()}
    reference = {machines[name].dialect: public[name] for name in own if name in machines}
    result = {}
    for name, record in machines.items():
        same = tuple(
            other
            for other, one in machines.items()
            if other != name and one.dialect == record.dialect and _equal(public[name], public[other])
        )
        ours = name in own
        sentences = () if ours else tuple(_sentences(record, public[name], reference.get(record.dialect)))
        result[name] = PlacedMachine(MachinePart(record, f"machine-{name}"), sentences, same, own=ours)
    return result


def groups(machines: Mapping[str, PlacedMachine]) -> list[MachineGroup]:
    """Those that can be seen, the same ones together: the reference server's first, then the most frequent."""
    collected: list[MachineGroup] = []
    seen: set[str] = set()
    for name, one in sorted(machines.items(), key=lambda item: item[1].own):
        if name in seen or not one.shown:
            continue
        names = (name, *(other for other in one.same if machines[other].shown))
        seen.update(names)
        collected.append(MachineGroup(tuple(sorted(names)), one))
    return sorted(
        collected,
        key=lambda group: (not any(machines[name].own for name in group.names), -len(group.names), group.names),
    )


def _equal(one: Machine | None, other: Machine | None) -> bool:
    return one is not None and other is not None and one.inputs == other.inputs and not differences(one, other)


def _sentences(record: MachineRecord, machine: Machine | None, honest: Machine | None) -> list[str]:
    """The shortest sequences first; one for each kind of input and answer."""
    marked = {tuple(edge.word): edge for edge in record.edges}
    sentences: dict[tuple[str, str], tuple[int, str]] = {}
    for parting in differences(machine, honest) if machine is not None and honest is not None else ():
        edge = marked.get(parting.word)
        said = spoken_plainly(parting.word, (*parting.answers, parting.one))
        said += f"; the reference server answers {parting.other}"
        sentences.setdefault(
            (_kind(parting.word[-1]), parting.one), (len(parting.word), f"{said}. {_verdict(edge)}".strip())
        )
    for group in alike(record.edges):
        edge = group[0]
        key = _kind(edge.word[-1]), edge.answers[-1]
        if key not in sentences:
            sentences[key] = len(edge.word), f"{spoken_plainly(edge.word, edge.answers)}. {_verdict(edge)}"
    return [sentence for _, sentence in sorted(sentences.values())]


def _kind(letter: str) -> str:
    return letter.removesuffix("_now").removesuffix("_polite")


def _verdict(edge: EdgeRecord | None) -> str:
    if edge is None:
        return "The texts allow both."
    if edge.colour == "open":
        return "The texts leave that open."
    return f"The texts do not allow that: {edge.requirement}."


def spoken_plainly(word: Sequence[str], answers: Sequence[str]) -> str:
    """A word as a sentence without its full stop: `After an approval, a poll at once is answered slow_down`."""
    phrases = [PHRASES.get(letter, letter.replace("_", " ")) for letter in word]
    before = [
        phrase if answer == "ok" else f"{phrase} ({answer})"
        for phrase, answer in zip(phrases[:-1], answers[:-1], strict=True)
    ]
    sentence = f"{phrases[-1]} is answered {answers[-1]}"
    if before:
        return f"After {', then '.join(before)}, {sentence}"
    return f"{sentence[0].upper()}{sentence[1:]}"
