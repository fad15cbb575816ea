"""Client authentication at both endpoints: RFC 6749 sections 2.3 and 5.2, RFC 8628 sections 3.1 and 3.4."""

from __future__ import annotations

from typing import TYPE_CHECKING

from conformance.judging import Untestable, check
from conformance.protocol import DEVICE_CODE_GRANT, RFC8628, Operation, Request
from conformance.protocol.dialects import basic_authorization
from conformance.server.device import PENDING, describe, without

if TYPE_CHECKING:
    from conformance.server.case import Case, Verify
    from conformance.server.device import Device

NOT_AUTHENTICATED = ("invalid_client",)


def _wrong(device: Device) -> Device:
    from conformance.server.device import Device as NewDevice

    if device.client.secret is None:
        raise Untestable("the client has no secret")
    return NewDevice(device.case, without(device.client, secret="wrong-secret-9c2e"))


@check("rfc8628-3.1-bad-secret-rejected", "rfc6749-5.2-invalid-client", "aws-start-unknown-client")
def test_wrong_secret_at_start(confidential: Device, verify: Verify) -> None:
    """A known client with a wrong secret. Accepted: invalid_client."""
    confidential.start()
    exchange = _wrong(confidential).request(label="start with a wrong secret")
    for requirement in ("rfc8628-3.1-bad-secret-rejected", "rfc6749-5.2-invalid-client"):
        verify(requirement, exchange, accepted=NOT_AUTHENTICATED)
    verify("aws-start-unknown-client", exchange, accepted=NOT_AUTHENTICATED)


@check("rfc8628-3.1-confidential-unauthenticated-rejected", dialects=(RFC8628,))
def test_confidential_client_without_authentication_at_start(confidential: Device, verify: Verify) -> None:
    """A confidential client that sends its client_id alone. Accepted: invalid_client."""
    confidential.start()
    bare = without(confidential.client, secret=None, authentication="none")
    exchange = confidential.request(client=bare, label="start with client_id alone")
    verify("rfc8628-3.1-confidential-unauthenticated-rejected", exchange, accepted=NOT_AUTHENTICATED)


@check("rfc8628-3.4-credentialed-client-enforced", "rfc6749-2.2-client-id-not-authentication", timed=True)
def test_approved_code_needs_the_secret(confidential: Device, verify: Verify) -> None:
    """Approve, then redeem with a wrong secret and with client_id alone. Accepted: invalid_client."""
    grant = confidential.start()
    confidential.user.approve(grant)
    wrong = grant.poll(client=_wrong(confidential).client, label="redeem with a wrong secret")
    accepted = ["invalid_client", "invalid_request"] if confidential.case.run.aws else ["invalid_client"]
    verify("rfc8628-3.4-credentialed-client-enforced", wrong, accepted=accepted)
    bare = without(confidential.client, secret=None, authentication="none")
    alone = grant.poll(client=bare, wait=not wrong.outcome.ok, label="redeem with client_id alone")
    if wrong.outcome.ok:
        # The code is spent: what client_id alone would have yielded can no longer be told.
        verify.that("rfc6749-2.2-client-id-not-authentication", None, "the code was redeemed by a wrong secret", alone)
        return
    verify("rfc6749-2.2-client-id-not-authentication", alone, accepted=["invalid_client", "invalid_request"])


@check("rfc8628-3.4-missing-client-id-rejected", timed=True)
def test_poll_without_client(case: Case, device: Device, verify: Verify) -> None:
    """A poll of a live code with neither client_id nor authentication. Accepted: a refusal of the client."""
    grant = device.start()
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code}
    exchange = case.call(Operation.TOKEN, members, None, "poll without a client")
    verify(
        "rfc8628-3.4-missing-client-id-rejected",
        exchange,
        accepted=["invalid_request", "invalid_client"],
        tolerated=["unauthorized_client", "invalid_grant"],
    )


@check("rfc6749-2.3.1-server-supports-basic", "rfc6749-2.3.1-basic-scheme-case", dialects=(RFC8628,), timed=True)
def test_basic_authentication(confidential: Device, verify: Verify) -> None:
    """Start and poll with HTTP Basic, then with the scheme in lower case. Accepted: as any client."""
    client = without(confidential.client, authentication="client_secret_basic")
    started = confidential.request(client=client, label="start with Basic")
    verify("rfc6749-2.3.1-server-supports-basic", started, accepted=["ok"])
    if not started.outcome.ok:
        raise Untestable(f"Basic authentication was answered {describe(started)}")
    plain = confidential.case.run.dialect.encode(
        Operation.DEVICE_AUTHORIZATION,
        confidential.case.run.url(Operation.DEVICE_AUTHORIZATION),
        confidential.authorization_members(),
        client,
    )
    lower = basic_authorization(client.id, client.secret or "").replace("Basic", "basic", 1)
    headers = tuple((name, lower if name == "Authorization" else value) for name, value in plain.headers)
    exchange = confidential.case.send(
        Request("POST", plain.url, headers, plain.content, plain.operation), "start with a lower-case scheme"
    )
    verify("rfc6749-2.3.1-basic-scheme-case", exchange, accepted=["ok"])


@check("rfc6749-2.3.1-uri-credentials-refused", dialects=(RFC8628,))
def test_credentials_in_the_query(confidential: Device, verify: Verify) -> None:
    """client_id and client_secret in the query of the POST, nothing in the body. Accepted: no codes."""
    from urllib.parse import urlencode

    case = confidential.case
    query = urlencode({"client_id": confidential.client.id, "client_secret": confidential.client.secret or ""})
    url = f"{case.run.url(Operation.DEVICE_AUTHORIZATION)}?{query}"
    request = case.run.dialect.encode(Operation.DEVICE_AUTHORIZATION, url, confidential.authorization_members(), None)
    exchange = case.send(request, "credentials in the query")
    issued = exchange.get("device_code") is not None
    verify.that("rfc6749-2.3.1-uri-credentials-refused", not issued, "credentials in the query were accepted", exchange)


@check("rfc6749-2.3-multiple-methods-rejected", dialects=(RFC8628,))
def test_two_authentication_methods(confidential: Device, verify: Verify) -> None:
    """HTTP Basic and client_secret in the body at once. Accepted: invalid_request, or a refusal of the client."""
    client = without(confidential.client, authentication="client_secret_basic")
    started = confidential.request(client=client, label="start with Basic")
    if not started.outcome.ok:
        raise Untestable(f"Basic authentication was answered {describe(started)}")
    exchange = confidential.request(
        client=client, client_id=client.id, client_secret=client.secret, label="start with two methods"
    )
    verify("rfc6749-2.3-multiple-methods-rejected", exchange, accepted=["invalid_request", "invalid_client"])


@check("rfc8628-3.1-public-client-identifies-itself", dialects=(RFC8628,), timed=True)
def test_public_client(device: Device, verify: Verify) -> None:
    """A public client starts and polls with its client_id alone. Accepted: success, then pending."""
    if device.client.confidential:
        raise Untestable("no public client: none in target.toml and none could be registered")
    started = device.request()
    verify("rfc8628-3.1-public-client-identifies-itself", started, accepted=["ok"])
    if started.outcome.ok:
        polled = device.start().poll()
        verify("rfc8628-3.1-public-client-identifies-itself", polled, accepted=PENDING)
