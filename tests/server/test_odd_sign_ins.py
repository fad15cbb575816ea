"""Servers that are honest and odd in the sign-in by a browser and in signed requests: no check accuses them."""

from __future__ import annotations

import json
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec
import pytest

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.judging import all_checks
from device_grant.judging.loading import import_checks
from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT
from device_grant.reference import Settings
from device_grant.reference.embedded import embedded
from device_grant.reference.server.app import create_app
from device_grant.targets.config import Located
from device_grant.targets.transports.in_process import AsgiTarget

import_checks("server")
ROOMS = ("device_grant.server.checks.sign_in.", "device_grant.server.checks.signed.")
CHECKS = sorted(entry.name for entry in all_checks() if entry.function.__module__.startswith(ROOMS))
SAMPLED = frozenset(entry.name for entry in all_checks() if entry.sampled)


class Odd:
    """The reference server between two functions, one that changes requests and one that changes answers."""

    def __init__(self, *, asked=lambda _: None, answered=lambda *_: None):
        self.app = create_app(Settings(dialect=AWS_SSO_OIDC))
        self.asked = asked
        self.answered = answered

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        message = await receive()
        body = message.get("body", b"")
        refused = None
        members = None
        if body.startswith(b"{") and b"aws_iam" not in scope["query_string"]:
            with suppress(ValueError, RecursionError):
                members = json.loads(body)
        if isinstance(members, dict):
            refused = self.asked(members)
            body = json.dumps(members).encode()
        if refused is not None:
            status, error = refused
            code = error.removesuffix("Exception")
            code = "".join("_" + c.lower() if c.isupper() else c for c in code).lstrip("_")
            headers = [(b"content-type", b"application/json"), (b"x-amzn-errortype", error.encode())]
            headers.append((b"x-amzn-requestid", b"1"))
            await send({"type": "http.response.start", "status": status, "headers": headers})
            await send({"type": "http.response.body", "body": json.dumps({"error": code}).encode()})
            return
        scope = {**scope, "headers": [h for h in scope["headers"] if h[0] != b"content-length"]}
        begun = {}

        async def again():
            return {"type": "http.request", "body": body, "more_body": False}

        async def changed(message):
            if message["type"] == "http.response.start":
                begun.update(message)
                return
            headers = {name.decode(): value.decode() for name, value in begun["headers"]}
            new = self.answered(begun["status"], headers, message["body"])
            status, text = new or (begun["status"], message["body"])
            headers["content-length"] = str(len(text))
            listed = [(name.encode(), value.encode()) for name, value in headers.items()]
            await send({"type": "http.response.start", "status": status, "headers": listed})
            await send({"type": "http.response.body", "body": text})

        await self.app(scope, again, changed)


def _one_grant_and_any_port(members):
    """Refuses both grants in one registration, and compares redirect URIs as RFC 8252 does: whatever the port."""
    if {DEVICE_CODE_GRANT, "authorization_code"} <= set(members.get("grantTypes") or ()):
        return 400, "InvalidScopeException"
    uri = str(members.get("redirectUri", ""))
    if urlsplit(uri).hostname == "127.0.0.1":
        members["redirectUri"] = "http://127.0.0.1:49152/oauth/callback"
    return None


def _plain(status, headers, body):
    """Redirects by 302 with members of its own, gives no refresh tokens, describes no error, says the URI of each."""
    if "location" in headers and "state=" in headers["location"]:
        headers["location"] += "&iss=https%3A%2F%2Fidentitycenter.example&session_state=1"
        return 302, body
    if not body.startswith(b"{"):
        return None
    members = json.loads(body)
    if "accessToken" in members:
        members["refreshToken"] = None
        members["originSessionId"] = None
    members.pop("error_description", None)
    return status, json.dumps(members).encode()


def _invalid_request_for_all(_, headers, body):
    """Says invalid_request of every code and every assertion that is no good."""
    if b'"invalid_grant"' in body or b'"expired_token"' in body:
        headers["x-amzn-errortype"] = "InvalidRequestException"
        return 400, b'{"error":"invalid_request"}'
    return None


PEERS = {
    "one grant a registration, any port": (
        {"asked": _one_grant_and_any_port, "answered": _plain},
        {"aws-token-code-other-redirect"},
    ),
    # RFC 7636 section 4.6 asks for invalid_grant where a verifier does not fit: a true deviation, and a warning.
    "invalid_request": (
        {"answered": _invalid_request_for_all},
        {"aws-token-code-unknown", "rfc7636-4.6-mismatch-invalid-grant"},
    ),
}


@pytest.mark.parametrize("peer", PEERS)
def test_odd_servers_are_not_accused(peer):
    oddities, warned = PEERS[peer]
    like = embedded(AWS_SSO_OIDC)
    located = Located(config=like.config, folder=like.folder, spec=like.spec)
    target = AsgiTarget(located, like.user, app=Odd(**oddities))
    target.assertion = like.assertion
    broken: dict[str, Verdict] = {}
    with target:
        for name in CHECKS:
            outcome = run_check(target, name)
            broken |= {one: outcome.verdicts[one] for one in outcome.broken}
    assert broken.keys() <= warned
    if peer.startswith("one"):
        assert set(broken.values()) == {Verdict.WARN}


def test_a_server_without_the_grants_is_asked_for_none_of_them():
    like = embedded(AWS_SSO_OIDC)
    config = msgspec.structs.replace(like.config, claims={"authorization_code": False, "iam": False})
    target = AsgiTarget(Located(config=config, folder=like.folder, spec=like.spec), like.user, app=Odd())
    with target:
        for name in CHECKS:
            outcome = run_check(target, name)
            if name != "code_registration::test_entitled_application":
                # A check that draws its examples says nothing of what none of them reached.
                said = set() if name in SAMPLED else {Verdict.NOT_APPLICABLE}
                assert set(outcome.verdicts.values()) == said, name
                assert not outcome.trial.transcript.exchanges, name
