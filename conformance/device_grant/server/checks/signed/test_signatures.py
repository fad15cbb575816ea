"""Who may use CreateTokenWithIAM: requests with a right signature, and no others."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.server.session.signed import SignedRequests, Signing, altered, has_tokens

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Request
    from device_grant.server.session.case import ServerCase

OF_THE_MOMENT = "a signature is made with a secret key for one moment, and no recording keeps either"
_HOUR = 3_600.0
"""Seconds."""
UNKNOWN_KEY = "AKIDNOBODYHASTHISKEY"
WRONG_KEY = "made-up-key-that-signs-nothing"
OF_JAVASCRIPT = (
    ("amz-sdk-invocation-id", "309e8435-2454-4730-9022-097bce2b9bc4"),
    ("amz-sdk-request", "attempt=1; max=3"),
)
"""What the SDK for JavaScript signs besides."""


def _other_digit(request: Request) -> Request:
    """The request with the last digit of its signature changed."""

    def changed(name: str, value: str) -> tuple[str, str]:
        if name != "Authorization":
            return name, value
        return name, value[:-1] + ("0" if value[-1] != "0" else "1")

    return replace(request, headers=tuple(changed(*header) for header in request.headers))


def _unspoilt(request: Request) -> Request:
    return request


def _other_body(request: Request) -> Request:
    return replace(request, content=altered(request.content))


@check(
    "aws-iam-signature-required",
    "aws-iam-signature-verified",
    "aws-iam-credential-scope",
    faults=(
        "iam_unsigned_served",
        "iam_signature_unchecked",
        "iam_old_signature_served",
        "iam_service_name_ignored",
    ),
    needs=("iam",),
    live=OF_THE_MOMENT,
)
def test_signatures_that_do_not_fit(case: ServerCase, verify: Verify) -> None:
    """Send good requests unsigned, spoilt after signing, by an unknown key, an hour old, for another service or region.

    Accepted: any refusal; for another region, being served is a warning. The control: one that is
    signed as it should be yields tokens.
    """
    signed = SignedRequests(case)
    signed.served()
    exchange = case.send(signed.request(signed.bearer()), "not signed")
    verify.that("aws-iam-signature-required", not has_tokens(exchange), "an unsigned request yields tokens", exchange)
    region = "eu-north-1" if signed.config.region != "eu-north-1" else "eu-west-1"
    wrong = {
        "one digit of the signature changed": (Signing(), _other_digit),
        "body changed after signing": (Signing(), _other_body),
        "unknown access key": (Signing(access_key=UNKNOWN_KEY), _unspoilt),
        "wrong secret key": (Signing(secret_key=WRONG_KEY), _unspoilt),
        "an hour old": (Signing(age=_HOUR), _unspoilt),
    }
    for label, (how, spoil) in wrong.items():
        exchange = signed.send(signed.bearer(), label, how=how, spoil=spoil)
        problem = f"a request yields tokens although its signature does not fit: {label}"
        verify.that("aws-iam-signature-verified", not has_tokens(exchange), problem, exchange)
    for label, how in (("for sso-oidc", Signing(service="sso-oidc")), (f"for {region}", Signing(region=region))):
        exchange = signed.send(signed.bearer(), f"signed {label}", how=how)
        problem = "a request yields tokens that was signed for another service or region"
        lenient = bool(how.region)
        verify.that("aws-iam-credential-scope", not has_tokens(exchange), problem, exchange, tolerated=lenient)


@check("aws-iam-signed-headers", faults=("iam_wants_content_hash",), needs=("iam",), live=OF_THE_MOMENT)
def test_header_fields_that_sdks_sign(case: ServerCase, verify: Verify) -> None:
    """Sign the header fields that botocore signs; with a session token; those that JavaScript's SDK adds.

    Accepted: tokens. The control, where none come: the same with x-amz-content-sha256.
    """
    signed, requirement = SignedRequests(case), "aws-iam-signed-headers"
    ways = {"as botocore signs": Signing(), "as JavaScript's SDK signs": Signing(further=OF_JAVASCRIPT)}
    if signed.config.session_token:
        ways["with a session token"] = Signing(temporary=True)
    answers = {label: signed.send(signed.bearer(), label, how=how) for label, how in ways.items()}
    if not any(map(has_tokens, answers.values())):
        members = signed.bearer()
        digest = hashlib.sha256(signed.request(members).content).hexdigest()
        control = signed.send(
            members, "control: with the body's digest", how=Signing(further=(("x-amz-content-sha256", digest),))
        )
        if not has_tokens(control):
            raise Untestable(f"no signed request is served: the last was answered {control.describe()}")
    for label, exchange in answers.items():
        problem = f"a request is refused although it has all that SDKs sign: {label}"
        verify.that(requirement, has_tokens(exchange), problem, exchange)
