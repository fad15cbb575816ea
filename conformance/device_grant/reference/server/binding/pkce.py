"""PKCE in the device grant, as several servers have it: a challenge at the start, its verifier with each poll.

RFC 7636 knows the authorization code grant alone. Here S256 is the only method, and nobody has to use it but the
clients that the settings name.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

from device_grant.reference.server.code_grant.codes import CHALLENGE, VERIFIER, challenge_of
from device_grant.reference.server.http import Refusal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.store import IssuedGrant, RegisteredClient, Store

START_PARAMETERS = frozenset({"code_challenge", "code_challenge_method"})
TOKEN_PARAMETERS = frozenset({"code_verifier"})
S256 = "S256"
_PLAIN = "plain"


def challenged(store: Store, client: RegisteredClient, parameters: Mapping[str, str]) -> str:
    """The S256 challenge of a start; empty: none.

    Raises Refusal invalid_request for one that is malformed or made otherwise, and where one is missing that this
    client has to send (RFC 7636 section 4.4.1).
    """
    faults, settings = store.faults, store.settings
    challenge, method = (parameters.get(name) for name in ("code_challenge", "code_challenge_method"))
    if faults.device_pkce_parameters_refused and challenge:
        raise Refusal("invalid_request", "The parameter code_challenge is not known here")
    if challenge is None:
        if method is not None:
            raise Refusal("invalid_request", "The parameter code_challenge is missing")
        if client.id in settings.pkce_clients and not faults.device_pkce_required_too_late:
            raise Refusal("invalid_request", "This client has to send code_challenge")
        return ""
    # A challenge without a method is plain (RFC 7636 section 4.3).
    if (method or _PLAIN) != S256:
        if faults.device_pkce_unknown_method_as_plain and VERIFIER.fullmatch(challenge):
            return challenge_of(challenge)
        raise Refusal("invalid_request", "code_challenge_method must be S256")
    if not CHALLENGE.fullmatch(challenge):
        raise Refusal("invalid_request", "code_challenge is not 32 octets in base64url without padding")
    return challenge


def require_verifier(store: Store, grant: IssuedGrant, parameters: Mapping[str, str]) -> None:
    """Refuse an approved code without the verifier of its challenge; the code stays good."""
    faults, verifier = store.faults, parameters.get("code_verifier")
    if not grant.challenge:
        if grant.client.id in store.settings.pkce_clients:
            raise Refusal("invalid_grant", "Invalid device code: it was started without code_challenge")
        if verifier is not None and not faults.device_pkce_downgrade:
            raise Refusal("invalid_grant", "Invalid device code: it was started without code_challenge")
        return
    if verifier is None:
        if faults.device_pkce_verifier_optional:
            return
        raise Refusal("invalid_grant", "Invalid device code: code_verifier is missing")
    if not _fits(verifier, grant.challenge, faults):
        raise Refusal("invalid_grant", "Invalid device code: code_verifier does not belong to the challenge")


def _fits(verifier: str, challenge: str, faults: Faults) -> bool:
    fits = bool(VERIFIER.fullmatch(verifier)) and hmac.compare_digest(challenge_of(verifier), challenge)
    plain = faults.device_pkce_challenge_for_verifier and hmac.compare_digest(verifier, challenge)
    return fits or plain or faults.device_pkce_not_compared
