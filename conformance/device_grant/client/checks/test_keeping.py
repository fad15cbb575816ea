"""What the client leaves on the machine (RFC 6819 section 5.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.drivers.invocation import Kept
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

OTHER_PEOPLE = 0o077
KINDS = ("access_token", "refresh_token", "client_secret", "device_code")


@check("rfc6819-5.3.3-secure-storage", faults=("files_for_everyone",))
def test_files(client: ClientUnderTest, verify: Verify) -> None:
    """A plain login with umask 022. Accepted: files with secrets under HOME can be read by their owner alone."""
    login = client.redeem()
    login.need(Purpose.POLL)
    secret = [file for file in login.files if _holds_secrets(login, file)]
    if not secret and login.succeeded:
        raise NotApplicable("the client keeps no secret in a file under HOME")
    open_ones = [f"{file.path} ({file.mode:03o})" for file in secret if file.mode & OTHER_PEOPLE]
    problem = "keeps secrets in a file that other people can read"
    verify.that("rfc6819-5.3.3-secure-storage", not open_ones, problem, login, got=", ".join(open_ones))


def _holds_secrets(login: Attempt, file: Kept) -> bool:
    issued = login.invocation.authority.issued
    return any(value.encode() in file.content for kind in KINDS for value in issued.get(kind, ()) if value)
