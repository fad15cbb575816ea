"""Codes where they mean nothing; only faults look there."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from device_grant.protocol import DEVICE_CODE_GRANT

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.http import Call
    from device_grant.reference.server.store import IssuedGrant


def code_elsewhere(call: Call, name: str) -> str | None:
    """A device code of that name in the query or in a cookie, which only the fault `device_code_elsewhere` reads."""
    for key, value in parse_qsl(call.query.decode("latin-1")):
        if key == name:
            return value
    morsel = SimpleCookie(call.header(b"cookie") or "").get(name)
    return morsel.value if morsel else None


def cookie_of(grant: IssuedGrant, faults: Faults) -> dict[str, str]:
    """Header fields with which a device authorization is answered under the fault `device_code_in_cookie`."""
    return {"Set-Cookie": f"device={grant.device_code}; HttpOnly"} if faults.device_code_in_cookie else {}


def meant_grant(grant_type: str, members: Mapping[str, Any], code: str, faults: Faults) -> str:
    """The grant type, but the device grant's where a device code came under another one and a fault lets it."""
    if faults.device_code_under_other_grants and code in members:
        return DEVICE_CODE_GRANT
    return grant_type
