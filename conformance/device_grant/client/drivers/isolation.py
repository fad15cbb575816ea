"""The network of a client: one in which nothing is but our servers, where the kernel lets us make such."""

from __future__ import annotations

import errno
import os
import shutil
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Self

from device_grant.client.drivers import confined
from device_grant.processes import standing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ISOLATED = "isolated"
Connected = socket.socket
"""By another name: the class below has a method of that of its module."""
_PATIENCE = 20.0
"""Seconds for making the network, for a socket in it, and for its end."""


class Isolation:
    """A network of our own with its loopback, for all runs of a client; `why_not` says why there is none.

    Where there is none everything is as if this class were not, and the client can reach what this machine can.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keeper: subprocess.Popen[bytes] | None = None
        self._enter: tuple[str, ...] = ()
        self.why_not = ""

    def __enter__(self) -> Self:
        if not sys.platform.startswith("linux"):
            self.why_not = "only Linux can keep it in"
            return self
        program = shutil.which("nsenter")
        if program is None:
            self.why_not = "nsenter is not installed (Debian: apt-get install util-linux)"
            return self
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_PATIENCE)
        with theirs:
            self._keeper = subprocess.Popen(  # noqa: S603 - our own interpreter with our own text
                [sys.executable, "-I", "-S", confined.__file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
                # It ends by itself when we do, having ended what is in the network.
                env={standing.GUARD: "1"},
            )
        self.why_not = self._made(program)
        if self.why_not:
            self.__exit__()
        return self

    def __exit__(self, *_: object) -> None:
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        self._control.close()
        try:
            keeper.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait()

    def _made(self, program: str) -> str:
        """Empty once a program runs in the network, else why none does."""
        assert self._keeper is not None  # noqa: S101 - called by the one who has started it
        said = b""
        with suppress(OSError):
            while not said.endswith(b"\n") and (octets := self._control.recv(256)):
                said += octets
        words = said.decode(errors="replace").strip()
        if words != confined.MADE:
            return f"this machine does not let us make a network for it ({words or 'no reason given'})"
        network, user = (Path(f"/proc/{self._keeper.pid}/ns/{name}") for name in ("net", "user"))
        try:
            ours = Path("/proc/self/ns/user").readlink() == user.readlink()
        except OSError as error:
            return f"its network cannot be seen ({error.strerror})"
        # The same people, but where the right to make a network needed new ones.
        whose = () if ours else (f"--user={user}", "--preserve-credentials")
        self._enter = (program, *whose, f"--net={network}", "--")
        entered = False
        with suppress(OSError, subprocess.TimeoutExpired):
            tried = subprocess.run([*self._enter, "true"], capture_output=True, check=False, timeout=_PATIENCE)  # noqa: S603 - our own words
            entered = tried.returncode == 0
        return "" if entered else "nsenter cannot lead it into a network of its own"

    def socket(self, port: int = 0) -> socket.socket | None:
        """A listening socket of 127.0.0.1 in the network; None where there is no such network. Raises OSError."""
        if self._keeper is None:
            return None
        return self._given(str(port), errno.EADDRINUSE)

    def connection(self, address: str, port: int) -> Connected:
        """A connection to who listens there, in the network if there is one; raises OSError where nobody does."""
        if self._keeper is None:
            return confined.connected(address, port)
        return self._given(f"{address} {port}", errno.ECONNREFUSED)

    def _given(self, asked: str, otherwise: int) -> Connected:
        with self._lock:
            self._control.sendall(asked.encode())
            said, descriptors, _, _ = socket.recv_fds(self._control, 1, 1)
        if said != b"+" or not descriptors:
            raise OSError(otherwise, os.strerror(otherwise))
        return socket.socket(fileno=descriptors[0])

    def led(self, command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
        """The command as it is started in the network; raises OSError where it cannot be started at all."""
        if self._keeper is None:
            return list(command)
        _require(command[0], environment.get("PATH", os.defpath))
        return [*self._enter, *command]


def _require(program: str, path: str) -> None:
    """Fail as starting it would: nsenter says of that nothing that could be told from the words of the client."""
    file = Path(program if "/" in program else shutil.which(program, path=path) or program)
    if not file.is_file():
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
    if not os.access(file, os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), program)
    with suppress(PermissionError), file.open("rb") as opened:
        first = opened.readline(512)
        if first.startswith(b"#!"):
            interpreter = os.fsdecode(first[2:].split(maxsplit=1)[0]) if first[2:].split() else ""
            if not Path(interpreter).is_file():
                raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), program)
