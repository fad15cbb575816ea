"""Endpoints of their own for those who show certificates: RFC 8705 section 5."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Operation
from device_grant.server.checks.mutual_tls.certified import ACCEPT_OURS, LIVE, NEEDS, require_tls, shown_by_device
from device_grant.server.session.device import Device
from device_grant.server.session.mutual_tls import ALIASES, MEMBERS, alias_of

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

WORKS = "rfc8705-5-device-alias-works"


@check(WORKS, needs=NEEDS, faults=("mtls_alias_own_codes",), timed=True, live=LIVE)
def test_codes_of_the_alias(case: ServerCase, verify: Verify) -> None:
    """Start at the alias and poll at the usual endpoint, then the other way round. Accepted: a token each time."""
    plain = case.device
    if not alias_of(case.run, MEMBERS[Operation.DEVICE_AUTHORIZATION]):
        raise NotApplicable(f"{ALIASES} has no device_authorization_endpoint")
    shows = Device(case, replace(plain.client, certificate=shown_by_device(case)))
    require_tls(case, Operation.DEVICE_AUTHORIZATION, shows.client)
    for start, poll, label in ((shows, plain, "the usual endpoint"), (plain, shows, "the alias")):
        started = start.request(label="start at the alias" if start is shows else "start at the usual endpoint")
        if start is plain and not started.outcome.ok:
            raise Untestable(f"device authorization was refused with {started.describe()}")
        if started.response is None:
            raise Untestable(f"the alias cuts connections with the certificate of the suite: {ACCEPT_OURS}")
        verify(WORKS, started, accepted=["ok"])
        if not started.outcome.ok:
            return
        grant = start.started(started)
        case.device.user.approve(grant)
        if poll is shows and not alias_of(case.run, MEMBERS[Operation.TOKEN]):
            continue
        grant.device = poll
        verify(WORKS, grant.poll(label=f"redeem at {label}"), accepted=["ok"])
