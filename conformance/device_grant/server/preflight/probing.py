"""Where the endpoints may be, of a server that neither describes itself nor is described by target.toml."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.browser.unreadable import UNREADABLE
from device_grant.protocol.dialects import FORM_TYPE, json_object
from device_grant.server.preflight.variations import KEYS, USUAL_PATHS
from device_grant.server.session.answers import plain_response

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import Target

_ENDPOINT_STATUSES = (200, 400, 401, 403, 415, 422)


def probe(target: Target) -> str:
    """Ask the usual places with an empty form; returns the `[endpoints]` table that they suggest, empty if none does.

    An endpoint of OAuth refuses an empty request in JSON with a member `error` (RFC 6749 section 5.2).
    """
    lines = []
    with target.http(timeout=10.0) as http:
        for operation, paths in USUAL_PATHS.items():
            place = next((path for path in paths if _is_endpoint(http, f"{target.base}{path}")), None)
            if place is not None:
                lines.append(f'{KEYS[operation]} = "{place}"')
    return "\n".join(["[endpoints]", *lines]) if lines else ""


def _is_endpoint(http: httpx.Client, url: str) -> bool:
    try:
        answer = http.post(url, headers={"Content-Type": FORM_TYPE}, content=b"")
    except UNREADABLE:
        return False
    members = json_object(plain_response(answer))
    return answer.status_code in _ENDPOINT_STATUSES and members is not None and "error" in members
