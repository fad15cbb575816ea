"""Access tokens that are JWTs: RFC 9068. Judged are those that say so by typ, or all where target.toml claims it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.server.checks.issued.access import CLAIMS, HEADER, KEYS, SCOPES, VERIFIES, AccessTokenJudge
from device_grant.server.checks.issued.identified import OPENID, identified
from device_grant.server.session.audience import CLAIM as RESOURCE
from device_grant.server.session.audience import audience, jwt_for_a_resource, marks, resources
from device_grant.server.session.issued.person import ask, is_served, names_invalid_token, tells_a_person
from device_grant.server.session.jose.profile import CAPABILITY, profiled
from device_grant.server.session.scopes import known_scopes, with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device

UNIQUE, SIGN_IN = "rfc9068-2.2-jti-unique", "rfc9068-2.2.1-authentication-claims-stay"
TYPE_CHECKED, INVALID_TOKEN = "rfc9068-4-userinfo-type-check", "rfc9068-4-errors-are-invalid-token"
NAMED, DISTINCT = "rfc9068-3-aud-is-resource", "rfc9068-5-distinct-audiences"
REPLACED = "a recording has other signatures in place of the true ones"
APART = 3.0
"""Seconds between the sign-in and the refresh: claims count whole ones."""
OF_THE_SIGN_IN = ("auth_time", "acr", "amr")


@check(
    *HEADER,
    *CLAIMS,
    *SCOPES,
    *KEYS,
    faults=(
        "at_jwt_unsigned",
        "at_jwt_alg_none",
        "at_jwt_typ_jwt",
        "at_jwt_typ_long",
        "at_jwt_hs256",
        "at_jwt_key_unpublished",
        "at_jwt_signature_wrong",
        "at_jwt_iss_host",
        "at_jwt_exp_text",
        "at_jwt_exp_other_than_expires_in",
        "access_token_without_audience",
        "at_jwt_without_sub",
        "at_jwt_sub_is_client",
        "at_jwt_cid",
        "at_jwt_iat_missing",
        "at_jwt_jti_missing",
        "at_jwt_scp",
        "at_jwt_scope_array",
        "at_jwt_scope_of_client",
        "at_jwt_aud_empty",
        "at_jwt_aud_is_client",
        "at_jwt_full_profile",
    ),
    needs=(CAPABILITY,),
    timed=True,
    live={VERIFIES: REPLACED},
)
def test_jwt_access_token(device: Device, verify: Verify) -> None:
    """Start with a scope, approve, redeem; read the access token as a resource server would, verify it by jwks_uri.

    Where JWTs are for resources alone it asks for one (RFC 8707). Accepted: what RFC 9068 has in it. It is not
    applicable to tokens that do not say that they are of it.
    """
    known = known_scopes(device)
    requested = with_defaults(device, *known[:1]) or None
    tokens = device.start(scope=requested).redeemed() if requested else device.start().redeemed()
    tokens, resource = jwt_for_a_resource(device, tokens)
    judge = AccessTokenJudge(device, tokens, profiled(device.case, tokens), verify)
    judge.header()
    judge.claims()
    if requested:
        judge.scope(requested, known=resource is None)
    judge.keys()
    if not requested:
        raise NotApplicable("no scope is known that could be asked for")


@check(
    UNIQUE,
    SIGN_IN,
    faults=("at_jwt_jti_per_grant", "at_jwt_auth_time_renewed"),
    needs=(CAPABILITY, "refresh_token"),
    timed=True,
)
def test_refreshed_jwt_access_token(device: Device, verify: Verify) -> None:
    """Refresh some seconds after the redemption; compare both access tokens.

    Accepted: another jti, and the sign-in of the first one.
    """
    tokens, resource = jwt_for_a_resource(device, device.refreshable_tokens())
    if not isinstance(tokens.get("refresh_token"), str):
        raise NotApplicable("no refresh token was issued; none is owed")
    first = profiled(device.case, tokens).claims
    device.case.wait(APART)
    refreshed = device.refresh(tokens.get("refresh_token"), resource=resource)
    if not refreshed.outcome.ok:
        raise Untestable(f"the refresh was answered {refreshed.describe()}")
    again = profiled(device.case, refreshed).claims
    same_token = tokens.get("access_token") == refreshed.get("access_token")
    apart = same_token or first.get("jti") is None or first.get("jti") != again.get("jti")
    verify.that(UNIQUE, apart, "two access tokens have the same jti", tokens, refreshed)
    changed = [name for name in OF_THE_SIGN_IN if first.get(name) != again.get(name)]
    problem = "a refresh changes what the access token says of the sign-in"
    verify.that(SIGN_IN, not changed, problem, tokens, refreshed, got=", ".join(changed))


@check(
    NAMED,
    DISTINCT,
    faults=("resource_without_effect", "resource_host_only"),
    needs=(CAPABILITY, RESOURCE),
    timed=True,
)
def test_jwts_of_two_resources(device: Device, verify: Verify) -> None:
    """Two grants, each for a resource of its own. Accepted: aud is the resource, and another one in each token."""
    seen = marks(device)
    for tokens, resource in zip(seen.evidence, resources(device), strict=True):
        profiled(device.case, tokens)
        problem = "aud of the access token is not the resource that was asked for"
        verify.that(NAMED, resource in audience(device, tokens), problem, tokens)
    problem = "access tokens for two resources have the same aud"
    verify.that(DISTINCT, bool(seen.first or seen.second), problem, *seen.evidence)


@check(
    TYPE_CHECKED,
    INVALID_TOKEN,
    faults=("userinfo_accepts_id_token", "userinfo_altered_jwt_400"),
    needs=(CAPABILITY, "userinfo", OPENID),
    timed=True,
)
def test_jwts_at_userinfo(device: Device, verify: Verify) -> None:
    """Userinfo with the access token with an altered signature, then with the ID token.

    Accepted: invalid_token, and nobody is told of. The control: the access token as it came is served.
    """
    tokens = identified(device)
    token = profiled(device.case, tokens)
    control = ask(device.case, token.text, label="control: userinfo with the access token")
    if not is_served(control):
        raise Untestable(f"userinfo answers a good token with {control.describe()}")
    altered = ask(device.case, _altered(token.text), label="userinfo with an altered signature")
    right = not is_served(altered) and names_invalid_token(altered)
    verify.that(INVALID_TOKEN, right, "an altered access token is not answered invalid_token", altered)
    id_token = tokens.get("id_token")
    if not isinstance(id_token, str) or id_token == token.text:
        raise NotApplicable("no ID token comes beside the access token, nor any other JWT of the server")
    answer = ask(device.case, id_token, label="userinfo with the ID token")
    verify.that(TYPE_CHECKED, not tells_a_person(answer), "userinfo takes the ID token for an access token", answer)


def _altered(token: str) -> str:
    """The same with another signature; its first character is no part of what padding leaves unused."""
    signed, _, signature = token.rpartition(".")
    return f"{signed}.{'B' if signature[:1] == 'A' else 'A'}{signature[1:]}"
