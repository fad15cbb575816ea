"""`--check` runs the checks of that name alone, and the command that shows a failure again names its check."""

from __future__ import annotations

import re
import shlex

import pytest
from support.commands import device_grant, lines_of, one_line


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_the_named_checks_alone(tmp_path, workers):
    names = ("--check", "polling::test_pending", "--check", "user_decision::test_denial_is*")
    done = device_grant("run", "embedded:rfc8628", *names, *workers, "--report", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    cases = {line["check"] for line in lines_of(tmp_path) if line["kind"] == "case"}
    assert cases == {"polling::test_pending", "user_decision::test_denial_is_final"}


@pytest.mark.parametrize(
    "words",
    [
        # Found by a check, by an invariant that judges every exchange, and by a rule of clients.
        ("run", "embedded:rfc8628", "--fault", "denial_as_invalid_grant", "--only", "rfc8628-3.5-access-denied"),
        ("run", "embedded:rfc8628", "--fault", "token_type_missing", "--only", "rfc6749-5.1-token-type"),
        ("client", "honest:rfc8628", "--fault", "grant_type_short", "--only", "rfc8628-3.4-grant-type-value"),
    ],
)
def test_a_failure_is_shown_again_by_its_check(words, tmp_path):
    first = device_grant(*words)
    again = re.search(r"again: +device-grant (.*)", first.stdout)
    assert again, first.stdout + first.stderr
    assert " --check " in again[1]
    repeated = device_grant(*shlex.split(again[1]), "--report", str(tmp_path))
    assert repeated.returncode == 1, repeated.stdout + repeated.stderr
    assert len([line for line in lines_of(tmp_path) if line["kind"] == "case"]) <= 2
    failed = {line["requirement"] for line in lines_of(tmp_path) if line.get("verdict") == "fail"}
    assert failed == {words[-1]}


@pytest.mark.parametrize("words", [("run", "embedded:rfc8628"), ("client", "honest:rfc8628")])
def test_unknown_check(words):
    done = device_grant(*words, "--check", "waiting::test_pendin")
    assert done.returncode == 2
    assert "no check matches 'waiting::test_pendin'" in one_line(done)
