"""Applications called in process: ASGI on a private event loop, WSGI on one worker thread.

No socket is opened. A request costs a function call, so thousands of them fit into a second, and a failure inside
the application comes with its traceback.
"""

from __future__ import annotations

import importlib
import inspect
import logging
import os
import sys
import traceback
from abc import ABC, abstractmethod
from collections import deque
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self
from unittest import mock

import httpx

from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.targets.adapter import Adapter
from device_grant.targets.clocks import RealClock, TravelClock
from device_grant.targets.config import DEFAULT_BASE
from device_grant.targets.transports.asgi import AsgiBridge, BadApplicationError
from device_grant.targets.transports.journal import Journal
from device_grant.targets.transports.limits import Silence, limited
from device_grant.targets.transports.shown import Showing
from device_grant.targets.transports.wsgi import WsgiBridge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    App = Callable[..., Any]

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.targets.config import Located
    from device_grant.targets.dispatch import Dispatch, Meanwhile
    from device_grant.targets.ports import Clock, User

_REMEMBERED = 50
_TOGETHER_TIMEOUT = 15.0


class InProcessTarget(Adapter, ABC):
    """What the two in-process adapters share; use AsgiTarget or WsgiTarget."""

    in_process = True

    def __init__(self, located: Located, user: User | None = None, *, app: App | None = None) -> None:
        """`app` is the application itself, where the caller has it already."""
        super().__init__(located, user)
        self._app = app
        self._located_by_file = located.file is not None
        self.base: str = located.config.endpoints.base.rstrip("/") or DEFAULT_BASE
        self.clock: Clock = TravelClock() if located.config.clock.kind == "travel" else RealClock()
        self.app_errors: deque[str] = deque(maxlen=_REMEMBERED)
        """Tracebacks of exceptions that escaped from the application, newest last."""
        self._journal = Journal()
        self._silence = Silence(located.config.limits.silence)
        self._entered = ExitStack()
        self._transport: httpx.BaseTransport | None = None

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            serve = self.config.serve
            if serve is not None and serve.env:
                stack.enter_context(mock.patch.dict(os.environ, serve.env))
            root = logging.getLogger()
            root.addHandler(self._journal)
            stack.callback(root.removeHandler, self._journal)
            if self._app is None:
                # The working directory of an asgi: specification holds more than one target's modules.
                stack.enter_context(_import_path(str(self.folder), forget=self._located_by_file))
            self._transport = self._start(stack)
            self._entered = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._transport = None
        self._entered.close()

    def http(self, *, timeout: float = 10.0, certificate: ClientCertificate | None = None) -> httpx.Client:
        """A new client with its own cookies; `timeout` in real seconds, also while time is frozen.

        The application is told of a certificate where the URL of a request is https.
        """
        # trust_env=False and a transport of our own spare httpx the building of a TLS context, which is slow.
        transport = self._running() if certificate is None else Showing(self._running(), certificate)
        client = httpx.Client(transport=transport, base_url=self.base, timeout=timeout, trust_env=False)
        return self.mannered(limited(client, self.config.limits, self._silence))

    @abstractmethod
    def _start(self, stack: ExitStack) -> httpx.BaseTransport:
        """Make the application answer until `stack` is closed."""

    def _running(self) -> httpx.BaseTransport:
        if self._transport is None:
            raise RuntimeError(f"target {self.spec} is not started: enter it first")
        return self._transport

    def _load(self) -> App:
        if self._app is not None:
            return self._app
        serve = self.config.serve
        spec = serve.app if serve is not None else ""
        return load_app(spec, where=self.spec)

    def journal_length(self) -> int:
        """How many exceptions there were."""
        return self._journal.length

    def journal_since(self, length: int) -> str:
        """The traceback of the last exception after them."""
        return self._journal.since(length)

    def _remember(self, error: BaseException) -> None:
        self._journal.add(error)
        self.app_errors.append("".join(traceback.format_exception(error)))


class AsgiTarget(InProcessTarget):
    """An ASGI application. Its lifespan runs from entering to leaving, on the loop that serves the requests."""

    _bridge: AsgiBridge

    def _start(self, stack: ExitStack) -> httpx.BaseTransport:
        app = self._load()
        startup = self.config.serve.ready_timeout if self.config.serve is not None else 60.0
        self._bridge = AsgiBridge(app, self._remember, self.config.limits.answer)
        try:
            self._bridge.start(startup)
        except BadApplicationError as error:
            raise UsageError(f"{self.spec}: {error}") from error
        except Exception as error:
            raise TargetUnreachableError(f"{self.spec}: the application did not start: {brief(error)}") from error
        stack.callback(self._bridge.stop)
        return self._bridge

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Concurrent tasks on the application's loop: they interleave wherever it awaits."""
        self._require_own("requests at the same moment")
        self._running()
        self._bridge.overlap(dispatches, _TOGETHER_TIMEOUT, meanwhile)


class WsgiTarget(InProcessTarget):
    """A WSGI application, imported and called on one worker thread of its own."""

    _bridge: WsgiBridge

    def _start(self, stack: ExitStack) -> httpx.BaseTransport:
        self._bridge = WsgiBridge(self._load, self._remember, self.config.limits.answer)
        self._bridge.start()
        stack.callback(self._bridge.stop)
        return self._bridge

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """A thread for each request, released together."""
        self._require_own("requests at the same moment")
        self._running()
        self._bridge.overlap(dispatches, _TOGETHER_TIMEOUT, meanwhile)


def load_app(spec: str, *, where: str) -> App:
    """Import `asgi:module:attribute` or `wsgi:…`; `attribute()` calls a factory.

    Raises UsageError if the module or the attribute does not exist, TargetUnreachableError if importing it fails.
    """
    _, module_name, attribute = spec.split(":", 2)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and (module_name == error.name or module_name.startswith(error.name + ".")):
            raise UsageError(
                f"{where}: there is no module {module_name!r} (looked in {sys.path[0]} and the installed packages)"
            ) from error
        raise TargetUnreachableError(f"{where}: importing {module_name} failed: {brief(error)}") from error
    except Exception as error:
        raise TargetUnreachableError(f"{where}: importing {module_name} failed: {brief(error)}") from error
    result: Any = module
    for part in attribute.removesuffix("()").split("."):
        result = getattr(result, part, None)
        if result is None:
            raise UsageError(f"{where}: module {module_name!r} has no {attribute.removesuffix('()')!r}")
    if attribute.endswith("()"):
        result = _made(result, spec, where)
    if not callable(result):
        raise UsageError(f"{where}: {spec} is not an application: it cannot be called")
    if spec.startswith("wsgi:") and _asynchronous(result):
        raise UsageError(f"{where}: this is an ASGI application: write asgi:{module_name}:{attribute}")
    application: App = result
    return application


def _asynchronous(application: Callable[..., object]) -> bool:
    """Whether calling it makes a coroutine, as no WSGI application does."""
    called = application if inspect.isroutine(application) else type(application).__call__
    return inspect.iscoroutinefunction(called) or inspect.iscoroutinefunction(application)


def _made(factory: Callable[[], object], spec: str, where: str) -> object:
    try:
        return factory()
    except Exception as error:
        raise TargetUnreachableError(f"{where}: {spec} raised {brief(error)}") from error


def brief(error: BaseException) -> str:
    """An exception in one line: what, and where it was raised."""
    what = " ".join(f"{type(error).__name__}: {error}".split())
    frames = traceback.extract_tb(error.__traceback__)
    return f"{what} ({frames[-1].filename}:{frames[-1].lineno})" if frames else what


class _import_path:  # noqa: N801 - used as a function would be
    """The folder first on sys.path; modules imported from it are forgotten afterwards.

    Every target may call its module `app`: left in sys.modules, the first one would serve for all.
    """

    def __init__(self, folder: str, *, forget: bool) -> None:
        self._folder = folder
        self._forget = forget
        self._before: set[str] = set()

    def __enter__(self) -> None:
        self._before = set(sys.modules)
        sys.path.insert(0, self._folder)
        importlib.invalidate_caches()

    def __exit__(self, *_: object) -> None:
        if self._folder in sys.path:
            sys.path.remove(self._folder)
        for name in set(sys.modules) - self._before if self._forget else ():
            file = getattr(sys.modules[name], "__file__", None) or ""
            # Only what lies directly in the folder: a virtual environment below it holds everybody's packages.
            if os.path.dirname(file) == self._folder:  # noqa: PTH120 - a string comparison for each module, kept cheap
                del sys.modules[name]
