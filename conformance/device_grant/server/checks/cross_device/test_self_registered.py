"""Clients that nobody has vouched for, RFC 10027 section 6.2.1."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.browser.markup import squeezed
from device_grant.judging import Inconclusive, check
from device_grant.server.checks.cross_device.reading import sentences
from device_grant.server.pages.informing import before_deciding
from device_grant.server.session.device import Device
from device_grant.server.session.registering import require_endpoint

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

_NAME = "Example Bank Security Update"
_MARKED = re.compile(
    r"(?:not|never|nobody\b.{0,20}|has\W?n.t)\W+(?:\w+\W+){0,3}?(?:verif|check|review|vouch|vetted|approved by)"
    r"|unverified|unchecked|unknown (?:app|client|developer|publisher)|by its own account|calls itself|claims to be"
    r"|self.registered|third.party|registered itself|without (?:verif|review)",
    re.IGNORECASE,
)
PREREGISTERED = "rfc10027-6.2.1-preregistered-clients"


@check(PREREGISTERED, faults=("anyone_may_name_a_client",))
def test_client_that_anybody_registered(case: ServerCase, verify: Verify) -> None:
    """Register without a token, under the name of somebody else, start. Reported: served, and not marked on the page.

    RFC 7591 asks for open registration, and AWS has no other: it is for the reader to know.
    """
    require_endpoint(case)
    request = case.run.registration_request(client_name=_NAME)
    anonymous = tuple(one for one in request.headers if one[0].lower() != "authorization")
    answer = case.send(replace(request, headers=anonymous), "register a misleading name without a token")
    if not answer.outcome.ok:
        verify.that(PREREGISTERED, holds=True, problem="")
        return
    device = Device(case, case.run.client_of(answer))
    started = device.request(label="start by a client that nobody knows")
    if not started.outcome.ok:
        verify.that(PREREGISTERED, holds=True, problem="")
        return
    pages = before_deciding(device)
    spoken = " ".join(sentence for page in pages for sentence in sentences(page.html))
    marked = _MARKED.search(spoken) is not None
    if not marked and any(page.data or page.markup.has_script for page in pages):
        raise Inconclusive("anybody may register a client; what the pages say of it is made by script: read them")
    named = squeezed(_NAME) in squeezed(spoken)
    how = "the pages show the name that it chose as they show any other" if named else "the pages do not say so"
    problem = f"anybody may register a client, and {how}"
    verify.that(PREREGISTERED, marked, problem, answer)
