"""Resources that the reference server issues tokens for (RFC 8707), as settings name them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProtectedResource:
    """One place where access tokens are used."""

    uri: str
    """By which clients ask for it; `aud` has the same."""
    scopes: tuple[str, ...] = ()
    """Scopes that mean something there and at no other resource; empty: whatever is nobody's own."""


PROTECTED_RESOURCES = (
    ProtectedResource(uri="https://api.example.com/tenant1/", scopes=("read",)),
    ProtectedResource(uri="https://api.example.com/tenant2/", scopes=("write",)),
    ProtectedResource(uri="https://other-api.example.com"),
)
"""Those of a server that was told nothing else."""
