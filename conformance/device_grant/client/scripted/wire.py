"""HTTP/1.1 requests from octets: what the network server and the simulated one have in common."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.protocol import Request

if TYPE_CHECKING:
    from device_grant.protocol.exchange import Headers

END_OF_HEAD = b"\r\n\r\n"
LARGEST_HEAD = 65_536
LARGEST_BODY = 1_048_576


@dataclass(frozen=True)
class Head:
    """Request line and header section."""

    method: str
    target: str
    headers: Headers

    def header(self, name: str) -> str:
        """First value, empty if absent."""
        return next((value for key, value in self.headers if key.lower() == name), "")

    @property
    def length(self) -> int | None:
        """Content-Length; None if absent or not a number."""
        value = self.header("content-length").strip()
        return min(int(value), LARGEST_BODY) if value.isdecimal() else None

    @property
    def chunked(self) -> bool:
        """Whether the body comes in chunks."""
        return "chunked" in self.header("transfer-encoding").lower()

    @property
    def keeps_alive(self) -> bool:
        """Whether the client means to go on over this connection."""
        return self.header("connection").lower() != "close"

    def request(self, base: str, content: bytes) -> Request:
        """The request; a target in absolute form is reduced to what follows the authority."""
        target = self.target
        if "://" in target:
            parts = urlsplit(target)
            target = parts.path + (f"?{parts.query}" if parts.query else "")
        return Request(self.method, base + target, self.headers, content)


def parse_head(octets: bytes) -> Head | None:
    """The head of a request; None if it is no HTTP/1 request."""
    first, *lines = octets.decode("latin-1").split("\r\n")
    words = first.split(" ")
    if len(words) != 3 or not words[2].startswith("HTTP/1."):  # noqa: PLR2004 - method, target and version
        return None
    pairs = [line.partition(":") for line in lines if line]
    return Head(words[0], words[1], tuple((name, value.strip()) for name, colon, value in pairs if colon))


def dechunked(octets: bytes) -> tuple[bytes, bool]:
    """The chunks' contents, and whether the last chunk was there."""
    content, rest = b"", octets
    while True:
        line, newline, rest = rest.partition(b"\r\n")
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            return content, False
        if size == 0 and newline:
            return content, rest.startswith(b"\r\n") or END_OF_HEAD in rest
        if len(rest) < size + 2:
            return content, False
        content, rest = content + rest[:size], rest[size + 2 :]
