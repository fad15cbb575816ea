"""Nonces that proofs have to carry: RFC 9449 sections 4.3, 8 and 11.3."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.proofs import WrongProof, proof
from device_grant.server.session.device import GONE, PENDING
from device_grant.server.session.possession.nonces import altered, made_up, nonce_fields, pattern_in, well_formed
from device_grant.server.session.possession.proving import asks_for_nonce, proving_device
from device_grant.server.session.possession.refusals import Refusals

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.protocol.proofs import ProofKey, ProofUse
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant
    from device_grant.server.session.possession.proving import ProvingDevice, Values

NEEDS = ("dpop",)
ANSWER = "rfc9449-8-use-nonce-answer"
RETRY = "rfc9449-8-retry-with-nonce-works"
KEEPS = "rfc9449-8-nonce-refusal-keeps-grant"
ROUND = "rfc9449-8-nonce-round-is-no-fast-poll"
ONE = "rfc9449-8-one-nonce-header"
FORETOLD = "rfc9449-8-nonce-unpredictable"
SYNTAX = "rfc9449-8.1-nonce-syntax"
WRONG = "rfc9449-4.3-nonce"
NEVER_GIVEN = "rfc9449-8-nonce-mismatch-refused"
DOWNGRADE = "rfc9449-11.3-no-nonce-downgrade"
NEWEST = "rfc9449-8.2-new-nonce-is-accepted"
NONE_GIVEN = "the server gives no nonces"
_MINUTE = 60.0
"""Seconds for which a nonce has to be good."""


@check(
    ONE,
    SYNTAX,
    FORETOLD,
    faults=("nonce_header_twice", "nonce_with_spaces", "nonce_is_the_time"),
    needs=NEEDS,
    timed=True,
)
def test_nonces_as_they_come(case: ServerCase, verify: Verify) -> None:
    """What DPoP-Nonce holds in the answers to two polls before the decision, and to two after it.

    Accepted: one field at most, of the characters that the syntax has, and no plain pattern from one to the next.
    """
    device = proving_device(case)
    grant = device.start()
    for _ in range(2):
        grant.ask(label="poll with a right proof")
    device.user.approve(grant)
    tokens = grant.ask(label="poll with a right proof")[0]
    given = [exchange for exchange in device.exchanges if nonce_fields(exchange)]
    if not given:
        raise NotApplicable(NONE_GIVEN)
    if tokens.outcome.ok and isinstance(tokens.get("refresh_token"), str):
        device.refresh(tokens.get("refresh_token"), label="refresh with a right proof")
    given = [exchange for exchange in device.exchanges if nonce_fields(exchange)]
    twice = next((exchange for exchange in given if len(nonce_fields(exchange)) > 1), given[-1])
    verify.that(ONE, len(nonce_fields(twice)) == 1, "an answer has more than one field DPoP-Nonce", twice)
    odd = next((exchange for exchange in given if not all(map(well_formed, nonce_fields(exchange)))), given[-1])
    verify.that(SYNTAX, all(map(well_formed, nonce_fields(odd))), "a nonce has other characters than are allowed", odd)
    pattern = pattern_in([nonce for exchange in given for nonce in nonce_fields(exchange)], case.run.target.clock.now())
    verify.that(FORETOLD, not pattern, pattern or "", *given)


@check(
    ANSWER,
    RETRY,
    KEEPS,
    faults=("nonce_demanded_without_one", "nonce_never_accepted", "nonce_demand_spends_code"),
    needs=NEEDS,
    timed=True,
)
def test_a_nonce_is_asked_for(case: ServerCase, verify: Verify) -> None:
    """An approved code is polled with a proof that has no nonce, and again at once with the nonce that was asked for.

    Accepted: 400 use_dpop_nonce with one DPoP-Nonce; then the token.
    """
    device = proving_device(case)
    grant = device.approved()
    asked = _without_nonce(device, grant, "poll of an approved code without a nonce")
    if not asks_for_nonce(asked):
        raise NotApplicable("the server does not ask for nonces")
    verify.that(ANSWER, asked.status == 400, "use_dpop_nonce does not come with status 400", asked)
    verify.that(ANSWER, len(nonce_fields(asked)) == 1, "use_dpop_nonce does not come with one DPoP-Nonce", asked)
    if not device.nonce:
        raise Untestable("use_dpop_nonce came without a nonce")
    device.retries = False
    again = grant.ask(wait=False, label="the same at once, with the nonce")[0]
    if again.code in PENDING:
        # Whether that was too fast is the subject of another check.
        again = grant.ask(label="the same after the interval, with the nonce")[0]
    if again.code in (*GONE, *PENDING):
        # Where a right proof never leads to a token the code is not what ended, nor what waits.
        device.retries = True
        device.bound_tokens()
    verify.that(KEEPS, again.code not in GONE, "asking for a nonce ends the grant", asked, again)
    if again.code in GONE:
        raise Untestable("the grant ended when a nonce was asked for")
    verify.that(RETRY, again.outcome.ok, "a proof with the nonce that was asked for is not served", asked, again)


@check(ROUND, faults=("nonce_round_counts_as_poll",), needs=NEEDS, timed=True)
def test_a_round_for_a_nonce(case: ServerCase, verify: Verify) -> None:
    """A pending code is polled without a nonce, and at once again with the one that was asked for.

    Accepted: authorization_pending. No text says that the repetition is free: slow_down is a warning.
    """
    device = proving_device(case)
    grant = device.start()
    asked = _without_nonce(device, grant, "poll of a pending code without a nonce")
    if not asks_for_nonce(asked):
        raise NotApplicable("the server does not ask for nonces while nobody has decided")
    if not device.nonce:
        raise Untestable("use_dpop_nonce came without a nonce")
    device.retries = False
    exchange = grant.ask(wait=False, label="the same at once, with the nonce")[0]
    if exchange.code not in PENDING:
        raise Untestable(f"a pending code with the nonce that was asked for was answered {exchange.describe()}")
    problem = "the repetition with the nonce counts as polling too fast"
    verify.that(ROUND, exchange.code != "slow_down", problem, asked, exchange)


@check(
    WRONG,
    NEVER_GIVEN,
    DOWNGRADE,
    faults=("dpop_nonce_unchecked", "nonce_of_right_length_accepted", "nonce_optional_after_all"),
    needs=NEEDS,
    timed=True,
)
def test_wrong_nonces(case: ServerCase, verify: Verify) -> None:
    """An approved code is polled with an altered nonce, with one that nobody has given, and without any.

    Accepted: use_dpop_nonce, invalid_dpop_proof; never a token. The control: a proof with the newest nonce is served.
    """
    refusals = Refusals(case, verify)
    _obtain_nonce(refusals.device)
    attempts = (
        WrongProof("one character of the nonce changed", WRONG, _with(altered)),
        WrongProof("a nonce that nobody has given", NEVER_GIVEN, _with(made_up)),
        WrongProof("no nonce, after one was given", DOWNGRADE, lambda k, u: (proof(k, replace(u, nonce="")),)),
    )
    for wrong in attempts:
        refusals.attempt(wrong)
    refusals.settle()


@check(NEWEST, faults=("nonce_from_200_refused",), needs=NEEDS, timed=True)
def test_newest_nonce(case: ServerCase, verify: Verify) -> None:
    """The nonce that came with a token, or with a pending answer, is used in the next request for an approved code.

    Accepted: a token without another round; a nonce that is older than a minute may have ended.
    """
    device = proving_device(case)
    grant = device.approved()
    tokens = device.bound_tokens(grant)
    next_grant = device.approved()
    if not nonce_fields(tokens):
        raise NotApplicable("no nonce comes with tokens")
    given = case.now()
    exchange = next_grant.ask(label="poll with the nonce that came with a token")[0]
    asked = device.asked_for_nonce
    if asked and case.now() - given > _MINUTE:
        verify.unclear(NEWEST, "more than a minute had passed since the nonce came", exchange)
        return
    if not asked and not exchange.outcome.ok:
        raise Untestable(f"an approved code with the newest nonce was answered {exchange.describe()}")
    verify.that(NEWEST, not asked, "a nonce that came with a token is refused in the next request", tokens, exchange)


def _without_nonce(device: ProvingDevice, grant: Grant, label: str) -> Exchange:
    device.nonce, device.retries = "", False
    return grant.ask(label=label)[0]


def _obtain_nonce(device: ProvingDevice) -> None:
    """Let the device have a nonce; raises NotApplicable where the server gives none, neither before nor with tokens."""
    grant = device.start()
    grant.ask(label="poll with a right proof")
    if not device.nonces:
        device.user.approve(grant)
        grant.ask(label="poll with a right proof")
    if not device.nonces:
        raise NotApplicable(NONE_GIVEN)


def _with(change: Callable[[str], str]) -> Values:
    def values(key: ProofKey, use: ProofUse) -> tuple[str, ...]:
        return (proof(key, replace(use, nonce=change(use.nonce))),)

    return values
