"""Servers with one defect each in what they make of proofs of possession (RFC 9449), as real ones have had it."""

from __future__ import annotations

import secrets
import time
from urllib.parse import urlsplit

from peer_records import Refused
from peer_trusted import Trusted
from peer_wire import json_answer


class AnyKeyRefreshes(Trusted):
    """A refresh takes a proof of any key."""

    def refresh(self, form, client):
        if self.jkt and form.get("refresh_token", "") in self.bound:
            self.bound[form["refresh_token"]] = self.jkt
        return super().refresh(form, client)


class BindingLostAtRefresh(Trusted):
    """A refresh of a bound token without a proof gives a bearer token."""

    def refresh(self, form, client):
        if not self.jkt:
            self.bound.pop(form.get("refresh_token", ""), "")
        return super().refresh(form, client)


class RotatedUnbound(Trusted):
    """The first refresh token is bound, those that follow are not."""

    def refresh(self, form, client):
        before = set(self.bound)
        answer = super().refresh(form, client)
        for token in set(self.bound) - before:
            del self.bound[token]
        return answer


class NonceForShow(Trusted):
    """Asks for a nonce and takes any."""

    def nonce(self, body, path):
        if path == "/token" and not body.get("nonce"):
            raise Refused("use_dpop_nonce", "", 400, ("DPoP-Nonce", secrets.token_urlsafe(12)))


class NonceForgotten(Trusted):
    """Asks each key for a nonce once, then takes proofs without."""

    def checked(self, request, path, token, parts):
        self.key_now = self.thumbprint(parts[1]["jwk"])
        return super().checked(request, path, token, parts)

    def nonce(self, body, path):
        self.given = getattr(self, "given", {})
        if path != "/token":
            return
        mine = self.given.get(self.key_now)
        if mine is None or body.get("nonce", mine) != mine:
            self.given[self.key_now] = mine or secrets.token_urlsafe(12)
            raise Refused("use_dpop_nonce", "", 400, ("DPoP-Nonce", self.given[self.key_now]))


class NonceOfAll(Trusted):
    """One nonce for ever."""

    def nonce(self, body, path):
        if path == "/token" and body.get("nonce") != "nonce-1":
            raise Refused("use_dpop_nonce", "", 400, ("DPoP-Nonce", "nonce-1"))


class HtuByPrefix(Trusted):
    """htu need only be a beginning of the address."""

    def same(self, htu, url):
        return url.startswith(htu)


class HtuBeginning(Trusted):
    """The address need only be a beginning of htu."""

    def same(self, htu, url):
        return htu.startswith(url)


class HtuPathOnly(Trusted):
    """Compares the path of htu alone: the server is behind a proxy and does not know its name."""

    def same(self, htu, url):
        return urlsplit(htu).path == urlsplit(url).path


class HtuHostOnly(Trusted):
    """Compares the origin of htu alone."""

    def same(self, htu, url):
        return urlsplit(htu)[:2] == urlsplit(url)[:2]


class OldProofs(Trusted):
    """Takes proofs of the last day."""

    leeway = 86400


class FutureProofs(Trusted):
    """Takes proofs whose time is yet to come, as long as they are not old."""

    def fresh(self, body):
        if body["iat"] < time.time() - 60:
            raise Refused("invalid_dpop_proof", "the proof is old")


class AthUnchecked(Trusted):
    """Userinfo does not look at ath."""

    def checked(self, request, path, token, parts):
        return super().checked(request, path, "", parts)


class AnyKeyAtUserinfo(Trusted):
    """Userinfo takes a right proof of any key for a bound token."""

    def proven(self, request, path, token=""):
        jkt = super().proven(request, path, token)
        return self.issued[token].jkt if token else jkt


class BearerDowngrade(Trusted):
    """Userinfo serves a bound token as a bearer token."""

    def userinfo(self, request):
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        known = self.issued.get(token)
        if scheme.lower() == "bearer" and known and known.jkt:
            return json_answer(200, self.claims(known), ("Cache-Control", "no-store"))
        return super().userinfo(request)


class TypUnchecked(Trusted):
    """Does not look at the type of a proof."""

    def checked(self, request, path, token, parts):
        proof, head, body = parts
        return super().checked(request, path, token, (proof, head | {"typ": "dpop+jwt"}, body))


class PrivateKeyTaken(Trusted):
    """Takes a proof whose header has the private key."""

    def checked(self, request, path, token, parts):
        proof, head, body = parts
        public = {name: value for name, value in head["jwk"].items() if name not in "dkpq"}
        return super().checked(request, path, token, (proof, head | {"jwk": public}, body))


class ProofSpends(Trusted):
    """A poll with a wrong proof uses the code up."""

    def token(self, request):
        try:
            return super().token(request)
        except Refused as refused:
            if refused.error == "invalid_dpop_proof":
                grant = self.grants.get(request.form().get("device_code", ""))
                if grant:
                    grant.state = "redeemed"
            raise
