"""What the client writes for people and into its logs (RFC 8628 section 3.3, RFC 6819 sections 5.1.6 and 5.3.3)."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING

from device_grant.judging import Judgement, rule
from device_grant.protocol.redaction import forms

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession

DEVICE_CODE = "rfc8628-3.3-device-code-not-displayed"
ACCESS_TOKEN = "rfc6819-5.1.6-client-output-access-token"  # noqa: S105 - id of a requirement
SECRETS = "rfc6819-5.3.3-client-output-secrets"
OUTPUT = "standard output"
"""Where programs read what another one makes; all other places are read by people."""
_REQUIREMENTS = (
    (DEVICE_CODE, ("device_code",), "writes the device code"),
    (ACCESS_TOKEN, ("access_token",), "writes an access token"),
    (SECRETS, ("refresh_token", "client_secret"), "writes a secret"),
)
_SHORTEST = 8
"""Characters of a value that no chance writes."""
_SHORTEST_BASE64 = 12
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


@rule(DEVICE_CODE, ACCESS_TOKEN, SECRETS, faults=("answers_logged", "requests_logged"))
def secrets_are_not_written(session: ClientSession) -> Iterator[Judgement]:
    """No device code, token or client secret is in what the client writes, the adapter's lines apart.

    A token that stands alone on standard output, or in a JSON document there, may be the client's product.
    """
    if not session.written:
        return
    for requirement, kinds, problem in _REQUIREMENTS:
        known = {
            kind: [one for name, one in session.secrets if name == kind and len(one) >= _SHORTEST] for kind in kinds
        }
        if not any(known.values()):
            continue
        occurrences = [
            (kind, place, sure)
            for kind, values in known.items()
            for place, text in session.written.items()
            if (sure := _written_in(text, values, place)) is not False
        ]
        certain = [one for one in occurrences if one[2]]
        shown = (certain or occurrences)[:1]
        holds = (False if certain else None) if occurrences else True
        words = f"{problem} for people to read" if holds is False else f"{problem}, which may be its product"
        got = "; ".join(f"{kind} in {place}" for kind, place, _ in shown)
        yield Judgement(requirement, holds, words if occurrences else "", session.exchanges[-1:], got)


def _written_in(text: str, values: list[str], place: str) -> bool | None:
    """Whether one of the values is in the text; None: in no other way than a product of the client would be."""
    result: bool | None = False
    for value in values:
        shapes = {*forms(value), *(one.decode("latin-1") for one in written_forms(value.encode()))}
        for line in text.splitlines():
            if any(shape in line for shape in shapes):
                if place != OUTPUT or not _is_product(line, shapes):
                    return True
                result = None
    return result


def _is_product(line: str, shapes: set[str]) -> bool:
    """Whether a line of standard output is made for a program: a value with a name at most, or JSON."""
    for shape in shapes:
        line = line.replace(shape, " ")
    if len(re.findall(r"\w+", line)) <= 1:
        return True
    try:
        return isinstance(json.loads(line), (dict, list))
    except (ValueError, RecursionError):
        return False


def written_forms(value: bytes) -> Iterator[bytes]:
    """A value as files have it: plainly, or in base64 behind a name of any length, as netrc and npm write it."""
    yield value
    for before in range(3):
        # What its first and last octets become depends on their neighbours.
        whole = b64encode(b"x" * before + value)
        inner = whole[4 if before else 0 : len(whole) - 4 if (before + len(value)) % 3 else len(whole)]
        if len(inner) >= _SHORTEST_BASE64:
            yield from (inner, inner.translate(_URL_SAFE))
