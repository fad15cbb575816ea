"""For what tokens are good that were asked for with a resource: at the start, in polls, in refreshes (RFC 8707)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.server.session.audience import (
    CLAIM,
    approved,
    audience,
    described,
    known_marks,
    marks,
    of_one_host,
    poll,
    resources,
    scope_of,
)
from device_grant.server.session.scopes import SPECIAL, known_scopes, own_scopes, with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.audience import Marks
    from device_grant.server.session.device import Device

RESTRICTED, PATHS = "rfc8707-2-audience-restricted", "rfc8707-3-path-distinguishes"
START, POLL = "rfc8707-2.1-start-holds-for-grant", "rfc8707-2.2-poll-does-not-widen"
ALL_GRANTS, NARROWING = "rfc8707-2.2-all-grant-types", "rfc8707-2.2-narrowing-is-for-the-token"
REFRESH = "rfc8707-2.2-refresh-does-not-widen"
REPORTED, CUT = "rfc8707-2.2-effective-scope-told", "rfc8707-2.2-scope-is-cut"
MOST_SCOPES = 6
"""That are asked for together: enough to have some of each resource."""


@check(
    RESTRICTED,
    PATHS,
    faults=("resource_without_effect", "resource_host_only"),
    needs=(CLAIM,),
    timed=True,
)
def test_each_resource_has_its_tokens(device: Device, verify: Verify) -> None:
    """Two grants, each for a resource of its own. Accepted: neither token is good for all that the other is good for.

    `aud` may have other names than the resources, and more of them.
    """
    seen = marks(device)
    verify.that(RESTRICTED, seen.apart, "a token for one resource is good for another as well", *seen.evidence)
    if not of_one_host(*resources(device)):
        raise NotApplicable("[request] resources names no two resources on one host")
    problem = "two resources that differ in their path are one audience"
    verify.that(PATHS, bool(seen.first or seen.second), problem, *seen.evidence)


@check(START, POLL, faults=("resource_of_start_forgotten", "resource_widened_at_poll"), needs=(CLAIM,), timed=True)
def test_resource_of_the_start(device: Device, verify: Verify) -> None:
    """Start for one resource, poll without any; start for it, poll for another one.

    Accepted: a token for the first, not for the other; invalid_target.
    """
    first, second = resources(device)
    seen = known_marks(device)
    silent = approved(device, first).poll(label="poll without a resource")
    if silent.outcome.ok:
        meant = _is_for(device, silent, seen)
        verify.that(START, meant, "the token is not for the resource with which the grant began", silent)
    else:
        verify.that(START, None, "the server wants the resource in polls as well", silent)
    widened = poll(approved(device, first), second, "poll for another resource than the start")
    _judge_widening(verify, POLL, device, widened, seen.second)


@check(
    ALL_GRANTS,
    NARROWING,
    faults=("resource_at_poll_ignored", "resource_narrowing_sticks"),
    needs=(CLAIM, "refresh_token"),
    timed=True,
)
def test_part_of_the_resources(device: Device, verify: Verify) -> None:
    """Start for two resources, poll for the one, refresh for the other, refresh for none in particular.

    Accepted: tokens for the one, the other, and any of them.
    """
    first, second = both = resources(device)
    seen = known_marks(device)
    begun = device.request(label="start with two resources", resource=both)
    if not begun.outcome.ok:
        raise NotApplicable(f"the server begins no grant for two resources: {begun.describe()}")
    grant = device.started(begun)
    device.user.approve(grant)
    tokens = poll(grant, first, "poll for one of them")
    if not tokens.outcome.ok:
        raise NotApplicable(f"the server narrows no grant for two resources: {tokens.describe()}")
    narrow = not audience(device, tokens) & seen.second
    verify.that(ALL_GRANTS, narrow, "the resource of a poll has no effect on its token", tokens)
    if not isinstance(tokens.get("refresh_token"), str):
        raise NotApplicable("no refresh token was issued; none is owed")
    other = device.refresh(tokens.get("refresh_token"), label="refresh for the other one", resource=second)
    good = other.outcome.ok and bool(audience(device, other) & seen.second)
    if not good:
        device.require_refreshing()
    verify.that(NARROWING, good, "a poll for one resource takes the other from the grant", tokens, other)
    if not other.outcome.ok:
        return
    alone = not audience(device, other) & seen.first
    verify.that(ALL_GRANTS, alone, "the resource of a refresh has no effect on its token", other)
    last = other.get("refresh_token") or tokens.get("refresh_token")
    whole = device.refresh(last, label="refresh for no resource in particular")
    # A server may insist on a resource in each request (section 2.1).
    kept = whole.outcome.ok or whole.code == "invalid_target"
    verify.that(NARROWING, kept, "after a refresh for one resource none without works", other, whole)


@check(REFRESH, faults=("resource_widened_at_refresh",), needs=(CLAIM, "refresh_token"), timed=True)
def test_refresh_for_another_resource(device: Device, verify: Verify) -> None:
    """Start for one resource, redeem, refresh for another, and for both. Accepted: a refusal, or no token for it."""
    first, second = resources(device)
    seen = known_marks(device)
    for asked, what in ((second, "another resource"), ((first, second), "another resource beside its own")):
        tokens = poll(approved(device, first), first, "redeem")
        if not tokens.outcome.ok:
            raise Untestable(f"a resource of target.toml was answered {tokens.describe()}")
        token = tokens.get("refresh_token")
        if not isinstance(token, str):
            raise NotApplicable("no refresh token was issued; none is owed")
        answer = device.refresh(token, label=f"refresh for {what}", resource=asked)
        if not answer.outcome.ok:
            device.require_refreshing()
        _judge_widening(verify, REFRESH, device, answer, seen.second)


@check(
    REPORTED,
    CUT,
    faults=("resource_cuts_scope_silently", "scope_of_all_resources"),
    needs=(CLAIM,),
    timed=True,
)
def test_scope_of_one_resource(device: Device, verify: Verify) -> None:
    """Start with several scopes and two resources, poll for each of them in turn.

    Accepted: the response has the scope of its token. Whether scopes are left out is reported.
    """
    both = resources(device)
    scopes = _scopes(device)
    whole = []
    for resource in both:
        grant = approved(device, both, scope=with_defaults(device, *scopes))
        tokens = poll(grant, resource, f"poll for {resource}")
        if not tokens.outcome.ok:
            raise NotApplicable(f"the server narrows no grant for two resources: {tokens.describe()}")
        had = scope_of(described(device, tokens))
        if not had:
            raise NotApplicable("nothing says which scope an access token has")
        said = tokens.get("scope")
        reported = frozenset(said.split()) if isinstance(said, str) else frozenset(scopes)
        # Where a token speaks of scopes in other words than the client, nothing is compared.
        lost = sorted((reported & set(scopes)) - had) if had <= set(scopes) | set(SPECIAL) else []
        problem = "the response says a scope that its token has not"
        verify.that(
            REPORTED, not lost, problem, tokens, got=f"{' '.join(lost)} is missing" if lost else "the same scope"
        )
        whole.append(set(scopes) <= had)
    verify.that(CUT, not all(whole), "a token for one resource has all the scopes of the grant")


def _is_for(device: Device, tokens: Exchange, seen: Marks) -> bool | None:
    """Whether a token is for the first resource and not for the second; None where it does not say for which it is."""
    try:
        said = audience(device, tokens)
    except NotApplicable:
        return None
    return bool(said & seen.first) and not said & seen.second


def _scopes(device: Device) -> list[str]:
    """Scopes that may belong to one resource or another."""
    known = [scope for scope in own_scopes(device) or known_scopes(device) if scope not in SPECIAL][:MOST_SCOPES]
    if len(known) < 2:
        raise NotApplicable("fewer than two scopes are known: none could be of one resource alone")
    return known


def _judge_widening(
    verify: Verify, requirement: str, device: Device, answer: Exchange, foreign: frozenset[str]
) -> None:
    """Whether an answer to a request for a resource that was not approved brings a token for it."""
    wide = answer.outcome.ok and bool(audience(device, answer) & foreign)
    verify.that(requirement, not wide, "a token is for a resource that nobody approved", answer)
