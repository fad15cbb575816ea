"""DPoP of clients: proofs, keys and nonces (RFC 9449), and codes bound from the start (an individual draft)."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from device_grant.client.rules.nonces import NEWEST, challenged, sent
from device_grant.client.rules.proofs import (
    CLAIMS,
    EVERY_REQUEST,
    FRESH_JTI,
    NO_PRIVATE_KEY,
    PROOF_HEADER,
    jti_of,
    judged_proof,
    key_of,
    wrong_claims,
)
from device_grant.client.rules.session import authenticates
from device_grant.client.scripted.bound_tokens import asks_for_nonce, with_nonce
from device_grant.client.scripted.steps import change, pending
from device_grant.client.session.attempt import is_log
from device_grant.client.session.run import CLIENT_ID
from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.dpop import HEADER

if TYPE_CHECKING:
    from typing import Any

    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

BOUND = "rfc9449-5-client-discards-bearer"
SAME_KEY = "rfc9449-5-client-same-key-for-refresh"
RETRIES, ENDS = "rfc9449-8-client-retries-with-nonce", "rfc9449-8-client-nonce-loop-ends"
AT_START, EVERY_POLL = "dpop-device-3.1-client-sends-proof", "dpop-device-3.2-client-proof-on-every-poll"
DPOP = {"DPOP": "1"}
MOVED = {"token": "/t/o/k/e/n?tenant=1"}
NONCES = tuple(f"nonce-{number}-of-the-server" for number in range(1, 41))
LIFETIME, EXPIRED = 1, 2.0
"""Seconds of a token, and those after which it has expired."""
INTERVAL, LIFE = 3, 9
"""Seconds of a server that asks for nonces without end."""
HURRY = 1.0
"""Seconds within which a request was sent again without a pause."""
MOST_AT_ONCE = 5
"""Requests in a row without a pause that may still be those of a client that soon ends."""


@check(
    PROOF_HEADER,
    NO_PRIVATE_KEY,
    CLAIMS,
    FRESH_JTI,
    EVERY_REQUEST,
    faults=(
        "client_proof_typ_jwt",
        "client_sends_private_jwk",
        "client_htu_with_query",
        "client_reuses_proof",
        "client_proof_on_first_poll_only",
    ),
    needs=("dpop", "flow"),
)
def test_proofs(client: ClientUnderTest, verify: Verify) -> None:
    """Two logins with three pending polls each; a client that discovers gets a token endpoint with a query.

    Accepted: a proof of its own with each poll, in form, made for that request; no jti twice, in either login.
    """
    discovered: dict[str, Any] = {"discover": True, "moved": MOVED} if client.claims("metadata") else {}
    used: set[str] = set()
    for label, options in (("a login", discovered), ("another login", {})):
        login = _login(client, label, **options)
        verify.by_rules(login, PROOF_HEADER, NO_PRIVATE_KEY, CLAIMS, FRESH_JTI, EVERY_REQUEST)
        drawn = {jti for entry in login.polls if (jti := jti_of(entry))}
        if used:
            verify.that(FRESH_JTI, not used & drawn, "a login has a jti of the one before it", login)
        used |= drawn


@check(
    EVERY_REQUEST,
    SAME_KEY,
    faults=("client_refreshes_without_proof", "client_new_key_after_restart"),
    needs=("dpop", "flow", "refresh", "keeps_tokens"),
    timed=True,
)
def test_refresh_with_a_proof(client: ClientUnderTest, verify: Verify) -> None:
    """A login as a public client yields a bound token, and another run refreshes it. Accepted: a proof, of that key.

    The key of a refresh that authenticates is not judged: the refresh token of a confidential client is not bound.
    """
    client.free("token", "refresh_token", "expires_in")
    home = client.home()
    public = {"CLIENT_ID": CLIENT_ID}
    first = _login(client, "a login", home=home, token=[change(expires_in=LIFETIME)], given=DPOP | public)
    token = first.invocation.authority.last("refresh_token")
    if not first.succeeded or not token:
        raise Untestable(f"a login with a bound token did not work: the client {first.how}")
    client.rest(LIFETIME + EXPIRED, first)
    second = client.refresh(home=home, known={"refresh_token": token}, given=DPOP | {"REFRESH_TOKEN": ""})
    asked = second.of(Purpose.REFRESH)
    if not asked:
        raise Untestable(f"the second run asked for no refresh, though its token had expired: the client {second.how}")
    for entry in asked:
        judged = judged_proof(entry, EVERY_REQUEST)
        verify.that(EVERY_REQUEST, judged.holds, judged.problem, entry)
        if not key_of(entry):
            raise Untestable("the refresh has no proof, whose key could be compared")
        holds = None if authenticates(entry) else key_of(entry) == key_of(first.polls[-1])
        problem = "a public client refreshes with a proof of another key than that of its login"
        verify.that(SAME_KEY, holds, "the client authenticates" if holds is None else problem, entry)


@check(BOUND, faults=("client_takes_bearer_for_bound",), needs=("dpop_required", "dpop", "flow"))
def test_bearer_token_for_a_proof(client: ClientUnderTest, verify: Verify) -> None:
    """A login whose token is bound, then one whose token is said to be a bearer token, though the poll had a proof.

    Accepted: the first works; the second fails, and leaves no token behind.
    """
    client.free("token", "token_type")
    good = _login(client, "a bound token", token=[])
    if not good.succeeded:
        raise Untestable(f"a login with a bound token did not work: the client {good.how}")
    login = _login(client, "a bearer token", token=[change(token_type="Bearer")])  # noqa: S106 - a type
    token = login.invocation.authority.last("access_token")
    kept = [file for file in login.files if token and token.encode() in file.content and not is_log(file.path)]
    took = login.succeeded
    holds = False if kept or took else (None if took is None else True)
    problem = "takes a bearer token where it asked for a bound one"
    verify.that(BOUND, holds, "was still going on" if holds is None else problem, login)


@check(RETRIES, faults=("client_gives_up_on_nonce",), needs=("dpop", "flow"))
def test_nonce_that_is_asked_for(client: ClientUnderTest, verify: Verify) -> None:
    """The first poll is answered use_dpop_nonce, with a nonce. Accepted: it comes again, with that nonce."""
    login = _login(client, token=[asks_for_nonce(NONCES[0]), pending()])
    first, *later = login.polls
    if not challenged(first):
        raise Untestable("the first poll of the client has no proof, so that no nonce was asked for")
    if not later and not login.failed:
        raise Inconclusive("the client has not polled again, and has not ended")
    holds = bool(later) and sent(later[0]) == NONCES[0]
    problem = "polls again without the nonce that it was given" if later else "gives up when it is asked for a nonce"
    verify.that(RETRIES, holds, problem, login)


@check(NEWEST, faults=("client_keeps_first_nonce",), needs=("dpop", "flow"))
def test_nonces_that_change(client: ClientUnderTest, verify: Verify) -> None:
    """Two pending answers have a nonce each, a third has none. Accepted: each proof has the one that came last."""
    steps = [with_nonce(NONCES[0], pending()), with_nonce(NONCES[1], pending()), pending()]
    login = _login(client, token=steps)
    if len([entry for entry in login.polls if entry.request.header(HEADER)]) <= len(steps) - 1:
        raise Untestable(f"the client did not poll often enough to show it: it {login.how}")
    verify.by_rules(login, NEWEST)


@check(ENDS, faults=("client_nonce_loop",), needs=("dpop", "flow"))
def test_nonces_without_end(client: ClientUnderTest, verify: Verify) -> None:
    """Every poll is answered use_dpop_nonce, with another nonce. Accepted: an end soon, or a pause before most polls.

    How often it comes again at once is its own affair, up to five times.
    """
    start = [change(interval=INTERVAL, expires_in=LIFE)]
    token = [asks_for_nonce(nonce) for nonce in NONCES]
    login = _login(client, start=start, token=token, forever=["token"], until=LIFE + INTERVAL + 2)
    if not challenged(login.polls[0]):
        raise Untestable("the first poll of the client has no proof, so that no nonce was asked for")
    at_once = longest = 0
    for before, after in pairwise(login.polls):
        at_once = at_once + 1 if after.started - before.ended < HURRY else 0
        longest = max(longest, at_once)
    verify.that(ENDS, longest <= MOST_AT_ONCE, "polls again and again at once when it is asked for nonces", login)


@check(
    AT_START,
    EVERY_POLL,
    faults=("client_binds_at_poll_only", "client_polls_with_other_key"),
    needs=("dpop_device_code", "dpop", "flow"),
)
def test_code_bound_to_a_key(client: ClientUnderTest, verify: Verify) -> None:
    """A login whose code is to be bound, with three pending polls.

    Accepted: a proof for that endpoint at the start, and one of the same key with every poll.
    """
    login = _login(client, given=DPOP | {"DPOP_DEVICE_CODE": "1"})
    start = login.starts[-1]
    judged = judged_proof(start, AT_START)
    wrong = wrong_claims(start) if judged.holds else ""
    problem = f"{wrong} of a proof" if wrong else judged.problem
    verify.that(AT_START, False if wrong else judged.holds, problem, start)
    if not key_of(start):
        raise Untestable("the device authorization request has no proof, to whose key the polls could keep")
    for entry in login.polls:
        judged = judged_proof(entry, EVERY_POLL)
        same = key_of(entry) == key_of(start)
        problem = judged.problem if judged.holds is not True else "a poll has a proof of another key than the start"
        verify.that(EVERY_POLL, judged.holds and same, problem, entry)


def _login(client: ClientUnderTest, label: str = "a login", **options: Any) -> Attempt:
    """One with proofs, an interval of one second and three pending polls; options as of `once`.

    Raises Untestable where there is no poll, or no proof at all.
    """
    usual: dict[str, Any] = {"start": [change(interval=1)], "token": [pending()] * 3, "given": DPOP}
    login = client.login(label, **(usual | options))
    login.need(Purpose.POLL)
    if not any(entry.request.header(HEADER) for entry in (*login.starts, *login.polls)):
        raise Untestable("the client sends no DPoP proof, though client.toml claims dpop")
    return login
