"""The reference server as other people's tests use it."""

from __future__ import annotations

import httpx
import pytest
from support.commands import run_pytest

from device_grant.errors import UsageError
from device_grant.reference.server.testing import DeviceGrantServer

OF_SOMEBODY = """
import urllib.request
import pytest

FORM = b"client_id=device-client"

def test_plain(device_grant_server):
    urllib.request.urlopen(device_grant_server.endpoints["device_authorization"], FORM).close()
    assert device_grant_server.next_grant().interval == 5

@pytest.mark.device_grant_server(interval=3)
def test_set(device_grant_server):
    urllib.request.urlopen(device_grant_server.endpoints["device_authorization"], FORM).close()
    assert device_grant_server.next_grant().interval == 3
"""
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"


@pytest.fixture
def server(request):
    with DeviceGrantServer(**getattr(request, "param", {})) as started:
        yield started


def with_settings(**settings):
    return pytest.mark.parametrize("server", [settings], indirect=True)


def test_fixture_in_tests_of_somebody(tmp_path):
    (tmp_path / "test_mine.py").write_text(OF_SOMEBODY, "utf-8")
    done = run_pytest("-q", "--strict-markers", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
    assert "device_grant_server" in run_pytest("--fixtures", "--markers", cwd=tmp_path).stdout


def start(server, **more):
    answer = httpx.post(server.endpoints["device_authorization"], data={"client_id": server.client_id, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


def poll(server, device_code):
    data = {"grant_type": DEVICE, "device_code": device_code, "client_id": server.client_id}
    answer = httpx.post(server.endpoints["token"], data=data).json()
    return answer.get("error", "token")


def test_approve(server):
    started = start(server, scope="read")
    grant = server.next_grant()
    assert (grant.user_code, grant.scope, grant.state) == (started["user_code"], ("read",), "pending")
    assert poll(server, started["device_code"]) == "authorization_pending"
    server.approve()
    server.advance(5)
    assert poll(server, started["device_code"]) == "token"
    assert [one.state for one in server.grants] == ["redeemed"]


def test_the_code_that_is_named_is_decided(server):
    first, second = start(server), start(server)
    server.deny(first["user_code"])
    server.approve(second["user_code"])
    assert poll(server, first["device_code"]) == "access_denied"
    assert poll(server, second["device_code"]) == "token"


@with_settings(expires_in=30, interval=2)
def test_the_clock_is_moved_by_the_test(server):
    started = start(server)
    assert (started["expires_in"], started["interval"]) == (30, 2)
    assert poll(server, started["device_code"]) == "authorization_pending"
    server.advance(29)
    assert poll(server, started["device_code"]) == "authorization_pending"
    server.advance(2)
    assert poll(server, started["device_code"]) == "expired_token"
    with pytest.raises(LookupError, match="its code has expired"):
        server.approve()


def test_answers_that_the_test_asks_for(server):
    code = start(server)["device_code"]
    server.answer_next("slow_down", times=2)
    server.answer_next("temporarily_unavailable")
    said = [poll(server, code) for _ in range(3)]
    assert said == ["slow_down", "slow_down", "temporarily_unavailable"]
    assert server.grants[0].interval == 15
    server.advance(15)
    assert poll(server, code) == "authorization_pending"


@pytest.mark.parametrize(
    ("decision", "end"), [("approve", "token"), ("deny", "access_denied"), ("expire", "expired_token")]
)
def test_decision_on_a_grant_that_is_still_to_come(server, decision, end):
    server.decide_next(decision, after_polls=2)
    code = start(server)["device_code"]
    said = []
    for _ in range(3):
        said.append(poll(server, code))
        server.advance(6)
    assert said == ["authorization_pending", "authorization_pending", end]
    other = start(server)["device_code"]
    assert poll(server, other) == "authorization_pending"


@with_settings(dialect="aws-sso-oidc")
def test_the_other_dialect(server):
    urls = server.endpoints
    assert server.client_id == ""
    client = httpx.post(urls["registration"], json={"clientName": "tv", "clientType": "public"}).json()
    known = {"clientId": client["clientId"], "clientSecret": client["clientSecret"]}
    portal = {"startUrl": "https://example.awsapps.com/start"}
    started = httpx.post(urls["device_authorization"], json=known | portal).json()
    asked = known | {"grantType": DEVICE, "deviceCode": started["deviceCode"]}
    server.answer_next("slow_down")
    assert httpx.post(urls["token"], json=asked).headers["x-amzn-errortype"].startswith("SlowDownException")
    server.approve()
    assert "accessToken" in httpx.post(urls["token"], json=asked).json()


@with_settings(faults=["pending_misspelt"])
def test_named_misbehaviour(server):
    assert poll(server, start(server)["device_code"]) == "authorizationPending"


def test_what_cannot_be():
    with DeviceGrantServer() as server:
        with pytest.raises(TimeoutError, match="no client has started"):
            server.next_grant(timeout=0.05)
        with pytest.raises(LookupError, match="no grant is undecided"):
            server.approve()
        with pytest.raises(LookupError, match="ABCD-EFGH"):
            server.deny("ABCD-EFGH")
        with pytest.raises(ValueError, match="ahead only"):
            server.advance(-1)
        url = server.url
    with pytest.raises(httpx.ConnectError):
        httpx.get(url)


@pytest.mark.parametrize("wrong", [{"intervall": 1}, {"dialect": "aws"}, {"faults": ["nope"]}])
def test_wrong_settings_are_told(wrong):
    with pytest.raises(UsageError):
        DeviceGrantServer(**wrong)
