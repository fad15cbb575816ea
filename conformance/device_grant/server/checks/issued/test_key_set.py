"""The published keys: OpenID Connect Core 10.1, RFC 7517."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import check
from device_grant.server.session.jose.key_set import fetch_keys

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

FORM, NO_SECRETS = "oidc-core-10.1-jwks-form", "oidc-core-10.1-jwks-holds-no-secrets"
_RSA = ("d", "p", "q", "dp", "dq", "qi", "oth")
PRIVATE: Mapping[str, tuple[str, ...]] = {"RSA": _RSA, "EC": ("d",), "OKP": ("d",), "oct": ("k",), "AKP": ("priv",)}
"""Members by kty that nobody else may know (RFC 7518 section 6, RFC 8037, RFC 9964)."""


@check(FORM, NO_SECRETS, faults=("jwks_keys_missing", "jwks_private_key"))
def test_published_keys(case: ServerCase, verify: Verify) -> None:
    """GET jwks_uri. Accepted: a JWK set, in which no key has a member that is private or secret."""
    keys = fetch_keys(case)
    right = keys.exchange.status == 200 and keys.whole
    verify.that(FORM, right, "the document at jwks_uri is no JWK set", keys.exchange)
    leaking = [
        f"{name} of {key.get('kid', kty)}"
        for kty, names in PRIVATE.items()
        for key in keys.keys
        if key.get("kty") == kty
        for name in names
        if key.get(name)
    ]
    problem = "a published key has its private part"
    verify.that(NO_SECRETS, not leaking, problem, keys.exchange, got=", ".join(leaking))
