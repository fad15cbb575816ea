"""What people are shown before they decide, and of which client (RFC 8628 sections 3.3 and 5.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

from device_grant.browser.tree import tree_of
from device_grant.judging import StopCheck, Untestable
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.device import Device

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.browser.page import Page
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

_OTHER = "Conformance Kettle 3W"
_PICTURED = ("img", "source", "image", "svg", "object", "embed", "input")
_PLACES = ("src", "srcset", "data", "href")
_BY_STYLE = re.compile(r"url\([^)]*\)", re.IGNORECASE)


def named(case: ServerCase, name: str) -> tuple[Device, str]:
    """A device whose client is registered under that name; else the primary one and the name that target.toml gives."""
    if case.run.endpoints.registration and case.run.claims("registration") is not False:
        answer: Exchange = case.send(case.run.registration_request(client_name=name), "register under a name")
        if answer.outcome.ok:
            device = Device(case, case.run.client_of(answer))
            if device.request(label="start by the named client").outcome.ok:
                return device, name
    client = case.device.client.id
    return case.device, next((one.name for one in case.run.target.config.clients if one.id == client), "")


def before_deciding(device: Device) -> list[Page]:
    """Pages that a person sees before a request is approved, and the one at verification_uri_complete."""
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", device.start().view)
        if refused:
            raise Untestable(f"the user could not approve: {refused}")
        seen = browser.informing()[:-1]
        if not seen:
            user = device.case.decider
            if user is not None and user.pages is not None:
                raise Untestable("the user module decides without a page: let it open one, and it can be judged")
            raise Untestable("the user decides elsewhere: use a user module, and the pages can be judged")
        complete = device.start().verification_uri_complete
        return [*seen, browser.open(complete)] if complete else seen


def instead_of_pictures(page: Page) -> str:
    """The texts that stand for pictures where these are not shown."""
    root = tree_of(page.html)
    return " ".join(str(one.get("alt", "")) for one in root.iter("img", "input", "area")) if root is not None else ""


def pictures(pages: Iterable[Page]) -> frozenset[str]:
    """What the pages have of pictures: their addresses, and those that stand in the page as they are."""
    shown: set[str] = set()
    for page in pages:
        root = tree_of(page.html)
        if root is None:
            continue
        for element in root.iter(*_PICTURED):
            shown |= {str(element.get(name)) for name in _PLACES if element.get(name)}
            if element.tag == "svg":
                shown.add(etree.tostring(element, encoding="unicode", with_tail=False))
        shown |= set(_BY_STYLE.findall(page.html))
    return frozenset(shown)


def may_be_pictured(case: ServerCase, pages: Iterable[Page]) -> bool:
    """Whether a picture may name the client: the pages for another client have others, or there are none to be had."""
    shown = pictures(pages)
    if not shown:
        return False
    other, name = named(case, _OTHER)
    try:
        return pictures(before_deciding(other if name == _OTHER else case.other)) != shown
    except StopCheck:
        return True
