"""Whose an access token is, where the server says it (OpenID Connect Core 2 and 5.3, RFC 7662)."""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any

from device_grant.judging import Untestable
from device_grant.protocol import Request
from device_grant.protocol.dialects import json_object

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device

_PARTS = 3
"""Of a signed token in compact form: header, claims, signature."""


def subject_of(device: Device, tokens: Exchange) -> str:
    """The `sub` of the ID token that came with it, else what the userinfo endpoint of the metadata says of it.

    Raises Untestable where neither tells.
    """
    subject = _claims(tokens.get("id_token")).get("sub")
    address = device.case.run.endpoints.document.get("userinfo_endpoint")
    if not isinstance(subject, str) and isinstance(address, str):
        headers = (("Authorization", f"Bearer {tokens.get('access_token')}"), ("Accept", "application/json"))
        answer = device.case.send(Request("GET", address, headers), "whose token it is")
        body = json_object(answer.response) if answer.response is not None else None
        subject = (body or {}).get("sub")
    if not isinstance(subject, str):
        raise Untestable("nothing says whose a token is: no id_token comes with it, and no userinfo endpoint tells")
    return subject


def _claims(token: object) -> dict[str, Any]:
    """The claims of a signed token, unverified; empty where it is none."""
    parts = token.split(".") if isinstance(token, str) else []
    if len(parts) != _PARTS:
        return {}
    try:
        claims = json.loads(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (binascii.Error, ValueError, RecursionError):
        return {}
    return claims if isinstance(claims, dict) else {}
