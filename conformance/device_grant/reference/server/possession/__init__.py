"""Proof of possession: DPoP proofs, the nonces in them, and what is bound to their keys (RFC 9449)."""
