"""Base64url without padding, in which JOSE and PKCE write octets (RFC 7515 section 2, RFC 7636 section 3)."""

from __future__ import annotations

import base64


def base64url(octets: bytes) -> str:
    """The octets as text, without `=` at its end."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()
