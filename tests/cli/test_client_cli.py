"""`device-grant client` and `pytest --grant-client`: results, exit codes, baselines, one line for every mistake."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from click.testing import CliRunner

from device_grant.cli import cli
from device_grant.cli.requirements.catalogue import explain
from device_grant.errors import TargetUnreachableError, UsageError

pytestmark = pytest.mark.long

SLOW = "rfc8628-3.5-slow-down-*"


def invoked(*arguments):
    return CliRunner().invoke(cli, ["client", *arguments], standalone_mode=False)


def lines_of(folder):
    return [json.loads(line) for line in (folder / "results.jsonl").read_text("utf-8").splitlines()]


def test_the_reference_client_in_both_dialects(tmp_path):
    done = invoked("honest", "--only", SLOW, "--report", str(tmp_path))
    assert (done.return_value, done.exception) == (0, None)
    for name in ("rfc8628", "aws-sso-oidc"):
        header, *_, footer = lines_of(tmp_path / name)
        assert (header["dialect"], header["clock"], header["spec"]) == (name, "simulated", f"honest:{name}")
        assert footer["exit_code"] == 0
        assert (tmp_path / name / "index.html").is_file()


def test_a_faulty_client_and_its_baseline(tmp_path):
    arguments = ("honest", "--dialect", "rfc8628", "--fault", "slow_down_ignored", "--only", SLOW)
    done = invoked(*arguments, "--report", str(tmp_path))
    assert done.return_value == 1
    results = [line for line in lines_of(tmp_path) if line["kind"] == "result" and line["verdict"] == "fail"]
    broken = {line["requirement"] for line in results}
    assert "rfc8628-3.5-slow-down-increments-interval" in broken
    shown = next(line for line in results if line["check"].startswith("rules::"))
    assert shown["party"] == "client"
    assert "6 s are owed" in shown["got"]
    assert not shown.get("curl")
    assert shown["reproduce"].startswith("device-grant client --only rfc8628-3.5-slow-down-")
    assert "--fault slow_down_ignored" in shown["reproduce"]
    known = "".join(f'[[known]]\nrequirement = "{name}"\nreason = "told so"\n' for name in sorted(broken))
    baseline = tmp_path / "known.toml"
    baseline.write_text(known)
    assert invoked(*arguments, "--expect", str(baseline)).return_value == 0
    stale = ("honest", "--dialect", "rfc8628", "--only", SLOW, "--expect", str(baseline))
    assert invoked(*stale).return_value == 1


def test_a_command(tmp_path):
    command = (sys.executable, "-m", "device_grant.reference.client", "errors_unreported")
    only = "rfc8628-3.5-client-reacts-to-other-errors"
    done = invoked("--only", only, "--report", str(tmp_path), "--", *command)
    assert done.return_value in (0, 4)  # PYTHONPATH is not passed on: outside an installation the module is not found
    if done.return_value == 0:
        header = lines_of(tmp_path)[0]
        assert header["spec"].startswith("-- ")


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ((), "name a client, or give a command"),
        (("--",), "name a client, or give a command"),
        (("honst",), "did you mean honest?"),
        (("honest", "--only", "rfc9999-*"), "rfc9999-"),
        (("honest:rfc8628", "--fault", "nothing"), "unknown client fault"),
        (("honest:rfc8628", "--expect", "nowhere.toml"), "no such file"),
    ],
)
def test_mistakes(arguments, complaint):
    done = invoked(*arguments)
    assert done.exception is not None
    assert complaint in str(getattr(done.exception, "message", done.exception))


def test_a_client_that_does_not_work_is_unreachable(tmp_path):
    (tmp_path / "client.toml").write_text('name = "x"\n[run]\ncommand = ["false"]\n')
    done = subprocess.run(
        [sys.executable, "-m", "device_grant", "client", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 4
    [line] = done.stderr.splitlines()
    assert re.fullmatch(r"device-grant: .*: the plain login ended with status 1; .*", line)


POLLS_WITH_THE_USER_CODE = """
import json, os, sys, urllib.error, urllib.parse, urllib.request
def post(name, **members):
    try:
        body = urllib.parse.urlencode(members).encode()
        return json.load(urllib.request.urlopen(os.environ["DEVICE_GRANT_" + name], body, timeout=5))
    except urllib.error.HTTPError as error:
        return json.load(error)
me = os.environ["DEVICE_GRANT_CLIENT_ID"]
started = post("DEVICE_AUTHORIZATION_ENDPOINT", client_id=me)
urn = "urn:ietf:params:oauth:grant-type:device_code"
sys.exit("error" in post("TOKEN_ENDPOINT", client_id=me, grant_type=urn, device_code=started["user_code"]))
"""


def test_a_first_login_that_breaks_a_rule_is_a_result(tmp_path):
    script = tmp_path / "login.py"
    script.write_text(POLLS_WITH_THE_USER_CODE)
    sent, other = "rfc8628-3.4-device-code-sent", "rfc8628-3.5-client-repeats-on-pending"
    command = (sys.executable, "-S", str(script))
    done = invoked("--only", sent, "--only", other, "--claim", "metadata", "--report", str(tmp_path), "--", *command)
    assert (done.return_value, done.exception) == (1, None)
    header, *lines, footer = lines_of(tmp_path)
    assert (header["claims"]["metadata"], footer["exit_code"]) == (True, 1)
    results = {(line["requirement"], line["check"]): line for line in lines if line["kind"] == "result"}
    broken = results[sent, "rules::device_code_is_unchanged"]
    assert broken["verdict"] == "fail"
    assert "--claim metadata" in broken["reproduce"]
    open_one = results[other, "waiting::test_pending_until_approved"]
    assert open_one["verdict"] == "untestable"
    assert f"breaks {sent}: the rest could not be tested" in open_one["message"]


def test_pytest_alone():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "device-grant", "--pyargs", "device_grant.client.checks", "-q"),
            *(
                "--grant-client",
                "honest:aws-sso-oidc",
                "-k",
                "slow_down or test_access_denied",
                "-p",
                "no:cacheprovider",
            ),
        ],
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"\b[5-9] passed", done.stdout), done.stdout


def test_explain_shows_how_to_try_it_with_a_client():
    done = CliRunner().invoke(explain, ["rfc8628-3.5-slow-down-accumulates"])
    assert "device-grant client NAME --only rfc8628-3.5-slow-down-accumulates" in done.output
    assert "device-grant client honest:" in done.output
    assert "device-grant run " not in done.output


def test_unknown_claims_are_errors_of_ours():
    from device_grant.client.drivers.invocation import operation_of

    assert operation_of("flow", "refresh") == "refresh"
    with pytest.raises(UsageError, match="has no operation start"):
        operation_of("flow", "start")


def test_a_script_of_this_folder_is_named_by_its_folder(tmp_path, monkeypatch):
    (tmp_path / "my_login.py").write_text("print('hi')\n")
    monkeypatch.chdir(tmp_path)
    done = invoked("--", sys.executable, "my_login.py")
    assert isinstance(done.exception, TargetUnreachableError)
    assert "my_login.py is a file of this folder" in str(done.exception)
    assert str(done.exception).endswith("write {dir}/my_login.py")
