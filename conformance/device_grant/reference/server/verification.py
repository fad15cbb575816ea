"""Where the user goes: the device authorization response that both dialects spell in their own way (RFC 8628 3.2)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.reference.server.usual import DAY

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.http import Call
    from device_grant.reference.server.settings import Settings
    from device_grant.reference.server.store import IssuedGrant

VERIFICATION_PATH = "/device"
SIGN_IN_PATH = "/login"
HOUR = 3_600
"""Seconds."""
_OF_DEVICE = "127.0.0.1"
_ELSEWHERE = "http://connect.example"
_LONG_TAIL = "/" + "x7Qm2ZpL" * 16


def origin(call: Call, settings: Settings, faults: Faults) -> str:
    """Scheme, host and port of URLs in responses: what the operator said, whatever the request claims."""
    if faults.host_header_trusted:
        return f"http://{call.header(b'host') or 'localhost'}"
    if faults.forwarded_host_trusted:
        forwarded = call.header(b"x-forwarded-host")
        return f"http://{forwarded}" if forwarded else settings.base
    return settings.base


def device_response(grant: IssuedGrant, settings: Settings, faults: Faults, base: str) -> dict[str, Any]:
    """Members of a device authorization response by their names in RFC 8628."""
    uri, complete = _addresses(grant, faults, base)
    members: dict[str, Any] = {
        "device_code": grant.device_code,
        "user_code": grant.user_code,
        "verification_uri": uri,
        "verification_uri_complete": complete,
        "expires_in": settings.expires_in,
        "interval": settings.polling_interval,
    }
    if faults.codes_live_a_day:
        members["expires_in"] = DAY
    if faults.codes_live_two_hours:
        members["expires_in"] = 2 * HOUR
    if faults.expires_in_string:
        members["expires_in"] = str(settings.expires_in)
    if faults.expires_in_negative:
        members["expires_in"] = -settings.expires_in
    if faults.interval_string:
        members["interval"] = str(settings.polling_interval)
    if faults.interval_above_lifetime:
        members["interval"] = settings.expires_in + 1
    if faults.interval_negative:
        members["interval"] = -settings.polling_interval
    missing = {
        "device_code": faults.device_code_missing,
        "user_code": faults.user_code_missing,
        "verification_uri": faults.verification_uri_missing,
        "expires_in": faults.expires_in_missing,
    }
    return {name: value for name, value in members.items() if not missing.get(name, False)}


def _addresses(grant: IssuedGrant, faults: Faults, base: str) -> tuple[str, str]:
    uri = ("" if faults.verification_uri_relative else base) + VERIFICATION_PATH
    complete = f"{base}{VERIFICATION_PATH}?user_code={grant.user_code}"
    if faults.verification_uri_long:
        uri += "?session=" + _LONG_TAIL
    if faults.verification_uri_elsewhere:
        uri = _ELSEWHERE + VERIFICATION_PATH
    if faults.user_code_in_verification_uri:
        uri += f"?user_code={grant.user_code}"
    if faults.complete_uri_constant:
        complete = f"{base}{VERIFICATION_PATH}?user_code="
    if faults.verification_uri_fragment:
        complete = f"{base}{VERIFICATION_PATH}#user_code={grant.user_code}"
    if faults.link_location_unsigned:
        complete += f"&ip={_OF_DEVICE}"
    if faults.device_code_in_complete_uri:
        complete += f"&device_code={grant.device_code}"
    return uri, complete
