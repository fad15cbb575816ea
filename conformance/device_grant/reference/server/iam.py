"""Assertions of the reference server's trusted token issuer: a file as `[iam] module` of target.toml names it."""

from __future__ import annotations

import secrets

import jwt

from device_grant.reference.server.settings import DEMO_USER, SECOND_USER
from device_grant.reference.server.signed.settings import SignedSettings

_SETTINGS = SignedSettings()
_LIFETIME = 300
"""Seconds."""


def assertion(kind: str, now: float) -> str:
    """One that is good, or with what `kind` says wrong with it; each has a jti of its own."""
    claims = {
        "iss": _SETTINGS.issuer if kind != "other-issuer" else "https://elsewhere.example.com",
        "aud": _SETTINGS.audience if kind != "other-audience" else "somebody-else",
        "sub": DEMO_USER if kind != "not-assigned" else SECOND_USER,
        "iat": int(now),
        "exp": int(now) + (_LIFETIME if kind != "expired" else -_LIFETIME),
        "jti": secrets.token_urlsafe(16),
    }
    return jwt.encode(claims, _SETTINGS.issuer_key, "HS256")
