"""The command line as a person uses it: what it prints and how it exits."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest
from support.commands import device_grant, one_line

QUICK = ("--only", "rfc8628-3.5-access-denied")


def test_run_quick_requirement(tmp_path):
    done = device_grant("run", "embedded:rfc8628", *QUICK, "--report", str(tmp_path / "report"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Conformant: no failing requirement among 1 judged" in done.stdout
    lines = [json.loads(line) for line in (tmp_path / "report" / "results.jsonl").read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["header", "case", "result", "footer"]
    assert lines[2]["verdict"] == "pass"
    assert (tmp_path / "report" / "index.html").read_text().startswith("<!doctype html>")


def test_run_both_dialects_of_the_embedded_server(tmp_path):
    done = device_grant("run", "embedded", *QUICK, "--report", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "rfc8628" / "results.jsonl").exists()
    assert (tmp_path / "aws-sso-oidc" / "results.jsonl").exists()


def test_fault_is_a_failure_with_everything_needed():
    done = device_grant("run", "embedded:rfc8628", *QUICK, "--fault", "denial_as_invalid_grant")
    assert done.returncode == 1
    text = re.sub(r"\s+", " ", done.stdout)
    for part in (
        "FAIL rfc8628-3.5-access-denied",
        "RFC 8628 section 3.5",
        "sent: POST http://target.test/token",
        "accepted: access_denied",
        "came: 400 invalid_grant",
        "why:",
        "curl -i -X POST",
        "device-grant run embedded:rfc8628",
        "--only rfc8628-3.5-access-denied",
    ):
        assert part in text, part


def test_reproduction_command_shows_it_again():
    done = device_grant("run", "embedded:rfc8628", *QUICK, "--fault", "denial_as_invalid_grant")
    again = re.search(r"again:\s+device-grant (run .*)", done.stdout)
    assert again
    repeated = device_grant(*again.group(1).split())
    assert repeated.returncode == 1


def test_no_secret_in_a_report(tmp_path):
    device_grant("run", "embedded:rfc8628", "--only", "rfc8628-3.5-approved-fast-poll", "--report", str(tmp_path))
    text = (tmp_path / "results.jsonl").read_text()
    assert re.search(r"<device_code \d>", text)
    for member in ("device_code", "user_code", "access_token", "refresh_token"):
        assert not re.search(rf'"{member}\\":\\"(?!<)', text), member


def test_unreachable_target():
    done = device_grant("run", "http://127.0.0.1:1")
    assert done.returncode == 4
    assert "127.0.0.1:1" in one_line(done)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "nanoidpp"), "nanoidp"),
        (("run", "embedded:rfc9999"), "rfc9999"),
        (("run", "embedded", "--only", "rfc8628-3.5-acess-denied"), "rfc8628-3.5-access-denied"),
        (("run", "embedded", "--profile", "fats"), "fast"),
        (("run", "embedded:rfc8628", "--fault", "denial_ignord"), "denial_ignored"),
        (("run", "embedded:rfc8628", "--expect", "no-such-baseline.toml"), "no-such-baseline.toml"),
        (("run", "embedded:rfc8628", "--user", "no-such-user.py"), "no-such-user.py"),
        (("run", "embedded", "--report"), "--report"),
        (("run", "embedded", "--shard", "4/3"), "from 1/3 to 3/3"),
        (("run", "embedded", "--shard", "one"), "from 1/3 to 3/3"),
        (("run", "embedded:rfc8628", "--shard", "9/9", "--", "-k", "test_denial_is_final"), "only 1 check is selected"),
        (("run", "embedded", "--database", "http://127.0.0.1"), "redis://HOST:PORT"),
        (("run", "embedded", "--database", "redis://127.0.0.1:1"), "is the server running"),
        (("run", "embedded", "--database", "/dev/null/examples"), "the folder cannot be made"),
        (("merge",), "SHARD"),
        (("merge", "no-such-shard"), "no-such-shard"),
        (("runn",), "run"),
        (("explain", "rfc8628-3.5-acess-denied"), "rfc8628-3.5-access-denied"),
        (("report", "no-such-folder"), "no-such-folder"),
        (("serve", "--dialect", "aws"), "aws-sso-oidc"),
    ],
)
def test_bad_usage_is_one_line_that_helps(arguments, said, tmp_path):
    done = device_grant(*arguments, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in one_line(done)


def test_malformed_target_toml(tmp_path):
    (tmp_path / "target.toml").write_text('name = "x"\ndialect = "rfc8628"\n[serve]\ncomand = ["x"]\n')
    done = device_grant("run", "target.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert "comand" in one_line(done)
    assert "command" in one_line(done)


def test_user_module_that_raises(tmp_path):
    (tmp_path / "user.py").write_text("def approve(http, grant):\n    1 / 0\n\n\ndef deny(http, grant):\n    1 / 0\n")
    done = device_grant("run", "asgi:device_grant.reference.server.app:app", "--user", "user.py", *QUICK, cwd=tmp_path)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "ZeroDivisionError" in done.stdout
    assert "user.py" in done.stdout


def test_asgi_application_of_ones_own(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from device_grant.reference.server.app import create_app\n\napp = create_app()\n"
    )
    done = device_grant("run", "asgi:mine:app", "--only", "rfc8628-3.5-authorization-pending", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_asgi_application_is_called_by_its_own_address(tmp_path):
    (tmp_path / "mine.py").write_text(
        "from device_grant.reference import Settings, create_app\n\n"
        'app = create_app(Settings(issuer="https://id.example.test"))\n'
    )
    done = device_grant("run", "asgi:mine:app", "--only", "rfc8414-3.3-issuer-identical", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1  pass" in done.stdout


def test_nothing_selected():
    done = device_grant("run", "embedded:rfc8628", "--", "-k", "no_such_check")
    assert done.returncode == 5


def test_ctrl_c_leaves_a_readable_partial_report(tmp_path):
    running = subprocess.Popen(
        [sys.executable, "-m", "device_grant", "run", "embedded:rfc8628", "--report", str(tmp_path)],
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    results = tmp_path / "results.jsonl"
    deadline = time.monotonic() + 30
    while not (results.exists() and results.stat().st_size > 0) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.killpg(running.pid, signal.SIGINT)
    output, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    kinds = [json.loads(line)["kind"] for line in results.read_text().splitlines()]
    assert kinds[0] == "header"
    assert "footer" not in kinds
    # A machine that is too busy to show what there is says only that.
    assert "interrupted" in output.lower() + errors
    shown = device_grant("report", str(tmp_path))
    assert "interrupted" in shown.stdout.lower()


def test_list():
    done = device_grant("list", "--party", "all")
    assert done.returncode == 0
    rows = [
        [int(number) for number in re.findall(r" (\d+)(?= |$)", line[30:])] for line in done.stdout.splitlines()[1:]
    ]
    *sources, total = [row for row in rows if len(row) == 8]
    assert len(sources) > 10
    assert total == [sum(column) for column in zip(*sources, strict=True)]


def test_explain():
    done = device_grant("explain", "rfc8628-3.5-access-denied")
    assert done.returncode == 0
    for part in ("RFC 8628, section 3.5", "test_denial_is_final", "denial_ignored", "tested"):
        assert part in done.stdout


def test_help_names_commands_and_exit_codes():
    done = device_grant("--help")
    assert done.returncode == 0
    for part in ("run", "serve", "list", "explain", "report", "unreachable"):
        assert part in done.stdout


def test_narrow_terminal():
    done = device_grant("run", "embedded:rfc8628", *QUICK, "--fault", "denial_ignored", env={"COLUMNS": "60"})
    assert done.returncode == 1
    # What a person pastes or clicks is never broken.
    whole = ("curl:", "again:", "https://")
    prose = [line for line in done.stdout.splitlines() if not any(part in line for part in whole)]
    assert max(map(len, prose)) <= 60
