"""A request as a curl command that a person can paste, with placeholders where secrets were."""

from __future__ import annotations

import shlex
import string
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.protocol.exchange import RAW

if TYPE_CHECKING:
    from device_grant.protocol.exchange import Request
    from device_grant.protocol.redaction import Secrets

_LONGEST_BODY = 2000
_PLAIN = frozenset(string.ascii_letters + string.digits + ' !#$&()*+,-./:;<=>?@[]^_`{|}~"')
"""What printf prints as it is, within single quotes."""


def curl(request: Request, secrets: Secrets) -> str:
    """One line of shell; bodies that are not UTF-8 or hold a NUL become a printf pipe, raw messages one to netcat."""
    if request.method == RAW:
        return _netcat(request, secrets)
    words = ["curl", "-i", "-X", request.method]
    for name, value in request.headers:
        words += ["-H", f"{name}: {value}"]
    words.append(request.url)
    command = shlex.join(secrets.redact(word) for word in words)
    if not request.content:
        return command
    try:
        body = request.content.decode("utf-8")
    except UnicodeDecodeError:
        body = ""
    if body and "\0" not in body and len(body) <= _LONGEST_BODY:
        return f"{command} --data-raw {shlex.quote(secrets.redact(body))}"
    if len(request.content) > _LONGEST_BODY:
        shown = request.content[:64].decode("latin-1").encode("unicode_escape").decode()
        return f"{command} --data-binary @body.bin  # {len(request.content)} bytes, starting {secrets.redact(shown)}"
    return f"{_printf(request.content, secrets)} | {command} --data-binary @-"


def _netcat(request: Request, secrets: Secrets) -> str:
    parts = urlsplit(request.url)
    command = f"nc {shlex.quote(parts.hostname or '')} {parts.port or 80}"
    if len(request.content) > _LONGEST_BODY:
        return f"{command} < message.bin  # {len(request.content)} bytes"
    return f"{_printf(request.content, secrets)} | {command}"


def _printf(content: bytes, secrets: Secrets) -> str:
    octets = "".join(chr(octet) if chr(octet) in _PLAIN else f"\\{octet:03o}" for octet in content)
    return f"printf '{secrets.redact(octets)}'"
