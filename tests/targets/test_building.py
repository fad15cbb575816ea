"""Programs that are built before they are started: once for their sources, and never taken for good half done."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from device_grant.client.drivers.load import open_client, read_client
from device_grant.errors import ExitCode, MissingToolError, TargetUnreachableError, UsageError
from device_grant.targets import building, open_target, read_target, resolve
from device_grant.targets.building import built as built_as_told
from device_grant.targets.building import missing_tool

PROGRAM = """#!{python}
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(open({source!r}).read().encode())

HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
COPIES = ["{python}", "-c", "import shutil, sys; shutil.copy(*sys.argv[1:])", "source", "{build}/made"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "device-grant"


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "program"
    made.mkdir()
    (made / "source").write_text("first")
    return made


def built(folder, commands, name):
    return built_as_told(folder, commands, name).folder


def counted(folder):
    """Commands that leave a mark outside of the folder each time they run, and make {build}/made."""
    mark = folder.with_name("ran")
    return [["sh", "-c", f"echo x >> {mark}"], COPIES], lambda: mark.read_text().count("x")


def test_it_is_built_once_for_what_the_folder_holds(folder, capsys):
    commands, ran = counted(folder)
    first = built(folder, commands, "my server")
    assert (first / "made").read_text() == "first"
    (folder / "baseline.toml").write_text("")
    (folder / "README.md").write_text("")
    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "x.js").write_text("")
    assert built(folder, commands, "my server") == first
    assert ran() == 1
    said = capsys.readouterr().err.splitlines()
    assert [line.partition(",")[0] for line in said][:1] == ["device-grant: my server: building"]
    assert said[1].startswith("device-grant: my server: built in ")
    assert len(said) == 2
    (folder / "source").write_text("second")
    second = built(folder, commands, "my server")
    assert (second / "made").read_text() == "second"
    assert (first / "made").read_text() == "first"
    (folder / "source").rename(folder / "sources")
    with pytest.raises(TargetUnreachableError):
        built(folder, commands, "my server")
    assert ran() == 3


def test_what_is_named_beside_the_folder_counts_too(folder):
    shared = folder.with_name("shared")
    shared.mkdir()
    (shared / "lock").write_text("1")
    commands = [["cp", "{dir}/../shared/lock", "{build}/made"]]
    assert (built(folder, commands, "t") / "made").read_text() == "1"
    (shared / "lock").write_text("2")
    assert (built(folder, commands, "t") / "made").read_text() == "2"
    (shared / "other").write_text("")
    (shared / "lock").write_text("1")
    assert (built(folder, commands, "t") / "made").read_text() == "1"


def test_what_tools_leave_beside_their_own_file_is_no_source(folder):
    commands, ran = counted(folder)
    (folder / "Cargo.toml").write_text("")
    built(folder, commands, "t")
    (folder / "target").mkdir()
    (folder / "target" / "made").write_text("")
    built(folder, commands, "t")
    assert ran() == 1
    (folder / "Cargo.toml").unlink()
    built(folder, commands, "t")
    assert ran() == 2


def test_commands_that_are_not_told_the_cache_run_at_every_start(folder):
    commands, ran = counted(folder)
    for _ in range(2):
        built(folder, commands[:1], "t")
    assert ran() == 2


def test_a_failure_shows_the_end_of_the_log_and_is_tried_again(folder, capsys):
    commands = [
        [
            "sh",
            "-c",
            "n=0; while [ $n -lt 40 ]; do n=$((n+1)); echo line $n; done; printf 'bad \\033[31mred' >&2; exit 3",
        ]
    ]
    commands[0].append("{build}")
    for _ in range(2):
        with pytest.raises(TargetUnreachableError) as caught:
            built(folder, commands, "t")
        message = str(caught.value)
        assert "failed with exit status 3; the whole log: " in message
        assert "\n" not in message
        assert "line 1\n" in Path(message.rpartition(": ")[2]).read_text()
        said = capsys.readouterr().err
        assert "    line 40\n    bad  [31mred\n" in said
        assert "line 1\n" not in said


def test_one_that_hangs_is_ended(folder, monkeypatch):
    monkeypatch.setattr(building, "_LIMIT", 0.2)
    monkeypatch.setattr(building, "_LOOK", 0.05)
    began = time.monotonic()
    with pytest.raises(TargetUnreachableError, match="took longer than"):
        built(folder, [["sh", "-c", "sleep 60", "{build}"]], "t")
    assert time.monotonic() - began < 20


def test_an_interrupt_leaves_nothing_that_is_taken_for_good(folder, tmp_path):
    begun = tmp_path / "begun"
    tell = f"echo $$ > {begun}.new; mv {begun}.new {begun}"
    script = f"echo half > {{build}}/made; {tell}; sleep 60; echo whole > {{build}}/made"
    run = (
        "import sys; from pathlib import Path; from device_grant.targets.building import built\n"
        f"built(Path({str(folder)!r}), [['sh', '-c', {script!r}]], 't')"
    )
    suite = subprocess.Popen([sys.executable, "-c", run], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while not begun.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    suite.send_signal(signal.SIGINT)
    _, errors = suite.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)
    again = [["sh", "-c", script.replace("sleep 60", "true")]]
    place = built(folder, again, "t")
    assert (place / "made").read_text() == "whole\n"


def test_two_do_not_build_at_once(folder, capsys):
    mark = folder.with_name("ran")
    commands = [["sh", "-c", f"echo x >> {mark}; sleep 0.5; touch {{build}}/made"]]
    threads = [threading.Thread(target=built, args=(folder, commands, "t")) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert mark.read_text() == "x\n"
    assert "another run is preparing build-t-" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        (["sh", "x"], ""),
        (["env", "A=b", "C=", "no-such-tool", "x"], "no-such-tool"),
        (["{build}/x"], ""),
        (["./x"], ""),
        (["env"], ""),
    ],
)
def test_the_tool_of_a_command(command, missing):
    assert missing_tool(command) == missing


def test_a_missing_toolchain_is_one_line_that_says_what_to_install(folder, monkeypatch):
    monkeypatch.setenv("PATH", str(folder))
    with pytest.raises(MissingToolError) as caught:
        built(folder, [["env", "GOTOOLCHAIN=local", "go", "build"]], "my-login")
    assert str(caught.value) == (
        "my-login needs go, which is not on PATH: install Go (https://go.dev/dl, or Debian: apt-get install golang-go)"
    )
    assert caught.value.exit_code is ExitCode.USAGE


def test_a_server_is_built_before_it_is_started(folder):
    source = folder / "source"
    source.write_text("hello")
    (folder / "program.py").write_text(PROGRAM.format(python=sys.executable, source=str(source)))
    (folder / "target.toml").write_text(
        'name = "t"\n[serve]\nbuild = [["sh", "-c", "cp program.py {build}/made; chmod +x {build}/made"]]\n'
        'command = ["{build}/made", "{port}"]\nready = "/"\n'
    )
    with open_target(resolve(str(folder))) as target, target.http() as http:
        assert http.get("/").text == "hello"


def test_a_client_is_built_before_its_first_run(folder, cache):
    (folder / "client.toml").write_text(
        'name = "t"\n[run]\nbuild = [["sh", "-c", "echo > {build}/made"]]\ncommand = ["{build}/made", "{build}"]\n'
    )
    with open_client(str(folder)):
        assert [place.name for place in cache.glob("build-t-*/made")] == ["made"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('command = ["{build}/x", "{port}"]', "no build says how it is made"),
        ('command = ["x", "{port}"]\nbuild = [[]]', r"build\[0\]: an empty command"),
        ('command = ["x", "{port}"]\nrequirements_options = ["--no-deps"]', "requirements_options: are for"),
    ],
)
def test_what_does_not_fit_together_is_said(folder, text, problem):
    for name, table, read in (("target.toml", "serve", read_target), ("client.toml", "run", read_client)):
        (folder / name).write_text(f'name = "t"\n[{table}]\n{text}\n')
        with pytest.raises(UsageError, match=problem):
            read(folder / name)


def test_an_application_in_process_is_not_built(folder):
    (folder / "target.toml").write_text('name = "t"\n[serve]\napp = "asgi:x:y"\nbuild = [["make"]]\n')
    with pytest.raises(UsageError, match="build are for a command"):
        read_target(folder / "target.toml")
