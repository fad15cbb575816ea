"""The reference client under test, in this process and on simulated time: a login of minutes takes milliseconds."""

from __future__ import annotations

import http.client
import io
import ssl
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Self, cast

from device_grant.client.drivers.config import Claims, ClientConfig, RunSection
from device_grant.client.drivers.invocation import Ended, Invocation
from device_grant.protocol import Purpose
from device_grant.protocol.http1 import END_OF_HEAD, BrokenRequestError, RequestReader
from device_grant.reference.client.faults import ClientFaults
from device_grant.reference.client.login import Login
from device_grant.reference.client.network import ANSWER_TIMEOUT
from device_grant.reference.client.settings import ClientSettings

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.certificates import Certificate

DEADLINE = 20.0


class _Over(BaseException):
    """The deadline: no client may catch it."""


@dataclass
class _Site:
    authority: Authority
    certificate: Certificate | None
    connections: int = 0


class SimulatedNetwork:
    """Time that passes only when somebody waits, and connections that end in a scripted server in this process."""

    def __init__(self, invocation: Invocation, deadline: float, rested: float = 0.0) -> None:
        self._invocation = invocation
        self._deadline = deadline
        self._now = 0.0
        self._wall = time.time() + rested
        self.sites: dict[str, _Site] = {}

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
        self.pass_time(seconds)

    def pass_time(self, seconds: float) -> None:
        """Move the clock; past the deadline the run is over."""
        limit = self._limit()
        self._now = min(self._now + seconds, limit)
        if self._now >= limit:
            raise _Over

    def connection(self, scheme: str, authority: str, *, verify: bool) -> http.client.HTTPConnection:
        """A connection to a scripted server; nobody else is there."""
        self._check()
        return _Connection(self, scheme, authority, verify)

    def _check(self) -> None:
        if self._invocation.authority.enough or self._now >= self._limit():
            raise _Over

    def _limit(self) -> float:
        if self._invocation.until is None:
            return self._deadline
        starts = [entry for entry in self._invocation.authority.exchanges if entry.purpose is Purpose.START]
        return min(self._deadline, starts[0].ended + self._invocation.until) if starts else self._deadline


class _Connection(http.client.HTTPConnection):
    def __init__(self, network: SimulatedNetwork, scheme: str, authority: str, verify: bool) -> None:  # noqa: FBT001 - private
        super().__init__(authority)
        self._network, self._scheme, self._authority, self._verify = network, scheme, authority, verify

    def connect(self) -> None:
        site = self._network.sites.get(self._authority)
        if site is None or (self._scheme == "https") != (site.certificate is not None):
            raise ConnectionRefusedError(f"nobody listens at {self._scheme}://{self._authority}")
        if self._verify and site.certificate not in (None, "good"):
            raise ssl.SSLCertVerificationError(f"certificate verify failed: {site.certificate}")
        site.connections += 1
        self.sock = cast("Any", _Socket(self._network, site))


class _Socket:
    def __init__(self, network: SimulatedNetwork, site: _Site) -> None:
        self._network = network
        self._site = site
        self._sent = b""
        self._name = str(site.connections)

    def sendall(self, octets: bytes) -> None:
        self._sent += bytes(octets)

    def close(self) -> None:
        """Nothing is open."""

    def makefile(self, *_arguments: Any) -> io.BufferedIOBase:
        # A socket's file is always made, and the reading of it fails: a response that was refused its file is left
        # half built, and complains of that when it is thrown away.
        try:
            return io.BytesIO(self._answer())
        except BaseException as error:  # noqa: BLE001 - raised again by the first read
            return io.BufferedReader(_FailedRead(error))

    def _answer(self) -> bytes:
        octets, end, rest = self._sent.partition(END_OF_HEAD)
        self._sent = b""
        try:
            incoming = RequestReader(octets + end)
            incoming.feed(rest)
        except BrokenRequestError:
            return b""
        head = incoming.head
        authority, started = self._site.authority, self._network.now()
        announced = head.chunked or head.length is not None
        request = head.request(authority.base, incoming.content if announced else rest)
        request = replace(request, operation=authority.operation(request))
        reply = authority.answer(request)
        late = reply.delay > ANSWER_TIMEOUT or reply.fate == "hang"
        authority.record(request, reply, started, started + min(reply.delay, ANSWER_TIMEOUT), self._name)
        self._network.pass_time(ANSWER_TIMEOUT if late else reply.delay)
        if late:
            raise TimeoutError("timed out")
        if reply.fate == "reset":
            raise ConnectionResetError("connection reset by peer")
        return reply.octets


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
    scale = 1.0

    def __init__(self, dialect_name: str, faults: Iterable[str] = (), *, kind: str = "flow") -> None:
        from device_grant import __version__
        from device_grant.protocol import dialect

        named = tuple(faults)
        self._faults = ClientFaults.named(*named)
        self._rested = 0.0
        self.spec = f"honest:{dialect_name}" + (":operations" if kind == "operations" else "")
        self.config = ClientConfig(
            name="reference client" if not named else f"reference client with {', '.join(named)}",
            version=__version__,
            dialect=dialect_name,
            run=RunSection(kind=cast("Literal['flow', 'operations']", kind), deadline=DEADLINE),
            claims=Claims(
                registration=True,
                refresh=True,
                confidential=True,
                metadata=dialect(dialect_name).has_metadata,
                keeps=True,
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
        invocation.authority.base = f"{scheme}://127.0.0.1:8628"
        network.sites["127.0.0.1:8628"] = _Site(invocation.authority, invocation.certificate)
        if invocation.elsewhere is not None:
            scheme = "https" if invocation.elsewhere_certificate else "http"
            invocation.elsewhere.base = invocation.authority.elsewhere = f"{scheme}://localhost:8629"
            network.sites["localhost:8629"] = _Site(invocation.elsewhere, invocation.elsewhere_certificate)
        out, complaint = io.StringIO(), ""
        settings = ClientSettings.of({**invocation.variables(), "HOME": str(invocation.home.path)})
        status: int | None
        try:
            status = Login(settings, network, self._faults, out).run()
        except _Over:
            status = None
        except Exception as crash:  # noqa: BLE001 - as the interpreter would: a traceback and status 1
            status, complaint = 1, f"{type(crash).__name__}: {crash}\n"
        return Ended(status, out.getvalue(), complaint, network.now())
