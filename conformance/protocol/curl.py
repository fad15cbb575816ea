"""A request as a curl command that a person can paste, with placeholders where secrets were."""

from __future__ import annotations

import shlex
import string

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from conformance.protocol.redaction import Secrets
    from conformance.protocol.messages import Request

_LONGEST_BODY = 2000
_PLAIN = frozenset(string.ascii_letters + string.digits + ' !#$&()*+,-./:;<=>?@[]^_`{|}~"')
"""What printf prints as it is, within single quotes."""


def curl(request: Request, secrets: Secrets) -> str:
    """One line of shell; bodies that are not UTF-8 or hold a NUL become a printf pipe."""
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
    octets = "".join(
        f"\\{byte:03o}" if byte < 32 or byte > 126 or byte in b"\\%'" else chr(byte) for byte in request.content
    )
    return f"printf '{secrets.redact(octets)}' | {command} --data-binary @-"
