"""Servers that issue tokens of their own and break one thing: each is accused of that, and of nothing else."""

from __future__ import annotations

import json
from typing import ClassVar

import jwt
import pytest
from support.broken_servers import Answer, changed
from support.issuing import JWKS, USERINFO, Provider, at_hash, by_mac, encoded, private, public, said
from support.proof import judged, judges
from support.serving import serving

from device_grant.catalogue import Verdict
from device_grant.targets.config import KnownClient

PUBLIC = {"clients": (KnownClient(id="device-client"),)}


class Unsigned(Provider):
    def signed(self, claims):
        return jwt.encode(claims, None, algorithm="none")


class SignatureCutOff(Provider):
    def signed(self, claims):
        return super().signed(claims).rpartition(".")[0] + "."


class OtherPayload(Provider):
    def signed(self, claims):
        one, other = super().signed(claims), super().signed(claims | {"jti": "1"})
        return other.rpartition(".")[0] + "." + one.rpartition(".")[2]


class StrangersKey(Provider):
    def signed(self, claims):
        return jwt.encode(claims, private("RS256", "stranger"), algorithm="RS256", headers={"kid": "RS256-first"})


class UnknownKid(Provider):
    header: ClassVar = {"kid": "another"}


class SignedByAKeyForEncryption(Provider):
    def keys(self):
        return [public("RS256", use="enc")]


class MacByThePublicKey(Provider):
    sections = PUBLIC

    def signed(self, claims):
        return by_mac({"alg": "HS256", "kid": "RS256-first"}, claims, json.dumps(public("RS256")).encode())


class PrivateKeyPublished(Provider):
    def keys(self):
        from jwt.algorithms import RSAAlgorithm

        return [public("RS256") | RSAAlgorithm.to_jwk(private("RS256"), as_dict=True) | {"key_ops": ["verify"]}]


class SecretPublished(Provider):
    def keys(self):
        return [public("RS256"), {"kty": "oct", "k": "c2VjcmV0", "kid": "mac"}]


class KeysAsHtml(Provider):
    def after(self, path, answer):
        if path == JWKS:
            return Answer(200, b"<h1>Keys</h1>", {"content-type": "text/html"})
        return super().after(path, answer)


class AudienceOfOthers(Provider):
    claims: ClassVar = {"aud": ["another-client", "https://api.example.com"]}


class Expired(Provider):
    def id_token(self, claims, members):
        return super().id_token(claims | {"exp": claims["iat"] - 1, "iat": claims["iat"] - 60}, members)


class InMilliseconds(Provider):
    def id_token(self, claims, members):
        return super().id_token(claims | {"exp": claims["exp"] * 1000, "iat": claims["iat"] * 1000}, members)


class HashByAnotherAlgorithm(Provider):
    kind = "ES384"

    def id_token(self, claims, members):
        self.claims = {"at_hash": at_hash("ES256", members["access_token"])}
        return super().id_token(claims, members)


class SubjectOfAnother(Provider):
    def userinfo(self, answer):
        return changed(answer, sub="somebody-else")


class NoSubject(Provider):
    def userinfo(self, answer):
        return changed(answer, sub=None)


class UserinfoForUserCodes(Provider):
    """The code that is shown on the screen opens the profile."""

    def __init__(self):
        self.codes = set()

    def before(self, request):
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        if request.path == USERINFO and token in self.codes:
            return Answer(200, b'{"sub": "alice"}')
        return request

    def after(self, path, answer):
        if path == "/device_authorization" and answer.status == 200:
            self.codes.add(json.loads(answer.body)["user_code"])
        return super().after(path, answer)


class LoginPageForBadTokens(Provider):
    def after(self, path, answer):
        if path == USERINFO and answer.status == 401:
            return Answer(302, b"", {"location": "/login"})
        return super().after(path, answer)


class NoChallenge(Provider):
    def after(self, path, answer):
        if path == USERINFO and answer.status == 401:
            return Answer(401, b'{"error": "invalid_token"}')
        return super().after(path, answer)


class ClaimsOfAllScopes(Provider):
    def userinfo(self, answer):
        return changed(answer, phone_number="+1 555 0100")


class NotOfTheProfile(Provider):
    """The target claims RFC 9068 and issues JWTs of another making."""

    sections: ClassVar = {"claims": {"jwt_access_tokens": True}}

    def tokens(self, answer):
        own = encoded({"alg": "HS256", "typ": "JWT"}, {"scp": ["a"], "jti": 1})
        return super().tokens(changed(answer, access_token=own))


SIGNATURE = "oidc-core-10.1-signature-verifies"
BROKEN = {
    Unsigned: {SIGNATURE, "oidc-core-2-alg-none", "oidc-core-3.1.3.7-alg-as-registered"},
    SignatureCutOff: {SIGNATURE, "oidc-core-2-alg-none"},
    OtherPayload: {SIGNATURE},
    StrangersKey: {SIGNATURE},
    UnknownKid: {SIGNATURE, "oidc-core-10.1-kid"},
    SignedByAKeyForEncryption: {SIGNATURE, "oidc-core-10.1-kid"},
    MacByThePublicKey: {
        SIGNATURE,
        "oidc-core-10.1-no-mac-for-public-clients",
        "oidc-core-3.1.3.7-alg-as-registered",
    },
    PrivateKeyPublished: {"oidc-core-10.1-jwks-holds-no-secrets"},
    SecretPublished: {"oidc-core-10.1-jwks-holds-no-secrets"},
    KeysAsHtml: {"oidc-core-10.1-jwks-form"},
    AudienceOfOthers: {"oidc-core-2-aud"},
    Expired: {"oidc-core-2-exp"},
    InMilliseconds: {"oidc-core-2-iat"},
    HashByAnotherAlgorithm: {"oidc-core-3.1.3.6-at-hash", "oidc-core-3.1.3.6-at-hash-after-refresh"},
    SubjectOfAnother: {"oidc-core-5.3.2-sub"},
    NoSubject: {"oidc-core-5.3.2-sub"},
    UserinfoForUserCodes: {"oidc-core-5.3.3-other-tokens-refused"},
    LoginPageForBadTokens: {"oidc-core-5.3.3-error", "rfc9068-4-errors-are-invalid-token"},
    NoChallenge: {"oidc-core-5.3.3-error"},
    NotOfTheProfile: {
        "rfc9068-2.1-typ",
        "rfc9068-4-asymmetric",
        *(f"rfc9068-2.2-{name}" for name in ("iss", "exp", "aud", "sub", "client-id", "iat", "jti")),
        "rfc9068-2.2.3-scope",
        "rfc9068-3-default-aud",
        # Its userinfo does not know them.
        "oidc-core-5.3-get-and-post",
    },
}


@pytest.mark.parametrize("peer", BROKEN, ids=lambda peer: peer.__name__)
def test_broken_servers_are_accused_of_what_they_break(peer):
    broken, _ = said(peer())
    assert set(broken) == BROKEN[peer], broken


def test_other_claims_with_openid_alone_are_observed():
    judges()
    with serving(ClaimsOfAllScopes().app()) as target:
        (outcome,) = judged(target, ["userinfo::test_userinfo"], 1)
    assert outcome.verdicts["oidc-core-5.4-claims-by-scope"] is Verdict.OBSERVED
