"""Makes a network in which there is nothing but this machine's own loopback, and keeps it; Linux alone has such.

Run by its path, with nothing but the standard library: its argument is a socket. Over it goes first how that went (a
line, `made` or why not), then a listening socket of 127.0.0.1 for every port that is asked for, and a connection for
every address and port. When the other end closes, every process in the network is ended, and the network with it.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import signal
import socket
import struct
import sys
from contextlib import suppress
from pathlib import Path

MADE = "made"
PATIENCE = 5.0
"""Seconds for a connection within the machine."""
_NEW_NETWORK, _NEW_USER = 0x40000000, 0x10000000  # linux/sched.h
_SET_FLAGS, _UP = 0x8914, 0x1  # linux/sockios.h, linux/if.h
_FIRST_PORT, _PORTS = 10_000, 10_000
"""Of those that the kernel does not give to anybody by itself: who reserves one meanwhile has another."""
_PROC = Path("/proc")


def make() -> None:
    """Leave the network for a new one, as a user who may do nothing else where that is needed; raises OSError."""
    user, group = os.geteuid(), os.getegid()
    try:
        _unshare(_NEW_NETWORK)
    except PermissionError:
        _unshare(_NEW_USER | _NEW_NETWORK)
        own = Path("/proc/self")
        own.joinpath("setgroups").write_text("deny", encoding="ascii")
        own.joinpath("uid_map").write_text(f"{user} {user} 1", encoding="ascii")
        own.joinpath("gid_map").write_text(f"{group} {group} 1", encoding="ascii")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, _SET_FLAGS, struct.pack("16sh14x", b"lo", _UP))


def _unshare(what: int) -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(what) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def listening(port: int, ports: list[int]) -> socket.socket:
    """A listening socket at the port, or where that is 0 at the next free one of these; raises OSError."""
    while True:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            made.bind(("127.0.0.1", port or ports[-1]))
            made.listen(100)
        except OSError as error:
            made.close()
            if port or error.errno != errno.EADDRINUSE:
                raise
        else:
            return made
        finally:
            if not port:
                ports.insert(0, ports.pop())


def connected(address: str, port: int) -> socket.socket:
    """A connection to who listens there; raises OSError."""
    made = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
    made.settimeout(PATIENCE)
    try:
        made.connect((address, port))
    except OSError:
        made.close()
        raise
    return made


def _made(asked: str, ports: list[int]) -> socket.socket:
    address, _, port = asked.rpartition(" ")
    return connected(address, int(port)) if address else listening(int(port), ports)


def _end_all() -> None:
    """End whoever is in the network besides us, and whoever they start meanwhile."""
    own = (_PROC / "self/ns/net").readlink()
    for _ in range(20):
        others = set()
        for entry in _PROC.iterdir():
            with suppress(OSError):
                if entry.name.isdecimal() and (entry / "ns" / "net").readlink() == own:
                    others.add(int(entry.name))
        others.discard(os.getpid())
        if not others:
            return
        for pid in others:
            with suppress(OSError):
                os.kill(pid, signal.SIGKILL)


def main() -> None:
    """Make it, hand out sockets until the other end closes, end what is left."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with socket.socket(fileno=int(sys.argv[1])) as control:
        try:
            make()
        except OSError as error:
            control.sendall(f"{error.strerror}\n".encode())
            return
        control.sendall(f"{MADE}\n".encode())
        ports = list(range(_FIRST_PORT + _PORTS, _FIRST_PORT, -1))
        with suppress(OSError):
            while asked := control.recv(64):
                try:
                    with _made(asked.decode(), ports) as made:
                        socket.send_fds(control, [b"+"], [made.fileno()])
                except OSError:
                    control.sendall(b"-")
    _end_all()


if __name__ == "__main__":
    main()
