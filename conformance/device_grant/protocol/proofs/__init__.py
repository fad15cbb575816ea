"""DPoP proofs as clients make them (RFC 9449 section 4): right ones, and wrong ones with what is wrong with each."""

from device_grant.protocol.proofs.keys import ALGORITHMS, ProofKey, new_key
from device_grant.protocol.proofs.making import ProofUse, proof
from device_grant.protocol.proofs.wrong import WRONG_PROOFS, WrongProof, unlisted_algorithm

__all__ = [
    "ALGORITHMS",
    "WRONG_PROOFS",
    "ProofKey",
    "ProofUse",
    "WrongProof",
    "new_key",
    "proof",
    "unlisted_algorithm",
]
