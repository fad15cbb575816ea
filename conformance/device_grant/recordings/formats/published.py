"""One published exchange of AWS SSO OIDC, in the form of the files in cassettes/aws-public-record."""

from __future__ import annotations

import json
import re
import secrets
import string
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from device_grant.errors import UsageError
from device_grant.files import formed
from device_grant.protocol import AWS_SSO_OIDC, Request, Response, service_model
from device_grant.recordings.formats.capture import Capture, Captured, Format

if TYPE_CHECKING:
    from pathlib import Path

_BASE = "https://oidc.us-east-1.amazonaws.com"
_BASE64URL = string.ascii_letters + string.digits + "-_"
_LONGEST = 100_000
"""Characters of all placeholders together."""
_PLACEHOLDER = re.compile(r"#(\d{1,4})")


class _PublishedRecord(msgspec.Struct, frozen=True, kw_only=True):
    operation: str
    request: dict[str, Any] = {}
    status: Annotated[int, msgspec.Meta(ge=100, le=999)]
    headers: dict[str, str] = {}
    body: str
    title: str = ""


def _read(file: Path, data: dict[str, Any]) -> Capture:
    """The exchange, its placeholders filled; raises UsageError.

    The request is mostly made up, so that it says nothing of a client.
    """
    record = formed(data, _PublishedRecord, file, strict=False)
    known = ", ".join(service_model.OPERATIONS.values())
    if record.operation not in service_model.OPERATIONS.values():
        raise UsageError(f"{file}: unknown operation {record.operation!r}: {known}")
    shape = service_model.operation(record.operation)
    texts = [record.body, *(value for value in record.request.values() if isinstance(value, str))]
    if sum(int(length) for text in texts for length in _PLACEHOLDER.findall(text)) > _LONGEST:
        raise UsageError(f"{file}: its placeholders stand for more than {_LONGEST} characters: make them shorter")
    members = {name: _filled(value) if isinstance(value, str) else value for name, value in record.request.items()}
    sent = json.dumps(members).encode()
    request = Request(shape.method, _BASE + shape.path, (("Content-Type", "application/json"),), sent)
    response = Response(
        record.status, tuple(record.headers.items()), _filled(record.body).encode("utf-8", errors="surrogatepass")
    )
    entry = Captured(1, request, response, name=record.title or "the exchange")
    operations = {name: operation for operation, name in service_model.OPERATIONS.items()}
    endpoints = {request.url: operations[record.operation]}
    return Capture(
        str(file), "a published exchange", (entry,), parties=("server",), endpoints=endpoints, dialect=AWS_SSO_OIDC
    )


FORMAT = Format(
    "a published exchange",
    lambda data: isinstance(data, dict) and {"operation", "status", "body"} <= data.keys(),
    _read,
)


def _filled(text: str) -> str:
    return _PLACEHOLDER.sub(lambda match: "".join(secrets.choice(_BASE64URL) for _ in range(int(match[1]))), text)
