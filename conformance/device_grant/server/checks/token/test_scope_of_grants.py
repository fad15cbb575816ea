"""The scope of each grant, from the start to its tokens: RFC 6749 sections 3.3, 5.1 and 6, RFC 7591 section 2."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.judging.statistics import claims_of
from device_grant.server.session.device import Device
from device_grant.server.session.messages import start_request, with_headers
from device_grant.server.session.registering import register
from device_grant.server.session.scopes import SPECIAL, known_scopes, one_scope, own_scopes, two_scopes, with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

OWN = "rfc8628-3.5-scope-of-its-own-grant"
WIDENED = "rfc8628-3.4-token-scope-widens-nothing"
CHARSET = "rfc8628-3.1-charset-parameter-tolerated"
SUCCESS = "rfc8628-3.5-success-after-approval"
NO_5XX = "rfc9110-15.6-no-5xx-on-client-error"
REFRESHABLE = "rfc6749-6-granted-scope-refreshable"
BOUNDED = "rfc7591-2-scope-bounds-requests"


@check(OWN, WIDENED, faults=("scope_of_newest_grant", "token_scope_widens"), timed=True)
def test_scopes_of_two_grants(device: Device, verify: Verify) -> None:
    """Two starts for a scope each; the first is redeemed with both in the token request. Accepted: each has its own."""
    first, second = two_scopes(device)
    one, other = (device.start(scope=with_defaults(device, scope)) for scope in (first, second))
    device.user.approve(one)
    tokens = one.poll(scope=f"{first} {second}", label="redeem, with both scopes in the token request")
    if not tokens.outcome.ok:
        # A server may refuse the parameter, which means nothing here.
        tokens = one.poll(label="redeem")
    if not tokens.outcome.ok:
        raise Untestable(f"the approved code was answered {tokens.describe()}")
    has = _scopes_in(tokens)
    if second in has:
        _attribute(device, first, second, tokens, verify)
        return
    theirs = other.redeemed()
    swapped = first in _scopes_in(theirs) and second not in _scopes_in(theirs)
    if swapped and first in _scopes_in(device.start(scope=with_defaults(device, second)).redeemed()):
        raise Untestable(f"the server grants {first} to whoever asks for {second}")
    verify.that(OWN, not swapped, "a grant has the scope of another one of its client", tokens, theirs)
    problem = "a scope in the token request is granted, which nobody has approved"
    verify.that(WIDENED, True if has else _refuses_more(device, tokens, first, second), problem, tokens)


def _attribute(device: Device, first: str, second: str, tokens: Exchange, verify: Verify) -> None:
    """Say where a scope comes from that was not asked for at the start: the other grant, or the token request."""
    one, _ = (device.start(scope=with_defaults(device, scope)) for scope in (first, second))
    plain = one.redeemed()
    if second in _scopes_in(device.start(scope=with_defaults(device, first)).redeemed()):
        raise Untestable(f"the server grants {second} to whoever asks for {first}")
    mixed = second in _scopes_in(plain)
    verify.that(OWN, not mixed, "a grant has the scope of another one of its client", plain)
    problem = "a scope in the token request is granted, which nobody has approved"
    verify.that(WIDENED, None if mixed else False, problem, tokens)


def _refuses_more(device: Device, tokens: Exchange, first: str, second: str) -> bool | None:
    """Whether a refresh for the second scope shows that it was not granted, where the token response names none."""
    token = tokens.get("refresh_token")
    if not isinstance(token, str):
        return None
    wider = device.refresh(token, scope=with_defaults(device, first, second), label="refresh for both scopes")
    if wider.outcome.ok:
        return second not in _scopes_in(wider) if _scopes_in(wider) else None
    return True if wider.code == "invalid_scope" else None


@check(CHARSET, faults=("charset_loses_scope",), when=lambda dialect: not dialect.scopes_are_registered, timed=True)
def test_scope_beside_a_charset(device: Device, verify: Verify) -> None:
    """Two scopes, each with and without a charset in the Content-Type of the start. Accepted: the same is granted."""
    for scope in two_scopes(device):
        asked = with_defaults(device, scope)
        plain = device.start(scope=asked)
        request = start_request(device, scope=asked)
        media_type = f"{request.header('content-type')}; charset=UTF-8"
        started = device.case.send(with_headers(request, ("Content-Type", media_type)), "start with a charset")
        verify(CHARSET, started, accepted=["ok"])
        if not started.outcome.ok:
            return
        one, other = plain.redeemed(), device.started(started).redeemed()
        expected, got = _scopes_in(one) or set(asked.split()), _scopes_in(other) or set(asked.split())
        problem = "a charset in the Content-Type of a start loses its scope"
        verify.that(CHARSET, expected <= got, problem, one, other)


@check(
    SUCCESS,
    NO_5XX,
    faults=("openid_breaks_tokens",),
    when=lambda dialect: not dialect.scopes_are_registered,
    timed=True,
)
def test_all_scopes_at_once(device: Device, verify: Verify) -> None:
    """A start for every scope that is known, redeemed and refreshed. Accepted: tokens; in any case no 5xx."""
    one_scope(device)
    own, every = own_scopes(device), known_scopes(device, published=True)
    started, promised = device.request(scope=" ".join(every), label="start for all scopes"), set(every) <= set(own)
    if not started.outcome.ok and own:
        started, promised = device.request(scope=" ".join(own), label="start for all scopes of the client"), True
    grant = device.started(started)
    device.user.approve(grant)
    tokens = grant.poll(label="redeem all scopes")
    answers = [tokens]
    if tokens.outcome.ok and isinstance(tokens.get("refresh_token"), str):
        answers.append(device.refresh(tokens.get("refresh_token"), label="refresh all scopes"))
    for answer in answers:
        verify.that(NO_5XX, answer.status < 500, f"all scopes at once were answered {answer.status}", answer)
    if promised or tokens.outcome.ok or tokens.status >= 500:
        verify(SUCCESS, tokens, accepted=["ok"])
    else:
        # Others than the client's own may turn out at the end to be none of its, or of its user.
        verify.that(SUCCESS, None, f"scopes that nobody promised the client were answered {tokens.code}", tokens)


@check(REFRESHABLE, faults=("refresh_scope_refused",), needs=("refresh_token",), timed=True)
def test_refresh_for_the_granted_scope(device: Device, verify: Verify) -> None:
    """A refresh that names the scope of the token response, or what was asked for where it names none. Accepted: ok."""
    asked = with_defaults(device, one_scope(device))
    tokens = device.refreshable_tokens(scope=asked)
    scope = tokens.get("scope") if isinstance(tokens.get("scope"), str) else asked
    exchange = device.refresh(tokens.get("refresh_token"), scope=scope, label="refresh for the granted scope")
    if not exchange.outcome.ok:
        device.require_refreshing(tokens.get("refresh_token"))
    # openid and offline_access are no access of their own: some servers take them at the start alone.
    special = not set(SPECIAL).isdisjoint(scope.split())
    verify(REFRESHABLE, exchange, accepted=["ok"], tolerated=["invalid_scope"] if special else [])


@check(
    BOUNDED,
    faults=("scope_beyond_registration",),
    needs=("registration",),
    when=lambda dialect: not dialect.scopes_are_registered,
    timed=True,
)
def test_scope_beyond_the_registration(case: ServerCase, verify: Verify) -> None:
    """Register for one of two scopes, start for both. Accepted: a refusal, or tokens without the second."""
    first, second = two_scopes(case.device)
    answer = register(case, "register for one scope", scope=with_defaults(case.device, first))
    kept = answer.get("scope")
    if not isinstance(kept, str) or first not in kept.split() or second in kept.split():
        raise NotApplicable("the registration response does not repeat the scope: whether it counts is not said")
    device = Device(case, case.run.client_of(answer))
    device.start(scope=with_defaults(device, first))
    exchange = device.request(scope=with_defaults(device, first, second), label="start for more than was registered")
    if exchange.outcome.ok:
        grant = device.started(exchange)
        device.user.approve(grant)
        exchange = grant.poll(label="redeem")
    holds = not exchange.outcome.ok or (second not in _scopes_in(exchange) if _scopes_in(exchange) else None)
    verify.that(BOUNDED, holds, "a client is granted a scope that its registration leaves out", answer, exchange)


def _scopes_in(tokens: Exchange) -> set[str]:
    """Scopes that a token response names, in its member or in the claims of its access token; empty: none."""
    claims = claims_of(tokens.get("access_token")) or {}
    named = [tokens.get("scope"), claims.get("scope"), claims.get("scp")]
    listed = [value if isinstance(value, list) else str(value or "").split() for value in named]
    return {scope for values in listed for scope in values if isinstance(scope, str)}
