"""The device authorization endpoint: RFC 8628 sections 3.1 and 3.2, StartDeviceAuthorization."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from device_grant.judging import check
from device_grant.protocol import Operation, Request, Situation
from device_grant.protocol.exchange import REFUSED

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

FORM = "application/x-www-form-urlencoded"


@check("rfc8628-3.1-endpoint-accepts-post", faults=("device_code_missing",))
def test_start(device: Device, verify: Verify) -> None:
    """A minimal valid request. Accepted: success (its members are judged by the invariants)."""
    verify("rfc8628-3.1-endpoint-accepts-post", device.request(), accepted=["ok"])


@check(
    "rfc8628-3.2-unique-device-code",
    "rfc8628-3.2-unique-live-user-code",
    "rfc8628-3.2-complete-uri-distinct",
    faults=("user_code_repeated", "device_code_repeated", "complete_uri_constant"),
)
def test_codes_are_unique(device: Device, verify: Verify) -> None:
    """Twelve authorizations, all alive. Accepted: all device codes, user codes and complete URIs differ."""
    grants = [device.start() for _ in range(12)]
    last = grants[-1].exchange

    def distinct(values: list[str]) -> bool:
        return len(set(values)) == len(values)

    verify.that(
        "rfc8628-3.2-unique-device-code",
        distinct([grant.device_code for grant in grants]),
        "a device_code was issued twice",
        last,
    )
    verify.that(
        "rfc8628-3.2-unique-live-user-code",
        distinct([grant.user_code for grant in grants]),
        "a user_code was issued to two live authorizations",
        last,
    )
    complete = [grant.verification_uri_complete for grant in grants if grant.verification_uri_complete]
    verify.that(
        "rfc8628-3.2-complete-uri-distinct",
        distinct(complete),
        "two authorizations have the same verification_uri_complete",
        last,
    )


@check("rfc8628-3.1-missing-client-id-rejected", faults=("missing_client_accepted",))
def test_start_without_client(case: ServerCase, device: Device, verify: Verify) -> None:
    """No client_id, no authentication. Accepted: invalid_request or invalid_client."""
    members = device.authorization_members()
    exchange = case.call(Operation.DEVICE_AUTHORIZATION, members, None, "start without a client")
    verify(
        "rfc8628-3.1-missing-client-id-rejected",
        exchange,
        accepted=case.run.dialect.accepts(Situation.MEMBER_MISSING, "invalid_request", "invalid_client"),
        tolerated=[REFUSED],
    )


@check("rfc8628-3.1-unknown-client-rejected", faults=("unknown_client_accepted",))
def test_start_by_unknown_client(case: ServerCase, device: Device, verify: Verify) -> None:
    """A client_id that was never registered. Accepted: invalid_client, unauthorized_client or invalid_request."""
    members = device.authorization_members(client_id="no-such-client-4f1d")
    if case.run.dialect.public_clients_have_secrets:
        members["client_secret"] = "no-such-secret"  # noqa: S105 - made up
    exchange = case.call(Operation.DEVICE_AUTHORIZATION, members, None, "start by an unknown client")
    verify(
        "rfc8628-3.1-unknown-client-rejected",
        exchange,
        accepted=["invalid_client", "unauthorized_client"],
        tolerated=[REFUSED],
    )


@check("rfc8628-3.1-ignore-unrecognized-params", faults=("unknown_parameters_refused",))
def test_unknown_parameter_is_ignored(device: Device, verify: Verify) -> None:
    """A parameter that no specification defines. Accepted: success, as without it."""
    device.start()
    exchange = device.request(x_conformance_probe="ignored", label="start with an unknown parameter")
    verify("rfc8628-3.1-ignore-unrecognized-params", exchange, accepted=["ok"])


@check("rfc8628-3.1-non-post-not-honoured", faults=("get_issues_codes",))
def test_get_starts_nothing(case: ServerCase, device: Device, verify: Verify) -> None:
    """The same request as a GET with everything in the query. Accepted: anything but codes."""
    secret = device.client.secret if case.run.dialect.public_clients_have_secrets else None
    members = device.authorization_members(client_id=device.client.id, client_secret=secret)
    members = {case.run.dialect.parameter(name): value for name, value in members.items() if value is not None}
    url = case.run.url(Operation.DEVICE_AUTHORIZATION) + "?" + urlencode(members)
    exchange = case.send(Request("GET", url, (), b"", Operation.DEVICE_AUTHORIZATION), "start by GET")
    issued = exchange.get("device_code") is not None
    verify.that("rfc8628-3.1-non-post-not-honoured", not issued, "a GET was answered with a device_code", exchange)


@check(
    "rfc8628-3.1-charset-parameter-tolerated",
    "rfc8628-3.1-server-accepts-form",
    faults=("content_type_parameter_refused", "form_not_decoded"),
    when=lambda dialect: dialect.sends_forms,
)
def test_form_encodings(case: ServerCase, device: Device, verify: Verify) -> None:
    """The valid form again: with a charset parameter, then with needless percent-escapes. Accepted: success."""
    device.start()
    plain = case.run.dialect.encode(
        Operation.DEVICE_AUTHORIZATION,
        case.run.url(Operation.DEVICE_AUTHORIZATION),
        device.authorization_members(),
        device.client,
    )
    others = tuple(header for header in plain.headers if header[0].lower() != "content-type")
    for charset in (f"{FORM}; charset=UTF-8", f"{FORM};charset=utf-8"):
        request = Request("POST", plain.url, (("Content-Type", charset), *others), plain.content, plain.operation)
        exchange = case.send(request, f"start with {charset}")
        verify("rfc8628-3.1-charset-parameter-tolerated", exchange, accepted=["ok"])
    # A client that authenticates by a header and asks for no scope sends nothing else that could be escaped.
    content = b"&".join(part for part in (plain.content, b"x_probe=1") if part)
    escaped = b"%%%02X" % content[0] + content[1:]
    exchange = case.send(Request("POST", plain.url, plain.headers, escaped, plain.operation), "needless escapes")
    verify("rfc8628-3.1-server-accepts-form", exchange, accepted=["ok"])


@check("rfc8628-3.1-scope-absent-handled", faults=("scope_required",))
def test_scope_is_optional(device: Device, verify: Verify) -> None:
    """No scope. Accepted: success with a default, or invalid_scope."""
    exchange = device.request(scope=None, label="start without scope")
    verify("rfc8628-3.1-scope-absent-handled", exchange, accepted=["ok", "invalid_scope"])


@check("rfc8628-3.1-grant-not-allowed-for-client", faults=("grant_not_checked",))
def test_client_without_the_grant(case: ServerCase, verify: Verify) -> None:
    """A client that is not registered for the device grant. Accepted: unauthorized_client."""
    device = case.device_of("without-grant")
    exchange = device.request(label="start by a client without the grant")
    verify(
        "rfc8628-3.1-grant-not-allowed-for-client",
        exchange,
        accepted=["unauthorized_client"],
        # Refused all the same: which code a client sees then matters less.
        tolerated=[REFUSED],
    )


@check("aws-start-required", faults=("missing_client_accepted", "secret_optional"))
def test_start_requires_members(device: Device, verify: Verify) -> None:
    """StartDeviceAuthorization without clientId, clientSecret or startUrl. Accepted: a modelled error."""
    for name in ("client_id", "client_secret", "start_url"):
        client = device.client
        body = device.authorization_members(client_id=client.id, client_secret=client.secret) | {name: None}
        exchange = device.case.call(Operation.DEVICE_AUTHORIZATION, body, None, f"start without {name}")
        verify("aws-start-required", exchange, accepted=["invalid_request", "invalid_client", "http-400"])


@check("aws-start-response-members", faults=("expires_in_missing", "user_code_missing"))
def test_start_response_members(device: Device, verify: Verify) -> None:
    """StartDeviceAuthorization. Accepted: all members but interval (clients index them without a default)."""
    exchange = device.request()
    names = (
        "device_code",
        "user_code",
        "verification_uri",
        "verification_uri_complete",
        "expires_in",
    )
    missing = [device.case.run.dialect.wire_name(name) for name in names if exchange.get(name) is None]
    problem = f"the response lacks {', '.join(missing)} ({exchange.describe()})"
    verify.that("aws-start-response-members", not missing, problem, exchange)


@check("aws-start-bad-start-url", faults=("start_url_ignored",))
def test_start_url_is_validated(device: Device, verify: Verify) -> None:
    """A startUrl that is no URL, has no host, another scheme or a space. Accepted: invalid_request."""
    bad = ("not a url", "https://", "ftp://example.awsapps.com/start", "//example.awsapps.com/start")
    for url in (*bad, "https://example.awsapps.com/st art", "https://example.awsapps.com/\x7f\x0bstart"):
        exchange = device.request(start_url=url, label="start with a bad startUrl")
        verify("aws-start-bad-start-url", exchange, accepted=["invalid_request"])
