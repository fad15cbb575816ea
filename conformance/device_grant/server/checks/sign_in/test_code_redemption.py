"""CreateToken with authorization_code: a code is good once, for its client, its redirect URI and its verifier."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Operation
from device_grant.server.session.device import WRONG_SECRET, Device, without
from device_grant.server.session.registering import attempt
from device_grant.server.session.sign_in import (
    AUTHORIZATION_CODE,
    CLAIM,
    REGISTERED,
    code_client,
    redemption,
    signing_in,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.sign_in import AskedSignIn, SignIns

IN_A_BROWSER = "what a browser is shown and where it is sent no recording of a sign-in keeps"
TOGETHER = "what requests do to one another at the same moment no recording shows"
ELSEWHERE = "https://example.com/oauth/callback"
REFUSED = ("invalid_grant", "invalid_request")
MISMATCH = "rfc7636-4.6-mismatch-invalid-grant"
TEN_MINUTES = 600.0
"""Seconds that RFC 6749 section 4.1.2 recommends as the longest life of a code."""
HALF_AN_HOUR = 1_800.0
MARGIN = 3.0
"""Seconds."""
SIMULTANEOUS = 6
ROUNDS = 3


@check(
    MISMATCH,
    "aws-token-code-wrong-verifier",
    "aws-token-code-missing-verifier",
    faults=("verifier_not_compared", "verifier_optional"),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_verifiers(case: ServerCase, verify: Verify) -> None:
    """Redeem codes with another verifier, with the challenge itself, padded; with none, null, empty; a code each.

    Accepted: invalid_grant or invalid_request. The control: the right verifier yields tokens.
    """
    with signing_in(case) as browser:
        client = browser.client()
        _redeemed(browser, client)
        for name in ("one character changed", "the challenge itself", "padded"):
            asked, code = browser.code(client)
            challenge = asked.url.partition("code_challenge=")[2]
            changed = asked.verifier[:-1] + ("a" if asked.verifier[-1] != "a" else "b")
            wrong = {"one character changed": changed, "the challenge itself": challenge}.get(
                name, f"{asked.verifier}="
            )
            exchange = browser.redeem(asked, code, label=f"verifier: {name}", code_verifier=wrong)
            verify("aws-token-code-wrong-verifier", exchange, accepted=REFUSED, tolerated=["refused"])
            if name != "padded":
                # That one is no verifier at all, and may be called malformed.
                verify(MISMATCH, exchange, accepted=["invalid_grant"], tolerated=["refused"])
        for name, value in (("none", None), ("empty", "")):
            asked, code = browser.code(client)
            exchange = browser.redeem(asked, code, label=f"verifier: {name}", code_verifier=value)
            verify("aws-token-code-missing-verifier", exchange, accepted=REFUSED, tolerated=["refused"])


@check("aws-token-code-verifier-without-challenge", faults=("pkce_downgrade",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_verifier_without_challenge(case: ServerCase, verify: Verify) -> None:
    """Sign in without a challenge, and redeem the code with a verifier. Accepted: a refusal.

    Not applicable where such requests bring no code, which is best.
    """
    with signing_in(case) as browser:
        client = browser.client()
        _redeemed(browser, client)
        asked = browser.ask(client, code_challenge=None, code_challenge_method=None)
        landing = browser.tempt(asked)
        if landing is None or not landing.gives_code:
            raise NotApplicable("authorization requests without a challenge bring no code")
        exchange = browser.redeem(asked, landing.answer["code"], label="verifier for a code without challenge")
        verify("aws-token-code-verifier-without-challenge", exchange, accepted=REFUSED, tolerated=["refused"])


@check(
    "aws-token-code-other-redirect",
    "aws-token-code-other-client",
    "aws-token-code-wrong-secret",
    faults=("token_redirect_ignored", "code_for_any_client", "code_grant_ignores_secret"),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_codes_belong_to_a_request(case: ServerCase, verify: Verify) -> None:
    """Redeem codes with another redirectUri or none, as another client, with a wrong secret; a code each.

    Another port alone may be served, with a warning. Accepted: invalid_grant or invalid_request; of another client also
    invalid_client; of a wrong secret that alone, another refusal being a warning. The control: all being right, tokens.
    """
    with signing_in(case) as browser:
        client = browser.client()
        _redeemed(browser, client)
        other = browser.client("register another client for authorization_code")
        for uri in ("http://127.0.0.1:49153/oauth/callback", REGISTERED, ELSEWHERE, None):
            asked, code = browser.code(client)
            exchange = browser.redeem(asked, code, label=f"redirectUri {uri or 'left out'}", redirect_uri=uri)
            # A server to which no port of this machine matters may leave it out of the comparison, too.
            lenient = ["refused", "ok"] if uri is not None and uri != ELSEWHERE else ["refused"]
            verify("aws-token-code-other-redirect", exchange, accepted=REFUSED, tolerated=lenient)
        asked, code = browser.code(client)
        exchange = browser.redeem(asked, code, label="as another client", client=other)
        accepted = (*REFUSED, "invalid_client", "unauthorized_client")
        verify("aws-token-code-other-client", exchange, accepted=accepted, tolerated=["refused"])
        for secret in (WRONG_SECRET, other.secret):
            asked, code = browser.code(client)
            exchange = browser.redeem(asked, code, label="wrong secret", client=without(client, secret=secret))
            verify("aws-token-code-wrong-secret", exchange, accepted=["invalid_client"], tolerated=["refused"])


@check("aws-token-code-single-use", faults=("code_works_twice",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_code_works_once(case: ServerCase, verify: Verify) -> None:
    """Redeem a code twice; another one after a wrong verifier and then twice. Accepted: one 200 at most for each."""
    requirement, problem = "aws-token-code-single-use", "an authorization code yields tokens more than once"
    with signing_in(case) as browser:
        client = browser.client()
        asked, code, first = _redeemed(browser, client)
        again = browser.redeem(asked, code, label="the code once more")
        verify.that(requirement, not again.outcome.ok, problem, first, again)
        asked, code = browser.code(client)
        browser.redeem(asked, code, label="wrong verifier", code_verifier="w" * 43)
        after = [browser.redeem(asked, code, label="right verifier after a wrong one") for _ in range(2)]
        verify.that(requirement, not all(one.outcome.ok for one in after), problem, *after)


@check("aws-token-code-single-use", faults=("code_race",), needs=(CLAIM,), timed=True, live=TOGETHER)
def test_simultaneous_code_redemption(case: ServerCase, verify: Verify) -> None:
    """Sign in, then six redemptions of the code at the same moment; three rounds. Accepted: at most one token set."""
    from device_grant.server.sockets.racing import Race

    race, counts = Race(case), []
    with signing_in(case) as browser:
        client = browser.client()
        _redeemed(browser, client)
        for number in range(1, ROUNDS + 1):
            asked, code = browser.code(client)
            request = race.token_request(client, **redemption(asked, code))
            answers = race.exchange([request] * SIMULTANEOUS, f"round {number}, simultaneous redemption")
            tokens = [one for one in answers if one.outcome.ok]
            counts.append(len(tokens))
            alike = len({one.get("access_token") for one in tokens}) <= 1
            if not alike:
                break
    if not any(counts):
        raise Inconclusive("no simultaneous redemption was answered with tokens")
    problem = "one authorization code, redeemed at the same moment, yielded more than one token set"
    verify.that("aws-token-code-single-use", alike, problem, *tokens, measured={"rounds": len(counts)})


@check("aws-token-code-expired", faults=("code_lives_a_day",), needs=(CLAIM,), timed=True, live=IN_A_BROWSER)
def test_old_codes(case: ServerCase, verify: Verify) -> None:
    """Redeem one code after ten minutes, another after half an hour. Accepted: a refusal; at the first a warning."""
    requirement = "aws-token-code-expired"
    with signing_in(case) as browser:
        client = browser.client()
        _redeemed(browser, client)
        young, old = browser.code(client), browser.code(client)
    case.wait(TEN_MINUTES + MARGIN)
    exchange = browser.redeem(*young, label="a code of ten minutes")
    problem = "an authorization code yields tokens ten minutes after it was given"
    verify.that(requirement, not exchange.outcome.ok, problem, exchange, tolerated=True)
    case.wait(HALF_AN_HOUR - TEN_MINUTES)
    exchange = browser.redeem(*old, label="a code of half an hour")
    problem = "an authorization code yields tokens half an hour after it was given"
    verify.that(requirement, not exchange.outcome.ok, problem, exchange)


@check("aws-token-code-is-no-device-code", faults=("code_as_device_code",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_codes_of_the_other_grant(case: ServerCase, device: Device, verify: Verify) -> None:
    """Send a fresh code as deviceCode, an approved deviceCode as code, as a client of both grants where there is one.

    Accepted: a refusal. The controls: each is good for what it is.
    """
    requirement = "aws-token-code-is-no-device-code"
    kinds = [DEVICE_CODE_GRANT, AUTHORIZATION_CODE, REFRESH_TOKEN_GRANT]
    with signing_in(case) as browser:
        both = attempt(case, "register for both grants", **code_client(case, grant_types=kinds))
        client = case.run.client_of(both) if both.outcome.ok else browser.client()
        _redeemed(browser, client)
        asked, code = browser.code(client)
        as_device = case.call(
            Operation.TOKEN, {"grant_type": DEVICE_CODE_GRANT, "device_code": code}, client, "a code as deviceCode"
        )
        own = Device(case, client) if both.outcome.ok else device
        grant = own.start()
        own.user.approve(grant)
        as_code = browser.redeem(asked, grant.device_code, label="a deviceCode as code", client=own.client)
        for exchange in (as_device, as_code):
            problem = "a code of one grant yields tokens in the other"
            verify.that(requirement, not exchange.outcome.ok, problem, exchange)


def _redeemed(browser: SignIns, client: Client) -> tuple[AskedSignIn, str, Exchange]:
    """A request, its code and its tokens; raises Untestable where a code yields none, for then nothing is a refusal."""
    asked, code = browser.code(client)
    exchange = browser.redeem(asked, code, label="control: CreateToken as it is meant")
    if not exchange.outcome.ok:
        raise Untestable(f"a code with everything right was answered {exchange.describe()}")
    return asked, code, exchange
