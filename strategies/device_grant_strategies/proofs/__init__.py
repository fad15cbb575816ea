"""DPoP proofs (RFC 9449 section 4): valid ones, wrong ones with what is wrong with each, and strategies for both.

    from device_grant_strategies.proofs import WRONG_PROOFS, ProofUse, new_key, proof

    key = new_key("ES256")
    use = ProofUse("POST", "https://server.example/token", now=time.time())
    post(token_endpoint, form, headers=[("DPoP", proof(key, use))])
    for wrong in WRONG_PROOFS:
        post(token_endpoint, form, headers=[("DPoP", value) for value in wrong.values(key, use)])

A proof is one value of the header field DPoP. Nothing here sends anything.
"""

from device_grant.protocol.proofs.keys import ALGORITHMS, ProofKey, new_key
from device_grant.protocol.proofs.making import ProofUse, proof
from device_grant.protocol.proofs.wrong import WRONG_PROOFS, WrongProof, unlisted_algorithm
from device_grant_strategies.proofs.drawn import proof_keys, proof_uses, valid_proofs, wrong_proofs

__all__ = [
    "ALGORITHMS",
    "WRONG_PROOFS",
    "ProofKey",
    "ProofUse",
    "WrongProof",
    "new_key",
    "proof",
    "proof_keys",
    "proof_uses",
    "unlisted_algorithm",
    "valid_proofs",
    "wrong_proofs",
]
