"""Client secrets that are nearly right, and clients that pass for others: RFC 6749 sections 2.3.1 and 3.2.1.

What the refusal is called is the business of `test_client_authentication`; here nothing may be granted.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation
from device_grant.server.checks.token.basic import basic_must_work, with_basic
from device_grant.server.session.device import PENDING, WRONG_SECRET, Device, without
from device_grant.server.session.messages import poll_request, start_request, with_content
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange, Request
    from device_grant.server.session.device import Grant

COUNTS = "rfc6749-3.2.1-authenticated-client-counts"
_ONE_CASE_OF_HEXADECIMAL = re.compile(r"[0-9a-f-]+|[0-9A-F-]+")
"""Such a secret is a number: who reads it in either case gives nothing away."""


@check(
    "rfc8628-3.1-bad-secret-rejected",
    faults=(
        "device_endpoint_skips_secret",
        "secret_prefix_accepted",
        "secret_tail_ignored",
        "secret_case_ignored",
        "secret_trimmed",
        "secret_of_any_client",
        "empty_secret_accepted",
    ),
    order="last",
    when=lambda dialect: not dialect.starts_without_secret,
)
def test_near_secrets_at_start(confidential: Device, verify: Verify) -> None:
    """Starts with the secret cut short, longer, in the other case, empty, spaced, another client's. Accepted: no codes.

    Spaces around it are a warning, and so is the other case where the secret is a number.
    """
    confidential.start()
    for what, client, harmless in _near(confidential):
        exchange = confidential.request(client=client, label=f"start with {what}")
        served = exchange.outcome.ok
        verify.that("rfc8628-3.1-bad-secret-rejected", not served, _accepted(what), exchange, tolerated=harmless)
    for request in _nulls(confidential, start_request(confidential)):
        exchange = confidential.case.send(request, "start with null for the secret")
        verify.that("rfc8628-3.1-bad-secret-rejected", not exchange.outcome.ok, _accepted("null"), exchange)


@check(
    "rfc8628-3.4-credentialed-client-enforced",
    faults=("token_endpoint_skips_secret", "secret_prefix_accepted", "secret_of_any_client"),
    timed=True,
    order="last",
)
def test_near_secrets_redeem_nothing(confidential: Device, verify: Verify) -> None:
    """The same with an approved code, then the right secret. Accepted: no token but for the right one."""
    grant = confidential.start()
    confidential.user.approve(grant)
    confidential.case.wait(grant.interval + MARGIN)
    for what, exchange, harmless in _redeemed(grant):
        right = not exchange.outcome.ok
        verify.that("rfc8628-3.4-credentialed-client-enforced", right, _accepted(what), exchange, tolerated=harmless)
        if not right:
            return
    confidential.case.wait(grant.interval + MARGIN)
    final = grant.poll(label="control: redeem with the right secret")
    if not final.outcome.ok:
        problem = "the right secret is refused after the wrong ones: nothing shows why they were refused"
        verify.unclear("rfc8628-3.4-credentialed-client-enforced", problem, final)


def _redeemed(grant: Grant) -> Iterator[tuple[str, Exchange, bool]]:
    device = grant.device
    for what, client, harmless in _near(device):
        label = f"redeem with {what}"
        # Patiently: a server that puts off whoever guesses secrets is given its time.
        exchange = device.token(grant_type=DEVICE_CODE_GRANT, device_code=grant.device_code, client=client, label=label)
        yield what, exchange, harmless
    for request in _nulls(device, poll_request(grant)):
        yield "null", device.case.send(request, "redeem with null for the secret"), False


@check(
    "rfc6749-6-server-requires-auth",
    faults=("token_endpoint_skips_secret", "secret_prefix_accepted", "secret_of_any_client"),
    needs=("refresh_token",),
    timed=True,
    order="last",
)
def test_near_secrets_refresh_nothing(confidential: Device, verify: Verify) -> None:
    """The same with a refresh token. Accepted: no token but for the right secret."""
    token = confidential.refreshable_tokens().get("refresh_token")
    for what, client, harmless in _near(confidential):
        exchange = confidential.refresh(token, client=client, label=f"refresh with {what}")
        right = not exchange.outcome.ok
        verify.that("rfc6749-6-server-requires-auth", right, _accepted(what), exchange, tolerated=harmless)
        if exchange.outcome.ok:
            return
    confidential.require_refreshing(token)


@check(
    COUNTS,
    faults=("client_id_over_basic",),
    when=lambda dialect: dialect.http_authentication,
    timed=True,
)
def test_basic_of_one_client_and_id_of_another(confidential: Device, other: Device, verify: Verify) -> None:
    """A start, an approved code and a refresh token of another client, by Basic of one's own. Accepted: a refusal.

    A start that passes over client_id is one of the client that authenticates, which is as good.
    """
    basic_must_work(confidential)
    victim = _second_with_secret(confidential) or other
    harmless = not victim.client.confidential
    pretending = with_basic(confidential)
    started = confidential.request(client=pretending, client_id=victim.client.id, label="start as another client")
    if started.outcome.ok:
        theirs = victim.started(started).poll(label="poll by that other client")
        problem = "a start by HTTP Basic of one client is one of the client that client_id names"
        verify.that(COUNTS, theirs.code not in PENDING, problem, started, theirs, tolerated=harmless)
    grant = victim.start()
    victim.user.approve(grant)
    stolen = grant.poll(client=pretending, client_id=victim.client.id, label="redeem as another client")
    problem = "HTTP Basic of one client redeems a code of the client that client_id names"
    verify.that(COUNTS, not stolen.outcome.ok, problem, stolen, tolerated=harmless)
    tokens = stolen if stolen.outcome.ok else grant.poll(label="control: redeem by that other client")
    if not tokens.outcome.ok:
        verify.unclear(
            COUNTS, "the other client cannot redeem its code: nothing shows why the first was refused", tokens
        )
    elif isinstance(tokens.get("refresh_token"), str):
        name = victim.client.id
        fresh = victim.refresh(
            tokens.get("refresh_token"), client=pretending, client_id=name, label="refresh as another"
        )
        problem = "HTTP Basic of one client refreshes a token of the client that client_id names"
        verify.that(COUNTS, not fresh.outcome.ok, problem, fresh, tolerated=harmless)


def _near(device: Device) -> Iterator[tuple[str, Client, bool]]:
    """Clients with secrets made from the right one, what each is, and whether taking it gives nothing away."""
    secret = device.client.secret
    if not secret or len(secret) < 4:
        raise Untestable("the client has no secret of which others could be made")
    yield "the secret cut short", without(device.client, secret=secret[: -len(secret) // 4]), False
    yield "more behind the secret", without(device.client, secret=f"{secret}-{WRONG_SECRET}"), False
    if secret.swapcase() != secret:
        number = bool(_ONE_CASE_OF_HEXADECIMAL.fullmatch(secret))
        yield "the secret in the other case", without(device.client, secret=secret.swapcase()), number
    yield "spaces around the secret", without(device.client, secret=f" {secret} "), True
    yield "an empty secret", without(device.client, secret=""), False
    second = _second_with_secret(device)
    if second is not None:
        yield "the secret of another client", without(device.client, secret=second.client.secret), False


def _nulls(device: Device, request: Request) -> Iterator[Request]:
    """The request with null for the secret, where requests are JSON and can say so."""
    dialect = device.case.run.dialect
    if dialect.encoding(Operation.TOKEN) == "json":
        members = json.loads(request.content) | {dialect.parameter("client_secret"): None}
        yield with_content(request, json.dumps(members).encode())


def _second_with_secret(device: Device) -> Device | None:
    """A second client with a secret of its own; None where there is none to be had."""
    run = device.case.run
    for known in run.target.config.clients:
        if known.secret not in ("", device.client.secret) and "device_code" in known.grants:
            return Device(device.case, without(device.client, id=known.id, secret=known.secret))
    if run.target.config.clients or not run.endpoints.registration or run.claims("registration") is False:
        return None
    registered = device.case.send(run.registration_request("confidential"), "register another client with a secret")
    client = run.client_of(registered) if registered.outcome.ok else None
    return Device(device.case, client) if client and client.secret else None


def _accepted(what: str) -> str:
    return f"accepted: {what}"
