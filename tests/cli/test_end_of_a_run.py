"""The end of what a run prints: the verdict, a line for each cause, the report, what the exit code means."""

from __future__ import annotations

import re

import pytest
from support.commands import device_grant, lines_of

TWO = ("--check", "polling::test_pending", "--check", "user_decision::test_denial_is_final")
DENIED = ("run", "embedded:rfc8628", *TWO, "--fault", "denial_as_invalid_grant")


def end(done):
    return done.stdout[done.stdout.rindex("In short") :].splitlines()[1:]


def test_failures_first_and_the_verdict_last(tmp_path):
    done = device_grant(*DENIED, "--report", str(tmp_path))
    assert done.returncode == 1
    whole = done.stdout
    assert whole.index("Failures") < whole.index("In short")
    said = " ".join(end(done))
    assert "fail rfc8628-3.5-access-denied: answered 400 invalid_grant instead of access_denied" in said
    assert "Not conformant: 1 requirement fails" in said
    assert re.search(r"Report: \S+index.html", said)
    assert end(done)[-1].startswith("Exit code 1: ")


@pytest.mark.parametrize("words", [DENIED, ("client", "honest:rfc8628", "--check", "ending::test_access_denied")])
def test_quiet_prints_the_end_alone(words):
    done = device_grant(*words, "--quiet")
    assert done.stdout.lstrip().startswith("In short")
    assert len(done.stdout.strip().splitlines()) < 10
    assert end(done)[-1].startswith(f"Exit code {done.returncode}: ")


def test_untested_stands_behind_the_failures():
    done = device_grant(
        "run", "asgi:device_grant.reference.server.app:app", "--check", "polling::*", "--check", "user*"
    )
    assert done.returncode in (0, 5)
    assert done.stdout.index("Could not be tested") < done.stdout.index("In short")


def test_stop_at_the_first_failure(tmp_path):
    words = (*DENIED, "--check", "polling::*", "--check", "user_decision::*")
    done = device_grant(*words, "-x", "--report", str(tmp_path))
    assert done.returncode == 1
    cases = [line["check"] for line in lines_of(tmp_path) if line["kind"] == "case"]
    assert "user_decision::test_denial_is_final" in cases
    assert cases[-1] == "user_decision::test_denial_is_final"
