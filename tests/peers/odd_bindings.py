"""Honest servers with resource indicators (RFC 8707) or PKCE in the device grant, each odd in one allowed way."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import replace
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from odd_ends import ASKING, Ending
from peer_records import Refused

FIRST, SECOND = "https://api.example.net/calendar", "https://api.example.net/mail"


class Indicated(Ending):
    """Tokens are for the resources that were asked for, else for one service."""

    target: ClassVar[dict] = {
        "claims": {"resource": True},
        "request": {"resources": [FIRST, SECOND]},
        "introspection": ASKING,
    }
    resources: ClassVar[dict[str, str]] = {FIRST: FIRST, SECOND: SECOND}
    """And what they are called in tokens."""

    def __init__(self) -> None:
        super().__init__()
        self.named: list[str] = []
        self.wanted: dict[str, list[str]] = {}
        self.audiences: dict[str, list[str]] = {}

    def parameters(self, request):
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True)
        self.named = self.admitted([value for name, value in pairs if name == "resource" and value])
        rest = [pair for pair in pairs if pair[0] != "resource"]
        return super().parameters(replace(request, body=urlencode(rest).encode()))

    def admitted(self, named: list[str]) -> list[str]:
        for one in named:
            if one not in self.resources:
                raise Refused("invalid_target", "no such resource")
        return named

    def started(self, code, grant):
        self.wanted[grant.handle] = self.named
        return super().started(code, grant)

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and grant.state == "approved":
            self.fit(grant.handle)
        return super().redeem(form, client)

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        if known is not None:
            self.fit(known.family)
        return super().refresh(form, client)

    def fit(self, family: str) -> None:
        if not set(self.named) <= set(self.wanted.get(family, [])):
            raise Refused("invalid_target", "nobody approved that")

    def tokens_for(self, client, scope, original, family):
        members = super().tokens_for(client, scope, original, family)
        self.audiences[members["access_token"]] = self.named or self.wanted.get(family, [])
        return members

    def said(self, token, caller):
        members = super().said(token, caller)
        return members | {"aud": self.audience(token)} if members["active"] else members

    def audience(self, token: str) -> str | list[str]:
        return [self.resources[one] for one in self.audiences.get(token, []) if one in self.resources] or "api"


class Logical(Indicated):
    """Its resources are URNs, and tokens call them by other names."""

    resources: ClassVar[dict[str, str]] = {"urn:example:calendar": "calendar", "urn:example:mail": "mail"}
    target: ClassVar[dict] = Indicated.target | {"request": {"resources": list(resources)}}


class UserinfoBeside(Indicated):
    """Every token is for userinfo too."""

    def audience(self, token):
        named = super().audience(token)
        return [*([named] if isinstance(named, str) else named), "https://id.example.net/userinfo"]


class OneAtATime(Indicated):
    """Serves no grant for two resources."""

    def admitted(self, named):
        if len(named) > 1:
            raise Refused("invalid_target", "one at a time")
        return super().admitted(named)


class InPollsAsWell(Indicated):
    """Wants the resource of the start in each poll."""

    def fit(self, family):
        if self.wanted.get(family) and not self.named:
            raise Refused("invalid_target", "for which?")
        super().fit(family)


class UnknownWithoutEffect(Indicated):
    """Takes what is no resource of its own for nothing."""

    def admitted(self, named):
        return [one for one in named if one in self.resources]


class NothingSaid(Indicated):
    """Nobody may ask what its opaque tokens are for."""

    introspection_path = ""
    target: ClassVar[dict] = {name: table for name, table in Indicated.target.items() if name != "introspection"}


class AnyResource(Indicated):
    """Takes any absolute URI."""

    target: ClassVar[dict] = Indicated.target | {"claims": {"resource": True, "any_resource": True}}

    def admitted(self, named):
        for one in named:
            if not urlsplit(one).scheme or "#" in one:
                raise Refused("invalid_target", "no absolute URI")
        return named

    def audience(self, token):
        return self.audiences.get(token) or "api"


class ScopeDecides(Indicated):
    """Refuses a grant for two resources as one whose scope fits neither."""

    def admitted(self, named):
        if len(named) > 1:
            raise Refused("invalid_target", "the scope is of one of them")
        return super().admitted(named)


class Unclaimed(Indicated):
    """Has resource indicators and says so nowhere."""

    target: ClassVar[dict] = {}


class Challenged(Ending):
    """PKCE by S256 for who wants it; a wrong verifier is invalid_grant, and costs nothing."""

    target: ClassVar[dict] = {"claims": {"device_pkce": True}}
    transforms: ClassVar[tuple[str, ...]] = ("S256",)
    demanded = False

    def __init__(self) -> None:
        super().__init__()
        self.challenges: dict[str, tuple[str, str]] = {}
        self.sent: dict[str, str] = {}

    def parameters(self, request):
        self.sent = super().parameters(request)
        return self.sent

    def started(self, code, grant):
        challenge = self.sent.get("code_challenge", "")
        method = self.sent.get("code_challenge_method", "plain")
        if challenge and method not in self.transforms:
            raise Refused("invalid_request", "the method is not supported")
        if not challenge and self.demanded:
            raise Refused("invalid_request", "code_challenge is missing")
        self.challenges[code] = (challenge, method)
        return super().started(code, grant)

    def redeem(self, form, client):
        code = form.get("device_code", "")
        grant = self.grants.get(code)
        challenge, method = self.challenges.get(code, ("", ""))
        if grant is not None and grant.state == "approved" and challenge:
            self.compare(code, challenge, method, form.get("code_verifier", ""))
        return super().redeem(form, client)

    def compare(self, code: str, challenge: str, method: str, verifier: str) -> None:
        digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        if challenge != (digest if method == "S256" else verifier):
            raise self.mismatch(code)

    def mismatch(self, code: str) -> Refused:
        return Refused("invalid_grant", "the verifier is another one")


class PlainToo(Challenged):
    """Takes plain as well."""

    transforms: ClassVar[tuple[str, ...]] = ("S256", "plain")


class MismatchIsMalformed(Challenged):
    """Calls a verifier that does not fit a malformed request."""

    def mismatch(self, code):
        return Refused("invalid_request", "PKCE verification failed")


class OneWrongVerifierEnds(Challenged):
    """Ends the grant at the first wrong verifier."""

    def mismatch(self, code):
        self.grants.pop(code)
        return super().mismatch(code)


class AllChallenged(Challenged):
    """Serves nobody without a challenge."""

    target: ClassVar[dict] = {"claims": {"device_pkce": True, "device_pkce_required": True}}
    demanded = True


class ChallengedUnsaid(Challenged):
    """Has PKCE in the device grant and says so nowhere."""

    target: ClassVar[dict] = {}
