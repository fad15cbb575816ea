"""Servers whose access tokens are JWTs for resources alone (RFC 8707), and opaque where none was asked for."""

from __future__ import annotations

import secrets

import pytest
from support.proof import judged

from device_grant.catalogue import Verdict
from device_grant.reference.embedded import embedded
from device_grant.reference.server.binding.known import PROTECTED_RESOURCES
from device_grant.reference.server.issued import jwts
from device_grant.server.session import audience as session

RESOURCES = {one.uri for one in PROTECTED_RESOURCES}
TOKENS = ("access_token_jwts::test_jwt_access_token", "access_token_jwts::test_refreshed_jwt_access_token")
KEYS = (
    "confirmation::test_bound_tokens_are_called_so",
    "confirmation::test_what_is_called_bound_is_bound",
    "confirmation::test_thumbprint",
)


@pytest.fixture
def opaque_for_nobody(monkeypatch):
    """Access tokens that are for no resource are random text; introspection and userinfo know them."""
    issue = jwts.access_token

    def issued(held, *further):
        return issue(held, *further) if RESOURCES & set(held.audience) else secrets.token_urlsafe(32)

    monkeypatch.setattr(jwts, "access_token", issued)


def verdicts(names, *faults, claims=()):
    """The greatest verdict on each requirement."""
    seen = {}
    with embedded("rfc8628", faults) as target:
        target.config.claims.update(dict(claims))
        for said in judged(target, names, 1):
            for claim in said.trial.claims():
                known = seen.get(claim.requirement.id, Verdict.PASS)
                seen[claim.requirement.id] = max(known, claim.verdict)
    return seen


@pytest.mark.usefixtures("opaque_for_nobody")
@pytest.mark.parametrize("names", [TOKENS, KEYS], ids=["tokens", "keys"])
def test_their_jwts_are_read(names):
    seen = verdicts(names)
    assert max(seen.values()) <= Verdict.INCONCLUSIVE
    passed = {requirement for requirement, verdict in seen.items() if verdict is Verdict.PASS}
    assert passed >= ({"rfc9068-2.1-typ", "rfc9068-2.2-jti-unique"} if names is TOKENS else {"rfc9449-6.1-thumbprint"})


@pytest.mark.usefixtures("opaque_for_nobody")
@pytest.mark.parametrize(
    ("fault", "requirement", "names"),
    [
        ("at_jwt_typ_long", "rfc9068-2.1-typ-short", TOKENS),
        ("at_jwt_cid", "rfc9068-2.2-client-id", TOKENS),
        ("at_jwt_jti_per_grant", "rfc9068-2.2-jti-unique", TOKENS),
        ("dpop_thumbprint_hex", "rfc9449-6.1-thumbprint", KEYS),
        ("dpop_token_called_bearer", "rfc9449-5-token-type-dpop", KEYS),
    ],
)
def test_what_is_wrong_in_them_is_seen(fault, requirement, names):
    assert verdicts(names, fault)[requirement] >= Verdict.WARN


@pytest.mark.usefixtures("opaque_for_nobody")
def test_nothing_is_asked_for_where_resources_are_not_claimed():
    seen = verdicts(TOKENS, claims={"resource": False, "jwt_access_tokens": None})
    assert set(seen.values()) == {Verdict.NOT_APPLICABLE}


def test_scope_that_means_nothing_at_the_resource(monkeypatch):
    """RFC 9068 section 2.2.3: what is in the claim means something there, so that it may hold nothing."""
    claims = jwts.access_claims

    def without(held, settings):
        said = claims(held, settings)
        return {name: value for name, value in said.items() if name != "scope"}

    monkeypatch.setattr(jwts, "access_claims", without)
    assert verdicts(TOKENS[:1])["rfc9068-2.2.3-scope"] >= Verdict.WARN
    issue = jwts.access_token
    monkeypatch.setattr(
        jwts,
        "access_token",
        lambda held, *further: issue(held, *further) if RESOURCES & set(held.audience) else secrets.token_urlsafe(32),
    )
    assert verdicts(TOKENS[:1])["rfc9068-2.2.3-scope"] is Verdict.INCONCLUSIVE


@pytest.mark.usefixtures("opaque_for_nobody")
def test_poll_that_names_no_resource_and_yields_an_opaque_token(monkeypatch):
    """For which resource it is nobody can say; that of another resource than the start is judged all the same."""
    start, poll = "rfc8707-2.1-start-holds-for-grant", "rfc8707-2.2-poll-does-not-widen"
    monkeypatch.setattr(session, "asker_for", lambda _device: None)
    seen = verdicts(("resource_audiences::test_resource_of_the_start",), "resource_of_start_forgotten")
    assert (seen[start], seen[poll]) == (Verdict.INCONCLUSIVE, Verdict.WARN)
