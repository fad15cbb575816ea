"""What a DPoP proof says (RFC 9449 section 4.2), read without judging it; thumbprints and hashes of RFC 9449."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from device_grant.protocol.base64url import base64url

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADER = "DPoP"
"""The header field of a proof."""
NONCE_HEADER = "DPoP-Nonce"
"""The header field by which servers give nonces."""
TYPE = "dpop+jwt"
INVALID_PROOF = "invalid_dpop_proof"
USE_NONCE = "use_dpop_nonce"
PRIVATE_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""Members of a JSON Web Key that nobody but its owner may see (RFC 7518 section 6)."""
_THUMBPRINT_MEMBERS = {"EC": ("crv", "kty", "x", "y"), "RSA": ("e", "kty", "n"), "OKP": ("crv", "kty", "x")}
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ESCAPE = re.compile("%[0-9A-Fa-f]{2}")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_FRESH = frozenset({"jti", "iat", "ath"})
"""Claims that differ from one proof to the next, or with the token that they are for."""
_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*")
_DRAWN = re.compile(r"[A-Za-z0-9_-]{12,}|[0-9]+")


@dataclass(frozen=True)
class Proof:
    """A proof as it was sent; nothing of it is verified."""

    header: Mapping[str, Any]
    claims: Mapping[str, Any]

    @property
    def jwk(self) -> Mapping[str, Any]:
        """The key that it names; empty where it names none."""
        key = self.header.get("jwk")
        return key if isinstance(key, dict) else {}

    @property
    def thumbprint(self) -> str:
        """That of the key; empty where there is none."""
        return thumbprint(self.jwk)


def read_proof(value: str) -> Proof | None:
    """A header value as a proof; None where it is no JWT of three parts with two JSON objects."""
    parts = value.strip().split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return None
    header, claims = _json_part(parts[0]), _json_part(parts[1])
    return None if header is None or claims is None else Proof(header, claims)


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The SHA-256 thumbprint of RFC 7638 in base64url; empty for a key of an unknown kind, or an incomplete one."""
    names = _THUMBPRINT_MEMBERS.get(str(jwk.get("kty")), ())
    members = {name: jwk.get(name) for name in names}
    if not names or not all(isinstance(value, str) for value in members.values()):
        return ""
    return base64url(hashlib.sha256(json.dumps(members, separators=(",", ":"), sort_keys=True).encode()).digest())


def hashed(access_token: str) -> str:
    """`ath`: SHA-256 of the token in base64url (section 4.2)."""
    return base64url(hashlib.sha256(access_token.encode()).digest())


def without_query(url: str) -> str:
    """A URL as `htu` has it: without query and fragment."""
    return urlunsplit(urlsplit(url)._replace(query="", fragment=""))


def normalised(url: str) -> str:
    """What is compared with `htu`: scheme and host in small letters, no default port, no needless escapes.

    RFC 3986 sections 6.2.2 and 6.2.3, which section 4.3 recommends. A URL that cannot be read stays as it is.
    """
    try:
        parts = urlsplit(without_query(url))
        port = parts.port
    except ValueError:
        return url
    scheme, host = parts.scheme.lower(), (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    place = host if port in (None, _DEFAULT_PORTS.get(scheme)) else f"{host}:{port}"
    return urlunsplit((scheme, place, _ESCAPE.sub(_plain, parts.path) or "/", "", ""))


def outline(value: str) -> str:
    """A proof without what is new in each: recordings know one by this that was made anew.

    What stays: the members of header and key by name, algorithm, type, method, URI, nonce, and which claims there are.
    """
    proof = read_proof(value)
    if proof is None or not _COMPACT.fullmatch(value):
        # No JWT: what is drawn in it are runs of letters and digits.
        return _DRAWN.sub("~", value)
    header = {name: said for name, said in proof.header.items() if name != "jwk"}
    claims = {name: "" if name in _FRESH else said for name, said in proof.claims.items()}
    return json.dumps([header, sorted(proof.jwk), claims], sort_keys=True)


def _json_part(part: str) -> dict[str, Any] | None:
    try:
        result = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return None
    return result if isinstance(result, dict) else None


def _plain(escape: re.Match[str]) -> str:
    """What stands for an escape: the character itself where that means the same, else the escape in capitals."""
    character = chr(int(escape[0][1:], 16))
    return character if _UNRESERVED.fullmatch(character) else escape[0].upper()
