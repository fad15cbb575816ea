"""A client as a process: a fresh HOME, a network of its own where there is such, a hard deadline, an end for sure."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import sys
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, Self

from device_grant.client.drivers.furnishing import furnish
from device_grant.client.drivers.invocation import BEGINNINGS, Ended, Home, Invocation
from device_grant.client.drivers.isolation import ISOLATED, Isolation
from device_grant.client.drivers.outing import Outings
from device_grant.client.drivers.recorder import BrowserRecorder
from device_grant.client.drivers.terminal import ClientTerminal
from device_grant.client.scripted.certificates import Certificates
from device_grant.client.scripted.network import Listener, Loop, Proxy
from device_grant.client.scripted.steps import Script, change, pending
from device_grant.errors import UsageError
from device_grant.processes import ProcessGroup, temporary_folder, why_not_started
from device_grant.protocol import Purpose, Secrets, any_dialect
from device_grant.targets.adapter import fill
from device_grant.targets.building import Built, built
from device_grant.targets.clocks import FaketimeClock, remove_faketime_leftovers
from device_grant.targets.environments import node_environment, python_environment, say

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from device_grant.client.drivers.config import LocatedClient
    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.certificates import Certificate
    from device_grant.client.session.attempt import Attempt

LARGEST_OUTPUT = 262_144
"""Octets of each output that are looked at."""
LOOK = 0.02
"""Seconds between two looks at the process."""
SETTLING = 0.5
"""Seconds that a client has to begin its wait before it is suspended."""
LAG = 1.0
"""Real seconds by which a run on faster time goes on beyond its `until`."""
STOP_TIMEOUT = 2.0
PROBE_INTERVAL = 4.0
AT_ONCE = 0.1
"""Real seconds within which a second poll did not wait for anything."""
BROKEN_ANYWAY = "the plain login does not work"
_INHERITED = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT")
_AUTHORITY = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "AWS_CA_BUNDLE")
"""Variables by which OpenSSL, requests, curl, Node.js and the SDKs of AWS are told whom to trust."""
_NOT_COPIED = shutil.ignore_patterns("node_modules", ".venv", "__pycache__", ".git")
_ELSEWHERE = "localhost"


class ProcessDriver:
    """Runs the command of a client.toml, each time in a process group of its own."""

    def __init__(self, located: LocatedClient) -> None:
        self.config = located.config
        self.spec = located.spec
        self.scale = 1.0
        self.clock = "real"
        self._located = located
        self._built = Built()
        self._stack = ExitStack()
        self._running: set[ProcessGroup] = set()
        self._suspended: set[ProcessGroup] = set()
        self._isolation = Isolation()
        self.network = "open: client.toml says so"

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._prepare(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        for process in tuple(self._running):
            process.end(0)
        self._stack.close()

    def _prepare(self, stack: ExitStack) -> None:
        run, name = self.config.run, self.config.name
        self._python, self._folder = sys.executable, self._located.folder
        if run.requirements:
            file = self._located.folder / run.requirements
            self._python = str(python_environment(file, name, run.requirements_options))
        if run.build:
            moved = self.config.clock.scale > 1
            self._built = built(self._located.folder, run.build, name, python=self._python, moved=moved)
        self._work = stack.enter_context(temporary_folder("device-grant-client-"))
        if run.package:
            modules = node_environment(self._located.folder / run.package, name)
            self._folder = self._work / "app"
            shutil.copytree(self._located.folder, self._folder, ignore=_NOT_COPIED)
            (self._folder / "node_modules").symlink_to(modules / "node_modules", target_is_directory=True)
        self._certificates = Certificates(self._work, self.config.connect.hosts)
        self._loop = stack.enter_context(Loop())
        if self.config.connect.isolated:
            self._isolation = stack.enter_context(Isolation())
            self.network = f"open: {self._isolation.why_not}" if self._isolation.why_not else ISOLATED
        # Bound and never listened to: whatever takes it for a proxy is refused at once.
        nowhere = stack.enter_context(socket.socket())
        nowhere.bind(("127.0.0.1", 0))
        self._nowhere = f"http://127.0.0.1:{nowhere.getsockname()[1]}"
        if self.config.clock.scale > 1:
            self._try_scale(self.config.clock.scale)

    # One run.

    def rest(self, seconds: float, ended: Ended) -> None:
        """Sleep; the next run begins at the real time, so what a faster clock was ahead has to pass as well."""
        ahead = ended.at - ended.at / self.scale
        time.sleep(ahead + seconds)

    def run(self, invocation: Invocation) -> Ended:
        """Start the servers and the client, wait for its end or end it at the deadline."""
        with ExitStack() as stack:
            began, wall = time.monotonic(), time.time()
            proxy = self._serve(invocation, began, stack)
            browser = stack.enter_context(BrowserRecorder())
            environment = self._environment(invocation, proxy, browser)
            if not invocation.home.furnished:
                furnish(invocation.home.path, self.config.files, self._values(invocation))
                invocation.home.furnished = True
            outputs = [self._work / f"{invocation.home.path.name}.{name}" for name in ("out", "err")]
            for path in outputs:
                stack.callback(path.unlink, missing_ok=True)
            with invocation.home.watched(really=invocation.watched), ExitStack() as streams:
                process = self._start(invocation, environment, outputs, streams)
                outings = Outings(invocation, self._isolation, began, self.scale)
                looks = invocation.operation == "code"

                def look() -> None:
                    if looks:
                        outings.look(browser.opened, lambda: "\n".join(_text(path) for path in outputs))

                try:
                    status, overdue = self._wait(process, invocation, began, look)
                finally:
                    self._end(process)
                    outings.finish()
            ended_at = (time.monotonic() - began) * self.scale
            texts = [_text(path) for path in outputs]
            refused = tuple(proxy[1].refused) if proxy else ()
            opened, visits = browser.opened, outings.visits
            return Ended(status, texts[0], texts[1], ended_at, refused, overdue, opened, visits, wall)

    def _serve(self, invocation: Invocation, began: float, stack: ExitStack) -> tuple[int, Proxy] | None:
        connect = self.config.connect
        proxied = connect.how == "proxy"
        certificate: Certificate | None = invocation.certificate or ("good" if proxied else None)
        # Behind a proxy it is the proxy that meets it, and that one asks from our own network.
        place = Isolation() if proxied else self._isolation
        port = self._listen(invocation.authority, certificate, began, stack, place=place, wanted=invocation.home.port)
        scheme = "https" if certificate else "http"
        invocation.authority.base = f"https://{connect.hosts[0]}" if proxied else f"{scheme}://127.0.0.1:{port}"
        mutual = invocation.authority.mutual
        if mutual is not None:
            mutual.certificate, mutual.key = self._certificates.of_client()
            mutual.base = invocation.authority.base
        if mutual is not None and mutual.aliases and not proxied:
            place = self._isolation
            other = self._listen(invocation.authority, certificate, began, stack, place=place, aliases=True)
            mutual.base = f"{scheme}://127.0.0.1:{other}"
        if invocation.elsewhere is not None:
            other = self._listen(
                invocation.elsewhere, invocation.elsewhere_certificate, began, stack, place=self._isolation
            )
            scheme = "https" if invocation.elsewhere_certificate else "http"
            invocation.elsewhere.base = invocation.authority.elsewhere = f"{scheme}://{_ELSEWHERE}:{other}"
        if not proxied:
            return None
        proxy = Proxy(dict.fromkeys(connect.hosts, port))
        proxy_port = self._loop.call(proxy.open(made=self._isolation.socket))
        stack.callback(lambda: self._loop.call(proxy.close()))
        return proxy_port, proxy

    def _listen(  # noqa: PLR0913 - a listener and where it is
        self,
        authority: Authority,
        certificate: Certificate | None,
        began: float,
        stack: ExitStack,
        *,
        place: Isolation,
        wanted: int = 0,
        aliases: bool = False,
    ) -> int:
        listener = Listener(authority, began, self.scale, aliases=aliases)
        asks = authority.mutual is not None
        context = self._certificates.context(certificate, asks=asks) if certificate else None
        port = self._loop.call(listener.open(context, wanted, place.socket))
        stack.callback(lambda: self._loop.call(listener.close()))
        return port

    def _environment(
        self, invocation: Invocation, proxy: tuple[int, Proxy] | None, browser: BrowserRecorder
    ) -> dict[str, str]:
        home = invocation.home.path
        collected = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        collected |= browser.environment(collected.get("PATH", os.defpath))
        collected |= {
            "HOME": str(home),
            "TMPDIR": str(home / "tmp"),
            "XDG_CACHE_HOME": str(home / ".cache"),
            "XDG_CONFIG_HOME": str(home / ".config"),
            "XDG_DATA_HOME": str(home / ".local" / "share"),
            "XDG_STATE_HOME": str(home / ".local" / "state"),
            "XDG_RUNTIME_DIR": str(home / ".run"),
            "NO_COLOR": "1",
            "TERM": "dumb",
            "PYTHONUNBUFFERED": "1",
            # Clouds are asked for credentials at fixed addresses, which no proxy keeps in.
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        for name in ("tmp", ".run"):
            (home / name).mkdir(mode=0o700, exist_ok=True)
        https = f"http://127.0.0.1:{proxy[0]}" if proxy else self._nowhere
        for name, value in (("http_proxy", self._nowhere), ("https_proxy", https), ("all_proxy", self._nowhere)):
            collected |= {name: value, name.upper(): value}
        collected |= {"no_proxy": "127.0.0.1,localhost", "NO_PROXY": "127.0.0.1,localhost"}
        if proxy or invocation.certificate or invocation.elsewhere_certificate:
            collected |= dict.fromkeys(_AUTHORITY, str(self._certificates.file))
        if self.scale > 1:
            collected |= {"FAKETIME": f"+0 x{self.scale:g}"}
            if self._built.clock == "library":
                collected |= {"LD_PRELOAD": str(_faketime())}
        collected |= invocation.variables()
        values = self._values(invocation)
        return collected | {name: fill(value, values) for name, value in self.config.run.env.items()}

    def _values(self, invocation: Invocation) -> dict[str, str]:
        variables = invocation.variables()
        names = (
            *("operation", "endpoint", "issuer", "device_authorization_endpoint", "token_endpoint"),
            *("registration_endpoint", "client_id", "client_secret", "scope", "start_url", "device_code"),
            *("refresh_token", "jwks_uri", "client_certificate", "client_certificate_key"),
        )
        values = {name: variables.get(f"DEVICE_GRANT_{name.upper()}", "") for name in names}
        host = invocation.authority.base.partition("://")[2]
        own = {"python": self._python, "dir": str(self._folder), "build": str(self._built.folder), "host": host}
        return values | own | {"home": str(invocation.home.path), "ca": str(self._certificates.file)}

    def _start(
        self, invocation: Invocation, environment: Mapping[str, str], outputs: list[Path], streams: ExitStack
    ) -> ProcessGroup:
        values = self._values(invocation)
        command = [fill(word, values) for word in self.config.run.command]
        if "/" in command[0] and not command[0].startswith("/"):
            command[0] = str(self._folder / command[0])
        try:
            out, err = (streams.enter_context(path.open("wb")) for path in outputs)
            terminal = streams.enter_context(ClientTerminal(out)) if invocation.terminal else None
            process = ProcessGroup(
                self._isolation.led(command, environment),
                output=terminal.client_end if terminal else out,
                errors=terminal.client_end if terminal else err,
                folder=invocation.home.path,
                environment=environment,
                umask=0o022,
            )
            if terminal:
                terminal.started()
        except OSError as error:
            why = why_not_started(command[0], self._folder, error)
            if isinstance(error, FileNotFoundError) and self._located.folder.joinpath("README.md").is_file():
                why += f" as {self._located.folder / 'README.md'} says"
            raise UsageError(f"{self.spec}: run.command: {command[0]} {why}") from error
        self._running.add(process)
        return process

    def _wait(
        self, process: ProcessGroup, invocation: Invocation, began: float, look: Callable[[], None]
    ) -> tuple[int | None, bool]:
        """The exit status, None where the run had to be ended, and whether the deadline ended it."""
        authority = invocation.authority
        deadline = began + self.config.run.deadline + invocation.wait / self.scale
        while True:
            status = process.poll()
            if status is not None:
                # One that floods loses its connection first: if that ends it, the end is still ours.
                return (None if authority.flooded else status), False
            now = time.monotonic()
            if authority.flooded or authority.enough:
                break
            if now > deadline:
                return None, True
            self._suspend(process, invocation)
            look()
            # Where time passes faster, a machine that is slow for a moment would use up what the run was promised.
            slack = LAG if self.scale > 1 else 0.0
            if self._has_run_long_enough(invocation, (now - began - slack) * self.scale):
                break
            time.sleep(LOOK)
        if authority.enough and not authority.flooded:
            # The last answer may be the one that it was waiting for.
            status = process.wait(GRACE)
            return (None if authority.flooded else status), False
        return None, False

    def _suspend(self, process: ProcessGroup, invocation: Invocation) -> None:
        """Stop the group once for the time that the invocation says, when its first poll has been answered."""
        answered = any(entry.purpose is Purpose.POLL for entry in tuple(invocation.authority.exchanges))
        if not invocation.suspended or not answered or process in self._suspended:
            return
        self._suspended.add(process)
        time.sleep(SETTLING / self.scale)
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(invocation.suspended / self.scale)
            os.killpg(process.pid, signal.SIGCONT)

    @staticmethod
    def _has_run_long_enough(invocation: Invocation, at: float) -> bool:
        first = next((entry for entry in tuple(invocation.authority.exchanges) if entry.purpose in BEGINNINGS), None)
        return invocation.until is not None and first is not None and at > first.ended + invocation.until

    def _end(self, process: ProcessGroup) -> None:
        ended = process.end(STOP_TIMEOUT / 4)
        self._running.discard(process)
        self._suspended.discard(process)
        if self.scale > 1:
            remove_faketime_leftovers(ended)

    # Time that passes faster.

    def _try_scale(self, scale: float) -> None:
        """Keep the scale if a plain run shows that this client waits by it; else time stays as it is."""
        problem = "libfaketime is not installed (Debian: apt-get install libfaketime)"
        if self._built.clock == "fixed":
            problem = f"the clock of programs in Go cannot be moved ({self._built.why_fixed})"
        elif self._built.clock == "own" or _faketime() is not None:
            self.scale = scale
            problem = self._probe(scale)
            if not problem:
                self.clock = f"scaled by {scale:g}"
                return
            self.scale = 1.0
            if problem == BROKEN_ANYWAY:
                return
        say(f"{self.config.name} runs on real time: {problem}")

    def _probe(self, scale: float) -> str:
        """Empty if the client's time passes faster, else why not."""
        from device_grant.catalogue import load
        from device_grant.client.session.run import ClientRun

        run = ClientRun(self, any_dialect(self.config.judged_by), load(), secrets=Secrets())
        if not run.config.signs_in:
            return "refreshing does not wait"
        if not run.flows:
            return "single operations do not wait"

        def login(wait: float) -> Attempt:
            steps = Script({"start": [change(interval=int(PROBE_INTERVAL))], "token": [pending(), pending()]})
            with Home() as home:
                return run.attempt(Invocation("flow", run.authority(steps), home, wait=wait, given=run.given("flow")))

        attempt = login(4 * PROBE_INTERVAL * scale)
        polls = attempt.polls
        if not attempt.succeeded or len(polls) < 2:  # noqa: PLR2004 - two polls have a wait between them
            self.scale = 1.0
            # What fails without it as well is no fault of libfaketime, and the first login says more of it.
            blamed = login(4 * PROBE_INTERVAL).succeeded
            return f"with its time made faster the client {attempt.how}" if blamed else BROKEN_ANYWAY
        waited = polls[-1].started - polls[-2].ended
        if waited < AT_ONCE * scale:
            return "it did not wait between two polls, so nobody can tell whether its time can be made faster"
        if not PROBE_INTERVAL * 0.8 <= waited <= PROBE_INTERVAL * max(2.0, scale / 2):
            return "libfaketime does not change how long the client waits"
        return ""


GRACE = 0.5
"""Real seconds that a client has to end after the last answer of interest."""


def _faketime() -> Path | None:
    library = FaketimeClock.library()
    if library is None:
        return None
    # The variant for threads keeps programs waiting that the plain one lets go on.
    plain = library.with_name("libfaketime.so.1")
    return plain if plain.is_file() else library


def _text(path: Path) -> str:
    with path.open("rb") as file:
        return file.read(LARGEST_OUTPUT).decode("utf-8", errors="replace")
