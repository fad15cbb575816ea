"""Nonces of servers in DPoP proofs (RFC 9449 sections 8 and 8.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Judgement, rule
from device_grant.protocol.dpop import HEADER, NONCE_HEADER, USE_NONCE, read_proof

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession
    from device_grant.protocol import Exchange

NEWEST = "rfc9449-8.2-client-uses-newest-nonce"


def challenged(entry: Exchange) -> bool:
    """Whether a request with a proof was answered by a nonce that the proof should have had."""
    return entry.code == USE_NONCE and bool(given(entry)) and entry.request.header(HEADER) is not None


def given(entry: Exchange) -> str:
    """The nonce that the answer has; empty if it has none."""
    return (entry.response.header(NONCE_HEADER) if entry.response else "") or ""


def sent(entry: Exchange) -> str:
    """The nonce in the proof of the request; empty if there is none."""
    proof = read_proof(entry.request.header(HEADER) or "")
    nonce = proof.claims.get("nonce") if proof else None
    return nonce if isinstance(nonce, str) else ""


@rule(NEWEST, faults=("client_keeps_first_nonce",))
def newest_nonce_is_used(session: ClientSession) -> Iterator[Judgement]:
    """The proof of a token request has the nonce that the token endpoint gave last, once that answer was there.

    A request that was on its way by then, and one without a proof, say nothing.
    """
    seen: list[Exchange] = []
    for entry in session.token_requests:
        newest = next((before for before in reversed(seen) if given(before)), None)
        seen.append(entry)
        proof = read_proof(entry.request.header(HEADER) or "")
        if newest is None or proof is None or entry.started < newest.ended:
            continue
        problem = "the proof of a token request has not the nonce that the server gave last"
        yield Judgement(NEWEST, sent(entry) == given(newest), problem, (newest, entry))
