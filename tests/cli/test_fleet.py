"""Many targets in processes of their own: an outcome for each, nothing left behind."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time

import psutil
import pytest
from click.testing import CliRunner
from support import samples
from support.samples import written

from device_grant.cli.matrix import command as cli
from device_grant.cli.matrix import fleet, members
from device_grant.cli.matrix.fleet import Fleet, Job
from device_grant.errors import ExitCode, UsageError
from device_grant.targets import building, known_servers


@pytest.fixture
def done():
    return []


def jobs_of(folder, done, *arguments, limit=60.0, workers=2, waits=()):
    jobs = [Job(str(number), one, number in waits) for number, one in enumerate(arguments)]
    return Fleet(folder, workers=workers, limit=limit, done=done.append).run(jobs)


def test_each_run_has_its_outcome_and_its_log(tmp_path, done):
    outcomes = jobs_of(tmp_path, done, ("run", "no-such-server"), ("run", "http://127.0.0.1:1"))
    assert [outcome.exit_code for outcome in outcomes] == [2, 4]
    assert [outcome.words for outcome in outcomes] == ["exit 2: usage", "exit 4: unreachable"]
    assert {outcome.job.name for outcome in done} == {"0", "1"}
    assert "unknown target 'no-such-server'" in outcomes[0].end_of_log
    assert not any(outcome.ok for outcome in outcomes)


HANGS = """
import pathlib, time
pathlib.Path('started').touch()
try:
    time.sleep(60)
except KeyboardInterrupt:
    pathlib.Path('interrupted').touch()
"""


def test_a_run_out_of_time_is_interrupted(tmp_path, done, monkeypatch):
    monkeypatch.chdir(tmp_path)
    hanging = Fleet(tmp_path, workers=1, limit=2, done=done.append, command=[sys.executable, "-c", HANGS])
    [outcome] = hanging.run([Job("a", ())])
    assert (outcome.exit_code, outcome.words) == (None, "out of time")
    assert outcome.seconds < 20
    assert (tmp_path / "interrupted").exists()
    assert cli._worst([outcome]) == ExitCode.SUITE_ERROR


def test_termination_ends_the_runs_too(tmp_path):
    """A CI system that gives up sends SIGTERM: the run is interrupted, and the next one is not begun."""
    driver = textwrap.dedent(f"""
        import pathlib, sys
        from device_grant.cli.matrix.fleet import Fleet, Job
        fleet = Fleet(pathlib.Path("."), workers=1, limit=60, done=print, command=[sys.executable, "-c", {HANGS!r}])
        fleet.run([Job("a", ()), Job("b", ())])
    """)
    process = subprocess.Popen([sys.executable, "-c", driver], cwd=tmp_path, stderr=subprocess.PIPE)
    try:
        deadline = time.perf_counter() + 30
        while not (tmp_path / "started").exists() and time.perf_counter() < deadline:
            time.sleep(0.05)
        (tmp_path / "started").unlink()
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) != 0
    finally:
        process.kill()
        process.communicate()
    assert (tmp_path / "interrupted").exists()
    assert not (tmp_path / "started").exists()


DAEMON = """
import os, pathlib, signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        pathlib.Path("daemon.new").write_text(str(os.getpid()))
        os.rename("daemon.new", "daemon")
        time.sleep(120)
    os._exit(0)
time.sleep(120)
"""
"""Leaves a daemon, and does not end when it is asked to."""


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_no_daemon_of_a_run_outlives_us(tmp_path, number):
    driver = textwrap.dedent(f"""
        import pathlib, sys
        from device_grant.cli.ending import interruptible
        from device_grant.cli.matrix.fleet import Fleet, Job
        fleet = Fleet(pathlib.Path("."), workers=1, limit=60, done=print, command=[sys.executable, "-c", {DAEMON!r}])
        with interruptible():
            fleet.run([Job("a", ())])
    """)
    process = subprocess.Popen([sys.executable, "-c", driver], cwd=tmp_path, stderr=subprocess.DEVNULL)
    try:
        deadline = time.perf_counter() + 60
        while not (tmp_path / "daemon").exists() and time.perf_counter() < deadline:
            time.sleep(0.05)
        daemon = psutil.Process(int((tmp_path / "daemon").read_text()))
        (leader,) = (one for one in psutil.Process(process.pid).children() if DAEMON in one.cmdline())
        process.send_signal(number)
        assert process.wait(30) != 0
    finally:
        process.kill()
        process.communicate()
    assert psutil.wait_procs([daemon, leader], 30)[1] == []


def test_those_that_wait_go_first_and_together(tmp_path, done, monkeypatch):
    groups = []

    def noted(_, jobs, workers):
        groups.append(([job.name for job in jobs], workers))
        return []

    monkeypatch.setattr(Fleet, "_side_by_side", noted)
    jobs_of(tmp_path, done, (), (), (), (), waits=(1, 2, 3), workers=2)
    assert groups == [(["1", "2", "3"], 3), (["0"], 2)]


def test_names_stand_for_runs():
    servers = [job.name for job in cli.chosen(["servers"])]
    assert servers == list(known_servers())
    everything = [job.name for job in cli.chosen([])]
    assert everything[: 1 + len(servers)] == ["embedded", *servers]
    assert [job.arguments for job in cli.chosen(["nanoidp", "nanoidp"])] == [("run", "nanoidp")]


def test_an_unknown_name_is_refused():
    with pytest.raises(UsageError, match="--run nope: no such target; choose from embedded, servers, clients"):
        cli.chosen(["nope"])


def test_a_member_whose_toolchain_is_missing_is_skipped_with_what_installs_it(tmp_path, monkeypatch, capsys):
    folder = tmp_path / "compiled"
    folder.mkdir()
    (folder / "client.toml").write_text(
        'name = "compiled"\n[run]\nbuild = [["go", "build", "-o", "{build}/it", "."]]\ncommand = ["{build}/it"]\n',
        "utf-8",
    )
    monkeypatch.setattr(members, "described", lambda kind: {"compiled": folder} if kind == "clients" else {})
    monkeypatch.setattr(building.shutil, "which", lambda name: None if name == "go" else f"/usr/bin/{name}")
    assert cli.chosen(["clients"]) == []
    assert capsys.readouterr().out.startswith("skipped: client:compiled needs go, which is not on PATH: install Go (")
    # Who names it is told by the run itself.
    [job] = cli.chosen(["client:compiled"])
    assert job.builds
    monkeypatch.setattr(building.shutil, "which", lambda name: f"/usr/bin/{name}")
    assert [one.name for one in cli.chosen(["clients"])] == ["client-compiled"]
    # A build is what --light leaves out.
    assert cli.chosen(["clients"], light=True) == []


def test_what_is_left_out_is_asked_for_nothing_and_must_be_known():
    everything = [one.name for one in cli.chosen(["oauthlib", "client:boto3", "client:boto3-old"])]
    assert everything == ["oauthlib", "client-boto3", "client-boto3-old"]
    some = cli.chosen(["oauthlib", "client:boto3", "client:boto3-old"], without=["client:boto3-old", "oauthlib"])
    assert [one.name for one in some] == ["client-boto3"]
    servers = {one.name for one in cli.chosen(["servers"])}
    assert {one.name for one in cli.chosen(["servers"], without=["oauthlib"])} == servers - {"oauthlib"}
    with pytest.raises(UsageError, match="--without oauthlb: no such target; choose from "):
        cli.chosen(["servers"], without=["oauthlb"])


def test_what_builds_does_not_begin_with_those_that_only_wait(tmp_path, done, monkeypatch):
    groups = []
    monkeypatch.setattr(Fleet, "_side_by_side", lambda _, jobs, workers: groups.append((jobs, workers)) or [])
    waits, builds = Job("waits", (), waits=True), Job("builds", (), waits=True, builds=True)
    Fleet(tmp_path, workers=2, limit=1, done=done.append).run([builds, waits])
    assert groups == [([waits], 1), ([builds], 2)]


def resumed(folder, monkeypatch, codes, *options):
    """The command with runs that end so, and the names of those that were begun."""
    begun = []

    class Noted(Played):
        def run(self, jobs):
            begun.extend(job.name for job in jobs)
            return super().run(jobs)

    monkeypatch.setattr(fleet, "Fleet", Noted(codes))
    arguments = ["--run", *codes, "--work", str(folder / "work"), "--out", str(folder / "out"), *options]
    done = CliRunner().invoke(cli.matrix, arguments, standalone_mode=False)
    assert done.exception is None, done.exception
    return done, begun


def test_what_has_ended_is_kept_where_everything_is_the_same(tmp_path, monkeypatch):
    codes = {"nanoidp": 0, "oidc-provider": 1, "better-auth": 4, "oauthlib": -9}
    _, begun = resumed(tmp_path, monkeypatch, codes)
    assert begun == list(codes)
    done, begun = resumed(tmp_path, monkeypatch, codes, "--resume")
    # What ended without a verdict is tried again; a failure stays one.
    assert begun == ["better-auth", "oauthlib"]
    assert done.return_value == ExitCode.SUITE_ERROR
    lines = done.output.splitlines()
    assert [line.split()[0] for line in lines if line.endswith("kept")] == ["nanoidp", "oidc-provider"]
    assert "1 of 4 as expected" in lines
    assert any(line.endswith("2/4  kept") for line in lines)
    # Without the option everything is run.
    assert resumed(tmp_path, monkeypatch, codes)[1] == list(codes)


def test_another_baseline_or_another_suite_is_another_run(tmp_path, monkeypatch):
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "target.toml").write_text('name = "mine"\n', "utf-8")
    monkeypatch.setattr(members, "described", lambda kind: {"mine": folder} if kind == "servers" else {})
    monkeypatch.setattr(cli, "_job", lambda name, known: Job(name, ("run", name), folder=known[name].folder))
    assert resumed(tmp_path, monkeypatch, {"mine": 0})[1] == ["mine"]
    assert resumed(tmp_path, monkeypatch, {"mine": 0}, "--resume")[1] == []
    (folder / "baseline.toml").write_text("", "utf-8")
    assert resumed(tmp_path, monkeypatch, {"mine": 0}, "--resume")[1] == ["mine"]
    assert resumed(tmp_path, monkeypatch, {"mine": 0}, "--resume")[1] == []
    suite = tmp_path / "suite"
    suite.mkdir()
    (suite / "rule.py").write_text("", "utf-8")
    monkeypatch.setattr(members, "PACKAGE", suite)
    assert resumed(tmp_path, monkeypatch, {"mine": 0}, "--resume")[1] == ["mine"]
    (tmp_path / "work" / "mine.done.json").write_text("{", "utf-8")
    assert resumed(tmp_path, monkeypatch, {"mine": 0}, "--resume")[1] == ["mine"]


class Played:
    """A fleet that writes what it was given instead of running anything."""

    def __init__(self, codes):
        self.codes = codes

    def __call__(self, work, *, done, **_):
        self.work, self.done = work, done
        return self

    def run(self, jobs):
        outcomes = []
        for job in jobs:
            code = self.codes[job.name]
            if code in (0, 1):
                written(self.work / job.name, samples.report())
            log = self.work / f"{job.name}.log"
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(f"said by {job.name}\n")
            outcomes.append(fleet.JobOutcome(job, code, 1.0, log))
            self.done(outcomes[-1])
        return outcomes


@pytest.mark.parametrize(
    ("codes", "code", "columns"),
    [
        ({"nanoidp": 0, "oidc-provider": 0}, ExitCode.CONFORMANT, 2),
        ({"nanoidp": 0, "oidc-provider": 1}, ExitCode.FAILED, 2),
        ({"nanoidp": 1, "oidc-provider": 4}, ExitCode.UNREACHABLE, 1),
        ({"nanoidp": 0, "oidc-provider": -9}, ExitCode.SUITE_ERROR, 1),
    ],
)
def test_the_command_runs_and_publishes_and_ends_with_the_worst(tmp_path, monkeypatch, codes, code, columns):
    monkeypatch.setattr(fleet, "Fleet", Played(codes))
    # Left by an earlier run; the target that could not be reached now must not be published by it.
    written(tmp_path / "work" / "oidc-provider", samples.report())
    arguments = ["--run", *codes, "--work", str(tmp_path / "work"), "--out", str(tmp_path / "out")]
    done = CliRunner().invoke(cli.matrix, arguments, standalone_mode=False)
    assert done.exception is None, done.exception
    assert done.return_value == code
    assert f"{columns} servers" in done.output
    lines = done.output.splitlines()
    assert sum(line.startswith(("nanoidp ", "oidc-provider ")) for line in lines) == 2
    assert ("    said by oidc-provider" in lines) is (codes["oidc-provider"] != 0)
    # The last page names whatever did not end well, for the others' lines stand between.
    wrong = [name for name, ended in codes.items() if ended]
    assert f"{2 - len(wrong)} of 2 as expected" in lines
    assert [line.split()[3] for line in lines if line.startswith("not as expected: ")] == wrong
