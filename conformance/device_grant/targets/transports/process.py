"""A launched process: prepared, started on a free port, waited for, and stopped for sure with all its children."""

from __future__ import annotations

import atexit
import os
import shutil
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import httpx

from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.processes import ProcessGroup, exit_words, kept_no_more, last_words, removed_with_us, why_not_started
from device_grant.targets.adapter import Adapter, fill
from device_grant.targets.building import Built, built
from device_grant.targets.certificates import authority, write_for_server
from device_grant.targets.clocks import FaketimeClock, RealClock, remove_faketime_leftovers
from device_grant.targets.environments import node_environment, python_environment, say
from device_grant.targets.transports.network import Network

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.targets.config import Located, Serve
    from device_grant.targets.dispatch import Dispatch, Meanwhile
    from device_grant.targets.ports import Clock, User

_STOP_TIMEOUT = 3.0
_ENDING = 0.5
"""Seconds that a process which refuses connections is given to have ended."""
_LOG_LINES = 4
_JOURNAL = 1_000_000
"""Octets of the log that are read after an answer 5xx."""
_ATTEMPTS = 3
_PORT_TAKEN = ("eaddrinuse", "address already in use")
_NOT_INHERITED = frozenset({"http_proxy", "https_proxy", "all_proxy", "ftp_proxy", "no_proxy"})
_TLS = "{tls}"
_NOT_COPIED = shutil.ignore_patterns("node_modules", ".venv", "__pycache__", ".git")


class ProcessTarget(Adapter):
    """A server started by `[serve] command`, alone in its process group.

    Its clock is libfaketime's if target.toml asks for it and the library is installed, else the real one.
    """

    in_process = False

    def __init__(self, located: Located, user: User | None = None) -> None:
        super().__init__(located, user)
        if located.config.serve is None or not located.config.serve.command:
            raise UsageError(f"{located.spec}: [serve] command is missing")
        self._serve: Serve = located.config.serve
        self.base: str = ""
        self.clock: Clock = RealClock()
        self._process: ProcessGroup | None = None
        self._work: Path | None = None
        self._built = Built()
        self._network: Network | None = None

    @property
    def log(self) -> str:
        """What the process wrote so far, standard error included."""
        if self._work is None:
            return ""
        return (self._work / "log").read_text(encoding="utf-8", errors="replace")

    def __enter__(self) -> Self:
        atexit.register(self._stop)
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def http(self, *, timeout: float = 10.0, certificate: ClientCertificate | None = None) -> httpx.Client:
        """A new client: own cookies, own connections; `timeout` in seconds."""
        return self.mannered(self._running().client(timeout=timeout, certificate=certificate))

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Released together over warmed connections."""
        self._require_own("requests at the same moment")
        self._running().overlap(dispatches, meanwhile)

    def journal_length(self) -> int:
        """Octets that the process has written."""
        return (self._work / "log").stat().st_size if self._work is not None else 0

    def journal_since(self, length: int) -> str:
        """What it wrote after them, standard error included."""
        if self._work is None:
            return ""
        with (self._work / "log").open("rb") as log:
            log.seek(length)
            return log.read(_JOURNAL).decode(errors="replace")

    def gone(self) -> str:
        """Whether the process has ended, with its last words."""
        if self._process is None:
            return ""
        # Its sockets are closed a while before it can be waited for: a busy machine was seen to ask in between.
        status = self._process.wait(_ENDING)
        if status is None:
            return ""
        return f"{self.spec}: the process ended with {exit_words(status)} during the run; {self._tail()}"

    def _running(self) -> Network:
        if self._network is None:
            raise RuntimeError(f"target {self.spec} is not started: enter it first")
        return self._network

    def _start(self) -> None:
        folder, python = self.folder, sys.executable
        if self._serve.requirements:
            options = self._serve.requirements_options
            python = str(python_environment(self.folder / self._serve.requirements, self.name, options))
        if self._serve.build:
            moved = self.config.clock.kind == "faketime"
            self._built = built(self.folder, self._serve.build, self.name, python=python, moved=moved)
        self._work = Path(tempfile.mkdtemp(prefix="device-grant-"))
        removed_with_us(self._work)
        if self._serve.package:
            folder = self._beside_modules(node_environment(self.folder / self._serve.package, self.name))
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                self._launch({"python": python, "dir": str(folder), "build": str(self._built.folder), **self._tls()})
                self._await_ready()
            except TargetUnreachableError:
                # Between our look for a free port and the server's bind, someone else may have taken it.
                if attempt == _ATTEMPTS or not any(sign in self.log.lower() for sign in _PORT_TAKEN):
                    raise
                self._end_process()
            else:
                return

    def _beside_modules(self, modules: Path) -> Path:
        """A copy of the launcher's folder in which Node finds the modules; the original may be read-only."""
        folder = self._work_folder() / "app"
        shutil.copytree(self.folder, folder, ignore=_NOT_COPIED)
        (folder / "node_modules").symlink_to(modules / "node_modules", target_is_directory=True)
        return folder

    def _tls(self) -> dict[str, str]:
        """The folder of certificates, where the server wants one."""
        if not any(_TLS in word for word in (*self._serve.command, *self._serve.env.values())):
            return {}
        folder = self._work_folder() / "tls"
        if not folder.exists():
            write_for_server(folder)
        return {"tls": str(folder)}

    def _launch(self, places: Mapping[str, str]) -> None:
        work, folder = self._work_folder(), Path(places["dir"])
        values = {**places, "port": str(_free_port())}
        self.base = fill(self.config.endpoints.base or "http://127.0.0.1:{port}", values).rstrip("/")
        environment = _inherited(isolated=bool(self._serve.requirements))
        environment.update({name: fill(value, values) for name, value in self._serve.env.items()})
        self.clock = self._clock(work)
        if isinstance(self.clock, FaketimeClock):
            environment.update(self.clock.environment(environment))
        command = [fill(word, values) for word in self._serve.command]
        if "/" in command[0]:
            # A relative program would be looked up in our own working directory.
            command[0] = str(folder / command[0])
        with (work / "log").open("wb") as log:
            try:
                self._process = ProcessGroup(command, output=log, folder=folder, environment=environment)
            except OSError as error:
                why = why_not_started(command[0], folder, error)
                raise UsageError(f"{self.spec}: serve.command: {command[0]} {why}") from error
        # A jump of a faked clock fires the server's timers for idle connections, just as the next request goes out.
        believed = authority() if "tls" in places else ""
        self._network = Network(
            self.base, self.config.limits, keep_alive=self.clock.kind != "faketime", authority=believed
        )

    def _clock(self, work: Path) -> Clock:
        if self.config.clock.kind != "faketime":
            return RealClock()
        if self._built.clock == "own":
            return FaketimeClock(work, cached=self.config.clock.cached, preloaded=False)
        if self._built.clock == "library" and FaketimeClock.available():
            return FaketimeClock(work, cached=self.config.clock.cached)
        why, remedy = "libfaketime is not installed", " (Debian: apt-get install libfaketime)"
        if self._built.clock == "fixed":
            why, remedy = f"the clock of programs in Go cannot be moved ({self._built.why_fixed})", ""
        say(f"{why}, so {self.name} runs on the real clock and waiting takes as long as it says{remedy}")
        return RealClock()

    def _await_ready(self) -> None:
        deadline = time.perf_counter() + self._serve.ready_timeout
        pause, last = 0.01, "no connection"
        with self._running().client(timeout=5.0) as client:
            while True:
                last = self._ask(client)
                # Looked at after the answer, which may have come from a stranger that took the port.
                if self._process is not None and (status := self._process.poll()) is not None:
                    raise TargetUnreachableError(
                        f"{self.spec}: the process ended with {exit_words(status)} before it was ready; {self._tail()}"
                    )
                if not last:
                    return
                if time.perf_counter() > deadline:
                    raise TargetUnreachableError(
                        f"{self.spec}: not ready after {self._serve.ready_timeout:g} s "
                        f"({self.base}{self._serve.ready}: {last}); {self._tail()}"
                    )
                time.sleep(pause)
                pause = min(pause * 1.5, 0.2)

    def _ask(self, client: httpx.Client) -> str:
        """Empty if the target is ready, else why not."""
        if not self._serve.ready:
            parts = urlsplit(self.base)
            port = parts.port or (443 if parts.scheme == "https" else 80)
            try:
                with socket.create_connection((parts.hostname or "", port), timeout=1.0):
                    return ""
            except OSError as error:
                return str(error)
        try:
            status = client.get(self._serve.ready).status_code
        except httpx.HTTPError as error:
            return str(error) or type(error).__name__
        return "" if status == httpx.codes.OK else f"HTTP {status}"

    def _tail(self) -> str:
        return last_words(self.log, _LOG_LINES)

    def _stop(self) -> None:
        self._end_process()
        if self._work is not None:
            shutil.rmtree(self._work, ignore_errors=True)
            kept_no_more(self._work)
            self._work = None
        self._network = None
        atexit.unregister(self._stop)

    def _end_process(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            ended = process.end(_STOP_TIMEOUT)
            if isinstance(self.clock, FaketimeClock):
                remove_faketime_leftovers(ended)

    def _work_folder(self) -> Path:
        if self._work is None:
            raise RuntimeError(f"target {self.spec} has no working folder: enter it first")
        return self._work


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _inherited(*, isolated: bool) -> dict[str, str]:
    dropped = _NOT_INHERITED | ({"pythonpath", "pythonhome", "virtual_env"} if isolated else frozenset())
    environment = {name: value for name, value in os.environ.items() if name.lower() not in dropped}
    # What a process wrote before it died is the best explanation; it must not die in a buffer.
    environment["PYTHONUNBUFFERED"] = "1"
    return environment
