"""What tests of cassettes share: one check at a time, live, recorded and replayed."""

from __future__ import annotations

import shutil

import yaml

from device_grant.catalogue import Verdict
from device_grant.engine import CheckOutcome
from device_grant.protocol import dialect
from device_grant.recordings.formats.cassette import MANIFEST, file_name, write
from device_grant.recordings.pseudonyms import Pseudonyms
from device_grant.recordings.record import finishing as finish
from device_grant.recordings.record.recorder import Recorder, RecordingTarget
from device_grant.recordings.replay.player import Player
from device_grant.recordings.replay.target import ReplayTarget, open_cassette
from device_grant.recordings.tape import SHARED
from device_grant.server.session.profile import PROFILES
from device_grant.server.session.run import Run
from device_grant.targets.clocks import RealClock
from device_grant.targets.ports import NotHeld
from support import ROOT
from support.proof import catalogue, judges

RFC, AWS = ROOT / "cassettes" / "reference-rfc8628", ROOT / "cassettes" / "reference-aws-sso-oidc"
PENDING = "polling::test_pending"
DENIAL = "user_decision::test_denial_is_final"
SECRET = "sGq71nWx-Planted_0pAe4"


def new_run(target):
    return Run(target, dialect(target.config.dialect), catalogue(), PROFILES["record"])


def run_check(run, name):
    """The verdicts of one check and of the invariants in it, by requirement, worst first."""
    case, misfit = run.trial(judges()[0][name]), ""
    try:
        run.carry_out(case)
    except NotHeld as missing:
        misfit = str(missing)
    # What it said until then counts, which `device_grant.engine.run_check` does not tell.
    said = CheckOutcome(case)
    collected: dict[str, Verdict] = {}
    for own in (said.verdicts, *said.invariants.values()):
        for requirement, verdict in own.items():
            collected[requirement] = max(verdict, collected.get(requirement, Verdict.PASS))
    return collected, misfit


def judge(folder, name):
    """What a replay of one check says, and what was left over."""
    target = open_cassette(folder, "cassette")
    with target:
        run = new_run(target)
        result, misfit = run_check(run, name)
        run.close()
    return result, [misfit, *target.player.problems] if misfit else target.player.problems


def read_yaml(file):
    # In C: ten times as fast as safe_load, and cassettes are large.
    return yaml.load(file.read_bytes(), Loader=yaml.CSafeLoader)


def write_yaml(file, data):
    file.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False), encoding="utf-8")


def excerpt(source, folder, name):
    """A cassette that holds one check of another, for editing."""
    folder.mkdir(exist_ok=True)
    manifest = read_yaml(source / MANIFEST)
    write_yaml(folder / MANIFEST, manifest | {"checks": [name]})
    shutil.copyfile(source / file_name(SHARED), folder / file_name(SHARED))
    shutil.copyfile(source / file_name(name), folder / file_name(name))

    def alone(data):
        own = data["device_grant"]
        own["checks"] = [one for one in own["checks"] if one["check"] == name]
        data["interactions"] = [one for one in data["interactions"] if one["device_grant"]["check"] == name]

    edited(folder / file_name(name), alone)
    return folder / file_name(name)


def edited(file, change):
    data = read_yaml(file)
    change(data)
    write_yaml(file, data)


class Launched:
    """A target whose clock can be moved from its start on, as that of a process which is launched."""

    def __init__(self, inner):
        self.inner, self.clock = inner, RealClock()

    def __getattr__(self, name):
        return getattr(self.inner, name)

    def __enter__(self):
        self.inner.__enter__()
        self.clock = self.inner.clock
        return self

    def __exit__(self, *error):
        self.inner.__exit__(*error)


def record(target, names, tmp_path):
    """A cassette of some checks, as the command makes it, with what came up on the way."""
    recorder = Recorder()
    recording = RecordingTarget(target, recorder)
    with recording:
        run = new_run(recording)
        live = {name: run_check(run, name)[0] for name in names}
        run.close()
    entries = [*run.secrets.entries(), *recorder.page_secrets]
    pseudonyms = Pseudonyms(entries)
    manifest = finish.manifest_of(recording, catalogue().revision, pseudonyms)
    player = Player(recorder.tapes, pseudonyms)
    with ReplayTarget(player, manifest, "draft") as draft:
        run = new_run(draft)
        assert [misfit for name in names if (misfit := run_check(run, name)[1])] == []
        again = run.secrets.entries()
    player.drop_unused()
    folder = tmp_path / "cassette"
    write(folder, manifest, recorder.tapes.values())
    return folder, live, finish.genuine(entries, again)
