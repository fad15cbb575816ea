"""The way from verification_uri_complete on, as far as nothing has to be typed (RFC 8628 section 3.3.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.browser.markup import squeezed
from device_grant.judging import NotApplicable
from device_grant.server.pages.approving import likeliest
from device_grant.server.pages.visitor import Visitor

if TYPE_CHECKING:
    from device_grant.browser.page import Page
    from device_grant.server.session.device import Device, Grant

_MOST_STEPS = 3


def visit(device: Device, grant: Grant) -> tuple[bool, list[Page]]:
    """Whether one could sign in, and what verification_uri_complete then shows, and where its one button leads."""
    code = squeezed(grant.user_code)
    with Visitor(device.case) as browser:
        signed_in = browser.sign_in(device)
        visited = [browser.open(complete_address(grant))]
        while len(visited) < _MOST_STEPS and not shows(visited[-1], code):
            form = visited[-1].form
            # Some pages only pass the code on, by script or by their one button.
            if form is None or len(form.buttons) > 1 or code not in {squeezed(value) for value in form.values.values()}:
                break
            visited.append(browser.submit(visited[-1], form, next(iter(form.buttons), None)))
    return signed_in, visited


def approved_without_typing(device: Device) -> bool:
    """Whether nothing but the likeliest buttons from verification_uri_complete on leads to a token."""
    grant = device.start()
    with Visitor(device.case) as browser:
        browser.sign_in(device)
        page = browser.open(complete_address(grant))
        for _ in range(_MOST_STEPS):
            if page.form is None or page.markup.prompt() is not None:
                break
            page = browser.submit(page, page.form, likeliest(page.form))
    return grant.poll(label="poll after nothing was typed").outcome.ok


def is_put_off(page: Page) -> bool:
    """Whether a page is neither for a code nor for anything else: throttling is told by success too."""
    return page.shown and not page.markup.forms and not page.markup.has_script


def complete_address(grant: Grant) -> str:
    """verification_uri_complete; raises NotApplicable where there is none."""
    if not grant.verification_uri_complete:
        raise NotApplicable("the server sends no verification_uri_complete")
    return grant.verification_uri_complete


def shows(page: Page, code: str) -> bool:
    """Whether a person reads the code, which is squeezed, on the page."""
    return page.shown and code in squeezed(page.markup.text)
