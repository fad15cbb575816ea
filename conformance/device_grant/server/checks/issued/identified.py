"""The ID token of a grant, read and judged claim by claim (OpenID Connect Core 2 and 3.1.3.6)."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol.numbers import number
from device_grant.server.session.issued.person import PERSONAL_SCOPES
from device_grant.server.session.jose.compact import is_encrypted, read_jwt
from device_grant.server.session.jose.key_set import SYMMETRIC, Signature, fetch_keys, verified, verify_by_secret
from device_grant.server.session.jose.moments import moments
from device_grant.server.session.scopes import SPECIAL, known_scopes, own_scopes, with_defaults

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.device import Device, Grant
    from device_grant.server.session.jose.compact import CompactJwt

OPENID = "openid"
FORM, ISSUER, AUDIENCE, PARTY = "oidc-core-2-form", "oidc-core-2-iss", "oidc-core-2-aud", "oidc-core-2-azp"
SUBJECT, EXPIRY, ISSUED, SIGNED_IN = "oidc-core-2-sub", "oidc-core-2-exp", "oidc-core-2-iat", "oidc-core-2-auth-time"
NONCE, KINDS, NULLS = "oidc-core-2-nonce", "oidc-core-2-amr-acr-types", "oidc-core-2-no-null-claims"
NOT_NONE, NO_KEYS = "oidc-core-2-alg-none", "oidc-core-2-no-key-in-header"
ALGORITHM, NO_MAC = "oidc-core-3.1.3.7-alg-as-registered", "oidc-core-10.1-no-mac-for-public-clients"
SIGNATURE, KEY, HASH = "oidc-core-10.1-signature-verifies", "oidc-core-10.1-kid", "oidc-core-3.1.3.6-at-hash"
APART = "oidc-core-16.11-access-token-is-no-id-token"
CLAIMS = (ISSUER, AUDIENCE, PARTY, SUBJECT, EXPIRY, ISSUED, SIGNED_IN, NONCE, KINDS, HASH, APART)
HEADER = (NOT_NONE, NO_KEYS, ALGORITHM, NO_MAC)
REQUIRED = ("iss", "sub", "aud", "exp", "iat")
OWN_ALGORITHM = "id_token_signed_response_alg"
BEFORE, AFTER = 300.0, 60.0
"""Seconds by which two clocks may differ: what was issued before, and what seems to be issued later."""
LONGEST_SUBJECT = 255
_POINTERS = ("x5u", "x5c", "jku", "jwk")
_HASHES = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}


def identified(device: Device, *scopes: str, **members: Any) -> Exchange:
    """The tokens of an approved grant with openid and these scopes; raises NotApplicable where it is not granted."""
    tokens = device.start(scope=with_defaults(device, OPENID, *scopes), **members).redeemed()
    require_openid(tokens)
    return tokens


def with_all_claims(device: Device) -> Exchange:
    """The same with all scopes that claims belong to; with the client's own alone where others are refused."""
    known, own = known_scopes(device, published=True), own_scopes(device)
    wanted = [scope for scope in PERSONAL_SCOPES if scope in known]
    try:
        return identified(device, *wanted)
    except Untestable:
        if set(wanted) <= set(own):
            raise
        return identified(device, *(scope for scope in wanted if scope in own))


def begun_without_openid(device: Device) -> tuple[Grant, str | None]:
    """A grant without openid, and its scope: one that brings no claims; None where none is known, for the default one.

    Where only other clients may ask for that scope, it is one of this client's own.
    """
    plain = [scope for scope in known_scopes(device, published=True) if scope not in (*SPECIAL, *PERSONAL_SCOPES)]
    scope, own = plain[0] if plain else None, own_scopes(device)
    try:
        return device.start(scope=scope), scope
    except Untestable:
        if scope is None or scope in own:
            raise
        other = next((one for one in own if one not in SPECIAL), None)
        return device.start(scope=other), other


def require_openid(tokens: Exchange) -> None:
    """Raise NotApplicable where the scope that was granted lacks openid."""
    granted = tokens.get("scope")
    if isinstance(granted, str) and OPENID not in granted.split():
        raise NotApplicable("openid was asked for and not granted")


def id_token_of(tokens: Exchange) -> CompactJwt:
    """The ID token of a token response.

    Raises NotApplicable where there is none, or one that only the client can open, and Untestable for what is none.
    """
    given = tokens.get("id_token")
    if given is None:
        raise NotApplicable("no ID token comes with the tokens; RFC 8628 does not ask for one")
    token = read_jwt(given)
    if token is not None:
        return token
    if is_encrypted(given):
        raise NotApplicable("the ID token is encrypted, so that the client alone can read it")
    raise Untestable("the ID token is no JWT that can be read")


def well_formed(device: Device, tokens: Exchange) -> bool:
    """Whether the ID token is a JWT with the claims that each has; an encrypted one if the client may have asked."""
    given = tokens.get("id_token")
    if is_encrypted(given):
        return not device.client.registered or bool(device.client.registered.get("id_token_encrypted_response_alg"))
    token = read_jwt(given)
    return token is not None and token.strict and all(token.claims.get(name) is not None for name in REQUIRED)


@dataclass(frozen=True)
class IdTokenJudge:
    """Says of one ID token which requirements hold; all are judged that are named above."""

    device: Device
    tokens: Exchange
    token: CompactJwt
    verify: Verify

    def header(self) -> None:
        """Algorithm and what else the header says."""
        client, alg = self.device.client, self.token.algorithm
        wanted = client.registered.get(OWN_ALGORITHM)
        unsigned = alg.lower() == "none" or not self.token.signature
        self._say(NOT_NONE, not unsigned or wanted == "none", "the ID token is not signed", f"alg {alg}")
        named = [name for name in _POINTERS if name in self.token.header]
        problem = "the header of the ID token says where keys are, or which"
        self._say(NO_KEYS, not named, problem, ", ".join(named))
        usual = self._usual(alg, wanted)
        self._say(ALGORITHM, usual, "the ID token is signed by another algorithm than is said", f"alg {alg}")
        mac = alg in SYMMETRIC and client.secret is None
        self._say(NO_MAC, not mac, "a client without a secret gets an ID token with a MAC", f"alg {alg}")

    def _usual(self, alg: str, wanted: object) -> bool:
        if isinstance(wanted, str):
            return alg == wanted
        listed = self.device.case.run.endpoints.document.get("id_token_signing_alg_values_supported")
        return alg == "RS256" or not isinstance(listed, list) or alg in listed

    def claims(self, *, nonce: str | None = None) -> None:
        """What the claims say; `nonce` is what the device sent."""
        claims, client = self.token.claims, self.device.client
        self._issuer()
        aud = claims.get("aud")
        meant = client.id in aud if isinstance(aud, list) else aud == client.id
        self._say(AUDIENCE, meant, "aud of the ID token does not hold the client_id", f"aud {aud!r}")
        azp = claims.get("azp")
        problem = "azp of the ID token is not the client_id"
        self._say(PARTY, azp is None or azp == client.id, problem, f"azp {azp!r}")
        sub = claims.get("sub")
        right = isinstance(sub, str) and 0 < len(sub) <= LONGEST_SUBJECT and sub.isascii()
        self._say(SUBJECT, right, "sub of the ID token is no text of 1 to 255 ASCII characters")
        self._times()
        self._nonce(nonce)
        amr, acr = claims.get("amr", []), claims.get("acr", "")
        right = isinstance(amr, list) and all(isinstance(one, str) for one in amr) and isinstance(acr, str)
        self._say(KINDS, right, "amr of the ID token is no array of strings, or acr no string")
        self._say(HASH, self._hash(), "at_hash of the ID token is not that of the access token")
        same = self.tokens.get("access_token") == self.token.text
        self._say(APART, not same, "the ID token and the access token are the same")

    def _issuer(self) -> None:
        issuer, iss = self.device.case.run.endpoints.document.get("issuer"), self.token.claims.get("iss")
        if not isinstance(issuer, str):
            self.verify.unclear(ISSUER, "no metadata says who the issuer is", self.tokens)
            return
        self._say(ISSUER, iss == issuer, "iss of the ID token is not the issuer of the metadata", f"iss {iss!r}")

    def _times(self) -> None:
        claims = self.token.claims
        exp, iat, auth_time = (number(claims.get(name)) for name in ("exp", "iat", "auth_time"))
        now = moments(self.device.case, self.tokens)
        later = exp is not None and exp > min(now) and (iat is None or exp > iat)
        self._say(EXPIRY, later, "exp of the ID token is no number in the future", f"exp {claims.get('exp')!r}")
        fits = iat is not None and any(self.began(moment) - BEFORE <= iat <= moment + AFTER for moment in now)
        problem = "iat of the ID token is no number about the time of the answer"
        self._say(ISSUED, fits, problem, f"iat {claims.get('iat')!r}")
        before = auth_time is not None and (iat is None or auth_time <= iat + AFTER)
        problem = "auth_time of the ID token is no number, or later than iat"
        self._say(SIGNED_IN, before or claims.get("auth_time") is None, problem, f"{claims.get('auth_time')!r}")

    def began(self, moment: float) -> float:
        """When the check began, by the clock that says that it is this moment."""
        return moment - self.device.case.now()

    def _nonce(self, sent: str | None) -> None:
        nonce = self.token.claims.get("nonce")
        problem = "the ID token has a nonce that the device did not send"
        self._say(NONCE, nonce is None or nonce == sent, problem, f"nonce {'sent' if sent else 'not sent'}")

    def _hash(self) -> bool | None:
        if "at_hash" not in self.token.claims:
            return True
        return hash_fits(self.token.algorithm, self.token.claims["at_hash"], self.tokens.get("access_token"))

    def signature(self) -> None:
        """Whether a published key has made it, and which; raises NotApplicable where none could have."""
        case, alg = self.device.case, self.token.algorithm
        if alg in SYMMETRIC:
            by_secret = verify_by_secret(self.token, self.device.client.secret or "")
            self._say(SIGNATURE, by_secret, "the MAC of the ID token is not made by the client's secret", f"alg {alg}")
            raise NotApplicable("the ID token has a MAC, which no published key makes")
        keys = fetch_keys(case)
        if not (keys.exchange.outcome.ok and keys.whole):
            raise Untestable(f"the published keys cannot be read: {keys.exchange.describe()}")
        outcome, keys = verified(case, keys, self.token)
        good = None if outcome is Signature.UNREADABLE else outcome is Signature.GOOD
        problem = "the ID token is not signed by a published key"
        self._say(SIGNATURE, good, problem, f"alg {alg}: {outcome.value}")
        kid, fitting = self.token.header.get("kid"), keys.fitting(alg)
        if outcome is Signature.NONE:
            raise NotApplicable("the ID token has no signature")
        right = len(fitting) <= 1 if kid is None else bool(keys.named(alg, kid))
        problem = "the ID token names no key, where several may be it, or one that is not published"
        self._say(KEY, right, problem, f"kid {kid!r}, keys for {alg}: {len(fitting)}")

    def _say(self, requirement: str, holds: bool | None, problem: str, got: str = "") -> None:  # noqa: FBT001 - the judgement itself
        self.verify.that(requirement, holds, problem, self.tokens, got=got)


def hash_fits(algorithm: str, at_hash: object, access_token: object) -> bool | None:
    """Whether at_hash is right for an algorithm; None where the text does not say by which hash that is."""
    if not isinstance(at_hash, str) or not isinstance(access_token, str):
        return False
    octets = access_token.encode("ascii", "replace")
    digits = _HASHES.get(algorithm[-3:])
    if digits is not None:
        return at_hash == _half(digits(octets).digest())
    # RFC 8037 says nothing of it: what Ed25519 itself uses is usual.
    return True if at_hash == _half(hashlib.sha512(octets).digest()) else None


def nulls_in(value: object, name: str = "") -> Iterator[str]:
    """Names of members that are null, those within structures included."""
    if value is None:
        yield name
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from nulls_in(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list):
        for inner in value:
            yield from nulls_in(inner, name)


def registered_for(client: Client, member: str) -> bool:
    """Whether the client may have asked for this: it says so, or was configured where nobody here sees it."""
    return not client.registered or bool(client.registered.get(member))


def _half(digest: bytes) -> str:
    return urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
