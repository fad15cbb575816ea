"""Values that a recorded server issued, replaced by those that the live one issues in their place."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus, unquote_plus

from device_grant.protocol import Request
from device_grant.protocol.reading import basic, encoding
from device_grant.protocol.redaction import SECRET_MEMBERS
from device_grant.recordings.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Mapping

ISSUED = SECRET_MEMBERS | {"client_id", "registration_client_uri"}
"""Members of responses that later requests come back to."""


class Binding:
    """What stands for what, in one story."""

    def __init__(self) -> None:
        self._values = Pseudonyms(())
        self._bound: dict[str, str] = {}
        self._lost: dict[str, str] = {}

    def bind(self, recorded: str, live: str) -> None:
        """From now on the live value takes the place of the recorded one, encoded or not, and as people type it."""
        self._bound[recorded] = live
        self._lost.pop(recorded, None)
        for change in (str.lower, str.upper, _bare, lambda text: _bare(text).lower()):
            if change(recorded) not in self._bound:
                self._values.stand_in(change(recorded), change(live), folded=False)
        # Last: where one of these changes nothing in the recorded value, it may change the live one.
        self._values.stand_in(recorded, live, folded=False)

    def bound(self, recorded: str) -> bool:
        """Whether something stands for it."""
        return recorded in self._bound

    def learn(self, recorded: Mapping[str, Any], live: Mapping[str, Any]) -> None:
        """Take what two answers to the same request issued."""
        for name in sorted(ISSUED & recorded.keys()):
            before, now = recorded[name], live.get(name)
            if isinstance(before, str) and isinstance(now, str) and before and now:
                self.bind(before, now)
            elif isinstance(before, str) and before and before not in self._bound:
                self._lost[before] = name

    def missing(self, request: Request) -> str:
        """The member that a request needs and that the live server did not issue; empty if it has all."""
        text = request.content.decode("latin-1") + request.url + self._credentials(request)
        return next((name for value, name in self._lost.items() if value in text or quote_plus(value) in text), "")

    def text(self, text: str) -> str:
        """A text with live values in the place of recorded ones."""
        return self._values.text(text)

    def request(self, request: Request, url: str) -> Request:
        """The request as it is to be sent to that URL."""
        headers = tuple((name, self._header(request, name, value)) for name, value in request.headers)
        content = self._values.octets(request.content)
        if encoding(request) == "form":
            pieces = re.split(r"([&=])", content.decode("latin-1"))
            content = "".join(self._escaped(piece) for piece in pieces).encode("latin-1")
        return Request(request.method, url, headers, content, request.operation)

    def _header(self, request: Request, name: str, value: str) -> str:
        # Base64 of two values joined is not that of either.
        if name.lower() == "authorization" and (credentials := basic(request)) is not None:
            joined = f"{self._escaped(credentials.raw_user)}:{self._escaped(credentials.raw_password)}"
            return f"{value.partition(' ')[0]} {base64.b64encode(joined.encode()).decode()}"
        return self.text(value)

    def _escaped(self, raw: str) -> str:
        """A form-encoded value, with as many escapes as it had: all that are needed, or all that there can be."""
        plain = unquote_plus(raw)
        live = self.text(plain)
        if live == plain:
            return raw
        if raw == plain:
            return live
        return quote_plus(live) if raw == quote_plus(plain) else "".join(f"%{octet:02X}" for octet in live.encode())

    @staticmethod
    def _credentials(request: Request) -> str:
        credentials = basic(request)
        return f" {credentials.user} {credentials.password}" if credentials else ""


def _bare(text: str) -> str:
    return text.replace("-", "").replace(" ", "")
