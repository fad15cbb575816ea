"""Where a device is, told by a link that anybody may change, RFC 10027 section 6.1.1."""

from __future__ import annotations

import re
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, urlencode

from device_grant.browser.markup import squeezed
from device_grant.browser.page import split
from device_grant.judging import NotApplicable, check
from device_grant.server.checks.cross_device.pressing import complete_address, press_through

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device, Grant

_PAIR = re.compile(r"[-+]?\d{1,2}\.\d+\s*[,;/ ]\s*[-+]?\d{1,3}\.\d+")
"""Latitude and longitude as decimal degrees."""
_ELSEWHERE, _FAR = "192.0.2.77", "10.1234,20.5678"
"""An address that documentation is made of (RFC 5737), and a place."""
LOCATION = "rfc10027-6.1.1-location-in-link-is-protected"


@check(LOCATION, faults=("link_location_unsigned",), timed=True)
def test_location_in_the_link(device: Device, verify: Verify) -> None:
    """verification_uri_complete with an address or a place: change it, follow the link, approve. Accepted: no token.

    Where the page does not show the changed value, nothing tells whether anybody looks at it.
    """
    changed = _moved(device.start())
    if changed is None:
        raise NotApplicable("verification_uri_complete holds no network address and no place")
    grant = device.start()
    address, value = _moved(grant) or changed
    pages = press_through(device, address)
    exchange = grant.poll(label="poll after the link with another location was followed")
    believed = any(squeezed(value) in squeezed(page.markup.text) for page in pages)
    problem = "a location in verification_uri_complete is believed after somebody has changed it"
    verify.that(LOCATION, None if exchange.outcome.ok and not believed else not exchange.outcome.ok, problem, exchange)


def _moved(grant: Grant) -> tuple[str, str] | None:
    """The link with its location changed, and the new one; None where it has none."""
    parts = split(complete_address(grant))
    for place in ("query", "fragment"):
        pairs = parse_qsl(getattr(parts, place), keep_blank_values=True)
        for at, (name, value) in enumerate(pairs):
            other = _other(value)
            if other and squeezed(value) != squeezed(grant.user_code):
                moved = [*pairs[:at], (name, other), *pairs[at + 1 :]]
                return parts._replace(**{place: urlencode(moved, quote_via=quote)}).geturl(), other
    return None


def _other(value: str) -> str:
    """Another location of the same kind; empty where the value is none."""
    if _PAIR.fullmatch(value.strip()):
        return _FAR
    try:
        return _ELSEWHERE if ip_address(value.strip()) else ""
    except ValueError:
        return ""
