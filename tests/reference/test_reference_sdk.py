"""Real clients against the reference server on a port: boto3, the AWS CLI, and Ctrl-C."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import boto3
import httpx
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from support.needs import aws_cli, needs
from support.reference import BASIC_CLIENT

from device_grant.errors import UsageError
from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT
from device_grant.reference import Faults, Settings
from device_grant.reference.server import user
from device_grant.reference.server.serve import serve
from device_grant.targets.ports import GrantView

DEADLINE = 20.0
START_URL = "https://example.awsapps.com/start"


@contextmanager
def served(*arguments):
    """The server in a process of its own: it must also stop as a process does."""
    script = (
        "import sys\n"
        "from device_grant.reference import Faults, Settings, serve\n"
        f"settings = Settings({', '.join(arguments)})\n"
        "serve(settings, Faults(), ready=lambda base: print(base, flush=True))\n"
        "print('returned', flush=True)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process, process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(scope="module")
def endpoint():
    with served(f"dialect={AWS_SSO_OIDC!r}", "early_polls=1") as (_, base):
        yield base


@pytest.fixture
def browser(endpoint):
    with httpx.Client(base_url=endpoint, trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def sdk(endpoint):
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1}, proxies={})
    client = boto3.client("sso-oidc", region_name="us-east-1", endpoint_url=endpoint, config=config)
    yield client
    client.close()


@pytest.fixture(scope="module")
def registered(sdk):
    answer = sdk.register_client(clientName="TV", clientType="public", scopes=["sso:account:access"])
    assert answer["clientSecretExpiresAt"] - answer["clientIdIssuedAt"] == 90 * 86_400
    return {name: answer[name] for name in ("clientId", "clientSecret")}


def start(sdk, registered):
    answer = sdk.start_device_authorization(**registered, startUrl=START_URL)
    view = GrantView(answer["userCode"], answer["verificationUri"], answer["verificationUriComplete"])
    return view, {**registered, "grantType": DEVICE_CODE_GRANT, "deviceCode": answer["deviceCode"]}


def test_boto3_logs_in_and_refreshes(sdk, registered, browser):
    view, request = start(sdk, registered)
    with pytest.raises(sdk.exceptions.AuthorizationPendingException) as caught:
        sdk.create_token(**request)
    assert caught.value.response["error"] == "authorization_pending"
    user.approve(browser, view)
    tokens = sdk.create_token(**request)
    assert tokens["tokenType"] == "Bearer"
    renewed = sdk.create_token(**registered, grantType="refresh_token", refreshToken=tokens["refreshToken"])
    assert renewed["accessToken"] != tokens["accessToken"]
    with pytest.raises(sdk.exceptions.InvalidGrantException):
        sdk.create_token(**request)


def test_boto3_raises_the_modelled_exceptions(sdk, registered, browser):
    view, request = start(sdk, registered)
    user.deny(browser, view)
    with pytest.raises(sdk.exceptions.AccessDeniedException):
        sdk.create_token(**request)
    _, hasty = start(sdk, registered)
    for _ in range(2):
        with pytest.raises(sdk.exceptions.AuthorizationPendingException):
            sdk.create_token(**hasty)
    with pytest.raises(sdk.exceptions.SlowDownException):
        sdk.create_token(**hasty)
    with pytest.raises(sdk.exceptions.InvalidClientException):
        sdk.create_token(**hasty | {"clientSecret": "wrong"})
    with pytest.raises(sdk.exceptions.UnsupportedGrantTypeException):
        sdk.create_token(**hasty | {"grantType": "password"})
    with pytest.raises(sdk.exceptions.InvalidRequestException):
        sdk.start_device_authorization(**registered, startUrl="nonsense")
    with pytest.raises(sdk.exceptions.InvalidClientMetadataException):
        sdk.register_client(clientName="TV", clientType="confidential")


@needs("AWS CLI 2")
def test_aws_cli_logs_in(endpoint, browser, tmp_path):
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws" / "config").write_text(
        "[profile p]\nsso_session = s\nsso_account_id = 111122223333\nsso_role_name = R\nregion = us-east-1\n"
        f"[sso-session s]\nsso_region = us-east-1\nsso_start_url = {START_URL}\n"
        "sso_registration_scopes = sso:account:access\n"
    )
    # Version 2.9 knows no endpoint variable for this service: its endpoint rules are replaced by ones that
    # lead here. Should that fail, the proxy that does not exist keeps it off the network: the real service is
    # https. There is none for http, since the CLI chooses its proxy before it has read the rules.
    models = tmp_path / "models" / "sso-oidc" / "2019-06-10"
    models.mkdir(parents=True)
    (models / "endpoint-rule-set-1.json").write_text(json.dumps(endpoint_rules(endpoint)))
    environment = {
        "HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "AWS_PAGER": "",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_DATA_PATH": str(tmp_path / "models"),
        "AWS_ENDPOINT_URL_SSO_OIDC": endpoint,
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
    }
    program, version = aws_cli()
    command = [program, "sso", "login", "--no-browser", "--profile", "p"]
    if version >= (2, 22):
        command.append("--use-device-code")
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watchdog = threading.Timer(DEADLINE, process.kill)
    watchdog.start()
    try:
        shown = ""
        result = None
        for line in process.stdout:
            shown += line
            result = re.search(rf"({re.escape(endpoint)}/device)\?user_code=([A-Z]{{4}}-[A-Z]{{4}})", shown)
            if result:
                break
        assert result, shown + process.stderr.read()
        user.approve(browser, GrantView(result.group(2), result.group(1)))
        output, errors = process.communicate(timeout=DEADLINE)
    finally:
        watchdog.cancel()
        process.kill()
        process.communicate()
    assert process.returncode == 0, errors
    assert "Successfully logged into Start URL" in output
    cached = [json.loads(file.read_text()) for file in (tmp_path / ".aws" / "sso" / "cache").glob("*.json")]
    token = next(entry for entry in cached if "accessToken" in entry)
    assert token["startUrl"] == START_URL
    assert token["accessToken"].startswith("aoa")
    assert token["refreshToken"]


def endpoint_rules(url):
    def parameter(builtin, kind, **more):
        return {"builtIn": builtin, "type": kind, "required": "default" in more, **more}

    return {
        "version": "1.0",
        "parameters": {
            "Region": parameter("AWS::Region", "String"),
            "UseDualStack": parameter("AWS::UseDualStack", "Boolean", default=False),
            "UseFIPS": parameter("AWS::UseFIPS", "Boolean", default=False),
            "Endpoint": parameter("SDK::Endpoint", "String"),
        },
        "rules": [{"type": "endpoint", "conditions": [], "endpoint": {"url": url, "properties": {}, "headers": {}}}],
    }


def test_rfc_dialect_over_a_real_socket_and_a_clean_stop():
    with served() as (process, base):
        with httpx.Client(base_url=base, trust_env=False) as http:
            secret = (BASIC_CLIENT.id, "correct+horse%2Fbattery%2Bstaple")
            answer = http.post("/device_authorization", auth=secret, data={"scope": "read"})
            assert answer.json()["verification_uri"] == f"{base}/device"
            assert http.get("/.well-known/oauth-authorization-server").json()["issuer"] == base
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            assert http.post("/token", content=b"x" * 10_000_000, headers=form).status_code == 413
            assert http.head("/token").status_code == 405
            chunks = http.post("/device_authorization", content=iter([b"client_id=", b"device-client"]), headers=form)
            assert chunks.status_code == 200
            stopping = time.monotonic()
            process.send_signal(signal.SIGINT)
            assert process.wait(DEADLINE) == 0
        assert time.monotonic() - stopping < 5
        assert process.stdout.read() == "returned\n"
        assert process.stderr.read() == ""


def test_port_that_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=rf"cannot listen on 127\.0\.0\.1:{port}: .*another --port"):
            serve(Settings(), Faults(), port=port)


def test_port_that_does_not_exist():
    with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1:70000"):
        serve(port=70_000)
