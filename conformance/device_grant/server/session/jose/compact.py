"""Tokens in compact form (RFC 7515 section 7.1), read without believing them.

What is read comes from the server under test: nothing here raises for any text, and nothing takes long.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 2**17
"""Characters of a token that is read; no header field takes as many."""
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
_SIGNED_PARTS, _ENCRYPTED_PARTS = 3, 5


@dataclass(frozen=True)
class CompactJwt:
    """A JWT in the three parts of a JWS: a header with alg, claims, and what should be a signature."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]
    signature: bytes
    strict: bool
    """Whether all parts are base64url without padding, as RFC 7515 section 2 has it."""

    @property
    def signed(self) -> bytes:
        """What the signature is of."""
        return self.text.rpartition(".")[0].encode("ascii", errors="replace")

    @property
    def algorithm(self) -> str:
        """`alg`; empty where that is no text."""
        alg = self.header.get("alg")
        return alg if isinstance(alg, str) else ""

    @property
    def kind(self) -> str:
        """`typ` as it is compared: lower case, without `application/` (RFC 7515 section 4.1.9); empty: none."""
        typ = self.header.get("typ")
        return typ.lower().removeprefix("application/") if isinstance(typ, str) else ""


def read_jwt(token: object) -> CompactJwt | None:
    """The parts of a token; None for anything but a JWS in compact form whose payload is a JSON object."""
    if not isinstance(token, str) or len(token) > LONGEST or token.count(".") != _SIGNED_PARTS - 1:
        return None
    parts = token.split(".")
    header, claims, signature = _object(parts[0]), _object(parts[1]), _octets(parts[2])
    if header is None or claims is None or signature is None or "alg" not in header:
        return None
    return CompactJwt(token, header, claims, signature, all(map(_BASE64URL.fullmatch, parts)))


def is_encrypted(token: object) -> bool:
    """Whether it has the five parts of a JWE in compact form (RFC 7516 section 7.1), with a header that says how."""
    if not isinstance(token, str) or len(token) > LONGEST or token.count(".") != _ENCRYPTED_PARTS - 1:
        return False
    return "enc" in (_object(token.partition(".")[0]) or {})


def _object(part: str) -> dict[str, Any] | None:
    octets = _octets(part)
    try:
        value = None if octets is None else json.loads(octets)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _octets(part: str) -> bytes | None:
    text = part.rstrip("=")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
