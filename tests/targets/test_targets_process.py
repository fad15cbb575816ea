"""Launched processes and live endpoints: started, waited for, stopped for sure."""

import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from support.needs import needs

from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.targets import FaketimeClock, open_target, resolve
from device_grant.targets import environments as environments_module
from device_grant.targets.addresses import is_loopback
from device_grant.targets.dispatch import together
from device_grant.targets.environments import cache_folder, node_environment, python_environment
from device_grant.targets.transports import process as process_module

pytestmark = pytest.mark.long

SERVER = """
import os, signal, subprocess, sys, threading, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

meeting = threading.Barrier(3)
started = time.perf_counter()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        status, body = 200, b""
        if self.path == "/ready":
            status = 200 if time.perf_counter() - started > 0.05 else 503
        elif self.path == "/time":
            body = repr(time.time()).encode()
        elif self.path == "/environment":
            body = "\\n".join(sorted(os.environ)).encode()
        elif self.path == "/arguments":
            body = "|".join(sys.argv[2:] + [os.environ.get("GIVEN", ""), os.getcwd()]).encode()
        elif self.path == "/meet":
            meeting.wait(5)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        return None

if os.environ.get("STUBBORN"):
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.environ.get("CHILD"):
    child = subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
    print("child", child.pid, flush=True)
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def launched(folder, source=SERVER, serve="", rest="", arguments='"{port}"'):
    (folder / "serve.py").write_text(textwrap.dedent(source))
    (folder / "target.toml").write_text(
        f'name = "t"\n[serve]\ncommand = ["{{python}}", "-S", "serve.py", {arguments}]\n{serve}\n{rest}'
    )
    return open_target(resolve(str(folder)))


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def gone(pid, seconds=5.0):
    deadline = time.perf_counter() + seconds
    while alive(pid) and time.perf_counter() < deadline:
        time.sleep(0.01)
    return not alive(pid)


def test_a_process_is_started_waited_for_and_stopped(tmp_path, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    target = launched(
        tmp_path,
        serve='ready = "/ready"\nenv = { GIVEN = "{port}" }',
        arguments='"{port}", "{dir}", "{{json}}"',
    )
    with target, target.http() as http:
        pid = target._process.pid
        port = target.base.rpartition(":")[2]
        assert target.base == f"http://127.0.0.1:{port}"
        assert http.get("/arguments").text == f"{tmp_path}|{{{{json}}}}|{port}|{tmp_path}"
        assert not {"http_proxy", "HTTPS_PROXY"} & set(http.get("/environment").text.split())
        assert not target.in_process
        work = target._work
    assert gone(pid)
    assert not work.exists()


def test_without_ready_an_accepted_connection_is_enough(tmp_path):
    with launched(tmp_path) as target, target.http() as http:
        assert http.get("/").status_code == 200


def test_requests_together_are_under_way_at_the_same_time(tmp_path):
    with launched(tmp_path) as target, target.http() as http:
        answers = together(target.overlap, [http.build_request("GET", "/meet") for _ in range(3)])
        assert [answer.status_code for answer in answers] == [200, 200, 200]
        assert together(target.overlap, []) == []


def test_a_stubborn_process_and_its_children_are_killed(tmp_path, monkeypatch):
    monkeypatch.setattr("device_grant.targets.transports.process._STOP_TIMEOUT", 0.2)
    with launched(tmp_path, serve='env = { STUBBORN = "1", CHILD = "1" }') as target:
        pids = [target._process.pid, int(target.log.split()[1])]
        assert all(alive(pid) for pid in pids)
    assert all(gone(pid) for pid in pids)


def test_a_process_that_dies_at_start_is_told_with_its_last_lines(tmp_path):
    target = launched(tmp_path, "import sys\nprint('loading')\nsys.exit('no licence found')\n")
    with pytest.raises(TargetUnreachableError) as caught, target:
        pass
    assert "exit status 1" in str(caught.value)
    assert "loading | no licence found" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert target._process is None


def test_a_process_that_never_gets_ready_is_stopped(tmp_path):
    target = launched(tmp_path, serve='ready = "/never"\nready_timeout = 2', source=SERVER.replace("200, b", "404, b"))
    pids = []
    ask = target._ask
    target._ask = lambda client: pids.append(target._process.pid) or ask(client)
    with pytest.raises(TargetUnreachableError, match=r"not ready after 2 s .*/never: HTTP 404"), target:
        pass
    assert pids
    assert gone(pids[0])


def test_a_port_taken_in_between_is_tried_again(tmp_path, monkeypatch):
    real, handed = process_module._free_port, []
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))

        def port():
            handed.append(taken.getsockname()[1] if not handed else real())
            return handed[-1]

        monkeypatch.setattr(process_module, "_free_port", port)
        with launched(tmp_path, serve='ready = "/ready"') as target, target.http() as http:
            assert http.get("/").status_code == 200
    assert len(handed) == 2


def test_a_command_that_does_not_exist_is_a_usage_error(tmp_path):
    (tmp_path / "target.toml").write_text('name = "t"\n[serve]\ncommand = ["./absent", "{port}"]\n')
    with pytest.raises(UsageError, match=r"absent is not there"), open_target(resolve(str(tmp_path))):
        pass


RUN = """
import os, signal, sys
from device_grant.targets import open_target, resolve
with open_target(resolve(sys.argv[1])) as target:
    print(target._process.pid, target.log.split()[1], target._work, flush=True)
    signal.pause()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_however_the_suite_ends_no_process_stays(tmp_path, number):
    launched(tmp_path, serve='ready = "/ready"\nenv = { CHILD = "1" }')
    suite = subprocess.Popen(
        [sys.executable, "-c", RUN, str(tmp_path)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        *words, work = suite.stdout.readline().split()
        pids = [int(word) for word in words]
        assert len(pids) == 2
        assert Path(work).is_dir()
        assert all(alive(pid) for pid in pids)
        suite.send_signal(number)
        suite.wait(10)
    finally:
        suite.kill()
        suite.communicate()
    assert all(gone(pid) for pid in pids)
    deadline = time.perf_counter() + 5
    while Path(work).exists() and time.perf_counter() < deadline:
        time.sleep(0.02)
    assert not Path(work).exists()


@needs("libfaketime")
def test_a_faked_clock_moves_the_process(tmp_path):
    with launched(tmp_path, rest='[clock]\nkind = "faketime"\n') as target, target.http() as http:
        assert target.clock.kind == "faketime"
        with target.clock:
            before = float(http.get("/time").text)
            target.clock.wait(600)
            assert 600 <= float(http.get("/time").text) - before < 610
        pid = target._process.pid
    assert not list(Path("/dev/shm").glob(f"*faketime_s*_{pid}"))


def test_without_the_library_the_clock_is_real_and_a_line_says_so(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(FaketimeClock, "library", staticmethod(lambda: None))
    with launched(tmp_path, rest='[clock]\nkind = "faketime"\n') as target:
        assert target.clock.kind == "real"
    assert "libfaketime is not installed" in capsys.readouterr().err


def test_a_python_environment_is_made_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("")
    ran = []
    monkeypatch.setattr(environments_module, "_run", lambda command, *_: ran.append(command) or made(command))

    def made(command):
        if "venv" in command:
            Path(command[-1]).mkdir()

    first = python_environment(requirements, "t")
    assert first == python_environment(requirements, "t")
    assert first.is_relative_to(tmp_path / "cache" / "device-grant")
    assert len(ran) == 2
    assert ran[1][-2:] == ["-r", str(requirements)]
    assert capsys.readouterr().err.count("\n") == 1
    requirements.write_text("something-else==1\n")
    assert python_environment(requirements, "t") != first


def test_a_relative_cache_folder_is_ignored(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", "relative")
    assert cache_folder() == tmp_path / ".cache" / "device-grant"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache_folder() == tmp_path / ".cache" / "device-grant"


def test_a_build_that_hangs_elsewhere_is_waited_for_within_limits(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(environments_module, "_LOCK_TIMEOUT", 0.2)
    (tmp_path / "requirements.txt").write_text("")
    monkeypatch.setattr(environments_module, "_run", lambda command, *_: blocked(command))

    def blocked(command):
        Path(command[-1]).mkdir() if "venv" in command else None
        with pytest.raises(TargetUnreachableError, match="another run has been preparing venv-t-"):
            python_environment(tmp_path / "requirements.txt", "t")

    python_environment(tmp_path / "requirements.txt", "t")


def test_a_failed_preparation_is_one_line_and_made_again(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("./no-such-folder\n")
    monkeypatch.setattr(environments_module.sys, "executable", "/bin/false")
    for _ in range(2):
        with pytest.raises(TargetUnreachableError, match="making a virtual environment failed with exit status 1"):
            python_environment(requirements, "t")


def test_an_unwritable_cache_is_a_usage_error(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "requirements.txt").write_text("")
    with pytest.raises(UsageError, match="XDG_CACHE_HOME"):
        python_environment(tmp_path / "requirements.txt", "t")


def test_two_runs_do_not_prepare_at_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "requirements.txt").write_text("")
    inside, most, ran = [], [], []

    def run(command, *_):
        inside.append(1)
        most.append(len(inside))
        ran.append(command)
        Path(command[-1]).mkdir(exist_ok=True) if "venv" in command else None
        time.sleep(0.05)
        inside.pop()

    monkeypatch.setattr(environments_module, "_run", run)
    threads = [threading.Thread(target=python_environment, args=(tmp_path / "requirements.txt", "t")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert (max(most), len(ran)) == (1, 2)
    assert "another run is preparing" in capsys.readouterr().err


def test_npm_installs_from_the_lock_without_scripts_and_may_be_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "package.json").write_text('{"name": "t"}')
    (tmp_path / "package-lock.json").write_text("{}")
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", str(programs))
    with pytest.raises(UsageError, match="needs npm"):
        node_environment(tmp_path / "package.json", "t")
    npm = programs / "npm"
    npm.write_text("#!/bin/sh\necho \"$@\" > arguments\necho 'npm error lock is broken' >&2\nexit 3\n")
    npm.chmod(0o755)
    with pytest.raises(TargetUnreachableError, match="npm ci failed with exit status 3: npm error lock is broken"):
        node_environment(tmp_path / "package.json", "t")
    npm.write_text('#!/bin/sh\necho "$@" > arguments\n')
    folder = node_environment(tmp_path / "package.json", "t")
    assert (folder / "package-lock.json").read_text() == "{}"
    assert (folder / "arguments").read_text().startswith("ci --ignore-scripts")


def test_a_node_launcher_finds_its_modules_beside_it(tmp_path, monkeypatch):
    modules = tmp_path / "prepared"
    (modules / "node_modules" / "dependency").mkdir(parents=True)
    home = tmp_path / "home"
    (home / "node_modules").mkdir(parents=True)
    (home / "package.json").write_text("{}")
    (home / "package-lock.json").write_text("{}")
    monkeypatch.setattr("device_grant.targets.transports.process.node_environment", lambda *_: modules)
    with launched(home, serve='package = "package.json"') as target, target.http() as http:
        folder = Path(http.get("/arguments").text.rpartition("|")[2])
        assert folder != home
        assert (folder / "serve.py").is_file()
        assert (folder / "node_modules" / "dependency").is_dir()


class Quiet(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_error(404)

    def log_message(self, *_):
        return None


def test_a_live_endpoint_needs_any_answer():
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        base = f"http://127.0.0.1:{server.server_address[1]}/tenant"
        with open_target(resolve(base)) as target, target.http() as http:
            assert (target.base, target.clock.kind) == (base, "real")
            assert http.get("/x").url.path == "/tenant/x"
            answers = together(target.overlap, [http.build_request("GET", "/x")] * 2)
            assert [answer.status_code for answer in answers] == [404, 404]
        server.shutdown()


@pytest.mark.parametrize("base", ["http://127.0.0.1:{port}", "https://127.0.0.1:{port}", "http://absent.invalid"])
def test_a_live_endpoint_that_does_not_answer_is_one_line(base):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(TargetUnreachableError) as caught, open_target(resolve(base.format(port=port))):
        pass
    assert "does not answer" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_proxies_of_the_environment_are_not_for_this_machine(monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    with ThreadingHTTPServer(("127.0.0.1", 0), Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with open_target(resolve(f"http://localhost:{server.server_address[1]}")) as target, target.http() as http:
            assert http.get("/").status_code == 404
        server.shutdown()
    with pytest.raises(TargetUnreachableError), open_target(resolve("http://absent.invalid")):
        pass


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://localhost:1", True), ("http://[::1]/", True), ("http://127.9.9.9", True), ("https://idp.example", False)],
)
def test_loopback_is_recognised(url, local):
    assert is_loopback(url) is local
