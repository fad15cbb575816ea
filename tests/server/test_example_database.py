"""The example database: what failed once is tried first, in every process, and nothing else about a run changes."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
from hypothesis import strategies as st
from hypothesis.database import InMemoryExampleDatabase
from hypothesis.stateful import RuleBasedStateMachine, rule
from support.needs import needs
from support.proof import catalogue, judges

from device_grant.catalogue import Verdict
from device_grant.engine.options import Options
from device_grant.errors import UsageError
from device_grant.judging import Judgement
from device_grant.protocol.events import Noted
from device_grant.pytest_plugin.options import as_arguments
from device_grant.reference.embedded import embedded
from device_grant.server.generation.database import Examples, open_database, passwords, shown
from device_grant.server.generation.fuzz import Fuzz
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run

CHECK = "polling::test_pending"
REQUIREMENT = "rfc8628-3.5-authorization-pending"
LIMIT = 900_000
NUMBERS = st.integers(0, 1_000_000)


@contextmanager
def case_of(examples=None, check=CHECK, profile="fast", seed=None):
    with embedded("rfc8628", ()) as target:
        run = new_run(target, "rfc8628", catalogue(), profile, seed)
        run.examples = examples
        yield ServerCase(run, judges()[0][check])
        run.close()


def judged(examples=None, *, limit=LIMIT, strategy=NUMBERS, **changes):
    """What was judged, in order, and the verdict; what is above the limit is broken."""
    seen = []
    with case_of(examples, **changes) as case:

        def judge(number):
            seen.append(number)
            case.ledger.settle(Judgement(REQUIREMENT, number < limit, "too large"))

        Fuzz(case)(strategy, judge)
        return seen, case.ledger.tallies[REQUIREMENT].verdict


def description(examples=None, *, longest=99, **changes):
    """The steps of all stories of a machine that breaks when it has counted too far."""
    steps = []
    with case_of(examples, **changes) as case:

        class Counting(RuleBasedStateMachine):
            def __init__(self):
                super().__init__()
                self.sum = 0

            @rule(number=st.integers(0, 1000))
            def count(self, number):
                steps.append(number)
                self.sum += number
                case.ledger.settle(Judgement(REQUIREMENT, self.sum < longest, "counted too far"))

        Fuzz(case).stories(Counting, 10, 5)
        return steps, case.ledger.tallies[REQUIREMENT].verdict


def test_what_failed_is_tried_first_by_the_next_run(tmp_path):
    first, verdict = judged(open_database(str(tmp_path)))
    assert verdict is Verdict.FAIL
    assert first[0] != LIMIT
    again, verdict = judged(open_database(str(tmp_path)))
    assert verdict is Verdict.FAIL
    assert again[0] == LIMIT
    assert len(again) < len(first)


def test_stories_that_failed_are_told_first(tmp_path):
    first, _ = description(open_database(str(tmp_path)))
    again, verdict = description(open_database(str(tmp_path)))
    assert verdict is Verdict.FAIL
    assert len(again) < len(first) / 2


def test_what_no_longer_fails_is_forgotten(tmp_path):
    judged(open_database(str(tmp_path)))
    repaired, verdict = judged(open_database(str(tmp_path)), limit=2_000_000)
    assert repaired[0] == LIMIT
    assert verdict is Verdict.PASS
    assert judged(open_database(str(tmp_path)), limit=2_000_000)[0][0] != LIMIT


def test_each_check_target_and_batch_has_its_own(tmp_path):
    judged(open_database(str(tmp_path)))
    with case_of(open_database(str(tmp_path)), check="polling::test_polite_polling") as case:
        seen = []
        Fuzz(case)(NUMBERS, seen.append)
        Fuzz(case)(NUMBERS, seen.append, batch="others")
        assert LIMIT not in (seen[0], seen[60])
    with case_of(open_database(str(tmp_path))) as case:
        seen = []
        fuzz = Fuzz(case)
        fuzz(NUMBERS, seen.append, batch="others")
        assert seen[0] != LIMIT
        case.run.target.config = case.run.target.config.__class__(name="another", dialect="rfc8628")
        seen.clear()
        Fuzz(case)(NUMBERS, seen.append)
        assert seen[0] != LIMIT


@pytest.mark.parametrize("run", [judged, description], ids=["examples", "stories"])
def test_a_database_changes_nothing_else(tmp_path, run):
    fine = {"limit": 2_000_000} if run is judged else {"longest": 10_000}
    assert run(open_database(str(tmp_path)), **fine) == run(**fine)
    assert run(**fine) == run(**fine)


@pytest.mark.parametrize("run", [judged, description], ids=["examples", "stories"])
def test_a_seed_brings_the_same_again(tmp_path, run):
    fine = {"limit": 2_000_000} if run is judged else {"longest": 10_000}
    once = run(profile="standard", seed=7, **fine)
    assert run(profile="standard", seed=7, **fine) == once
    assert run(open_database(str(tmp_path)), profile="standard", seed=7, **fine) == once
    assert run(profile="standard", seed=8, **fine) != once


def test_modules_that_happen_to_be_loaded_change_no_example(tmp_path):
    before, _ = judged(limit=2_000_000)
    # As many as make it certain that some would be drawn.
    (tmp_path / "loaded_later.py").write_text(f"NUMBERS = {list(range(500_000, 501_000, 5))}\n")
    spec = importlib.util.spec_from_file_location("loaded_later", tmp_path / "loaded_later.py")
    sys.modules["loaded_later"] = module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
        assert judged(limit=2_000_000)[0] == before
    finally:
        del sys.modules["loaded_later"]


class Failing(InMemoryExampleDatabase):
    def fetch(self, key):
        raise ConnectionResetError(f"connection reset at {key!r}")


def test_a_database_that_fails_costs_no_verdict():
    with case_of(Examples(Failing())) as case:
        for limit in (2_000_000, LIMIT):
            Fuzz(case)(
                NUMBERS, lambda n, limit=limit: case.ledger.settle(Judgement(REQUIREMENT, n < limit, "too large"))
            )
        notes = [entry.remark for entry in case.transcript if isinstance(entry, Noted)]
        assert case.ledger.tallies[REQUIREMENT].verdict is Verdict.FAIL
    assert len(notes) == 1
    assert "connection reset" in notes[0]


@pytest.mark.parametrize(
    ("location", "written", "secret"),
    [
        ("examples", "examples", []),
        ("redis://127.0.0.1:6379/0", "redis://127.0.0.1:6379/0", []),
        ("redis://user:p%40ss@host:1/0", "redis://host:1/0", ["p%40ss", "p@ss"]),
        ("unix:///run/redis.sock?password=hush", "unix:///run/redis.sock", ["hush"]),
    ],
)
def test_passwords_are_not_written_down(location, written, secret):
    assert shown(location) == written
    assert passwords(location) == secret
    options = Options.chosen(
        target="embedded", profile="fast", seed=None, only=(), faults=(), database=location, command=f"run {location}"
    )
    assert options.command == f"run {written}"
    assert options.rest[-2:] == ("--database", written)
    assert f"--grant-database={location}" in as_arguments(options)


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        open_database(str(tmp_path / "file" / "examples"))
    with pytest.raises(UsageError, match="redis://HOST:PORT"):
        open_database("http://127.0.0.1/")


def test_without_the_client_of_redis(monkeypatch):
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(UsageError, match=r"device-grant-conformance\[redis\]"):
        open_database("redis://127.0.0.1:1")


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory):
    """The address of a Redis server of our own, with a password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    options = ["--port", str(port), "--bind", "127.0.0.1", "--requirepass", "open-sesame", "--dir", str(folder)]
    server = subprocess.Popen(["redis-server", *options, "--save", "", "--daemonize", "no"], stdout=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert server.poll() is None, "redis-server ended"
                time.sleep(0.02)
        yield f"redis://:open-sesame@127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=20)


WORKER = "import sys, test_example_database as t; print(*t.judged(t.open_database(sys.argv[1]))[0])"


@needs("redis-server")
def test_one_worker_tries_what_another_found(redis_server):
    seen = []
    for hash_seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", WORKER, redis_server],
            env={**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        seen.append([int(number) for number in done.stdout.split()])
    assert seen[0][0] != LIMIT
    assert seen[1][0] == LIMIT
    assert len(seen[1]) < len(seen[0])


@needs("redis-server")
def test_the_password_is_in_no_file(redis_server, tmp_path):
    options = ["--only", "rfc8628-3.5-access-denied", "--fault", "denial_as_invalid_grant", "--report", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "device_grant", "run", "embedded:rfc8628", *options, "--database", redis_server],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    written = [done.stdout, done.stderr, *(file.read_text() for file in tmp_path.iterdir())]
    assert not [text for text in written if "open-sesame" in text]
    lines = [json.loads(line) for line in (tmp_path / "results.jsonl").read_text().splitlines()]
    assert "--database redis://127.0.0.1:" in lines[0]["command"]
    assert [line for line in lines if "--database redis://127.0.0.1:" in line.get("reproduce", "")]


@needs("redis-server")
def test_redis_refuses_a_wrong_password(redis_server):
    with pytest.raises(UsageError, match="password") as refused:
        open_database(redis_server.replace("open-sesame", "wrong-word"))
    assert "wrong-word" not in str(refused.value)


@needs("redis-server")
def test_redis_that_goes_away_costs_no_verdict(redis_server, monkeypatch):
    examples = open_database(redis_server)
    monkeypatch.setattr(examples._kept, "redis", open_database(redis_server)._kept.redis)
    examples._kept.redis.connection_pool.connection_kwargs["port"] = 1
    examples._kept.redis.connection_pool.disconnect()
    seen, verdict = judged(examples)
    assert verdict is Verdict.FAIL
    assert len(seen) > 1
