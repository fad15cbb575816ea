"""CreateTokenWithIAM with assertions of a trusted token issuer: whom it serves, and what it answers."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING

from device_grant.judging import Untestable, check
from device_grant.server.session.registering import register
from device_grant.server.session.signed import (
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    SignedRequests,
    claims_of,
    has_tokens,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

OF_THE_MOMENT = "a signature is made with a secret key for one moment, and no recording keeps either"
UNKNOWN_APPLICATION = "arn:aws:sso::111122223333:application/ssoins-0000000000000000/apl-0000000000000000"
BAD = ("invalid_grant", "invalid_request", "expired_token")
_PARTS = 3
"""Of a JWT: header, claims, signature."""
_CONTEXT = "sts:identity_context"


@check(
    "aws-iam-path",
    "aws-iam-jwt-bearer",
    "aws-iam-response-members",
    "aws-iam-identity-context",
    faults=(
        "iam_query_any_value",
        "iam_jwt_bearer_unsupported",
        "iam_scope_as_string",
        "iam_context_in_token_only",
        "iam_context_differs",
    ),
    needs=("iam",),
    live=OF_THE_MOMENT,
)
def test_jwt_bearer(case: ServerCase, verify: Verify) -> None:
    """Send a good signed request with an assertion; the same without the query, and with aws_iam=f.

    Accepted: tokens with idToken, issuedTokenType, scope as a list and the identity context in both places; without the
    query a refusal by CreateToken. Tokens for aws_iam=f, and a context in one place alone, warn.
    """
    signed = SignedRequests(case)
    exchange = signed.send(signed.bearer(), "jwt-bearer")
    plain = signed.send(signed.bearer(), "the same without the query", query="")
    other = signed.send(signed.bearer(), "the same with aws_iam=f", query="aws_iam=f")
    signed.send(signed.bearer(), "the same with the query twice", query="aws_iam=t&aws_iam=t")
    verify.that("aws-iam-path", not has_tokens(plain), "CreateToken serves a signed request without secret", plain)
    problem = "another value of aws_iam selects the signed operation"
    verify.that("aws-iam-path", not has_tokens(other), problem, other, tolerated=True)
    verify.that("aws-iam-jwt-bearer", has_tokens(exchange), "an assertion yields no tokens", exchange)
    if not has_tokens(exchange):
        raise Untestable(f"a good signed request was answered {exchange.describe()}")
    _judge_members(exchange, verify)


def _judge_members(exchange: Exchange, verify: Verify) -> None:
    details, token = exchange.get("aws_additional_details"), exchange.get("id_token")
    beside = details.get("identityContext") if isinstance(details, dict) else None
    forms = {
        "idToken": isinstance(token, str) and token.count(".") == _PARTS - 1,
        "issuedTokenType": exchange.get("issued_token_type") in (ACCESS_TOKEN, REFRESH_TOKEN),
        "scope": isinstance(exchange.get("scope"), list),
        "awsAdditionalDetails.identityContext": isinstance(beside, str),
        "tokenType": exchange.get("token_type") in (None, "Bearer"),
        "expiresIn": isinstance(exchange.get("expires_in"), int),
    }
    wrong = [name for name, right in forms.items() if not right]
    problem = f"missing, or of another form than the service has: {', '.join(wrong)}"
    verify.that("aws-iam-response-members", not wrong, problem, exchange)
    within = claims_of(token).get(_CONTEXT)
    problem = "the identity context of idToken is not that of awsAdditionalDetails"
    both = within is not None and beside is not None
    verify.that("aws-iam-identity-context", both and within == beside, problem, exchange, tolerated=not both)


@check("aws-iam-unknown-application", faults=("iam_unknown_application_500",), needs=("iam",), live=OF_THE_MOMENT)
def test_unknown_application(case: ServerCase, verify: Verify) -> None:
    """Ask as an application that there is not, then as a client of RegisterClient.

    Accepted: invalid_client or access_denied; another refusal warns. The control: the application itself is served.
    """
    signed = SignedRequests(case)
    signed.served()
    registered = register(case, "RegisterClient").get("client_id")
    for client in (UNKNOWN_APPLICATION, registered):
        exchange = signed.send(signed.bearer(client_id=client), f"clientId {client}")
        accepted = ("invalid_client", "access_denied")
        verify("aws-iam-unknown-application", exchange, accepted=accepted, tolerated=["http-4xx"])


@check("aws-iam-caller-not-allowed", faults=("iam_assignment_ignored",), needs=("iam",), live=OF_THE_MOMENT)
def test_person_who_is_not_assigned(case: ServerCase, verify: Verify) -> None:
    """Send an assertion about a person who is not assigned. Accepted: access_denied. The control: one who is."""
    signed = SignedRequests(case)
    signed.served()
    exchange = signed.send(signed.bearer(assertion=signed.assertion("not-assigned")), "somebody who is not assigned")
    verify("aws-iam-caller-not-allowed", exchange, accepted=["access_denied"])


@check("aws-iam-bad-assertion", faults=("iam_assertion_unverified",), needs=("iam",), live=OF_THE_MOMENT)
def test_assertions_that_are_no_good(case: ServerCase, verify: Verify) -> None:
    """Send assertions with a forged signature, with alg none, for others, by others, too old, and no JWT.

    Accepted: invalid_grant, invalid_request, expired_token; another refusal warns. The control: a good one.
    """
    signed = SignedRequests(case)
    signed.served()
    bad = {"forged": forged(signed.assertion()), "alg none": unsigned(signed.assertion()), "no JWT": "no-jwt-at-all"}
    for kind in ("expired", "other-audience", "other-issuer"):
        try:
            bad[kind] = signed.assertion(kind)
        except Untestable as reason:
            case.note(str(reason))
    for kind, assertion in bad.items():
        exchange = signed.send(signed.bearer(assertion=assertion), f"assertion: {kind}")
        verify("aws-iam-bad-assertion", exchange, accepted=BAD, tolerated=["http-4xx"])


@check("aws-iam-assertion-replay", faults=("iam_assertion_reusable",), needs=("iam",), live=OF_THE_MOMENT)
def test_assertion_once_more(case: ServerCase, verify: Verify) -> None:
    """Send the same assertion twice, signed anew. Accepted: either answer, which is reported."""
    signed = SignedRequests(case)
    assertion = signed.assertion()
    signed.served(assertion=assertion)
    exchange = signed.send(signed.bearer(assertion=assertion), "the same assertion once more")
    verify.that("aws-iam-assertion-replay", not has_tokens(exchange), "an assertion works more than once", exchange)


def forged(assertion: str) -> str:
    """The assertion with a character in the middle of its signature changed: the last one may carry no bits."""
    head, _, signature = assertion.rpartition(".")
    place = len(signature) // 2
    other = "A" if signature[place : place + 1] != "A" else "B"
    return f"{head}.{signature[:place]}{other}{signature[place + 1 :]}"


def unsigned(assertion: str) -> str:
    """The same claims under alg none, which is no signature (RFC 7518 section 3.6)."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "none", "typ": "JWT"}).encode()).rstrip(b"=").decode()
    parts = assertion.split(".")
    return f"{header}.{parts[1] if len(parts) == _PARTS else ''}."
