"""Ways in which somebody who has not signed in tries to approve: by the pages themselves, and with a person's form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from device_grant.browser.page import page_of, split
from device_grant.server.pages.approving import (
    approval_or_place,
    approving_form,
    common,
    differing,
    likeliest,
    with_values,
)
from device_grant.server.pages.resending import Place, form_of, hold, passwords, resend
from device_grant.server.pages.visitor import Visitor

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.server.pages.approving import Approval
    from device_grant.server.session.device import Device, Grant

_STEPS = 5
_INVENTED = "0"


@dataclass(frozen=True)
class StrangerAttempt:
    """One of the ways."""

    make: Callable[[Visitor, Grant], None]
    """Tries to approve a grant in a browser with nothing in it."""
    shows_a_sign_in: bool = False
    """Whether what is sent may show by itself that somebody signed in, who then was given it."""


def attempts(device: Device) -> list[StrangerAttempt]:
    """All of them, in the order in which they are to be made; raises as `approval_or_place` does."""
    approval = approval_or_place(device)
    if isinstance(approval, Place):
        return [
            StrangerAttempt(partial(_resend_whole, approval), shows_a_sign_in=True),
            StrangerAttempt(partial(_resend_common, approval)),
        ]
    return [
        StrangerAttempt(partial(_walk, approval)),
        StrangerAttempt(partial(_replay_whole, approval), shows_a_sign_in=True),
        StrangerAttempt(partial(_replay_common, approval)),
        StrangerAttempt(partial(_replay_with_own, approval)),
    ]


def _walk(approval: Approval, stranger: Visitor, grant: Grant) -> None:
    page = stranger.open(grant.verification_uri_complete or grant.verification_uri)
    for _ in range(_STEPS):
        form = approval.on(page)
        if form is not None:
            stranger.submit(page, form, approval.button)
            return
        prompt = page.markup.prompt()
        if page.markup.asks_password or prompt is None:
            return
        form, entry = prompt
        page = stranger.submit(page, form, next(iter(form.buttons), None), **{entry.name: grant.user_code})


def _replay_whole(approval: Approval, stranger: Visitor, grant: Grant) -> None:
    with Visitor(stranger.case) as person:
        page, form, button = approving_form(person, grant, approval)
    stranger.submit(page, form, button)


def _replay_common(approval: Approval, stranger: Visitor, grant: Grant) -> None:
    with Visitor(stranger.case) as person, Visitor(stranger.case) as again:
        page, form, button = approving_form(person, grant, approval)
        _, other, _ = approving_form(again, grant, approval)
    stranger.submit(page, common(form, other), button)


def _replay_with_own(approval: Approval, stranger: Visitor, grant: Grant) -> None:
    """The form as the stranger can make it up: with what they were given under the same names, and inventions.

    Nothing in it is a person's own, so that nothing in it shows a sign-in.
    """
    own = _given_without_signing_in(stranger, grant)
    with Visitor(stranger.case) as person, Visitor(stranger.case) as again:
        page, form, button = approving_form(person, grant, approval)
        _, other, _ = approving_form(again, grant, approval)
    theirs = {name: own.get(name, _INVENTED * len(value)) for name, value, _ in differing(form, other)}
    if theirs:
        stranger.submit(page, with_values(form, theirs), button)


def _given_without_signing_in(stranger: Visitor, grant: Grant) -> dict[str, str]:
    """Names and values of the addresses and fields that a stranger meets who goes on with the code."""
    page = stranger.open(grant.verification_uri_complete or grant.verification_uri)
    prompt = page.markup.prompt()
    if prompt is not None and not page.markup.asks_password:
        form, entry = prompt
        stranger.submit(page, form, likeliest(form), **{entry.name: grant.user_code})
    elif page.form is not None:
        # The code that the address brought is filled in already.
        stranger.submit(page, page.form, likeliest(page.form))
    given: dict[str, str] = {}
    for page in map(page_of, stranger.seen):
        given |= dict(parse_qsl(split(str(page.url)).query))
        for form in page.markup.forms:
            given |= {entry.name: entry.value for entry in form.inputs if entry.kind == "hidden"}
    return given


def _resend_whole(place: Place, stranger: Visitor, grant: Grant) -> None:
    """The last request of the user module, where no single form approves."""
    with Visitor(stranger.case) as person:
        request = hold(person, grant, place)
        unknown = passwords(person.last)
    resend(stranger, request, unknown)


def _resend_common(place: Place, stranger: Visitor, grant: Grant) -> None:
    with Visitor(stranger.case) as person, Visitor(stranger.case) as again:
        request = hold(person, grant, place)
        unknown = passwords(person.last)
        form, other = form_of(request), form_of(hold(again, grant, place))
    shared = common(form, other)
    if request.method == "GET":
        stranger.submit(person.last, shared)
        return
    resend(stranger, request, unknown | (form.values.keys() - shared.values.keys()), shared.action)
