"""Who may revoke a token: RFC 7009 sections 2.1 and 5."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Client, Purpose
from device_grant.protocol.exchange import REFUSED
from device_grant.server.checks.ends.chain import Chain
from device_grant.server.checks.ends.revoking import may_revoke, revocation, revoke, revoker
from device_grant.server.session.device import WRONG_SECRET, without

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

FOREIGN = "rfc7009-2.1-foreign-token-survives"
NAMED = "rfc7009-2.1-public-client-identifies-itself"
PROVED = "rfc7009-2.1-confidential-client-authenticates"


@check(
    FOREIGN,
    faults=("revocation_of_foreign_tokens",),
    needs=("revocation", "refresh_token"),
    timed=True,
)
def test_revocation_by_another_client(case: ServerCase, other: Device, verify: Verify) -> None:
    """Another client revokes a refresh token; then refresh. Accepted: it works, whatever the other was answered."""
    device = revoker(case)
    client = next((one for one in _others(device, other) if may_revoke(device, one)), None)
    if client is None:
        raise Untestable("no other client may revoke anything here")
    chain = Chain(device)
    chain.require_refreshing()
    stranger = revoke(device, chain.refreshes[-1], "revoke as another client", client=client)
    _verify_alive(verify, FOREIGN, chain, stranger, "a client revokes a token of another one")


def _others(device: Device, other: Device) -> Iterator[Client]:
    """Clients that the device's is not: the second one, which may be public, then those with a secret."""
    run = device.case.run
    if other.client.id != device.client.id:
        yield other.client
    for known in run.target.config.clients:
        if known.secret and known.id not in (device.client.id, other.client.id):
            yield Client(known.id, known.secret, known.authentication)
    if not run.target.config.clients and device.client.confidential:
        registered = device.case.send(run.registration_request("confidential"), "register another client with a secret")
        if registered.outcome.ok:
            yield run.client_of(registered)


@check(NAMED, faults=("revocation_by_anyone",), needs=("revocation", "refresh_token"), timed=True)
def test_revocation_by_nobody(case: ServerCase, verify: Verify) -> None:
    """Revoke with the token alone, and as a client that is unknown; then refresh. Accepted: it works."""
    device = revoker(case)
    if device.client.confidential:
        raise NotApplicable("no public client may revoke: one with a secret has to authenticate")
    chain = Chain(device)
    chain.require_refreshing()
    named = revocation(device, chain.refreshes[-1])
    bare = replace(named, content=named.content.replace(_own(device), b"").strip(b"&"))
    alone = device.case.send(bare, "revoke with the token alone", purpose=Purpose.REVOCATION)
    if _verify_alive(verify, NAMED, chain, alone, "a token is revoked without a client_id"):
        unknown = Client("unknown-client-93b1")
        stranger = revoke(device, chain.refreshes[-1], "revoke as an unknown client", client=unknown)
        _verify_alive(verify, NAMED, chain, stranger, "a token is revoked by a client that does not exist")


def _own(device: Device) -> bytes:
    """What names the client in a form."""
    from urllib.parse import urlencode

    return urlencode({"client_id": device.client.id}, errors="surrogatepass").encode()


@check(PROVED, faults=("revocation_without_secret",), needs=("revocation", "refresh_token"), timed=True)
def test_revocation_needs_the_secret(confidential: Device, verify: Verify) -> None:
    """A confidential client revokes with a wrong secret, and with its client_id alone; then refreshes.

    Accepted: invalid_client or another refusal, and the token lives; 200 without effect warns.
    """
    client = confidential.client
    if not client.confidential:
        raise Untestable("the client has no secret")
    chain = Chain(confidential)
    chain.require_refreshing()
    strangers = {
        "with a wrong secret": without(client, secret=WRONG_SECRET),
        "with the client_id alone": without(client, secret=None, authentication="none"),
    }
    for what, stranger in strangers.items():
        refused = revoke(confidential, chain.refreshes[-1], f"revoke {what}", client=stranger)
        if not _verify_alive(verify, PROVED, chain, refused, f"a confidential client's token is revoked {what}"):
            return
        verify(PROVED, refused, accepted=["invalid_client"], tolerated=[REFUSED, "ok"])


def _verify_alive(verify: Verify, requirement: str, chain: Chain, sent: Exchange, problem: str) -> bool:
    """Judge that the newest refresh token lives; whether it does."""
    after = chain.refresh("refresh")
    if not after.outcome.ok:
        chain.device.require_refreshing()
    verify.that(requirement, after.outcome.ok, problem, sent, after)
    return after.outcome.ok
