"""The grants of CreateTokenWithIAM: which it has, what each needs, and what it is worth elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT
from device_grant.server.session.sign_in import AUTHORIZATION_CODE, CLAIM, redemption, signing_in
from device_grant.server.session.signed import (
    ACCESS_TOKEN,
    JWT_BEARER,
    REFRESH_TOKEN,
    TOKEN_EXCHANGE,
    SignedRequests,
    has_tokens,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

OF_THE_MOMENT = "a signature is made with a secret key for one moment, and no recording keeps either"
MISSING = ("invalid_request", "ValidationException", "SerializationException")
NOT_HAD = ("unsupported_grant_type", "unauthorized_client")
"""What a grant may be answered that the application does not have."""
BEYOND_THE_MODEL = "not-a-member"
UNKNOWN_TYPE = "urn:ietf:params:oauth:token-type:made-up"


@check("aws-iam-required", faults=("iam_grant_type_optional",), needs=("iam",), live=OF_THE_MOMENT)
def test_required_members(case: ServerCase, verify: Verify) -> None:
    """Leave out clientId, then grantType; add clientSecret. Accepted: invalid_request twice, then tokens.

    The control: with both the request yields tokens.
    """
    signed = SignedRequests(case)
    signed.served()
    for name in ("client_id", "grant_type"):
        exchange = signed.send(signed.bearer(**{name: None}), f"without {name}")
        verify("aws-iam-required", exchange, accepted=MISSING, tolerated=["refused"])
    exchange = signed.send(signed.bearer(client_secret=BEYOND_THE_MODEL), "with clientSecret")
    verify.that("aws-iam-required", has_tokens(exchange), "a member beyond the model is refused", exchange)


@check("aws-iam-grant-types", faults=("iam_device_grant_served",), needs=("iam",), live=OF_THE_MOMENT)
def test_grants_that_it_does_not_have(case: ServerCase, verify: Verify) -> None:
    """Ask for the device grant, password, client_credentials, and jwt-bearer in capitals, with a good assertion.

    Accepted: unsupported_grant_type, or another modelled refusal of the grant. The control: jwt-bearer.
    """
    signed = SignedRequests(case)
    signed.served()
    for grant in (DEVICE_CODE_GRANT, "password", "client_credentials", JWT_BEARER.upper()):
        exchange = signed.send(signed.bearer(grant_type=grant), f"grantType {grant}")
        verify("aws-iam-grant-types", exchange, accepted=[*NOT_HAD, *MISSING], tolerated=["refused"])


@check("aws-iam-missing-grant-member", faults=("iam_missing_assertion_500",), needs=("iam",), live=OF_THE_MOMENT)
def test_members_of_each_grant(case: ServerCase, verify: Verify) -> None:
    """Leave out what each grant needs. Accepted: invalid_request; of a grant that is not had, that it is not.

    invalid_grant warns. The control: jwt-bearer with its assertion yields tokens.
    """
    signed, requirement = SignedRequests(case), "aws-iam-missing-grant-member"
    signed.served()
    exchange = signed.send(signed.bearer(assertion=None), "jwt-bearer without assertion")
    verify(requirement, exchange, accepted=MISSING, tolerated=["invalid_grant"])
    bare = {"assertion": None}
    others = {
        "token-exchange without subjectToken": {"grant_type": TOKEN_EXCHANGE, "subject_token_type": ACCESS_TOKEN},
        "token-exchange without its type": {"grant_type": TOKEN_EXCHANGE, "subject_token": "made-up"},
        "authorization_code without code": {"grant_type": AUTHORIZATION_CODE, "redirect_uri": "http://127.0.0.1"},
        "refresh_token without token": {"grant_type": REFRESH_TOKEN_GRANT},
    }
    for label, members in others.items():
        exchange = signed.send(signed.bearer(**bare | members), label)
        verify(requirement, exchange, accepted=[*MISSING, *NOT_HAD], tolerated=["invalid_grant"])


@check("aws-iam-scope-narrows", faults=("iam_scope_ignored",), needs=("iam",), live=OF_THE_MOMENT)
def test_scope(case: ServerCase, verify: Verify) -> None:
    """Ask for no scope, for one of those that came, for one that nobody has. Accepted: all; that one; invalid_scope.

    Of the last, no more than is had will do.
    """
    signed, requirement = SignedRequests(case), "aws-iam-scope-narrows"
    every = _scopes(signed.served())
    verify.that(requirement, bool(every), "without scope no scope is granted")
    one = sorted(every)[:1] or ["openid"]
    narrow = signed.send(signed.bearer(scope=one), f"scope {one[0]}")
    within = not has_tokens(narrow) or _scopes(narrow) <= set(one)
    verify.that(requirement, within, "a token has more scope than was asked for", narrow)
    unknown = signed.send(signed.bearer(scope=["made:up"]), "a scope that nobody has")
    held = "made:up" not in _scopes(unknown) if has_tokens(unknown) else unknown.status < 500
    verify.that(requirement, held, "a scope is granted that the application does not have", unknown)


def _scopes(exchange: Exchange) -> set[str]:
    granted = exchange.get("scope")
    return set(granted.split() if isinstance(granted, str) else map(str, granted or ()))


@check("aws-iam-token-exchange", faults=("iam_exchange_type_ignored",), needs=("iam",), live=OF_THE_MOMENT)
def test_token_exchange(case: ServerCase, verify: Verify) -> None:
    """Exchange an access token for one of either type, and for a type that there is not.

    Accepted: issuedTokenType as asked; a refusal. Inconclusive where no exchange is served.
    """
    signed, requirement = SignedRequests(case), "aws-iam-token-exchange"
    subject = signed.served().get("access_token")
    members = {
        "grant_type": TOKEN_EXCHANGE,
        "subject_token": subject,
        "subject_token_type": ACCESS_TOKEN,
        "assertion": None,
    }
    got = {}
    for kind in (ACCESS_TOKEN, REFRESH_TOKEN):
        exchange = signed.send(signed.bearer(**members, requested_token_type=kind), f"exchange for {kind[33:]}")
        if has_tokens(exchange):
            got[kind] = exchange
    if not got:
        verify.unclear(requirement, "no token of this application is exchanged")
        return
    for kind, exchange in got.items():
        problem = "issuedTokenType is not the type that was asked for"
        verify.that(requirement, exchange.get("issued_token_type") == kind, problem, exchange)
    unknown = signed.send(signed.bearer(**members, requested_token_type=UNKNOWN_TYPE), "exchange for an unknown type")
    verify.that(requirement, not has_tokens(unknown), "an unknown type of token is issued", unknown)


@check(
    "aws-iam-refresh",
    faults=("iam_refresh_unsupported", "refresh_foreign_client"),
    needs=("iam", "refresh_token"),
    live=OF_THE_MOMENT,
)
def test_refresh_tokens_of_applications(case: ServerCase, device: Device, verify: Verify) -> None:
    """Refresh unsigned at CreateToken, as a registered client; then signed. Accepted: a refusal, then tokens."""
    signed, requirement = SignedRequests(case), "aws-iam-refresh"
    token = signed.served().get("refresh_token")
    if not isinstance(token, str):
        raise NotApplicable("no refresh token comes with the tokens; none is owed")
    elsewhere = device.refresh(token, label="an application's refresh token at CreateToken")
    problem = "a refresh token of a signed request works unsigned"
    verify.that(requirement, not elsewhere.outcome.ok, problem, elsewhere)
    members = signed.bearer(grant_type=REFRESH_TOKEN_GRANT, refresh_token=token, assertion=None)
    exchange = signed.send(members, "refresh, signed")
    problem = "the refresh token of a signed request yields no tokens"
    verify.that(requirement, has_tokens(exchange), problem, exchange)


@check(
    "aws-iam-authorization-code",
    faults=("code_for_any_client",),
    needs=("iam", CLAIM),
    live=OF_THE_MOMENT,
)
def test_code_of_an_application(case: ServerCase, verify: Verify) -> None:
    """Sign in for the application, redeem the code unsigned as a registered client, then signed.

    Accepted: a refusal, then tokens.
    """
    from device_grant.protocol import Client

    signed, requirement = SignedRequests(case), "aws-iam-authorization-code"
    with signing_in(case) as browser:
        client = browser.client()
        asked, code = browser.code(Client(signed.config.application), scopes="sts:identity_context")
        unsigned = browser.redeem(asked, code, label="an application's code at CreateToken", client=client)
        exchange = signed.send({"client_id": signed.config.application, **redemption(asked, code)}, "the code, signed")
    problem = "a code that was given for an application is redeemed unsigned"
    verify.that(requirement, not unsigned.outcome.ok, problem, unsigned)
    if unsigned.outcome.ok:
        return
    if exchange.code in NOT_HAD:
        raise Untestable(f"the application does not have the grant: {exchange.describe()}")
    verify.that(requirement, has_tokens(exchange), "a code of an application yields no tokens", exchange)
