"""What the client leaves on the machine (RFC 6819 section 5.3.3)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.rules.hiding import written_forms
from device_grant.judging import NotApplicable, check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.drivers.invocation import Kept
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

OTHER_PEOPLE = 0o077
KINDS = ("access_token", "refresh_token", "client_secret", "device_code")


@check("rfc6819-5.3.3-secure-storage", faults=("files_for_everyone", "files_open_for_a_moment"))
def test_files(client: ClientUnderTest, verify: Verify) -> None:
    """A login with umask 022, and a refresh. Accepted: only their owner can read files with secrets under HOME.

    HOME is watched meanwhile, on Linux: a file that is made for everybody and closed afterwards was open.
    """
    runs = []
    if client.claims("login"):
        runs.append(client.redeem(watched=True))
        runs[-1].need(Purpose.POLL)
    if client.claims("refresh"):
        runs.append(client.refresh(watched=True))
    secret = [(run, file) for run in runs for file in run.files if _holds_secrets(run, file)]
    glimpsed = [(run, file) for run in runs for file in run.glimpsed if _holds_secrets(run, file)]
    if not secret and not glimpsed and all(run.succeeded for run in runs):
        raise NotApplicable("the client keeps no secret in a file under HOME")
    open_ones = [(run, f"{file.path} ({file.mode:03o})") for run, file in secret if file.mode & OTHER_PEOPLE]
    problem = "keeps secrets in a file that other people can read"
    if glimpsed and not open_ones:
        open_ones = [(run, f"{file.path} ({file.mode:03o})") for run, file in glimpsed]
        problem = "writes secrets into a file that other people can read for a moment"
    got = ", ".join(dict.fromkeys(name for _, name in open_ones))
    shown = open_ones[0][0] if open_ones else runs[-1]
    verify.that("rfc6819-5.3.3-secure-storage", not open_ones, problem, shown, got=got)


def _holds_secrets(run: Attempt, file: Kept) -> bool:
    issued = run.invocation.authority.issued
    values = [value.encode() for kind in KINDS for value in issued.get(kind, ()) if value]
    return any(form in file.content for value in values for form in written_forms(value))
