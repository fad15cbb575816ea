"""What people are told before they let a device in that somebody else may have sent, RFC 10027 section 6.1.14."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from device_grant.browser.markup import squeezed
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.server.checks.cross_device.reading import CLAIM, WARNS, sentences, warns
from device_grant.server.pages.informing import before_deciding, may_be_pictured, named, pictures
from device_grant.server.pages.visitor import Visitor
from device_grant.server.pages.wording import DEVICE, unread
from device_grant.server.session.scopes import known_scopes, with_defaults

if TYPE_CHECKING:
    from device_grant.browser.page import Page
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

_NAME = "Conformance Lamp 7Q"


@check(WARNS, faults=("no_unrequested_warning",))
def test_warning_of_what_one_did_not_start(case: ServerCase, verify: Verify) -> None:
    """The pages up to the decision. Accepted: one says to refuse what one did not start; other words: inconclusive."""
    if case.run.claims(CLAIM):
        raise Inconclusive(f"target.toml claims {CLAIM}, which its owner has read: words are not judged here")
    device, _ = named(case, _NAME)
    pages = before_deciding(device)
    said = [warns(sentences(page.html)) for page in pages]
    alive = any(page.data or page.markup.has_script for page in pages)
    case.exposed["warns"] = True if True in said else None if alive or None in said else False
    if True in said:
        verify.that(WARNS, holds=True, problem="")
        return
    if alive:
        raise Inconclusive("script makes or changes the words of the pages: read them yourself")
    reason = next(filter(None, (unread(page.markup, "a page", DEVICE) for page in pages)), "")
    if reason or None in said:
        raise Inconclusive(
            reason
            or f"words of caution are on the pages, in a form of their own: read them yourself, and claim {CLAIM}"
        )
    verify.that(WARNS, holds=False, problem="no page before the decision says to refuse what one did not start")


@check("rfc10027-6.1.14-context-at-sign-in", faults=("sign_in_without_context",))
def test_context_at_sign_in(case: ServerCase, verify: Verify) -> None:
    """verification_uri_complete without a session. Accepted: a sign-in page that names the client or a device."""
    device, name = named(case, _NAME)
    grant = device.start()
    if not grant.verification_uri_complete:
        raise NotApplicable("the server sends no verification_uri_complete")
    with Visitor(device.case) as browser:
        page = browser.open(grant.verification_uri_complete)
    if not page.markup.asks_password:
        raise NotApplicable("nobody is asked for a password where the link leads, as far as forms tell")
    if page.url.host != browser.http.base_url.host:
        raise NotApplicable("the sign-in is at another host")
    spoken = " ".join(sentences(page.html))
    named_there = any(squeezed(word) in squeezed(spoken) for word in (name, device.client.id) if word)
    holds = named_there or DEVICE.search(spoken) is not None or squeezed(grant.user_code) in squeezed(spoken)
    if not holds:
        if "img" in page.markup.elements or page.markup.has_script:
            raise Inconclusive("pictures or script may say more on the sign-in page: read it yourself")
        reason = unread(page.markup, "the sign-in page", DEVICE)
        if reason or not name:
            raise Inconclusive(
                reason or "the client's name is not known here: neither target.toml nor a registration tells it"
            )
    problem = "the sign-in page that the link leads to does not say what the sign-in is for"
    verify.that("rfc10027-6.1.14-context-at-sign-in", holds, problem)


CONTEXT = "rfc10027-6.1.14-context-on-decision-page"


@check(CONTEXT, faults=("decision_page_without_context",))
def test_context_of_the_decision(case: ServerCase, verify: Verify) -> None:
    """The pages up to the decision, for two scopes. Accepted: they name the client, and differ or name the scopes.

    Where no two scopes are known, the client's name is enough: what it is for may go without saying.
    """
    device, name = named(case, _NAME)
    scopes = _scopes(device)
    shown = [_shown(device, scope) for scope in scopes]
    who = all(any(squeezed(word) in squeezed(said.text) for word in (name, device.client.id) if word) for said in shown)
    what = (
        len(shown) < _PAIR
        or shown[0].differs(shown[1])
        or all(
            squeezed(scope.split()[0]) in squeezed(said.text)
            for scope, said in zip(scopes, shown, strict=True)
            if scope
        )
    )
    case.exposed |= {
        "names_client": who,
        "names_scopes": what and len(shown) == _PAIR,
        "names_origin": any(_ORIGIN.search(said.text) for said in shown),
    }
    if not (who and what):
        pictured = not who and may_be_pictured(case, [page for said in shown for page in said.pages])
        if pictured or any(said.alive for said in shown):
            raise Inconclusive("pictures or script may say more on the pages: read them yourself")
        if not (who or name):
            raise Inconclusive("the client's name is not known here: neither target.toml nor a registration tells it")
    problem = (
        "no page before the decision says which client asks"
        if not who
        else ("the pages before the decision are the same for two scopes, neither of which they name")
    )
    verify.that(CONTEXT, who and what, problem)


_PAIR = 2
_ORIGIN = re.compile(
    r"\b(?:\d{1,3}\.){3}\d{1,3}\b|\b[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){3,7}\b"
    r"|\b(?:location|ip address|requested from)\b",
    re.IGNORECASE,
)
"""An address, or words by which pages say from where a request came."""


@dataclass(frozen=True)
class _Shown:
    """What a person sees up to the decision."""

    spoken: frozenset[str]
    """Sentences without digits and the user code."""
    text: str
    alive: bool
    """Whether script may say more."""
    pages: tuple[Page, ...]

    def differs(self, other: _Shown) -> bool:
        return self.spoken != other.spoken or pictures(self.pages) != pictures(other.pages)


def _scopes(device: Device) -> list[str | None]:
    if device.case.run.dialect.scopes_are_registered:
        return [None]
    known = known_scopes(device)
    if len(known) < _PAIR:
        return [None]
    return [with_defaults(device, known[0]), with_defaults(device, known[1])]


def _shown(device: Device, scope: str | None) -> _Shown:
    grant = device.start() if scope is None else device.start(scope=scope)
    with Visitor(device.case) as browser:
        refused = browser.decide("approve", grant.view)
        if refused:
            raise Untestable(f"the user could not approve: {refused}")
        pages = browser.informing()[:-1]
    if not pages:
        raise Untestable("the user decides without a page: let the user module open one, and it can be judged")
    spoken = [sentence for page in pages for sentence in sentences(page.html or escape(page.data))]
    code = squeezed(grant.user_code)
    plain = frozenset(re.sub(r"\d+", "", one) for one in spoken if not code or code not in squeezed(one))
    alive = any(page.data or page.markup.has_script for page in pages)
    return _Shown(plain, " ".join(spoken), alive, tuple(pages))
