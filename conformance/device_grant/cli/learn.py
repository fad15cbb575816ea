"""`device-grant learn`: the state machine that a server really has, and what of it the protocol does not allow."""

from __future__ import annotations

import json
import shlex
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.ending import INTERRUPTED
from device_grant.cli.options.targets import target_here, target_options
from device_grant.errors import ExitCode, UsageError
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from device_grant.engine.options import Options
    from device_grant.learning.asking import Asking
    from device_grant.learning.machine import Parting
    from device_grant.learning.oracle import WpOracle
    from device_grant.learning.record import MachineRecord
    from device_grant.server.session.run import Run

_MOST_EXTRA = 3
_PAIR = (
    "basic, strangers, time, two, tokens, full (all five), public (what may be told of any server), or names of inputs "
    "with commas between them."
)


@click.command()
@target_options
@click.option("--inputs", metavar="SET", default="basic", show_default=True, help=f"What is asked: {_PAIR}")
@click.option(
    "-k", "extra", type=click.IntRange(0, _MOST_EXTRA), default=1, show_default=True, help="States more than appeared."
)
@click.option(
    "--budget", type=click.FloatRange(1), default=600.0, show_default=True, metavar="SECONDS", help="Real seconds."
)
@click.option(
    "--requests", type=click.IntRange(1), default=50_000, show_default=True, metavar="N", help="Requests at most."
)
@click.option(
    "--ask", metavar="WORD", help="Ask this one word, inputs with spaces between them, and judge its answers."
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for machine-SET.json, .dot and a page; one with a report shows them there.",
)
@click.option("--diff", nargs=2, metavar="A B", help="Where two machines part: files or folders of --out, or targets.")
@click.option("--json", "as_data", is_flag=True, help="Print what was learned as JSON.")
def learn(  # noqa: PLR0913 - click passes each option by its name
    target: str | None,
    *,
    inputs: str,
    extra: int,
    budget: float,
    requests: int,
    ask: str | None,
    out: Path | None,
    diff: tuple[str, str] | None,
    as_data: bool,
    **options: Any,
) -> int:
    """Learn the state machine of TARGET: ask it whole sequences of inputs, each on a fresh grant.

    The machine that explains all answers is compared with the protocol's own: an edge that the texts do not allow is
    red, with the shortest sequence that shows it and the command that asks it again. TARGET is as for device-grant
    run; it gets hundreds of grants and decisions, so it has to be one's own.

    Exit codes: 0 nothing red; 1 a red edge, or answers that differ from time to time, or with --diff a difference;
    2 usage; 4 target unreachable; 5 nothing was learned to its end.
    """
    from device_grant.learning.inputs import sets_of, stimuli_of
    from device_grant.learning.record import withheld

    settings = _Settings(inputs, extra, budget, requests, options)
    if diff is not None:
        if target is not None or ask or out:
            raise UsageError("--diff A B names both machines itself: leave TARGET, --ask and --out away")
        return settings.compare(diff, as_data=as_data)
    sets_of(inputs)
    spec = target_here(target)
    if ask is not None:
        return settings.ask(spec, stimuli_of(ask))
    records, code, discreet = settings.learned(spec, quiet=as_data)
    if out is not None:
        _write([withheld(record) for record in records] if discreet else records, out)
    if as_data:
        shown = [withheld(record) if discreet else record for record in records]
        click.echo(json.dumps([_plain(record) for record in shown], indent=2, ensure_ascii=False))
    else:
        _print(records, out)
    return code


class _Settings:
    """What the command line says of learning, whatever is learned."""

    def __init__(self, inputs: str, extra: int, budget: float, requests: int, options: dict[str, Any]) -> None:
        self.inputs, self.extra, self.seconds, self.requests, self.given = inputs, extra, budget, requests, options

    def options(self, target: str) -> Options:
        from device_grant.engine.options import Options as Chosen

        return Chosen(
            target=target,
            dialect=self.given["dialect"],
            user=self.given["user"],
            supplied=Supplied.taken_from(self.given),
            faults=self.given["fault"],
        )

    @contextmanager
    def opened(self, target: str) -> Iterator[tuple[Run, list[str]]]:
        """The run of a target, and the command that asks it a word but for the word."""
        from device_grant.catalogue import load
        from device_grant.engine.options import open_own_target
        from device_grant.server.session.run import new_run
        from device_grant.targets.spec import SpecForm, parse_target
        from device_grant.targets.users import passwords_of

        if parse_target(target).form is SpecForm.CASSETTE:
            raise UsageError(f"{target}: a recording answers what it was asked; name a live target")
        options = self.options(target)
        with open_own_target(options) as opened, opened.clock:
            run = new_run(opened, opened.config.dialect, load())
            for password in (*passwords_of(opened.user), *passwords_of(opened.second)):
                run.secrets.register_given("password", password)
            command = ["device-grant", "learn", target, *options.rest]
            command += ["--dialect", self.given["dialect"]] if self.given["dialect"] else []
            try:
                yield run, command
            finally:
                run.close()

    def learned(self, target: str, *, quiet: bool) -> tuple[list[MachineRecord], int, bool]:
        """The machines of a target, the exit code, and whether what is about security must not be written."""
        from device_grant.learning.asking import Budget
        from device_grant.learning.inputs import BASIC, SETS, sets_of
        from device_grant.learning.learn import INTERRUPTED as BY_HAND
        from device_grant.learning.learn import learn_set, require_aalpy
        from device_grant.learning.record import record_of
        from device_grant.results.baseline import load

        require_aalpy()
        records, code = [], int(ExitCode.CONFORMANT)
        with self.opened(target) as (run, command):
            known = run.target.baseline
            ids = [requirement.id for requirement in run.catalogue.requirements]
            discreet = known is not None and load(known, ids).withholds_security
            budget = Budget(self.seconds, self.requests)
            for name, stimuli in sets_of(self.inputs).items():
                with _progress(name, run, quiet=quiet) as progress:
                    result = learn_set(run, name, stimuli, extra=self.extra, budget=budget, progress=progress)
                chosen = name if name in SETS else self.inputs
                records.append(record_of(result, run, [*command, *(("--inputs", chosen) if chosen != BASIC else ())]))
                if result.stopped == BY_HAND:
                    return records, INTERRUPTED, discreet
                if result.error is not None:
                    return records, int(result.error.exit_code), discreet
                if result.red or result.disagreements:
                    code = int(ExitCode.FAILED)
                elif not result.complete and code == ExitCode.CONFORMANT:
                    code = int(ExitCode.NOTHING_RAN)
        return records, code, discreet

    def ask(self, target: str, word: Sequence[Any]) -> int:
        """Ask one word and print what the texts say of its answers; returns the exit code."""
        from device_grant.learning.abilities import actors_for
        from device_grant.learning.endings import TooLongError
        from device_grant.learning.inputs import sets_of
        from device_grant.learning.protocol import Colour, judged, protocol_machine
        from device_grant.learning.word import carry_out
        from device_grant.report.machines.learned import render_word
        from device_grant.report.terminal.console import Screen

        with self.opened(target) as (run, _):
            known = [stimulus for stimuli in sets_of(self.inputs).values() for stimulus in stimuli]
            actors, left_out = actors_for(run, dict.fromkeys([*known, *word]))
            for stimulus in word:
                if stimulus in left_out:
                    raise UsageError(f"{stimulus} cannot be asked of {target}: {left_out[stimulus]}")
            try:
                answers = tuple(carry_out(actors, word))
            except TooLongError:
                raise UsageError("the waits of this word outlive a part of the codes' life: make it shorter") from None
            steps = judged(
                tuple(map(str, word)),
                answers,
                lambda control: tuple(carry_out(actors, control)),
                protocol_machine(),
                run.dialect,
                run.catalogue,
                **actors.facts,
            )
            render_word(steps, Screen(), run.name)
        return int(ExitCode.FAILED if any(step.colour is Colour.RED for step in steps) else ExitCode.CONFORMANT)

    def compare(self, pair: tuple[str, str], *, as_data: bool) -> int:
        """Print where two machines part; returns the exit code."""
        from device_grant.report.machines.learned import render_differences
        from device_grant.report.terminal.console import Screen

        one, other = (self._machines(place) for place in pair)
        parts: dict[str, list[Parting]] = {}
        for name in one:
            if name in other:
                parts[name] = _parted(one[name], other[name])
        if not parts:
            raise UsageError(f"{pair[0]} and {pair[1]} have no set of inputs in common: {', '.join((*one, *other))}")
        titles = tuple(next(iter(records.values())).target for records in (one, other))
        if as_data:
            click.echo(json.dumps(_as_data(parts, titles), indent=2, ensure_ascii=False))
        else:
            render_differences(parts, Screen(), one=titles[0], other=titles[1])
        return int(ExitCode.FAILED if any(parts.values()) else ExitCode.CONFORMANT)

    def _machines(self, place: str) -> dict[str, MachineRecord]:
        from device_grant.learning.record import read_all

        path = Path(place)
        if path.suffix == ".json" or (path.is_dir() and not (path / "target.toml").is_file()):
            return read_all(path)
        records, _, _ = self.learned(place, quiet=False)
        return {record.set: record for record in records}


def _parted(one: MachineRecord, other: MachineRecord) -> list[Parting]:
    from device_grant.learning.machine import differences

    for record in (one, other):
        if not record.complete or record.machine is None:
            raise UsageError(f"{record.target}: the machine of {record.set} is unfinished ({record.stopped})")
    assert one.machine is not None  # noqa: S101 - looked at above
    assert other.machine is not None  # noqa: S101 - likewise
    return differences(one.machine, other.machine)


def _as_data(parts: dict[str, list[Parting]], titles: tuple[str, ...]) -> dict[str, Any]:
    return {
        "targets": list(titles),
        "sets": {
            name: [
                {"word": list(one.word), "answers": list(one.answers), "last": [one.one, one.other]} for one in listed
            ]
            for name, listed in parts.items()
        },
    }


def _plain(record: MachineRecord) -> Any:
    import msgspec

    return msgspec.to_builtins(record)


def _write(records: Sequence[MachineRecord], out: Path) -> None:
    from device_grant.learning.machine import dot
    from device_grant.learning.record import encoded
    from device_grant.report import refresh_page
    from device_grant.report.machines.drawing import marks
    from device_grant.report.machines.page import NAME, render_page

    out.mkdir(parents=True, exist_ok=True)
    for record in records:
        (out / f"machine-{record.set}.json").write_text(encoded(record), "utf-8")
        machine = record.machine
        drawing = out / f"machine-{record.set}.dot"
        if machine is None:
            drawing.unlink(missing_ok=True)
        else:
            drawing.write_text(dot(machine, f"{record.target}, {record.set}", *marks(record)), "utf-8")
    if not refresh_page(out):
        (out / NAME).write_text(render_page(records), "utf-8")


def _print(records: Sequence[MachineRecord], out: Path | None) -> None:
    from device_grant.report.machines.learned import render
    from device_grant.report.terminal.console import Screen, paragraph

    screen = Screen()
    for record in records:
        render(record, screen)
    if out is not None:
        screen.print()
        paragraph(screen, f"Written: {shlex.quote(str(out))}")


@contextmanager
def _progress(name: str, run: Run, *, quiet: bool) -> Iterator[Callable[[Asking, WpOracle], object]]:
    """Within: what is called after each word, and shows on a terminal how far it is."""
    if quiet or not sys.stderr.isatty():
        yield lambda _asking, _oracle: None
        return
    from rich.console import Console

    with Console(stderr=True).status(f"{name}: begins") as status:

        def show(asking: Asking, oracle: WpOracle) -> None:
            states = len(oracle.hypothesis) if oracle.hypothesis is not None else 1
            status.update(
                f"{name}: {states} states so far, {asking.words} grants, {run.exchanges} requests, "
                f"{asking.budget.spent:.0f} s"
            )

        yield show
