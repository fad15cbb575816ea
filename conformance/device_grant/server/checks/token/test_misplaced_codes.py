"""Device codes where they mean nothing, and tokens in the place of device codes: RFC 8628 section 3.4."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from device_grant.judging import Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation
from device_grant.server.session.messages import poll_request, with_headers
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.protocol import Request
    from device_grant.server.session.device import Device, Grant

IN_PLACE = "rfc8628-3.4-code-counts-in-its-place"
HEAD = "rfc8628-3.4-head-redeems-nothing"
GRANT_TYPE = "rfc8628-3.4-code-of-its-grant-type"
TOKENS = "rfc8628-3.4-token-is-not-a-device-code"
ONCE = "rfc8628-3.5-device-code-single-use"


@check(IN_PLACE, HEAD, faults=("device_code_elsewhere", "methods_ignored", "head_redeems"), timed=True)
def test_approved_code_out_of_place(device: Device, verify: Verify) -> None:
    """An approved code by HEAD, in the query of a POST, in Cookie, by PUT; then rightly. Accepted: a token at last."""
    grant = _approved(device)
    device.case.send(_by_head(grant), "redeem by HEAD")
    for what, request in _out_of_place(grant):
        exchange = device.case.send(request, f"redeem with the code {what}")
        redeemed = isinstance(exchange.get("access_token"), str)
        verify.that(IN_PLACE, not redeemed, f"a code {what} is redeemed", exchange)
        if redeemed:
            # It lived after HEAD.
            verify.that(HEAD, True, "")  # noqa: FBT003 - the judgement itself
            return
    final = grant.poll(label="redeem as it should be")
    if final.outcome.ok:
        verify.that(HEAD, True, "", final)  # noqa: FBT003 - the judgement itself
        return
    problem = "the code is refused after these requests: which of them used it up cannot be told"
    verify.unclear(IN_PLACE, problem, final)
    fresh = _approved(device)
    head = device.case.send(_by_head(fresh), "redeem by HEAD alone")
    after = fresh.poll(label="redeem after HEAD alone")
    verify.that(HEAD, after.outcome.ok, "a HEAD request uses up the code in its query", head, after)


@check(
    GRANT_TYPE,
    TOKENS,
    ONCE,
    faults=("device_code_under_other_grants", "tokens_as_device_codes", "device_code_trimmed"),
    timed=True,
)
def test_codes_and_tokens_in_each_others_place(device: Device, verify: Verify) -> None:
    """An approved code under other grant types, rightly, in other spellings; then its tokens as codes.

    Accepted: a token for the code as it should be, and for nothing else.
    """
    grant = _approved(device)
    code = grant.device_code
    by_code: dict[str, Any] = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": "http://127.0.0.1/oauth/callback",
    }
    by_refresh: dict[str, Any] = {"grant_type": "refresh_token", "refresh_token": code}
    answers = [
        device.token(**members, device_code=code, label=f"the device code under {members['grant_type']}")
        for members in (by_code, by_refresh)
    ]
    for exchange in answers:
        verify.that(GRANT_TYPE, not exchange.outcome.ok, "a device code is redeemed under another grant type", exchange)
    redeemed = next((exchange for exchange in answers if exchange.outcome.ok), None) or grant.poll(label="redeem")
    if not redeemed.outcome.ok:
        raise Untestable(f"the approved code was answered {redeemed.describe()}")
    for what, spelt in _spellings(code):
        again = grant.poll(device_code=spelt, wait=False, label=f"the redeemed code {what}")
        # The same token again, within a grace period, hurts nobody: a warning.
        same = again.get("access_token") == redeemed.get("access_token")
        problem = f"a redeemed code yields a second token {what}"
        verify.that(ONCE, not again.outcome.ok, problem, again, tolerated=same)
    for name in ("access_token", "refresh_token"):
        token = redeemed.get(name)
        if isinstance(token, str):
            exchange = device.token(grant_type=DEVICE_CODE_GRANT, device_code=token, label=f"{name} as device code")
            known = exchange.outcome.ok or exchange.code == "authorization_pending"
            verify.that(TOKENS, not known, f"{name} taken for a device code", exchange)


def _approved(device: Device) -> Grant:
    grant = device.start()
    device.user.approve(grant)
    device.case.wait(grant.interval + MARGIN)
    return grant


def _by_head(grant: Grant) -> Request:
    """Everything in the query; a secret stays where HTTP has it."""
    dialect, client = grant.device.case.run.dialect, grant.device.client
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code, "client_id": client.id}
    if dialect.public_clients_have_secrets and client.secret:
        members["client_secret"] = client.secret
    request = poll_request(grant)
    query = urlencode({dialect.parameter(name): value for name, value in members.items()})
    headers = tuple(header for header in request.headers if header[0].lower() != "content-type")
    address = f"{request.url}?{query}"
    return replace(request, method="HEAD", url=address, headers=headers, content=b"", operation=Operation.OTHER)


def _out_of_place(grant: Grant) -> Iterator[tuple[str, Request]]:
    # Not as requests of the endpoint: what guards it, against forged requests with cookies say, may speak otherwise.
    name = grant.device.case.run.dialect.parameter("device_code")
    without = replace(poll_request(grant, device_code=None), operation=Operation.OTHER)
    yield "in the query", replace(without, url=f"{without.url}?{urlencode({name: grant.device_code})}")
    yield "in a cookie", with_headers(without, ("Cookie", f"{name}={grant.device_code}"))
    yield "by PUT", replace(poll_request(grant), method="PUT", operation=Operation.OTHER)


def _spellings(code: str) -> Iterator[tuple[str, str]]:
    """Other texts that a careless reader takes for the same code."""
    yield "with spaces around it", f" {code} "
    yield "with more behind it", f"{code}-and-more"
    if code.swapcase() != code:
        yield "in the other case", code.swapcase()
    other = code.translate(str.maketrans("-_+/", "+/-_"))
    yield "in the other Base64", other if other != code else f"{code.rstrip('=')}="
