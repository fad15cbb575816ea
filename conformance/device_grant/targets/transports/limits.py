"""What a target may cost: octets of an answer, seconds of an exchange, and seconds of silence in a whole run.

One wrapper around every transport, so that endpoints, metadata and pages are bounded alike. What goes beyond ends as
a lost answer does, by an error of httpx.
"""

from __future__ import annotations

import threading
import time
import zlib
from typing import TYPE_CHECKING

import httpx

from device_grant.targets.transports.deadline import bounded_network, until

if TYPE_CHECKING:
    from device_grant.targets.config import LimitsSection

_UNANSWERED = 2
"""Requests in a row that a place leaves unanswered before it is asked no more, once the budget is spent."""
_HOST_UNANSWERED = 3
"""The same of a whole host, whatever is asked of it."""
_MOST_CODINGS = 8
_GZIP, _ZLIB, _BARE = zlib.MAX_WBITS | 16, zlib.MAX_WBITS, -zlib.MAX_WBITS
"""Window sizes of zlib, which also say what surrounds the compressed octets."""
_WINDOWS = {"gzip": (_GZIP,), "deflate": (_ZLIB, _BARE)}
"""How what is coded so can be read, the usual way first."""
_UNBOUNDED = ("br", "zstd")
"""Codings that httpx reads where their libraries are installed; nobody asked for them, and they have no bound."""
_ACCEPTED = "gzip, deflate"
"""What every request asks for, whichever libraries are installed."""


class UnreadAnswer(httpx.TransportError):
    """An answer that the suite did not take, for reasons of its own: nothing can be said of what it was."""


class TooLarge(UnreadAnswer):
    """It has more octets than are read."""


class Mute(UnreadAnswer, httpx.TimeoutException):
    """The request was not sent: earlier ones to that place had no answer, and the budget for silence is spent."""


UNREAD_ANSWERS: dict[str, type[UnreadAnswer]] = {kind.__name__: kind for kind in (TooLarge, Mute)}
"""By their names, as recordings keep them."""


class Silence:
    """Real seconds of a run that were spent on answers which did not come, and the places that owe them."""

    def __init__(self, budget: float) -> None:
        self._budget = budget
        self._spent = 0.0
        self._owed: dict[str, int] = {}
        """Requests in a row without an answer, by method and place, and by host."""
        self._lock = threading.Lock()

    def admit(self, request: httpx.Request) -> None:
        """Raise Mute where the request would only wait again."""
        place, host = _places(request)
        with self._lock:
            spent = self._spent >= self._budget
            mute = self._owed.get(place, 0) >= _UNANSWERED or self._owed.get(host, 0) >= _HOST_UNANSWERED
        if spent and mute:
            raise Mute(
                f"not sent, for {place} has not answered before, and a run waits {self._budget:g} s for what does not "
                "come ([limits] silence in target.toml)",
                request=request,
            )

    def lost(self, request: httpx.Request, seconds: float) -> None:
        """An answer did not come within that many real seconds."""
        with self._lock:
            self._spent += seconds
            for key in _places(request):
                self._owed[key] = self._owed.get(key, 0) + 1

    def answered(self, request: httpx.Request) -> None:
        """One came."""
        with self._lock:
            for key in _places(request):
                self._owed.pop(key, None)


class LimitedTransport(httpx.BaseTransport):
    """A transport whose answers are read within the limits; raises TooLarge, Mute or a timeout of httpx."""

    def __init__(self, inner: httpx.BaseTransport, limits: LimitsSection, silence: Silence) -> None:
        self.inner = inner
        self._limits = limits
        self._silence = silence

    def close(self) -> None:
        """Close the transport inside; those of applications live longer than a client and keep nothing."""
        self.inner.close()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The answer, its content read already."""
        self._silence.admit(request)
        began = time.perf_counter()
        try:
            with until(began + self._limits.exchange):
                response = self.inner.handle_request(request)
                take(response, request, self._limits.answer)
        except httpx.TimeoutException as error:
            seconds = time.perf_counter() - began
            self._silence.lost(request, seconds)
            if seconds >= self._limits.exchange:
                raise httpx.ReadTimeout(
                    f"no complete answer within {self._limits.exchange:g} s", request=request
                ) from error
            raise
        except UnicodeError as error:
            # Of a name whose labels are empty or too long, which httpx takes and the resolver does not.
            raise httpx.ConnectError(f"no host can have this name: {error}", request=request) from error
        self._silence.answered(request)
        return response


def limited(client: httpx.Client, limits: LimitsSection, silence: Silence) -> httpx.Client:
    """The client with all its transports limited, those to proxies of the environment among them."""
    wrapped = LimitedTransport(bounded_network(client._transport), limits, silence)  # noqa: SLF001 - httpx makes the transports of proxies for clients without a transport of their own alone
    client._transport = wrapped  # noqa: SLF001 - likewise
    for pattern, transport in client._mounts.items():  # noqa: SLF001 - likewise
        if transport is not None:
            client._mounts[pattern] = LimitedTransport(bounded_network(transport), limits, silence)  # noqa: SLF001 - likewise
    client.headers["Accept-Encoding"] = _ACCEPTED
    return client


def take(response: httpx.Response, request: httpx.Request, most: int) -> None:
    """Read the content into the response, as it came; raises TooLarge where it or what it stands for is longer."""
    received = bytearray()
    stream = response.stream
    assert isinstance(stream, httpx.SyncByteStream)  # noqa: S101 - of a transport that is none of asyncio's
    try:
        for block in stream:
            received += block
            if len(received) > most:
                raise _too_large(response, request, most)
    finally:
        stream.close()
    content = bytes(received)
    codings = [coding.strip().lower() for coding in response.headers.get("content-encoding", "").split(",")]
    if len(codings) > _MOST_CODINGS:
        raise httpx.DecodingError(f"{len(codings)} content codings on top of each other", request=request)
    plain: bytes | None = content
    for coding in reversed(codings):
        if coding in _UNBOUNDED and coding in httpx.Client().headers["accept-encoding"]:
            raise httpx.DecodingError(f"the content coding {coding} was not asked for", request=request)
        if coding in _WINDOWS and plain is not None:
            plain = _expanded(plain, coding, most)
            if plain is not None and len(plain) > most:
                raise _too_large(response, request, most)
    response.stream = httpx.ByteStream(content)


def whole(response: httpx.Response, request: httpx.Request, most: int) -> httpx.Response | Exception:
    """A response that came in another way than a client's, read and decoded within the limit, or why it is not."""
    response.request = request
    try:
        take(response, request, most)
        response.read()
    except httpx.RequestError as error:
        return error
    return response


def _expanded(content: bytes, coding: str, most: int) -> bytes | None:
    """At most one octet more than `most` of what the content stands for; None: httpx will say what is wrong."""
    for window in _WINDOWS[coding]:
        try:
            return zlib.decompressobj(window).decompress(content, most + 1)
        except zlib.error:
            continue
    return None


def _too_large(response: httpx.Response, request: httpx.Request, most: int) -> TooLarge:
    said = f"the content of an answer {response.status_code} goes on after {most} octets, which is all that is read"
    return TooLarge(f"{said} ([limits] answer in target.toml)", request=request)


def _places(request: httpx.Request) -> tuple[str, str]:
    url = request.url
    host = f"{url.scheme}://{url.netloc.decode('ascii', errors='replace')}"
    return f"{request.method} {host}{url.path}", host
