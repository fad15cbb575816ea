"""What an access token says of the key that it is bound to: RFC 9449 sections 5 and 6.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.server.session.asking import asker_for, asking, require_active
from device_grant.server.session.audience import jwt_for_a_resource
from device_grant.server.session.jose.compact import read_jwt
from device_grant.server.session.possession.proving import ProvingDevice, is_dpop, key_in, proving_device

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.asking import Introspected
    from device_grant.server.session.case import ServerCase

NEEDS = ("dpop",)
CALLED = "rfc9449-5-token-type-dpop"
BOUND = "rfc9449-5-token-type-has-binding"
THUMBPRINT = "rfc9449-6.1-thumbprint"
INTROSPECTED = "rfc9449-6.2-introspection-thumbprint"
INTROSPECTED_TYPE = "rfc9449-6.2-introspection-token-type"
_SAYS_NOTHING = frozenset({"active", "exp", "iat", "nbf", "iss"})
"""Members by which a resource server could tell neither whose a token is nor what it is good for."""
UNBOUND = "token_type is DPoP, and nothing names a key in cnf.jkt"


@check(CALLED, faults=("dpop_token_called_bearer",), needs=NEEDS, timed=True)
def test_bound_tokens_are_called_so(case: ServerCase, verify: Verify) -> None:
    """The token response to a poll with a proof, where the access token is a JWT with cnf.jkt.

    Accepted: token_type DPoP in any case of letters.
    """
    tokens = _tokens(case)
    if not key_in(tokens):
        raise NotApplicable("the access token names no key: nothing shows that it is bound")
    verify.that(CALLED, is_dpop(tokens), "an access token with cnf.jkt is not called DPoP", tokens)


@check(BOUND, faults=("dpop_token_unbound",), needs=NEEDS, timed=True)
def test_what_is_called_bound_is_bound(case: ServerCase, verify: Verify) -> None:
    """The token response to a poll with a proof, where token_type is DPoP and the access token a JWT.

    Accepted: cnf.jkt in it, or at introspection where that is how resource servers are told.
    """
    device = proving_device(case)
    asker = asker_for(device)
    grant = device.start(**(asker.members if asker else {}))
    device.user.approve(grant)
    tokens = grant.poll(label="poll with a right proof")
    if not tokens.outcome.ok:
        raise Untestable(f"a right proof was answered {tokens.describe()}")
    tokens, _ = jwt_for_a_resource(device, tokens)
    _require_dpop(tokens)
    _require_jwt(tokens)
    if not key_in(tokens) and case.run.endpoints.introspection:
        if asker is None:
            raise NotApplicable("the JWT names no key, and resource servers can ask the introspection endpoint for it")
        said = asker.ask(tokens.get("access_token"))
        require_active(said, asker)
        verify.that(BOUND, bool(_introspected_key(said)), UNBOUND, tokens, said.exchange)
        return
    verify.that(BOUND, bool(key_in(tokens)), UNBOUND, tokens)


@check(THUMBPRINT, faults=("dpop_thumbprint_hex",), needs=NEEDS, timed=True)
def test_thumbprint(case: ServerCase, verify: Verify) -> None:
    """cnf.jkt of an access token that is a JWT. Accepted: the SHA-256 thumbprint of the proof's key, in base64url."""
    device = proving_device(case)
    tokens, _ = jwt_for_a_resource(device, device.bound_tokens())
    _require_jwt(tokens)
    said = key_in(tokens)
    if not said:
        raise NotApplicable("the JWT has no cnf.jkt")
    verify.that(THUMBPRINT, said == device.key.thumbprint, "cnf.jkt is not the thumbprint of the proof's key", tokens)


@check(
    INTROSPECTED,
    INTROSPECTED_TYPE,
    faults=("dpop_introspection_without_cnf", "dpop_introspected_as_bearer"),
    needs=(*NEEDS, "introspection"),
    timed=True,
)
def test_introspected_tokens(case: ServerCase, verify: Verify) -> None:
    """A bound access token is introspected. Accepted: cnf.jkt of the proof's key; token_type DPoP, or none.

    A JWT may name the key itself (section 6) where nothing but whether it lives is said of it.
    """
    device, asker = asking(case)
    proving = ProvingDevice(case, device.client)
    grant = proving.start(**asker.members)
    proving.user.approve(grant)
    tokens = proving.bound_tokens(grant)
    said = asker.ask(tokens.get("access_token"))
    require_active(said, asker)
    if said.members.keys() <= _SAYS_NOTHING and key_in(tokens) == proving.key.thumbprint:
        raise NotApplicable("introspection says no more than whether a token lives; the token, a JWT, names the key")
    problem = "introspection of a bound token does not tell the thumbprint of its key in cnf.jkt"
    verify.that(INTROSPECTED, _introspected_key(said) == proving.key.thumbprint, problem, said.exchange)
    kind = said.members.get("token_type")
    fits = kind is None or str(kind).lower() == "dpop"
    verify.that(INTROSPECTED_TYPE, fits, f"token_type of a bound token is {kind!r} at introspection", said.exchange)


def _introspected_key(said: Introspected) -> str:
    confirmation = said.members.get("cnf")
    key = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    return key if isinstance(key, str) else ""


def _tokens(case: ServerCase) -> Exchange:
    device = proving_device(case)
    tokens = device.approved().poll(label="poll with a right proof")
    if not tokens.outcome.ok:
        raise Untestable(f"a right proof was answered {tokens.describe()}")
    return jwt_for_a_resource(device, tokens)[0]


def _require_dpop(tokens: Exchange) -> None:
    if not is_dpop(tokens):
        raise NotApplicable("tokens are bearer tokens in spite of a proof, which is allowed: nothing is bound")


def _require_jwt(tokens: Exchange) -> None:
    if read_jwt(tokens.get("access_token")) is None:
        raise NotApplicable("the access token is no JWT that can be looked into")
