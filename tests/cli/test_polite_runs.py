"""`device-grant run --polite` as a person starts it: what is said and asked first, and what is not sent."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest
from support.commands import device_grant, lines_of, one_line, run_pytest
from support.counted import listening


@pytest.fixture(scope="module")
def somebody_else():
    with listening("aws-sso-oidc") as served:
        yield served


def described(folder, url, *lines):
    file = folder / "target.toml"
    own = ('name = "theirs"', 'dialect = "aws-sso-oidc"', "polite = true", *lines, "[endpoints]", f'base = "{url}"')
    file.write_text("\n".join(own), encoding="utf-8")
    return str(file)


def last(done):
    return done.stderr.strip().splitlines()[-1]


def test_nothing_is_sent_where_nobody_can_be_asked(somebody_else, tmp_path):
    url, counter = somebody_else
    before = len(counter.arrivals)
    for words in ((url, "--dialect", "aws-sso-oidc", "--polite"), (described(tmp_path, url),)):
        done = device_grant("run", *words, "--report", tmp_path / "report")
        assert done.returncode == 2
        assert "add --yes" in last(done)
        assert "at most 150 requests, at most 2 a second" in done.stderr.splitlines()[0]
    assert len(counter.arrivals) == before
    assert not (tmp_path / "report").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("-n", "2"), "leave -n out"),
        (("--shard", "1/2"), "leave --shard out"),
        (("--budget", "151"), "151 is not in the range"),
        (("--budget", "0"), "0 is not in the range"),
        (("--rate", "2.5"), "2.5 is not in the range"),
        (("--rate", "nan"), "nan is not"),
        (("--check", "polling::test_nothing"), "no check matches"),
    ],
)
def test_what_does_not_go_together_sends_nothing(somebody_else, tmp_path, words, said):
    url, counter = somebody_else
    before = len(counter.arrivals)
    done = device_grant("run", described(tmp_path, url), "--plan", *words)
    assert done.returncode == 2, done.stdout
    assert said in last(done)
    assert len(counter.arrivals) == before


@pytest.mark.parametrize("words", [("--plan",), ("--budget", "9"), ("--rate", "1")])
def test_what_is_of_a_polite_run_alone(words):
    done = device_grant("run", "embedded:rfc8628", *words)
    assert done.returncode == 2
    assert one_line(done).endswith("is of a polite run: add --polite")


def test_the_plan_sends_nothing(somebody_else, tmp_path):
    url, counter = somebody_else
    before = len(counter.arrivals)
    done = device_grant("run", described(tmp_path, url), "--plan")
    assert done.returncode == 0, done.stderr
    assert "Rehearsed against the embedded server of this dialect" in done.stdout
    assert "polling::test_pending" in done.stdout
    assert "it sends requests at the same moment" in done.stdout
    data = json.loads(device_grant("run", described(tmp_path, url), "--plan", "--json").stdout)
    assert 50 < data["requests"] <= data["budget"] == 150
    assert len(counter.arrivals) == before


@pytest.mark.parametrize("command", [("record", "--out", "cassette"), ("drift",)])
def test_commands_that_send_what_they_like_refuse(somebody_else, tmp_path, command):
    from support import captured

    url, counter = somebody_else
    before = len(counter.arrivals)
    (tmp_path / "login.har").write_text(captured.har(captured.aws()), encoding="utf-8")
    name, *rest = command
    words = ("login.har",) if name == "drift" else ()
    done = device_grant(name, *words, described(tmp_path, url), *rest, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "polite = true" in one_line(done)
    assert len(counter.arrivals) == before


@pytest.mark.long
def test_the_pace_holds_on_the_real_clock(somebody_else, tmp_path):
    url, counter = somebody_else
    before = len(counter.arrivals)
    done = device_grant(
        "run", described(tmp_path, url), "--yes", "--budget", "14", "--report", tmp_path / "report", timeout=180
    )
    assert done.returncode == 0, done.stdout + done.stderr
    at = [one.at for one in counter.arrivals[before:]]
    assert len(at) == 14
    assert at[-1] - at[0] >= 13 / 2
    # They are let go at least 0.55 s apart; how long each is under way is the machine's business.
    assert max(sum(start <= one < start + 0.9 for one in at) for start in at) <= 2
    lines = lines_of(tmp_path / "report")
    assert any("the budget of 14 requests was used up" in line.get("message", "") for line in lines)
    assert {line["verdict"] for line in lines if line["kind"] == "result"} <= {"pass", "untestable", "not-applicable"}
    assert "left out" in lines[-1]["narrowed"]
    page = (tmp_path / "report" / "index.html").read_text("utf-8")
    assert "left out by --polite: it sends requests at the same moment" in page
    assert "judged by fewer checks than in a whole run" in page


def test_a_person_is_asked_at_the_terminal(somebody_else, tmp_path):
    url, counter = somebody_else
    before = len(counter.arrivals)
    ours, theirs = pty.openpty()
    words = [sys.executable, "-m", "device_grant", "run", described(tmp_path, url)]
    with subprocess.Popen(words, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        os.write(ours, b"n\n")
        _, said = process.communicate(timeout=60)
    os.close(ours)
    os.close(theirs)
    assert process.returncode == 2
    assert said.index("at most 150 requests") < said.index("Go on? [y/N]") < said.index("no request was sent")
    assert len(counter.arrivals) == before


def test_pytest_asks_for_agreement_too(somebody_else, tmp_path):
    url, counter = somebody_else
    before = len(counter.arrivals)
    words = ("--pyargs", "device_grant.server.checks", "--grant-target", described(tmp_path, url), "-n0")
    done = run_pytest(*words, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "--grant-yes" in done.stdout + done.stderr
    assert len(counter.arrivals) == before
    done = run_pytest(
        "--pyargs",
        "device_grant.server.checks",
        "--grant-target",
        "embedded:aws-sso-oidc",
        "--grant-polite",
        "--grant-yes",
        "-k",
        "polling or races",
        "-n0",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    assert "skipped" in done.stdout


def test_doctor_keeps_to_it(somebody_else, tmp_path):
    url, counter = somebody_else
    before = len(counter.arrivals)
    done = device_grant("doctor", described(tmp_path, url))
    assert done.returncode == 5
    assert "at most 150 requests" in done.stderr
    assert 0 < len(counter.arrivals) - before < 10
