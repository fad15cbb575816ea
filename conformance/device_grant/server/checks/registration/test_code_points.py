"""How strings are compared: code point by code point after unescaping, never normalised (RFC 8414 section 4)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from device_grant.judging import Untestable, check
from device_grant.server.session.device import without
from device_grant.server.session.registering import register

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

_FULL_WIDTH = 0xFEE0
"""From a printable ASCII character to its full-width form, which compatibility normalisation undoes."""


@check("rfc8414-4-no-normalisation", faults=("identifiers_normalised",))
def test_identifiers_are_not_normalised(device: Device, verify: Verify) -> None:
    """Start with a client_id in full-width characters. Accepted: a refusal, for it is another client_id."""
    device.start()
    unknown = device.request(
        client=without(device.client, id="no-such-client"), label="start with an unknown client_id"
    )
    if unknown.outcome.ok:
        raise Untestable("any client_id is accepted")
    wide = "".join(chr(ord(one) + _FULL_WIDTH) if "!" <= one <= "~" else one for one in device.client.id)
    exchange = device.request(client=without(device.client, id=wide), label="start with a full-width client_id")
    problem = "a client_id in full-width characters was taken for the one in ASCII"
    verify.that("rfc8414-4-no-normalisation", not exchange.outcome.ok, problem, exchange)


@check("rfc8414-4-code-point-compare", needs=("registration",), faults=("json_escapes_refused",))
def test_escaped_strings_are_the_same(case: ServerCase, verify: Verify) -> None:
    """Register with every character of names and values escaped. Accepted: success, as in plain."""
    register(case, "register")
    request = case.run.registration_request()
    body = json.loads(request.content)
    escaped = replace(request, content=_escaped(body).encode())
    exchange = case.send(escaped, "register with escaped characters")
    verify("rfc8414-4-code-point-compare", exchange, accepted=["ok"])


def _escaped(value: Any) -> str:
    if isinstance(value, str):
        return '"' + "".join(f"\\u{ord(one):04x}" for one in value) + '"'
    if isinstance(value, list):
        return "[" + ",".join(map(_escaped, value)) + "]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{_escaped(name)}:{_escaped(one)}" for name, one in value.items()) + "}"
    return json.dumps(value)
