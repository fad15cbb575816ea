"""Clients that authenticate by a certificate: client_id beside it, and the endpoints for it (RFC 8705)."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

from device_grant.client.rules.session import authenticates
from device_grant.client.scripted.mutual_tls import ALIASES, CertificateRequests
from device_grant.client.scripted.steps import change, pending
from device_grant.client.session.run import CLIENT_ID
from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from device_grant.client.scripted.steps import Channel
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange

SENDS_CLIENT_ID, USES_ALIASES = "rfc8705-2-client-sends-client-id", "rfc8705-5-client-uses-aliases"
KNOWN = {"CLIENT_ID": CLIENT_ID, "CLIENT_SECRET": ""}
"""A client that the server knows, with nothing to authenticate by but its certificate."""
DIRECT: dict[Purpose, Channel] = {
    Purpose.START: "start",
    Purpose.POLL: "token",
    Purpose.TOKEN_REQUEST: "token",
    Purpose.REFRESH: "token",
    Purpose.REVOCATION: "revocation",
}
"""Requests in which a client authenticates, and the endpoint for each."""
EVERY: tuple[Channel, ...] = ("start", "token", "revocation")
NAMES = {"start": "device authorization", "token": "token", "revocation": "revocation"}
"""Of the endpoints, as people call them."""


@check(SENDS_CLIENT_ID, faults=("client_mtls_without_client_id",), needs=("mtls", "tls"))
def test_client_id_beside_a_certificate(client: ClientUnderTest, verify: Verify) -> None:
    """A login with a pending poll, a refresh and a sign-out, as far as the client has them, with a certificate.

    Accepted: client_id in every request that comes with the certificate. One that has other credentials as well
    authenticates by those, and is not judged.
    """
    attempts = list(_everything(client, CertificateRequests()))
    _must_show(attempts)
    for entry in (entry for attempt in attempts for entry in _direct(attempt) if entry.request.certificate):
        holds = None if authenticates(entry) else value_of(entry.request, "client_id") not in (None, "")
        problem = "a request that comes with a certificate has no client_id"
        verify.that(SENDS_CLIENT_ID, holds, problem if holds is False else "it has other credentials", entry)


@check(USES_ALIASES, faults=("client_ignores_aliases",), needs=("mtls", "metadata", "tls"))
def test_aliases_for_mutual_tls(client: ClientUnderTest, verify: Verify) -> None:
    """The same by metadata with an alias for each endpoint, at another port; then a login with one for tokens alone.

    Accepted: requests go to the aliases, and to the endpoint of the top level where there is none. A client that gets
    no further for the aliases alone does not use them.
    """
    client.free("metadata", ALIASES)
    attempts = list(_everything(client, CertificateRequests(EVERY), discover=True))
    _must_have_read(attempts[0])
    if not _direct(attempts[0]) and _works_without(client, attempts[0]):
        problem = "does not get to its first request where the metadata has aliases"
        verify.that(USES_ALIASES, False, problem, attempts[0])  # noqa: FBT003 - what holds
    some: tuple[Channel, ...] = ("token",) if client.claims("login") else ("start",)
    attempts.append(_begun(client, CertificateRequests(some), "aliases for some endpoints", discover=True))
    _must_show(attempts)
    for attempt in attempts:
        for entry in _direct(attempt):
            _verify_place(verify, entry, attempt)
    attempts[-1].need(Purpose.POLL)


def _everything(client: ClientUnderTest, mutual: CertificateRequests, **options: Any) -> Iterator[Attempt]:
    """One run for each thing that the client can do, the login first."""
    yield _begun(client, mutual, "with a certificate", **options)
    if client.claims("login") and client.claims("refresh"):
        yield client.refresh("a refresh with a certificate", mutual=mutual, given=KNOWN, **options)
    if client.claims("revocation"):
        yield client.sign_out("a sign-out with a certificate", mutual=mutual, given=KNOWN, **options)


def _begun(client: ClientUnderTest, mutual: CertificateRequests, label: str, **options: Any) -> Attempt:
    """A login with one pending poll; the refresh of a client that does nothing else."""
    if not client.claims("login"):
        return client.refresh(f"a refresh, {label}", mutual=mutual, given=KNOWN, **options)
    token = [pending()] if client.flows else []
    start = [change(interval=1)]
    return client.redeem(f"a login, {label}", start=start, token=token, mutual=mutual, given=KNOWN, **options)


def _direct(attempt: Attempt) -> list[Exchange]:
    """Requests to endpoints at which clients authenticate, those of the preceding operation too."""
    both = (*(attempt.before.exchanges if attempt.before else ()), *attempt.exchanges)
    return [entry for entry in both if entry.purpose in DIRECT]


def _must_show(attempts: list[Attempt]) -> None:
    entries = [entry for attempt in attempts for entry in _direct(attempt)]
    if not entries:
        attempts[0].need(Purpose.POLL)
    if not any(entry.request.certificate for entry in entries):
        raise Untestable("the client shows no certificate, though client.toml claims mtls")


def _must_have_read(attempt: Attempt) -> None:
    both = (*(attempt.before.exchanges if attempt.before else ()), *attempt.exchanges)
    if not any(entry.purpose is Purpose.METADATA and entry.status == HTTPStatus.OK for entry in both):
        raise Untestable("the client never got the document: it asked at no place where it is")


def _works_without(client: ClientUnderTest, attempt: Attempt) -> bool:
    """Whether the same metadata, but for the aliases, works; raises Untestable and Inconclusive where it does not."""
    if attempt.going_on:
        raise Inconclusive("the client had read the metadata, and was not over in time")
    plain = _begun(client, CertificateRequests(), "no aliases", discover=True)
    if not plain.succeeded:
        raise Untestable(f"by metadata and with a certificate nothing works: the client {plain.how}")
    return True


def _verify_place(verify: Verify, entry: Exchange, attempt: Attempt) -> None:
    """Judge where a request has gone, by the metadata of its own run."""
    holder = attempt if entry in attempt.exchanges or attempt.before is None else attempt.before
    authority = holder.invocation.authority
    mutual, channel = authority.mutual, DIRECT[entry.purpose]
    assert mutual is not None  # noqa: S101 - every run of this scenario has it
    path = authority.paths[channel]
    has_alias = channel in mutual.aliases
    wanted = mutual.alias(path) if has_alias else authority.base + path
    holds: bool | None = entry.request.url.partition("?")[0] == wanted
    problem = f"does not use the alias of the {NAMES[channel]} endpoint"
    if not has_alias:
        problem = f"does not use the {NAMES[channel]} endpoint of the top level, which has no alias"
    if not holds and not entry.request.certificate and authenticates(entry):
        holds, problem = None, "it has other credentials, and shows no certificate"
    verify.that(USES_ALIASES, holds, problem, entry)
