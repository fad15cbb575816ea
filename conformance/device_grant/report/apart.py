"""Published machines beside one another: what sets each apart, in sentences, and which servers have the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.learning.machine import differences
from device_grant.report.learned import alike

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

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

    record: MachineRecord
    sentences: tuple[str, ...]
    """What sets it apart from the reference server's machine and from the protocol's; none: nothing does."""
    same: tuple[str, ...]
    """Names of the other targets that have it too."""
    reference: str = ""
    """The target that it was compared with; empty: there was none, or it is that one."""


def placed(machines: Mapping[str, MachineRecord], own: Sequence[str]) -> dict[str, PlacedMachine]:
    """Each machine with what sets it apart; `own` are the names of the reference server's, one a dialect."""
    reference = {machines[name].dialect: name for name in own if name in machines}
    result = {}
    for name, record in machines.items():
        honest = reference.get(record.dialect, "")
        same = tuple(
            other
            for other, one in machines.items()
            if other != name and one.machine == record.machine and one.dialect == record.dialect
        )
        compared = "" if honest == name else honest
        sentences = tuple(_sentences(record, machines[compared] if compared else None))
        result[name] = PlacedMachine(record, sentences, same, compared)
    return result


def _sentences(record: MachineRecord, honest: MachineRecord | None) -> list[str]:
    """The shortest sequences first; one for each kind of input, answer and requirement."""
    machine, other = record.machine, honest.machine if honest is not None else None
    marked = {tuple(edge.word): edge for edge in record.edges}
    sentences: dict[tuple[str, str], tuple[int, str]] = {}
    for parting in differences(machine, other) if machine is not None and other is not None else ():
        edge = marked.get(parting.word)
        said = spoken_plainly(parting.word, (*parting.answers, parting.one))
        said += f"; the reference server answers {parting.other}"
        sentences[_kind(parting.word[-1]), parting.one] = len(parting.word), f"{said}. {_verdict(edge)}".strip()
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
