"""A client as a process: what it is given, how it is ended, and what the first run says of its adapter."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from support.needs import needs
from support.process_client import HONEST, located, run_of

from device_grant.client.drivers import process
from device_grant.client.drivers.config import (
    Claims,
    ClientClockSection,
    ConnectSection,
    HomeFile,
)
from device_grant.client.drivers.invocation import Ended, Home, Invocation
from device_grant.client.drivers.process import ProcessDriver
from device_grant.client.scripted.authority import MOST_REQUESTS
from device_grant.client.scripted.steps import Script, pending
from device_grant.engine import run_check
from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.judging import NotApplicable
from device_grant.protocol import Purpose

pytestmark = pytest.mark.long


def once(source, folder, *, steps=None, invocation=None, **sections):
    with ProcessDriver(located(source, folder, **sections)) as driver, Home() as home:
        run = run_of(driver)
        authority = run.authority(Script(steps or {}))
        options = {"given": run.given("flow"), **(invocation or {})}
        return run.attempt(Invocation("flow", authority, home, **options))


def test_a_login(tmp_path):
    attempt = once(HONEST, tmp_path, steps={"token": [pending()]})
    assert (attempt.ended.status, attempt.succeeded) == (0, True), attempt.ended.stderr
    assert [one.purpose for one in attempt.exchanges] == [Purpose.START, Purpose.POLL, Purpose.POLL]
    gap = attempt.polls[1].started - attempt.polls[0].ended
    assert 0.95 < gap < 5
    assert attempt.invocation.authority.last("user_code") in attempt.ended.shown


def test_what_it_is_given(tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "not for strangers")
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    source = "import json, os; print(json.dumps([dict(os.environ), os.getcwd(), os.umask(0)]))"
    attempt = once(source, tmp_path, run={"env": {"TOLD": "{endpoint}|{host}|{client_id}|{dir}|{device_code}"}})
    environment, folder, umask = json.loads(attempt.ended.stdout)
    base = attempt.invocation.authority.base
    assert environment["HOME"] == folder == str(attempt.invocation.home.path)
    assert umask == 0o022
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["https_proxy"] == environment["HTTP_PROXY"] != "http://proxy.example"
    assert environment["NO_PROXY"] == "127.0.0.1,localhost"
    assert environment["TMPDIR"].startswith(folder)
    assert environment["DEVICE_GRANT_TOKEN_ENDPOINT"] == f"{base}/token"
    assert environment["DEVICE_GRANT_OPERATION"] == "flow"
    assert "DEVICE_GRANT_CLIENT_SECRET" not in environment
    assert "SSL_CERT_FILE" not in environment
    assert environment["TOLD"] == f"{base}|{base[7:]}|device-grant-client|{tmp_path}|"


def test_nothing_is_left_of_a_run_that_hangs(tmp_path):
    source = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
    began = time.monotonic()
    attempt = once(source, tmp_path, run={"deadline": 1.0})
    assert time.monotonic() - began < 6
    assert attempt.ended.status is None
    assert attempt.how == "was still going on"
    # A busy machine may have kept it from its end: that accuses nobody of not having worked.
    assert attempt.succeeded is None
    assert not _alive(int(attempt.ended.stdout))


def _alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        time.sleep(120)
    os._exit(0)
os.wait()
time.sleep(0.5)
"""
"""Leaves a daemon: in a session of its own, and nobody's child."""


def test_a_daemon_of_a_client_is_ended(tmp_path):
    attempt = once(DAEMON, tmp_path)
    assert attempt.ended.status == 0
    assert not _alive(int(attempt.ended.stdout))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL])
def test_however_we_end_nothing_of_a_client_stays(tmp_path, number):
    written = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()) + chr(10))"
    source = DAEMON.replace("print(os.getpid(), flush=True)", written).replace("0.5", "60")
    (tmp_path / "client.py").write_text(source)
    folders = tmp_path / "folders"
    folders.mkdir()
    command = [sys.executable, "-m", "device_grant", "client", "--", sys.executable, str(tmp_path / "client.py")]
    environment = {**os.environ, "TMPDIR": str(folders)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        try:
            _until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"))
            daemon = int((tmp_path / "pid").read_text())
            assert _alive(daemon)
            assert len(list(folders.iterdir())) > 1
            process.send_signal(number)
            began = time.monotonic()
            _, said = process.communicate(timeout=60)
            took = time.monotonic() - began
        finally:
            process.kill()
    assert process.returncode == (-number if number == signal.SIGKILL else 128 + number)
    # Three seconds, and what a busy machine adds.
    assert took < 10
    assert said.split() in (["device-grant:", "interrupted"], [])
    _until(lambda: not _alive(daemon) and not list(folders.iterdir()))


def _until(reached):
    deadline = time.monotonic() + 30
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_children_of_a_client_that_has_ended_are_ended(tmp_path):
    source = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
print(child.pid)
"""
    attempt = once(source, tmp_path)
    assert attempt.ended.status == 0
    assert not attempt.succeeded
    assert not _alive(int(attempt.ended.stdout))


def test_one_that_does_not_wait_is_cut_off(tmp_path):
    source = HONEST.replace('time.sleep(started.get("interval", 5))', "pass")
    began = time.monotonic()
    steps = {"token": [pending()] * 1000}
    attempt = once(source, tmp_path, steps=steps, run={"deadline": 60.0})
    assert attempt.going_on
    assert 40 <= len(attempt.polls) <= MOST_REQUESTS
    assert time.monotonic() - began < 20


def test_a_run_can_be_ended_by_the_clock_of_its_codes(tmp_path):
    attempt = once(
        HONEST,
        tmp_path,
        steps={"token": [pending()] * 100},
        invocation={"until": 1.5, "given": {"CLIENT_ID": "me"}},
        run={"deadline": 30.0},
    )
    assert attempt.going_on
    assert 1.5 <= attempt.ended.at - attempt.starts[0].ended < 6


def test_https_by_a_proxy(tmp_path):
    source = HONEST.replace("import json, os", "import ssl, json, os")
    sections = {"connect": ConnectSection(how="proxy", hosts=("login.example",))}
    attempt = once(source, tmp_path, **sections)
    assert attempt.succeeded, attempt.ended.stderr
    assert attempt.starts[0].request.url == "https://login.example/device_authorization"


def test_an_endpoint_that_is_https_in_every_run(tmp_path):
    attempt = once(HONEST, tmp_path, connect=ConnectSection(tls=True))
    assert attempt.succeeded, attempt.ended.stderr
    assert attempt.starts[0].request.url.startswith("https://127.0.0.1:")


def test_a_certificate_that_nobody_knows(tmp_path):
    attempt = once(HONEST, tmp_path, invocation={"certificate": "untrusted", "given": {"CLIENT_ID": "me"}})
    assert attempt.failed
    assert attempt.exchanges == ()
    assert "CERTIFICATE_VERIFY_FAILED" in attempt.ended.stderr


@needs("libfaketime")
def test_time_can_pass_faster(tmp_path, capsys):
    with ProcessDriver(located(HONEST, tmp_path, clock=ClientClockSection(scale=10))) as driver:
        if driver.scale == 1:
            assert "runs on real time" in capsys.readouterr().err
            pytest.skip("libfaketime does not work here")
        assert driver.clock == "scaled by 10"
        with Home() as home:
            run = run_of(driver)
            authority = run.authority(Script({"token": [pending(), pending()]}))
            attempt = run.attempt(Invocation("flow", authority, home, wait=5, given=run.given("flow")))
    assert attempt.succeeded
    assert 0.8 < attempt.polls[2].started - attempt.polls[1].ended < 6


@pytest.mark.parametrize(
    ("source", "blamed"),
    [
        ("import sys; sys.exit(3)", ""),  # it fails without libfaketime as well, which the first login will tell
        (
            HONEST.replace("E = os.environ", "E = os.environ; 'LD_PRELOAD' in E and sys.exit(3)"),
            "with its time made faster",
        ),
        (HONEST.replace("time.sleep(", "time.sleep(0 * "), "it did not wait between two polls"),
    ],
)
@needs("libfaketime")
def test_libfaketime_is_blamed_for_its_own_doing_alone(tmp_path, capsys, source, blamed):
    with ProcessDriver(located(source, tmp_path, clock=ClientClockSection(scale=10))) as driver:
        assert (driver.scale, driver.clock) == (1.0, "real")
    said = capsys.readouterr().err
    assert (f"x runs on real time: {blamed}" in said) if blamed else said == ""


def test_a_time_that_cannot_be_moved_is_said(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(process, "_faketime", lambda: None)
    with ProcessDriver(located(HONEST, tmp_path, clock=ClientClockSection(scale=10))) as driver:
        assert driver.scale == 1.0
    assert "x runs on real time: libfaketime is not installed" in capsys.readouterr().err


def test_runs_of_one_home_meet_one_server(tmp_path):
    """Clients keep registrations by the server's address: another port would be another server."""
    with ProcessDriver(located(HONEST, tmp_path)) as driver, Home() as one, Home() as other:
        run = run_of(driver)
        bases = []
        for home in (one, one, other, one):
            authority = run.authority()
            assert run.attempt(Invocation("flow", authority, home, given=run.given("flow"))).succeeded
            bases.append(authority.base)
    assert bases[0] == bases[1] == bases[3] != bases[2]


@pytest.mark.parametrize(
    ("source", "error", "complaint"),
    [
        (
            "import sys; sys.exit('no such server')",
            TargetUnreachableError,
            "ended with status 1; it asked for: nothing",
        ),
        ("print('done')", TargetUnreachableError, "ended with success but without the token"),
        ("import sys; print('device-grant: unsupported no loop'); sys.exit(75)", UsageError, "flow (no loop)"),
    ],
)
def test_the_first_run_has_to_work(tmp_path, source, error, complaint):
    with ProcessDriver(located(source, tmp_path)) as driver, pytest.raises(error) as caught:
        run_of(driver).handshake()
    assert complaint in str(caught.value)


def test_claims_that_are_not_true(tmp_path):
    config = {"claims": Claims(registration=True)}
    with (
        ProcessDriver(located(HONEST.replace('E["DEVICE_GRANT_CLIENT_ID"]', '"x"'), tmp_path, **config)) as driver,
        pytest.raises(UsageError, match="did not register itself"),
    ):
        run_of(driver).handshake()


def test_a_program_that_is_not_there(tmp_path):
    with pytest.raises(UsageError, match=r"nothing is not there: build or install it$"):
        once("", tmp_path, run={"command": ("./nothing",)})
    with pytest.raises(UsageError, match=r"nothing-of-that-name is not on PATH: install it$"):
        once("", tmp_path, run={"command": ("nothing-of-that-name",)})
    (tmp_path / "my-login").write_text("#!/bin/sh\n")
    with pytest.raises(UsageError, match=r"my-login is not on PATH, but a file here: write \./my-login$"):
        once("", tmp_path, run={"command": ("my-login",)})
    with pytest.raises(UsageError, match=r"my-login is not executable: chmod \+x .*my-login$"):
        once("", tmp_path, run={"command": ("./my-login",)})
    (tmp_path / "my-login").chmod(0o755)
    (tmp_path / "my-login").write_text("#!/no/such/shell\n")
    with pytest.raises(UsageError, match=r"names no program that is here in its first line$"):
        once("", tmp_path, run={"command": ("./my-login",)})
    (tmp_path / "README.md").write_text("how to")
    with pytest.raises(UsageError, match=r"install it as .*README\.md says$"):
        once("", tmp_path, run={"command": ("nothing-of-that-name",)})


def test_what_an_adapter_does_not_support_is_not_applicable(tmp_path):

    source = "import sys; print('device-grant: unsupported not today'); sys.exit(75)"
    with ProcessDriver(located(source, tmp_path)) as driver:
        stop = run_check(run_of(driver), "asking::test_no_scope").stop
    assert isinstance(stop, NotApplicable)
    assert "not today" in str(stop)


TOKEN_PROVIDER = textwrap.dedent(
    """
    import json, os, sys, time, urllib.error, urllib.parse, urllib.request
    from datetime import datetime, timezone
    E, FILE = os.environ, os.path.expanduser("~/.cache/it/login.json")
    kept = json.load(open(FILE))
    stamp = lambda when: datetime.fromtimestamp(when, timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    if kept["expiresAt"] <= stamp(time.time()):
        said = dict(grant_type="refresh_token", refresh_token=kept["refreshToken"], client_id=kept["clientId"])
        body = urllib.parse.urlencode(said).encode()
        try:
            with urllib.request.urlopen(urllib.request.Request(E["DEVICE_GRANT_TOKEN_ENDPOINT"], body), timeout=5) as a:
                new = json.load(a)
        except OSError as error:
            sys.exit(f"the token has expired, and the refresh failed: {error}") if HONEST else None
        else:
            kept |= {"accessToken": new["access_token"], "expiresAt": stamp(time.time() + new["expires_in"])}
            kept["refreshToken"] = new.get("refresh_token", kept["refreshToken"])
            json.dump(kept, open(FILE, "w"))
    print("device-grant: token", kept["accessToken"])
    """
)
LEFT_BY_A_LOGIN = HomeFile(
    path=".cache/it/login.json",
    content='{"accessToken": "{access_token}", "expiresAt": "{expires_at}", "refreshToken": "{refresh_token}", '
    '"clientId": "{client_id}", "registrationExpiresAt": "{registration_expires_at}"}',
)


@pytest.mark.parametrize("honest", [True, False])
def test_a_client_that_only_refreshes_finds_what_a_login_has_left(tmp_path, honest):
    source = f"HONEST = {honest}\n{TOKEN_PROVIDER}"
    claims = Claims(keeps=("tokens",), registration=False)
    files = (LEFT_BY_A_LOGIN, HomeFile(path="only-with-a-code", content="{device_code}"))
    with ProcessDriver(located(source, tmp_path, run={"kind": "refresh"}, claims=claims, files=files)) as driver:
        run = run_of(driver)
        run.handshake()
        with Home() as home:
            authority = run.authority()
            given = {"REFRESH_TOKEN": authority.issue("refresh_token", "RT.of-a-login"), "CLIENT_ID": "me"}
            attempt = run.attempt(Invocation("refresh", authority, home, given=given))
        said = run_check(run, "refreshing::test_refused_refresh")
        renewed = run_check(run, "refreshing::test_rotated_refresh_token")
        login = run_check(run, "waiting::test_pending_until_approved")
    assert (attempt.succeeded, attempt.token) == (True, authority.last("access_token"))
    (kept,) = attempt.files
    assert (kept.path, kept.mode) == (".cache/it/login.json", 0o600)
    assert said.verdicts["rfc6749-6-client-refused-refresh-ends"].label == ("pass" if honest else "fail")
    assert renewed.verdicts["rfc6749-6-client-discards-old"].label == "pass"
    assert str(login.stop) == "the client only refreshes"


def test_markers():
    said = "hello\ndevice-grant: token AT RT\ndevice-grant: shows ABCD https://x\n device-grant: error no\n"
    ended = Ended(0, said, "complaint\n", 1.0)
    assert ended.marks("token") == [["AT", "RT"]]
    assert ended.marks("error") == []
    assert "token AT" not in ended.shown
    assert "shows ABCD" in ended.shown
    assert "complaint" in ended.shown
    assert ended.unsupported is None
    assert Ended(75, "", "", 0).unsupported == "no reason given"


def test_files_and_who_may_read_them():
    with Home() as home:
        for folder, name, mode in (("open", "a", 0o644), ("closed", "b", 0o644), ("open", "c", 0o600)):
            (home.path / folder).mkdir(exist_ok=True)
            (home.path / folder / name).write_text("x")
            (home.path / folder / name).chmod(mode)
        (home.path / "open").chmod(0o755)
        (home.path / "closed").chmod(0o700)
        (home.path / "link").symlink_to("/etc/passwd")
        assert {kept.path: kept.mode for kept in home.files()} == {"open/a": 0o644, "closed/b": 0o600, "open/c": 0o600}
    assert not home.path.exists()
