"""PKCE in the device grant as the scripted server has it: a start's challenge, and the verifier of its polls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.client.scripted.code_grant import CHALLENGE, VERIFIER, challenge_of
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from device_grant.protocol import Request


@dataclass
class Challenges:
    """Challenges of device codes that are out; those of a server that compares nothing are none."""

    compares: bool
    """Whether the server has PKCE in the device grant: else the parameters mean nothing to it."""
    out: dict[str, tuple[str, str]] = field(default_factory=dict)
    """By device code: the challenge and how it was made."""

    def malformed(self, request: Request) -> str:
        """What is wrong with the challenge of a start; empty if nothing is, or there is none."""
        challenge, method = value_of(request, "code_challenge"), value_of(request, "code_challenge_method")
        if not self.compares or challenge in (None, ""):
            return ""
        if method not in (None, "plain", "S256"):
            return "code_challenge_method is neither S256 nor plain."
        shape = CHALLENGE if method == "S256" else VERIFIER
        return "" if shape.fullmatch(str(challenge)) else "code_challenge is malformed."

    def begin(self, request: Request, device_code: str) -> None:
        """Remember the challenge with which a code was asked for."""
        challenge = value_of(request, "code_challenge")
        if self.compares and isinstance(challenge, str) and challenge:
            self.out[device_code] = (challenge, str(value_of(request, "code_challenge_method") or "plain"))

    def refused(self, request: Request, device_code: str) -> bool:
        """Whether this poll lacks the verifier of the challenge of its code."""
        if device_code not in self.out:
            return False
        challenge, method = self.out[device_code]
        verifier = value_of(request, "code_verifier")
        if not isinstance(verifier, str) or not VERIFIER.fullmatch(verifier):
            return True
        return (challenge_of(verifier) if method == "S256" else verifier) != challenge
