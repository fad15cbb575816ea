"""Clients that sign in by a browser, as processes: honest and odd ones pass, broken ones are caught."""

from __future__ import annotations

import pytest
from support.code_client import verdicts_of

from device_grant.client.drivers.visiting import Errands, Visit, authorizations_in, go
from device_grant.client.scripted.code_grant import CodeGrant, challenge_of, loopback, way_back, with_query
from device_grant.client.scripted.replies import Reply
from device_grant.errors import TargetUnreachableError
from device_grant.protocol import Request

pytestmark = pytest.mark.long
PLAIN, STATE, TWICE = "signing_in::test_sign_in", "signing_in::test_another_state", "signing_in::test_two_sign_ins"
ERROR, ONE = "signing_in::test_error_comes_back", "signing_in::test_other_requests_of_the_browser"
LOCAL, UNKNOWN = "signing_in::test_listener_is_local", "signing_in::test_unknown_parameters"
BARE, REFUSED = "signing_in::test_server_without_pkce", "signing_in::test_refused_challenge"
SENT, PROVED = "rfc7636-4.3-challenge-sent", "rfc7636-4.5-verifier-sent"
TO_ALL, NO_DOWNGRADE = "rfc7636-5-client-sends-to-all", "rfc7636-7.2-no-downgrade"
TRIES_AGAIN = "def next_try(said, number):\n    return number < 3\n"
WEAKER = """
def method():
    return {method!r} if tries else "S256"
def challenge(made):
    hashed = base64.urlsafe_b64encode(hashlib.sha256(made.encode()).digest()).decode().rstrip("=")
    return {challenge} if tries else hashed
"""
PLAIN_AFTER_AN_ERROR = TRIES_AGAIN + WEAKER.format(method="plain", challenge="made")
NOTHING_AFTER_AN_ERROR = TRIES_AGAIN + WEAKER.format(method="", challenge='""')
REMEMBERS = """
NOTE = os.path.join(E["HOME"], "plain")
def method():
    return "plain" if os.path.exists(NOTE) else "S256"
def challenge(made):
    hashed = base64.urlsafe_b64encode(hashlib.sha256(made.encode()).digest()).decode().rstrip("=")
    return made if os.path.exists(NOTE) else hashed
import atexit
atexit.register(lambda: "token" in globals() and "error" in token and open(NOTE, "w"))
"""
ANNOUNCED = """
try:
    with urllib.request.urlopen(BASE + "/.well-known/openid-configuration", timeout=10) as answer:
        PKCE = bool(json.load(answer).get("code_challenge_methods_supported"))
except urllib.error.HTTPError:
    PKCE = False
def method():
    return "S256" if PKCE else ""
def challenge(made):
    return base64.urlsafe_b64encode(hashlib.sha256(made.encode()).digest()).decode().rstrip("=") if PKCE else ""
def proof(made):
    return {"codeVerifier": made} if PKCE else {}
"""
WHERE_ASKED = (
    TRIES_AGAIN
    + """
def method():
    return "S256" if tries else ""
def challenge(made):
    return base64.urlsafe_b64encode(hashlib.sha256(made.encode()).digest()).decode().rstrip("=") if tries else ""
def proof(made):
    return {"codeVerifier": made} if tries > 1 else {}
"""
)
HONEST = {
    "as it is": "",
    "localhost": 'HOST, REGISTERED = "localhost", "http://localhost/oauth/callback"',
    "IPv6": 'HOST, BIND, REGISTERED = "::1", "::1", "http://[::1]/oauth/callback"',
    "no path": 'PATH, REGISTERED = "", "http://127.0.0.1"',
    "another path": 'PATH, REGISTERED = "/cb", "http://127.0.0.1/cb"',
    "a port is registered": 'REGISTERED = "http://127.0.0.1:8250/oauth/callback"',
    "further parameters": 'EXTRA, FIRST = "&lang=en&prompt=", "aws=1&"',
    "no scopes": 'ASKED = ""',
    "fewer scopes": 'SCOPES = ["sso:account:access", "codewhisperer:completions"]',
    "a state that says more": (
        "def state():\n"
        "    return base64.urlsafe_b64encode(json.dumps({'to': '/', 'n': secrets.token_hex(16)}).encode()).decode()"
    ),
    "the shortest verifier": "def verifier():\n    return secrets.token_urlsafe(32)",
    "the longest verifier": "def verifier():\n    return ''.join(secrets.choice('aZ0-._~') for _ in range(128))",
    "no browser": "def opened(url):\n    pass",
}


@pytest.mark.parametrize("odd", HONEST.values(), ids=HONEST.keys())
def test_honest_clients_pass(tmp_path, odd):
    said = verdicts_of(tmp_path, odd, PLAIN, TWICE)
    assert set(said.values()) == {"pass"}, said


def test_an_honest_client_passes_the_rest(tmp_path):
    said = verdicts_of(tmp_path, "", STATE, ERROR, ONE, LOCAL, UNKNOWN)
    assert set(said.values()) == {"pass"}, said


@pytest.mark.parametrize(
    "odd",
    {
        "as it is": "",
        "tries again by S256": TRIES_AGAIN,
        "prints what it has to open": TRIES_AGAIN + "def opened(url):\n    pass",
        "the longest verifier": "def verifier():\n    return ''.join(secrets.choice('aZ0-._~') for _ in range(128))",
    }.items(),
    ids=lambda odd: odd[0],
)
def test_honest_clients_keep_their_challenge(tmp_path, odd):
    said = verdicts_of(tmp_path, odd[1], BARE, REFUSED)
    assert said == dict.fromkeys((SENT, PROVED, TO_ALL, NO_DOWNGRADE), "pass")


@pytest.mark.parametrize(
    ("odd", "check", "expected"),
    [
        (PLAIN_AFTER_AN_ERROR, REFUSED, {NO_DOWNGRADE: "broken"}),
        (PLAIN_AFTER_AN_ERROR + "def opened(url):\n    pass", REFUSED, {NO_DOWNGRADE: "broken"}),
        (NOTHING_AFTER_AN_ERROR, REFUSED, {NO_DOWNGRADE: "broken", SENT: "broken"}),
        (REMEMBERS, REFUSED, {NO_DOWNGRADE: "fail"}),
        (ANNOUNCED, BARE, {SENT: "broken", TO_ALL: "warn"}),
        (WHERE_ASKED, BARE, {SENT: "broken", TO_ALL: "warn"}),
        (WHERE_ASKED, TWICE, {SENT: "broken"}),
    ],
    ids=["plain", "plain, printed", "no challenge", "remembers", "announced", "where it is asked", "at the second try"],
)
def test_clients_that_give_up_their_challenge_are_caught(tmp_path, odd, check, expected):
    said = verdicts_of(tmp_path, odd, check)
    assert said.items() >= expected.items()


@pytest.mark.parametrize(
    ("odd", "check", "requirement", "verdict"),
    [
        ('REGISTERED = "http://127.0.0.1/callback"', PLAIN, "aws-client-code-registration", "broken"),
        ('REGISTERED = "http://localhost/oauth/callback"', PLAIN, "aws-client-code-registration", "broken"),
        ('ASKED = "sso:account:access admin"', PLAIN, "aws-client-code-registration", "broken"),
        ("def right(said):\n    return True", STATE, "aws-client-code-state", "fail"),
        ("def right(said):\n    return said.get('state', [STATE])[0] == STATE", STATE, "aws-client-code-state", "fail"),
        ("def state():\n    return ''", STATE, "aws-client-code-state", "inconclusive"),
        ("def state():\n    return ''", TWICE, "aws-client-code-state-unguessable", "inconclusive"),
        ("def state():\n    return 'sign-in-of-somebody'", TWICE, "aws-client-code-state-unguessable", "fail"),
        (
            "def state():\n    import time\n    return f'sign-in-{int(time.time()):020}'",
            TWICE,
            "aws-client-code-state-unguessable",
            "fail",
        ),
        (
            "def state():\n    return secrets.token_urlsafe(8)",
            TWICE,
            "aws-client-code-state-unguessable",
            "inconclusive",
        ),
        ("def verifier():\n    return 'v' * 43", TWICE, "aws-client-code-challenge-per-login", "fail"),
        ('BIND = "0.0.0.0"', LOCAL, "aws-client-code-listens-on-loopback", "warn"),
    ],
)
def test_broken_clients_are_caught(tmp_path, odd, check, requirement, verdict):
    assert verdicts_of(tmp_path, odd, check)[requirement] == verdict


@pytest.mark.parametrize(
    ("odd", "requirement"),
    [
        ("def verifier():\n    return secrets.token_urlsafe(31)", "rfc7636-4.1-verifier-syntax"),
        ("def verifier():\n    return secrets.token_urlsafe(48) + '+'", "rfc7636-4.1-verifier-syntax"),
        ("def method():\n    return ''\ndef challenge(made):\n    return ''", SENT),
        ("def method():\n    return 'plain'\ndef challenge(made):\n    return made", "rfc7636-4.2-s256"),
        ("def method():\n    return 'plain'\ndef challenge(made):\n    return made", "rfc7636-7.2-no-plain"),
        (
            (
                "def challenge(made):\n    hashed = hashlib.sha256(made.encode()).digest()\n"
                "    return base64.urlsafe_b64encode(hashed).decode()"
            ),
            SENT,
        ),
        ("def proof(made):\n    return {}", PROVED),
        ("def proof(made):\n    return {'codeVerifier': ''}", PROVED),
        ("def proof(made):\n    return {'verifier': made}", PROVED),
        ("def proof(made):\n    return {'codeVerifier': verifier()}", "aws-client-code-token-request"),
    ],
)
def test_a_sign_in_that_cannot_work_is_judged_by_its_rules(tmp_path, odd, requirement):
    assert verdicts_of(tmp_path, odd, PLAIN)[requirement] == "broken"


def test_a_sign_in_that_never_begins_is_no_result(tmp_path):
    with pytest.raises(TargetUnreachableError, match="the plain sign-in by a browser ended with status"):
        verdicts_of(tmp_path, "sys.exit('no')", PLAIN)


# The scripted server and its browser.


def asked(**changes):
    members = {
        "response_type": "code",
        "client_id": "me",
        "redirect_uri": "http://127.0.0.1:5/cb?a=1",
        "state": "s t",
        "code_challenge_method": "S256",
        "code_challenge": challenge_of("v" * 43),
    }
    return Request("GET", with_query("http://127.0.0.1:1/authorize", {**members, **changes}))


def redemption(**changes):
    members = {
        "clientId": "me",
        "grantType": "authorization_code",
        "code": "AC.1",
        "redirectUri": "http://127.0.0.1:5/cb?a=1",
        "codeVerifier": "v" * 43,
    }
    import msgspec

    body = {name: value for name, value in {**members, **changes}.items() if value is not None}
    return Request("POST", "http://127.0.0.1:1/token", (), msgspec.json.encode(body))


def location(reply):
    return dict(reply.headers).get("Location")


def test_the_scripted_server_is_strict():
    grant = CodeGrant()
    assert grant.refusal(redemption()) == "unsupported_grant_type"
    assert location(grant.authorize(asked(), "AC.1")) == "http://127.0.0.1:5/cb?a=1&code=AC.1&state=s%20t"
    for changes in ({"redirect_uri": "https://example.com:1/cb"}, {"redirect_uri": "http://127.0.0.1/cb"}):
        assert grant.authorize(asked(**changes), "AC.2").status == 400
    for changes in ({"code_challenge_method": "plain"}, {"code_challenge": "short"}, {"code_challenge_method": ...}):
        assert "error=invalid_request" in location(grant.authorize(asked(**changes), "AC.3"))
    assert "error=unsupported" in location(grant.authorize(asked(response_type="token"), "AC.4"))
    assert grant.refusal(redemption()) == ""
    for changes in (
        {"codeVerifier": "w" * 43},
        {"redirectUri": "http://127.0.0.1:6/cb?a=1"},
        {"clientId": "you"},
        {"code": "AC.9"},
    ):
        assert grant.refusal(redemption(**changes)) == "invalid_grant"
    assert grant.refusal(redemption(codeVerifier=None)) == "invalid_request"
    grant.spent.add("AC.1")
    assert grant.refusal(redemption()) == "invalid_grant"


def test_the_scripted_server_without_pkce():
    grant = CodeGrant(pkce=False)
    assert grant.announced == {}
    assert "code=AC.1" in location(grant.authorize(asked(code_challenge=..., code_challenge_method=...), "AC.1"))
    for changes in ({"codeVerifier": None}, {"codeVerifier": "w" * 43}, {}):
        assert grant.refusal(redemption(**changes)) == ""
    for changes in ({"redirectUri": "http://127.0.0.1:6/cb?a=1"}, {"clientId": "you"}, {"code": "AC.9"}):
        assert grant.refusal(redemption(**changes)) == "invalid_grant"


class Base:
    base = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("url", "reply", "visited"),
    [
        ("http://127.0.0.1:2/authorize?x=1", None, [("http://127.0.0.1:2/authorize?x=1", "not ours")]),
        ("https://example.com/", None, [("https://example.com/", "not ours")]),
        ("http://127.0.0.1:1/authorize?x=1", Reply(400), []),
        (
            "http://127.0.0.1:1/authorize?x=1",
            way_back("https://example.com/cb", code="c"),
            [("https://example.com/cb?code=c", "not ours")],
        ),
        (
            "http://127.0.0.1:1/authorize?x=1",
            way_back("http://127.0.0.1:99999/cb"),
            [("http://127.0.0.1:99999/cb", "not ours")],
        ),
    ],
)
def test_the_browser_goes_nowhere_else(url, reply, visited):
    going = go(url, Base, Errands(), lambda _request: reply)
    with pytest.raises(StopIteration) as end:
        next(going)
    assert [(one.url, one.problem) for one in end.value.value] == visited


def test_an_address_that_is_printed():
    text = "Please open:\n\n  <http://127.0.0.1:1/authorize?response_type=code&state=x>.\nhttp://127.0.0.1:1/device?a=b"
    assert authorizations_in(text, Base) == ("http://127.0.0.1:1/authorize?response_type=code&state=x",)
    assert authorizations_in(f"{text}\n{text} http://127.0.0.1:1/authorize?a", Base)[1:] == (
        "http://127.0.0.1:1/authorize?a",
    )
    assert authorizations_in("http://127.0.0.1:1/device?a=b", Base) == ()


def test_what_is_loopback():
    for uri in ("http://127.0.0.1:1/", "http://[::1]:1", "http://localhost:80/a?b"):
        assert loopback(uri)
    for uri in ("http://127.0.0.1/", "https://127.0.0.1:1/", "http://127.0.0.1.example.com:1/", "http://[::1", "x"):
        assert not loopback(uri)


def test_what_an_answer_is():
    assert Visit("u", 200).answered
    assert not Visit("u", 404).answered
    assert not Visit("u", problem="no answer").answered
