"""Whether anything stands between a mailed code and the tokens of whoever believes it, RFC 10027 section 6.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.browser.markup import squeezed
from device_grant.judging import check
from device_grant.protocol.numbers import number
from device_grant.server.checks.cross_device.asking_again import another, asks, question_of
from device_grant.server.checks.cross_device.reading import sentences, warns
from device_grant.server.checks.cross_device.starting import of_nobody, starts_of
from device_grant.server.pages.informing import before_deciding, named
from device_grant.server.pages.visitor import Visitor

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

LONGEST_CODES, LONGEST_TOKEN = 1_800, 3_600
"""Seconds from which on a life is no protection."""
SOME = "rfc10027-6.1-some-mitigation"


@check(
    SOME,
    faults=("no_mitigation",),
    timed=True,
    live="how many starts a server takes in a row, no recording shows",
    order="last",
    alone=True,
)
def test_any_mitigation(case: ServerCase, verify: Verify) -> None:
    """Lives of codes and tokens, pages, a code that comes twice, many starts: until one is a mitigation. Accepted: any.

    The next is looked at only where those before it were none. What nobody sees from outside, such as trusted networks
    and filters, may be there all the same.
    """
    device, name = named(case, "Conformance Lamp 7Q")
    grant = device.start()
    if 0 < grant.promised <= LONGEST_CODES:
        verify.that(SOME, holds=True, problem="")
        return
    with Visitor(case, person=another(device)) as other:
        question = question_of(other, device.start())
        tokens = grant.redeemed()
        life, kind = number(tokens.get("expires_in")), str(tokens.get("token_type")).lower()
        if (life is not None and life <= LONGEST_TOKEN) or kind not in ("bearer", "none"):
            verify.that(SOME, holds=True, problem="")
            return
        again = asks(other, grant, question)
    pages = before_deciding(device)
    read = [sentences(page.html) for page in pages]
    text = squeezed(" ".join(sentence for spoken in read for sentence in spoken))
    names = any(squeezed(word) in text for word in (name, device.client.id) if word)
    clear = names and any(warns(spoken) is not False for spoken in read)
    unread = any(page.data or page.markup.has_script for page in pages)
    limited = not starts_of(of_nobody(case).device)[-1].outcome.ok
    holds = True if clear or limited or not again else None if unread else False
    problem = "codes and tokens live long, codes are asked about again, starts have no limit, and no page warns of them"
    verify.that(SOME, holds, problem, tokens)
