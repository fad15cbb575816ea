"""DPoP as the scripted server has it (RFC 9449): which tokens it binds, which codes, and the nonces that it asks for.

It reads proofs without judging them, which is what the rules do; what cannot be read at all it refuses.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import error, honest
from device_grant.protocol.dpop import HEADER, NONCE_HEADER, USE_NONCE, read_proof

if TYPE_CHECKING:
    from device_grant.client.scripted.replies import Reply
    from device_grant.client.scripted.steps import Moment, Step
    from device_grant.protocol import Request

ALGORITHMS = ("ES256", "ES384", "ES512", "EdDSA", "PS256", "PS384", "PS512", "RS256", "RS384", "RS512")
"""What the metadata names."""


@dataclass
class BoundTokens:
    """Keys of one run; those of a server without DPoP are none."""

    binds: bool
    """Whether the server has DPoP at its token endpoint: else the header means nothing to it."""
    binds_codes: bool
    """Whether it takes proofs at the device authorization endpoint, and binds the codes."""
    codes: dict[str, str] = field(default_factory=dict)
    """Thumbprint of the key by device code."""

    def unreadable(self, request: Request, *, starts: bool = False) -> bool:
        """Whether a proof is there that has no key to bind anything to."""
        value = request.header(HEADER)
        looks = self.binds_codes if starts else self.binds
        return looks and value is not None and not _key_of(request)

    def begin(self, request: Request, device_code: str) -> None:
        """Remember the key of a device authorization request."""
        if self.binds_codes and _key_of(request):
            self.codes[device_code] = _key_of(request)

    def other_key(self, request: Request, device_code: str) -> bool:
        """Whether this poll has not the key with which its code was asked for."""
        return self.codes.get(device_code, _key_of(request)) != _key_of(request)

    def token_type(self, request: Request) -> dict[str, str]:
        """What a token response to the request says of the type, if that is not the usual one (section 5)."""
        return {"token_type": "DPoP"} if self.binds and _key_of(request) else {}


def _key_of(request: Request) -> str:
    """Thumbprint of the key that the request names; empty if it names none."""
    proof = read_proof(request.header(HEADER) or "")
    return proof.thumbprint if proof else ""


def asks_for_nonce(nonce: str) -> Step:
    """The challenge of section 8 with this nonce, whatever the request has."""

    def reply(moment: Moment) -> Reply:
        return error(USE_NONCE)(moment).with_header(NONCE_HEADER, nonce)

    return reply


def with_nonce(nonce: str, step: Step | None = None) -> Step:
    """That step (default: honest) with a nonce for the next request (section 8.2)."""
    return lambda moment: (step or honest())(moment).with_header(NONCE_HEADER, nonce)
