"""Bound access tokens at userinfo, a protected resource of the server itself: RFC 9449 section 7."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Request
from device_grant.protocol.proofs import proof
from device_grant.server.session.device import Device
from device_grant.server.session.issued.person import ask, is_served, tells_a_person
from device_grant.server.session.possession.nonces import nonce_fields
from device_grant.server.session.possession.proving import key_for, no_proof, proving_device, right

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.possession.proving import ProvingDevice, Values

NEEDS = ("dpop", "userinfo", "openid")
SERVED = "rfc9449-7.1-userinfo-accepts-dpop"
PROOF = "rfc9449-7.1-userinfo-needs-proof"
DOWNGRADE = "rfc9449-7.2-no-bearer-downgrade"
CACHE = "rfc9449-8.2-nonce-not-cached"
SCOPE = "openid"
_OTHER_TOKEN = "another-access-token-7d1f"  # noqa: S105 - made up to be another one


@check(SERVED, faults=("userinfo_knows_bearer_only",), needs=NEEDS, timed=True)
def test_userinfo_by_dpop(case: ServerCase, verify: Verify) -> None:
    """GET userinfo with a bound token by the DPoP scheme and a right proof. Accepted: what it tells of the person.

    The control: an unbound token is served as a bearer token.
    """
    device = proving_device(case)
    token = _bound(device)
    exchange = _present(device, token, right, "userinfo with a right proof")
    if not tells_a_person(exchange):
        plain = Device(case, device.client).start(scope=SCOPE).redeemed()
        control = ask(case, plain.get("access_token"), label="control: userinfo with a bearer token")
        if not tells_a_person(control):
            raise Untestable(f"userinfo serves no bearer token either: {control.describe()}")
    verify.that(SERVED, tells_a_person(exchange), "userinfo refuses a bound token with a right proof", exchange)


@check(PROOF, faults=("userinfo_ignores_ath",), needs=NEEDS, timed=True)
def test_userinfo_with_wrong_proofs(case: ServerCase, verify: Verify) -> None:
    """A bound token by the DPoP scheme without a proof, and with proofs for another endpoint, token or key.

    Accepted: refusals. The control: a right proof is served.
    """
    device = proving_device(case)
    token = _bound(device)
    if not tells_a_person(_present(device, token, right, "control: userinfo with a right proof")):
        raise NotApplicable("userinfo does not serve bound tokens by the DPoP scheme")
    stranger, endpoint = key_for(case, 2), case.run.endpoints.token
    wrong: dict[str, Values] = {
        "no proof": no_proof,
        "a proof for the token endpoint": lambda key, use: (proof(key, replace(use, url=endpoint)),),
        "a proof without ath": lambda key, use: (proof(key, use, claims={"ath": ...}),),
        "a proof for another token": lambda key, use: (proof(key, replace(use, access_token=_OTHER_TOKEN)),),
        "a proof by another key": lambda _key, use: (proof(stranger, use),),
    }
    for name, values in wrong.items():
        exchange = _present(device, token, values, f"userinfo with {name}")
        verify.that(PROOF, not is_served(exchange), f"userinfo serves a bound token with {name}", exchange)


@check(DOWNGRADE, faults=("userinfo_takes_bound_token_as_bearer",), needs=NEEDS, timed=True)
def test_bound_token_as_a_bearer_token(case: ServerCase, verify: Verify) -> None:
    """GET userinfo with a bound token by the Bearer scheme, without a proof. Accepted: a refusal.

    A resource that knows bearer tokens alone may take it: then it is a warning, for the metadata says otherwise.
    """
    device = proving_device(case)
    token = _bound(device)
    knows = tells_a_person(_present(device, token, right, "control: userinfo with a right proof"))
    exchange = ask(case, token, label="userinfo with the bound token as a bearer token")
    problem = "userinfo serves a bound token as a bearer token"
    verify.that(DOWNGRADE, not is_served(exchange), problem, exchange, tolerated=not knows)


@check(CACHE, faults=("nonce_cacheable",), needs=NEEDS, timed=True)
def test_nonces_are_not_cached(case: ServerCase, verify: Verify) -> None:
    """Answers of userinfo that give a nonce. Accepted: none that says how long caches may keep it."""
    device = proving_device(case)
    token = _bound(device)
    before = len(device.exchanges)
    for number in (1, 2):
        _present(device, token, right, f"userinfo with a right proof, {number}")
    given = [one for one in device.exchanges[before:] if nonce_fields(one) and is_served(one)]
    if not given:
        raise NotApplicable("userinfo gives no nonces with what it tells")
    for exchange in given:
        verify.that(CACHE, not _kept(exchange), "caches may keep an answer that gives a nonce", exchange)


def _bound(device: ProvingDevice) -> str:
    """A bound access token with the scope openid; raises as `bound_tokens` does."""
    grant = device.start(scope=SCOPE)
    device.user.approve(grant)
    return str(device.bound_tokens(grant).get("access_token"))


def _present(device: ProvingDevice, token: str, values: Values, label: str) -> Exchange:
    """One GET at userinfo by the DPoP scheme with these proofs, and once more where a nonce is asked for."""
    headers = (("Accept", "application/json, application/jwt"), ("Authorization", f"DPoP {token}"))
    request = Request("GET", device.case.run.endpoints.userinfo, headers)
    return device.with_values(values, lambda: device.proving(request, label, access_token=token))


def _kept(exchange: Exchange) -> bool:
    """Whether a cache is told to keep it (RFC 9111 sections 3 and 5.2.2)."""
    response = exchange.response
    said = (response.header("cache-control") or "").lower() if response else ""
    words = {word.strip().partition("=")[0]: word.strip().partition("=")[2].strip('"') for word in said.split(",")}
    if words.keys() & {"no-store", "no-cache"}:
        return False
    lifetimes = [words[name] for name in ("max-age", "s-maxage") if name in words]
    return any(lifetime.strip("0") for lifetime in lifetimes)
