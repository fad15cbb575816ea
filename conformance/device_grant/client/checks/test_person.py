"""What a server can do to the terminal and the browser of the client's user (RFC 8628 sections 3.3 and 5.4)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.client.drivers.invocation import MARK
from device_grant.client.scripted.steps import change, error, pending
from device_grant.judging import NotApplicable, check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.scripted.steps import Channel, Step
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

TERMINAL = "rfc8628-3.3-client-terminal-safe"
ONLY_WEB = "rfc8628-3.3-client-opens-web-addresses"
NO_SHELL = "rfc8628-3.3-client-opens-without-shell"
HIDE, OVERRIDE = "\x1b[8m", "\u202e"
"""What makes a terminal hide all that follows, and what turns its direction."""
UNTOLD = "4711"
SPOILT = f"WDJB{HIDE}{OVERRIDE}-MJHT\n{UNTOLD}"
"""A text with both, and with a line of its own."""
RAW = {
    "an escape sequence": re.compile(re.escape(HIDE)),
    "a mark of direction": re.compile(OVERRIDE),
    "a line break": re.compile(rf"MJHT\r*\n{UNTOLD}", re.IGNORECASE),
}
NOT_WEB = ("javascript:alert(8628)", "file:///etc/hostname")
EXECUTED = "device-grant-was-here"
_MAKE_IT = f"touch${{IFS}}$HOME/{EXECUTED}"
OF_A_SHELL = f"{{base}}/device?a=$({_MAKE_IT})';{_MAKE_IT};'"
"""An address that makes a file under HOME where a shell reads it: bare, in double quotes, or in single ones."""


@check(TERMINAL, faults=("server_text_shown_raw",), needs=("flow", "shows"))
def test_text_for_a_terminal(client: ClientUnderTest, verify: Verify) -> None:
    """An escape sequence, a mark of direction and a line break in user_code, in verification_uri, in error_description.

    The client writes to a terminal. Accepted: none of them reaches it as it is, or the client fails.
    """
    client.free("device_authorization", "user_code", "verification_uri", "verification_uri_complete")
    uri = f"{{base}}/{SPOILT}"
    for where, start, last in (
        ("user_code", change(user_code=SPOILT), ()),
        ("verification_uri", change(verification_uri=uri, verification_uri_complete=uri), ()),
        ("error_description", change(interval=1), (error("access_denied", error_description=SPOILT),)),
    ):
        forever: tuple[Channel, ...] = ("token",) if last else ()
        login = client.login(where, start=[start], token=[pending(), *last], forever=forever, terminal=True)
        login.need(Purpose.POLL if last else Purpose.START)
        shown = [name for name, pattern in RAW.items() if _written_by_itself(login, pattern)]
        problem = f"writes what a terminal obeys from {where} as it is"
        verify.that(TERMINAL, not shown, problem, login, got=", ".join(shown))


def _written_by_itself(login: Attempt, pattern: re.Pattern[str]) -> bool:
    """Whether the client wrote it, and not an adapter on a line of its own."""
    for text in (login.ended.stdout, login.ended.stderr):
        for place in pattern.finditer(text):
            line = text[text.rfind("\n", 0, place.start()) + 1 :]
            if not line.startswith(MARK):
                return True
    return False


@check(ONLY_WEB, NO_SHELL, faults=("any_address_opened", "address_opened_by_shell"), needs=("flow",), timed=True)
def test_addresses_that_are_opened(client: ClientUnderTest, verify: Verify) -> None:
    """verification_uri with the scheme javascript, with file, and with what a shell obeys.

    A plain address comes first: where the client opens none, the others say nothing. Accepted: the first two are not
    opened; of the third no file comes into being.
    """
    client.free("device_authorization", "verification_uri", "verification_uri_complete")
    plain = _begun(client, "a plain address")
    if not plain.ended.opened:
        raise NotApplicable("the client opens no browser by BROWSER or by the programs that desktops have for it")
    for uri in NOT_WEB:
        login = _begun(client, uri, change(verification_uri=uri, verification_uri_complete=uri))
        scheme = uri.partition(":")[0]
        opened = [one for one in login.ended.opened if one.startswith(f"{scheme}:")]
        verify.that(ONLY_WEB, not opened, f"opens an address of the scheme {scheme}", login, got=", ".join(opened))
    address = change(verification_uri=OF_A_SHELL, verification_uri_complete=OF_A_SHELL)
    login = _begun(client, "what a shell obeys", address)
    executed = any(file.path == EXECUTED for file in login.files)
    verify.that(NO_SHELL, not executed, "lets a shell carry out what is in an address of the server's", login)


def _begun(client: ClientUnderTest, label: str, *start: Step) -> Attempt:
    """A login that is pending at first: some clients turn to their user only then."""
    login = client.login(label, start=start, token=[pending()])
    login.need(Purpose.START)
    return login
