"""Mutants of every kind of file that comes from elsewhere: read, or refused in one line that names the file."""

from __future__ import annotations

import json
import os
import tempfile
import tomllib
from pathlib import Path

import pytest
import yaml
from support import ROOT, captured
from support.cassettes import RFC, excerpt, judge, read_yaml
from support.mutants import as_json, as_toml, as_yaml, meet, of_data, of_octets

from device_grant.catalogue import load as catalogue
from device_grant.client.drivers.load import read_client
from device_grant.recordings.formats import read_capture
from device_grant.recordings.formats.cassette import read as read_cassette
from device_grant.recordings.formats.sessions import SESSIONS
from device_grant.recordings.judge import find
from device_grant.recordings.replay.sessions import open_sessions
from device_grant.report.forms import junit, markdown, sarif
from device_grant.results.baseline import load as read_baseline
from device_grant.results.reader import read as read_results
from device_grant.targets.load import read_target

EACH = 1100
"""Mutants of octets, and as many of data; of each kind of file."""
SEED = ROOT / "cassettes" / "clients" / "aws-sdk-java-v2-token-provider" / SESSIONS
RESULTS = ROOT / "reports" / "client-aws-js-token-providers" / "results.jsonl"


@pytest.fixture
def folder():
    """In memory where there is such a place: a disk takes longer for a file than a reader."""
    place = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=place if place.is_dir() and os.access(place, os.W_OK) else None) as name:
        yield Path(name)


def judged(path):
    find(read_capture(path))


@pytest.mark.parametrize("how", ["octets", "data"])
def test_har(folder, how):
    file = folder / "traffic.har"
    text = captured.har(captured.rfc(gaps=(5.2, 5.2), errors=("slow_down",)))
    mutants = of_octets(text.encode(), EACH, 1) if how == "octets" else map(as_json, of_data(json.loads(text), EACH, 2))
    counted = meet(lambda: judged(file), file, mutants)
    assert min(counted.values()) > EACH // 20, counted


@pytest.mark.parametrize("how", ["octets", "data"])
@pytest.mark.parametrize("layout", ["vcrpy", "betamax"])
def test_vcr(folder, how, layout):
    file = folder / "traffic.yaml"
    text = captured.vcr(captured.rfc(gaps=(5.2, 5.2), errors=("slow_down",)), layout=layout)
    data = yaml.safe_load(text)
    mutants = of_octets(text.encode(), EACH, 3) if how == "octets" else map(as_yaml, of_data(data, EACH, 4))
    counted = meet(lambda: judged(file), file, mutants)
    assert min(counted.values()) > EACH // 20, counted


CHECK = "user_decision::test_denial_is_final"
"""Few requests, which a replay answers one by one."""


def replayed(folder, name=CHECK):
    """Read a cassette, judge it as a capture, and where it can be replayed have its check."""
    cassette = read_cassette(folder)
    find(read_capture(folder))
    if name in cassette.tapes:
        judge(folder, name)


@pytest.mark.parametrize("how", ["octets", "data"])
@pytest.mark.parametrize("which", [f"{CHECK.partition('::')[0]}.yaml", "cassette.yaml", "shared.yaml"])
def test_cassettes_of_ours(folder, which, how):
    excerpt(RFC, folder, CHECK)
    file = folder / which
    octets, data = file.read_bytes(), read_yaml(file)
    each = EACH // 3 + 100
    mutants = of_octets(octets, each, 5) if how == "octets" else map(as_yaml, of_data(data, each, 6))
    counted = meet(lambda: replayed(folder), file, mutants)
    assert min(counted.values()) > each // 30, counted


def lines_of(data):
    """A mutant of a list of lines, which may be anything now."""
    listed = data if isinstance(data, list) else [data]
    return b"".join(as_json(line) + b"\n" for line in listed)


def played(folder):
    driver = open_sessions(folder, str(folder))
    return driver.config


@pytest.mark.parametrize("how", ["octets", "data"])
def test_sessions_of_clients(folder, how):
    file = folder / SESSIONS
    kept = SEED.read_bytes().splitlines(keepends=True)[:14]
    data = [json.loads(line) for line in kept]
    mutants = of_octets(b"".join(kept), EACH, 7) if how == "octets" else map(lines_of, of_data(data, EACH, 8))
    counted = meet(lambda: played(folder), file, mutants)
    assert min(counted.values()) > EACH // 60, counted


def shown(path):
    """Read results, and put them into forms that are short to make."""
    result = read_results(path)
    result.by_requirement()
    for form in (junit, markdown, sarif):
        form.render(result)


@pytest.mark.parametrize("how", ["octets", "data"])
def test_results(folder, how):
    file = folder / "results.jsonl"
    lines = RESULTS.read_bytes().splitlines(keepends=True)
    kept = [lines[0], *lines[1:12:4], lines[-1]]
    data = [json.loads(line) for line in kept]
    mutants = of_octets(b"".join(kept), EACH, 9) if how == "octets" else map(lines_of, of_data(data, EACH, 10))
    counted = meet(lambda: shown(file), file, mutants)
    assert min(counted.values()) > EACH // 60, counted


def table_of(data):
    return as_toml(data if isinstance(data, dict) else {"value": data})


TARGET = """\
name = "made up"
version = "1.2"
homepage = "https://example.org"
language = "go"
dialect = "rfc8628"
claims = { slow_down = true, registration = false }
[serve]
command = ["{python}", "-m", "server", "--port", "{port}"]
ready = "/health"
ready_timeout = 30.0
env = { HOME = "/nowhere" }
[endpoints]
base = "http://127.0.0.1:{port}/oauth2"
token = "/token"
device_authorization = "https://login.example.com/device"
trust = ["login.example.com"]
[[clients]]
id = "tv-app"
secret = "made-up"
authentication = "client_secret_basic"
[[clients]]
id = "other"
grants = ["refresh_token"]
[request]
scope = "openid profile"
registration = { contacts = ["a@example.org"], more = { deep = [1, 2.5] } }
[user]
login = "alice"
password = "made-up"
headers = { X-Address = "{address}" }
[user.pages]
code = "input[name=user_code]"
[user.second]
login = "bob"
password = "made-up"
[clock]
kind = "faketime"
longest_wait = 20
[lifetimes]
device_code = 600
interval = 5
[limits]
answer = 4096
exchange = 10.0
[iam]
access_key = "AKIDEXAMPLE"
secret_key = "made-up"
"""
CLIENT = """\
name = "made up"
dialect = "rfc8628"
language = "rust"
[run]
command = ["{build}/it", "login", "{endpoint}"]
build = [["make", "it"]]
env = { HOME = "{home}" }
deadline = 30
side_by_side = 4
[connect]
how = "proxy"
hosts = ["login.example.com"]
[speaks]
dialect = "entra"
[endpoints]
token = "/oauth2/token"
metadata = "/.well-known/x"
[response]
token = { scope = "openid", more = [1, null_is_not_toml], ext = { a = 1.5 } }
error = { error_codes = [70016] }
error_status = 200
[[answers]]
path = "/userinfo"
headers = { X-Any = "{client_id}" }
body = "{}"
[[files]]
path = ".config/it/tokens.json"
content = "{access_token}"
[clock]
scale = 5.0
[claims]
refresh = true
keeps = ["tokens"]
[exit]
success = 0
""".replace("null_is_not_toml", "2")
BASELINE = """\
withheld = ["security"]
[[known]]
requirement = "rfc8628-3.5-access-denied"
reason = "it is slow"
kind = "flaky"
[[known]]
requirement = "rfc8628-3.5-expired-token"
check = "expiry::test_expired"
match = "invalid_grant"
reason = "said so"
issue = "https://example.org/1"
expires = 2099-01-01
"""


@pytest.mark.parametrize("how", ["octets", "data"])
@pytest.mark.parametrize("kind", ["target", "client", "baseline"])
def test_what_people_write(folder, kind, how):
    text = {"target": TARGET, "client": CLIENT, "baseline": BASELINE}[kind]
    file = folder / f"{kind}.toml"
    ids = {entry.id for entry in catalogue().requirements}
    read = {
        "target": lambda: read_target(file),
        "client": lambda: read_client(file),
        "baseline": lambda: read_baseline(file, ids, security_ids={"rfc8628-5.1-user-code-entropy"}),
    }[kind]
    file.write_text(text, encoding="utf-8")
    read()
    data = tomllib.loads(text)
    mutants = of_octets(text.encode(), EACH, 11) if how == "octets" else map(table_of, of_data(data, EACH, 12))
    counted = meet(read, file, mutants)
    assert min(counted.values()) > EACH // 60, counted
