"""ID tokens at the end of a device grant: OpenID Connect Core 2, 3.1.3 and 10.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.server.checks.issued.identified import (
    CLAIMS,
    FORM,
    HASH,
    HEADER,
    KEY,
    NONCE,
    NULLS,
    OPENID,
    SIGNATURE,
    IdTokenJudge,
    begun_without_openid,
    id_token_of,
    identified,
    nulls_in,
    well_formed,
    with_all_claims,
)
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.scopes import with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.device import Device

PRESENT, UNASKED = "oidc-core-3.1.3.3-id-token-present", "oidc-core-3.1.2.1-no-id-token-without-openid"
STABLE, OFFLINE = "oidc-core-2-sub-stable", "oidc-core-11-offline-access"
OFFLINE_ACCESS = "offline_access"
SENT_NONCE = "n-0S6_WzA2Mj"
REPLACED = "a recording has other signatures and hashes in place of the true ones"


@check(
    PRESENT,
    FORM,
    *HEADER,
    *CLAIMS,
    SIGNATURE,
    KEY,
    faults=(
        "id_token_missing",
        "id_token_without_iat",
        "id_token_iss_slash",
        "id_token_aud_issuer",
        "id_token_azp_other",
        "id_token_sub_number",
        "id_token_expired_at_birth",
        "id_token_iat_text",
        "id_token_auth_time_later",
        "id_token_nonce_invented",
        "id_token_amr_string",
        "id_token_unsigned",
        "id_token_jku",
        "id_token_alg_unlisted",
        "id_token_hs256_public",
        "id_token_signed_by_unknown_key",
        "id_token_kid_missing",
        "at_hash_of_whole_digest",
        "id_token_is_access_token",
    ),
    needs=(OPENID,),
    timed=True,
    live={SIGNATURE: REPLACED, HASH: REPLACED},
)
def test_id_token(device: Device, verify: Verify) -> None:
    """Start with openid, approve, redeem; read the ID token as the client would, and verify it by jwks_uri.

    Accepted: one that names issuer, client, person and time, signed by a published key.
    """
    tokens = identified(device)
    given = tokens.get("id_token")
    verify.that(PRESENT, given is not None, "openid is granted, and no ID token comes", tokens)
    if given is not None:
        verify.that(FORM, well_formed(device, tokens), "the ID token is no JWT with all claims it needs", tokens)
    judge = IdTokenJudge(device, tokens, id_token_of(tokens), verify)
    judge.header()
    judge.claims()
    judge.signature()


@check(NONCE, faults=("id_token_nonce_altered",), needs=(OPENID,), timed=True, live=REPLACED)
def test_nonce(device: Device, verify: Verify) -> None:
    """Send a nonce with the device authorization request. Accepted: the ID token has none, or this one."""
    tokens = identified(device, nonce=SENT_NONCE)
    nonce = id_token_of(tokens).claims.get("nonce")
    problem = "the nonce of the ID token is not the one that the device sent"
    verify.that(NONCE, nonce in (None, SENT_NONCE), problem, tokens)


@check(STABLE, faults=("id_token_sub_per_grant",), needs=(OPENID,), timed=True)
def test_one_person_twice(device: Device, verify: Verify) -> None:
    """Two grants that one person approves. Accepted: the ID tokens have the same sub."""
    one, other = (identified(device) for _ in range(2))
    same = id_token_of(one).claims.get("sub") == id_token_of(other).claims.get("sub")
    verify.that(STABLE, same, "the same person has another sub in the next grant", one, other)


@check(STABLE, faults=("id_token_sub_for_all",), needs=(OPENID,), timed=True)
def test_two_persons(device: Device, verify: Verify) -> None:
    """Grants that two people approve. Accepted: their ID tokens have different subs."""
    second = device.case.run.target.second
    if second is None:
        raise Untestable("there is one person only: name another account as [user.second] in target.toml")
    mine = identified(device)
    grant = device.start(scope=with_defaults(device, OPENID))
    with Visitor(device.case, person=second) as browser:
        refused = browser.decide_on(grant, "approve")
    if refused:
        raise Untestable(f"the second person could not approve: {refused}")
    theirs = grant.poll(label="redeem what the second person approved")
    if not theirs.outcome.ok:
        raise Untestable(f"the approved code was answered {theirs.describe()}")
    apart = id_token_of(mine).claims.get("sub") != id_token_of(theirs).claims.get("sub")
    verify.that(STABLE, apart, "two people have the same sub", mine, theirs)


@check(UNASKED, faults=("id_token_unasked",), needs=(OPENID,), timed=True)
def test_without_openid(device: Device, verify: Verify) -> None:
    """Start without openid, approve, redeem. Accepted: no ID token; one that comes is noted."""
    tokens = begun_without_openid(device)[0].redeemed()
    granted = tokens.get("scope")
    if isinstance(granted, str) and OPENID in granted.split():
        raise NotApplicable("openid is granted without being asked for")
    verify.that(UNASKED, tokens.get("id_token") is None, "an ID token comes without openid", tokens)


@check(NULLS, faults=("id_token_null_claims",), needs=(OPENID,), timed=True)
def test_claims_without_value(device: Device, verify: Verify) -> None:
    """Start with all scopes that claims belong to. Accepted: no claim of the ID token is null."""
    tokens = with_all_claims(device)
    names = list(nulls_in(dict(id_token_of(tokens).claims)))
    verify.that(NULLS, not names, "claims of the ID token are null", tokens, got=", ".join(names))


@check(OFFLINE, faults=("offline_access_granted_without_token",), needs=(OPENID, "refresh_token"), timed=True)
def test_offline_access(device: Device, verify: Verify) -> None:
    """Start with openid and offline_access, approve, redeem. Accepted: a refresh token, or a scope without it."""
    listed = device.case.run.endpoints.document.get("scopes_supported")
    if not isinstance(listed, list) or OFFLINE_ACCESS not in listed:
        raise NotApplicable("the metadata does not list the scope offline_access")
    tokens = identified(device, OFFLINE_ACCESS)
    granted, refresh = tokens.get("scope"), tokens.get("refresh_token")
    if not isinstance(granted, str) and refresh is None:
        raise Inconclusive("there is no refresh token, and nothing says whether offline_access was granted")
    said = isinstance(granted, str) and OFFLINE_ACCESS in granted.split()
    problem = "offline_access is granted, and no refresh token comes"
    verify.that(OFFLINE, not said or refresh is not None, problem, tokens)
