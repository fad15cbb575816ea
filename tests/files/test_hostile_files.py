"""The whole command meets hostile files: one line that names the file, exit code 2, little memory, little time."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import time
import zlib

import pytest
from support import ROOT

from device_grant.visible import visible

MOST = 600
"""Megabytes that a process may have at its largest."""
SECONDS = 60
SESSIONS = ROOT / "cassettes" / "clients" / "authlib" / "sessions.jsonl"
RESULTS = ROOT / "reports" / "client-aws-js-token-providers" / "results.jsonl"
BASELINE = '[[known]]\nrequirement = "rfc8628-3.5-slow-down"\nreason = "x"\n'
TARGET = 'name = "x"\n[endpoints]\nbase = "http://127.0.0.1:9"\n'
CLIENT = 'name = "x"\n[run]\ncommand = ["true"]\n'


def command(*words):
    """Exit code, standard output, standard error and megabytes of the command, whose deadline is its own."""
    began = time.monotonic()
    words = [sys.executable, "-P", "-m", "device_grant", *map(str, words)]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/") as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, _megabytes(process.pid))
            if time.monotonic() - began > SECONDS:
                process.kill()
                raise AssertionError("it does not end")
            time.sleep(0.02)
        out, err = process.communicate()
    return process.returncode, out, err, peak


def _megabytes(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as file:  # noqa: PTH123 - of another process, which may end
            return next((int(line.split()[1]) // 1024 for line in file if line.startswith("VmHWM")), 0)
    except OSError:
        return 0


def refused(file, *words):
    """What the command says, without the name of the file, once it is one line that ends with what to do."""
    code, out, err, peak = command(*words)
    assert code == 2, out + err
    lines = err.splitlines()
    assert len(lines) == 1, err
    assert str(file) in lines[0]
    assert visible(lines[0]) == lines[0]
    assert "Traceback" not in out + err
    assert peak < MOST
    return lines[0].replace(str(file), "FILE")


def bomb():
    """Base64 of 4 GB of zeros, compressed."""
    packer = zlib.compressobj(9, wbits=-15)
    # After a full flush nothing refers to what came before.
    block = packer.compress(bytes(2**24)) + packer.flush(zlib.Z_FULL_FLUSH)
    return base64.b64encode(b"\x1f\x8b\x08" + bytes(7) + block * 256 + b"\x03\0").decode()


def cassette(body, headers=""):
    return f"""\
version: 1
interactions:
- request: {{method: POST, uri: 'https://login.example/token', headers: {{}}, body: grant_type=x}}
  response:
    status: {{code: 200, message: OK}}
    headers: {{content-type: [application/json]{headers}}}
    body: {{string: {body}}}
"""


def entry(url="https://login.example/token"):
    return {"request": {"method": "GET", "url": url}, "response": {"status": 200, "content": {"text": "x"}}}


LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)
)
CAPTURES = {
    "bomb.yaml": (lambda: cassette(f"!!binary {bomb()}", ", content-encoding: [gzip]"), "stands for more than 16 MB"),
    "laughs.yaml": (lambda: LAUGHS + "interactions: [*u]\n", "by aliases, in line 6"),
    "dates.yaml": (lambda: cassette("2020-01-01") + "  recorded_at: 2020-13-77\n", "no time by ISO 8601"),
    "number.yaml": (lambda: cassette("9" * 5000), "a number of 5000 characters in line 7, column 20"),
    "deep.har": (lambda: "[" * 10**6, "nested too deeply in line 1, column 65"),
    "many.har": (lambda: '{"log": {"entries": [' + "{}," * 2 * 10**6 + "{}]}}", "more than 1500000 values"),
    "surrogate.har": (
        lambda: json.dumps({"log": {"entries": [entry(), entry("https://\ud800.example/")]}}),
        r"entry 2: 'https://\\ud800.example/' is no absolute URL",
    ),
    "escape.har": (lambda: json.dumps({"\x1b[2J\x1b]0;x\x07": [], "\u202e": 1}), "no capture that is known here"),
    "status.har": (
        lambda: json.dumps({"log": {"entries": [{**entry(), "response": {"status": 10**300}}]}}),
        "a number of 301 characters in line 1",
    ),
    "wide.har": (lambda: json.dumps({"log": 1}).encode("utf-16"), "a HAR file without log.entries"),
    "packed.har": (lambda: b"\x1f\x8b\x08\0", "a gzip file: unpack it"),
    "cut.har": (lambda: b'{"log": {"entries": [\n {"x": "\xc3', r"not UTF-8 in line 2, column 9 \(octet 0xc3\)"),
    "empty.har": (lambda: "", "empty"),
}


@pytest.mark.parametrize("name", CAPTURES)
def test_captures(tmp_path, name):
    made, said = CAPTURES[name]
    content = made()
    file = tmp_path / name
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    assert re.search(said, refused(file, "judge", file))


def test_what_is_good_is_judged_beside_it(tmp_path):
    good, bad = tmp_path / "good.har", tmp_path / "bad.har"
    good.write_text(json.dumps({"log": {"entries": [entry()]}}), "utf-8")
    bad.write_text("{", "utf-8")
    code, out, err, _ = command("judge", bad, good)
    assert code == 2
    assert f"{good}: HAR, nothing of the device grant" in out.replace("\n", "")
    assert err.count("\n") == 1
    code, out, err, _ = command("report", bad, RESULTS)
    assert code == 2
    assert "aws-sdk-js-v3-token-providers" in out
    assert err.count("\n") == 1


def test_files_that_never_end(tmp_path):
    pipe = tmp_path / "pipe.har"
    os.mkfifo(pipe)
    sparse = tmp_path / "sparse.har"
    with sparse.open("wb") as file:
        file.truncate(10**12)
    assert "larger than 48 MB" in refused(sparse, "judge", sparse)
    assert "larger than 48 MB" in refused("/dev/zero", "report", "/dev/zero")
    assert "does not come to its end" in refused(pipe, "judge", pipe)


def changed(line, **members):
    return json.dumps({**json.loads(line), **members})


def numbered(name, number):
    """The footer with a number as it is written."""
    return changed(LINES[-1], **{name: 12345}).replace("12345", number)


LINES = RESULTS.read_text("utf-8").splitlines()
HOSTILE_RESULTS = {
    "octets": (lambda: [*LINES[:2], b'{"kind": "\xff"}', LINES[-1]], r"FILE:3: not UTF-8 \(octet 0xff\)"),
    "check": (lambda: [LINES[0], changed(LINES[1], check="a\0b"), LINES[-1]], "FILE:2: check: has characters that"),
    "exit": (lambda: [*LINES[:-1], numbered("exit_code", "9" * 300)], r"FILE:\d+: exit_code: Expected `int` <= 255"),
    "time": (lambda: [*LINES[:-1], numbered("duration", "1e999")], r"FILE:\d+: "),
    "deep": (lambda: [LINES[0], '{"kind":"result","steps":' + "[" * 10**5, LINES[-1]], "FILE:2: "),
    "many": (lambda: [LINES[0], '{"x":[' + "{}," * 2 * 10**6 + "0]}"], "more than 1500000 values"),
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE_RESULTS)
def test_results(tmp_path, name):
    made, said = HOSTILE_RESULTS[name]
    file = tmp_path / "results.jsonl"
    file.write_bytes(b"".join((line if isinstance(line, bytes) else line.encode()) + b"\n" for line in made()))
    assert re.search(said, refused(file, "report", file))
    for words in (["merge", file], ["diff", RESULTS, file]):
        if name in ("octets", "check"):
            refused(file, *words)


CONFIGURATIONS = {
    "digits": ("target", TARGET + f"[clock]\nlongest_wait = {'9' * 5000}\n", "too many digits in line 5, column 16"),
    "long": (
        "target",
        TARGET + "[clock]\nlongest_wait = 1e300\n",
        "clock.longest_wait: Expected `float` <= 1000000000",
    ),
    "endless": ("target", TARGET + "[limits]\nexchange = inf\n", "limits.exchange: inf is no number"),
    "date": ("target", TARGET + "[request]\nregistration = {x = 2020-01-01}\n", "request.registration.x: a date"),
    "escape": ("target", TARGET.replace("x", r"\u001b[2J", 1), "name: .* has characters that nobody sees"),
    "null": ("target", TARGET.replace("x", r"\u0000", 1), r"name: has the character U\+0000"),
    "deep": ("target", TARGET + "x = " + "[" * 10**5, "nested too deeply"),
    "header": ("target", TARGET + '[user]\nheaders = {"a b" = "x"}\n', "user.headers: 'a b' is no name of a header"),
    "variable": ("client", CLIENT + '[run.env]\n"A=B" = "x"\n', "run.env: 'A=B' is no name"),
    "status": ("client", CLIENT + "[response]\nerror_status = 99999\n", "response.error_status: Expected `int` <= 999"),
    "octets": ("client", CLIENT.encode() + b"# \xff", "not UTF-8 in line 4, column 3"),
    "expires": ("baseline", BASELINE + "expires = 2020-01-01T00:00:00Z\n", r"known\[0\].expires: a time"),
    "known": ("baseline", "known = 1\n", "`known` must be a list of tables"),
}


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configurations(tmp_path, name):
    kind, content, said = CONFIGURATIONS[name]
    file = tmp_path / f"{kind}.toml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    words = {"target": ["run", file], "client": ["client", file], "baseline": ["run", "embedded", "--expect", file]}
    assert re.search(said, refused(file, *words[kind]))


def test_recordings(tmp_path):
    folder = tmp_path / "client"
    folder.mkdir()
    file = folder / "sessions.jsonl"
    head, *rest = SESSIONS.read_bytes().splitlines(keepends=True)
    file.write_bytes(head + b"[" * 10**6 + b"\n" + b"".join(rest))
    assert "line 2" in refused(file, "replay", folder)
    file.write_bytes(head.replace(b'"recorded"', b'"recorded":"\\u001b[2J","x"') + b"".join(rest))
    assert "line 1" in refused(file, "replay", folder)
    server = tmp_path / "server"
    server.mkdir()
    file = server / "cassette.yaml"
    file.write_text(LAUGHS, "utf-8")
    assert "by aliases, in line 6" in refused(file, "replay", server)
    manifest = (ROOT / "cassettes" / "dex" / "cassette.yaml").read_text("utf-8")
    file.write_text(re.sub(r"(?m)^checks:\n", "checks:\n- ../../../../etc/passwd::x\n", manifest), "utf-8")
    assert "checks[0]: " in refused(file, "replay", server)
    machine = tmp_path / "machine-x.json"
    machine.write_text('{"format": "device-grant-machine-1", "k": 1e400}', "utf-8")
    assert "the number 1e400 in line 1, column 43" in refused(machine, "learn", "--diff", machine, machine)
