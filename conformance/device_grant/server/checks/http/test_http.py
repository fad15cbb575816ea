"""HTTP as an endpoint must speak it: methods, header fields, media types, codings, sizes (RFC 9110, RFC 9112)."""

from __future__ import annotations

from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import Operation, Situation
from device_grant.server.session.messages import poll_request, start_request, with_content, with_headers, without_header
from device_grant.server.sockets.transport import require_tls_matters, speaks_old_tls, tls_versions

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

LARGE = 8 * 1024 * 1024
"""Octets of a body that no request of this protocol needs."""
FORGED = "forged-host.example"


@check("rfc9110-9.1-disallowed-method", "rfc9110-9.1-unknown-method", faults=("methods_ignored",))
def test_methods(device: Device, verify: Verify) -> None:
    """A valid start by PUT, DELETE, PATCH (accepted: 405; AWS: or 404) and by BREW (accepted: a refusal, best 501)."""
    plain = start_request(device)
    disallowed = device.case.run.dialect.accepts(Situation.DISALLOWED_METHOD, "http-405")
    for method in ("PUT", "DELETE", "PATCH"):
        exchange = device.case.send(replace(plain, method=method), f"start by {method}")
        verify("rfc9110-9.1-disallowed-method", exchange, accepted=disallowed)
    exchange = device.case.send(replace(plain, method="BREW"), "start by an unknown method")
    verify("rfc9110-9.1-unknown-method", exchange, accepted=["http-501", "http-405", "http-400", "http-404"])


@check("rfc9110-9.3.7-options", faults=("options_without_allow",))
def test_options(device: Device, verify: Verify) -> None:
    """OPTIONS at the token endpoint. Accepted: a refusal, or success that says which methods there are."""
    case = device.case
    plain = replace(poll_request(device.start()), method="OPTIONS", content=b"", headers=())
    exchange = case.send(plain, "OPTIONS")
    answer = exchange.response
    names = {name.lower() for name, _ in answer.headers} if answer is not None else set()
    listed = exchange.status // 100 != 2 or bool(names & {"allow", "access-control-allow-methods"})
    verify.that("rfc9110-9.3.7-options", listed, "a successful OPTIONS response has no Allow", exchange)


@check("rfc9110-5.1-ignore-unknown-fields", faults=("unknown_headers_refused",))
def test_unknown_fields(device: Device, verify: Verify) -> None:
    """A start with header fields that nobody knows. Accepted: success, as without them."""
    device.start()
    request = with_headers(start_request(device), ("X-Conformance-Probe", "1"), ("Conformance-Probe", '"a", b;c=d'))
    exchange = device.case.send(request, "start with unknown header fields")
    verify("rfc9110-5.1-ignore-unknown-fields", exchange, accepted=["ok"])


@check("rfc9110-12.5.1-accept", faults=("accept_compared_literally",))
def test_accept(device: Device, verify: Verify) -> None:
    """Starts with Accept of JSON with a weight, */*, application/* (accepted: success), text/html (JSON or 406)."""
    device.start()
    plain = start_request(device)
    for accept in ("application/json;q=0.9", "*/*", "application/*", "text/plain;q=0.1, application/json"):
        exchange = device.case.send(with_headers(plain, ("Accept", accept)), f"start, Accept: {accept}")
        verify("rfc9110-12.5.1-accept", exchange, accepted=["ok"])
    exchange = device.case.send(with_headers(plain, ("Accept", "text/html")), "start, Accept: text/html")
    verify("rfc9110-12.5.1-accept", exchange, accepted=["ok", "http-406"], tolerated=["http-4xx"])


@check(
    "rfc9110-8.3.1-media-type-case",
    "rfc9110-8.3-missing-content-type",
    "rfc9110-15.5.16-unsupported-media",
    faults=("content_type_case_sensitive", "wrong_content_type_500"),
)
def test_media_types(device: Device, verify: Verify) -> None:
    """Starts with the media type in capitals (success), without one (success or 4xx), with another one (a 4xx)."""
    device.start()
    plain = start_request(device)
    media_type = plain.header("content-type") or ""
    for spelt in (media_type.upper(), media_type.title() + '; charset="utf-8"'):
        exchange = device.case.send(with_headers(plain, ("Content-Type", spelt)), "start, media type in capitals")
        verify("rfc9110-8.3.1-media-type-case", exchange, accepted=["ok"])
    exchange = device.case.send(without_header(plain, "content-type"), "start without Content-Type")
    verify("rfc9110-8.3-missing-content-type", exchange, accepted=["ok", "http-4xx"])
    for other in ("text/plain", "application/xml"):
        exchange = device.case.send(with_headers(plain, ("Content-Type", other)), f"start as {other}")
        verify("rfc9110-15.5.16-unsupported-media", exchange, accepted=["http-4xx"])


@check("rfc9110-8.4-unsupported-coding", faults=("content_encoding_ignored",))
def test_content_coding(device: Device, verify: Verify) -> None:
    """A start that claims a coding which its body does not have. Accepted: a 4xx; best is 415."""
    device.start()
    request = with_headers(start_request(device), ("Content-Encoding", "x-conformance"))
    exchange = device.case.send(request, "start with an unknown Content-Encoding")
    verify("rfc9110-8.4-unsupported-coding", exchange, accepted=["http-4xx"])


@check("rfc9110-15.5.14-too-large", faults=("oversized_body_500",), alone=True)
def test_large_body(device: Device, verify: Verify) -> None:
    """A start with 8 MiB in an unknown parameter. Accepted: a 4xx, best 413, or a closed connection."""
    plain = start_request(device)
    filler = b"x" * LARGE
    if device.case.run.dialect.sends_forms:
        body = plain.content + b"&x_probe=" + filler
    else:
        body = plain.content[:-1] + b',"xProbe":"' + filler + b'"}'
    exchange = device.case.send(with_content(plain, body), "start with 8 MiB")
    verify("rfc9110-15.5.14-too-large", exchange, accepted=["http-4xx", "no-response"])
    device.start()


@check("rfc9110-7.4-reject-misdirected", faults=("host_header_trusted",))
def test_foreign_host(device: Device, verify: Verify) -> None:
    """A start that names a foreign Host. Accepted: a refusal, or an answer in which that host does not occur."""
    device.start()
    exchange = device.case.send(with_headers(start_request(device), ("Host", FORGED)), "start with a foreign Host")
    shown = exchange.response is not None and FORGED in exchange.response.text
    verify.that(
        "rfc9110-7.4-reject-misdirected",
        not shown,
        "the answer repeats a Host that is not the server's",
        exchange,
        # Without TLS nothing binds a server to its names: one that takes them from the request may be set up so.
        tolerated=not exchange.request.url.startswith("https:"),
    )


@check("rfc9110-6.6.1-date")
def test_date(device: Device, verify: Verify) -> None:
    """A start and a poll over the network. Accepted: responses with a Date that can be read."""
    if device.case.run.target.in_process:
        raise Untestable("no socket: the target is called in process, and Date comes from the HTTP server")
    for request in (start_request(device), poll_request(device.start(), device_code="never-issued-8d2f")):
        exchange = device.case.send(request, "Date")
        date = exchange.response.header("date") if exchange.response else None
        verify.that("rfc9110-6.6.1-date", date is not None and _is_date(date), "a response has no valid Date", exchange)


@check("rfc8628-3.1-tls-bcp195", live="a TLS handshake is no HTTP, and a recording holds none")
def test_tls_versions(case: ServerCase, verify: Verify) -> None:
    """TLS handshakes with the device authorization endpoint. Accepted: 1.2 or 1.3 succeeds, 1.1 and 1.0 do not."""
    url = case.run.url(Operation.DEVICE_AUTHORIZATION)
    if urlsplit(url).scheme != "https":
        raise NotApplicable("the target is reached by plain HTTP")
    require_tls_matters(case, url)
    new = tls_versions(url)
    old = bool(new) and speaks_old_tls(url)
    verify.that("rfc8628-3.1-tls-bcp195", bool(new), "TLS 1.2 and 1.3 are not offered")
    verify.that("rfc8628-3.1-tls-bcp195", not old, "TLS 1.1 or 1.0 is offered")


def _is_date(value: str) -> bool:
    try:
        parsedate_to_datetime(value)
    except ValueError:
        return False
    return True
