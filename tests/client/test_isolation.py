"""Clients in a network of their own, where the machine lets us make one, and what is said where it does not."""

import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from support.process_client import HONEST, located, run_of

from device_grant.client.drivers import confined, isolation
from device_grant.client.drivers.config import ConnectSection
from device_grant.client.drivers.invocation import Home, Invocation
from device_grant.client.drivers.isolation import ISOLATED, Isolation
from device_grant.client.drivers.process import ProcessDriver
from device_grant.client.scripted.steps import Script
from device_grant.engine.client_subject import ClientSubject
from device_grant.engine.options import Options

pytestmark = pytest.mark.long


def ran(driver):
    with Home() as home:
        run = run_of(driver)
        return run.attempt(Invocation("flow", run.authority(Script({})), home, given=run.given("flow")))


KNOCKS = """
import socket, sys
with socket.socket() as one:
    print(one.connect_ex(("127.0.0.1", int(sys.argv[1]))))
"""


@pytest.mark.parametrize("isolated", [True, False])
def test_nothing_but_our_servers_is_there(tmp_path, isolated):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        client = located(
            KNOCKS,
            tmp_path,
            run={"command": (sys.executable, "-S", "{dir}/client.py", port)},
            connect=ConnectSection(isolated=isolated),
        )
        with ProcessDriver(client) as driver:
            reached = ran(driver).ended.stdout.strip() == "0"
    # Not every machine lets us: then it is said.
    assert reached == (driver.network != ISOLATED)
    assert isolated or driver.network == "open: client.toml says so"
    assert driver.network == ISOLATED or driver.network.startswith("open: ")


HIDES = """
import os, sys
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True)
        os.execve("/bin/sleep", ["sleep", "120"], {})
    os._exit(0)
os.wait()
"""
"""Leaves a daemon of which nothing says whose it is."""


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_daemon_that_hides_ends_with_its_network(tmp_path):
    with ProcessDriver(located(HIDES, tmp_path)) as driver:
        if driver.network != ISOLATED:
            pytest.skip(driver.network)
        daemon = int(ran(driver).ended.stdout)
    assert not alive(daemon)


def test_it_ends_with_us_however_we_end(tmp_path):
    source = f"""
import pathlib, sys, time
sys.path[:0] = {[str(Path(__file__).parent.parent)]!r}
from support.process_client import located, run_of
from device_grant.client.drivers.invocation import Home, Invocation
from device_grant.client.drivers.process import ProcessDriver
from device_grant.client.scripted.steps import Script
with ProcessDriver(located({HIDES!r}, pathlib.Path({str(tmp_path)!r}))) as driver, Home() as home:
    run = run_of(driver)
    attempt = run.attempt(Invocation("flow", run.authority(Script({{}})), home, given=run.given("flow")))
    print(driver.network, flush=True)
    print(attempt.ended.stdout, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", source], stdout=subprocess.PIPE, text=True) as process:
        try:
            network = process.stdout.readline().strip()
            daemon = int(process.stdout.readline())
        finally:
            process.kill()
    if network != ISOLATED:
        pytest.skip(network)
    deadline = time.monotonic() + 30
    while alive(daemon) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(daemon)


REFUSES = """
import socket, sys
with socket.socket(fileno=int(sys.argv[1])) as control:
    control.sendall(b"Operation not permitted\\n")
"""


@pytest.mark.parametrize("lacking", ["nsenter", "right", "keeper"])
def test_where_it_cannot_be_had_it_is_said_and_the_login_works(tmp_path, monkeypatch, lacking):
    which = isolation.shutil.which
    if lacking == "nsenter":
        monkeypatch.setattr(isolation.shutil, "which", lambda _name: None)
    else:
        # The program that is missed last is not missed here, whatever this machine has.
        monkeypatch.setattr(isolation.shutil, "which", lambda name: which(name) or name)
        (tmp_path / "refuses.py").write_text(REFUSES if lacking == "right" else "", "utf-8")
        monkeypatch.setattr(confined, "__file__", str(tmp_path / "refuses.py"))
    with ProcessDriver(located(HONEST, tmp_path)) as driver:
        attempt = ran(driver)
    assert attempt.succeeded
    assert driver.network.startswith("open: ")
    subject = ClientSubject(Options(target="x", party="client"))
    subject._run = type("", (), {"driver": driver})
    (remark,) = subject.remarks()
    why = {"nsenter": "nsenter is not installed", "right": "(Operation not permitted)", "keeper": "(no reason given)"}
    assert why[lacking] in remark


def test_ports_that_are_taken(tmp_path):
    del tmp_path
    with Isolation() as place:
        if place.why_not:
            pytest.skip(place.why_not)
        one = place.socket()
        port = one.getsockname()[1]
        with pytest.raises(OSError, match="in use"):
            place.socket(port)
        one.close()
        with place.socket(port) as again:
            assert again.getsockname() == ("127.0.0.1", port)


@pytest.mark.parametrize(
    ("mode", "text", "error"),
    [
        (0o600, "#!/bin/sh\n", PermissionError),
        (0o700, "#!/not/there\n", FileNotFoundError),
        (None, "", FileNotFoundError),
    ],
)
def test_what_cannot_be_started_is_said_as_ever(tmp_path, mode, text, error):
    program = tmp_path / "program"
    if mode is not None:
        program.write_text(text, "utf-8")
        program.chmod(mode)
    with Isolation() as place:
        if place.why_not:
            pytest.skip(place.why_not)
        with pytest.raises(error):
            place.led([str(program)], {})
        assert place.led(["sh", "-c", "true"], {"PATH": "/usr/bin:/bin"})[-3:] == ["sh", "-c", "true"]
