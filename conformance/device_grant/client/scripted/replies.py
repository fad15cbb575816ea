"""One answer of the scripted server: what it says, how it is framed, and what becomes of it on the way."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qsl

from device_grant.protocol.dialects.bodies import FORM_TYPE, written
from device_grant.protocol.http1 import chunked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Dialect, Request
    from device_grant.protocol.exchange import Headers, Response

Framing = Literal["length", "chunked", "close"]
Fate = Literal["answered", "reset", "hang", "closed", "missed"]


_REASONS: Mapping[Fate, str] = {
    "reset": "connection reset",
    "closed": "connection closed",
    "hang": "no answer",
    "missed": "the client did not wait for the answer",
}


@dataclass(frozen=True)
class Reply:
    """An answer before it is written; `replace` makes variants."""

    status: int = 200
    headers: Headers = ()
    content: bytes = b""
    delay: float = 0.0
    """Seconds of the client's time before the first octet."""
    framing: Framing = "length"
    """`length`: Content-Length; `chunked`: two chunks; `close`: the end of the connection ends the body."""
    cut: int = 0
    """Octets of the body that are promised but never sent; the connection is closed instead."""
    fate: Fate = "answered"
    """`reset`, `closed`: the connection ends without an answer; `hang`: it stays open without one; `missed`: the client
    had gone away before a late answer was sent."""

    @property
    def octets(self) -> bytes:
        """What goes over the connection; empty where the fate is not `answered`."""
        if self.fate != "answered":
            return b""
        try:
            phrase = HTTPStatus(self.status).phrase
        except ValueError:
            phrase = "Unknown"
        lines = [f"HTTP/1.1 {self.status} {phrase}", *(f"{name}: {value}" for name, value in self.headers)]
        body = self.content
        match self.framing:
            case "length":
                lines.append(f"Content-Length: {len(body)}")
                body = body[: len(body) - self.cut]
            case "chunked":
                lines.append("Transfer-Encoding: chunked")
                half = len(body) // 2
                body = chunked(body[:half], body[half:])
                body = body[: len(body) - self.cut]
            case "close":
                lines.append("Connection: close")
        return "\r\n".join([*lines, "", ""]).encode("latin-1", errors="replace") + body

    @property
    def closes(self) -> bool:
        """Whether the connection ends after it."""
        return bool(self.cut) or self.framing == "close" or self.fate in ("reset", "closed", "missed")

    @property
    def error(self) -> str:
        """Why the client got no whole answer, for the transcript; empty if it did."""
        if self.fate != "answered":
            return _REASONS[self.fate]
        return f"answer cut short by {self.cut} octets" if self.cut else ""

    @property
    def members(self) -> dict[str, Any]:
        """The body as a JSON object, or what a form says; empty if it is anything else."""
        if self.is_form:
            return dict(parse_qsl(self.content.decode("latin-1"), keep_blank_values=True, encoding="utf-8"))
        try:
            result = json.loads(self.content)
        except ValueError:
            return {}
        return result if isinstance(result, dict) else {}

    def with_members(self, members: Mapping[str, Any]) -> Reply:
        """The same with another JSON object, or another form."""
        return replace(self, content=written("form" if self.is_form else "json", members))

    def as_sent(self, dialect: Dialect) -> Reply:
        """The same with its members within what the dialect's servers put them."""
        members = self.members
        sent = dialect.enclosed(members)
        return self if sent is members else self.with_members(sent)

    @property
    def is_form(self) -> bool:
        """Whether the body is a form, as GitHub's answers are."""
        return (dict(self.headers).get("Content-Type") or "") == FORM_TYPE

    def with_header(self, name: str, value: str | None) -> Reply:
        """The same with a header replaced, or removed by None."""
        kept = tuple(pair for pair in self.headers if pair[0].lower() != name.lower())
        return replace(self, headers=kept if value is None else (*kept, (name, value)))

    def as_response(self) -> Response | None:
        """As the transcript has it; None where the client got none."""
        from device_grant.protocol.exchange import Response

        if self.fate != "answered":
            return None
        return Response(self.status, self.headers, self.content[: len(self.content) - self.cut])


def reply_in(
    dialect: Dialect, request: Request, members: Mapping[str, Any] | None, status: int = 200, headers: Headers = ()
) -> Reply:
    """An answer to this request as the servers of a dialect send it; None: without a body."""
    media_type, content = ("", b"") if members is None else dialect.written_answer(request, members)
    labels = (("Content-Type", media_type),) if media_type else ()
    return Reply(status=status, headers=(*labels, ("Cache-Control", "no-store"), *headers), content=content)


def json_reply(members: Mapping[str, Any], status: int = 200, headers: Headers = ()) -> Reply:
    """A JSON object as the honest server sends it."""
    return Reply(
        status=status,
        headers=(("Content-Type", "application/json"), ("Cache-Control", "no-store"), *headers),
        content=json.dumps(members).encode(),
    )
