"""The names by which a server on a port answers: others are those of a page that has its own name lead here.

A web page may have its name resolved to this machine once it is loaded (DNS rebinding), and could then read what the
server answers, as if it were its own. Its requests bear that name, which is what tells them.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from typing import TYPE_CHECKING

from device_grant.reference.server.http import Answer, answer_with

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import ASGIApp, Receive, Scope, Send

ANY = "*"
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([\w.-]+))(?::\d*)?", re.ASCII)
"""An address of version 6, or a name or address, and a port (RFC 9110 7.2)."""
_OURS = "localhost"
_MISDIRECTED = Answer(
    421,
    b"This server does not answer by that name. If it is right, start it with --allow-host and the name.\n",
    "text/plain",
)
"""RFC 9110 15.5.20. The name is not repeated: it is what somebody else has chosen."""


class OwnHosts:
    """An application that answers by addresses, by `localhost`, by this machine's name and by the names given."""

    def __init__(self, app: ASGIApp, names: Iterable[str] = ()) -> None:
        """`names` are hosts without a port; `*` is any."""
        self._app = app
        self._names = {_plain(name) for name in (*names, socket.gethostname()) if name}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on, or answer 421."""
        if scope["type"] == "http" and not all(self.takes(host) for host in _hosts(scope)):
            await answer_with(_MISDIRECTED, send, head=scope["method"] == "HEAD")
            return
        await self._app(scope, receive, send)

    def takes(self, host: str) -> bool:
        """Whether requests with this Host are answered."""
        if ANY in self._names:
            return True
        parts = _HOST.fullmatch(host)
        if parts is None:
            return False
        name = _plain(parts[1] or parts[2])
        if name in self._names or name == _OURS or name.endswith(f".{_OURS}"):
            return True
        try:
            # No page can have its own name lead here and be asked for by an address.
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True


def _plain(name: str) -> str:
    return name.strip().lower().removesuffix(".")


def _hosts(scope: Scope) -> list[str]:
    return [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
