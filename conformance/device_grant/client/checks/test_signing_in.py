"""Signing in by a browser: the authorization code grant with PKCE (RFC 6749 section 4.1, RFC 7636, RFC 8252)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.drivers.visiting import Errands
from device_grant.client.rules.code_grant import WEAKER, hashes
from device_grant.client.scripted.code_grant import query_of, sent_back
from device_grant.client.scripted.steps import Script, delayed, error, redirect
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.reading import json_body, value_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

CLAIM = "authorization_code"
REGISTERED, REDEEMED = "aws-client-code-registration", "aws-client-code-token-request"
STATE, UNGUESSABLE = "aws-client-code-state", "aws-client-code-state-unguessable"
ERROR, REFUSED = "aws-client-code-error-callback", "aws-client-code-refused-redemption"
LOOPBACK, ONE = "aws-client-code-listens-on-loopback", "aws-client-code-one-callback"
PER_LOGIN, ENTROPY = "aws-client-code-challenge-per-login", "rfc7636-4.1-verifier-entropy"
NEW_VERIFIER = "rfc7636-4.1-new-verifier"
SENT, PROVED, TO_ALL = "rfc7636-4.3-challenge-sent", "rfc7636-4.5-verifier-sent", "rfc7636-5-client-sends-to-all"
NO_DOWNGRADE = "rfc7636-7.2-no-downgrade"
UNKNOWN = "rfc6749-4.1.2-client-ignores-unknown"
FALLBACK, LOOKED_UP = "aws-client-code-device-fallback", "aws-client-start-url-lookup"
SHORTEST, UNCLEAR = 8, 16
"""Characters by which two states have to differ, and below which so few may be too few."""
WAITS = 30.0
"""Seconds of the client's time after which one that still waits for the browser does not end by itself."""
GONE = ("refused", "not ours")
ANOTHER_CODE = "AC.code-of-somebody-else"
ANOTHER_STATE = "state-of-somebody-else"


@check(
    REGISTERED,
    REDEEMED,
    faults=("other_path_registered", "redirect_without_port"),
    needs=(CLAIM, "registration"),
)
def test_sign_in(client: ClientUnderTest, verify: Verify) -> None:
    """A sign-in that the person allows. Accepted: what is asked for is registered, what is redeemed was asked for."""
    attempt = client.sign_in()
    _asked(attempt)
    verify.by_rules(attempt, REGISTERED)
    _redeemed(attempt)
    verify.by_rules(attempt, REDEEMED)


@check(
    SENT,
    PROVED,
    TO_ALL,
    faults=("client_pkce_on_request_only", "client_without_verifier"),
    needs=(CLAIM,),
)
def test_server_without_pkce(client: ClientUnderTest, verify: Verify) -> None:
    """No metadata speak of PKCE, and no challenge is demanded. Accepted: a challenge and its verifier all the same."""
    attempt = client.sign_in(pkce=False)
    _asked(attempt)
    verify.by_rules(attempt, SENT)
    bare = any(not query_of(entry.request).get("code_challenge") for entry in attempt.of(Purpose.AUTHORIZATION))
    verify.that(TO_ALL, not bare, "sends no code challenge to a server that does not speak of PKCE", attempt)
    if bare:
        raise Inconclusive("without a challenge there is nothing that a verifier would prove")
    verifier = _redeemed(attempt)
    verify.that(TO_ALL, bool(verifier), "sends no code verifier to a server that does not speak of PKCE", attempt)
    verify.by_rules(attempt, PROVED)


@check(
    NO_DOWNGRADE,
    faults=("client_falls_back_to_plain", "client_falls_back_to_no_challenge", "client_plain_next_time"),
    needs=(CLAIM,),
    timed=True,
)
def test_refused_challenge(client: ClientUnderTest, verify: Verify) -> None:
    """S256 is refused at the authorization, then at the redemption; each time the person tries again, once.

    Accepted: each authorization request has a challenge by S256.
    """
    refused = sent_back(code=..., error="invalid_request", error_description="transform algorithm not supported")
    for label, script in (
        ("a challenge that is refused", {"authorize": [refused] * 3}),
        ("a redemption that is refused", {"redemption": [error("invalid_grant")] * 5}),
    ):
        home = client.home()
        first = client.sign_in(label, home=home, wait=WAITS, until=WAITS, **script)
        asked = first.of(Purpose.AUTHORIZATION)
        if not asked or not hashes(asked[0]):
            raise Inconclusive("the client sends no challenge by S256 that could be refused")
        _must_have_come_back(first)
        again = client.sign_in(f"{label}: once more", home=home, wait=WAITS, until=WAITS)
        _asked(again)
        weaker = [one for one in (*asked, *again.of(Purpose.AUTHORIZATION)) if not hashes(one)]
        seen = first if weaker and weaker[0] in asked else again
        verify.that(NO_DOWNGRADE, not weaker, WEAKER, seen)


@check(UNKNOWN, faults=("unknown_parameters_refused",), needs=(CLAIM,))
def test_unknown_parameters(client: ClientUnderTest, verify: Verify) -> None:
    """The way back has parameters that nobody knows, one of them empty. Accepted: the sign-in works."""
    attempt = client.sign_in(authorize=[sent_back(session_state="7e0f.a b", x_vendor="", lang="de")])
    _asked(attempt)
    _must_have_come_back(attempt)
    problem = "cannot do with parameters that it does not know beside the code"
    verify.that(UNKNOWN, attempt.succeeded, problem, attempt)


@check(STATE, faults=("state_unchecked", "missing_state_taken"), needs=(CLAIM,), timed=True)
def test_another_state(client: ClientUnderTest, verify: Verify) -> None:
    """The browser comes back with another state, with an empty one, with none. Accepted: no code is redeemed."""
    for label, state in (("another state", ANOTHER_STATE), ("an empty state", ""), ("no state", ...)):
        attempt = client.sign_in(label, authorize=[sent_back(state=state)], wait=WAITS, until=WAITS)
        if not _asked(attempt).get("state"):
            raise Inconclusive("no state is sent: the code verifier may stand in for it (RFC 9700 section 2.1)")
        _must_have_come_back(attempt)
        redeemed = bool(attempt.of(Purpose.TOKEN_REQUEST))
        verify.that(STATE, not redeemed, f"redeems a code that comes with {label}", attempt)


@check(
    UNGUESSABLE,
    PER_LOGIN,
    NEW_VERIFIER,
    ENTROPY,
    faults=("state_constant", "verifier_constant", "verifier_short"),
    needs=(CLAIM,),
)
def test_two_sign_ins(client: ClientUnderTest, verify: Verify) -> None:
    """Two sign-ins of two people. Accepted: state, challenge and verifier are new, and long enough."""
    attempts = [client.sign_in(f"sign-in {number}") for number in (1, 2)]
    asked = [_asked(one) for one in attempts]
    last = attempts[-1]
    states = [one.get("state", "") for one in asked]
    if all(states):
        differ = _differing(*states)
        long_enough = min(len(one) for one in states) >= UNCLEAR
        problem = "state is the same each time" if states[0] == states[1] else "states differ in a few characters alone"
        holds = differ >= SHORTEST and (long_enough or None)
        verify.that(UNGUESSABLE, holds, problem, last, got=f"{differ} characters differ")
    else:
        verify.that(UNGUESSABLE, None, "the client sends no state", last)
    challenges = [one.get("code_challenge", "") for one in asked]
    verify.that(PER_LOGIN, challenges[0] != challenges[1], "the challenge is the same each time", last)
    verifiers = [_redeemed(one) for one in attempts]
    new = verifiers[0] != verifiers[1]
    for requirement in (PER_LOGIN, NEW_VERIFIER):
        verify.that(requirement, new, "the code verifier is the same each time", last)
    enough = new and min(len(one) for one in verifiers) >= _CHARACTERS_OF_256_BITS
    problem = "the code verifier has too few characters for 256 bits, or is the same each time"
    verify.that(ENTROPY, enough, problem, last)


_CHARACTERS_OF_256_BITS = 43


def _differing(one: str, other: str) -> int:
    """Characters of the longer one between what both have in common at their beginning and at their end."""
    shorter = min(len(one), len(other))
    first = next((place for place in range(shorter) if one[place] != other[place]), shorter)
    rest = shorter - first
    last = next((place for place in range(rest) if one[-1 - place] != other[-1 - place]), rest)
    return max(len(one), len(other)) - first - last


@check(ERROR, faults=("error_callback_ignored",), needs=(CLAIM,), timed=True)
def test_error_comes_back(client: ClientUnderTest, verify: Verify) -> None:
    """The browser comes back with access_denied, then with server_error and no description. Accepted: a failure."""
    described = {"error_description": "The person said no."}
    for code, more in (("access_denied", described), ("server_error", {})):
        attempt = client.sign_in(code, authorize=[sent_back(code=..., error=code, **more)], wait=WAITS, until=WAITS)
        _asked(attempt)
        _must_have_come_back(attempt)
        if attempt.ended.visits[-1].status is None:
            raise Untestable("the client did not answer the browser")
        kept = any(file.content and b"accessToken" in file.content for file in attempt.files)
        problem = "waits on although the person has refused" if attempt.going_on else "takes an error for a success"
        holds = attempt.failed and not kept and not attempt.of(Purpose.TOKEN_REQUEST)
        verify.that(ERROR, None if attempt.ended.overdue else holds, problem, attempt)


@check(REFUSED, faults=("errors_unreported",), needs=(CLAIM,))
def test_refused_redemption(client: ClientUnderTest, verify: Verify) -> None:
    """The redemption is answered expired_token, invalid_grant, access_denied. Accepted: a failure, and words of it."""
    for code in ("expired_token", "invalid_grant", "access_denied"):
        attempt = client.sign_in(code, redemption=[error(code)] * 5, wait=WAITS, until=WAITS)
        _redeemed(attempt)
        said = bool(attempt.ended.shown.strip())
        verify.that(REFUSED, None if attempt.going_on else attempt.failed and said, f"passes over {code}", attempt)


@check(LOOPBACK, faults=("listens_everywhere",), needs=(CLAIM,))
def test_listener_is_local(client: ClientUnderTest, verify: Verify) -> None:
    """A connection to the listener's port by another address of the machine. Accepted: nobody is there."""
    attempt = client.sign_in(errands=Errands(knocks=True), wait=WAITS, until=WAITS)
    _asked(attempt)
    if len(attempt.ended.visits) < 2 or attempt.ended.visits[0].problem == "untold":  # noqa: PLR2004 - one, and the way back
        raise Untestable("whether others reach the listener cannot be told here")
    if attempt.ended.visits[-1].problem == "refused":
        raise Untestable("nobody listened where the browser was sent back to")
    closed = attempt.ended.visits[0].problem == "refused"
    verify.that(LOOPBACK, closed, "listens on every interface of the machine", attempt)


@check(
    ONE,
    faults=("any_request_ends_the_wait", "second_callback_taken", "listener_stays"),
    needs=(CLAIM,),
)
def test_other_requests_of_the_browser(client: ClientUnderTest, verify: Verify) -> None:
    """The browser asks for its icon first; then a second way back, with another code, while the first is redeemed.

    Accepted: the icon changes nothing; of two codes the first is redeemed, and the second is not welcome.
    """
    first = client.sign_in("an icon first", errands=Errands(before=("/favicon.ico",)))
    _asked(first)
    if not first.ended.visits or first.ended.visits[0].problem in GONE:
        raise Untestable("the browser found nobody where it was sent back to")
    verify.that(ONE, first.succeeded, "takes a request for an icon for the answer", first)
    again = Errands(again={"code": ANOTHER_CODE})
    second = client.sign_in("a second way back", errands=again, redemption=[delayed(3.0)], wait=10)
    _redeemed(second)
    codes = {str(value_of(entry.request, "code")) for entry in second.of(Purpose.TOKEN_REQUEST)}
    verify.that(ONE, ANOTHER_CODE not in codes, "redeems the code of a second way back", second)
    if len(second.ended.visits) > 1:
        open_still = second.ended.visits[-1].answered
        verify.that(ONE, not open_still, "goes on listening when it has the code", second)


@check(FALLBACK, faults=("registrations_mixed",), needs=(CLAIM, "flow", "registration", "keeps_registrations"))
def test_both_grants(client: ClientUnderTest, verify: Verify) -> None:
    """Sign in by a browser, by a device, by a browser again, as one person. Accepted: a registration for each grant."""
    home = client.home()
    grants: dict[str, Sequence[str]] = {}
    for label, operation in (("by a browser", "code"), ("by a device", "flow"), ("by a browser again", "code")):
        attempt = client.once(operation, label, home=home)
        for entry in attempt.of(Purpose.REGISTRATION):
            asked = (json_body(entry.request) or {}).get("grantTypes")
            grants[str(entry.get("client_id"))] = asked if isinstance(asked, list) else ()
        for entry in attempt.starts:
            own = grants.get(str(value_of(entry.request, "client_id")), ())
            mixed = bool(own) and not any("device_code" in one for one in own)
            problem = "starts a device authorization with a registration for the code grant"
            verify.that(FALLBACK, not mixed, problem, attempt)
        for entry in attempt.of(Purpose.AUTHORIZATION):
            own = grants.get(query_of(entry.request).get("client_id", ""), ())
            problem = "sends the browser to sign in with a registration for the device grant"
            verify.that(FALLBACK, CLAIM in own, problem, attempt)


@check(LOOKED_UP, faults=("start_url_followed",), needs=(CLAIM,), timed=True)
def test_start_url_is_looked_up(client: ClientUnderTest, verify: Verify) -> None:
    """A start URL on another host, which redirects to a stranger. Accepted: nothing is asked of the stranger."""
    # Any path whose answers a script can name will do.
    steps = Script({"metadata": [redirect(302, "{base}/stranger")] * 3})
    attempt = client.sign_in(
        elsewhere=steps,
        elsewhere_certificate="good",
        given={"START_URL": "{elsewhere}/.well-known/openid-configuration"},
        wait=WAITS,
        until=WAITS,
    )
    asked = [entry.request for entry in attempt.elsewhere]
    if not asked:
        raise NotApplicable("the client does not look its start URL up")
    followed = any(request.url.endswith("/stranger") for request in asked)
    got = ", ".join(f"{request.method} {request.url.rpartition('/')[2]}" for request in asked)
    verify.that(LOOKED_UP, not followed, "follows its start URL to a stranger", attempt, got=got)


def _asked(attempt: Attempt) -> dict[str, str]:
    """Parameters of the authorization request; raises Untestable if there was none."""
    return query_of(attempt.need(Purpose.AUTHORIZATION).request)


def _redeemed(attempt: Attempt) -> str:
    """The code verifier of the redemption; raises Untestable if there was none."""
    return str(value_of(attempt.need(Purpose.TOKEN_REQUEST).request, "code_verifier") or "")


def _must_have_come_back(attempt: Attempt) -> None:
    """Raise Untestable where the browser did not get through to the client."""
    visits = attempt.ended.visits
    if not visits or visits[-1].problem in GONE:
        raise Untestable("the browser found nobody where it was sent back to")
