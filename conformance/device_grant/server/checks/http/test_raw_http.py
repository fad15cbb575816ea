"""HTTP that no library would send, octet by octet: framing, hosts, control characters (RFC 9110, RFC 9112).

A closed connection is as good a refusal as a 400. Whatever was sent, a valid request must be served afterwards.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import check
from device_grant.protocol import Operation
from device_grant.protocol.http1 import END_OF_HEAD, chunked
from device_grant.server.session.device import PENDING
from device_grant.server.session.messages import poll_request, start_request
from device_grant.server.sockets.raw import RawClient

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device
    from device_grant.server.sockets.raw import RawAnswer

FIELD = 100_000
"""Octets of a header field that few servers take: 64 kB is a common limit of all fields together."""
NOT_LENGTHS = ("abc", "-1", "1 2", "5, 6", "0x10", "1e3")
"""Values of Content-Length that are no number, by any reading."""


@check("rfc9110-5.1-field-names-case-insensitive")
def test_field_names_in_any_case(device: Device, verify: Verify) -> None:
    """A start whose field names are all small, then all capitals. Accepted: success, as with the usual ones."""
    plain, raw = start_request(device), _raw(device)
    for change in (bytes.lower, bytes.upper):
        head, separator, body = raw.message(plain).partition(END_OF_HEAD)
        first, *lines = head.split(b"\r\n")
        fields = [change(name) + colon + value for name, colon, value in (line.partition(b":") for line in lines)]
        octets = b"\r\n".join([first, *fields]) + separator + body
        _, exchange = raw.send(octets, "field names in another case", plain)
        verify("rfc9110-5.1-field-names-case-insensitive", exchange, accepted=["ok"])


@check("rfc9110-5.4-oversized-fields-4xx")
def test_oversized_fields(device: Device, verify: Verify) -> None:
    """A start with a header field of 100 kB. Accepted: a 4xx, a closed connection, or success where there is room."""
    plain, raw = start_request(device), _raw(device)
    answer, exchange = raw.send(raw.message(plain, b"X-Probe: " + b"a" * FIELD), "a field of 100 kB", plain)
    _endures(device, verify, "rfc9110-5.4-oversized-fields-4xx", answer, exchange)


@check("rfc9110-5.5-ctl-in-field-rejected")
def test_control_characters_in_fields(device: Device, verify: Verify) -> None:
    """Starts with NUL and with a bare CR in a field's value. Accepted: a refusal, or one answer without the octets."""
    plain, raw = start_request(device), _raw(device)
    for value in (b"a\0b", b"a\rX-Injected: 1"):
        answer, exchange = raw.send(raw.message(plain, b"X-Probe: " + value), "control characters in a field", plain)
        _endures(device, verify, "rfc9110-5.5-ctl-in-field-rejected", answer, exchange)
        injected = any(response.header("x-injected") for response in answer.responses)
        verify.that(
            "rfc9110-5.5-ctl-in-field-rejected", not injected, "a field of the answer was injected by a CR", exchange
        )


@check("rfc9110-8.6-content-length-robust", "rfc9112-6.3-bad-content-length")
def test_content_length(device: Device, verify: Verify) -> None:
    """Starts with a Content-Length of thirty digits, then with none that is a number. Accepted: a refusal."""
    plain, raw = start_request(device), _raw(device)
    huge = raw.message(plain, length=b"Content-Length: " + b"9" * 30)
    answer, exchange = raw.send(huge, "Content-Length of thirty digits", plain, half_close=True)
    _endures(device, verify, "rfc9110-8.6-content-length-robust", answer, exchange)
    for value in NOT_LENGTHS:
        octets = raw.message(plain, length=b"Content-Length: " + value.encode())
        answer, exchange = raw.send(octets, "Content-Length that is no number", plain, half_close=True)
        verify.that(
            "rfc9112-6.3-bad-content-length",
            answer.refused,
            "a Content-Length that is no number is not refused",
            exchange,
        )
    signed = raw.message(plain, length=f"Content-Length: +{len(plain.content)}".encode())
    answer, exchange = raw.send(signed, "Content-Length with a sign", plain, half_close=True)
    # Parsers of many languages read a plus sign, and nobody is deceived by it.
    problem = "a Content-Length with a plus sign is not refused"
    verify.that("rfc9112-6.3-bad-content-length", answer.refused, problem, exchange, tolerated=True)
    _serves(device, verify, "rfc9112-6.3-bad-content-length")


@check("rfc9112-6.1-chunked")
def test_chunked_body(device: Device, verify: Verify) -> None:
    """A start in two chunks. Accepted: success, as with Content-Length; 411 with a warning."""
    plain, raw = start_request(device), _raw(device)
    octets = _chunked(raw, device, b"Transfer-Encoding: chunked")
    _, exchange = raw.send(octets, "a chunked body", plain)
    verify("rfc9112-6.1-chunked", exchange, accepted=["ok"], tolerated=["http-411"])


@check("rfc9112-6.1-te-and-cl")
def test_two_framings(device: Device, verify: Verify) -> None:
    """A chunked start that has a Content-Length too. Accepted: a refusal, or one answer and a closed connection."""
    plain, raw = start_request(device), _raw(device)
    octets = _chunked(raw, device, b"Content-Length: 4\r\nTransfer-Encoding: chunked")
    answer, exchange = raw.send(octets, "Content-Length beside Transfer-Encoding", plain, half_close=False)
    safe = answer.refused or (len(answer.responses) == 1 and answer.ending in ("closed", "reset"))
    problem = "after a request that is framed in two ways the connection stays open"
    verify.that("rfc9112-6.1-te-and-cl", safe, problem, exchange)
    _serves(device, verify, "rfc9112-6.1-te-and-cl")


@check("rfc9112-3.2-host-required")
def test_host(device: Device, verify: Verify) -> None:
    """Starts without Host and with two different ones. Accepted: 400, or a closed connection."""
    plain, raw = start_request(device), _raw(device)
    own = raw.host.encode()
    for host in (None, b"Host: " + own + b"\r\nHost: forged-host.example"):
        answer, exchange = raw.send(raw.message(plain, host=host), "not exactly one Host", plain)
        refused = answer.status == 400 or (not answer.responses and answer.refused)
        verify.that("rfc9112-3.2-host-required", refused, "a request without exactly one Host is not refused", exchange)
    _serves(device, verify, "rfc9112-3.2-host-required")


@check("rfc9110-9.3.2-head-no-body")
def test_head(device: Device, verify: Verify) -> None:
    """HEAD at the device authorization endpoint. Accepted: any status, and nothing after the header fields."""
    plain, raw = start_request(device), _raw(device)
    octets = raw.message(plain, length=None, method="HEAD").removesuffix(plain.content)
    answer, exchange = raw.send(octets, "HEAD", plain, head=True)
    verify.that("rfc9110-9.3.2-head-no-body", not answer.rest, "a response to HEAD has content", exchange)


@check("rfc9110-8.6-content-length-robust", timed=True)
def test_broken_connections(device: Device, verify: Verify) -> None:
    """Half a poll and gone; a poll without Host; two starts at once. Accepted: no 5xx, the code is still pending."""
    grant = device.start()
    poll, raw = poll_request(grant), _raw(device, Operation.TOKEN)
    octets = raw.message(poll)
    raw.abandon(octets[: -len(poll.content) // 2], "half a body")
    _, exchange = raw.send(raw.message(poll, host=None), "a poll without Host", poll)
    starting, start = _raw(device), start_request(device)
    answer, exchange = starting.send(starting.message(start) * 2, "two starts at once", start, expected=2)
    requirement = "rfc9110-8.6-content-length-robust"
    verify.that(
        requirement, not answer.server_error, f"two requests at once were answered {exchange.describe()}", exchange
    )
    _serves(device, verify, requirement)
    grant.last_request = device.case.now()
    verify(requirement, grant.poll(label="poll afterwards"), accepted=PENDING)


def _raw(device: Device, operation: Operation = Operation.DEVICE_AUTHORIZATION) -> RawClient:
    return RawClient(device.case, device.case.run.url(operation))


def _chunked(raw: RawClient, device: Device, framing: bytes) -> bytes:
    plain = start_request(device)
    middle = 4  # within the first name: a report shows both chunks, and must not show halves of a secret
    head = raw.message(plain, length=framing).partition(END_OF_HEAD)[0]
    return head + END_OF_HEAD + chunked(plain.content[:middle], plain.content[middle:])


def _endures(device: Device, verify: Verify, requirement: str, answer: RawAnswer, exchange: Exchange) -> None:
    verify.that(requirement, not answer.server_error, f"answered {answer.status}", exchange)
    verify.that(
        requirement, answer.ending != "timeout", "the server neither answers nor closes the connection", exchange
    )
    verify.that(requirement, len(answer.responses) <= 1, "one request was answered twice", exchange)
    _serves(device, verify, requirement)


def _serves(device: Device, verify: Verify, requirement: str) -> None:
    exchange = device.request(label="start afterwards")
    verify.that(requirement, exchange.outcome.ok, "a valid request is not served afterwards", exchange)
