"""The main path before all checks: one finding for each cause, and what rests on it is blocked instead of failing."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from support import broken_servers

from device_grant.cli.setup.doctor import examine
from device_grant.engine.options import Options
from device_grant.engine.running import run_check
from device_grant.server.preflight import Blocked, Cause, Preflight

USER = "from device_grant.reference.server.user import approve, confirmation, deny, enter, sign_in\n"
PLACES = """[endpoints]
device_authorization = "/device_authorization"
token = "/token"
registration = "/register"
"""
BROKEN = {
    "token_elsewhere": ("pending", "the token endpoint is not where it was looked for", 'token = "/oauth/token"'),
    "query_only": ("start", "the device authorization endpoint reads client_id from the query only", ""),
    "json_only": ("start", "the device authorization endpoint reads JSON only, not forms", ""),
    "scope_at_token": ("pending", "the token endpoint demands a scope", "scope = "),
    "secret_unknown": ("pending", "the token endpoint refuses the client that the start was granted to", "secret"),
    "start_breaks": ("start", "the device authorization endpoint answers 500", ""),
    "no_device_code": ("start", "the answer to a start has no device_code", ""),
    "dead_codes": ("expires-in", "expires_in is 0: codes end when they begin", ""),
    "slow_clock": ("interval", "the interval, 601 s, is not below the lifetime, 600 s", ""),
    "nobody_registers": ("client", "no client can be registered: the server answers 403", "[[clients]]"),
    "other_dialect": ("client", "no client can be registered", "[[clients]]"),
    "approval_lost": ("approval", "the user approves, and the grant stays pending", "[user]"),
    "token_refused": ("token", "the token endpoint answers 500 server_error instead of a token", ""),
}
SUBJECTS = "polling or expiry or user_decision or one_time_use or device_authorization or tokens or refresh"
"""What rests on the main path most of all."""
OF_SERVER = set(BROKEN) - {"nobody_registers", "other_dialect"}
"""Those of which it is certain that the server is wrong, and not target.toml."""


def target_of(folder, name, more=""):
    (folder / "user.py").write_text(USER)
    places = PLACES if name == "other_dialect" else ""
    if name == "other_dialect":
        places = places.replace("/register", "/client/register")
    (folder / "target.toml").write_text(
        f'name = "{name}"\n{more}[serve]\napp = "asgi:support.broken_servers:{name}()"\n'
        f'{places}[user]\nmodule = "user.py"\n[clock]\nkind = "travel"\n'
    )
    return str(folder / "target.toml")


def diagnosis(spec, **options):
    console = Console(width=200, record=True, file=io.StringIO())
    code = examine(Options.chosen(target=spec, only=(), profile="fast", seed=None, faults=(), **options), console)
    return code, console.export_text()


@pytest.mark.parametrize("name", BROKEN)
def test_the_doctor_names_the_one_cause(tmp_path, name):
    _, title, advice = BROKEN[name]
    code, text = diagnosis(target_of(tmp_path, name))
    assert title in text
    assert advice in text
    assert code == (1 if name in OF_SERVER else 5)
    # One cause is told once: what came of it is not told as well.
    assert text.count("came:") == 1


def test_the_doctor_has_nothing_to_say_of_an_honest_server():
    for spec in ("embedded:rfc8628", "embedded:aws-sso-oidc"):
        code, text = diagnosis(spec)
        assert code == 0
        assert "All 6 steps went well" in text


def test_what_is_declared_and_is_not_so_is_a_finding(tmp_path):
    spec = target_of(tmp_path, "no_device_code")
    text = Path(spec).read_text().replace("no_device_code", "plain") + "[lifetimes]\ndevice_code = 60\ninterval = 5\n"
    Path(spec).write_text(text)
    code, text = diagnosis(spec)
    assert code == 1
    assert "target.toml declares device_code = 60 under [lifetimes], the server says 600" in text
    assert "interval = 5 " not in text


def test_without_a_user_the_doctor_says_who_is_missing(tmp_path):
    spec = target_of(tmp_path, "plain")
    text = Path(spec).read_text()
    Path(spec).write_text(text.replace('[user]\nmodule = "user.py"\n', ""))
    code, said = diagnosis(spec)
    assert code == 5
    assert "untried  an approval" in said
    assert 'module = "user.py"' in said


def ran(folder, name, *options):
    """The command itself; the lines of its results, and its exit code."""
    command = [sys.executable, "-m", "device_grant", "run", target_of(folder, name), "--report", str(folder / "report")]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=False, env=environment())
    lines = [json.loads(line) for line in (folder / "report" / "results.jsonl").read_text("utf-8").splitlines()]
    return done, lines


def environment():
    return {**os.environ, "PYTHONPATH": str(Path(broken_servers.__file__).parent.parent)}


@pytest.mark.long
@pytest.mark.parametrize("name", ["token_elsewhere", "start_breaks", "slow_clock", "secret_unknown"])
def test_a_run_has_one_finding_and_blames_nobody_for_the_rest(tmp_path, name):
    cause, title, _ = BROKEN[name]
    done, lines = ran(tmp_path, name, "--", "-k", SUBJECTS)
    assert done.returncode == 1, done.stdout + done.stderr
    results = [line for line in lines if line["kind"] == "result"]
    [finding] = [finding for line in lines if line["kind"] == "case" for finding in line.get("findings", ())]
    assert finding["name"] == cause
    assert title in finding["title"]
    blocked = [line for line in results if line.get("blocked_by")]
    assert len({line["requirement"] for line in blocked}) > 30
    assert {line["blocked_by"] for line in blocked} == {cause}
    assert {line["verdict"] for line in blocked} == {"untestable"}
    accusing = {line["check"] for line in results if line["verdict"] == "fail"}
    assert "main_path::test_main_path" in accusing
    # What is true of the one answer that is wrong may be said of it; no check of anything else fails.
    assert {check for check in accusing if not check.startswith(("invariants::", "main_path::", "http::"))} == set()
    assert done.stdout.index("What is wrong on the main path") < done.stdout.index("Could not be tested")
    page = (tmp_path / "report" / "index.html").read_text("utf-8")
    assert "What is wrong on the main path" in page
    assert "main_path" in (tmp_path / "report" / "junit.xml").read_text("utf-8")


def test_a_main_path_that_does_not_work_is_never_silent(tmp_path):
    done, lines = ran(tmp_path, "start_breaks", "--only", "rfc8414-2-issuer")
    assert done.returncode == 1, done.stdout + done.stderr
    fails = [line for line in lines if line["kind"] == "result" and line["verdict"] == "fail"]
    assert [line["check"] for line in fails] == ["main_path::test_main_path"]


def test_a_path_that_leads_to_its_end_leaves_no_line(tmp_path):
    done, lines = ran(tmp_path, "plain", "--only", "rfc8628-3.5-access-denied", "--", "-k", "user_decision")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line["check"] for line in lines if line["kind"] == "case"] == ["user_decision::test_denial_is_final"]


def test_what_is_blocked_says_by_what():
    path = Preflight(causes=[Cause("token", "no tokens", blocks=frozenset({"approved-polls"}))])
    path.require("starts")
    with pytest.raises(Blocked, match="blocked by: no tokens") as blocked:
        path.require("approved-polls")
    assert blocked.value.cause == "token"


def test_the_check_itself_proves_nothing_of_an_honest_server():
    outcome = run_check("embedded:rfc8628", "main_path::test_main_path")
    assert outcome.verdicts == {}
    assert outcome.stop is None


def test_pytest_by_itself_says_it_too(tmp_path):
    command = [
        "pytest",
        "--pyargs",
        "device_grant.server.checks",
        "--grant-target",
        target_of(tmp_path, "start_breaks"),
    ]
    done = subprocess.run(
        [sys.executable, "-m", *command, "-q", "-p", "no:cacheprovider", "-k", "test_pending"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=environment(),
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Main path: the device authorization endpoint answers 500" in done.stdout


LATE = """
import json, sys, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

began, codes = time.monotonic(), set()

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        form = dict(parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode()))
        if self.path == "/device_authorization":
            code = f"code-{time.monotonic()}"
            codes.add(code)
            address = f"http://{self.headers['Host']}/device"
            body = {"device_code": code, "user_code": "ABCD-EFGH", "verification_uri": address, "expires_in": 60}
            return self.answer(200, body | {"interval": 1})
        code = form.get("device_code")
        if code not in codes:
            return self.answer(400, {"error": "invalid_grant"})
        if time.monotonic() < began + 0.5:
            codes.remove(code)
            return self.answer(500, {"message": "there is no key yet"})
        self.answer(400, {"error": "authorization_pending"})

    def answer(self, status, body):
        content = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass

ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def test_a_server_that_gets_ready_while_it_answers_is_asked_again(tmp_path):
    """What it could not do at first it may have lost the code by."""
    (tmp_path / "late.py").write_text(LATE)
    (tmp_path / "target.toml").write_text(
        'name = "late"\n[serve]\ncommand = ["{python}", "late.py", "{port}"]\n[[clients]]\nid = "tv"\n'
        '[endpoints]\ndevice_authorization = "/device_authorization"\ntoken = "/token"\n'
    )
    _, text = diagnosis(str(tmp_path / "target.toml"))
    assert "well     a poll before the decision" in text
