"""`/authorize`: a browser comes with a request, a person decides, the browser goes back with a code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import quote

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.server.session.registering import attempt
from device_grant.server.session.sign_in import (
    CALLBACK,
    CLAIM,
    PORTAL,
    REGISTERED,
    code_client,
    signing_in,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.sign_in import Landing, SignIns

IN_A_BROWSER = "what a browser is shown and where it is sent no recording of a sign-in keeps"
FURTHER = "codewhisperer:completions"
"""Another scope of the service, where a server has it."""
LONG_STATE = "begin &=#%+/?;:@$,!'()*[] end." * 17
"""Reserved characters, half a thousand in all."""
OTHER_PORT = "http://127.0.0.1:61000/oauth/callback"
_ABSENT = frozenset({404, 405, 410, 501})


@check(
    "aws-authorize-on-same-host",
    "aws-authorize-scopes-parameter",
    "aws-token-code-success",
    "aws-token-auth-code",
    faults=("authorize_missing", "authorize_wants_scope", "code_grant_unsupported"),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_sign_in_of_the_command_line(case: ServerCase, verify: Verify) -> None:
    """Sign in as AWS CLI has a person do it, and redeem the code. Accepted: a code, then 200 with tokens.

    The control, where no code comes: the same request with the parameter scope beside scopes.
    """
    with signing_in(case) as browser:
        client = browser.client()
        landing = browser.allow(browser.ask(client))
        spelt = landing.gives_code
        if not spelt:
            landing = _with_scope(browser, client, landing, verify)
        verify.that("aws-authorize-on-same-host", landing.gives_code, "", landing)
        problem = "/authorize does not serve a request with scopes, and serves it with scope"
        verify.that("aws-authorize-scopes-parameter", spelt, problem, landing)
        exchange = browser.redeem(landing.asked, landing.answer["code"], label="CreateToken, authorization_code")
        verify.that(
            "aws-token-code-success",
            _has_tokens(exchange),
            "the code of a sign-in yields no 200 with accessToken, tokenType Bearer and expiresIn",
            exchange,
        )
        verify("aws-token-auth-code", exchange, accepted=["ok", "invalid_grant"])


def _with_scope(browser: SignIns, client: Client, first: Landing, verify: Verify) -> Landing:
    """The same request with scope beside scopes; raises Untestable where it brings no code either."""
    second = browser.tempt(browser.ask(client, scope=PORTAL))
    if second is not None and second.gives_code:
        return second
    if first.status in _ABSENT:
        problem = f"there is no /authorize on the host of the API: {first.status}"
        verify.that("aws-authorize-on-same-host", first.gives_code, problem, first)
    raise Untestable(f"the sign-in by the browser ended with {first.words} instead of a code")


def _has_tokens(exchange: Exchange) -> bool:
    kind, lifetime = exchange.get("token_type"), exchange.get("expires_in")
    typed = isinstance(kind, str) and kind.lower() == "bearer" and isinstance(lifetime, int)
    return exchange.status == 200 and isinstance(exchange.get("access_token"), str) and typed


@check(
    "aws-token-code-refresh",
    faults=("code_grant_refresh_refused",),
    needs=(CLAIM, "refresh_token"),
    live=IN_A_BROWSER,
)
def test_refresh_of_a_sign_in(case: ServerCase, verify: Verify) -> None:
    """Sign in, redeem, refresh as botocore does. Accepted: 200 with an access token and its lifetime."""
    with signing_in(case) as browser:
        asked, code = browser.code(browser.client())
        tokens = browser.redeem(asked, code, label="CreateToken, authorization_code")
        if not tokens.outcome.ok:
            raise Untestable(f"the code was answered {tokens.describe()}")
        token = tokens.get("refresh_token")
        if not isinstance(token, str):
            raise NotApplicable("no refresh token came with the tokens; none is owed")
        exchange = browser.refresh(asked.client, token)
        fresh = exchange.outcome.ok and isinstance(exchange.get("access_token"), str)
        problem = "the refresh token of a sign-in by a browser yields no access token"
        verify.that("aws-token-code-refresh", fresh, problem, exchange)


@check("aws-authorize-state-returned", faults=("authorize_state_cut",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_state_comes_back(case: ServerCase, verify: Verify) -> None:
    """Sign in with a state of 36 characters, then with one of 500, reserved ones among them, and with two scopes.

    Accepted: code and the state, unchanged, in the query of a 302 or 303. A long state that is refused is noted.
    """
    requirement, problem = "aws-authorize-state-returned", "the redirect has not code and the unchanged state"
    with signing_in(case) as browser:
        both = attempt(case, "register two scopes", **code_client(case, scopes=[PORTAL, FURTHER]))
        client = case.run.client_of(both) if both.outcome.ok else browser.client()
        asked = browser.ask(client, scopes=f"{PORTAL} {FURTHER}" if both.outcome.ok else PORTAL)
        landing = browser.allow(asked)
        if not landing.gives_code:
            raise Untestable(f"the sign-in by the browser ended with {landing.words} instead of a code")
        verify.that(requirement, _answers(landing), problem, landing)
        long = browser.tempt(browser.ask(client, state=LONG_STATE))
        if long is None or not long.gives_code:
            case.note(f"a state of {len(LONG_STATE)} characters: {long.words if long else 'refused'}")
            return
        verify.that(requirement, _answers(long), f"{problem}: it was a long one", long)


def _answers(landing: Landing) -> bool:
    whole = landing.answer.get("state") == landing.asked.state and "#" not in landing.location
    return whole and landing.status in (302, 303)


@check(
    "aws-authorize-any-order",
    "aws-authorize-any-loopback-port",
    faults=("authorize_order_matters", "loopback_port_fixed"),
    needs=(CLAIM,),
    live=IN_A_BROWSER,
)
def test_requests_of_other_programs(case: ServerCase, verify: Verify) -> None:
    """Sign in with code_challenge last, first, and with :// as it is; at two ports. Accepted: a code each time.

    The controls: one order that brings a code; where neither port does, the redirect URI without one.
    """
    with signing_in(case) as browser:
        client = browser.client()
        last = browser.ask(client)
        first = browser.ask(client, code_challenge=None)
        challenge = last.url.partition("code_challenge=")[2]
        first = replace(
            first,
            url=first.url.replace("response_type=code", f"code_challenge={challenge}&response_type=code"),
            verifier=last.verifier,
        )
        plain = browser.ask(client)
        plain = replace(plain, url=plain.url.replace(quote(CALLBACK, safe=""), quote(CALLBACK, safe=":/")))
        landings = [browser.tempt(asked) for asked in (last, first, plain)]
        served = [one for one in landings if one is not None and one.gives_code]
        portless = [] if served else [browser.tempt(browser.ask(client, redirect_uri=REGISTERED))]
        if not served and not any(one is not None and one.gives_code for one in portless):
            raise Untestable("no sign-in by a browser brings a code: that of the command line says more of it")
        if not served:
            problem = "a loopback redirect URI is refused at a port, and served without one"
            verify.that("aws-authorize-any-loopback-port", bool(served), problem, got="refused at 49152")
            raise Untestable("no request with a port is served")
        problem = "what one order or escaping of the parameters brings, another does not"
        verify.that("aws-authorize-any-order", len(served) == len(landings), problem, served[-1])
        pattern = served[-1].asked.url
        other = replace(
            served[-1].asked,
            url=pattern.replace("%3A49152", "%3A61000").replace(":49152", ":61000"),
            redirect_uri=OTHER_PORT,
        )
        elsewhere = browser.tempt(other)
        given = elsewhere is not None and elsewhere.gives_code
        problem = "the redirect URI is served at one port and not at another"
        words = elsewhere.words if elsewhere else "no redirect"
        verify.that("aws-authorize-any-loopback-port", given, problem, served[-1], got=words)


@check("aws-authorize-refusal", faults=("authorize_refusal_dead_end",), needs=(CLAIM,), live=IN_A_BROWSER)
def test_refusal_comes_back(case: ServerCase, verify: Verify) -> None:
    """Sign in and refuse. Accepted: a redirect with error access_denied and the state. The control: allowing works."""
    with signing_in(case) as browser:
        client = browser.client()
        browser.code(client)
        landing = browser.refuse(browser.ask(client))
        answer = landing.answer
        holds = landing.returned and answer.get("error") == "access_denied"
        problem = "a refusal at /authorize does not come back as access_denied with the state"
        same = answer.get("state") == landing.asked.state
        verify.that("aws-authorize-refusal", holds and same, problem, landing)
