"""PKCE of sign-ins by a browser: what binds a code, and how bad challenges are answered (RFC 7636)."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.server.session.pkce import LONGEST, SHORTEST, challenge_of
from device_grant.server.session.sign_in import CLAIM, signing_in

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.sign_in import Landing, SignIns

PLAIN_DEFAULT, ASSOCIATED = "rfc7636-4.3-method-defaults-to-plain", "rfc7636-4.4-associated"
HIDDEN, ENCRYPTED = "rfc7636-4.4-challenge-not-in-code", "rfc7636-7.2-plain-in-code-encrypted"
MISSING, UNKNOWN = "rfc7636-4.4.1-missing-challenge", "rfc7636-4.4.1-unsupported-transform"
EXPLAINED = "rfc7636-4.4.1-error-explained"
METHOD, EQUAL = "rfc7636-4.5-bound-method", "rfc7636-4.6-equal-goes-on"
IN_A_BROWSER = "what a browser is shown and where it is sent no recording of a sign-in keeps"


@check(
    ASSOCIATED,
    METHOD,
    EQUAL,
    PLAIN_DEFAULT,
    faults=("challenge_of_client", "verifier_compared_both_ways", "verifier_tilde_escaped", "missing_method_as_s256"),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_challenges_and_their_verifiers(case: ServerCase, verify: Verify) -> None:
    """Redeem with the shortest and the longest verifier; two codes with each other's; with the challenge as plain.

    Accepted: tokens, then refusals. A challenge without a method is plain, or brings no code.
    """
    with signing_in(case) as browser:
        client = browser.client()
        for verifier in (SHORTEST, LONGEST):
            asked, code = browser.code(client, code_challenge=challenge_of(verifier))
            tokens = browser.redeem(asked, code, label=f"{len(verifier)} characters", code_verifier=verifier)
            if not tokens.outcome.ok:
                _require_redeeming(browser, client)
            verify(EQUAL, tokens, accepted=["ok"])
        (first, one), (second, other) = browser.code(client), browser.code(client)
        for asked, code, verifier in ((first, one, second.verifier), (second, other, first.verifier)):
            swapped = browser.redeem(asked, code, label="with the verifier of another code", code_verifier=verifier)
            verify(ASSOCIATED, swapped, accepted=["refused"])
        for further in ({}, {"code_challenge_method": "plain"}):
            asked, code = browser.code(client)
            plain: dict[str, Any] = {"code_verifier": challenge_of(asked.verifier)} | further
            answer = browser.redeem(asked, code, label="with the challenge as its verifier", **plain)
            verify(METHOD, answer, accepted=["refused"])
        unsaid = browser.ask(client, code_challenge_method=None)
        landing = browser.tempt(unsaid)
        taken = False
        if landing is not None and landing.gives_code:
            code = landing.answer["code"]
            taken = browser.redeem(unsaid, code, label="with a verifier whose S256 it is").outcome.ok
        verify.that(PLAIN_DEFAULT, not taken, "a challenge without a method is taken for S256", *_seen(landing))


@check(
    MISSING,
    UNKNOWN,
    EXPLAINED,
    faults=("missing_challenge_server_error", "unknown_method_as_plain", "pkce_errors_unexplained"),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_bad_challenges(case: ServerCase, verify: Verify) -> None:
    """Sign in without a challenge, and with a method that nobody defined. Accepted: back with invalid_request.

    A page that says so is a warning; a server that does not want PKCE need not miss it. Errors are to be explained.
    """
    with signing_in(case) as browser:
        client = browser.client()
        browser.code(client)
        unknown = browser.tempt(browser.ask(client, code_challenge=LONGEST, code_challenge_method="S512"))
        _judge(verify, UNKNOWN, unknown, "an unknown code_challenge_method")
        missing = browser.tempt(browser.ask(client, code_challenge=None, code_challenge_method=None))
        back, demanded = False, missing is None or not missing.gives_code
        if demanded:
            _judge(verify, MISSING, missing, "a missing code_challenge")
        for landing in (unknown, missing):
            if landing is not None and landing.returned and landing.answer.get("error"):
                words = landing.answer.get("error_description") or landing.answer.get("error_uri")
                verify.that(EXPLAINED, bool(words), "the error says nothing for developers", landing)
                back = True
    if not demanded:
        raise NotApplicable("authorization requests without a challenge are served: PKCE is not demanded")
    if not back:
        raise NotApplicable("no error comes back to the client")


@check(HIDDEN, ENCRYPTED, faults=("code_holds_challenge",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_challenge_is_not_in_the_code(case: ServerCase, verify: Verify) -> None:
    """Sign in by S256, and by plain. Accepted: neither challenge is in the redirect or the code, decoded or not.

    Where plain is refused nothing of it can be in a code.
    """
    with signing_in(case) as browser:
        client = browser.client()
        asked = browser.ask(client)
        landing = browser.allow(asked)
        if not landing.gives_code:
            raise Untestable(f"the sign-in by the browser ended with {landing.words} instead of a code")
        problem = "what the browser gets has the challenge in it"
        verify.that(HIDDEN, not _holds(landing, challenge_of(asked.verifier), asked.verifier), problem, landing)
        plain = browser.tempt(browser.ask(client, code_challenge=asked.verifier, code_challenge_method="plain"))
        open_ = plain is not None and plain.gives_code and _holds(plain, asked.verifier)
        verify.that(ENCRYPTED, not open_, "the code has its own verifier in it", *_seen(plain))


def _judge(verify: Verify, requirement: str, landing: Landing | None, what: str) -> None:
    """Whether the browser goes back with invalid_request; a code is a failure, a page a warning."""
    given = landing is not None and landing.gives_code
    error = landing.answer.get("error") if landing is not None and landing.returned else None
    page = not given and error is None
    problem = f"{what} is not answered with invalid_request"
    verify.that(requirement, error == "invalid_request", problem, *_seen(landing), tolerated=page)


def _seen(landing: Landing | None) -> list[Landing]:
    return [landing] if landing is not None else []


def _holds(landing: Landing, *secrets: str) -> bool:
    """Whether the redirect has one of these texts, or the code has it in base64."""
    code = landing.answer["code"]
    texts = [unquote(landing.location), *(_decoded(part) for part in (code, *code.split(".")))]
    return any(secret in text for secret in secrets for text in texts)


def _decoded(part: str) -> str:
    try:
        octets = base64.b64decode(part.rstrip("=") + "=" * (-len(part.rstrip("=")) % 4), altchars=b"-_")
    except (binascii.Error, ValueError):
        return ""
    return octets.decode("utf-8", errors="replace")


def _require_redeeming(browser: SignIns, client: Client) -> None:
    """The control: raises Untestable where a code of an ordinary verifier yields no tokens either."""
    asked, code = browser.code(client)
    control = browser.redeem(asked, code, label="control: CreateToken as it is meant")
    if not control.outcome.ok:
        raise Untestable(f"a code with everything right was answered {control.describe()}")
