"""An access token that is a JWT, read and judged claim by claim as a resource server would (RFC 9068 section 2)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol.numbers import number
from device_grant.server.session.issued.person import PERSONAL_SCOPES, beyond
from device_grant.server.session.jose.key_set import SYMMETRIC, Signature, fetch_keys, verified
from device_grant.server.session.jose.moments import moments
from device_grant.server.session.jose.profile import ACCESS_TOKEN_TYPE

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device
    from device_grant.server.session.jose.compact import CompactJwt

SIGNED, NOT_NONE, TYPE, SHORT = "rfc9068-2.1-signed", "rfc9068-2.1-not-none", "rfc9068-2.1-typ", "rfc9068-2.1-typ-short"
ISSUER, EXPIRY, AUDIENCE, SUBJECT = "rfc9068-2.2-iss", "rfc9068-2.2-exp", "rfc9068-2.2-aud", "rfc9068-2.2-sub"
CLIENT, ISSUED, NAME, OWNER = "rfc9068-2.2-client-id", "rfc9068-2.2-iat", "rfc9068-2.2-jti", "rfc9068-2.2-sub-is-owner"
AGREES, DEFAULT, APART = "rfc9068-2.2-exp-agrees", "rfc9068-3-default-aud", "rfc9068-5-distinct-from-id-token"
PERSONAL = "rfc9068-6-personal-data"
SCOPE, STRING, GRANTED = "rfc9068-2.2.3-scope", "rfc9068-2.2.3-scope-is-one-string", "rfc9068-2.2.3-scope-agrees"
PUBLISHED, ASYMMETRIC, VERIFIES = "rfc9068-4-keys-published", "rfc9068-4-asymmetric", "rfc9068-4-signature-verifies"
HEADER = (SIGNED, NOT_NONE, TYPE, SHORT, ASYMMETRIC)
CLAIMS = (ISSUER, EXPIRY, AUDIENCE, SUBJECT, CLIENT, ISSUED, NAME, OWNER, AGREES, DEFAULT, APART, PERSONAL)
SCOPES = (SCOPE, STRING, GRANTED)
KEYS = (PUBLISHED, VERIFIES)
AFTER = 60.0
"""Seconds by which a server's clock may be ahead."""
CLOSE = 5.0
"""Seconds by which a lifetime may differ from what is said of it."""


@dataclass(frozen=True)
class AccessTokenJudge:
    """Says of one access token which requirements hold; all are judged that are named above."""

    device: Device
    tokens: Exchange
    token: CompactJwt
    verify: Verify

    def header(self) -> None:
        """Algorithm and type."""
        alg, typ = self.token.algorithm, self.token.header.get("typ")
        self._say(SIGNED, bool(self.token.signature), "the access token has no signature")
        self._say(NOT_NONE, alg.lower() != "none", "the algorithm of the access token is none")
        typed = self.token.kind == ACCESS_TOKEN_TYPE
        self._say(TYPE, typed, "typ does not say that the token is an access token", f"typ {typ!r}")
        short = isinstance(typ, str) and "/" not in typ
        self._say(SHORT, short or not typed, "typ of the access token has application/ before it", f"typ {typ!r}")
        self._say(ASYMMETRIC, alg not in SYMMETRIC, "the access token has a MAC", f"alg {alg}")

    def claims(self) -> None:
        """All but the scope."""
        claims, client_id = self.token.claims, self.device.client.id
        self._issuer()
        self._times()
        aud, sub = claims.get("aud"), claims.get("sub")
        named = [aud] if isinstance(aud, str) else aud
        texts = isinstance(named, list) and all(isinstance(one, str) and one for one in named)
        self._say(AUDIENCE, "aud" in claims and texts, "aud is no string and no array of strings", f"aud {aud!r}")
        self._say(DEFAULT, bool(named), "the access token is for no resource", f"aud {aud!r}")
        self._say(APART, named != [client_id], "aud of the access token is its client alone", f"aud {aud!r}")
        self._say(SUBJECT, isinstance(sub, str) and bool(sub), "sub is missing, or no string")
        self._say(OWNER, sub != client_id, "sub is the client and not the person who approved")
        meant = claims.get("client_id")
        self._say(CLIENT, meant == client_id, "client_id is not that of the device", f"client_id {meant!r}")
        jti = claims.get("jti")
        self._say(NAME, isinstance(jti, str) and bool(jti), "jti is missing, or no string")
        more = beyond(claims, set())
        problem = f"the access token has claims of the scopes {', '.join(PERSONAL_SCOPES)}"
        self._say(PERSONAL, not more, problem, ", ".join(more))

    def _issuer(self) -> None:
        issuer, iss = self.device.case.run.endpoints.document.get("issuer"), self.token.claims.get("iss")
        if not isinstance(issuer, str) and isinstance(iss, str):
            self.verify.unclear(ISSUER, "no metadata says who the issuer is", self.tokens)
            return
        self._say(ISSUER, iss == issuer, "iss of the access token is not the issuer of the metadata", f"iss {iss!r}")

    def _times(self) -> None:
        claims = self.token.claims
        exp, iat, lasts = number(claims.get("exp")), number(claims.get("iat")), number(self.tokens.get("expires_in"))
        now = moments(self.device.case, self.tokens)
        later = exp is not None and exp > min(now)
        self._say(EXPIRY, later, "exp of the access token is no number in the future", f"exp {claims.get('exp')!r}")
        fits = iat is not None and iat <= max(now) + AFTER
        problem = "iat of the access token is missing, no number, or in the future"
        self._say(ISSUED, fits, problem, f"iat {claims.get('iat')!r}")
        apart = 0.0 if exp is None or iat is None or lasts is None else abs(exp - iat - lasts)
        problem = "exp minus iat of the access token is not what expires_in says"
        self._say(AGREES, apart <= CLOSE, problem, f"{apart:g} s apart")

    def scope(self, requested: str, *, known: bool) -> None:
        """What the claim scope says, where this scope was asked for; `known`: its words mean something where it is for.

        Of what means nothing there the claim must hold nothing (RFC 9068 section 2.2.3).
        """
        scope, granted = self.token.claims.get("scope"), self.tokens.get("scope")
        there = True if scope is not None else None if not known else False
        self._say(SCOPE, there, "a scope was asked for, and the access token has no claim scope")
        self._say(STRING, scope is None or isinstance(scope, str), "the claim scope is no string")
        named = scope if isinstance(scope, list) else str(scope or "").split()
        allowed = set((granted if isinstance(granted, str) else requested).split())
        more = sorted({str(one) for one in named} - allowed)
        self._say(GRANTED, not more, "the access token has more scope than was granted", ", ".join(more))

    def keys(self) -> None:
        """Whether a published key has signed it; raises NotApplicable where none could have."""
        case, alg = self.device.case, self.token.algorithm
        if not case.run.endpoints.jwks:
            self._say(PUBLISHED, False, "the metadata has no jwks_uri")  # noqa: FBT003 - the judgement itself
            raise NotApplicable("the keys of access tokens are not published")
        if alg in SYMMETRIC or alg.lower() == "none" or not self.token.signature:
            raise NotApplicable("the access token is not signed by a key that could be published")
        keys = fetch_keys(case)
        if not (keys.exchange.outcome.ok and keys.whole):
            raise Untestable(f"the published keys cannot be read: {keys.exchange.describe()}")
        outcome, keys = verified(case, keys, self.token)
        known = None if outcome is Signature.UNREADABLE else outcome is not Signature.UNKNOWN_KEY
        self._say(PUBLISHED, known, "the key of the access token is not at jwks_uri", f"alg {alg}")
        if known is False:
            raise NotApplicable("the key of the access token is not published")
        good = None if outcome is Signature.UNREADABLE else outcome is Signature.GOOD
        self._say(VERIFIES, good, "the signature of the access token is not by the key that it names", f"alg {alg}")

    def _say(self, requirement: str, holds: bool | None, problem: str, got: str = "") -> None:  # noqa: FBT001 - the judgement itself
        self.verify.that(requirement, holds, problem, self.tokens, got=got)
