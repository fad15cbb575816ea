"""The example database: what has failed before is tried first, by whoever runs the checks next.

Hypothesis keeps what it drew for a failing example, never what was sent or answered: no secret of a target gets there.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

SCHEMES = ("redis", "rediss", "unix")
"""Of addresses that are those of a Redis server."""
ANSWER_WITHIN = 5.0
"""Seconds that a Redis server has for each answer."""
_SUFFIXES = (b".secondary", b".pareto")
"""What Hypothesis appends to a test's key for examples that are not its smallest ones."""


class Examples:
    """The examples of all checks. Once the place where they are kept fails, the run goes on without it."""

    def __init__(self, kept: ExampleDatabase, failures: tuple[type[Exception], ...] = (OSError,)) -> None:
        self._kept = kept
        self._failures = failures
        self._gone = False

    def of(self, key: str, complain: Callable[[str], None]) -> ExampleDatabase:
        """Those of one test. `key` is the same in every process; `complain` is told once why they cannot be had."""
        return _Own(self, key.encode(), complain)

    def try_to(self, act: Callable[[ExampleDatabase], object], complain: Callable[[str], None]) -> None:
        """Do something with the place where the examples are kept, unless it has failed before."""
        if self._gone:
            return
        try:
            act(self._kept)
        except self._failures as error:
            self._gone = True
            complain(f"the example database failed, generated examples go on without it: {error}")


class _Own(ExampleDatabase):
    """What Hypothesis is given. It derives its keys from source code, which changes where the examples still fit."""

    def __init__(self, examples: Examples, key: bytes, complain: Callable[[str], None]) -> None:
        super().__init__()
        self._examples = examples
        self._key = key
        self._complain = complain

    def fetch(self, key: bytes) -> Iterable[bytes]:
        """Return the examples under a key."""
        collected: list[bytes] = []
        self._examples.try_to(lambda kept: collected.extend(kept.fetch(self._named(key))), self._complain)
        return collected

    def save(self, key: bytes, value: bytes) -> None:
        """Add an example."""
        self._examples.try_to(lambda kept: kept.save(self._named(key), value), self._complain)

    def delete(self, key: bytes, value: bytes) -> None:
        """Remove an example."""
        self._examples.try_to(lambda kept: kept.delete(self._named(key), value), self._complain)

    def move(self, src: bytes, dest: bytes, value: bytes) -> None:
        """Move an example from one key to another."""
        self._examples.try_to(lambda kept: kept.move(self._named(src), self._named(dest), value), self._complain)

    def _named(self, key: bytes) -> bytes:
        return self._key + next((suffix for suffix in _SUFFIXES if key.endswith(suffix)), b"")


def open_database(location: str) -> Examples:
    """The examples in a folder, which is made, or on a Redis server (redis://, rediss://, unix://).

    Raises UsageError if the folder cannot be made, or the server does not answer or is of another kind.
    """
    scheme = urlsplit(location).scheme if "://" in location else ""
    if scheme in SCHEMES:
        return _redis(location)
    if scheme:
        raise UsageError(f"--database {shown(location)}: give a folder, or redis://HOST:PORT, rediss://… or unix://…")
    folder = Path(location).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"--database {location}: the folder cannot be made ({error.strerror}); name another") from None
    return Examples(DirectoryBasedExampleDatabase(folder))


def _redis(location: str) -> Examples:
    try:
        import redis
        from hypothesis.extra.redis import RedisExampleDatabase
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError:
        raise UsageError(
            f"--database {shown(location)}: the client of Redis is missing: "
            "pip install 'device-grant-conformance[redis]', or give a folder"
        ) from None
    try:
        client = redis.Redis.from_url(
            location,
            socket_timeout=ANSWER_WITHIN,
            socket_connect_timeout=ANSWER_WITHIN,
            # Once, for a connection that the server closed meanwhile; without waiting in the middle of a check.
            retry=Retry(NoBackoff(), 1),
        )
        client.ping()
    except (redis.RedisError, OSError, ValueError) as error:
        raise UsageError(
            f"--database {shown(location)}: {_without(str(error), location)}; "
            "is the server running, and are address and password right?"
        ) from None
    kept = RedisExampleDatabase(client, key_prefix=b"device-grant-conformance:")
    return Examples(kept, (redis.RedisError, OSError))


def shown(location: str) -> str:
    """A location as it may be written down: without user, password and query."""
    if "://" not in location:
        return location
    parts = urlsplit(location)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def passwords(location: str) -> list[str]:
    """What must not be written down of a location, as it stands there and decoded."""
    if "://" not in location:
        return []
    parts = urlsplit(location)
    written = [parts.netloc.rpartition("@")[0].partition(":")[2], *parse_qs(parts.query).get("password", [])]
    return list(dict.fromkeys(form for text in written if text for form in (text, unquote(text))))


def _without(message: str, location: str) -> str:
    for password in passwords(location):
        message = message.replace(password, "…")
    return message
