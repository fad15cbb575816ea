"""What was learned, as JSON that reads itself back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec

from device_grant import __version__
from device_grant.errors import UsageError
from device_grant.files import RESULTS, formed, json_of, read_octets
from device_grant.learning.abilities import declared_by
from device_grant.learning.inputs import DECISIONS, PUBLIC, PUBLIC_INPUTS
from device_grant.learning.machine import Machine, Transition
from device_grant.learning.protocol import IMPOSSIBLE, OK, OTHER, WITHHELD, protocol_machine

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.learning.learn import Learned
    from device_grant.server.session.run import Run

PATTERN = "machine-*.json"
"""Names of the files, one a set of inputs."""
PUBLISHED = "machine.json"
"""Name of the file beside a published report."""
_CURE = "name a machine-SET.json that device-grant learn --out has written"
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class EdgeRecord(msgspec.Struct, kw_only=True):
    """An edge that breaks a requirement, or on which the texts are silent."""

    word: list[str]
    answers: list[str]
    colour: Literal["red", "open"]
    state: Count
    requirement: str = ""
    level: str = ""
    verdict: str = ""
    """What the requirement's level makes of it: `fail`, `warn` or `observed`."""
    security: bool = False
    command: str = ""
    """Replays the word."""


class DisagreementRecord(msgspec.Struct, kw_only=True):
    """A word whose last input was answered in several ways."""

    word: list[str]
    answers: dict[str, Count]
    """How often each answer was seen."""


class MachineRecord(msgspec.Struct, kw_only=True):
    """The machine of one target over one set of inputs."""

    format: Literal["device-grant-machine-1"] = "device-grant-machine-1"
    suite: str = __version__
    target: str
    version: str = ""
    dialect: str
    clock: str
    set: str
    inputs: list[str]
    left_out: dict[str, str] = {}
    """Inputs that could not be asked, with the reason."""
    declared: list[str] | msgspec.UnsetType = msgspec.UNSET
    """Those of them of which target.toml says so, whatever would be answered; absent: none."""
    k: Count
    complete: bool
    """Whether no other machine over these inputs with at most `bound` states answers so."""
    stopped: str = ""
    """Why it is unfinished: then nothing is claimed of the machine."""
    bound: Count = 0
    longest: Count = 0
    """Inputs of the longest word that was asked."""
    words: Count = 0
    steps: Count = 0
    requests: Count = 0
    seconds: Annotated[float, msgspec.Meta(ge=0, le=1e12)] = 0.0
    too_long: Count = 0
    """Words that were left out, since their waits outlive a part of the codes' life."""
    states: list[dict[str, tuple[str, Count]]] = []
    """Of each state the answer to each input, and the number of the next state; the first state is the initial one."""
    edges: list[EdgeRecord] = []
    disagreements: list[DisagreementRecord] = []
    remarks: list[str] = []
    withheld: bool = False
    """Whether what is about security requirements was left out."""

    @property
    def machine(self) -> Machine | None:
        """The machine; None where not even a hypothesis was had. Raises ValueError where a transition is missing."""
        if not self.states:
            return None
        return Machine(
            tuple(self.inputs),
            tuple({letter: Transition(*step) for letter, step in state.items()} for state in self.states),
        )

    @property
    def red(self) -> list[EdgeRecord]:
        """The edges that break a requirement."""
        return [edge for edge in self.edges if edge.colour == "red"]


def record_of(learned: Learned, run: Run, command: list[str]) -> MachineRecord:
    """What was learned in a run; `command` is what replays a word but for the word itself, which comes last."""
    import shlex

    redact = run.secrets.redact
    states: list[dict[str, tuple[str, int]]] = []
    if learned.machine is not None:
        states = [
            {letter: (step.answer, step.target) for letter, step in state.items()} for state in learned.machine.states
        ]
    return MachineRecord(
        target=run.name,
        version=run.target.config.version,
        dialect=run.dialect.name,
        clock=run.target.clock.kind,
        set=learned.name,
        inputs=list(learned.inputs),
        left_out={letter: redact(reason) for letter, reason in learned.left_out.items()},
        declared=[str(one) for one in declared_by(run) if one in learned.left_out] or msgspec.UNSET,
        k=learned.extra,
        complete=learned.complete,
        stopped=redact(learned.stopped),
        bound=learned.bound,
        longest=learned.longest,
        words=learned.words,
        steps=learned.steps,
        requests=learned.requests,
        seconds=round(learned.seconds, 2),
        too_long=learned.too_long,
        states=states,
        edges=[
            EdgeRecord(
                word=list(edge.word),
                answers=list(edge.answers),
                colour="red" if edge.requirement is not None else "open",
                state=edge.state,
                requirement=edge.requirement.id if edge.requirement is not None else "",
                level=str(edge.requirement.level) if edge.requirement is not None else "",
                verdict=edge.verdict.label if edge.requirement is not None else "",
                security=edge.security,
                command=shlex.join([*command, "--ask", " ".join(edge.word)]) if edge.requirement is not None else "",
            )
            for edge in learned.edges
        ],
        disagreements=[
            DisagreementRecord(word=list(word), answers=seen) for word, seen in learned.disagreements.items()
        ],
        remarks=[redact(remark) for remark in learned.remarks],
    )


def publishable(record: MachineRecord) -> bool:
    """Whether a machine that was learned by the rule of what is withheld may be shown to everybody.

    Not where it is unfinished, where nobody could decide on a fresh grant and target.toml does not say so beforehand,
    or where an answer is neither a decision's nor one that may be named. Which of these it is stays untold, since the
    last two may come of what is withheld.
    """
    machine = record.machine
    if record.set != PUBLIC or not record.complete or machine is None:
        return False
    # What is left out by the description was decided before anything was answered.
    declared = set(record.declared or ())
    if declared != set(record.left_out) or declared | set(record.inputs) != set(PUBLIC_INPUTS):
        return False
    if any(edge.security for edge in record.edges):
        return False
    answers = {(letter in DECISIONS, step.answer) for state in machine.states for letter, step in state.items()}
    undecided = {(True, OK), (True, WITHHELD), (True, IMPOSSIBLE)}
    return all(one in undecided if one[0] else one[1] != OTHER for one in answers)


def published(record: MachineRecord) -> MachineRecord:
    """A machine as it is published: the same from every learning that ended alike."""
    remarks = [one for one in record.remarks if one.partition(" ")[0] in protocol_machine().shown]
    return msgspec.structs.replace(
        record, words=0, steps=0, requests=0, seconds=0.0, too_long=0, disagreements=[], remarks=remarks
    )


def withheld(record: MachineRecord) -> MachineRecord:
    """What may be written of software of somebody else: what is published, or no states and no edges.

    A machine without those that break a requirement on security would show by its holes what was left out, and so
    would numbers: a server of more states is asked more.
    """
    if publishable(record):
        return published(record)
    return msgspec.structs.replace(
        published(record),
        inputs=list(PUBLIC_INPUTS) if record.set == PUBLIC else record.inputs,
        left_out={},
        declared=msgspec.UNSET,
        states=[],
        edges=[],
        bound=0,
        longest=0,
        remarks=[],
        complete=False,
        stopped="",
        withheld=True,
    )


def encoded(record: MachineRecord) -> str:
    """The JSON of a file, one state a line."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2).decode() + "\n"


def read(path: Path) -> MachineRecord:
    """A file; raises UsageError that says what is wrong with it."""
    data = json_of(read_octets(path, RESULTS), path, RESULTS)
    result = formed(data, MachineRecord, path, cure=_CURE)
    try:
        _ = result.machine
    except ValueError as error:
        raise UsageError(f"{path}: {error}: {_CURE}") from None
    return result


def read_all(place: Path) -> dict[str, MachineRecord]:
    """The machines of a file, or of a folder that `--out` has written, by the names of their sets.

    Raises UsageError where there is none.
    """
    files = sorted(place.glob(PATTERN)) if place.is_dir() else [place]
    if not files:
        raise UsageError(f"{place}: there is no {PATTERN} in it; device-grant learn TARGET --out {place} writes them")
    return {record.set: record for record in map(read, files)}
