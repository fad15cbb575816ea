"""Machines on a real clock: servers that limit wrong codes, the budget, and Ctrl-C."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from odd_sockets import BySocket, WaitingRoomBySocket
from peer_room import by_socket_toml

from device_grant.cli import cli
from device_grant.errors import ExitCode
from device_grant.learning import word
from device_grant.learning.asking import Asking, Budget, _Node, _spare
from device_grant.learning.endings import OutOfBudgetError, ThrottledError
from device_grant.learning.word import Actors

FEW = ("--inputs", "poll_polite,approve")
# Each takes two minutes, of which nearly all is waiting.
PEERS = [BySocket, WaitingRoomBySocket] if os.environ.get("DEVICE_GRANT_ALL_PEERS") else [WaitingRoomBySocket]


@pytest.fixture
def target(tmp_path):
    def made(peer):
        file = tmp_path / "target.toml"
        file.write_text(by_socket_toml(peer))
        return str(file)

    return made


def learned(*words):
    result = CliRunner().invoke(cli, ["learn", *words, "--json"], standalone_mode=False)
    if result.exception is not None:
        raise result.exception
    [record] = json.loads(result.output)
    return result.return_value, record


@pytest.mark.long
@pytest.mark.parametrize("peer", PEERS, ids=lambda peer: peer.__name__)
def test_pages_that_limit_wrong_codes_are_learned_without_any(peer, target, monkeypatch):
    """After the first that the pages put off no wrong code is typed any more; nobody is said to be of two minds."""
    monkeypatch.setattr(word, "REST", 9.0)
    code, record = learned(target(peer), *FEW, "--budget", "240")
    assert (code, record["complete"], record["disagreements"]) == (0, True, [])
    assert record["seconds"] < 240
    assert any("limit how often somebody types a code" in remark for remark in record["remarks"])
    machine = [{letter: answer for letter, (answer, _) in state.items()} for state in record["states"]]
    assert machine == [
        {"poll_polite": "pending", "approve": "ok"},
        {"poll_polite": "token", "approve": "-"},
        {"poll_polite": "invalid_grant", "approve": "-"},
    ]


@pytest.mark.long
def test_the_budget_runs_on_the_real_clock_and_waits_end_with_it(target):
    began = time.monotonic()
    code, record = learned(target(BySocket), "--inputs", "poll_polite,approve,expire", "--budget", "8")
    assert code == ExitCode.NOTHING_RAN
    assert record["stopped"] == "the time of 8 s is over (--budget)"
    assert record["edges"] == record["disagreements"] == []
    # Codes live 20 s: no word is waited for to its end. Starting and stopping the server takes a while as well.
    assert record["seconds"] < 13
    assert time.monotonic() - began < 40


@pytest.mark.long
def test_an_interruption_ends_the_waits_and_keeps_what_was_learned(target, tmp_path):
    out = tmp_path / "out"
    command = [
        sys.executable,
        "-m",
        "device_grant",
        "learn",
        target(BySocket),
        "--inputs",
        "poll_polite,approve,expire",
    ]
    with subprocess.Popen([*command, "--out", str(out)], stdout=subprocess.PIPE, text=True) as process:
        time.sleep(9)
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        output, _ = process.communicate(timeout=60)
    assert time.monotonic() - began < 30
    assert process.returncode == 128 + signal.SIGINT
    assert "interrupted (Ctrl-C)" in output
    record = json.loads((out / "machine-own.json").read_text())
    assert (record["complete"], record["stopped"], record["edges"]) == (False, "interrupted (Ctrl-C)", [])


class Still:
    """A clock that sleeps, and a budget that is used up meanwhile."""

    sleeps, kind = True, "real"

    def __init__(self):
        self.waited = []

    def wait(self, seconds):
        self.waited.append(seconds)


def test_a_rest_is_no_longer_than_the_budget(monkeypatch):
    clock = Still()
    run = type("Run", (), {"target": type("Target", (), {"clock": clock}), "exchanges": 0})
    asking = Asking(Actors(run), Budget(30.0, 1000))
    asking.budget.began -= 20
    monkeypatch.setattr(asking.budget, "require", lambda _requests: (_ for _ in ()).throw(OutOfBudgetError("over")))
    with pytest.raises(OutOfBudgetError):
        asking._rest(ThrottledError("put off"))
    assert clock.waited[0] <= 10


def test_what_is_known_of_wrong_codes_is_forgotten_and_nothing_else():
    def tree(*words):
        root = _Node()
        for one in words:
            node = root
            for letter in one.split():
                node = node.after.setdefault(letter, ("ok", _Node()))[1]
        return root

    def words(node, before=()):
        for letter, (_, after) in node.after.items():
            yield " ".join((*before, letter))
            yield from words(after, (*before, letter))

    root = tree(
        "approve approve", "approve poll_polite deny", "poll_polite approve", "expire deny", "half_life approve"
    )
    for letter in ("half_life", "approve"):
        root.after["half_life"][1].after.setdefault("half_life", ("ok", _Node()))[1].after[letter] = ("ok", _Node())
    _spare(root)
    assert set(words(root)) == {
        "approve",
        "approve poll_polite",
        "poll_polite",
        "poll_polite approve",
        "expire",
        "half_life",
        "half_life approve",
        "half_life half_life",
        "half_life half_life half_life",
    }
