"""One run of a client: what it is told, and how it ended."""

from __future__ import annotations

import re
import socket
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, Self

from device_grant.client.drivers.config import UNSUPPORTED
from device_grant.client.drivers.visiting import Errands
from device_grant.client.drivers.watching import Watch, reach
from device_grant.client.scripted.members import JWKS
from device_grant.errors import UsageError
from device_grant.processes import temporary_folder
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from device_grant.client.drivers.config import ClientConfig
    from device_grant.client.drivers.visiting import Visit
    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.certificates import Certificate

_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
"""Sequences of terminals: of control, of operating system commands, of two characters."""
_LONGEST_WORDS = 200
"""Characters of each end of a long line that are kept."""
MARK = "device-grant: "
BEGINNINGS = frozenset({Purpose.START, Purpose.AUTHORIZATION})
"""What a login begins with, by the device grant or by the code grant."""
LARGEST_FILE = 262_144
"""Octets of a file under HOME that are looked at."""


class Home:
    """A fresh HOME; runs that share it are runs of the same person on the same machine."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self.path = self._stack.enter_context(temporary_folder("device-grant-home-"))
        self._reserved: socket.socket | None = None
        self.furnished = False
        """Whether it has been given the files that the client is to find."""
        self.left: tuple[Kept, ...] | None = None
        """What a recorded client left here; None: the files that are here."""
        self.glimpsed: tuple[Kept, ...] = ()
        """Files that other people could read at some moment of the last run, with what they had then."""

    @property
    def port(self) -> int:
        """A port of 127.0.0.1 at which every run of this HOME can meet its server: clients keep things by its address.

        It is bound and never listened to, which keeps others from it and lets a server of ours in.
        """
        if self._reserved is None:
            self._reserved = socket.socket()
            self._reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._reserved.bind(("127.0.0.1", 0))
        port: int = self._reserved.getsockname()[1]
        return port

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._reserved is not None:
            self._reserved.close()
        self._stack.close()

    def files(self) -> tuple[Kept, ...]:
        """Every regular file that the client left there."""
        if self.left is not None:
            return self.left
        collected = []
        for path in sorted(self.path.rglob("*")):
            try:
                if path.is_symlink() or not path.is_file():
                    continue
                with path.open("rb") as file:
                    collected.append(
                        Kept(str(path.relative_to(self.path)), reach(path, self.path), file.read(LARGEST_FILE))
                    )
            except OSError:
                continue
        return tuple(collected)

    @contextmanager
    def watched(self, *, really: bool) -> Iterator[None]:
        """Note in `glimpsed` what other people could read in the time of the block, if that is `really` wanted."""
        self.glimpsed = ()
        if not really:
            yield
            return
        with Watch(self.path) as watch:
            yield
        self.glimpsed = tuple(Kept(str(one.path.relative_to(self.path)), one.mode, one.content) for one in watch.seen)


@dataclass(frozen=True)
class Kept:
    """A file under HOME after the run."""

    path: str
    mode: int
    """Permissions that other people effectively have, folders below HOME counted in."""
    content: bytes


@dataclass(frozen=True)
class Invocation:
    """What one run is told, and how long it may take."""

    operation: str
    authority: Authority
    home: Home
    elsewhere: Authority | None = None
    """Another origin."""
    wait: float = 0.0
    """Seconds of the client's time that the script asks for; the deadline of client.toml comes on top."""
    until: float | None = None
    """Seconds after the answer to its first request for codes at which the run is ended, whatever it does."""
    certificate: Certificate | None = None
    """What the server shows; None: plain HTTP."""
    elsewhere_certificate: Certificate | None = None
    given: Mapping[str, str] = field(default_factory=dict)
    """Further DEVICE_GRANT_ variables by their last part, for example CLIENT_ID; empty ones are not set."""
    discover: bool = False
    suspended: float = 0.0
    """Seconds for which the client is stopped and then goes on, half a second after the answer to its first poll."""
    watched: bool = False
    """Whether its HOME is watched, for files that other people could read for a moment."""
    scenario: str = ""
    """Name of the check whose run it is; empty for the first runs, which precede all checks."""
    number: int = 0
    """Which of its runs, counted from 1."""
    terminal: bool = False
    """Whether it writes to a terminal; standard error is then one with standard output."""
    errands: Errands = field(default_factory=Errands)
    """What the browser of a sign-in by the code grant does besides."""

    def variables(self) -> dict[str, str]:
        """The DEVICE_GRANT_ variables; the authority must have its base by now."""
        authority = self.authority
        collected = {
            "OPERATION": self.operation,
            "DIALECT": authority.config.dialect,
            "ENDPOINT": authority.base,
            "ISSUER": authority.issuer,
        }
        if self.discover:
            collected["DISCOVER"] = "1"
        else:
            for name, channel in (
                ("DEVICE_AUTHORIZATION_ENDPOINT", "start"),
                ("TOKEN_ENDPOINT", "token"),
                ("REGISTRATION_ENDPOINT", "registration"),
            ):
                collected[name] = authority.base + authority.paths[channel]
            if authority.config.claims.revocation:
                collected["REVOCATION_ENDPOINT"] = authority.base + authority.paths["revocation"]
            if authority.config.claims.id_token:
                collected["JWKS_URI"] = authority.base + JWKS
        if authority.mutual is not None:
            collected |= authority.mutual.variables
        there = self.elsewhere.base if self.elsewhere else ""
        collected |= {name: value.replace("{elsewhere}", there) for name, value in self.given.items()}
        return {f"DEVICE_GRANT_{name}": value for name, value in collected.items() if value}


@dataclass(frozen=True)
class Ended:
    """How a run ended."""

    status: int | None
    """Exit status, negative for a signal; None: it was still going on and was ended by us."""
    stdout: str
    stderr: str
    at: float
    """Seconds of the client's time since the run began."""
    refused_hosts: tuple[str, ...] = ()
    """Hosts that the client asked the proxy for in vain."""
    overdue: bool = False
    """Whether it was ended by the deadline of client.toml, which a client also meets on a machine that is busy."""
    opened: tuple[str, ...] = ()
    """What it has asked a browser to open."""
    visits: tuple[Visit, ...] = ()
    """What became of the browser that it sent to sign in, at its own listener."""
    began: float | None = None
    """What the client's clock said when the run began, in seconds since the epoch; None: not known."""

    def marks(self, name: str) -> list[list[str]]:
        """The words after each marker of that name."""
        lines = [line.removeprefix(MARK).split() for line in self.stdout.splitlines() if line.startswith(MARK)]
        return [words[1:] for words in lines if words and words[0] == name]

    @property
    def unsupported(self) -> str | None:
        """Why the adapter says that its client cannot do this; None if it does not say so."""
        said = self.marks("unsupported")
        if said:
            return " ".join(said[0]) or "no reason given"
        return "no reason given" if self.status == UNSUPPORTED else None

    @property
    def shown(self) -> str:
        """What the client itself wrote for people: both outputs without the adapter's markers other than `shows`."""
        shows = [line for line in self.stdout.splitlines() if line.startswith(f"{MARK}shows ")]
        return "\n".join((own_lines(self.stdout), own_lines(self.stderr), *shows))

    @property
    def last_words(self) -> str:
        """The end of what it wrote, on one line; without colours, pictures of blocks, and the middle of long lines."""
        written = _ESCAPES.sub("", self.stderr or self.stdout)
        lines = [" ".join(line.split()) for line in written.splitlines()]
        lines = [line for line in lines if any(character.isalnum() for character in line)]
        return " | ".join(_ends(line) for line in lines[-3:]) or "it wrote nothing"


def own_lines(text: str) -> str:
    """What the client itself wrote in it: all lines but the adapter's."""
    return "\n".join(line for line in text.splitlines() if not line.startswith(MARK))


def _ends(line: str) -> str:
    if len(line) <= 2 * _LONGEST_WORDS:
        return line
    return f"{line[:_LONGEST_WORDS]} … {line[-_LONGEST_WORDS:]}"


class Driver(Protocol):
    """Runs the client."""

    @property
    def config(self) -> ClientConfig:
        """What client.toml says, or would."""

    @property
    def spec(self) -> str:
        """What the command line calls it."""

    @property
    def clock(self) -> str:
        """`simulated`, `real`, or `scaled by N`."""

    @property
    def scale(self) -> float:
        """How many times faster the client's time passes."""

    @property
    def network(self) -> str:
        """`isolated` where nothing but our servers is there for it, `open: WHY`, or empty where there is no network."""

    def __enter__(self) -> Self:
        """Prepare what all runs share."""

    def __exit__(self, *_: object) -> None:
        """Take it away again."""

    def rest(self, seconds: float, ended: Ended) -> None:
        """Let so many seconds of the client's time pass between a run that ended so and the next one."""

    def run(self, invocation: Invocation) -> Ended:
        """Run the client once; gives the authorities their bases, and ends whatever is left at the deadline."""


def operation_of(kind: str, operation: str) -> str:
    """Check that clients of this kind know the operation; raises UsageError, an error of a scenario."""
    allowed = {"flow": ("flow", "code", "refresh"), "code": ("code", "refresh"), "refresh": ("refresh",)}
    if operation not in (*allowed.get(kind, ("register", "start", "token", "refresh")), "logout"):
        raise UsageError(f"a client of kind {kind} has no operation {operation}")
    return operation
