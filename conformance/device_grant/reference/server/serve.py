"""The reference server on a port of its own."""

from __future__ import annotations

import dataclasses
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    import uvicorn

    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.settings import Settings

_BACKLOG = 2_048
_SHUTDOWN = 2
"""Seconds that open connections are given when the server stops."""


def serve(  # noqa: PLR0913, PLR0917 - what a server is, where it listens, and for whom
    settings: Settings | None = None,
    faults: Faults | None = None,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[str], None] | None = None,
    hosts: Iterable[str] = (),
) -> None:
    """Serve until Ctrl-C, then return; SIGTERM closes connections and ends the process. Prints nothing.

    A page at `/` says what is where.

    `port` 0 takes a free one. `ready` is called with the base URL as soon as connections are accepted. Where the
    settings name no issuer it is that base URL. `hosts` are the names by which it answers besides addresses,
    `localhost`, `host`, and the host of the issuer; `*` is any. Raises UsageError if the address cannot be taken.
    """
    from starlette.routing import Route

    from device_grant.reference.server.app import create_app
    from device_grant.reference.server.front import Front
    from device_grant.reference.server.hosts import OwnHosts
    from device_grant.reference.server.http import Endpoint
    from device_grant.reference.server.settings import Settings

    listener = listen(host, port)
    try:
        name = f"[{host}]" if ":" in host else host
        base = f"http://{name}:{listener.getsockname()[1]}"
        settings = settings or Settings()
        if not settings.issuer:
            settings = dataclasses.replace(settings, issuer=base)
        application = create_app(settings, faults)
        application.router.routes.append(Route("/", Endpoint(Front(settings, base).handler())))
        server = server_of(OwnHosts(application, (*hosts, host, urlsplit(settings.issuer).hostname or "")))
        try:
            if ready is not None:
                # The socket listens already: whoever connects from here on is served as soon as the loop runs.
                ready(base)
            server.run(sockets=[listener])
        except KeyboardInterrupt:
            # uvicorn shuts down cleanly and then raises the signal again for its caller: this is the caller.
            return
    finally:
        listener.close()


def server_of(application: Any) -> uvicorn.Server:
    """The HTTP server for an application, not started; it prints nothing and trusts no header of a proxy."""
    import uvicorn  # only here: an application in process needs no HTTP server

    config = uvicorn.Config(
        application,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_SHUTDOWN,
    )
    return uvicorn.Server(config)


def listen(host: str, port: int) -> socket.socket:
    """A socket that accepts connections; port 0 takes a free one. Raises UsageError if the address cannot be taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # With its protocol named: asyncio switches Nagle's algorithm off only then, and each answer would wait 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host}:{port}: {error}; choose another --port, or 0 for a free one"
        ) from error
    return listener
