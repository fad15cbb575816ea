"""Hypothesis strategies for keys, and for valid and wrong proofs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from device_grant.protocol.proofs.keys import ProofKey, new_key
from device_grant.protocol.proofs.making import ProofUse, proof
from device_grant.protocol.proofs.wrong import WRONG_PROOFS, WrongProof

if TYPE_CHECKING:
    from collections.abc import Sequence

_QUICK = ("ES256", "EdDSA")
_NONCES = st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~", min_size=1, max_size=64)
_EXTRA = st.dictionaries(st.sampled_from(("exp", "nbf", "aud", "sub", "https://claims.example/x")),
                         st.integers(0, 2**32) | st.text(max_size=12), max_size=2)  # fmt: skip


def proof_keys(algorithms: Sequence[str] = _QUICK) -> st.SearchStrategy[ProofKey]:
    """Keys for these algorithms; by default for the two that cost least."""
    return st.builds(new_key, st.sampled_from(tuple(algorithms)), st.binary(min_size=1, max_size=8))


def proof_uses(url: str, now: float, method: str = "POST") -> st.SearchStrategy[ProofUse]:
    """What a proof is for: this request, now, with or without a nonce."""
    return st.builds(ProofUse, st.just(method), st.just(url), st.just(now), st.just("") | _NONCES)


@st.composite
def valid_proofs(draw: st.DrawFn, url: str, now: float, method: str = "POST") -> str:
    """Valid proofs for a request without a nonce: also with claims and header members of which RFC 9449 says nothing.

    `exp` and `nbf` are not among the members: a server may look at them.
    """
    key, use = draw(proof_keys()), ProofUse(method, url, now)
    claims: dict[str, Any] = {name: said for name, said in draw(_EXTRA).items() if name not in ("exp", "nbf")}
    header = draw(st.sampled_from(({}, {"kid": "key 1"})))
    return proof(key, use, header=header, claims=claims)


@st.composite
def wrong_proofs(draw: st.DrawFn, url: str, now: float, method: str = "POST") -> tuple[WrongProof, tuple[str, ...]]:
    """A way of being wrong that no honest server accepts, and the header values, one a field."""
    wrong = draw(st.sampled_from([one for one in WRONG_PROOFS if not one.latitude]))
    return wrong, wrong.values(draw(proof_keys()), ProofUse(method, url, now))
