"""`device-grant record`: a live run whose traffic is kept, so that it can be judged again without the server."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from device_grant.cli.options.targets import target_here, target_options
from device_grant.errors import ExitCode, SuiteError, UsageError
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from rich.console import Console

    from device_grant.catalogue import Catalogue
    from device_grant.engine.options import Options
    from device_grant.engine.session import CheckSession
    from device_grant.recordings.formats.cassette import Manifest
    from device_grant.recordings.record.finishing import Verdicts
    from device_grant.recordings.record.recorder import RecordingTarget
    from device_grant.recordings.replay.player import Player
    from device_grant.results.collector import Collector
    from device_grant.targets import Target

UNSTEADY = "the check does not send the same requests again, so that no recording of it can be played"


@click.command()
@target_options
@click.option("--out", type=click.Path(file_okay=False, path_type=Path), help="Folder; default: cassettes/NAME.")
@click.option("--only", metavar="ID-OR-GLOB", multiple=True, help="Record only the checks of these requirements.")
def record(target: str | None, out: Path | None, **options: Any) -> int:
    """Run the checks against TARGET and keep the traffic as a cassette.

    Secrets are replaced by pseudonyms before anything is written. What the cassette cannot show is inconclusive in it:
    races, what a browser does, how random codes are. The exit code says whether it was written, not what was found.
    """
    from device_grant.cli.run import specs_of
    from device_grant.report.terminal.console import Screen

    console = Screen()
    options["supplied"] = Supplied.taken_from(options)
    specs = specs_of(target_here(target), options["dialect"])
    for spec, folder in specs:
        chosen = out / folder if out is not None and folder else out
        _record_one(console, spec, chosen or Path("cassettes") / _default_name(spec), options)
    return int(ExitCode.CONFORMANT)


def _default_name(text: str) -> str:
    from device_grant.targets.spec import SpecForm, parse_target

    spec = parse_target(text)
    if spec.form is SpecForm.EMBEDDED:
        return f"reference-{spec.dialect}"
    if spec.form is not SpecForm.DESCRIBED:
        raise UsageError(f"{text} has no name for a folder: say where to write with --out DIR")
    return spec.path.resolve().parent.name


def _record_one(console: Console, spec: str, out: Path, options: dict[str, Any]) -> None:
    from device_grant.catalogue import load
    from device_grant.cli.run import execute
    from device_grant.recordings.formats.cassette import BASELINE, VERDICTS, read, write
    from device_grant.recordings.pseudonyms import Pseudonyms
    from device_grant.recordings.record import finishing as finish
    from device_grant.recordings.record.recorder import Recorder
    from device_grant.recordings.replay.player import Player

    catalogue = load()
    targets: list[RecordingTarget] = []
    live = _recording(_options(spec, options), targets, catalogue, Recorder)
    execute(live, console)
    collector = _finished(live)
    target = targets[0]
    tapes = target.recorder.tapes
    entries = [*collector.secrets.entries(), *target.recorder.page_secrets]
    entries += [("client_secret", client.secret) for client in target.config.clients if client.secret]
    pseudonyms = Pseudonyms(entries)
    manifest = finish.manifest_of(target, catalogue.revision, pseudonyms)

    draft = Player(tapes, pseudonyms)
    judged, broken, again = _replayed(live, manifest, draft, target.baseline)
    for name in broken | draft.leftovers.keys():
        finish.give_up(tapes[name], UNSTEADY)
    finish.mark_changes({name: tapes[name] for name in manifest.checks}, verdicts(collector), judged)
    draft.drop_unused()

    new = out.with_name(out.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    try:
        write(new, manifest, tapes.values())
        if target.baseline is not None:
            shutil.copyfile(target.baseline, new / BASELINE)
        finish.search(new, finish.genuine(entries, again))
        player = Player(read(new).tapes)
        judged, broken, _ = _replayed(live, manifest, player, target.baseline)
        if broken or player.problems:
            reason = (player.problems or [", ".join(sorted(broken))])[0]
            raise SuiteError(f"{spec}: the cassette cannot be replayed, and was not kept: {reason}")
        if live.baseline.withholds_security:
            hidden = {entry.id for entry in catalogue.requirements if entry.security}
            judged = {check: {k: v for k, v in own.items() if k not in hidden} for check, own in judged.items()}
        (new / VERDICTS).write_text(json.dumps(judged, indent=1, sort_keys=True) + "\n", encoding="utf-8")
        _put(new, out)
    finally:
        shutil.rmtree(new, ignore_errors=True)
    _tell(console, out, {name: tapes[name].uncarried for name in manifest.checks}, collector)


def _tell(console: Console, out: Path, uncarried: Mapping[str, Mapping[str, str]], collector: Collector) -> None:
    """Say what was written, what a replay of it cannot show, and which failures nobody expects."""
    from device_grant.report.text import one_line, plural

    size = sum(file.stat().st_size for file in out.iterdir()) / 1024
    console.print(f"Cassette: {out} ({len(uncarried)} checks, {size:.0f} kB)", soft_wrap=True)
    for name, reasons in uncarried.items():
        for requirement, reason in reasons.items():
            line = one_line(f"not carried: {name}, {requirement}: {reason}")
            console.print("  " + line, style="dim", soft_wrap=True, markup=False)
    unexpected = collector.footer.unexpected if collector.footer is not None else []
    if unexpected:
        said = f"{plural(len(unexpected), 'failure')} that no baseline expects: {', '.join(unexpected)}"
        console.print(one_line(f"{said}; to see more: device-grant replay {out}"), soft_wrap=True, markup=False)


def _put(new: Path, out: Path) -> None:
    from device_grant.recordings.formats.cassette import MANIFEST

    if out.exists():
        if any(out.iterdir()) and not (out / MANIFEST).is_file():
            raise UsageError(f"{out}: holds files, and no {MANIFEST}: choose an empty folder for --out")
        shutil.rmtree(out)
    new.rename(out)


def _options(spec: str, options: dict[str, Any], profile: str = "record") -> Options:
    from device_grant.engine.options import Options

    return Options.chosen(
        target=spec,
        dialect=options["dialect"],
        only=options["only"],
        profile=profile,
        seed=None,
        user=options["user"],
        supplied=options["supplied"],
        faults=options["fault"],
        command=shlex.join(["device-grant", *sys.argv[1:]]),
    )


def _recording(options: Options, targets: list[RecordingTarget], catalogue: Catalogue, recorder: Any) -> CheckSession:
    """A session whose target is recorded, and added to `targets` when it is made."""
    from device_grant.engine.options import open_own_target
    from device_grant.engine.server_subject import ServerSubject
    from device_grant.engine.session import CheckSession
    from device_grant.judging import all_checks
    from device_grant.recordings.record.recorder import RecordingTarget

    def wanted(name: str) -> bool:
        # Whoever reads the traffic of such a check sees what is withheld, and so does who finds it missing where
        # others are there: all of them are left out.
        if not session.baseline.withholds_security:
            return True
        named = next(check.requirements for check in all_checks() if check.name == name)
        return not any(catalogue.get(requirement).security for requirement in named)

    def open_it(chosen: Options) -> Target:
        targets.append(RecordingTarget(open_own_target(chosen), recorder(wanted)))
        return targets[0]

    session = CheckSession(options, ServerSubject(options, open_it))
    return session


def _finished(session: CheckSession) -> Collector:
    if session.error is not None:
        raise session.error
    collector = session.collector
    if collector is None or collector.header is None or not collector.cases:
        raise UsageError(f"{session.options.target}: no check ran, so that there is nothing to keep")
    if session.interrupted or collector.footer is None:
        raise click.Abort
    _refuse_errors(collector)
    return collector


def _refuse_errors(collector: Collector, known: Collection[str] = ()) -> None:
    for case in collector.cases:
        if case.outcome == "suite-error" and case.check not in known:
            last = (case.message.strip().splitlines() or ["no reason given"])[-1]
            raise SuiteError(f"{case.check} broke while it was recorded: {last}")
        if case.user_module:
            raise UsageError(f"the user module broke while {case.check} was recorded: {case.user_module}")


def _replayed(
    live: CheckSession, manifest: Manifest, player: Player, baseline: Path | None
) -> tuple[Verdicts, set[str], tuple[tuple[str, str], ...]]:
    """Verdicts of a replay, the checks that broke in it, and the secrets that it met."""
    from rich.console import Console

    from device_grant.cli.run import execute
    from device_grant.engine.server_subject import ServerSubject
    from device_grant.engine.session import CheckSession
    from device_grant.recordings.replay.target import ReplayTarget

    def open_it(_: Options) -> Target:
        return ReplayTarget(player, manifest, live.options.target, baseline)

    session = CheckSession(live.options, ServerSubject(live.options, open_it))
    execute(session, Console(quiet=True))
    if session.error is not None:
        raise session.error
    if session.collector is None or session.interrupted:
        raise click.Abort
    _refuse_errors(session.collector, session.misfits)
    left_out = set(manifest.checks) - {case.check for case in session.collector.cases}
    if left_out:
        # Their tapes still hold what came from the server.
        raise SuiteError(f"{live.options.target}: {min(left_out)} was recorded but not replayed; nothing was kept")
    return verdicts(session.collector), set(session.misfits), session.collector.secrets.entries()


def verdicts(collector: Collector) -> Verdicts:
    """What a run found, by check and requirement."""
    collected: Verdicts = {}
    for result in collector.results:
        collected.setdefault(result.check, {})[result.requirement] = result.verdict
    return collected
