"""Device codes that belong to the key of the request for them: draft-parecki-oauth-dpop-device-flow."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.dpop import INVALID_PROOF, USE_NONCE
from device_grant.protocol.proofs import WRONG_PROOFS, WrongProof, proof
from device_grant.protocol.proofs.wrong import METHOD, SIGNATURE, URI, by_requirement
from device_grant.server.session.device import GONE, PENDING
from device_grant.server.session.possession.proving import (
    OF_PROOFS,
    is_dpop,
    key_for,
    key_in,
    no_proof,
    proving_device,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.protocol.proofs import ProofKey, ProofUse
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant
    from device_grant.server.session.possession.proving import ProvingDevice

NEEDS = ("dpop_device_code",)
UNAWARE = "dpop-device-3.1-unaware-server-ignores-header"
VALIDATES = "dpop-device-3.1-validates-proof"
ERROR = "dpop-device-3.1-error-code"
ITS_KEY = "dpop-device-3.1-code-bound-to-key"
NEEDS_PROOF = "dpop-device-3.2-poll-without-proof-refused"
CHECKED = "dpop-device-3.2-poll-proof-checked"
BOUND = "dpop-device-3.2-token-bound"
REFRESH = "dpop-device-3.2-refresh-bound"
PENDING_STILL = "dpop-device-3.2-pending-with-right-key"
_REFUSALS = (*OF_PROOFS, *GONE, "invalid_request")
_AT_START = (
    "typ is JWT",
    "alg is none, without a signature",
    "jwk has the private key",
    "one bit of the signature changed",
    "htm is GET",
)


@check(UNAWARE, faults=("start_refuses_dpop_header",))
def test_start_with_a_proof(case: ServerCase, verify: Verify) -> None:
    """A device authorization request with a valid proof for that endpoint, at any server. Accepted: codes."""
    device = proving_device(case)
    exchange = device.bound_start()
    if not exchange.outcome.ok:
        device.start(label="control: start without a proof")
    verify.that(UNAWARE, exchange.outcome.ok, "a start with a valid proof is refused", exchange)


@check(VALIDATES, ERROR, faults=("start_proof_unchecked", "start_proof_error_generic"), needs=NEEDS)
def test_start_with_a_wrong_proof(case: ServerCase, verify: Verify) -> None:
    """Starts with a proof that is wrong in its signature, typ, alg, key, method or URI. Accepted: invalid_dpop_proof.

    The control: a right proof is served.
    """
    device = proving_device(case)
    _started(device)
    token = case.run.endpoints.token
    elsewhere = WrongProof("htu is the token endpoint", URI, lambda key, use: (proof(key, replace(use, url=token)),))
    refused = None
    for wrong in (*(one for one in WRONG_PROOFS if one.name in _AT_START), elsewhere):
        exchange = device.bound_start(wrong.values, f"start with a wrong proof: {wrong.name}")
        problem = f"codes were given for a wrong proof: {wrong.name}"
        verify.that(VALIDATES, not exchange.outcome.ok, problem, exchange)
        if not exchange.outcome.ok:
            refused = exchange
            verify(ERROR, exchange, accepted=(INVALID_PROOF, USE_NONCE))
    if refused is None:
        raise Untestable("no wrong proof is refused at the start")


@check(
    PENDING_STILL,
    ITS_KEY,
    BOUND,
    faults=("bound_code_never_pending", "device_code_follows_last_key", "bound_code_yields_bearer"),
    needs=NEEDS,
    timed=True,
)
def test_bound_code(case: ServerCase, verify: Verify) -> None:
    """A code of one key is polled twice by it, approved, polled by another key, and then by its own.

    Accepted: authorization_pending; a refusal; a token that is bound to the key of the start.
    """
    device = proving_device(case)
    grant = _started(device)
    for number in (1, 2):
        exchange = grant.ask(label=f"poll {number} by the key of the start")[0]
        problem = "a bound code that nobody has decided is not pending"
        verify.that(PENDING_STILL, exchange.code in PENDING, problem, exchange, accepted=PENDING)
    grant = grant if exchange.code in PENDING else _started(device)
    device.user.approve(grant)
    stranger = device.with_key(key_for(case, 2), lambda: grant.ask(label="poll by another key")[0])
    problem = "a bound code is redeemed by another key"
    verify.that(ITS_KEY, not stranger.outcome.ok, problem, stranger, accepted=_REFUSALS)
    if stranger.outcome.ok:
        grant = _started(device)
        device.user.approve(grant)
    tokens = grant.ask(label="poll by the key of the start")[0]
    if not tokens.outcome.ok:
        # Where no approved code yields a token it is not the other key that has ended this one.
        control = _started(device)
        device.user.approve(control)
        device.bound_tokens(control)
        verify.that(ITS_KEY, holds=False, problem="a bound code is not redeemed by its own key")
        raise Untestable(f"the code was answered {tokens.describe()} to its own key")
    verify.that(BOUND, is_dpop(tokens), "the token of a bound code is not called DPoP", tokens)
    if key_in(tokens):
        verify.that(BOUND, key_in(tokens) == device.key.thumbprint, "the token names another key", tokens)


@check(NEEDS_PROOF, faults=("bound_code_redeemed_without_proof",), needs=NEEDS, timed=True)
def test_bound_code_without_a_proof(case: ServerCase, verify: Verify) -> None:
    """An approved code of a key is polled without a proof, then with one. Accepted: a refusal; then the token."""
    device = proving_device(case)
    grant = _started(device)
    device.user.approve(grant)
    exchange = device.poll_with(grant, no_proof, "poll without a proof")
    _Judge(verify, device).refused(NEEDS_PROOF, "a bound code is redeemed without a proof", grant, exchange)


@check(CHECKED, faults=("start_proof_good_for_poll",), needs=NEEDS, timed=True)
def test_bound_code_with_wrong_proofs(case: ServerCase, verify: Verify) -> None:
    """An approved code is polled with the proof of its start, with a wrong signature and for another method.

    Accepted: refusals; then the token to a right proof.
    """
    device = proving_device(case)
    start = case.run.endpoints.device_authorization
    sent: list[str] = []

    def kept(key: ProofKey, use: ProofUse) -> tuple[str, ...]:
        sent.append(proof(key, use))
        return (sent[-1],)

    attempts = [
        ("the proof of the start", lambda _key, _use: (sent[-1],)),
        ("a new proof for the start", lambda key, use: (proof(key, replace(use, url=start)),)),
        *((one.name, one.values) for one in (by_requirement(SIGNATURE)[0], by_requirement(METHOD)[0])),
    ]
    for name, values in attempts:
        grant = device.started(device.bound_start(kept))
        device.user.approve(grant)
        exchange = device.poll_with(grant, values, f"poll with {name}")
        _Judge(verify, device).refused(CHECKED, f"a bound code is redeemed by {name}", grant, exchange)


@check(REFRESH, faults=("bound_code_refresh_unbound",), needs=(*NEEDS, "refresh_token"), timed=True)
def test_refresh_of_a_bound_code(case: ServerCase, verify: Verify) -> None:
    """The refresh token of a bound code is tried by another key and without a proof. Accepted: refusals.

    The control: a refresh by its own key is served.
    """
    _judge_refreshes(proving_device(case), verify)


@check(REFRESH, faults=("bound_code_refresh_unbound",), needs=(*NEEDS, "refresh_token"), timed=True)
def test_refresh_of_a_bound_code_by_a_confidential_client(case: ServerCase, verify: Verify) -> None:
    """The same of a client that authenticates, of which RFC 9449 section 5 says the opposite: reported only."""
    _judge_refreshes(proving_device(case, "confidential"), verify)


def _judge_refreshes(device: ProvingDevice, verify: Verify) -> None:
    stranger = key_for(device.case, 2)
    for name in ("another key", "no key"):
        token = _tokens(device).get("refresh_token")
        if not isinstance(token, str):
            raise NotApplicable("no refresh token was issued; none is owed")
        if name == "another key":
            exchange = device.with_key(stranger, partial(device.refresh, token, label="refresh by another key"))
        else:
            exchange = device.refresh_with(token, no_proof, "refresh without a proof")
        if not exchange.outcome.ok:
            fresh = device.refresh(_tokens(device).get("refresh_token"), label="control: refresh by its own key")
            if not fresh.outcome.ok:
                raise Untestable(f"no refresh works: a genuine one was answered {fresh.describe()}")
        problem = f"the refresh token of a bound code is taken from {name}"
        verify.that(REFRESH, not exchange.outcome.ok, problem, exchange, accepted=_REFUSALS)


def _started(device: ProvingDevice) -> Grant:
    """A grant whose code belongs to the device's key."""
    return device.started(device.bound_start())


def _tokens(device: ProvingDevice) -> Exchange:
    """The token response to the key of the start."""
    grant = _started(device)
    device.user.approve(grant)
    tokens = grant.ask(label="redeem by the key of the start")[0]
    if not tokens.outcome.ok:
        raise Untestable(f"an approved code was answered {tokens.describe()} to its own key")
    return tokens


class _Judge:
    """Says whether polls of one code were refused, once a right one was seen to be served."""

    def __init__(self, verify: Verify, device: ProvingDevice) -> None:
        self.verify, self.device = verify, device

    def refused(self, requirement: str, problem: str, grant: Grant, exchange: Exchange) -> None:
        """Say it of one poll."""
        if not exchange.outcome.ok:
            control = grant.ask(label="control: poll by the key of the start")[0]
            if not control.outcome.ok:
                _tokens(self.device)
        self.verify.that(requirement, not exchange.outcome.ok, problem, exchange, accepted=_REFUSALS)
