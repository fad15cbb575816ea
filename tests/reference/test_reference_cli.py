"""A real AWS CLI against `device-grant serve`: sign-in by a browser and by a device, then accounts, roles and keys."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time

import httpx
import pytest
from support import ROOT
from support.needs import awscli_of_the_matrix, needs

from device_grant.reference.server import user
from device_grant.targets.ports import GrantView

pytestmark = [pytest.mark.long, needs("AWS CLI 2.36")]
DEADLINE = 60.0
PAGE = (ROOT / "docs" / "how-to" / "serve-aws-sso-oidc.md").read_text("utf-8")
CONFIG = PAGE.partition("```ini\n")[2].partition("```")[0]
EXPORT, SIGN_IN, KEYS = PAGE.partition("```sh\nexport ")[2].partition("\n```")[0].splitlines()


@pytest.fixture(scope="module")
def served():
    words = [sys.executable, "-m", "device_grant", "serve", "--dialect", "aws-sso-oidc"]
    words += ["--port", "0", "--interval", "1"]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            yield re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())[0]
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=DEADLINE)


@pytest.fixture
def person(served):
    with httpx.Client(base_url=served, trust_env=False, timeout=DEADLINE) as client:
        yield client


class Shell:
    """A HOME with the settings of the page, and the two variables that `serve` prints."""

    def __init__(self, home, base):
        self.home, self.opened = home, home / "opened"
        (home / ".aws").mkdir()
        (home / ".aws" / "config").write_text(CONFIG)
        (home / "browser").write_text(f'#!/bin/sh\necho "$1" >> {self.opened}\n')
        (home / "browser").chmod(0o755)
        self.environment = {
            "HOME": str(home),
            "PATH": os.environ["PATH"],
            "BROWSER": str(home / "browser"),
            "AWS_PAGER": "",
            "AWS_EC2_METADATA_DISABLED": "true",
            **{word.partition("=")[0]: base for word in EXPORT.split()},
            "HTTP_PROXY": "http://127.0.0.1:9",
            "HTTPS_PROXY": "http://127.0.0.1:9",
            "NO_PROXY": "127.0.0.1,localhost",
        }

    def start(self, *words):
        return subprocess.Popen(
            [str(awscli_of_the_matrix()), *words],
            env=self.environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words):
        with self.start(*words) as process:
            said, _ = process.communicate(timeout=DEADLINE)
        assert process.returncode == 0, said
        return said

    def token(self):
        kept = [json.loads(file.read_text()) for file in (self.home / ".aws" / "sso" / "cache").glob("*.json")]
        return next(one["accessToken"] for one in kept if "accessToken" in one)


@pytest.fixture
def shell(tmp_path, served):
    return Shell(tmp_path, served)


def test_sign_in_by_a_browser(shell, person):
    with shell.start(*SIGN_IN.split()[1:]) as process:
        try:
            ends = time.monotonic() + DEADLINE
            while not shell.opened.exists() and time.monotonic() < ends and process.poll() is None:
                time.sleep(0.1)
            back = user.authorize(person, shell.opened.read_text().strip()).headers["location"]
            assert httpx.get(back, trust_env=False, timeout=DEADLINE).status_code == 200
            said, _ = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 0, said
    assert "Successfully logged into Start URL: https://example.awsapps.com/start" in said
    _uses_what_it_got(shell)


def test_sign_in_by_a_device(shell, person, served):
    with shell.start(*SIGN_IN.split()[1:], "--use-device-code", "--no-browser") as process:
        try:
            shown, link = "", None
            while link is None and (line := process.stdout.readline()):
                shown += line
                link = re.search(rf"({re.escape(served)}/device)\?user_code=([A-Z]{{4}}-[A-Z]{{4}})", shown)
            assert link, shown
            user.approve(person, GrantView(link[2], link[1]))
            said, _ = process.communicate(timeout=DEADLINE)
        finally:
            process.kill()
    assert process.returncode == 0, said
    _uses_what_it_got(shell)


def _uses_what_it_got(shell):
    token = ("--access-token", shell.token(), "--region", "us-east-1", "--output", "json")
    accounts = json.loads(shell.run("sso", "list-accounts", *token))["accountList"]
    assert [one["accountId"] for one in accounts] == ["111122223333", "444455556666"]
    roles = json.loads(shell.run("sso", "list-account-roles", "--account-id", "111122223333", *token))["roleList"]
    assert "ReadOnlyAccess" in [one["roleName"] for one in roles]
    wanted = ("--account-id", "111122223333", "--role-name", "ReadOnlyAccess")
    keys = json.loads(shell.run("sso", "get-role-credentials", *wanted, *token))["roleCredentials"]
    assert set(keys) == {"accessKeyId", "secretAccessKey", "sessionToken", "expiration"}
    # What every command with this profile does before it calls a service.
    exported = json.loads(shell.run(*KEYS.split()[1:], "--format", "process"))
    assert exported["AccessKeyId"].startswith("ASIA")
    shell.run("sso", "logout")
    with shell.start("sso", "list-accounts", *token) as process:
        said, _ = process.communicate(timeout=DEADLINE)
    assert process.returncode != 0
    assert "Unauthorized" in said
