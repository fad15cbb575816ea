"""Polling: RFC 8628 sections 3.4 and 3.5, CreateToken while the user has not decided."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from device_grant.judging import Inconclusive, NotApplicable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Request, Situation
from device_grant.protocol.numbers import number
from device_grant.server.session.device import ENDED, PENDING
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant


@check(
    "rfc8628-3.5-authorization-pending",
    "rfc8628-3.4-server-accepts-grant",
    "rfc8628-3.5-no-token-before-approval",
    "aws-token-pending",
    faults=("token_before_approval", "pending_misspelt", "pending_as_invalid_grant"),
    timed=True,
)
def test_pending(device: Device, verify: Verify) -> None:
    """Start, wait the interval, poll. Accepted: authorization_pending with status 400, and no token."""
    grant = device.start()
    exchange, _ = grant.ask()
    if exchange.code in ENDED:
        grant.require_life()
    verify("rfc8628-3.5-authorization-pending", exchange, accepted=["authorization_pending"])
    verify("rfc8628-3.4-server-accepts-grant", exchange, accepted=PENDING)
    no_token = exchange.get("access_token") is None
    verify.that("rfc8628-3.5-no-token-before-approval", no_token, "a token came before any approval", exchange)
    verify("aws-token-pending", exchange, accepted=["authorization_pending"])


@check(
    "rfc8628-3.5-server-no-slow-down-when-polite",
    "rfc8628-3.4-repeat-polling-possible",
    "rfc8628-3.5-pending-is-not-terminal",
    faults=("slow_down_polite", "pending_consumes_code"),
    timed=True,
)
def test_polite_polling(device: Device, verify: Verify) -> None:
    """Three polls, each a margin more than the interval after the last. Accepted: authorization_pending each time."""
    grant = device.start()
    for turn in (1, 2, 3):
        exchange = grant.poll(label=f"polite poll {turn}")
        polite = exchange.code != "slow_down"
        verify.that(
            "rfc8628-3.5-server-no-slow-down-when-polite", polite, "slow_down although the interval was kept", exchange
        )
        verify("rfc8628-3.4-repeat-polling-possible", exchange, accepted=PENDING)
        verify("rfc8628-3.5-pending-is-not-terminal", exchange, accepted=PENDING)


@check("rfc8628-3.5-server-may-slow-down", faults=("early_poll_429",), timed=True)
def test_impolite_polling(device: Device, verify: Verify) -> None:
    """Four polls without any wait. Accepted: authorization_pending or slow_down; nobody owes slow_down."""
    grant = device.start()
    for turn in (1, 2, 3, 4):
        exchange = grant.poll(wait=False, label=f"hasty poll {turn}")
        verify("rfc8628-3.5-server-may-slow-down", exchange, accepted=PENDING)


@check(
    "rfc8628-3.5-server-slow-down-keeps-session",
    "rfc8628-3.5-server-accepts-increased-interval",
    "rfc8628-3.5-slow-down-interval-not-lower",
    faults=("slow_down_ends_session", "slow_down_adds_a_minute", "slow_down_lowers_interval"),
    timed=True,
    needs=("slow_down",),
)
def test_slow_down_is_survived(device: Device, verify: Verify) -> None:
    """Poll hastily until slow_down, then at the raised interval, approve, poll. Accepted: pending, then a token."""
    grant = device.start()
    agreed = grant.interval
    hasty = [grant.poll(wait=False, label="hasty poll")]
    while hasty[-1].code != "slow_down":
        if len(hasty) == 3:
            raise NotApplicable("the server did not answer slow_down to three polls at once; it need not")
        hasty.append(grant.poll(wait=False, label="hasty poll"))
    named = number(hasty[-1].get("interval"))
    problem = f"slow_down names an interval of {named} s, agreed were {agreed:g} s"
    lower = named is not None and named < agreed
    verify.that("rfc8628-3.5-slow-down-interval-not-lower", not lower, problem, hasty[-1])
    _has_time_for(grant, 2)
    after = grant.poll(label="poll at the raised interval")
    verify("rfc8628-3.5-server-accepts-increased-interval", after, accepted=["authorization_pending"])
    device.user.approve(grant)
    _has_time_for(grant, 1)
    final = grant.poll(label="poll after approval")
    verify("rfc8628-3.5-server-slow-down-keeps-session", final, accepted=["ok"])


def _has_time_for(grant: Grant, polls: int) -> None:
    if grant.time_left < polls * (grant.interval + MARGIN):
        raise Inconclusive("the codes end before the raised interval has passed: configure a longer lifetime")


@check("rfc8628-3.5-approved-fast-poll", faults=("early_poll_discards_approval",), timed=True)
def test_hasty_poll_does_not_lose_the_token(device: Device, verify: Verify) -> None:
    """Approve, poll twice at once, then politely. Accepted: one of the polls yields the token."""
    grant = device.start()
    grant.poll(wait=False, label="hasty poll")
    device.user.approve(grant)
    exchange = grant.poll(wait=False, label="hasty poll after approval")
    while exchange.code == "slow_down" and grant.interval < 60:
        _has_time_for(grant, 1)
        exchange = grant.poll(label="polite poll")
    verify("rfc8628-3.5-approved-fast-poll", exchange, accepted=["ok"])


@check(
    "rfc8628-3.4-unknown-device-code-rejected",
    "rfc6749-5.2-invalid-grant",
    "aws-token-bad-device-code",
    faults=("unknown_code_pending", "unknown_code_404", "unknown_code_slow_down"),
)
def test_unknown_device_code(device: Device, verify: Verify) -> None:
    """A device_code that was never issued. Accepted: invalid_grant; expired_token from servers that forget."""
    exchange = device.token(
        grant_type=DEVICE_CODE_GRANT, device_code="never-issued-0123456789abcdef", label="unknown device code"
    )
    accepted = ["invalid_grant", "expired_token"]
    verify("rfc8628-3.4-unknown-device-code-rejected", exchange, accepted=accepted)
    verify("rfc6749-5.2-invalid-grant", exchange, accepted=accepted)
    verify("aws-token-bad-device-code", exchange, accepted=["invalid_grant"], tolerated=["expired_token"])


@check(
    "rfc8628-3.4-user-code-is-not-a-device-code",
    faults=(
        "device_code_case_ignored",
        "device_code_prefix_accepted",
        "device_code_tail_ignored",
        "user_code_as_device_code",
    ),
    timed=True,
)
def test_other_codes_are_no_device_code(device: Device, verify: Verify) -> None:
    """The user code; the device code truncated, lengthened, in the other case. Accepted: a refusal of the code."""
    grant = device.start()
    variants = {
        "user_code": grant.user_code,
        "truncated": grant.device_code[:-1],
        "lengthened": f"{grant.device_code}-and-more",
        "case changed": grant.device_code.swapcase(),
    }
    for label, value in variants.items():
        if value == grant.device_code:
            raise Inconclusive("the device code has no letters whose case could be changed")
        exchange = grant.poll(device_code=value, wait=False, label=f"{label} as device code")
        known = exchange.code in PENDING or exchange.outcome.ok
        # How an unknown code is refused is the business of other checks.
        verify.that(
            "rfc8628-3.4-user-code-is-not-a-device-code", not known, f"{label} taken for the device code", exchange
        )


@check(
    "rfc8628-3.4-missing-device-code-rejected",
    "rfc8628-3.4-nothing-without-device-code",
    "rfc6749-5.2-invalid-request-missing",
    faults=("missing_device_code_500", "missing_device_code_pending"),
)
def test_missing_device_code(device: Device, verify: Verify) -> None:
    """Start, then a token request without device_code. Accepted: invalid_request; never pending or a token."""
    device.start()
    exchange = device.token(grant_type=DEVICE_CODE_GRANT, label="token request without device_code")
    accepted = device.case.run.dialect.accepts(Situation.MEMBER_MISSING, "invalid_request")
    for requirement in ("rfc8628-3.4-missing-device-code-rejected", "rfc6749-5.2-invalid-request-missing"):
        verify(requirement, exchange, accepted=accepted, tolerated=["invalid_grant"])
    # slow_down may be meant for the client, whose other codes are polled meanwhile.
    served = exchange.outcome.ok or exchange.code == "authorization_pending"
    problem = "a request that names no device code is answered as if it had named a live one"
    verify.that("rfc8628-3.4-nothing-without-device-code", not served, problem, exchange)


@check(
    "rfc6749-5.2-unsupported-grant-type",
    "aws-token-unsupported-grant",
    faults=("unknown_grant_type_accepted",),
    timed=True,
)
def test_unsupported_grant_type(device: Device, verify: Verify) -> None:
    """A grant type that nobody defined, with a live code. Accepted: unsupported_grant_type."""
    grant = device.start()
    exchange = grant.poll(
        wait=False, grant_type="urn:ietf:params:oauth:grant-type:no-such-grant", label="unknown grant type"
    )
    verify(
        "rfc6749-5.2-unsupported-grant-type",
        exchange,
        accepted=["unsupported_grant_type"],
        tolerated=["invalid_request", "unauthorized_client"],
    )
    verify("aws-token-unsupported-grant", exchange, accepted=["unsupported_grant_type"], tolerated=["invalid_request"])


@check("rfc6749-3.2-ignore-unknown-params", faults=("unknown_parameters_refused",), timed=True)
def test_unknown_token_parameter_is_ignored(device: Device, verify: Verify) -> None:
    """A poll with a parameter that no specification defines. Accepted: as without it."""
    exchange = device.start().poll(x_conformance_probe="ignored", label="poll with an unknown parameter")
    verify("rfc6749-3.2-ignore-unknown-params", exchange, accepted=PENDING)


@check("rfc6749-3.2-server-refuses-get", faults=("get_issues_tokens",), timed=True)
def test_get_at_the_token_endpoint(case: ServerCase, device: Device, verify: Verify) -> None:
    """An approved code redeemed by GET with everything in the query. Accepted: anything but a token."""
    grant = device.start()
    device.user.approve(grant)
    case.wait(grant.interval + 1)
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code, "client_id": device.client.id}
    if case.run.dialect.public_clients_have_secrets and device.client.secret:
        members["client_secret"] = device.client.secret
    members = {case.run.dialect.parameter(name): value for name, value in members.items()}
    url = case.run.url(Operation.TOKEN) + "?" + urlencode(members)
    exchange = case.send(Request("GET", url, (), b"", Operation.TOKEN), "redeem by GET")
    issued = exchange.get("access_token") is not None
    verify.that("rfc6749-3.2-server-refuses-get", not issued, "a GET was answered with a token", exchange)


@check("aws-token-required", faults=("missing_device_code_500",))
def test_create_token_requires_members(device: Device, verify: Verify) -> None:
    """CreateToken without clientId, clientSecret, grantType or deviceCode. Accepted: a modelled error."""
    grant = device.start()
    whole = {
        "client_id": device.client.id,
        "client_secret": device.client.secret,
        "grant_type": DEVICE_CODE_GRANT,
        "device_code": grant.device_code,
    }
    for name in whole:
        exchange = device.case.call(Operation.TOKEN, whole | {name: None}, None, f"CreateToken without {name}")
        verify(
            "aws-token-required",
            exchange,
            accepted=["invalid_request", "invalid_client", "unsupported_grant_type", "invalid_grant", "http-400"],
        )
