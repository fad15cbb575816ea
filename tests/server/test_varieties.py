"""Servers that differ legitimately are not accused, and servers that vanish are not judged."""

from __future__ import annotations

import json
import sys

import pytest
from support import ROOT
from support.commands import device_grant, one_line

from device_grant.protocol import Secrets

pytestmark = pytest.mark.long

HERE = ROOT / "tests" / "support"
POLLING = ("--", "-k", "polling or device_authorization or expiry or registration")


def test_rate_limits_are_respected():
    user = ROOT / "conformance" / "device_grant" / "reference" / "server" / "user.py"
    done = device_grant("run", "asgi:varieties:rate_limited", "--user", str(user), *POLLING, cwd=HERE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    assert "Conformant" in done.stdout


def test_nothing_of_the_grant_is_no_green_run():
    done = device_grant("run", "asgi:varieties:closed", *POLLING, cwd=HERE)
    assert done.returncode == 5, done.stdout[-3000:] + done.stderr
    assert "No verdict: no device authorization could be tried" in done.stdout


def test_how_an_unknown_code_is_refused_says_nothing_of_what_is_taken_for_one():
    requirements = ("rfc6749-1.9-case-sensitive-values", "rfc8628-3.4-user-code-is-not-a-device-code")
    only = [word for requirement in requirements for word in ("--only", requirement)]
    checks = ("--", "-k", "values_are_case_sensitive or other_codes or malformed_token")
    done = device_grant("run", "asgi:varieties:own_error_codes", *only, *checks, cwd=HERE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_polls_of_nobody_accuse_nobody_of_misreading_a_client_identifier():
    only = [
        word for name in ("rfc6749-1.9-case-sensitive-values", "rfc6749-B-utf8-decode") for word in ("--only", name)
    ]
    done = device_grant("run", "asgi:varieties:anybody_polls", *only, "--", "-k", "malformed_token", cwd=HERE)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_demanding_client_id_is_no_lack_of_basic():
    command = ("run", "embedded:rfc8628", "--fault", "client_id_demanded", "--only", "rfc6749-2.3.1-*basic*")
    done = device_grant(*command, "--", "-k", "client_authentication")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_target_that_dies_during_the_run(tmp_path):
    (tmp_path / "serve.py").write_text(
        "import os, sys, threading\n"
        "from device_grant.reference import Settings, serve\n"
        "threading.Timer(1.5, lambda: (print('out of memory', flush=True), os._exit(7))).start()\n"
        "serve(Settings(), port=int(sys.argv[1]))\n"
    )
    (tmp_path / "target.toml").write_text(
        'name = "dying"\ndialect = "rfc8628"\n[serve]\n'
        f'command = ["{sys.executable}", "serve.py", "{{port}}"]\n'
        'ready = "/.well-known/oauth-authorization-server"\n'
    )
    done = device_grant("run", str(tmp_path / "target.toml"), "--report", str(tmp_path / "report"))
    assert done.returncode == 4, done.stdout[-2000:]
    assert "ended with exit status 7 during the run" in one_line(done)
    assert "out of memory" in one_line(done)
    assert "Not conformant" not in done.stdout
    kinds = [json.loads(line)["kind"] for line in (tmp_path / "report" / "results.jsonl").read_text().splitlines()]
    assert "footer" not in kinds


def test_contradicting_dialects():
    done = device_grant("run", "embedded:rfc8628", "--dialect", "aws-sso-oidc")
    assert done.returncode == 2
    assert "contradicts" in one_line(done)


def test_pytest_arguments_that_do_not_exist():
    done = device_grant("run", "embedded:rfc8628", "--", "--nope")
    assert done.returncode == 2
    assert "--nope" in one_line(done)


def test_selection_that_fits_nothing_says_so():
    done = device_grant("run", "embedded:rfc8628", "--", "-k", "no_such_check")
    assert done.returncode == 5
    assert "nothing ran" in one_line(done)


@pytest.mark.parametrize(
    ("made", "shown"),
    [
        ("gMrHXy7Zq0-PvTQdeWk2_aBcDf4567".swapcase(), "altered device_code 1"),
        ("GmRhXy7zQ0-pVtqDEwK2_AbCdF456", "altered device_code 1"),
        ("GmRhXy7zQ0-pVtqDEwK2_AbCdF4568", "altered device_code 1"),
        ("".join(f"%{ord(letter):02X}" for letter in "GmRhXy7zQ0-pVtqDEwK2_AbCdF4567"), "device_code 1"),
        ("".join(f"%25{ord(letter):02X}" for letter in "GmRhXy7zQ0-pVtqDEwK2_AbCdF4567"), "altered device_code 1"),
        ("".join(f"\\u{ord(letter):04x}" for letter in "GmRhXy7zQ0-pVtqDEwK2_AbCdF4567"), "device_code 1"),
    ],
)
def test_what_is_made_of_a_secret_is_redacted_too(made, shown):
    secrets = Secrets()
    secrets.register("device_code", "GmRhXy7zQ0-pVtqDEwK2_AbCdF4567")
    request = f'grant_type=x&device_code={made}&client_id="pub"'
    secrets.register_variants(request)
    assert secrets.redact(request) == f'grant_type=x&device_code=<{shown}>&client_id="pub"'


@pytest.mark.parametrize("made", ["{secret}{padding}", "{padding}{secret}"])
def test_a_secret_with_much_added_to_it_is_redacted_too(made):
    secret = "GmRhXy7zQ0-pVtqDEwK2_AbCdF4567"
    secrets = Secrets()
    secrets.register("device_code", secret)
    escaped = "".join(f"%25{ord(letter):02X}" for letter in secret.swapcase())
    text = made.format(secret=escaped, padding="%C3%A9" * 3000)
    secrets.register_variants(text)
    assert secrets.redact(text) == "<altered device_code 1>"


def test_ordinary_words_are_no_variants():
    secrets = Secrets()
    secrets.register("device_code", "GmRhXy7zQ0-pVtqDEwK2_AbCdF4567")
    request = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=device-client"
    secrets.register_variants(request)
    assert secrets.redact(request) == request


def test_what_is_added_to_a_secret_is_no_secret():
    secrets = Secrets()
    secrets.register("device_code", "GmRhXy7zQ0-pVtqDEwK2_AbCdF4567")
    garbage = "%F4%8F%BF%BD"
    secrets.register_variants(f"device_code=GmRhXy7zQ0-pVtqDEwK2_AbCdF4567{garbage}")
    secrets.register_variants(f"grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code{garbage}")
    request = "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code&client_id=device-client"
    secrets.register_variants(request)
    assert secrets.redact(request) == request


def test_another_address_of_the_server_is_no_variant():
    secrets = Secrets()
    secrets.register("verification_uri_complete", "http://127.0.0.1:8080/device?user_code=WDJB-MJHT")
    request = '{"redirect_uris": ["http://127.0.0.1/callback"]}'
    secrets.register_variants(request)
    assert secrets.redact(request) == request
