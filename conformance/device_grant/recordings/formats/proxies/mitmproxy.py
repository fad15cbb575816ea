"""Dumps of mitmproxy, read by mitmproxy's own reader, which is an extra: its versions need Python 3.12 or newer."""

from __future__ import annotations

import io
import re
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from device_grant.errors import UsageError
from device_grant.protocol import Request, Response
from device_grant.recordings.formats.capture import SILENT, Capture, Captured, Format
from device_grant.recordings.formats.text import Allowance, left_out, undone, web_url

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.protocol.exchange import Headers

_BEGINNING = re.compile(rb"[1-9]\d{0,9}:")
"""A netstring, which is what a flow is written as."""
_MARK = b"mitmproxy", b"7:request,", b"4:type;4:http;", b"9:client_conn;", b"11:client_conn;"
EXTRA = "pip install 'device-grant-conformance[mitmproxy]' (Python 3.12 or newer)"
EXPORT = "mitmdump -nr FILE --set hardump=login.har"


def _fits(octets: bytes) -> bool:
    return bool(_BEGINNING.match(octets)) and any(mark in octets for mark in _MARK)


def _read(path: Path, octets: bytes) -> Capture:
    """The HTTP flows of a dump; raises UsageError where mitmproxy is not installed, or does not read it."""
    if find_spec("mitmproxy") is None:
        raise UsageError(
            f"{path}: a dump of mitmproxy, which its own reader reads: {EXTRA}; or export it, "
            f"`{EXPORT.replace('FILE', path.name)}`, and judge that"
        )
    flows = [flow for flow in _flows(path, octets) if getattr(flow, "request", None) is not None]
    allowance = Allowance()
    entries = tuple(
        _captured(f"{path}: flow {number}", number, flow, allowance) for number, flow in enumerate(flows, 1)
    )
    return Capture(str(path), "a mitmproxy dump", entries)


FORMAT = Format("a dump of mitmproxy", _fits, _read, form="octets")


def _flows(path: Path, octets: bytes) -> list[Any]:
    reader: Any = import_module("mitmproxy.io")
    try:
        return list(reader.FlowReader(io.BytesIO(octets)).stream())
    except Exception as error:  # noqa: BLE001 - whatever it thinks of a damaged file
        raise UsageError(
            f"{path}: mitmproxy cannot read it ({error}): was it cut off, or written by a newer one?"
        ) from None


def _captured(where: str, number: int, flow: Any, allowance: Allowance) -> Captured:
    asked, answered = flow.request, flow.response
    sent = _headers(asked.headers)
    plain = undone(asked.raw_content or b"", sent, where, allowance)
    request = Request(asked.method.upper(), web_url(asked.url, where), sent, plain or b"")
    response, bodiless = None, False
    if answered is not None:
        came = _headers(answered.headers)
        body = None if answered.raw_content is None else undone(answered.raw_content, came, where, allowance)
        response, bodiless = Response(answered.status_code, came, body or b""), body is None
    reason = str(flow.error.msg) if flow.error is not None else ""
    began = asked.timestamp_start
    ended = answered.timestamp_end if answered is not None else None
    return Captured(
        number,
        request,
        response,
        bodiless=bodiless,
        unsent=plain is None or asked.raw_content is None or left_out(request),
        started=began,
        took=max(ended - began, 0.0) if ended is not None and began is not None else None,
        error="" if response else SILENT if "time" in reason.lower() else reason or "no response in the dump",
        name=f"flow {number}",
    )


def _headers(headers: Any) -> Headers:
    return tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in headers.fields)
