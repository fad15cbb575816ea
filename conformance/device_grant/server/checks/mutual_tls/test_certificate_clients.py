"""Clients that authenticate by certificates, at both endpoints of the device grant: RFC 8705 sections 2 and 6.5."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation
from device_grant.protocol.certificates import BY_AUTHORITY
from device_grant.server.checks.mutual_tls.certified import LIVE, NEEDS, REFUSED_OR_CUT, shown_by_device
from device_grant.server.checks.mutual_tls.clients import (
    OTHER_SUBJECT,
    SUBJECT,
    certified_parties,
    listed_methods,
)
from device_grant.server.session.device import PENDING
from device_grant.server.session.methods import METHOD
from device_grant.server.session.mutual_tls import url_for
from device_grant.server.session.registering import attempt

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.checks.mutual_tls.clients import CertifiedParty
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant

START = "rfc8705-2-device-endpoint-authenticates"
INVALID = "rfc8705-2-invalid-client"
BINDING = "rfc8705-2-binding-enforced"
FORGED = "rfc8705-6.5-forged-certificate-header"
TWO = "rfc8705-2.1-single-subject"


@check(START, INVALID, faults=("mtls_not_at_device_endpoint", "mtls_mismatch_403"), needs=NEEDS, live=LIVE)
def test_start_with_the_certificate_of_somebody_else(case: ServerCase, verify: Verify) -> None:
    """Start with the certificate of somebody else, and without one. Accepted: invalid_client, or no connection."""
    answered = 0
    for party in certified_parties(case):
        for label, client in party.impostors():
            exchange = party.device.request(client=client, label=f"start {label} ({party.method})")
            problem = f"a client of {party.method} is given codes {label}"
            verify.that(START, not exchange.outcome.ok, problem, exchange, accepted=REFUSED_OR_CUT)
            if exchange.response is not None and not exchange.outcome.ok:
                answered += 1
                verify(INVALID, exchange, accepted=["invalid_client"])
    if not answered:
        raise Inconclusive("no attempt was answered by an error: connections were cut, or codes were given")


@check(BINDING, FORGED, faults=("mtls_any_certificate", "mtls_header_believed"), needs=NEEDS, timed=True, live=LIVE)
def test_poll_with_the_certificate_of_somebody_else(case: ServerCase, verify: Verify) -> None:
    """Poll an approved code as an impostor, with forged headers too, then rightly. Accepted: one token, at the end."""
    forgeable = 0
    for party in certified_parties(case):
        device, bare = party.device, replace(party.device.client, certificate=None)
        members = device.authorization_members()
        started = _with_headers(party, Operation.DEVICE_AUTHORIZATION, members, bare)
        control = device.request(client=bare, label="control: start without a certificate")
        grant = device.start()
        device.user.approve(grant)
        body: dict[str, Any] = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code}
        polls = []
        for label, client in party.impostors():
            poll = device.token(client=client, label=f"poll {label}", **body)
            polls.append((f"tokens are issued to a client of {party.method} {label}", poll))
        # Where nobody has to show anything, nothing tells whether a header is believed.
        tries = [] if control.outcome.ok else [started]
        if not any(_let_in(poll) for _, poll in polls):
            tries.append(_with_headers(party, Operation.TOKEN, body, bare))
        _require_alive(grant, [*(poll for _, poll in polls), *tries[-1:]])
        for problem, poll in polls:
            verify.that(BINDING, not _let_in(poll), problem, poll, accepted=REFUSED_OR_CUT)
        for forged in tries:
            problem = f"a client of {party.method} is believed a certificate in a header"
            verify.that(FORGED, not _let_in(forged), problem, forged, accepted=REFUSED_OR_CUT)
        forgeable += len(tries)
    if not forgeable:
        raise Untestable("certificates are looked at nowhere, so that nothing tells whether a header is believed")


def _let_in(exchange: Exchange) -> bool:
    return exchange.outcome.ok or exchange.code in PENDING


def _require_alive(grant: Grant, attempts: list[Exchange]) -> None:
    """Raise Untestable where nobody got a token, and the right certificate gets none either."""
    if any(exchange.outcome.ok for exchange in attempts):
        return
    control = grant.poll(label="control: redeem with the right certificate")
    if not control.outcome.ok:
        raise Untestable(f"the right certificate gets no token either: {control.describe()}")


def _with_headers(party: CertifiedParty, operation: Operation, body: dict[str, Any], client: Client) -> Exchange:
    run = party.device.case.run
    request = run.dialect.encode(operation, url_for(run, operation, client), body, client)
    forged = replace(request, headers=(*request.headers, *party.forged()))
    return party.device.case.send(forged, f"{operation.replace('_', ' ')} with the certificate in headers")


@check(TWO, faults=("mtls_two_subjects",), needs=(*NEEDS, "registration"), live=LIVE)
def test_two_kinds_of_subject(case: ServerCase, verify: Verify) -> None:
    """Register with a subject DN and a DNS name. Accepted: a refusal, or one of the two in the response."""
    from device_grant.targets.certificates import subject_of  # what lists checks makes no certificates

    if BY_AUTHORITY not in listed_methods(case):
        raise NotApplicable(f"the metadata does not list {BY_AUTHORITY}")
    both = {SUBJECT: subject_of(shown_by_device(case)), OTHER_SUBJECT: "device.client.example.org"}
    answer = attempt(case, "register with two kinds of subject", "confidential", **{METHOD: BY_AUTHORITY}, **both)
    registered = answer.outcome.ok and all(answer.get(name) for name in both)
    verify.that(TWO, not registered, "a client is registered with two kinds of subject", answer)
