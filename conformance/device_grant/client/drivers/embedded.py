"""The reference client under test, in this process and on simulated time: a login of minutes takes milliseconds."""

from __future__ import annotations

import http.client
import io
import math
import os
import ssl
import subprocess
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from device_grant.client.drivers.config import Claims, ClientConfig, RunSection
from device_grant.client.drivers.invocation import BEGINNINGS, Ended, Invocation
from device_grant.client.drivers.simulated_listener import SimulatedListener
from device_grant.protocol import Purpose
from device_grant.protocol.certificates import ClientCertificate
from device_grant.protocol.http1 import END_OF_HEAD, BrokenRequestError, RequestReader
from device_grant.reference.client.faults import ClientFaults
from device_grant.reference.client.login import Login
from device_grant.reference.client.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.certificates import Certificate
    from device_grant.client.scripted.replies import Reply
    from device_grant.reference.client.listening import CallbackListener

DEADLINE = 20.0
SETTLING = 0.5
"""Seconds that a client has to begin its wait before it is suspended."""


SIMULATED = ("/simulated/client.pem", "/simulated/client.key")
"""Certificate and key of the client, which nobody reads."""


class _Over(BaseException):
    """The deadline: no client may catch it."""


@dataclass
class _Site:
    authority: Authority
    base: str
    certificate: Certificate | None
    connections: int = 0


class SimulatedNetwork:
    """Time that passes only when somebody waits, and connections that end in a scripted server in this process."""

    def __init__(self, invocation: Invocation, deadline: float, rested: float = 0.0) -> None:
        self._invocation = invocation
        self._deadline = deadline
        self._now = 0.0
        self._wall = time.time() + rested
        self._sites: dict[str, _Site] = {}
        self.opened: list[str] = []
        self.refused: list[str] = []
        """Where else the client has turned to: addresses without a path."""
        self.listener: SimulatedListener | None = None
        self._suspended = False

    def serve(self, authority: Authority, base: str, certificate: Certificate | None) -> str:
        """Let the server be reached at this base, which is returned."""
        self._sites[base.partition("://")[2]] = _Site(authority, base, certificate)
        return base

    def site(self, address: str) -> _Site | None:
        """Who is at `host:port`; None: nobody."""
        return self._sites.get(address)

    def now(self) -> float:
        """Simulated seconds since the run began."""
        return self._now

    def time(self) -> float:
        """The wall clock when the run began, and the simulated seconds since then."""
        return self._wall + self._now

    def sleep(self, seconds: float) -> None:
        """Let simulated time pass, up to the deadline."""
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        self._check()
        invocation = self._invocation
        answered = any(entry.purpose is Purpose.POLL for entry in invocation.authority.exchanges)
        if invocation.suspended and answered and not self._suspended:
            self._suspended = True
            seconds = max(seconds, SETTLING + invocation.suspended)
        self.pass_time(seconds)

    def open(self, address: str, *, by_shell: bool) -> None:
        """Note the address; a shell is given it as the argument of a command that does nothing."""
        self.opened.append(address)
        if by_shell:
            variables = {"HOME": str(self._invocation.home.path), "PATH": os.environ.get("PATH", os.defpath)}
            subprocess.run(["sh", "-c", f"true {address}"], env=variables, check=False)  # noqa: S603, S607 - the fault itself

    def listen(self, *, everywhere: bool) -> CallbackListener:
        """A listener that meets the browser of this run, one step of it after the other."""
        self.listener = SimulatedListener(self, self._invocation, everywhere=everywhere)
        return self.listener

    def pass_time(self, seconds: float) -> None:
        """Move the clock; past the deadline the run is over."""
        limit = self._limit()
        self._now = min(self._now + seconds, limit)
        if self._now >= limit:
            raise _Over

    def connection(
        self,
        scheme: str,
        authority: str,
        *,
        verify: bool,
        patience: float | None,
        certificate: tuple[str, str] | None = None,
    ) -> http.client.HTTPConnection:
        """A connection to a scripted server; nobody else is there."""
        self._check()
        waits = math.inf if patience is None else patience
        result = _Connection(self, scheme, authority, verify, waits)
        result.shows = certificate is not None
        return result

    def arrives(self, connection: http.client.HTTPConnection, seconds: float) -> bool:
        """Whether an answer is there, or comes in that time."""
        self._check()
        return cast("_Socket", connection.sock).arrives(seconds)

    def _check(self) -> None:
        if self._invocation.authority.enough or self._now >= self._limit():
            raise _Over

    def _limit(self) -> float:
        if self._invocation.until is None:
            return self._deadline
        starts = [entry for entry in self._invocation.authority.exchanges if entry.purpose in BEGINNINGS]
        return min(self._deadline, starts[0].ended + self._invocation.until) if starts else self._deadline


class _Connection(http.client.HTTPConnection):
    def __init__(
        self,
        network: SimulatedNetwork,
        scheme: str,
        authority: str,
        verify: bool,  # noqa: FBT001 - private
        patience: float,
    ) -> None:
        super().__init__(authority)
        self.shows = False
        """Whether the client has a certificate for it."""
        self._network, self._scheme, self._authority, self._verify = network, scheme, authority, verify
        self._patience = patience

    def connect(self) -> None:
        site = self._network.site(self._authority)
        if site is None:
            self._network.refused.append(f"{self._scheme}://{self._authority}")
        if site is None or (self._scheme == "https") != (site.certificate is not None):
            raise ConnectionRefusedError(f"nobody listens at {self._scheme}://{self._authority}")
        if self._verify and site.certificate not in (None, "good"):
            raise ssl.SSLCertVerificationError(f"certificate verify failed: {site.certificate}")
        site.connections += 1
        self.sock = cast("Any", _Socket(self._network, site, self._patience, shows=self.shows))


class _Socket:
    def __init__(self, network: SimulatedNetwork, site: _Site, patience: float, *, shows: bool) -> None:
        # No octet of TLS is exchanged here: that a certificate was shown is all that there is to it.
        asked = site.certificate is not None and site.authority.mutual is not None
        self._certificate = ClientCertificate("") if asked and shows else None
        self._network = network
        self._site = site
        self._patience = patience
        self._sent = b""
        self._at = 0.0
        self._reply: Reply | None = None
        self._name = str(site.connections)

    def sendall(self, octets: bytes) -> None:
        self._sent += bytes(octets)
        self._at = self._network.now()

    def close(self) -> None:
        """What was sent has been sent, though nobody reads the answer."""
        self._replied()

    def arrives(self, seconds: float) -> bool:
        """Let the time pass until an answer begins, at most so many seconds; whether one does."""
        reply = self._replied()
        if reply is None:
            return True
        left = max(0.0, self._at + (math.inf if reply.fate == "hang" else reply.delay) - self._network.now())
        self._network.pass_time(min(left, seconds))
        return left <= seconds

    def makefile(self, *_arguments: Any) -> io.BufferedIOBase:
        # A socket's file is always made, and the reading of it fails: a response that was refused its file is left
        # half built, and complains of that when it is thrown away.
        try:
            return io.BytesIO(self._answer())
        except BaseException as error:  # noqa: BLE001 - raised again by the first read
            return io.BufferedReader(_FailedRead(error))

    def _answer(self) -> bytes:
        reply = self._replied()
        if reply is None:
            return b""
        late = reply.delay > self._patience or reply.fate == "hang"
        due = self._at + (self._patience if late else reply.delay)
        self._network.pass_time(max(0.0, due - self._network.now()))
        if late:
            raise TimeoutError("timed out")
        if reply.fate == "reset":
            raise ConnectionResetError("connection reset by peer")
        return reply.octets

    def _replied(self) -> Reply | None:
        """What the server says to what was sent, asked once; None for what is no request."""
        if self._reply is not None or not self._sent:
            return self._reply
        octets, end, rest = self._sent.partition(END_OF_HEAD)
        self._sent = b""
        try:
            incoming = RequestReader(octets + end)
            incoming.feed(rest)
        except BrokenRequestError:
            return None
        head = incoming.head
        authority, started = self._site.authority, self._at
        announced = head.chunked or head.length is not None
        request = head.request(self._site.base, incoming.content if announced else rest)
        request = replace(request, operation=authority.operation(request), certificate=self._certificate)
        self._reply = reply = authority.answer(request)
        authority.record(request, reply, started, started + min(reply.delay, self._patience), self._name)
        return reply


class _FailedRead(io.RawIOBase):
    def __init__(self, error: BaseException) -> None:
        super().__init__()
        self._error = error

    def readable(self) -> bool:
        return True

    def readinto(self, _buffer: Any) -> int:
        raise self._error


class EmbeddedDriver:
    """Runs the reference client with the given faults on simulated time."""

    clock = "simulated"
    network = ""
    scale = 1.0

    def __init__(self, dialect_name: str, faults: Iterable[str] = (), *, kind: str = "flow") -> None:
        from device_grant import __version__
        from device_grant.protocol import dialect

        named = tuple(faults)
        self._faults = ClientFaults.named(*named)
        self._rested = 0.0
        self.spec = f"honest:{dialect_name}" + ("" if kind == "flow" else f":{kind}")
        self.config = ClientConfig(
            name="reference client" if not named else f"reference client with {', '.join(named)}",
            version=__version__,
            dialect=dialect_name,
            run=RunSection(kind=cast("Literal['flow', 'operations', 'refresh', 'code']", kind), deadline=DEADLINE),
            claims=Claims(
                registration=kind != "refresh",
                refresh=True,
                confidential=True,
                metadata=dialect(dialect_name).has_metadata,
                keeps=True,
                revocation=dialect(dialect_name).has_metadata,
                id_token=dialect(dialect_name).has_metadata,
                device_pkce=dialect(dialect_name).has_metadata,
                resource=dialect(dialect_name).has_metadata,
                dpop=dialect(dialect_name).has_metadata,
                dpop_required=dialect(dialect_name).has_metadata,
                dpop_device_code=dialect(dialect_name).has_metadata,
                mtls=dialect(dialect_name).has_metadata,
                authorization_code=kind in ("flow", "code") and dialect(dialect_name).code_grant_is_tested,
            ),
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to take away."""

    def rest(self, seconds: float, ended: Ended) -> None:
        """Move the wall clock of the next run."""
        self._rested += seconds + ended.at

    def run(self, invocation: Invocation) -> Ended:
        """Run it once; an exception in it is a crash of the client, as it would be in a process."""
        network = SimulatedNetwork(invocation, invocation.wait + DEADLINE, self._rested)
        scheme = "https" if invocation.certificate else "http"
        authority, other, mutual = invocation.authority, invocation.elsewhere, invocation.authority.mutual
        authority.base = network.serve(authority, f"{scheme}://127.0.0.1:8628", invocation.certificate)
        if mutual is not None:
            mutual.certificate, mutual.key = SIMULATED
            mutual.base = network.serve(authority, f"{scheme}://127.0.0.1:8630", invocation.certificate)
        if other is not None:
            scheme = "https" if invocation.elsewhere_certificate else "http"
            other.base = network.serve(other, f"{scheme}://localhost:8629", invocation.elsewhere_certificate)
            authority.elsewhere = other.base
        out, complaint = io.StringIO(), ""
        settings = ClientSettings.of({**invocation.variables(), "HOME": str(invocation.home.path)})
        status: int | None
        try:
            with invocation.home.watched(really=invocation.watched):
                status = Login(settings, network, self._faults, out).run()
        except _Over:
            status = None
        except Exception as crash:  # noqa: BLE001 - as the interpreter would: a traceback and status 1
            status, complaint = 1, f"{type(crash).__name__}: {crash}\n"
        visits = network.listener.finish() if network.listener else ()
        return Ended(
            status,
            out.getvalue(),
            complaint,
            network.now(),
            refused_hosts=tuple(network.refused),
            opened=tuple(network.opened),
            visits=visits,
            began=network.time() - network.now(),
        )
