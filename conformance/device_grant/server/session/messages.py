"""Valid requests as messages that a check can then change: their octets, headers and method."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Request

if TYPE_CHECKING:
    from device_grant.server.session.device import Device, Grant


def start_request(device: Device, **members: Any) -> Request:
    """A device authorization request of this device, not yet sent."""
    run = device.case.run
    url = run.url(Operation.DEVICE_AUTHORIZATION)
    return run.dialect.encode(
        Operation.DEVICE_AUTHORIZATION, url, device.authorization_members(**members), device.client
    )


def poll_request(grant: Grant, **members: Any) -> Request:
    """A token request for this grant, not yet sent; a member that is None is left out."""
    device, run = grant.device, grant.device.case.run
    body = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code} | members
    return run.dialect.encode(Operation.TOKEN, run.url(Operation.TOKEN), body, device.client)


def with_headers(request: Request, *headers: tuple[str, str]) -> Request:
    """The request with these headers in place of those of the same name."""
    names = {name.lower() for name, _ in headers}
    kept = tuple(header for header in request.headers if header[0].lower() not in names)
    return replace(request, headers=(*kept, *headers))


def without_header(request: Request, name: str) -> Request:
    """The request without a header."""
    kept = tuple(header for header in request.headers if header[0].lower() != name.lower())
    return replace(request, headers=kept)


def with_content(request: Request, content: bytes) -> Request:
    """The request with another body."""
    return replace(request, content=content)
