"""Placeholders in what client.toml has the server say, filled in from the server, the request and the very answer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from device_grant.protocol.reading import basic, value_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.protocol import Request

ID_TOKEN = "{id_token}"  # noqa: S105 - a placeholder
OF_THE_ANSWER = (
    "user_code",
    "verification_uri",
    "verification_uri_complete",
    "device_code",
    "access_token",
    "refresh_token",
)
"""Values of this very answer, or of the one before it that had them; canonical names."""
Words = dict[str, "Callable[[], str]"]
"""What stands for each placeholder, made when it is needed: an ID token is signed."""


def filled(content: bytes, words: Words) -> bytes:
    """A JSON text with each `{name}` replaced; what is put in is escaped as within a JSON string."""
    for name, value in words.items():
        placeholder = f"{{{name}}}".encode()
        if placeholder in content:
            content = content.replace(placeholder, json.dumps(value())[1:-1].encode())
    return content


def filled_text(text: str, words: Words) -> str:
    """Any other text with each `{name}` replaced."""
    for name, value in words.items():
        if f"{{{name}}}" in text:
            text = text.replace(f"{{{name}}}", value())
    return text


def wants(content: Mapping[str, object], placeholder: str) -> bool:
    """Whether any of these members, of whatever depth, has the placeholder in its text."""
    return placeholder in repr(dict(content))


def named(request: Request) -> dict[str, str]:
    """The client that a request names, in its body or by Basic, and the scope that it asks for."""
    credentials = basic(request)
    values = {name: value_of(request, name) for name in ("client_id", "scope")}
    if credentials and not values["client_id"]:
        values["client_id"] = credentials.user
    return {name: value for name, value in values.items() if isinstance(value, str) and value}
