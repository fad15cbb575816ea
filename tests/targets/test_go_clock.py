"""Programs in Go: their clock jumps and hurries by the files and variables that are written for libfaketime."""

import json
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from support.needs import NEWER_GO, needs

from device_grant.client.drivers.load import open_client
from device_grant.processes import Completed
from device_grant.targets import building, go_clock, open_target, resolve
from device_grant.targets.clocks import FaketimeClock
from device_grant.targets.go_clock import GoClock, builds_go

pytestmark = pytest.mark.long

SERVER = """package main

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"
)

var began = time.Now()

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, time.Since(began).Seconds(), " ", strings.Contains(os.Getenv("LD_PRELOAD"), "faketime"))
	})
	http.HandleFunc("/sleep", func(w http.ResponseWriter, r *http.Request) { time.Sleep(100 * time.Millisecond) })
	http.ListenAndServe("127.0.0.1:"+os.Args[1], nil)
}
"""
CLIENT = """package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"
)

func post(endpoint string, form url.Values) (answer map[string]any) {
	form.Set("client_id", os.Getenv("DEVICE_GRANT_CLIENT_ID"))
	response, err := http.PostForm(os.Getenv("DEVICE_GRANT_"+endpoint), form)
	if err == nil {
		err = json.NewDecoder(response.Body).Decode(&answer)
	}
	if err != nil {
		panic(err)
	}
	return answer
}

func main() {
	begun := post("DEVICE_AUTHORIZATION_ENDPOINT", url.Values{})
	fmt.Println("device-grant: shows", begun["user_code"], begun["verification_uri"])
	poll := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}}
	poll.Set("device_code", begun["device_code"].(string))
	for {
		time.Sleep(time.Duration(begun["interval"].(float64)) * time.Second)
		if token, ok := post("TOKEN_ENDPOINT", poll)["access_token"]; ok {
			fmt.Println("device-grant: token", token)
			return
		}
	}
}
"""
GOES = [
    pytest.param([], marks=needs("go"), id="installed"),
    pytest.param(["env", f"GOTOOLCHAIN={NEWER_GO}"], marks=needs("a newer Go"), id="newer"),
]


def described(folder, source, description, go=()):
    """`description`: the file that describes it, its table for commands, and what it says besides."""
    file, table, rest = description
    (folder / "go.mod").write_text("module program\n\ngo 1.20\n")
    (folder / "main.go").write_text(source)
    build = json.dumps([[*go, "go", "build", "-o", "{build}/program", "."]])
    (folder / file).write_text(f'name = "go-program"\n[{table}]\nbuild = {build}\n{rest}\n')


def serving(folder, go=()):
    rest = 'command = ["{build}/program", "{port}"]\nready = "/"\n[clock]\nkind = "faketime"'
    described(folder, SERVER, ("target.toml", "serve", rest), go)
    return open_target(resolve(str(folder)))


@pytest.mark.parametrize("go", GOES)
def test_the_clock_of_a_server_jumps_without_the_library(tmp_path, monkeypatch, go):
    monkeypatch.setattr(FaketimeClock, "library", staticmethod(lambda: None))
    with serving(tmp_path, go) as target, target.http() as http, target.clock:
        assert target.clock.kind == "faketime"
        first = http.get("/")
        target.clock.wait(3600)
        second = http.get("/")
        dates = [parsedate_to_datetime(answer.headers["date"]).timestamp() for answer in (first, second)]
        assert 3600 <= dates[1] - dates[0] < 3700
        assert abs(dates[0] - time.time()) < 60
        seconds, preloaded = second.text.split()
        assert 3600 <= float(seconds) < 3700
        assert preloaded == "false"
        began = time.monotonic()
        assert http.get("/sleep").status_code == 200
        assert 0.1 <= time.monotonic() - began < 10


@pytest.mark.parametrize("go", GOES)
def test_the_time_of_a_client_passes_faster(tmp_path, go):
    rest = 'command = ["{build}/program"]\n[clock]\nscale = 5'
    described(tmp_path, CLIENT, ("client.toml", "run", rest), go)
    with open_client(str(tmp_path)) as driver:
        assert (driver.scale, driver.clock) == (5, "scaled by 5")


@pytest.fixture
def other_go(tmp_path, monkeypatch):
    """A Go whose package runtime is written otherwise; it builds what prints nothing and serves."""
    root = tmp_path / "goroot"
    (root / "src" / "runtime").mkdir(parents=True)
    for name in ("time.go", "netpoll.go"):
        (root / "src" / "runtime" / name).write_text("package runtime\n\nfunc timeSleep(ns int64) {\n\tother()\n}\n")
    answer = json.dumps({"GOROOT": str(root), "GOVERSION": "go1.99", "GOMODCACHE": str(tmp_path / "mod")})
    programs = tmp_path / "bin"
    programs.mkdir()
    go = programs / "go"
    go.write_text(f'#!/bin/sh\n[ "$1" = env ] && echo \'{answer}\' && exit\necho "$@" > {tmp_path}/asked\n')
    go.chmod(0o755)
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "asked"


def test_sources_that_do_not_fit_leave_the_clock_alone(tmp_path, other_go):
    build = [["go", "build", "-o", "{build}/program", "."]]
    made = building.built(tmp_path, build, "t", moved=True)
    assert made.clock == "fixed"
    assert "time_runtimeNow in " in made.why_fixed
    assert "written otherwise" in made.why_fixed
    assert "-overlay" not in other_go.read_text()
    assert building.built(tmp_path, build, "t").clock == "library"


def test_a_server_whose_clock_cannot_be_moved_runs_on_the_real_one(tmp_path, other_go, capsys):
    del other_go
    rest = 'command = ["{python}", "-m", "http.server", "{port}"]\nready = "/"\n[clock]\nkind = "faketime"'
    described(tmp_path, "", ("target.toml", "serve", rest))
    with open_target(resolve(str(tmp_path))) as target:
        assert target.clock.kind == "real"
    said = capsys.readouterr().err
    assert "the clock of programs in Go cannot be moved (time_runtimeNow in " in said
    assert "so go-program runs on the real clock" in said


@needs("go")
@pytest.mark.parametrize(
    ("done", "why"),
    [
        (Completed(1, b"time.Now does not jump\n", b""), "does not follow it: time.Now does not jump"),
        (Completed(None, b"", b""), "does not follow it: it took too long"),
        (Completed(0, b"12\n", b""), "does not begin at the time that it is"),
    ],
)
def test_a_program_that_does_not_follow_its_clock_gives_it_up(tmp_path, monkeypatch, done, why):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    really = go_clock._run

    def run(command, *rest):
        if "env" in command:
            return really(command, *rest)
        return Completed(0, b"", b"") if "build" in command else done

    monkeypatch.setattr(go_clock, "_run", run)
    for _ in range(2):
        clock = go_clock.go_clock(["go", "build"], tmp_path, "t")
        assert clock.overlay is None
        assert why in clock.why_not


@pytest.mark.parametrize(
    ("command", "applied"),
    [
        (["go", "build", "-o", "x", "."], ["go", "build", "-overlay", "/o.json", "-o", "x", "."]),
        (["env", "A=b", "go", "install"], ["env", "A=b", "go", "install", "-overlay", "/o.json"]),
        (["go", "build", "-C", "d", "."], ["go", "build", "-C", "d", "-overlay", "/o.json", "."]),
        (["go", "build", "-C=d", "."], ["go", "build", "-C=d", "-overlay", "/o.json", "."]),
        (["go", "mod", "download"], None),
        (["make", "go", "build"], None),
        (["env"], None),
    ],
)
def test_where_the_overlay_stands_in_a_command(command, applied):
    clock = GoClock(Path("/o.json"), go="go")
    assert builds_go(command) is (applied is not None)
    assert clock.applied(command) == (applied or command)
