"""The pytest plugin by itself: `pytest --pyargs device_grant.server.checks --grant-target …`."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest
from support.commands import run_pytest

pytestmark = pytest.mark.long


def test_pyargs_with_a_target(tmp_path):
    done = run_pytest(
        "--pyargs", "device_grant.server.checks", "--grant-target", "embedded", "-q", "-k", "polling", cwd=tmp_path
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.parametrize("workers", ["0", "2"])
def test_without_a_target_one_line_says_what_is_missing(tmp_path, workers):
    done = run_pytest("--pyargs", "device_grant.server.checks", "-q", "-n", workers, cwd=tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    said = [line for line in (done.stdout + done.stderr).splitlines() if "rror" in line or "ERROR" in line]
    assert len(said) == 1, said
    assert "add --grant-target TARGET" in said[0]


def test_without_a_target_next_to_nothing_is_imported():
    """Everybody's pytest loads the plugin, whatever it runs."""
    ours = ("device_grant.engine", "device_grant.judging", "httpx", "hypothesis", "msgspec", "rich", "click")
    code = f"import sys, device_grant.pytest_plugin; print([name for name in {ours!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_failed_checks_run_again_by_themselves(tmp_path):
    """With what pytest remembers of the run before."""
    chosen = (
        "--pyargs",
        "device_grant.server.checks",
        "--grant-target",
        "embedded:rfc8628",
        "-q",
        "-k",
        "user_decision",
    )
    broken = ("--grant-fault", "denial_ignored", "-p", "cacheprovider")
    first = run_pytest(*chosen, *broken, cwd=tmp_path)
    assert first.returncode == 1
    again = run_pytest(*chosen, *broken, "--lf", cwd=tmp_path)
    assert again.returncode == 1
    assert " passed" in first.stdout
    assert " passed" not in again.stdout


def test_plugin_leaves_other_tests_alone(tmp_path):
    (tmp_path / "test_mine.py").write_text("def test_mine():\n    assert True\n")
    done = run_pytest("-q", cwd=tmp_path)
    assert done.returncode == 0
    assert "1 passed" in done.stdout


def test_junit_knows_the_failing_check(tmp_path):
    done = run_pytest(
        *("--pyargs", "device_grant.server.checks", "--grant-target", "embedded:rfc8628"),
        *("--grant-fault", "denial_ignored", "--grant-only", "rfc8628-3.5-access-denied"),
        "--junitxml=junit.xml",
        cwd=tmp_path,
    )
    assert done.returncode == 1
    suite = ET.parse(tmp_path / "junit.xml").getroot()[0]
    failed = [case.get("name") for case in suite if case.find("failure") is not None]
    assert failed == ["test_denial_is_final"]


def test_workers_bring_the_same_verdicts(tmp_path):
    verdicts = []
    for workers in ("0", "2"):
        folder = tmp_path / workers
        done = run_pytest(
            *("--pyargs", "device_grant.server.checks", "--grant-target", "embedded:aws-sso-oidc", "-n", workers),
            *("--grant-report", str(folder), "-k", "polling or expiry or user_decision or invariant"),
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        lines = [json.loads(line) for line in (folder / "results.jsonl").read_text().splitlines()]
        results = [line for line in lines if line["kind"] == "result"]
        verdicts.append({(line["requirement"], line["check"]): line["verdict"] for line in results})
        assert lines[-1]["kind"] == "footer"
    assert verdicts[0] == verdicts[1]


def test_expected_failure_is_an_xfail(tmp_path):
    (tmp_path / "baseline.toml").write_text(
        '[[known]]\nrequirement = "rfc8628-3.5-access-denied"\nreason = "never denies"\n'
    )
    done = run_pytest(
        *("--pyargs", "device_grant.server.checks", "--grant-target", "embedded:rfc8628", "-q"),
        *("--grant-fault", "denial_as_invalid_grant", "--grant-only", "rfc8628-3.5-access-denied"),
        *("--grant-expect", "baseline.toml"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 xfailed" in done.stdout


def test_stale_baseline_entry_fails_the_run(tmp_path):
    (tmp_path / "baseline.toml").write_text(
        '[[known]]\nrequirement = "rfc8628-3.5-access-denied"\nreason = "was true once"\n'
    )
    done = run_pytest(
        *("--pyargs", "device_grant.server.checks", "--grant-target", "embedded:rfc8628", "-q"),
        *("--grant-only", "rfc8628-3.5-access-denied", "--grant-expect", "baseline.toml"),
        cwd=tmp_path,
    )
    assert done.returncode == 1


def test_withheld_results_are_named_in_no_file(tmp_path):
    (tmp_path / "baseline.toml").write_text('withheld = ["security"]\n')
    done = run_pytest(
        *("--pyargs", "device_grant.server.checks", "--grant-target", "embedded:rfc8628", "--junitxml=junit.xml"),
        *("--grant-fault", "code_reusable", "-k", "test_replay"),
        *("--grant-expect", "baseline.toml", "--grant-report", "report"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for file in (tmp_path / "junit.xml", *(tmp_path / "report").iterdir()):
        assert "single-use" not in file.read_text(), file.name
    footer = json.loads((tmp_path / "report" / "results.jsonl").read_text().splitlines()[-1])
    assert footer["withheld"] >= 1
