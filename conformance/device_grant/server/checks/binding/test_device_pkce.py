"""PKCE in the device grant, as Keycloak and others have RFC 7636: a challenge at the start, its verifier in polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Client
from device_grant.server.session.device import Device
from device_grant.server.session.pkce import ANOTHER, CLAIM, LONGEST, REQUIRED, SHORTEST, VERIFIER, challenge

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant

UNCLAIMED = "rfc7636-device-unclaimed-ignored"
REQUIRED_START = "rfc7636-device-4.3-required-start"
WRONG = "rfc7636-device-4.6-wrong-verifier"
MISSING = "rfc7636-device-4.5-missing-verifier"
STRIPPED = "rfc7636-device-verifier-without-challenge"
S256 = "rfc7636-device-4.2-s256"
MISMATCH = ("invalid_grant", "invalid_request")
MALFORMED = ("invalid_request",)


@check(UNCLAIMED, faults=("device_pkce_parameters_refused",), timed=True)
def test_flow_with_pkce(device: Device, verify: Verify) -> None:
    """Start with an S256 challenge, approve, poll with its verifier. Accepted: a token.

    That holds of servers that use PKCE and of those that ignore it; what is not claimed is tried with a wrong verifier
    first, so that the summary can name the claim.
    """
    begun = device.request(label="start with code_challenge", **challenge())
    if not begun.outcome.ok:
        if not device.request(label="control: start without it").outcome.ok:
            raise Untestable(f"device authorization was refused with {begun.describe()}")
        verify.that(UNCLAIMED, begun.outcome.ok, "a start with code_challenge is refused, one without it is not", begun)
        return
    grant = device.started(begun)
    claimed = device.case.run.claims(CLAIM) is not None
    device.user.approve(grant)
    tokens = grant.poll(label="poll with a verifier", code_verifier=VERIFIER if claimed else ANOTHER)
    if not tokens.outcome.ok and not claimed:
        tokens = grant.poll(label="poll with the verifier of the challenge", code_verifier=VERIFIER)
        if not tokens.outcome.ok:
            # The wrong one may have ended the grant.
            grant = device.start(**challenge())
            device.user.approve(grant)
            tokens = grant.poll(label="poll with the verifier of the challenge", code_verifier=VERIFIER)
        if tokens.outcome.ok:
            remark = "the server compares code verifiers of device grants: say so by device_pkce = true under [claims]"
            device.case.run.remarks[CLAIM] = remark
    if not tokens.outcome.ok:
        device.start().redeemed()
    verify.that(UNCLAIMED, tokens.outcome.ok, "no token comes where PKCE parameters are sent", begun, tokens)


@check(
    WRONG,
    MISSING,
    faults=("device_pkce_not_compared", "device_pkce_verifier_optional"),
    needs=(CLAIM,),
    timed=True,
)
def test_device_verifiers(device: Device, verify: Verify) -> None:
    """Start with S256, approve, poll without a verifier, with a wrong one, with the right one, all marks in it.

    Accepted: invalid_grant or invalid_request twice, then a token. If a refusal ends the grant, another one is begun.
    """
    grant = _approved(device, LONGEST)
    without = grant.poll(label="poll without verifier", code_verifier=None)
    verify(MISSING, without, accepted=MISMATCH, tolerated=["refused"])
    if without.outcome.ok:
        grant = _approved(device, LONGEST)
    wrong = grant.poll(label="poll with the verifier of another challenge", code_verifier=ANOTHER)
    right = None if wrong.outcome.ok else grant.poll(label="poll with the right verifier", code_verifier=LONGEST)
    if right is not None and not right.outcome.ok:
        # One refusal has ended the grant: then what the second would have brought is still to be seen.
        grant = _approved(device, LONGEST)
        wrong = grant.poll(label="poll of a new code with the verifier of another challenge", code_verifier=ANOTHER)
        fresh = _approved(device, SHORTEST)
        right = fresh.poll(label="control: poll of a new code with the right verifier", code_verifier=SHORTEST)
        if not right.outcome.ok:
            raise Untestable(f"the right verifier was answered {right.describe()}: no refusal shows anything")
        device.case.run.remarks["verifier"] = "a poll without the right code verifier ends the whole device grant"
    verify(WRONG, wrong, accepted=MISMATCH, tolerated=["refused"])


@check(WRONG, faults=("device_pkce_challenge_for_verifier",), needs=(CLAIM,), timed=True)
def test_challenge_in_place_of_the_verifier(device: Device, verify: Verify) -> None:
    """Start with S256, approve, poll with the challenge itself, as if it were plain. Accepted: no token.

    Whoever has seen the start knows the challenge. The control: the verifier is served, of a new code.
    """
    sent = challenge(LONGEST)["code_challenge"]
    taken = _approved(device, LONGEST).poll(label="poll with the challenge as verifier", code_verifier=sent)
    if not taken.outcome.ok:
        right = _approved(device, LONGEST).poll(label="control: poll with the verifier", code_verifier=LONGEST)
        if not right.outcome.ok:
            raise Untestable(f"the right verifier was answered {right.describe()}: no refusal shows anything")
    verify(WRONG, taken, accepted=MISMATCH, tolerated=["refused"])


@check(STRIPPED, faults=("device_pkce_downgrade",), needs=(CLAIM,), timed=True)
def test_verifier_of_no_challenge(device: Device, verify: Verify) -> None:
    """Start without a challenge, approve, poll with a verifier. Accepted: a refusal; what comes is reported."""
    if device.case.run.claims(REQUIRED):
        raise NotApplicable("the target claims device_pkce_required: no grant is without a challenge")
    grant = device.start()
    device.user.approve(grant)
    answer = grant.poll(label="poll with a verifier", code_verifier=VERIFIER)
    if not answer.outcome.ok and not grant.poll(label="control: poll without it", code_verifier=None).outcome.ok:
        device.start().redeemed()
    problem = "a verifier is ignored where no challenge was sent, so that nobody notices one that was taken away"
    verify.that(STRIPPED, not answer.outcome.ok, problem, answer)


@check(S256, faults=("device_pkce_unknown_method_as_plain",), needs=(CLAIM,))
def test_challenge_methods(device: Device, verify: Verify) -> None:
    """Starts with S256, with a method that nobody defined, with plain. Accepted: 200, invalid_request, either."""
    served = device.request(label="start with S256", **challenge(LONGEST))
    verify(S256, served, accepted=["ok"])
    if not served.outcome.ok:
        return
    unknown = device.request(label="start with S512", code_challenge=LONGEST, code_challenge_method="S512")
    verify(S256, unknown, accepted=MALFORMED, tolerated=["refused"])
    plain = device.request(label="start with plain", code_challenge=LONGEST, code_challenge_method="plain")
    device.case.note(f"the method plain is answered {plain.describe()}")


@check(REQUIRED_START, faults=("device_pkce_required_too_late",), needs=(CLAIM,))
def test_challenge_that_is_required(case: ServerCase, verify: Verify) -> None:
    """A start without a challenge by a client that has to send one. Accepted: invalid_request; with one, 200."""
    named = case.run.target.config.request.pkce_client
    if named:
        device = Device(case, Client(named))
    elif case.run.claims(REQUIRED):
        device = case.device
    else:
        raise NotApplicable("no client that has to use PKCE is named: [request] pkce_client of target.toml")
    control = device.request(label="control: start with a challenge", **challenge())
    if not control.outcome.ok:
        raise Untestable(f"a start with a challenge was refused with {control.describe()}")
    bare = device.request(label="start without a challenge", code_challenge=None, code_challenge_method=None)
    verify(REQUIRED_START, bare, accepted=MALFORMED, tolerated=["refused"])


def _approved(device: Device, verifier: str) -> Grant:
    grant = device.start(**challenge(verifier))
    device.user.approve(grant)
    return grant
