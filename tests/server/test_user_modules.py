"""User modules as people write them: one that breaks is the one to be mended, and hooks of its own blind nobody."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support import broken_servers

from device_grant.cli.setup.doctor import examine
from device_grant.engine.options import Options
from device_grant.engine.running import run_check
from device_grant.judging import UserModuleBroke
from device_grant.targets import open_target, resolve

HONEST = "from device_grant.reference.server.user import approve, confirmation, deny, enter, sign_in\n"
BREAKS = (
    HONEST
    + """

def deny(http, grant):
    http.get(grant.verification_uri)
    return {}["the button that is not there"]
"""
)
HOOKED = """from device_grant.reference.server import user

def hooked(function):
    def step(http, *what):
        http.event_hooks = {"response": [lambda response: response.read()], "request": []}
        return function(http, *what)
    return step

approve, deny, confirmation = hooked(user.approve), hooked(user.deny), hooked(user.confirmation)
enter, sign_in = hooked(user.enter), hooked(user.sign_in)
"""
OWN_CLIENT = """import httpx
from device_grant.reference.server import user
from device_grant.reference.server.user import approve, confirmation, deny, sign_in

def enter(http, user_code, verification_uri):
    return httpx.Response(200, text="<form method=post></form>", headers={"Content-Type": "text/html"})
"""


def target_of(folder, module):
    (folder / "user.py").write_text(module)
    (folder / "target.toml").write_text(
        'name = "modules"\n[serve]\napp = "asgi:support.broken_servers:plain()"\n'
        '[user]\nmodule = "user.py"\n[clock]\nkind = "travel"\n'
    )
    return str(folder / "target.toml")


def ran(folder, module, *words):
    command = [
        sys.executable,
        "-m",
        "device_grant",
        "run",
        target_of(folder, module),
        "--report",
        str(folder / "report"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(Path(broken_servers.__file__).parent.parent)}
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False, env=environment)
    lines = [json.loads(line) for line in (folder / "report" / "results.jsonl").read_text("utf-8").splitlines()]
    return done, lines


@pytest.mark.long
def test_a_module_that_breaks_is_named_once_and_is_no_error_of_the_suite(tmp_path):
    done, lines = ran(tmp_path, BREAKS, "--", "-k", "user_decision")
    assert done.returncode == 2, done.stdout + done.stderr
    flat = " ".join(done.stdout.split())
    assert re.search(r"The user module broke in \d checks?: ", flat)
    assert flat.count("Mend it and run again") == 1
    assert "deny raised KeyError: 'the button that is not there'" in flat
    assert "The suite itself broke" not in flat
    assert "Conformant" not in flat
    assert "user_decision::test_denial_is_final" in {line["check"] for line in lines if line.get("user_module")}
    assert lines[-1]["exit_code"] == 2
    # What needed no denial was judged all the same.
    assert any(line.get("verdict") == "pass" for line in lines)


def test_a_module_that_breaks_is_no_refusal_of_the_page(tmp_path):
    with open_target(resolve(target_of(tmp_path, BREAKS))) as target:
        outcome = run_check(target, "verification_page::test_user_can_approve_and_deny")
        assert isinstance(outcome.stop, UserModuleBroke)
        assert set(outcome.verdicts.values()) == {outcome.stop.verdict}


def test_the_doctor_names_the_module(tmp_path, capsys):
    from rich.console import Console

    options = Options.chosen(target=target_of(tmp_path, BREAKS), only=(), profile="fast", seed=None, faults=())
    assert examine(options, Console(width=200)) == 2
    assert "the user module broke: " in capsys.readouterr().out


@pytest.mark.parametrize(
    "name",
    [
        "page_security::test_forged_approval",
        "page_security::test_redirects_after_forms",
        "verification_page::test_confirmation_names_the_client",
        "verification_page::test_result_sends_the_user_back",
        "verification_page::test_wrong_codes_are_slowed_down",
    ],
)
def test_hooks_of_a_module_blind_nobody(tmp_path, name):
    outcomes = []
    for module in (HONEST, HOOKED):
        with open_target(resolve(target_of(tmp_path, module))) as target:
            outcome = run_check(target, name)
            outcomes.append((outcome.verdicts, str(outcome.stop)))
    assert outcomes[0] == outcomes[1]


def test_a_module_that_goes_its_own_way_breaks_no_check(tmp_path):
    with open_target(resolve(target_of(tmp_path, OWN_CLIENT))) as target:
        outcome = run_check(target, "verification_page::test_wrong_codes_are_slowed_down")
    assert "user.py: enter returned a response that is no page" in str(outcome.stop)
