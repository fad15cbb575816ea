"""Scope in requests, in token responses and in refreshes: RFC 6749 sections 3.3, 5.1 and 6."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol.exchange import REFUSED
from device_grant.server.session.scopes import SPECIAL, one_scope, two_scopes, with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

UNKNOWN = "no-such-scope-4f1d"
MALFORMED = ('"quoted"', "back\\slash", "tab\tbetween", "caf\u00e9")
"""Each has a character that RFC 6749 3.3 leaves out of scope tokens."""


def granted(exchange: Exchange, requested: str) -> set[str]:
    """Scope of a token response; what was requested if it names none (RFC 6749 5.1)."""
    reported = exchange.get("scope")
    return set((reported if isinstance(reported, str) else requested).split())


@check("rfc6749-3.3-scope-order-irrelevant", faults=("scope_order_matters",))
def test_order_of_scopes(device: Device, verify: Verify) -> None:
    """The same two scopes in both orders. Accepted: the same answer."""
    first, second = two_scopes(device)
    one = device.request(scope=f"{first} {second}", label="two scopes")
    other = device.request(scope=f"{second} {first}", label="the same in the other order")
    problem = "two scopes are answered differently in another order"
    verify.that("rfc6749-3.3-scope-order-irrelevant", one.code == other.code, problem, one, other)


@check("rfc6749-3.3-scope-case-sensitive", faults=("scope_case_ignored",), timed=True)
def test_case_of_scopes(case: ServerCase, verify: Verify) -> None:
    """A known scope in the other case. Accepted: as any unknown scope."""
    requirement = "rfc6749-3.3-scope-case-sensitive"
    if case.run.dialect.scopes_are_registered:
        odd, known = (
            case.send(case.run.registration_request(scopes=[scope]), f"register with scope {scope}")
            for scope in (UNKNOWN, "SSO:ACCOUNT:ACCESS")
        )
        if odd.outcome.ok:
            raise Inconclusive("every scope is accepted: nothing tells known ones from unknown ones")
        verify.that(requirement, not known.outcome.ok, "a known scope is accepted in another case", odd, known)
        return
    device = case.device
    scope = one_scope(device)
    swapped = scope.swapcase()
    exchange = device.request(scope=swapped, label="a known scope in the other case")
    if not exchange.outcome.ok:
        verify.that(requirement, not exchange.outcome.ok, "")
        return
    tokens = device.start(scope=swapped).redeemed()
    reported = tokens.get("scope")
    if not isinstance(reported, str):
        raise Inconclusive("the scope was accepted and the token response does not say what was granted")
    same = scope in reported.split()
    if same:
        control = device.request(scope=UNKNOWN, label="control: an unknown scope")
        if control.outcome.ok and scope in granted(device.started(control).redeemed(), UNKNOWN):
            raise Inconclusive(f"{scope} is granted to whoever asks for something unknown")
    problem = "a scope in another case was granted as the known one"
    verify.that(requirement, not same, problem, exchange, tokens)


@check(
    "rfc6749-3.3-scope-reported-when-different",
    "rfc6749-5.1-scope-required-when-different",
    faults=("scope_unreported",),
    timed=True,
)
def test_narrowed_scope_is_reported(device: Device, verify: Verify) -> None:
    """A known and an unknown scope. Accepted: a refusal, or a token response that says what was granted."""
    requested = with_defaults(device, one_scope(device), UNKNOWN)
    exchange = device.request(scope=requested, label="a known and an unknown scope")
    if not exchange.outcome.ok:
        raise NotApplicable("unknown scopes are refused, so that there is nothing to report")
    tokens = device.start(scope=requested).redeemed()
    said = isinstance(tokens.get("scope"), str)
    # Without a list of scopes the server may have granted any name that it was given.
    listed = bool(device.case.run.endpoints.document.get("scopes_supported"))
    for requirement in ("rfc6749-3.3-scope-reported-when-different", "rfc6749-5.1-scope-required-when-different"):
        problem = "an unknown scope was accepted, and the token response does not say what was granted"
        verify.that(requirement, said or (False if listed else None), problem, exchange, tokens)


@check("rfc6749-3.3-omitted-scope", faults=("scope_required",))
def test_omitted_scope(device: Device, verify: Verify) -> None:
    """No scope. Accepted: success with a default scope, or invalid_scope."""
    exchange = device.request(scope=None, label="start without scope")
    verify("rfc6749-3.3-omitted-scope", exchange, accepted=["ok", "invalid_scope"])


@check("rfc6749-5.2-invalid-scope", faults=("malformed_scope_accepted", "unknown_scopes_accepted"), timed=True)
def test_malformed_scope(case: ServerCase, verify: Verify) -> None:
    """Scopes with characters that scopes cannot have; AWS: a scope that does not exist. Accepted: invalid_scope.

    A server may ignore the scope (RFC 6749 section 3.3) and grant another one, if the token response says so.
    """
    if case.run.dialect.scopes_are_registered:
        exchange = case.send(case.run.registration_request(scopes=[UNKNOWN]), "register with an unknown scope")
        verify("rfc6749-5.2-invalid-scope", exchange, accepted=["invalid_scope"])
        return
    device = case.device
    device.start()
    for scope in MALFORMED:
        exchange = device.request(scope=scope, label=f"scope {scope!r}")
        if exchange.outcome.ok:
            # Some look at the scope only when the code is redeemed, others grant another one.
            grant = device.started(exchange)
            device.user.approve(grant)
            exchange = grant.poll(label="redeem")
        if not exchange.outcome.ok:
            verify("rfc6749-5.2-invalid-scope", exchange, accepted=["invalid_scope", "invalid_request"])
            continue
        ignored = granted(exchange, scope).isdisjoint(scope.split())
        problem = "a malformed scope was accepted, and the token response does not say that another one was granted"
        verify.that("rfc6749-5.2-invalid-scope", ignored, problem, exchange)


@check(
    "rfc6749-6-scope-widening-refused",
    "rfc9700-4.14-refresh-bound-to-consent",
    faults=("refresh_widens_scope",),
    needs=("refresh_token",),
    timed=True,
)
def test_refresh_for_more_scope(device: Device, verify: Verify) -> None:
    """One scope granted, two asked for in the refresh. Accepted: invalid_scope, or a scope without the second."""
    first, second = two_scopes(device)
    requested = with_defaults(device, first)
    tokens = device.refreshable_tokens(scope=requested)
    if second in granted(tokens, requested):
        raise Untestable(f"the server granted {second} although it was not asked for")
    wider = with_defaults(device, first, second)
    exchange = device.refresh(tokens.get("refresh_token"), scope=wider, label="refresh for more scope")
    if not exchange.outcome.ok and exchange.code != "invalid_scope":
        device.require_refreshing(tokens.get("refresh_token"))
    for requirement in ("rfc6749-6-scope-widening-refused", "rfc9700-4.14-refresh-bound-to-consent"):
        if not exchange.outcome.ok:
            verify(requirement, exchange, accepted=["invalid_scope"], tolerated=[REFUSED])
            continue
        # Without scope in the response nothing tells whether the server widened it or ignored the parameter.
        holds = second not in granted(exchange, wider) if isinstance(exchange.get("scope"), str) else None
        verify.that(requirement, holds, "a refresh obtained a scope that was not granted", tokens, exchange)


@check(
    "rfc6749-6-rotated-scope-identical",
    "rfc6749-6-scope-omitted-means-original",
    faults=("refresh_narrowing_sticks",),
    needs=("refresh_token",),
    timed=True,
)
def test_refresh_for_less_scope(device: Device, verify: Verify) -> None:
    """Two scopes granted, a refresh for one of them, then a refresh without scope. Accepted: both scopes again."""
    requested = with_defaults(device, *two_scopes(device))
    tokens = device.refreshable_tokens(scope=requested)
    whole = granted(tokens, requested)
    if len(whole) < 2:
        raise Untestable("the server granted one of two scopes: there is nothing to narrow")
    less = with_defaults(device, min(whole - set(SPECIAL) or whole))
    if set(less.split()) == whole:
        raise Untestable("the granted scopes are all needed to get a refresh token: there is nothing to narrow")
    narrowed = device.refresh(tokens.get("refresh_token"), scope=less, label="refresh for less scope")
    if not narrowed.outcome.ok:
        raise Untestable(f"a refresh for less scope was answered {narrowed.describe()}")
    token = narrowed.get("refresh_token") or tokens.get("refresh_token")
    exchange = device.refresh(token, label="refresh without scope")
    if not exchange.outcome.ok:
        raise Untestable(f"the second refresh was answered {exchange.describe()}")
    # A response without scope is said to be of the scope requested, which for a refresh is the original one.
    same = granted(exchange, requested) == whole
    for requirement in ("rfc6749-6-rotated-scope-identical", "rfc6749-6-scope-omitted-means-original"):
        problem = "after a refresh for less scope the original scope is lost"
        verify.that(requirement, same, problem, tokens, narrowed, exchange)
