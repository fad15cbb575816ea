"""Whose an access token is: OpenID Connect Core 5.3 and 5.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Request
from device_grant.protocol.numbers import number
from device_grant.server.checks.issued.identified import (
    OPENID,
    begun_without_openid,
    identified,
    nulls_in,
    registered_for,
    with_all_claims,
)
from device_grant.server.session.issued.person import (
    JSON_TYPES,
    JWT_TYPE,
    MADE_UP,
    ask,
    beyond,
    claims_in,
    is_served,
    person,
    refused_well,
    tells_a_person,
)
from device_grant.server.session.jose.compact import is_encrypted, read_jwt
from device_grant.server.session.scopes import with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device

NEEDS = ("userinfo", OPENID)
BOTH, SAME, JSON = "oidc-core-5.3-get-and-post", "oidc-core-5.3.2-sub", "oidc-core-5.3.2-json"
BY_SCOPE, NULLS = "oidc-core-5.4-claims-by-scope", "oidc-core-5.3.2-no-nulls"
ERROR, OTHERS = "oidc-core-5.3.3-error", "oidc-core-5.3.3-other-tokens-refused"
NEEDED = "oidc-core-5.3-openid-needed"
SIGNED, ENCRYPTED = "userinfo_signed_response_alg", "userinfo_encrypted_response_alg"
OVER = 600.0
"""Seconds after its end from which nobody takes an access token for alive because clocks differ."""


@check(
    BOTH,
    JSON,
    SAME,
    BY_SCOPE,
    faults=("userinfo_post_405", "userinfo_as_text", "userinfo_other_sub", "userinfo_all_claims"),
    needs=NEEDS,
    timed=True,
)
def test_userinfo(device: Device, verify: Verify) -> None:
    """GET and POST with the token of a grant with openid alone.

    Accepted: claims as JSON both times, the sub of the ID token among them. What no scope asked for is noted.
    """
    tokens = device.start(scope=OPENID).redeemed()
    granted = tokens.get("scope")
    if isinstance(granted, str) and OPENID not in granted.split():
        raise NotApplicable("openid was asked for and not granted")
    got = ask(device.case, tokens.get("access_token"))
    verify.that(BOTH, is_served(got), "userinfo refuses GET with a good token", got)
    posted = _posted(device, tokens)
    verify.that(BOTH, is_served(posted), "userinfo refuses POST with a good token", posted)
    if not is_served(got):
        raise Untestable(f"userinfo answers a good token with {got.describe()}")
    verify.that(JSON, _well_typed(device, got), "userinfo is no JSON object that is labelled so", got)
    claims, text = claims_in(got), got.response.text.strip() if got.response is not None else ""
    if claims is None and is_encrypted(text):
        raise NotApplicable("userinfo is encrypted, so that the client alone can read it")
    sub = (claims or {}).get("sub")
    id_token = read_jwt(tokens.get("id_token"))
    same = isinstance(sub, str) and (id_token is None or sub == id_token.claims.get("sub"))
    verify.that(SAME, same, "sub of userinfo is missing, or not that of the ID token", tokens, got)
    scopes = set(granted.split()) if isinstance(granted, str) else {OPENID}
    more = beyond(claims or {}, scopes) + beyond(id_token.claims if id_token else {}, scopes)
    problem = "claims come with openid alone that belong to other scopes"
    verify.that(BY_SCOPE, not more, problem, got, got=", ".join(sorted(set(more))))


@check(NULLS, faults=("userinfo_null_claims",), needs=NEEDS, timed=True)
def test_userinfo_without_value(device: Device, verify: Verify) -> None:
    """Userinfo of a grant with all scopes that claims belong to. Accepted: nothing is null or empty text."""
    tokens = with_all_claims(device)
    exchange, claims = person(device.case, tokens)
    names = [*nulls_in(claims), *(name for name, value in claims.items() if value == "")]
    verify.that(NULLS, not names, "claims of userinfo are null or empty", exchange, got=", ".join(names))


@check(ERROR, faults=("userinfo_bad_token_200",), needs=NEEDS, timed=True)
def test_bad_tokens(device: Device, verify: Verify) -> None:
    """Userinfo with no token, a made-up one, and one that has ended. Accepted: 401 with a Bearer challenge.

    The last where the clock can be moved. The control: a good token is served.
    """
    tokens = identified(device)
    _require_served(device, tokens)
    asked = [("no token", None), ("a made-up token", MADE_UP)]
    for what, token in asked:
        _refused(verify, what, ask(device.case, token, label=f"userinfo with {what}"), token=token is not None)
    lifetime = number(tokens.get("expires_in"))
    if lifetime is not None and 0 < lifetime + OVER <= device.case.longest_wait:
        device.case.wait(lifetime + OVER)
        over = ask(device.case, tokens.get("access_token"), label="userinfo with a token that has ended")
        _refused(verify, "a token that has ended", over, token=True)


@check(
    OTHERS,
    faults=("userinfo_accepts_id_token", "userinfo_accepts_refresh_token"),
    needs=NEEDS,
    timed=True,
)
def test_other_tokens(device: Device, verify: Verify) -> None:
    """A device code, a user code, a refresh token, an ID token as bearer tokens. Accepted: nobody is told of.

    The control: the access token is served.
    """
    grant = device.start(scope=with_defaults(device, OPENID))
    waiting = ask(device.case, grant.device_code, label="userinfo with a pending device code")
    device.user.approve(grant)
    codes = [("a device code", grant.device_code), ("a user code", grant.user_code)]
    answers = [(what, ask(device.case, code, label=f"userinfo with {what}")) for what, code in codes if code]
    tokens = grant.poll(label="redeem")
    if not tokens.outcome.ok:
        raise Untestable(f"the approved code was answered {tokens.describe()}")
    access = tokens.get("access_token")
    _require_served(device, tokens)
    for name, what in (("refresh_token", "a refresh token"), ("id_token", "an ID token")):
        value = tokens.get(name)
        # Where it is the access token as well, that is another finding.
        if isinstance(value, str) and value != access:
            answers.append((what, ask(device.case, value, label=f"userinfo with {what}")))
    for what, answer in [("a pending device code", waiting), *answers]:
        problem = f"userinfo tells of a person for {what}"
        verify.that(OTHERS, not tells_a_person(answer), problem, answer)


@check(NEEDED, faults=("userinfo_without_openid",), needs=NEEDS, timed=True)
def test_userinfo_without_openid(device: Device, verify: Verify) -> None:
    """Userinfo with the token of a grant without openid. Accepted: a refusal, or sub and what its scopes ask for."""
    grant, scope = begun_without_openid(device)
    tokens = grant.redeemed()
    granted = tokens.get("scope")
    granted = granted if isinstance(granted, str) else scope
    if granted is None:
        raise NotApplicable("no scope without openid is known, and the answer does not say what was granted")
    if OPENID in granted.split():
        raise NotApplicable("openid is granted without being asked for")
    exchange = ask(device.case, tokens.get("access_token"), label="userinfo with a token without openid")
    more = beyond(claims_in(exchange) or {}, set(granted.split()))
    problem = "userinfo tells more than sub to a token without openid"
    verify.that(NEEDED, not more, problem, tokens, exchange, got=", ".join(more))


def _posted(device: Device, tokens: Exchange) -> Exchange:
    """POST with an empty body; where that is refused, with one that is labelled as the empty form that it is."""
    token = tokens.get("access_token")
    exchange = ask(device.case, token, method="POST", label="userinfo by POST")
    if is_served(exchange):
        return exchange
    headers = (
        ("Accept", f"application/json, {JWT_TYPE}"),
        ("Authorization", f"Bearer {token}"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    )
    return device.case.send(Request("POST", device.case.run.endpoints.userinfo, headers), "userinfo by POST of a form")


def _well_typed(device: Device, exchange: Exchange) -> bool:
    response = exchange.response
    if response is None:
        return False
    if response.media_type == JWT_TYPE:
        return registered_for(device.client, SIGNED) or registered_for(device.client, ENCRYPTED)
    body = claims_in(exchange)
    return body is not None and JSON_TYPES.fullmatch(response.media_type) is not None


def _require_served(device: Device, tokens: Exchange) -> None:
    control = ask(device.case, tokens.get("access_token"), label="control: userinfo with the access token")
    if not is_served(control):
        raise Untestable(f"userinfo answers a good token with {control.describe()}")


def _refused(verify: Verify, what: str, exchange: Exchange, *, token: bool) -> None:
    right, passable = refused_well(exchange, token=token)
    problem = f"{what} is not answered as RFC 6750 has it: 401 with a Bearer challenge"
    verify.that(ERROR, right, problem, exchange, tolerated=passable)
