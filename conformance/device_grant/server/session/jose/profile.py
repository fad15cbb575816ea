"""Access tokens that are JWTs by RFC 9068: which ones are, and so have to keep to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable
from device_grant.server.session.jose.compact import is_encrypted, read_jwt

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.jose.compact import CompactJwt

CAPABILITY = "jwt_access_tokens"
ACCESS_TOKEN_TYPE = "at+jwt"  # noqa: S105 - the name of a type


def profiled(case: ServerCase, tokens: Exchange) -> CompactJwt:
    """The access token of a token response, where it calls itself one of RFC 9068 or the target claims that it is.

    Raises NotApplicable for any other, which may be whatever the server likes, and for one that is encrypted; and
    Untestable where the target claims what cannot be read.
    """
    given = tokens.get("access_token")
    token = read_jwt(given)
    if token is not None and token.kind == ACCESS_TOKEN_TYPE:
        return token
    if is_encrypted(given):
        raise NotApplicable("the access token is encrypted, so that resource servers alone can read it")
    if not case.run.claims(CAPABILITY):
        raise NotApplicable("access tokens do not say that they are of RFC 9068: their typ is not at+jwt")
    if token is None:
        raise Untestable(f"the target claims {CAPABILITY}, and the access token is no JWT")
    return token
