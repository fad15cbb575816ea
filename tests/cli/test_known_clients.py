"""What the command line tells of a target: a client that it knows, a scope, a token for registration."""

from __future__ import annotations

import re

import pytest
from support import ROOT
from support.commands import device_grant, lines_of, one_line

PEERS = ROOT / "tests" / "peers"
PERSON = ("--user", str(PEERS / "person.py"))
ENVIRONMENT = {"ROBOT": "KJx3 & 100%", "KIOSK": "9f8e7d6c5b4a", "EMPTY": ""}
KNOWN = "asgi:odd_clients:NoRegistration()"
ROBOT = ("--client-id", "robot", "--client-secret-env", "ROBOT")


def doctor(*arguments, env=ENVIRONMENT):
    return device_grant("doctor", *arguments, *PERSON, env=env, cwd=PEERS)


def test_without_a_client_there_is_no_verdict():
    done = doctor(KNOWN)
    assert done.returncode == 5, done.stdout


@pytest.mark.parametrize(
    "client",
    [
        ("--client-id", "tv"),
        ROBOT,
        ("--client-id", "kiosk", "--client-secret-env", "KIOSK", "--client-auth", "client_secret_post"),
    ],
)
def test_client_that_the_target_knows(client):
    done = doctor(KNOWN, *client)
    assert done.returncode == 0, done.stdout + done.stderr


def test_wrong_secret_is_told():
    done = doctor(KNOWN, "--client-id", "robot", "--client-secret-env", "KIOSK")
    assert done.returncode in (1, 5)
    assert "invalid_client" in done.stdout
    assert ENVIRONMENT["KIOSK"] not in done.stdout


def test_workers_and_repeated_commands_know_the_client_too(tmp_path):
    only = ("--only", "rfc8628-3.5-authorization-pending", "--only", "rfc8628-3.5-access-denied")
    done = device_grant(
        *("run", KNOWN, *ROBOT, "--scope", "devices", *PERSON, *only, "-n", "2", "--report", str(tmp_path)),
        env=ENVIRONMENT,
        cwd=PEERS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    results = [line for line in lines_of(tmp_path) if line["kind"] == "result"]
    assert {line["verdict"] for line in results} == {"pass"}
    sent = (tmp_path / "results.jsonl").read_text()
    assert "scope=devices" in sent
    assert "KJx3" not in sent
    again = {line["reproduce"] for line in results if line.get("reproduce")}
    assert all("--client-id robot --client-secret-env ROBOT --scope devices" in command for command in again)


def test_the_client_comes_before_those_of_the_file(tmp_path):
    (tmp_path / "mine.py").write_text(
        f"import sys\nsys.path.append({str(PEERS)!r})\nfrom odd_clients import NoRegistration\n"
    )
    (tmp_path / "target.toml").write_text(
        'name = "mine"\n[serve]\napp = "asgi:mine:NoRegistration()"\n'
        f'[user]\nmodule = "{PEERS / "person.py"}"\n[clock]\nkind = "travel"\n[[clients]]\nid = "nobody"\n'
    )
    assert device_grant("doctor", cwd=tmp_path, env=ENVIRONMENT).returncode != 0
    done = device_grant("doctor", "--client-id", "tv", cwd=tmp_path, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout


def test_initial_access_token():
    target = "asgi:odd_clients:InitialAccessToken()"
    assert doctor(target).returncode == 5
    done = doctor(target, "--initial-access-token-env", "TOKEN", env={"TOKEN": "let-me-in-4c1f09e7d2"})
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--client-secret-env", "ROBOT"), "name it with --client-id"),
        (("--client-auth", "none"), "name it with --client-id"),
        (("--client-id", "tv", "--client-secret-env", "NOWHERE"), "no such variable"),
        (("--client-id", "tv", "--client-secret-env", "EMPTY"), "it is empty"),
        (("--client-id", "tv", "--client-auth", "client_secret_basic"), "--client-secret-env"),
        ((*ROBOT, "--client-auth", "none"), "leave --client-secret-env out"),
        ((*ROBOT, "--client-auth", "basic"), "client_secret_basic"),
        (("--start-url", "https://example.awsapps.com/start"), "which has none"),
        (("--initial-access-token-env", "NOWHERE"), "no such variable"),
    ],
)
def test_what_does_not_fit_together(arguments, said):
    done = doctor(KNOWN, *arguments)
    assert done.returncode == 2, done.stdout + done.stderr
    assert said in one_line(done)


@pytest.mark.parametrize("target", ["embedded", "cassette:nowhere"])
def test_who_needs_no_client(target):
    done = device_grant("run", target, "--client-id", "tv")
    assert done.returncode == 2
    assert "--client-id" in one_line(done)


@pytest.mark.parametrize("command", ["run", "doctor", "record"])
def test_nothing_named_and_no_file_here(command, tmp_path):
    done = device_grant(command, cwd=tmp_path)
    assert done.returncode == 2, done.stdout
    assert "name what to test" in one_line(done)


def test_the_file_of_this_folder_is_meant(tmp_path):
    (tmp_path / "target.toml").write_text(
        'name = "of this folder"\n[serve]\napp = "asgi:device_grant.reference.server.app:app"\n'
    )
    done = device_grant("run", "--only", "rfc8628-3.2-expires-in-present", "--report", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert lines_of(tmp_path / "out")[0]["target"] == "of this folder"
    assert re.search(r"of this folder", done.stdout)
