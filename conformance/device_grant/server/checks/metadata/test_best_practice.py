"""Best current practice that belongs to no single endpoint: RFC 9700 sections 2.4 and 2.6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol import Operation, Request
from device_grant.server.checks.metadata.published import fetch, listed

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device


@check("rfc9700-2.4-no-ropc", faults=("password_grant_offered",))
def test_password_grant_is_not_offered(device: Device, verify: Verify) -> None:
    """The metadata's grants, and a password grant. Accepted: not listed, and refused; invalid_grant is a warning."""
    case = device.case
    if case.run.endpoints.metadata:
        metadata, document = fetch(case, case.run.endpoints.metadata, "metadata")
        offered = "password" in listed(document or {}, "grant_types_supported")
        verify.that("rfc9700-2.4-no-ropc", not offered, "grant_types_supported lists password", metadata)
    exchange = device.token(
        grant_type="password",
        username="conformance-nobody",
        password="conformance-wrong",  # noqa: S106 - made up to be wrong
        label="password grant",
    )
    refused = not exchange.outcome.ok and exchange.code not in ("invalid_grant", "access_denied")
    problem = f"the password grant was answered {exchange.describe()}"
    # Some servers say invalid_grant to everything that they cannot use: only a token proves the offer.
    verify.that("rfc9700-2.4-no-ropc", refused, problem, exchange, tolerated=not exchange.outcome.ok)


@check("rfc9700-2.6-cors-endpoints", faults=("preflight_500",))
def test_preflight(case: ServerCase, verify: Verify) -> None:
    """A browser's preflight at the token endpoint. Accepted: CORS or none; no 5xx, no CORS on a failed preflight."""
    headers = (("Origin", "https://client.example.org"), ("Access-Control-Request-Method", "POST"))
    exchange = case.send(Request("OPTIONS", case.run.url(Operation.TOKEN), headers), "preflight")
    if exchange.response is None:
        raise Untestable(f"the preflight was not answered: {exchange.describe()}")
    allowed = exchange.response.header("access-control-allow-origin") is not None
    coherent = exchange.status < 500 and (not allowed or exchange.status // 100 == 2)
    problem = f"a preflight was answered {exchange.status}{' with CORS headers' if allowed else ''}"
    verify.that("rfc9700-2.6-cors-endpoints", coherent, problem, exchange)
