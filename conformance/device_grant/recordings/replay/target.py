"""A target that answers from tapes: no network, no server."""

from __future__ import annotations

import gzip
import zlib
from datetime import timedelta
from typing import TYPE_CHECKING, Self

import httpx

from device_grant.protocol import Request, Response
from device_grant.recordings.formats.cassette import read
from device_grant.recordings.replay.clock import ReplayClock, reach
from device_grant.recordings.replay.player import Player
from device_grant.recordings.replay.user import ReplayUser
from device_grant.recordings.tape import SHARED
from device_grant.targets.ports import NotHeld
from device_grant.targets.transports.limits import UNREAD_ANSWERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.recordings.formats.cassette import Manifest
    from device_grant.targets.config import TargetConfig
    from device_grant.targets.dispatch import Dispatch, Meanwhile
    from device_grant.targets.ports import Clock, Sampler, User


def open_cassette(folder: Path, spec: str) -> ReplayTarget:
    """The target that a cassette was recorded from, to be replayed; raises UsageError as `read` does."""
    cassette = read(folder)
    return ReplayTarget(Player(cassette.tapes), cassette.manifest, spec, cassette.baseline)


class ReplayTarget:
    """A recorded target; entering it blocks the network, leaving it opens it again."""

    def __init__(self, player: Player, manifest: Manifest, spec: str, baseline: Path | None = None) -> None:
        """What `manifest` describes, played by `player`."""
        self.player = player
        self.sampler: Sampler | None = player
        self.config: TargetConfig = manifest.target
        self.spec = spec
        self.base = manifest.base
        self.clock: Clock = ReplayClock(manifest.clock)
        self.in_process = manifest.in_process
        self.second: User | None = None
        self.lock_second: Callable[[str], object] | None = None
        self.switch_client: Callable[[str, str], object] | None = None
        self.assertion: Callable[[str, float], str] | None = None
        self.user: User | None = ReplayUser(player, manifest.steps) if manifest.user else None
        self.baseline = baseline

    def __enter__(self) -> Self:
        from pytest_recording.network import block

        block()
        return self

    def __exit__(self, *_: object) -> None:
        from pytest_recording.network import unblock

        unblock()

    def http(self, *, timeout: float = 10.0, certificate: ClientCertificate | None = None) -> httpx.Client:
        """A new client that is answered from the tapes, whatever it shows."""
        del certificate
        transport = _ReplayTransport(self.player, self.clock)
        return httpx.Client(transport=transport, base_url=self.base, timeout=timeout, trust_env=False)

    def gone(self) -> str:
        """A recording does not go away."""
        return ""

    def journal_length(self) -> int:
        """A recording has answers only."""
        return 0

    def journal_since(self, length: int) -> str:
        """Likewise."""
        del length
        return ""

    def listens(self, host: str, port: int) -> bool:
        """As it was when it was recorded."""
        return self.player.tapes[SHARED].answers.get(f"{host}:{port}", False)

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Nothing: checks of races do not get here."""
        del meanwhile
        raise NotHeld(f"{self.spec}: {len(dispatches)} requests at the same moment cannot be replayed")

    def talk(self, url: str, sent: bytes, conversation: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str]:
        """What came over a raw socket when it was recorded."""
        del conversation
        return self.player.octets(url, sent, self.clock)

    def hang_up(self, conversation: Callable[[], None]) -> None:
        """Nothing is sent, and nothing would come back."""

    def scope(self, check: str = "") -> AbstractContextManager[None]:
        """Within: the tape of that check is played."""
        return self.player.check(check, self.clock) if check else self.player.shared()

    def holds(self, check: str) -> bool:
        """Whether the check was recorded."""
        return self.player.holds(check)

    def unsettled(self, check: str, live: Mapping[str, str]) -> Mapping[str, str]:
        """What no recording shows, and what this one was found not to carry."""
        return {**self.player.uncarried(check), **live}

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Exchanges that no check asked for."""
        return tuple(self.player.problems)


class _ReplayTransport(httpx.BaseTransport):
    def __init__(self, player: Player, clock: Clock) -> None:
        self._player = player
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        sent = Request(request.method, str(request.url), headers, request.read())
        entry = self._player.entry(sent)
        reach(self._clock, self._player.playback, entry)
        got = entry.response
        if got is None:
            raised: type[httpx.HTTPError] = UNREAD_ANSWERS.get(entry.error) or getattr(httpx, entry.error)
            error = raised(entry.message)
            error.request = request
            raise error
        stream = _ReplayStream(_encoded(got, entry.coding), entry.elapsed)
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in got.headers]
        if entry.coding in _CODINGS:
            pairs.append((b"content-encoding", entry.coding.encode()))
        response = httpx.Response(
            got.status,
            headers=pairs,
            stream=stream,
            extensions={"reason_phrase": entry.reason.encode("ascii", errors="replace")},
        )
        stream.response = response
        return response


class _ReplayStream(httpx.SyncByteStream):
    """A body that took as long as it did when it was recorded."""

    response: httpx.Response

    def __init__(self, content: bytes, elapsed: float) -> None:
        self._content = content
        self._elapsed = elapsed

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    def close(self) -> None:
        # The client has measured its own time by now.
        self.response.elapsed = timedelta(seconds=self._elapsed)


_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "deflate": zlib.compress,
}


def _encoded(got: Response, coding: str) -> bytes:
    encode = _CODINGS.get(coding)
    return encode(got.content) if encode else got.content
