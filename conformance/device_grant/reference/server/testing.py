"""The reference server for other people's tests: on a port of its own, on a clock that the test moves.

The test is the person at the verification page, and can say what the next polls are answered. In pytest it is the
fixture `device_grant_server`.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections import deque
from typing import TYPE_CHECKING, Literal, Self

from device_grant.errors import UsageError
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.grants import SLOW_DOWN
from device_grant.reference.server.http import Refusal
from device_grant.reference.server.serve import listen, server_of
from device_grant.reference.server.settings import Settings
from device_grant.reference.server.store import IssuedGrant, State

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import TracebackType
    from typing import Any

    import uvicorn

    from device_grant.reference.server.store import Store

Decision = Literal["approve", "deny", "expire"]
_START_TIMEOUT = 10.0
"""Real seconds that the server is given to come up, and to go."""
_PAUSE = 0.01
"""Real seconds between two looks for a grant."""


@dataclasses.dataclass(frozen=True)
class StartedGrant:
    """What a device authorization has issued (RFC 8628 section 3.2), and how it stands."""

    device_code: str
    user_code: str
    client_id: str
    scope: tuple[str, ...]
    state: str
    """`pending`, `approved`, `denied` or `redeemed`; whether it has expired is a matter of the clock."""
    interval: float
    """Seconds between polls that the server now wants: each slow_down has made it longer."""


class DeviceGrantServer:
    """A started server; a context manager that stops it.

    `settings` are those of `Settings`: `interval`, `expires_in` (seconds), `scopes`, `clients` and so on. Raises
    UsageError for an unknown setting, fault or dialect.
    """

    def __init__(self, dialect: str = "", *, faults: Iterable[str] = (), **settings: Any) -> None:
        named = {"dialect": dialect, **settings} if dialect else settings
        unknown = sorted(set(named) - {field.name for field in dataclasses.fields(Settings)})
        if unknown:
            known = ", ".join(field.name for field in dataclasses.fields(Settings))
            raise UsageError(f"unknown setting {unknown[0]!r} of the reference server: known are {known}")
        self._settings = Settings(**named)
        self._faults = Faults.named(*faults)
        self._ahead = 0.0
        self._answers: deque[str] = deque()
        self._calls: dict[str, deque[str]] = {}
        """Errors with which operations of AWS are answered, by their names."""
        self._decisions: deque[tuple[Decision, int]] = deque()
        self._due: dict[str, tuple[Decision, int]] = {}
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self.url = ""
        """Base URL, and the issuer."""

    # Life.

    def __enter__(self) -> Self:
        """Listen on a free port of 127.0.0.1."""
        from device_grant.reference.server.app import create_app

        listener = listen("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        settings = self._settings if self._settings.issuer else dataclasses.replace(self._settings, issuer=self.url)
        application = create_app(settings, self._faults, self.now)
        self._store: Store = application.state.store
        self._store.on_poll = self._polled
        self._store.on_call = self._called
        self._server = server_of(application)
        self._thread = threading.Thread(target=self._server.run, kwargs={"sockets": [listener]}, daemon=True)
        self._thread.start()
        limit = time.monotonic() + _START_TIMEOUT
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > limit:
                raise UsageError("the reference server did not start")
            time.sleep(_PAUSE)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close connections and the port."""
        if self._server is not None and self._thread is not None:
            self._server.should_exit = True
            self._thread.join(_START_TIMEOUT)

    # The clock.

    def now(self) -> float:
        """The server's clock in seconds since the epoch."""
        return time.time() + self._ahead

    def advance(self, seconds: float) -> None:
        """Move the server's clock ahead."""
        if seconds < 0:
            raise ValueError("the clock moves ahead only")
        self._ahead += seconds

    # Where it is.

    @property
    def dialect(self) -> str:
        """Name of the dialect that is spoken."""
        return self._settings.dialect

    @property
    def endpoints(self) -> dict[str, str]:
        """URLs by name: `device_authorization`, `token`, `registration`, `metadata` where the dialect has it."""
        from device_grant.protocol import dialect

        paths = {operation.value: path for operation, path in dialect(self.dialect).paths.items()}
        return {name: self.url + path for name, path in (paths | dict(self._settings.usual.paths)).items()}

    @property
    def client_id(self) -> str:
        """A public client that is known without a registration; empty where everyone registers."""
        return next((client.id for client in self._settings.known_clients if not client.secret), "")

    # What has been started.

    @property
    def grants(self) -> list[StartedGrant]:
        """All grants, the oldest first."""
        with self._store.lock:
            return [_shown(grant) for grant in self._store.grants.values()]

    def next_grant(self, timeout: float = 10.0) -> StartedGrant:
        """Wait until a grant is undecided and return the newest; TimeoutError after `timeout` real seconds."""
        limit = time.monotonic() + timeout
        while (grant := self._undecided()) is None:
            if time.monotonic() > limit:
                raise TimeoutError(f"no client has started a device authorization within {timeout:g} s")
            time.sleep(_PAUSE)
        return _shown(grant)

    # What a person does.

    def approve(self, user_code: str = "") -> None:
        """Approve a code, or the newest undecided one; LookupError where there is none."""
        self._decide("approve", user_code)

    def deny(self, user_code: str = "") -> None:
        """Deny a code, or the newest undecided one; LookupError where there is none."""
        self._decide("deny", user_code)

    def decide_next(self, decision: Decision, *, after_polls: int = 1) -> None:
        """Say what becomes of a grant that is still to come: it is decided when it has been polled so often.

        `expire` moves the clock past the end of its codes. For a client that runs to its end before the test goes on.
        """
        self._decisions.append((decision, after_polls))

    def answer_next(self, error: str, *, times: int = 1, operation: str = "") -> None:
        """Answer the next polls with an error code such as `slow_down` or `access_denied`, whatever they deserve.

        A `slow_down` makes the grant's interval 5 seconds longer, as RFC 8628 section 3.5 has it. With an operation of
        AWS SSO OIDC, such as `RegisterClient` or `CreateTokenWithIAM`, its next requests are answered so, whatever they
        hold.
        """
        if operation:
            self._calls.setdefault(operation, deque()).extend([error] * times)
        else:
            self._answers.extend([error] * times)

    def _decide(self, decision: Decision, user_code: str) -> None:
        grant = self._undecided() if not user_code else None
        if not user_code and grant is None:
            raise LookupError("no grant is undecided: no client has started one, or its code has expired")
        typed = user_code or (grant.user_code if grant else "")
        if self._store.decide(typed, approve=decision == "approve", subject="the test") is None:
            raise LookupError(f"{typed}: no such user code is undecided")

    def _undecided(self) -> IssuedGrant | None:
        with self._store.lock:
            now = self.now()
            undecided = [g for g in self._store.grants.values() if g.state is State.PENDING and now < g.expires]
        return undecided[-1] if undecided else None

    # Polls.

    def _polled(self, grant: IssuedGrant | None) -> None:
        """Before a poll is judged; raises what it is to be answered."""
        if grant is not None and grant.state is State.PENDING:
            self._carry_out(grant)
        if self._answers:
            error = self._answers.popleft()
            if grant is not None and error == "slow_down":
                grant.interval += SLOW_DOWN
                grant.last_poll = self.now()
            raise Refusal(error, "The test has asked for this answer")

    def _called(self, operation: str) -> None:
        """Before an operation of AWS is carried out; raises what it is to be answered."""
        errors = self._calls.get(operation)
        if errors:
            raise Refusal(errors.popleft(), "The test has asked for this answer")

    def _carry_out(self, grant: IssuedGrant) -> None:
        if grant.device_code not in self._due and self._decisions:
            self._due[grant.device_code] = self._decisions.popleft()
        if grant.device_code not in self._due:
            return
        decision, left = self._due[grant.device_code]
        if left > 0:
            self._due[grant.device_code] = (decision, left - 1)
            return
        del self._due[grant.device_code]
        if decision == "expire":
            self.advance(max(0.0, grant.expires - self.now()))
        else:
            self._store.decide(grant.user_code, approve=decision == "approve", subject="the test")


def _shown(grant: IssuedGrant) -> StartedGrant:
    return StartedGrant(
        device_code=grant.device_code,
        user_code=grant.user_code,
        client_id=grant.client.id,
        scope=grant.scope,
        state=grant.state.value,
        interval=grant.interval,
    )
