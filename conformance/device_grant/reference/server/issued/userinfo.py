"""Userinfo: whose an access token is, and what of that person its scope opens (OpenID Connect Core 5.3 and 5.4)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from device_grant.reference.server.http import Answer, Call, encode_json
from device_grant.reference.server.issued.identity import OPENID
from device_grant.reference.server.issued.keys import ALGORITHMS, signing_key
from device_grant.reference.server.issued.terms import good_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.reference.server.store import Store

_JSON = "application/json"
_FORM = "application/x-www-form-urlencoded"
_NO_STORE = {"Cache-Control": "no-store"}
_BY_SCOPE = ("profile", "email")
"""Scopes of OpenID Connect Core 5.4 for which anything is known of a person."""


async def userinfo(store: Store, call: Call) -> Answer:
    """One request: GET or POST, the token in the Authorization header or in the form (RFC 6750 section 2)."""
    faults = store.faults
    allowed = ("GET",) if faults.userinfo_post_405 else ("GET", "POST")
    if call.method not in allowed:
        return Answer(405, b"", _JSON, {"Allow": ", ".join(allowed)})
    token = presented_token(call)
    if token is None:
        return _refused("Bearer")
    opened = _opened(store, token)
    if opened is None and faults.userinfo_altered_jwt_400 and token.startswith("ey"):
        return Answer(400, b"", _JSON, _NO_STORE)
    if opened is None:
        return _refused('Bearer error="invalid_token"')
    subject, scope = opened
    claims = claims_of(subject, scope)
    if faults.userinfo_other_sub:
        claims["sub"] = f"{subject}@example.com"
    if faults.userinfo_null_claims:
        claims |= {"nickname": None, "website": ""}
    return Answer(200, encode_json(claims), "text/plain" if faults.userinfo_as_text else _JSON, _NO_STORE)


def claims_of(subject: str, scope: Iterable[str]) -> dict[str, Any]:
    """What is opened of a person: sub always, the rest by scope, and nothing of it without openid."""
    claims: dict[str, Any] = {"sub": subject}
    scope = set(scope)
    if OPENID in scope and "profile" in scope:
        claims |= {"name": subject.capitalize(), "preferred_username": subject}
    if OPENID in scope and "email" in scope:
        claims |= {"email": f"{subject}@example.com", "email_verified": True}
    return claims


def _opened(store: Store, token: str) -> tuple[str, tuple[str, ...]] | None:
    """Subject and scope of a token that is taken; None for any other."""
    faults = store.faults
    held = good_token(store, token)
    if held is not None:
        scope = held.scope
        if (faults.userinfo_without_openid and OPENID not in scope) or (faults.userinfo_all_claims and OPENID in scope):
            scope = (*scope, OPENID, *_BY_SCOPE)
        return held.subject, scope
    if faults.userinfo_bad_token_200:
        return "nobody", ()
    if faults.userinfo_accepts_refresh_token and token in store.refresh_tokens:
        return store.refresh_tokens[token].terms.subject, (OPENID,)
    claims = _of_any_jwt(token) if faults.userinfo_accepts_id_token else None
    return (str(claims.get("sub")), (OPENID,)) if claims is not None else None


def _of_any_jwt(token: str) -> Mapping[str, Any] | None:
    import jwt

    for algorithm in ALGORITHMS:
        try:
            claims: Mapping[str, Any] = jwt.decode(
                token,
                signing_key(algorithm).private.public_key(),
                algorithms=[algorithm],
                options={"verify_aud": False},
            )
        except jwt.PyJWTError:
            continue
        return claims
    return None


def presented_token(call: Call) -> str | None:
    """The access token of a request by the Bearer scheme, or in its form; None where there is none."""
    scheme, _, token = (call.header(b"authorization") or "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    if call.method != "POST" or call.media_type != _FORM:
        return None
    try:
        given = parse_qs(call.body.decode("ascii"), max_num_fields=20).get("access_token", [])
    except ValueError:
        return None
    return given[0] if len(given) == 1 else None


def _refused(challenge: str) -> Answer:
    """RFC 6750 section 3.1: without a token there is no error code."""
    return Answer(401, b"", _JSON, _NO_STORE | {"WWW-Authenticate": challenge})
