"""Requests with resource indicators: what is taken, what is refused and how (RFC 8707 section 2)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, StopCheck, Untestable, check
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.audience import (
    ANY,
    CLAIM,
    UNKNOWN_RESOURCE,
    approved,
    audience,
    poll,
    resources,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device

UNCLAIMED = "rfc8707-unclaimed-is-ignored"
REPETITION, MALFORMED = "rfc8707-2-repetition-allowed", "rfc8707-2-malformed-resource"
UNKNOWN, ERROR = "rfc8707-2-unknown-resource", "rfc8707-2-error-code"
KEEPS, PAGE = "rfc8707-2.2-refusal-keeps-grant", "rfc8707-2.1-page-names-resource"
REFUSED = ("invalid_target",)


@check(UNCLAIMED, faults=("resource_refused_as_unknown",))
def test_start_with_a_resource(device: Device, verify: Verify) -> None:
    """A start with a resource: a known one where target.toml names one, else any. Accepted: 200, or invalid_target."""
    named = device.case.run.target.config.request.resources
    begun = device.request(label="start with a resource", resource=named[0] if named else "https://api.example.com/")
    if begun.outcome.ok:
        verify.that(UNCLAIMED, True, "", begun)  # noqa: FBT003 - the judgement itself
        return
    if not device.request(label="control: start without it").outcome.ok:
        raise Untestable(f"device authorization was refused with {begun.describe()}")
    if begun.code in REFUSED and device.case.run.claims(CLAIM) is None:
        remark = "the server knows resource indicators: say so by resource = true under [claims]"
        device.case.run.remarks[CLAIM] = remark
    known = begun.code in REFUSED
    verify.that(UNCLAIMED, known, "a start with resource is refused, and one without it is not", begun)


@check(REPETITION, faults=("resource_repetition_refused",), needs=(CLAIM,), timed=True)
def test_two_resources_at_once(device: Device, verify: Verify) -> None:
    """Start, and poll an approved code, with two resources. Accepted: success, or invalid_target in either place."""
    both = resources(device)
    _require_known(device)
    begun = device.request(label="start with two resources", resource=both)
    verify(REPETITION, begun, accepted=["ok", *REFUSED])
    if not begun.outcome.ok:
        return
    grant = device.started(begun)
    device.user.approve(grant)
    verify(REPETITION, poll(grant, both, "poll with two resources"), accepted=["ok", *REFUSED])


@check(
    MALFORMED,
    ERROR,
    faults=("malformed_resource_accepted", "invalid_target_misnamed"),
    needs=(CLAIM,),
    timed=True,
)
def test_malformed_resources(device: Device, verify: Verify) -> None:
    """Starts with text that is no URI, a path, a URI with a fragment, nothing. Accepted: invalid_target thrice.

    One that is served is approved: accepted then is a token that is not for it. Nothing counts as omitted.
    """
    known, refusals = _require_known(device), 0
    for resource in ("not a uri", "/relative", f"{known}#part"):
        begun = device.request(label=f"start with the resource {resource!r}", resource=resource)
        if not begun.outcome.ok:
            verify.that(MALFORMED, True, "", begun)  # noqa: FBT003 - the judgement itself
            _judge_code(verify, begun)
            refusals += 1
            continue
        grant = device.started(begun)
        device.user.approve(grant)
        tokens = grant.poll(label="redeem what was begun with it")
        held = tokens.outcome.ok and resource in _audience_if_any(device, tokens)
        verify.that(MALFORMED, not held, "a resource that is no absolute URI is taken for one", begun, tokens)
        if not held:
            device.case.note(f"the resource {resource!r} is taken without effect")
    empty = device.request(label="start with resource=", resource="")
    without = device.request(label="control: start without resource", resource=None)
    problem = "an empty resource is not treated as omitted"
    verify.that(MALFORMED, empty.outcome.ok == without.outcome.ok, problem, without, empty)
    if not refusals:
        raise NotApplicable("no resource is refused")


@check(
    UNKNOWN,
    KEEPS,
    ERROR,
    faults=("unknown_resource_in_aud", "invalid_target_spends_code", "invalid_target_misnamed"),
    needs=(CLAIM,),
    timed=True,
)
def test_unknown_resource(device: Device, verify: Verify) -> None:
    """A resource that nobody has, at the start and in a poll of an approved code; then that poll without it.

    Accepted: invalid_target, or a token that is not for it; a refused poll leaves the code as it was.
    """
    known = _require_known(device)
    anything = device.case.run.claims(ANY)
    begun = device.request(label="start with an unknown resource", resource=UNKNOWN_RESOURCE)
    if begun.outcome.ok:
        grant = device.started(begun)
        device.user.approve(grant)
        if not anything:
            _judge_token(verify, device, grant.poll(label="redeem what was begun with it"))
    elif not anything:
        verify.that(UNKNOWN, True, "", begun)  # noqa: FBT003 - the judgement itself
        _judge_code(verify, begun)
    grant = approved(device, known)
    polled = poll(grant, UNKNOWN_RESOURCE, "poll with an unknown resource")
    if not anything:
        _judge_token(verify, device, polled)
    if polled.outcome.ok:
        raise NotApplicable("a poll with an unknown resource is served: none is refused because of its resource")
    again = grant.poll(label="poll without a resource")
    if again.code in REFUSED:
        again = poll(grant, known, "poll with the resource of the start")
    if not again.outcome.ok:
        control = poll(approved(device, known), known, "control: poll of a code that was never refused")
        if not control.outcome.ok:
            raise Untestable(f"a resource of target.toml was answered {control.describe()}")
    verify.that(KEEPS, again.outcome.ok, "a poll that is refused because of its resource ends the grant", polled, again)
    if anything:
        raise NotApplicable("the target claims any_resource: no resource is unknown to it")


@check(PAGE, faults=("resource_not_shown",), needs=(CLAIM,))
def test_page_names_the_resource(device: Device, verify: Verify) -> None:
    """The decision pages of two grants for one resource and of one for another. Accepted: any; what differs is told."""
    first, second = resources(device)
    texts = []
    for resource in (first, first, second):
        grant = device.start(resource=resource)
        with Visitor(device.case) as browser:
            text = browser.confirmation(grant).words
        texts.append(text.replace(grant.user_code, ""))
    same, again, other = texts
    # Pages that are never the same have to name it.
    named = (first in same and second in other) if same != again else same != other
    verify.that(PAGE, named, "the decision page is the same for every resource")


def _require_known(device: Device) -> str:
    """A resource that is served: the control of all refusals."""
    known, _ = resources(device)
    control = device.request(label="control: start with a known resource", resource=known)
    if not control.outcome.ok:
        raise Untestable(f"a resource of target.toml was answered {control.describe()}")
    return known


def _judge_code(verify: Verify, refused: Exchange) -> None:
    verify(ERROR, refused, accepted=REFUSED, tolerated=["invalid_scope"])


def _judge_token(verify: Verify, device: Device, answer: Exchange) -> None:
    """What a token request brings that is for an unknown resource."""
    if not answer.outcome.ok:
        verify.that(UNKNOWN, True, "", answer)  # noqa: FBT003 - the judgement itself
        _judge_code(verify, answer)
        return
    meant = UNKNOWN_RESOURCE.rstrip("/") in {one.rstrip("/") for one in _audience_if_any(device, answer)}
    verify.that(UNKNOWN, not meant, "a token is for a resource that nobody knows", answer)


def _audience_if_any(device: Device, tokens: Exchange) -> frozenset[str]:
    """For whom a token is, as far as it says so."""
    try:
        return audience(device, tokens)
    except StopCheck:
        return frozenset()
