"""Proofs that are wrong in one way, with an approved code: RFC 9449 sections 4.3 and 5."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.proofs import ProofUse, WrongProof, proof, unlisted_algorithm
from device_grant.protocol.proofs.wrong import (
    ALGORITHM,
    METHOD,
    ONE_HEADER,
    PRIVATE_KEY,
    REQUIRED_CLAIMS,
    SIGNATURE,
    TIME,
    TYP,
    URI,
    WELL_FORMED,
    by_requirement,
)
from device_grant.server.session.device import GONE, PENDING
from device_grant.server.session.possession.proving import (
    REFUSALS,
    is_dpop,
    key_for,
    listed_algorithms,
    proving_device,
)
from device_grant.server.session.possession.refusals import Refusals

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol.proofs import ProofKey
    from device_grant.server.session.case import ServerCase

NEEDS = ("dpop",)
ERROR = "rfc9449-5-invalid-proof-error"
SPENDS_NOTHING = "rfc9449-5-invalid-proof-spends-nothing"
LONG_JTI = "rfc9449-11.1-long-jti"
REPLAY = "rfc9449-11.1-replayed-proof"
WEAK = "rfc9449-11.6-no-weak-algorithms"
_LONG = 4_000
"""Characters; the header field stays below 8 kB."""


@check(
    ONE_HEADER,
    WELL_FORMED,
    faults=("dpop_first_header_wins", "dpop_garbage_ignored"),
    needs=NEEDS,
    timed=True,
)
def test_header_fields(case: ServerCase, verify: Verify) -> None:
    """Two DPoP fields, two proofs in one, and values that are no JWT, each with an approved code.

    Accepted: invalid_dpop_proof, use_dpop_nonce, invalid_request; never a token. The control: a right proof is served.
    """
    _refuse(case, verify, ONE_HEADER, WELL_FORMED)


@check(REQUIRED_CLAIMS, faults=("dpop_jti_optional",), needs=NEEDS, timed=True)
def test_missing_members(case: ServerCase, verify: Verify) -> None:
    """Proofs without jti, htm, htu, iat, typ, alg or jwk, rightly signed. Accepted: as above, never a token.

    Where the server gives nonces it may go by these instead of iat.
    """
    _refuse(case, verify, REQUIRED_CLAIMS)


@check(
    TYP,
    SIGNATURE,
    ERROR,
    faults=("dpop_typ_ignored", "dpop_signature_unchecked", "invalid_proof_as_invalid_grant"),
    needs=NEEDS,
    timed=True,
)
def test_types_and_signatures(case: ServerCase, verify: Verify) -> None:
    """Proofs of other types, altered after signing, signed by another key. Accepted: as above, never a token.

    Plainly wrong ones are called invalid_dpop_proof.
    """
    _refuse(case, verify, TYP, SIGNATURE)


@check(
    ALGORITHM,
    PRIVATE_KEY,
    faults=("dpop_none_accepted", "dpop_private_jwk_accepted"),
    needs=NEEDS,
    timed=True,
)
def test_algorithms_and_keys(case: ServerCase, verify: Verify) -> None:
    """Alg none, HS256 in two ways, an unlisted algorithm; a private key in jwk. Accepted: as above, never a token."""
    refusals = Refusals(case, verify)
    for wrong in by_requirement(ALGORITHM, PRIVATE_KEY):
        refusals.attempt(wrong)
    listed = listed_algorithms(case)
    other = unlisted_algorithm(listed) if listed else ""
    if other:
        key = key_for(case, 9, other)
        refusals.attempt(
            WrongProof(
                f"signed by {other}, which the metadata does not list",
                ALGORITHM,
                lambda _key, use: (proof(key, use),),
                latitude="the list may be shorter than what the server can verify",
            )
        )
    refusals.settle()


@check(
    METHOD,
    URI,
    ERROR,
    faults=("dpop_htm_ignored", "dpop_htu_ignored", "invalid_proof_as_invalid_grant"),
    needs=NEEDS,
    timed=True,
)
def test_method_and_uri(case: ServerCase, verify: Verify) -> None:
    """Proofs for another method, another path, another host, the device authorization endpoint.

    Accepted: as above, never a token.
    """
    refusals = Refusals(case, verify)
    for wrong in by_requirement(METHOD, URI):
        refusals.attempt(wrong)
    start = case.run.endpoints.device_authorization
    if start != case.run.endpoints.token:
        refusals.attempt(
            WrongProof(
                "htu is the device authorization endpoint",
                URI,
                lambda key, use: (proof(key, replace(use, url=start)),),
                plain=True,
            )
        )
    refusals.settle(error=ERROR)


@check(TIME, faults=("dpop_iat_ignored",), needs=NEEDS, timed=True)
def test_times(case: ServerCase, verify: Verify) -> None:
    """Iat a day ago and a day ahead. Accepted: as above; where the server gives nonces it may go by these."""
    _refuse(case, verify, TIME)


@check(SPENDS_NOTHING, faults=("invalid_proof_spends_code",), needs=NEEDS, timed=True)
def test_a_wrong_proof_spends_nothing(case: ServerCase, verify: Verify) -> None:
    """Wrong signatures while the code is pending and when it is approved, then a right proof. Accepted: the token."""
    device = proving_device(case)
    wrong = by_requirement(SIGNATURE)[0]
    grant = device.start()
    early = device.poll_with(grant, wrong.values, "poll with a wrong signature while nobody has decided")
    problem = "a poll with a wrong proof ends the grant"
    try:
        device.user.approve(grant)
    except Untestable:
        if early.code in PENDING:
            raise
        # A code that has lived through right proofs alone can be approved: that one cannot any more.
        device.bound_tokens()
        verify.that(SPENDS_NOTHING, False, problem, early)  # noqa: FBT003 - the judgement itself
        return
    refused = device.poll_with(grant, wrong.values, "poll of the approved code with a wrong signature")
    if refused.outcome.ok:
        raise Untestable("a wrong signature was served: nothing shows what a refusal does to the code")
    exchange = grant.poll(label="poll with a right proof")
    if not exchange.outcome.ok:
        device.bound_tokens()
    verify.that(SPENDS_NOTHING, exchange.outcome.ok, problem, refused, exchange)


@check(LONG_JTI, faults=("dpop_long_jti_500",), needs=NEEDS, timed=True)
def test_long_jti(case: ServerCase, verify: Verify) -> None:
    """A jti of 4,000 characters with a pending code. Accepted: anything but 5xx."""
    device = proving_device(case)
    grant = device.start()
    control = grant.poll(label="control: poll with a right proof")
    if control.status >= 500:
        raise Untestable(f"a right proof was answered {control.describe()}")
    exchange = device.poll_with(
        grant, lambda key, use: (proof(key, use, claims={"jti": "j" * _LONG}),), "poll with a jti of 4,000 characters"
    )
    verify.that(LONG_JTI, exchange.status < 500, "a long jti is answered with a server error", exchange)


@check(REPLAY, faults=("dpop_jti_not_remembered",), needs=NEEDS, timed=True)
def test_replayed_proof(case: ServerCase, verify: Verify) -> None:
    """One proof for two polls of a pending code, the interval apart. Accepted: either; what happens is reported."""
    device = proving_device(case)
    grant = device.start()
    first = grant.poll(label="control: poll with a right proof")
    if first.code not in ("authorization_pending", "slow_down"):
        raise Untestable(f"a pending code with a right proof was answered {first.describe()}")
    sent: list[str] = []

    def once(key: ProofKey, use: ProofUse) -> tuple[str, ...]:
        sent.append(sent[0] if sent else proof(key, use))
        return (sent[0],)

    device.retries = False
    device.poll_with(grant, once, "poll with a new proof")
    exchange = device.poll_with(grant, once, "poll with the same proof")
    noticed = exchange.code not in ("authorization_pending", "slow_down") and not exchange.outcome.ok
    verify.that(REPLAY, noticed, "a proof that was used before is accepted", exchange)


@check(
    WEAK,
    faults=("dpop_none_at_refresh",),
    needs=(*NEEDS, "refresh_token"),
    timed=True,
)
def test_unsigned_proof_at_refresh(case: ServerCase, verify: Verify) -> None:
    """A refresh with a proof of the algorithm none for the right key. Accepted: a refusal; then the right one works."""
    device = proving_device(case)
    tokens = device.refreshable_tokens()
    if not is_dpop(tokens):
        raise NotApplicable("tokens are bearer tokens in spite of a proof, which is allowed: nothing is bound")
    unsigned = next(wrong for wrong in by_requirement(ALGORITHM) if "none" in wrong.name)
    token = tokens.get("refresh_token")
    exchange = device.refresh_with(token, unsigned.values, "refresh with an unsigned proof")
    if not exchange.outcome.ok:
        device.require_refreshing(token)
    problem = "a token was issued for an unsigned proof at a refresh"
    verify.that(WEAK, not exchange.outcome.ok, problem, exchange, accepted=(*REFUSALS, *GONE))


def _refuse(case: ServerCase, verify: Verify, *requirements: str) -> None:
    refusals = Refusals(case, verify)
    for wrong in by_requirement(*requirements):
        refusals.attempt(wrong)
    refusals.settle(error=ERROR if any(wrong.plain for wrong in by_requirement(*requirements)) else "")
