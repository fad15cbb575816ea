"""The authorization code grant with PKCE as the scripted server has it (RFC 6749 section 4.1, RFC 7636).

The person at the browser is one who allows at once: an authorization request is answered with the way back to the
client. Strict wherever the real service is: a client that is wrong here fails here, and its rules say why.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from device_grant.client.scripted.replies import Reply
from device_grant.protocol.base64url import base64url
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import EllipsisType

    from device_grant.client.scripted.steps import Moment, Step
    from device_grant.protocol import Request

AUTHORIZATION_CODE = "authorization_code"
AUTHORIZE = "/authorize"
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
"""Hosts at which a client on the machine of its user listens (RFC 8252 section 7.3)."""
VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")
"""RFC 7636 section 4.1."""
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
"""SHA-256 in base64url without padding (RFC 7636 section 4.2)."""
_SEE_THERE = 302


def challenge_of(verifier: str) -> str:
    """S256 (RFC 7636 section 4.2)."""
    return base64url(hashlib.sha256(verifier.encode()).digest())


def query_of(request: Request) -> dict[str, str]:
    """Parameters of an authorization request; of one that comes twice the last."""
    return dict(parse_qsl(urlsplit(request.url).query, keep_blank_values=True))


def is_authorization(request: Request) -> bool:
    """Whether it asks for an authorization code, whatever its path: as captures have it, too."""
    asked = query_of(request)
    return request.method == "GET" and asked.get("response_type") == "code" and "client_id" in asked


def loopback(uri: str) -> bool:
    """Whether it leads to a client on the same machine: plain HTTP, a loopback host, a port."""
    try:
        parts = urlsplit(uri)
        return parts.scheme == "http" and parts.hostname in LOOPBACK and bool(parts.port) and not parts.fragment
    except ValueError:
        return False


@dataclass
class CodeGrant:
    """Codes that are out, each with the authorization request that it answers."""

    pkce: bool = True
    """Whether it knows PKCE, and demands it; else it ignores challenge and verifier, as RFC 7636 section 5 has it."""
    out: dict[str, dict[str, str]] = field(default_factory=dict)
    spent: set[str] = field(default_factory=set)

    def authorize(self, request: Request, code: str) -> Reply:
        """The way back to the client with this code, or with an error; a page where there is no way back."""
        asked = query_of(request)
        back = asked.get("redirect_uri", "")
        if not loopback(back) or not asked.get("client_id"):
            return Reply(400, (("Content-Type", "text/plain"),), b"No client, or no way back to it.")
        if asked.get("response_type") != "code":
            return way_back(back, error="unsupported_response_type", state=asked.get("state"))
        good = asked.get("code_challenge_method") == "S256" and CHALLENGE.fullmatch(asked.get("code_challenge", ""))
        if self.pkce and not good:
            return way_back(back, error="invalid_request", state=asked.get("state"))
        self.out[code] = asked
        return way_back(back, code=code, state=asked.get("state"))

    def refusal(self, request: Request) -> str:
        """Why no token is issued for the code of a token request, as an OAuth error; empty where one is."""
        code, verifier = value_of(request, "code"), value_of(request, "code_verifier") or ""
        if not self.out:
            return "unsupported_grant_type"
        if not isinstance(code, str) or not isinstance(verifier, str) or not code or (self.pkce and not verifier):
            return "invalid_request"
        asked = self.out.get(code)
        if asked is None or code in self.spent:
            return "invalid_grant"
        fits = value_of(request, "redirect_uri") == asked.get("redirect_uri") and value_of(
            request, "client_id"
        ) == asked.get("client_id")
        proved = VERIFIER.fullmatch(verifier) is not None and challenge_of(verifier) == asked.get("code_challenge")
        return "" if fits and (proved or not self.pkce) else "invalid_grant"

    @property
    def announced(self) -> dict[str, Any]:
        """What the metadata say of it (RFC 8414 section 2)."""
        return {"code_challenge_methods_supported": ["S256"]} if self.pkce else {}


def way_back(back: str, **members: str | None) -> Reply:
    """302 to the client, its query kept and these members added; those that are None are left out."""
    parts = urlsplit(back)
    added = urlencode({name: value for name, value in members.items() if value is not None}, quote_via=quote)
    query = "&".join(one for one in (parts.query, added) if one)
    return Reply(_SEE_THERE, (("Location", urlunsplit(parts._replace(query=query))), ("Content-Type", "text/plain")))


def sent_back(**members: str | EllipsisType) -> Step:
    """The honest way back with members of its query replaced, added, or removed by `...`."""

    def reply(moment: Moment) -> Reply:
        before = moment.honest()
        location = dict(before.headers).get("Location", "")
        if not location:
            return before
        return before.with_header("Location", with_query(location, members))

    return reply


def with_query(url: str, members: Mapping[str, str | EllipsisType]) -> str:
    """The address with members of its query replaced, added, or removed by `...`."""
    parts = urlsplit(url)
    pairs = {**dict(parse_qsl(parts.query, keep_blank_values=True)), **members}
    kept = {name: value for name, value in pairs.items() if isinstance(value, str)}
    return urlunsplit(parts._replace(query=urlencode(kept, quote_via=quote)))
