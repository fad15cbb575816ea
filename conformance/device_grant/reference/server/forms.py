"""Form-encoded parameters and HTTP Basic credentials, read strictly (RFC 6749 2.3.1, 3.2, appendix B)."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from device_grant.reference.server.http import Refusal, crash

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults

MOST_PARAMETERS = 1_000

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def form_decode(text: str) -> str:
    """One form-encoded name or value; raises ValueError for broken escapes and for what is not UTF-8."""
    text = text.replace("+", " ")
    if "%" not in text:
        return text
    if _BROKEN_ESCAPE.search(text):
        raise ValueError("broken percent-escape")
    return unquote_to_bytes(text).decode("utf-8")


def parse_form(body: bytes, known: frozenset[str], faults: Faults) -> dict[str, str]:
    """The known parameters of a form that have a value; others are ignored, repeated ones however often.

    Raises Refusal invalid_request for a known parameter that is repeated, and for a body that is no form.
    """
    try:
        if faults.plus_kept:
            body = body.replace(b"+", b"%2B")
        text = body.decode("utf-8")
        pairs = [part.partition("=") for part in text.split("&", MOST_PARAMETERS) if part]
        decoded = [
            (name if faults.form_not_decoded else form_decode(name), form_decode(value)) for name, _, value in pairs
        ]
    except ValueError:
        raise Refusal("invalid_request", "The body is not a form in UTF-8") from None
    if len(pairs) > MOST_PARAMETERS:
        raise Refusal("invalid_request", f"The body has more than {MOST_PARAMETERS} parameters")
    collected: dict[str, str] = {}
    for name, value in _misread(decoded, faults):
        if name not in known:
            if faults.unknown_parameters_refused:
                raise Refusal("invalid_request", "The request has a parameter that is not known here")
        elif name in collected and not faults.duplicates_accepted:
            raise Refusal("invalid_request", f"The parameter {name} is repeated")
        else:
            collected[name] = value
    if faults.empty_parameters_kept:
        return collected
    return {name: value for name, value in collected.items() if value}


def _misread(pairs: list[tuple[str, str]], faults: Faults) -> list[tuple[str, str]]:
    if faults.form_decoded_twice:
        pairs = [(form_decode(name), form_decode(value)) for name, value in pairs]
    if faults.parameter_case_ignored:
        pairs = [(name.lower(), value) for name, value in pairs]
    return pairs


def basic_credentials(header: str, faults: Faults) -> tuple[str, str] | None:
    """User name and password of an Authorization header; None if it is not well-formed HTTP Basic (RFC 7617)."""
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic" or (faults.basic_scheme_case_sensitive and scheme != "Basic"):
        return None
    try:
        text = base64.b64decode(encoded.strip(), validate=True).decode("utf-8")
        username, colon, password = text.partition(":")
        if not colon:
            return None
        if faults.basic_not_decoded:
            return username, password
        return form_decode(username), form_decode(password)
    except (binascii.Error, ValueError):
        if faults.broken_basic_500:
            raise crash() from None
        return None
