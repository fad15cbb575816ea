"""The way from a link to a decision, by the buttons alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable
from device_grant.server.pages.approving import likeliest
from device_grant.server.pages.visitor import Visitor

if TYPE_CHECKING:
    from device_grant.browser.page import Page
    from device_grant.server.session.device import Device, Grant

_MOST_STEPS = 3


def complete_address(grant: Grant) -> str:
    """verification_uri_complete; raises NotApplicable where there is none."""
    if not grant.verification_uri_complete:
        raise NotApplicable("the server sends no verification_uri_complete")
    return grant.verification_uri_complete


def press_through(device: Device, address: str) -> list[Page]:
    """Follow a link signed in, and press the likeliest buttons for as long as nothing is to be typed; what came."""
    with Visitor(device.case) as browser:
        browser.sign_in(device)
        pages = [browser.open(address)]
        while len(pages) <= _MOST_STEPS and (form := pages[-1].form) is not None and pages[-1].markup.prompt() is None:
            pages.append(browser.submit(pages[-1], form, likeliest(form)))
    return pages
