"""Proofs of possession: RFC 9449, and its extension to device codes."""
