"""What a revocation endpoint reads, and how it answers what is no token: RFC 7009 sections 2.1, 2.2 and 2.3."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from device_grant.judging import Untestable, check
from device_grant.protocol import Purpose, Request
from device_grant.protocol.dialects import json_object
from device_grant.protocol.exchange import REFUSED
from device_grant.server.checks.ends.chain import Chain
from device_grant.server.checks.ends.revoking import revocation, revoke, revoker, verify_200
from device_grant.server.invariants.common import NOT_OAUTH
from device_grant.server.session.device import PENDING

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

FORM = "rfc7009-2.1-form-post"
GET = "rfc7009-2.3-get-does-not-revoke"
INVALID = "rfc7009-2.2-invalid-token-is-200"
MISSING = "rfc7009-2.1-token-required"
ERRORS = "rfc7009-2.2.1-error-format"
CODES = "rfc7009-2.1-codes-are-no-tokens"
NEVER_ISSUED = "never-issued-token-7d3f1c90a2b84e65"


@check(
    FORM,
    GET,
    faults=("revocation_without_effect", "revocation_reads_query", "revocation_by_get"),
    needs=("revocation", "refresh_token"),
    timed=True,
)
def test_token_in_its_place(case: ServerCase, verify: Verify) -> None:
    """A live refresh token by GET, with a callback too, and in the query of a POST; then in the form.

    Accepted: it ends with the form alone. A server that answers GET with JSONP may end it so, which is reported.
    """
    device = revoker(case)
    chain = Chain(device)
    chain.require_refreshing()
    for requirement, what, make in _ELSEWHERE:
        request = make(device, chain.refreshes[-1])
        sent = device.case.send(request, f"revoke {what}", purpose=Purpose.REVOCATION)
        after = chain.refresh(f"refresh after the revocation {what}")
        ended = not after.outcome.ok
        # Whoever reads the query beside the form is liberal, and puts tokens into logs.
        verify.that(requirement, not ended, f"a token is revoked {what}", sent, after, tolerated=True)
        if ended:
            chain = Chain(device)
            chain.require_refreshing()
    revoked = revoke(device, chain.refreshes[-1], "revoke by a form")
    seconds, last = chain.refused("refresh with the revoked token")
    problem = "a revocation by a form has no effect"
    verify.that(FORM, seconds is not None, problem, revoked, last)


def _by_get(device: Device, token: str, **more: str) -> Request:
    form = revocation(device, token)
    kept = tuple(header for header in form.headers if header[0] != "Content-Type")
    query = {"token": token, "client_id": device.client.id, **more}
    return replace(form, method="GET", url=_with(form.url, query), headers=kept, content=b"")


def _by_query(device: Device, token: str) -> Request:
    form = revocation(device, None)
    return replace(form, url=_with(form.url, {"token": token}))


_ELSEWHERE: tuple[tuple[str, str, Callable[[Device, str], Request]], ...] = (
    (GET, "by GET", _by_get),
    (GET, "by GET with a callback", partial(_by_get, callback="ended")),
    (FORM, "in the query of a POST", _by_query),
)
"""Requests with a live token elsewhere than in a form."""


def _with(url: str, query: dict[str, Any]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(query, errors='surrogatepass')}"


@check(
    INVALID,
    MISSING,
    ERRORS,
    CODES,
    faults=(
        "revocation_unknown_token_400",
        "revocation_without_token_500",
        "revocation_errors_as_text",
        "revocation_takes_user_codes",
    ),
    needs=("revocation",),
    timed=True,
)
def test_revocation_of_what_is_no_token(case: ServerCase, verify: Verify) -> None:
    """Revoke a made-up token, the codes of a pending grant, and nothing; then poll.

    Accepted: 200 for the made-up token, invalid_request without one, errors as at the token endpoint; pending.
    """
    device = revoker(case)
    grant = device.start()
    made_up = revoke(device, NEVER_ISSUED, "revoke a made-up token")
    hinted = revoke(device, f"{NEVER_ISSUED}x", "revoke another one as a refresh token", hint="refresh_token")
    for exchange in (made_up, hinted):
        verify_200(verify, INVALID, exchange, "the revocation of a token that does not exist")
    missing = revoke(device, None, "revoke without a token")
    verify(MISSING, missing, accepted=["invalid_request"])
    codes = [revoke(device, grant.device_code, "revoke the device code")]
    codes.append(revoke(device, grant.user_code, "revoke the user code"))
    after = grant.poll(label="poll after its codes were given as tokens")
    if after.code not in PENDING and device.start().poll(label="control: poll of another grant").code not in PENDING:
        raise Untestable("codes that nobody has opened are not pending here")
    verify.that(CODES, after.code in PENDING, "a code that is given as token ends its flow", *codes, after)
    refused = [one for one in (made_up, hinted, missing, *codes) if _refused(one)]
    for exchange in refused or [missing]:
        problem = "an error of the revocation endpoint has not the form of RFC 6749 section 5.2"
        verify.that(ERRORS, exchange not in refused or _well_formed(exchange), problem, exchange)


def _refused(exchange: Exchange) -> bool:
    """Whether OAuth, and not HTTP, has refused a request."""
    return REFUSED in exchange.outcome.names and exchange.status // 100 == 4 and exchange.status not in NOT_OAUTH


def _well_formed(exchange: Exchange) -> bool:
    body = json_object(exchange.response) if exchange.response else None
    statuses = (400, 401) if exchange.get("error") == "invalid_client" else (400,)
    return isinstance((body or {}).get("error"), str) and exchange.status in statuses
