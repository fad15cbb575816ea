"""What `--json`, `-v` and `--last-failed` print and run, and both dialects side by side."""

from __future__ import annotations

import json
import os
import signal

import pytest
from rich.console import Console
from support.commands import device_grant, lines_of

from device_grant.cli import beside
from device_grant.cli.beside import Beside
from device_grant.cli.ending import interruptible
from device_grant.cli.run import all_of
from device_grant.errors import ExitCode, UsageError

TWO = ("--check", "polling::test_pending", "--check", "user_decision::test_denial_is_final")
DENIED = ("--fault", "denial_as_invalid_grant")


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_json_and_nothing_else(workers):
    done = device_grant("run", "embedded:rfc8628", *TWO, *DENIED, "--json", *workers)
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert summary["conformant"] is False
    assert summary["exit_code"] == 1
    (cause,) = summary["failures"]
    assert cause[0]["requirement"] == "rfc8628-3.5-access-denied"
    assert cause[0]["again"].startswith("device-grant run ")
    assert summary["counts"]["fail"] == 1


def test_json_of_both_dialects_is_a_line_each():
    done = device_grant("run", "embedded", *TWO, "--json")
    assert done.returncode == 0, done.stderr
    summary = [json.loads(line) for line in done.stdout.splitlines()]
    assert [one["dialect"] for one in summary] == ["rfc8628", "aws-sso-oidc"]
    assert all(one["failures"] == [] for one in summary)


def test_json_of_a_client():
    done = device_grant("client", "honest:rfc8628", "--check", "ending::test_access_denied", "--json")
    assert json.loads(done.stdout)["conformant"] is True


def test_json_where_nothing_could_be_run():
    done = device_grant("run", "http://127.0.0.1:9", "--json")
    assert done.returncode == 4
    assert done.stdout == ""


def test_verbose_tells_what_passed():
    done = device_grant("run", "embedded:rfc8628", *TWO, "-v")
    assert "Requirements with the verdict pass" in done.stdout
    assert "rfc8628-3.5-authorization-pending: " in " ".join(done.stdout.split())


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_last_failed(workers, tmp_path):
    def run(*words, cwd=tmp_path):
        done = device_grant("run", "embedded:rfc8628", *words, *workers, "--report", "report", cwd=cwd)
        ran = {line["check"] for line in lines_of(tmp_path / "report") if line["kind"] == "case"}
        return done, ran - {"main_path::test_main_path"}

    run(*TWO, *DENIED)
    done, ran = run("--last-failed", *DENIED)
    assert done.returncode == 1
    assert ran == {"user_decision::test_denial_is_final"}
    assert "Only the checks that failed in the last run" in " ".join(done.stdout.split())
    done, ran = run("--last-failed")
    assert done.returncode == 0
    assert ran == {"user_decision::test_denial_is_final"}


def test_a_check_in_which_an_invariant_failed_has_failed(tmp_path):
    run = ("run", "embedded:rfc8628", "--fault", "token_type_missing", "--report", "report")
    device_grant(*run, "--check", "user_decision::test_approval", "--check", "polling::test_pending", cwd=tmp_path)
    device_grant(*run, "--lf", cwd=tmp_path)
    ran = {line["check"] for line in lines_of(tmp_path / "report") if line["kind"] == "case"}
    assert ran - {"main_path::test_main_path"} == {"user_decision::test_approval"}


@pytest.mark.parametrize(("number", "together"), [(1, False), (2, True)])
def test_what_is_said_comes_in_order(number, together, monkeypatch, capsys):
    monkeypatch.setattr(beside, "processors", lambda: number)

    def job(name, code):
        def work(screen):
            screen.print(name, os.getpid() != here)
            return code

        return work

    here = os.getpid()
    jobs = [job("first", 0), job("second", 1), job("third", 5)]
    assert all_of(jobs, Console(width=80), beside=True) == 1
    said = capsys.readouterr().out.split()
    assert said == ["first", "False", "second", str(together), "third", str(together)]


def test_a_run_beside_hands_on_what_ended_it(capsys):
    def broken(_screen):
        raise UsageError("no such thing")

    def said(screen):
        screen.print("hello")
        return 1

    def worse(_screen):
        raise ZeroDivisionError

    console = Console(width=80)
    one, two, three = Beside(said, console), Beside(broken, console), Beside(worse, console)
    assert one.result() == 1
    assert "hello" in capsys.readouterr().out
    with pytest.raises(Exception, match="no such thing") as caught:
        two.result()
    assert caught.value.exit_code == ExitCode.USAGE
    with pytest.raises(Exception, match="ZeroDivisionError") as caught:
        three.result()
    assert caught.value.exit_code == ExitCode.SUITE_ERROR


@pytest.mark.parametrize("when", ["begun", "at work", "failed", "answered"])
def test_a_run_beside_that_is_stopped_says_nothing(when, capfd, monkeypatch):
    """Whatever it is at: the first run may have failed at the very moment at which this one did."""

    def stopped():
        os.kill(os.getpid(), signal.SIGTERM)

    class LateError(UsageError):
        def __str__(self):
            stopped()
            return "never said"

    def work(_screen):
        if when == "at work":
            stopped()
        if when == "failed":
            raise LateError
        return 0

    def around(at):
        def wrapped(*arguments):
            if when == "begun":
                stopped()
            carried_out(*arguments)
            if when == "answered":
                stopped()

        carried_out = at
        return wrapped

    monkeypatch.setattr(beside, "_carried_out", around(beside._carried_out))
    with interruptible():
        run = Beside(work, Console(width=80))
        run._process.join(30)
        assert run._process.exitcode == 0
        run.stop()
    assert capfd.readouterr() == ("", "")


def test_what_is_wrong_on_the_main_path_is_said_before_all_checks():
    done = device_grant("run", "embedded:rfc8628", *TWO, *DENIED)
    assert done.stdout.startswith("Main path: ")
    assert done.stdout.index("Main path: ") < done.stdout.index("[1/2]")
