"""Access tokens at a protected resource: bound ones need a proof of their key (RFC 9449 section 7)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.protocol.dpop import INVALID_PROOF, NONCE_HEADER, USE_NONCE
from device_grant.reference.server.http import Answer, Call, Refusal
from device_grant.reference.server.issued.terms import good_token
from device_grant.reference.server.issued.userinfo import presented_token
from device_grant.reference.server.possession.proofs import ALGORITHMS

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.reference.server.http import Handler
    from device_grant.reference.server.possession.proofs import Proofs

_JSON = "application/json"
_NO_STORE = {"Cache-Control": "no-store"}
_AUTHORIZATION = b"authorization"


async def at_resource(proofs: Proofs, base: Callable[[Call], str], handle: Handler, call: Call) -> Answer:
    """What the resource answers, which knows bearer tokens alone, once a bound token came with its proof."""
    faults = proofs.faults
    scheme, _, token = (call.header(_AUTHORIZATION) or "").partition(" ")
    if scheme.lower() != "dpop" or faults.userinfo_knows_bearer_only:
        bound = _key_of(proofs, presented_token(call) or "")
        if bound and not faults.userinfo_takes_bound_token_as_bearer:
            return _refused(proofs, "invalid_token")
        return await handle(call)
    token = token.strip()
    bound = _key_of(proofs, token)
    if not bound:
        return _refused(proofs, "invalid_token")
    try:
        key = proofs.key_of(call, f"{base(call)}{call.path}", access_token=token)
    except Refusal as refusal:
        return _refused(proofs, refusal.code)
    if key != bound:
        return _refused(proofs, "invalid_token" if key else INVALID_PROOF)
    answer = await handle(_as_bearer(call, token))
    answer.headers |= proofs.nonces.headers()
    if faults.nonce_cacheable and NONCE_HEADER in answer.headers:
        answer.headers |= {"Cache-Control": "max-age=3600"}
    return answer


def _as_bearer(call: Call, token: str) -> Call:
    """The same request with the token as a bearer token."""
    others = [(name, value) for name, value in call.scope["headers"] if name != _AUTHORIZATION]
    headers = [*others, (_AUTHORIZATION, f"Bearer {token}".encode("latin-1"))]
    return Call({**call.scope, "headers": headers}, call.body, too_large=call.too_large)


def _key_of(proofs: Proofs, token: str) -> str:
    """The thumbprint of the key that a good token is bound to; empty for any other token."""
    held = good_token(proofs.store, token)
    return held.terms.confirmation.get("jkt", "") if held is not None else ""


def _refused(proofs: Proofs, error: str) -> Answer:
    """Section 7.1: the scheme, the error and the algorithms; with the nonce that is asked for."""
    challenge = f'DPoP error="{error}", algs="{" ".join(ALGORITHMS)}"'
    nonce = proofs.nonces.headers() if error == USE_NONCE else {}
    return Answer(401, b"", _JSON, {**_NO_STORE, "WWW-Authenticate": challenge, **nonce})
