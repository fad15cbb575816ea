"""Code challenges of authorization requests: which are served, and what a code keeps of them (RFC 7636 section 4.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.reference.server.code_grant.codes import CHALLENGE, VERIFIER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.faults import Faults

S256 = "S256"
_PLAIN = "plain"


def served(parameters: Mapping[str, str], faults: Faults) -> bool:
    """Whether the challenge of a request is one that this server takes: S256 alone, well-formed."""
    challenge = parameters.get("code_challenge", "")
    plain = faults.code_holds_challenge and parameters.get("code_challenge_method") == _PLAIN
    if plain or taken_as_plain(parameters, faults):
        return VERIFIER.fullmatch(challenge) is not None
    method = parameters.get("code_challenge_method", S256 if faults.missing_method_as_s256 else _PLAIN)
    return method == S256 and CHALLENGE.fullmatch(challenge) is not None


def taken_as_plain(parameters: Mapping[str, str], faults: Faults) -> bool:
    """Whether the challenge is taken for the verifier itself, which only the fault `unknown_method_as_plain` does."""
    return faults.unknown_method_as_plain and parameters.get("code_challenge_method") not in (None, S256)
