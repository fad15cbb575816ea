"""Servers that issue tokens of their own: however they do it, the honest ones are not accused."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import ClassVar

import pytest
from support.broken_servers import Answer, changed
from support.issuing import USERINFO, Provider, by_mac, encoded, public, said, with_authorization

from device_grant.server.session.jose.compact import read_jwt
from device_grant.targets.config import KnownClient

PUBLIC = {"clients": (KnownClient(id="device-client"),)}
CONFIDENTIAL = KnownClient(id="posting-client", secret="posted-secret", authentication="client_secret_post")


class ByEs256(Provider):
    kind = "ES256"


class ByEs384(Provider):
    kind = "ES384"


class ByEdDsa(Provider):
    kind = "EdDSA"


class ByPs256(Provider):
    kind = "PS256"


class OneKeyWithoutName(Provider):
    """RFC 7515 4.1.4: kid is optional, and a single key needs none."""

    header: ClassVar = {"kid": None}

    def keys(self):
        return [public("RS256", kid=None)]


class NamedByTokenAlone(Provider):
    """RFC 7517 4.5: kid of a key is optional."""

    def keys(self):
        return [public("RS256", kid=None)]


class ManyKeys(Provider):
    """Keys of types that nobody knows, for encryption, and with certificates (RFC 7517 section 5: ignored)."""

    def keys(self):
        unknown = {"kty": "LATTICE", "kid": "l", "pub": "AAAA"}
        return [unknown, public("RS256", "other", use="enc"), public("ES256", use="sig"), *super().keys()]


class AudienceArray(Provider):
    def id_token(self, claims, members):
        return super().id_token(claims | {"aud": [claims["aud"], "https://api.example.com"]}, members)


class Pairwise(Provider):
    """OpenID Connect Core 8.1: another sub for each client; what resource servers get may be yet another."""

    claims: ClassVar = {"sub": "pairwise-7c1e"}

    def userinfo(self, answer):
        return changed(answer, sub="pairwise-7c1e")


class SignedUserinfo(Provider):
    sections = PUBLIC

    def userinfo(self, answer):
        text = self.signed({"iss": "http://target.test", "aud": "device-client"} | json.loads(answer.body))
        return Answer(200, text.encode(), {"content-type": "application/jwt"})


class EncryptedUserinfo(Provider):
    sections = PUBLIC

    def userinfo(self, _answer):
        text = encoded({"alg": "RSA-OAEP", "enc": "A256GCM"}, {}) + ".AAAA.AAAA"
        return Answer(200, text.encode(), {"content-type": "application/jwt"})


class EncryptedIdTokens(Provider):
    sections = PUBLIC

    def id_token(self, _claims, _members):
        return encoded({"alg": "RSA-OAEP", "enc": "A256GCM", "cty": "JWT"}, {}) + ".AAAA.AAAA"


class ByClientSecret(Provider):
    sections: ClassVar = {"clients": (CONFIDENTIAL,)}
    metadata: ClassVar = {"id_token_signing_alg_values_supported": ["HS256", "RS256"]}

    def signed(self, claims):
        return by_mac({"alg": "HS256", "typ": "JWT"}, claims, b"posted-secret")


class RotatedKeys(Provider):
    """OpenID Connect Core 10.1.1: the first answer is from a cache that does not have the new key yet."""

    def __init__(self):
        self.asked = 0

    def keys(self):
        self.asked += 1
        return [public("RS256", "old")] if self.asked % 2 else [public("RS256", "old"), public("RS256")]


class WithoutHash(Provider):
    """at_hash is optional beside an access token of the token endpoint."""

    def id_token(self, claims, members):
        self.claims = {"at_hash": None, "auth_time": None}
        return super().id_token(claims, members)


class OpaqueAccessTokens(Provider):
    def __init__(self):
        self.known = {}

    def tokens(self, answer):
        members = json.loads(answer.body)
        opaque = f"opaque-{len(self.known)}-4c1d7a90"
        self.known[opaque] = members["access_token"]
        return super().tokens(changed(answer, access_token=opaque))

    def before(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.path == USERINFO and read_jwt(token) is not None:
            return Answer(401, b"", {"www-authenticate": 'Bearer error="invalid_token"'})
        return with_authorization(request, self.known)


class SlashIssuer(OpaqueAccessTokens):
    metadata: ClassVar = {"issuer": "http://target.test/"}
    claims: ClassVar = {"iss": "http://target.test/"}


class PlainJwts(OpaqueAccessTokens):
    """Access tokens that are JWTs of typ JWT owe nothing to RFC 9068."""

    def tokens(self, answer):
        members = json.loads(answer.body)
        own = encoded({"alg": "HS256", "typ": "JWT"}, {"scp": ["a"], "jti": len(self.known)})
        self.known[own] = members["access_token"]
        return Provider.tokens(self, changed(answer, access_token=own))

    def before(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.path == USERINFO and token not in self.known:
            return Answer(401, b"", {"www-authenticate": 'Bearer error="invalid_token"'})
        return with_authorization(request, self.known)


class NoIdTokens(Provider):
    def tokens(self, answer):
        return changed(answer, id_token=None)


class NoIdTokenAfterRefresh(Provider):
    def before(self, request):
        self.refreshing = "refresh_token" in request.form
        return request

    def tokens(self, answer):
        return changed(answer, id_token=None) if self.refreshing else super().tokens(answer)


class OpenidNotGranted(Provider):
    def tokens(self, answer):
        scope = [one for one in json.loads(answer.body)["scope"].split() if one != "openid"]
        return changed(answer, scope=" ".join(scope), id_token=None)


class StrictUserinfo(Provider):
    """POST as a form alone, a challenge of DPoP beside Bearer, 400 without a token, 403 without openid."""

    def before(self, request):
        if request.path != USERINFO:
            return request
        if "authorization" not in request.headers:
            return Answer(400, b'{"error":"invalid_request"}')
        claims = read_jwt(request.headers["authorization"].removeprefix("Bearer "))
        if claims is not None and claims.kind == "at+jwt" and "openid" not in claims.claims["scope"].split():
            return Answer(403, b"", {"www-authenticate": 'Bearer error="insufficient_scope", scope="openid"'})
        return request

    def after(self, path, answer):
        if path == USERINFO and answer.status == 401:
            headers = {"www-authenticate": 'DPoP algs="ES256", Bearer realm="x", error="invalid_token"'}
            return replace(answer, headers=headers)
        return super().after(path, answer)


HONEST = (
    Provider,
    ByEs256,
    ByEs384,
    ByEdDsa,
    ByPs256,
    OneKeyWithoutName,
    NamedByTokenAlone,
    ManyKeys,
    AudienceArray,
    SlashIssuer,
    Pairwise,
    SignedUserinfo,
    EncryptedUserinfo,
    EncryptedIdTokens,
    ByClientSecret,
    RotatedKeys,
    WithoutHash,
    OpaqueAccessTokens,
    PlainJwts,
    NoIdTokens,
    NoIdTokenAfterRefresh,
    OpenidNotGranted,
    StrictUserinfo,
)


@pytest.mark.parametrize("peer", HONEST, ids=lambda peer: peer.__name__)
def test_honest_servers_are_not_accused(peer):
    broken, settled = said(peer())
    assert broken == {}
    assert "oidc-core-10.1-jwks-form" in settled


@pytest.mark.parametrize("peer", [ByEs256, ByEs384, ByEdDsa, ByPs256, OneKeyWithoutName, ByClientSecret, RotatedKeys])
def test_their_signatures_are_verified(peer):
    _, settled = said(peer())
    assert {"oidc-core-10.1-signature-verifies", "oidc-core-3.1.3.6-at-hash"} <= settled


@pytest.mark.parametrize("peer", [OpaqueAccessTokens, PlainJwts])
def test_access_tokens_of_another_kind_are_not_judged(peer):
    _, settled = said(peer())
    assert not [requirement for requirement in settled if requirement.startswith("rfc9068")]
