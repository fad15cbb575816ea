"""Peers that are processes of their own, servers on sockets and clients: the commands do not accuse them either."""

import json
import os
import subprocess
import sys

import pytest
from odd_client import MODES
from peer_room import FOLDER, SOCKETS, by_socket_toml

pytestmark = pytest.mark.long

ALL = bool(os.environ.get("DEVICE_GRANT_ALL_PEERS"))
"""Set: all of them, with all that is asked of them. On a real clock that is a minute each."""
SERVED = ("Http10", "ChunkedAws")
# Those requirements are looked at in every exchange: without names of checks all would run, and wait on the real clock.
QUICK_CHECKS = "test_http or test_raw_http or test_transport or test_encoding or test_denial"
UNTIMED = ("--only", "rfc9112-*", "--only", "rfc9110-*", "--", "-k", QUICK_CHECKS)
LOGGING_IN = ("basic",)
QUICK_SCENARIOS = "ending or asking or answers or test_pending"
BRIEF = ("--only", "rfc8628-3.5-access-denied*", "--only", "rfc6749-2.3*", "--", "-k", QUICK_SCENARIOS)
CLAIMS = {
    "basic": "confidential = true",
    "body": "confidential = true",
    "discovers": "metadata = true",
    "refreshes": "refresh = true\nkeeps = true",
    "reuses": 'keeps = ["tokens"]',
}
CLIENT_DEVIATIONS = {
    "resigns": {"rfc8628-3.5-slow-down-continue-polling": "it gives up, and says so"},
    "body": {"rfc6749-2.3.1-body-credentials-discouraged": "Basic would be better"},
}


def accusations_of(command, file, *options):
    """What was held against it; the command ends with an error of the suite for nobody."""
    report = file.parent / "report"
    done = subprocess.run(
        [sys.executable, "-m", "device_grant", command, str(file), "--report", str(report), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    (file.parent / "terminal").write_text(done.stdout, encoding="utf-8")
    assert done.returncode in (0, 1), done.stdout[-2000:] + done.stderr[-2000:]
    lines = [json.loads(line) for line in (report / "results.jsonl").read_text("utf-8").splitlines()]
    results = [line for line in lines if line["kind"] == "result"]
    assert any(line["verdict"] == "pass" for line in results)
    return {
        line["requirement"]: f"{line['verdict']} {line['check']}: {line['message']}"
        for line in results
        if line["verdict"] in ("fail", "warn")
    }


@pytest.mark.parametrize("name", [name for name in SOCKETS if ALL or name in SERVED])
def test_server_is_not_accused(name, tmp_path):
    file = tmp_path / "target.toml"
    file.write_text(by_socket_toml(SOCKETS[name]))
    said = accusations_of("run", file, *(() if ALL else UNTIMED))
    assert {key: text for key, text in said.items() if key not in SOCKETS[name].deviations} == {}


SIDE_BY_SIDE = ("--", "-k", "test_polling or test_side_by_side")


def test_codes_that_are_forgotten_for_their_number_accuse_nobody(tmp_path):
    """Each check alone has fewer codes than the server keeps; all of them side by side have many more."""
    file = tmp_path / "target.toml"
    file.write_text(by_socket_toml(SOCKETS["KeepsTwelve"]))
    said = accusations_of("run", file, *SIDE_BY_SIDE)
    assert {key: text for key, text in said.items() if key not in SOCKETS["KeepsTwelve"].deviations} == {}
    terminal = " ".join((tmp_path / "terminal").read_text("utf-8").split())
    assert "again 0 of " in terminal
    assert "were run once more, a few at a time" in terminal


def test_codes_that_are_lost_however_few_there_are_are_found(tmp_path):
    file = tmp_path / "target.toml"
    text = by_socket_toml(SOCKETS["BySocket"]).replace("BySocket", "LosesCodes")
    file.write_text(text.replace("odd_sockets.py", "broken_sockets.py"))
    assert "rfc8628-3.5-pending-is-not-terminal" in accusations_of("run", file, "--", "-k", "test_polling")


@pytest.mark.parametrize("mode", [mode for mode in MODES if ALL or mode in LOGGING_IN])
def test_client_is_not_accused(mode, tmp_path):
    file = tmp_path / "client.toml"
    command = ["{python}", str(FOLDER / "odd_client.py"), mode]
    file.write_text(f'name = "{mode}"\n[run]\ncommand = {json.dumps(command)}\n[claims]\n{CLAIMS.get(mode, "")}\n')
    said = accusations_of("client", file, *(() if ALL else BRIEF))
    assert {key: text for key, text in said.items() if key not in CLIENT_DEVIATIONS.get(mode, {})} == {}
