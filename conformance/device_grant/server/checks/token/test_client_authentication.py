"""Client authentication at both endpoints: RFC 6749 sections 2.3 and 5.2, RFC 8628 sections 3.1 and 3.4."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Request, Situation
from device_grant.protocol.dialects import basic_authorization
from device_grant.protocol.exchange import REFUSED
from device_grant.server.checks.token.basic import basic_must_be_read, basic_must_work, start_with_basic, with_basic
from device_grant.server.session.device import PENDING, WRONG_SECRET, Grant, without
from device_grant.server.session.messages import start_request, with_headers
from device_grant.server.session.registering import require_public

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

NOT_AUTHENTICATED = ("invalid_client",)
SPENDS_NOTHING = "rfc8628-3.4-wrong-secret-spends-nothing"


def _wrong(device: Device) -> Client:
    if device.client.secret is None:
        raise Untestable("the client has no secret")
    return without(device.client, secret=WRONG_SECRET)


@check(
    "rfc8628-3.1-bad-secret-rejected",
    "rfc6749-5.2-invalid-client",
    "aws-start-unknown-client",
    faults=("device_endpoint_skips_secret",),
    when=lambda dialect: not dialect.starts_without_secret,
)
def test_wrong_secret_at_start(confidential: Device, verify: Verify) -> None:
    """A known client with a wrong secret. Accepted: invalid_client."""
    confidential.start()
    exchange = confidential.request(client=_wrong(confidential), label="start with a wrong secret")
    for requirement in ("rfc8628-3.1-bad-secret-rejected", "rfc6749-5.2-invalid-client"):
        verify(requirement, exchange, accepted=NOT_AUTHENTICATED)
    verify("aws-start-unknown-client", exchange, accepted=NOT_AUTHENTICATED)


@check(
    "rfc8628-3.1-confidential-unauthenticated-rejected",
    faults=("secret_optional",),
    when=lambda dialect: not dialect.starts_without_secret,
)
def test_confidential_client_without_authentication_at_start(confidential: Device, verify: Verify) -> None:
    """A confidential client that sends its client_id alone. Accepted: invalid_client."""
    confidential.start()
    bare = without(confidential.client, secret=None, authentication="none")
    exchange = confidential.request(client=bare, label="start with client_id alone")
    verify("rfc8628-3.1-confidential-unauthenticated-rejected", exchange, accepted=NOT_AUTHENTICATED)


@check(
    "rfc8628-3.4-credentialed-client-enforced",
    "rfc8628-3.4-wrong-secret-spends-nothing",
    "rfc6749-2.2-client-id-not-authentication",
    "rfc6749-10.2-authenticate-when-possible",
    faults=("token_endpoint_skips_secret", "secret_optional", "wrong_secret_spends_code"),
    timed=True,
)
def test_approved_code_needs_the_secret(confidential: Device, verify: Verify) -> None:
    """Approve, redeem with a wrong secret, with client_id alone, rightly. Accepted: invalid_client twice, then ok."""
    grant = confidential.start()
    confidential.user.approve(grant)
    wrong = grant.poll(client=_wrong(confidential), label="redeem with a wrong secret")
    accepted = confidential.case.run.dialect.accepts(Situation.CREDENTIALS_REFUSED, "invalid_client")
    verify("rfc8628-3.4-credentialed-client-enforced", wrong, accepted=accepted, tolerated=[REFUSED])
    verify("rfc6749-10.2-authenticate-when-possible", wrong, accepted=accepted, tolerated=[REFUSED])
    bare = without(confidential.client, secret=None, authentication="none")
    alone = grant.poll(client=bare, wait=not wrong.outcome.ok, label="redeem with client_id alone")
    if wrong.outcome.ok:
        # The code is spent: what client_id alone would have yielded can no longer be told.
        for requirement in ("rfc6749-2.2-client-id-not-authentication", SPENDS_NOTHING):
            verify.unclear(requirement, "the code was redeemed by a wrong secret", alone)
        return
    verify(
        "rfc6749-2.2-client-id-not-authentication",
        alone,
        accepted=confidential.case.run.dialect.accepts(Situation.MEMBER_MISSING, "invalid_client", "invalid_request"),
        tolerated=[REFUSED],
    )
    if alone.outcome.ok:
        verify.unclear(SPENDS_NOTHING, "the code was redeemed by client_id alone", alone)
        return
    verify(SPENDS_NOTHING, grant.poll(label="redeem with the right secret"), accepted=["ok"])


@check("rfc8628-3.4-missing-client-id-rejected", faults=("missing_client_polls",), timed=True)
def test_poll_without_client(case: ServerCase, device: Device, verify: Verify) -> None:
    """A poll of a live code with neither client_id nor authentication. Accepted: a refusal of the client."""
    grant = device.start()
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code}
    exchange = case.call(Operation.TOKEN, members, None, "poll without a client")
    verify(
        "rfc8628-3.4-missing-client-id-rejected",
        exchange,
        accepted=case.run.dialect.accepts(Situation.MEMBER_MISSING, "invalid_request", "invalid_client"),
        tolerated=[REFUSED],
    )


@check(
    "rfc6749-2.3.1-server-supports-basic",
    "rfc6749-2.3.1-basic-scheme-case",
    faults=("basic_unsupported", "basic_scheme_case_sensitive"),
)
def test_basic_authentication(confidential: Device, verify: Verify) -> None:
    """Start with HTTP Basic, then with the scheme in lower case. Accepted: success, as any client."""
    client = with_basic(confidential)
    started, members = start_with_basic(confidential)
    if not started.outcome.ok:
        verify("rfc6749-2.3.1-server-supports-basic", started, accepted=["ok"])
        raise Untestable(f"Basic authentication was answered {started.describe()}")
    basic_must_be_read(confidential, members)
    verify("rfc6749-2.3.1-server-supports-basic", started, accepted=["ok"])
    plain = confidential.case.run.dialect.encode(
        Operation.DEVICE_AUTHORIZATION,
        confidential.case.run.url(Operation.DEVICE_AUTHORIZATION),
        confidential.authorization_members(**members),
        client,
    )
    lower = basic_authorization(client.id, client.secret or "").replace("Basic", "basic", 1)
    headers = tuple((name, lower if name == "Authorization" else value) for name, value in plain.headers)
    exchange = confidential.case.send(
        Request("POST", plain.url, headers, plain.content, plain.operation), "start with a lower-case scheme"
    )
    if not exchange.outcome.ok and not confidential.case.send(started.request, "control: start as before").outcome.ok:
        raise Inconclusive("the client is refused altogether now: it may be shut out since a wrong secret came")
    verify("rfc6749-2.3.1-basic-scheme-case", exchange, accepted=["ok"])


@check("rfc6749-2.3.1-uri-credentials-refused", faults=("query_parameters_read",))
def test_credentials_in_the_query(confidential: Device, verify: Verify) -> None:
    """client_id and client_secret in the query of the POST, nothing in the body. Accepted: no codes."""
    exchange = _start_by_query(confidential, confidential.client.secret or "", "credentials in the query")
    issued = exchange.get("device_code") is not None
    requirement, problem = "rfc6749-2.3.1-uri-credentials-refused", "credentials in the query were accepted"
    if issued and _start_by_query(confidential, WRONG_SECRET, "control: a wrong secret in the query").outcome.ok:
        verify.unclear(requirement, "a wrong secret in the query is taken as well: the secret is not read", exchange)
        return
    verify.that(requirement, not issued, problem, exchange)


def _start_by_query(device: Device, secret: str, label: str) -> Exchange:
    case = device.case
    query = urlencode({"client_id": device.client.id, "client_secret": secret})
    url = f"{case.run.url(Operation.DEVICE_AUTHORIZATION)}?{query}"
    members = device.authorization_members()
    return case.send(case.run.dialect.encode(Operation.DEVICE_AUTHORIZATION, url, members, None), label)


@check(
    "rfc6749-2.3-multiple-methods-rejected",
    "rfc6749-5.2-invalid-request-multiple-credentials",
    faults=("two_methods_accepted",),
)
def test_two_authentication_methods(confidential: Device, verify: Verify) -> None:
    """HTTP Basic and client_secret in the body at once. Accepted: invalid_request, or a refusal of the client."""
    client = with_basic(confidential)
    basic_must_work(confidential)
    exchange = confidential.request(
        client=client, client_id=client.id, client_secret=client.secret, label="start with two methods"
    )
    verify("rfc6749-2.3-multiple-methods-rejected", exchange, accepted=["invalid_request", "invalid_client"])
    verify("rfc6749-5.2-invalid-request-multiple-credentials", exchange, accepted=["invalid_request"])


@check("rfc8628-3.1-public-client-identifies-itself", faults=("public_clients_refused",), timed=True)
def test_public_client(device: Device, verify: Verify) -> None:
    """A public client starts and polls with its client_id alone. Accepted: success, then pending."""
    require_public(device.client)
    started = device.request()
    verify("rfc8628-3.1-public-client-identifies-itself", started, accepted=["ok"])
    if started.outcome.ok:
        polled = Grant(device, started).poll()
        verify("rfc8628-3.1-public-client-identifies-itself", polled, accepted=PENDING)


@check("rfc6749-2.3.1-basic-encoding-server", faults=("basic_not_decoded",))
def test_form_encoded_basic_credentials(confidential: Device, verify: Verify) -> None:
    """HTTP Basic with every character of id and secret percent-escaped. Accepted: success, as without escapes.

    Escapes of letters are needless, and every form decoder undoes them: so any client's credentials will do.
    """
    client = with_basic(confidential)
    plain, _ = basic_must_work(confidential)
    escaped = ":".join("".join(f"%{octet:02X}" for octet in part.encode()) for part in (client.id, client.secret or ""))
    authorization = "Basic " + base64.b64encode(escaped.encode()).decode()
    headers = [(name, authorization if name == "Authorization" else value) for name, value in plain.request.headers]
    exchange = confidential.case.send(replace(plain.request, headers=tuple(headers)), "start with escaped credentials")
    verify("rfc6749-2.3.1-basic-encoding-server", exchange, accepted=["ok"])


@check(
    "rfc9110-15.6-no-5xx-on-client-error",
    faults=("broken_basic_500",),
    when=lambda dialect: dialect.http_authentication,
)
def test_broken_basic_credentials(confidential: Device, verify: Verify) -> None:
    """Authorization: Basic without credentials, in no Base64, without a colon, in no UTF-8. Accepted: any but a 5xx."""
    plain = start_request(confidential)
    texts = (b"no-colon", b"\xff\xfe:\xff", b"broken%zz:escape")
    for broken in ("", "%%% no Base64 %%%", *(base64.b64encode(text).decode() for text in texts)):
        request = with_headers(plain, ("Authorization", f"Basic {broken}".strip()))
        exchange = confidential.case.send(request, "start with broken Basic credentials")
        problem = f"broken Basic credentials were answered {exchange.status}"
        verify.that("rfc9110-15.6-no-5xx-on-client-error", exchange.status < 500, problem, exchange)


@check("rfc6749-2.3.1-body-credentials-allowed", faults=("body_secret_refused",))
def test_credentials_in_the_body(case: ServerCase, confidential: Device, verify: Verify) -> None:
    """client_id and client_secret in the body. Accepted: success; a refusal is only reported, if it is one of OAuth."""
    if case.run.endpoints.registration and not case.run.target.config.clients:
        request = case.run.registration_request("confidential", token_endpoint_auth_method="client_secret_post")  # noqa: S106 - the name of a method
        registered = case.send(request, "register for client_secret_post")
        methods = case.run.endpoints.document.get("token_endpoint_auth_methods_supported")
        if registered.status == 400 and isinstance(methods, list) and "client_secret_post" not in methods:
            raise NotApplicable("credentials in the body, which are a MAY, are neither listed nor registered")
        if not registered.outcome.ok:
            raise Untestable(f"registration for client_secret_post was refused with {registered.describe()}")
        client = case.run.client_of(registered)
    else:
        client = confidential.client
    posting = without(client, authentication="client_secret_post")
    exchange = confidential.request(client=posting, label="start with credentials in the body")
    verify("rfc6749-2.3.1-body-credentials-allowed", exchange, accepted=["ok"])


@check("rfc6749-5.2-unauthorized-client", faults=("grant_not_checked",))
def test_token_request_without_the_grant(case: ServerCase, verify: Verify) -> None:
    """A client that is not registered for the device grant asks for a token. Accepted: unauthorized_client."""
    device = case.device_of("without-grant")
    exchange = device.token(
        grant_type=DEVICE_CODE_GRANT, device_code="never-issued-0123456789abcdef", label="without the grant"
    )
    if case.run.dialect.code_comes_before_client and exchange.code == "invalid_grant":
        # AWS looks at the code before it looks at the client (aws-token-bad-device-code).
        raise NotApplicable("the device code, which nobody issued, is looked at before the client")
    if exchange.code == "invalid_grant":
        # The code is wrong too, and nothing says which of the two is looked at first: only a code of its own shows it.
        started = device.request(label="start without the grant")
        if not started.outcome.ok:
            raise Inconclusive("the device code, which nobody issued, may be looked at before the client")
        exchange = device.started(started).poll(label="poll without the grant")
    verify("rfc6749-5.2-unauthorized-client", exchange, accepted=["unauthorized_client"])
