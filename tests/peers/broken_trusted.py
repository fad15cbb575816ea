"""Servers with one defect each in what tokens say, how they end, and who is told, as real ones have had it."""

from __future__ import annotations

import hashlib
import time
from typing import ClassVar
from urllib.parse import urlsplit

import jwt
from peer_records import Refused
from peer_trusted import HELPERS, Trusted, half_hash, key
from peer_wire import json_answer

OTHER = Trusted.target | {"introspection.other": {"client_id": "other-rs", "secret": HELPERS["other-rs"]}}


class Replica(Trusted):
    """Every second request for a refresh meets a replica that has not heard of revocations."""

    def forget(self, token, client):
        known = self.refreshes.get(token)
        super().forget(token, client)
        if known is not None and known.client is client:
            self.stale = getattr(self, "stale", {}) | {token: known}

    def refresh(self, form, client):
        self.turn = not getattr(self, "turn", False)
        stale = getattr(self, "stale", {}).get(form.get("refresh_token", ""))
        if not self.turn and stale and not stale.used:
            self.refreshes[form["refresh_token"]] = stale
        return super().refresh(form, client)


class LateRevocation(Trusted):
    """Introspection and userinfo answer from a cache of a minute: a token that was asked for before lives on in it."""

    def said(self, token, caller):
        self.cache = getattr(self, "cache", {})
        when, kept = self.cache.get((token, caller), (0, None))
        if kept and kept["active"] and time.time() - when < 60:
            return kept
        answer = super().said(token, caller)
        self.cache[token, caller] = (time.time(), answer)
        return answer


class Skew(Trusted):
    """Allows five minutes of clock skew to its own clock."""

    structured = True

    def said(self, token, caller):
        known = self.issued.get(token)
        if known and time.time() < known.ends + 300 and self.may_know(caller, known):
            return self.facts(known)
        return super().said(token, caller)


class AudienceUnchecked(Trusted):
    """Every resource server hears of every token."""

    target: ClassVar[dict] = OTHER

    def may_know(self, caller, known):
        return caller in HELPERS or caller == known.client.id


class StrangersToldAll(Trusted):
    """Any client with a secret hears of any token."""

    def may_know(self, caller, known):
        return True


class DecodesOnly(Trusted):
    """Introspection of a JWT says what is in it, and does not verify the signature."""

    structured = True

    def said(self, token, caller):
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
            return {"active": claims["exp"] > time.time() and self.live(token), **claims}
        except (jwt.PyJWTError, KeyError):
            return super().said(token, caller)

    def live(self, token):
        jti = jwt.decode(token, options={"verify_signature": False})["jti"]
        return any(jwt.decode(one, options={"verify_signature": False})["jti"] == jti for one in self.issued)


class ReplacedIsActive(Trusted):
    """A refresh token that was replaced is still called active."""

    def said(self, token, caller):
        known = self.refreshes.get(token)
        if known is not None and caller == known.client.id:
            return {"active": True, "client_id": caller}
        return super().said(token, caller)


class AudienceOfIssuer(Trusted):
    """After a refresh the ID token is for the issuer."""

    def refresh(self, form, client):
        self.later = True
        try:
            return super().refresh(form, client)
        finally:
            self.later = False

    def id_claims(self, client, grant, access, now):
        claims = super().id_claims(client, grant, access, now)
        return claims | {"aud": claims["iss"]} if getattr(self, "later", False) else claims


class AlwaysSha256(Trusted):
    """at_hash by SHA-256, whatever the ID token is signed with."""

    alg = "ES384"

    def id_claims(self, client, grant, access, now):
        return super().id_claims(client, grant, access, now) | {"at_hash": half_hash("ES256", access)}


class NullHash(Trusted):
    """at_hash is null."""

    def id_claims(self, client, grant, access, now):
        return super().id_claims(client, grant, access, now) | {"at_hash": None}


class NullClaims(Trusted):
    """What it does not know of a person is null."""

    def id_claims(self, client, grant, access, now):
        claims = super().id_claims(client, grant, access, now)
        return claims | ({"nickname": None} if "profile" in grant.scope else {})

    def claims(self, known):
        return super().claims(known) | ({"nickname": None} if "profile" in known.scope else {})


class Unasked(Trusted):
    """An ID token comes with every grant, and userinfo tells of every person."""

    def tokens_for(self, client, scope, original, family):
        members = super().tokens_for(client, scope, original, family)
        return members | {"id_token": self.id_token(client, family, members["access_token"])}

    def userinfo(self, request):
        _, _, token = request.headers.get("authorization", "").partition(" ")
        known = self.issued.get(token)
        if known and not known.jkt and "openid" not in known.scope:
            return json_answer(200, self.claims(known) | {"email": "maria@example.net", "address": {"country": "AT"}})
        return super().userinfo(request)


class EndUnsaid(Trusted):
    """Says of no token how long it lives, and calls those active that are over."""

    def tokens_for(self, *args):
        members = super().tokens_for(*args)
        del members["expires_in"]
        return members

    def said(self, token, caller):
        known = self.issued.get(token)
        return self.facts(known) if known and self.may_know(caller, known) else super().said(token, caller)


class SilentOfKeys(Trusted):
    """Introspection tells everything of a token but its key, which the token itself, a JWT, names."""

    structured = True

    def facts(self, known):
        members = super().facts(known)
        members.pop("cnf", None)
        return members


class NullHashAfterRefresh(AudienceOfIssuer):
    """at_hash is null in ID tokens from a refresh."""

    def id_claims(self, client, grant, access, now):
        claims = Trusted.id_claims(self, client, grant, access, now)
        return claims | {"at_hash": None} if getattr(self, "later", False) else claims


class AuthTimeOfRefresh(AudienceOfIssuer):
    """auth_time is that of the refresh."""

    def id_claims(self, client, grant, access, now):
        claims = Trusted.id_claims(self, client, grant, access, now)
        return claims | {"auth_time": now} if getattr(self, "later", False) else claims


class OtherSubject(Trusted):
    """Userinfo has the name of the account as sub, the ID token its number."""

    def claims(self, known):
        return super().claims(known) | {"sub": self.families[known.family].person}


class SecretMac(Trusted):
    """ID tokens by HS256; for public clients, with the empty secret."""

    alg = "HS256"

    def keys(self):
        return []

    def id_token(self, client, family, access):
        claims = self.id_claims(client, self.families[family], access, int(time.time()))
        return jwt.encode(claims, (client.secret or "no secret at all").ljust(32, "."), "HS256")

    def id_claims(self, *args):
        claims = super().id_claims(*args)
        del claims["at_hash"]
        return claims


class SignedElsewhere(Trusted):
    """Signs with a key that it rotated away from the key set, under the name of the one that is there."""

    def sign(self, claims, typ):
        return jwt.encode(claims, key(self.alg, 7), self.alg, headers=self.head(typ))


class IdTokenAsAccess(Trusted):
    """Userinfo takes any JWT that it signed, ID tokens too."""

    structured = True

    def userinfo(self, request):
        _, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            claims = jwt.decode(
                token, key(self.alg, 0).public_key(), [self.alg], options={"verify_aud": False, "verify_iat": False}
            )
        except (jwt.PyJWTError, KeyError):
            return super().userinfo(request)
        return json_answer(200, {"sub": claims["sub"]}) if not claims.get("cnf") else super().userinfo(request)


class SameJti(Trusted):
    """Access tokens of a grant all have the grant's jti."""

    structured = True

    def access_claims(self, token):
        return super().access_claims(token) | {"jti": hashlib.sha256(token.family.encode()).hexdigest()[:16]}


class WholeScope(Trusted):
    """Introspection tells the scope of the grant, not that of the token."""

    def facts(self, known):
        return super().facts(known) | {"scope": self.families[known.family].scope}


class ForeignRevocation(Trusted):
    """Any client may revoke any token."""

    def forget(self, token, client):
        known = self.issued.get(token) or self.refreshes.get(token)
        super().forget(token, known.client if known else client)


class HintBelieved(Trusted):
    """Looks for a token under its hint alone."""

    def forget(self, token, client):
        hint = self.sent.get("token_type_hint")
        if (hint == "access_token" and token in self.refreshes) or (hint == "refresh_token" and token in self.issued):
            return
        super().forget(token, client)


class RevokesLastOnly(Trusted):
    """Revoking the newest refresh token brings the one before back to life."""

    def forget(self, token, client):
        known = self.refreshes.get(token)
        if known is None:
            return super().forget(token, client)
        if known.client is client:
            earlier = [name for name, one in self.refreshes.items() if one.family == known.family and name != token]
            del self.refreshes[token]
            for name in earlier[-1:]:
                self.refreshes[name].used = False
        return None


class AnonymousRevocation(Trusted):
    """Asks nobody who they are at the revocation endpoint."""

    def revocation(self, request):
        form = self.parameters(request)
        known = self.issued.get(form.get("token", "")) or self.refreshes.get(form.get("token", ""))
        if known:
            self.forget(form["token"], known.client)
        return self.revoked()


class WidensAtRefresh(Trusted):
    """A refresh may name any resource that the server knows."""

    def refresh(self, form, client):
        known = self.refreshes.get(form.get("refresh_token", ""))
        if known is not None:
            self.wanted[known.family] = list({*self.wanted[known.family], *self.named})
        return super().refresh(form, client)


class HostIsEnough(Trusted):
    """A token is for the host of its resource."""

    def audience(self, family):
        return [f"https://{urlsplit(one).hostname}" for one in super().audience(family)]


class NarrowedForEver(Trusted):
    """A poll for one of two resources makes the grant one for that resource."""

    def tokens_for(self, client, scope, original, family):
        if self.named:
            self.wanted[family] = self.named
        return super().tokens_for(client, scope, original, family)


class VerifierMayLack(Trusted):
    """Compares a verifier only where one is sent."""

    def compare(self, challenge, method, verifier):
        if verifier:
            super().compare(challenge, method, verifier)


class ChallengeForVerifier(Trusted):
    """Takes a verifier that is the challenge for one of the method plain."""

    def compare(self, challenge, method, verifier):
        if verifier != challenge:
            super().compare(challenge, method, verifier)


class AnyBearerAsks(Trusted):
    """Whoever sends a Bearer token may introspect."""

    def caller(self, request, form):
        return "rs" if "bearer" in request.headers.get("authorization", "").lower() else super().caller(request, form)


class UnknownMethodIsPlain(Trusted):
    """Takes every method that it does not know for plain."""

    def started(self, code, grant):
        method = self.sent.get("code_challenge_method", "plain")
        if method != "S256":
            kept = self.sent
            self.sent = {}
            members = super().started(code, grant)
            self.challenges[code] = (kept.get("code_challenge", ""), "plain")
            return members
        return super().started(code, grant)

    def compare(self, challenge, method, verifier):
        if method == "plain":
            if challenge != verifier:
                raise Refused("invalid_grant", "another verifier")
        else:
            super().compare(challenge, method, verifier)


class NamesByToken(Trusted):
    """Introspection has another sub for each token."""

    def facts(self, known):
        return super().facts(known) | {"sub": hashlib.sha256(known.family.encode()).hexdigest()[:12]}
