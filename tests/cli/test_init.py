"""`device-grant init`: the files that a folder needs, by options or by answers at a terminal."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import tomllib

import pytest
import yaml
from support import ROOT
from support.commands import device_grant, one_line

APP = "asgi:device_grant.reference.server.app:app"
PEERS = ROOT / "tests" / "peers"
WORKFLOW = ".github/workflows/device-grant.yml"
ENVIRONMENT = {"PW": "wonderland", "SECRET": "correct horse/battery+staple"}


def init(folder, *arguments, env=ENVIRONMENT):
    return device_grant("init", *arguments, cwd=folder, env=env)


def read(folder, name="target.toml"):
    return tomllib.loads((folder / name).read_text("utf-8"))


def test_everything_by_options(tmp_path):
    client = ("--client-id", "confidential-client", "--client-secret-env", "SECRET", "--scope", "read")
    done = init(tmp_path, APP, "--login", "alice", "--password-env", "PW", *client, "--name", "mine", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "All 6 steps went well" in done.stdout
    assert read(tmp_path) == {
        "name": "mine",
        "dialect": "rfc8628",
        "serve": {"app": APP},
        "clients": [
            {"id": "confidential-client", "secret_env": "SECRET", "authentication": "client_secret_basic"},
        ],
        "request": {"scope": "read"},
        "user": {"login": "alice", "password_env": "PW"},
        "clock": {"kind": "travel"},
    }
    written = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*") if path.is_file())
    assert not any(secret in written for secret in ENVIRONMENT.values())
    steps = yaml.safe_load((tmp_path / WORKFLOW).read_text("utf-8"))["jobs"]["conformance"]["steps"]
    run = next(step for step in steps if "device-grant run" in step.get("run", ""))
    assert run["env"] == {"SECRET": "${{ secrets.SECRET }}", "PW": "${{ secrets.PW }}"}

    again = device_grant("run", "--only", "rfc8628-3.5-access-denied", cwd=tmp_path, env=ENVIRONMENT)
    assert again.returncode == 0, again.stdout + again.stderr


def test_nobody_approves_yet(tmp_path):
    done = init(tmp_path, APP, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# [user]" in (tmp_path / "target.toml").read_text("utf-8")
    assert "user" not in read(tmp_path)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "name what is tested"),
        (("embedded", "--yes"), "needs no target.toml"),
        ((APP, "--login", "alice", "--password-env", "NOWHERE"), "no such variable"),
        ((APP, "--client-id", "x", "--client-secret-env", "NOWHERE"), "no such variable"),
        ((APP, "--dialect", "aws", "--yes"), "aws-sso-oidc"),
        ((APP, "--", "my-login"), "not both"),
    ],
)
def test_nothing_is_written_where_something_is_wrong(tmp_path, arguments, said):
    done = init(tmp_path, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in one_line(done)
    assert list(tmp_path.iterdir()) == []


def test_what_exists_stays(tmp_path):
    (tmp_path / "target.toml").write_text("mine", "utf-8")
    assert "exists already" in one_line(init(tmp_path, APP, "--yes"))
    assert (tmp_path / "target.toml").read_text("utf-8") == "mine"


def test_target_that_is_down(tmp_path):
    done = init(tmp_path, "http://127.0.0.1:1", "--yes")
    assert done.returncode == 4
    assert "does not answer" in one_line_of(done.stderr)
    assert read(tmp_path)["endpoints"] == {"base": "http://127.0.0.1:1"}


def one_line_of(text):
    assert len(text.strip().splitlines()) == 1, text
    return text


def test_client(tmp_path):
    done = init(tmp_path, "--dialect", "rfc8628", "--", "my-login", "--issuer", "{issuer}", 'a "word"')
    assert done.returncode == 0, done.stderr
    assert read(tmp_path, "client.toml") == {
        "name": "my-login",
        "dialect": "rfc8628",
        "run": {"command": ["my-login", "--issuer", "{issuer}", 'a "word"']},
    }
    assert "device-grant client client.toml" in (tmp_path / WORKFLOW).read_text("utf-8")
    (tmp_path / "b").mkdir()
    assert "Nothing in my-login tells the client" in init(tmp_path / "b", "--", "my-login").stdout


def test_a_person_is_asked_at_a_terminal(tmp_path):
    here, there = pty.openpty()
    answers = [APP, "rfc8628", "device-client", "", "read", "alice", "PW", "n"]
    os.write(here, ("\n".join(answers) + "\n").encode())
    done = subprocess.run(
        [sys.executable, "-m", "device_grant", "init"],
        stdin=there,
        capture_output=True,
        cwd=tmp_path,
        env={**os.environ, **ENVIRONMENT, "NO_COLOR": "1"},
        timeout=120,
        check=False,
    )
    os.close(here)
    os.close(there)
    assert done.returncode == 0, done.stdout + done.stderr
    assert read(tmp_path)["clients"] == [{"id": "device-client", "authentication": "none"}]
    assert read(tmp_path)["user"] == {"login": "alice", "password_env": "PW"}
    assert not (tmp_path / WORKFLOW).exists()
