"""A client under test with everything that scenarios need of it, and the first run that proves its adapter honest."""

from __future__ import annotations

import shlex
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from device_grant.client.drivers.invocation import Home, Invocation, operation_of
from device_grant.client.scripted.authority import Authority
from device_grant.client.scripted.steps import Script, pending
from device_grant.client.session.attempt import Attempt
from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.protocol import Dialect, Purpose, Secrets

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from device_grant.catalogue import Catalogue
    from device_grant.client.drivers.invocation import Driver
    from device_grant.client.session.case import ClientCase
    from device_grant.judging import Check
    from device_grant.judging.ledger import Expects
    from device_grant.judging.trial import Trial

CLIENT_ID = "device-grant-client"
CLIENT_SECRET = "a secret+with%reserved/characters"  # noqa: S105 - made up, and worth nothing
SCOPE = "openid profile"
START_URL = "https://example.awsapps.com/start"


@dataclass
class ClientRun:
    """A prepared driver and what the first run has shown of the client."""

    driver: Driver
    dialect: Dialect
    catalogue: Catalogue
    expects: Expects = lambda _requirement, _check, _message: False
    secrets: Secrets = field(default_factory=Secrets)
    arguments: tuple[str, ...] = ()
    """What else the command line said, for the command that shows a result again."""
    sends: ClassVar[bool] = False
    """The requests are the client's: sending one again by hand shows nothing."""
    exchanges: int = 0
    registers: bool = False
    """Whether the client registers itself."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self.config = self.driver.config
        self.secrets.register("client_secret", CLIENT_SECRET)
        claimed = self.config.claims.registration
        self.registers = self.dialect.clients_register if claimed is None else claimed

    @property
    def flows(self) -> bool:
        """Whether one run is a whole login."""
        return self.config.run.kind == "flow"

    def claims(self, name: str) -> bool:
        """Whether the client can do it: a claim of client.toml, `flow` or `endpoint`."""
        match name:
            case "flow":
                return self.flows
            case "endpoint":
                return self.config.connect.how == "endpoint"
            case "registration":
                return self.registers
            case _:
                return bool(getattr(self.config.claims, name))

    def reproduction(self, requirement: str) -> str:
        """The command that shows a result again."""
        words = ["device-grant", "client", "--only", requirement, *self.arguments]
        return f"{shlex.join(words)} {self.driver.spec}"

    def trial(self, check: Check, resting: Callable[[], AbstractContextManager[None]] = nullcontext) -> ClientCase:
        """A new case of a scenario; when it only waits is known to the client alone."""
        del resting
        from device_grant.client.session.case import ClientCase

        return ClientCase(self, check)

    def carry_out(self, trial: Trial) -> None:
        """Begin and execute a case; each run of the client in it has a clock of its own."""
        trial.begin()
        trial.execute()

    def close(self) -> None:
        """Nothing is kept open between two runs of the client."""

    # Running.

    def authority(self, script: Script | None = None) -> Authority:
        """A scripted server for one run."""
        return Authority(self.dialect, self.config, self.secrets, script or Script())

    def given(self, operation: str, *, confidential: bool = False, scope: bool = True) -> dict[str, str]:
        """What a run is told by default."""
        collected = {"SCOPE": SCOPE} if scope and not self.dialect.scopes_are_registered else {}
        if "start_url" in self.dialect.constants:
            collected["START_URL"] = START_URL
        if operation == "register" or (operation == "flow" and self.registers and not confidential):
            return collected
        collected["CLIENT_ID"] = CLIENT_ID
        if confidential or self.dialect.public_clients_have_secrets:
            collected["CLIENT_SECRET"] = CLIENT_SECRET
        return collected

    def attempt(self, invocation: Invocation) -> Attempt:
        """Run the client once; the secrets in what it wrote and kept are known from then on."""
        operation_of(self.config.run.kind, invocation.operation)
        if invocation.certificate is None and self.config.connect.tls:
            invocation = replace(invocation, certificate="good")
        ended = self.driver.run(invocation)
        result = Attempt(self.config, invocation, ended, invocation.home.files(), scale=self.driver.scale)
        for entry in (*result.exchanges, *result.elsewhere):
            authorization = entry.request.header("authorization") or ""
            self.secrets.register("authorization", authorization.partition(" ")[2])
        with self._lock:
            self.exchanges += len(result.exchanges) + len(result.elsewhere)
        return result

    # Before the scenarios.

    def handshake(self) -> None:
        """The plain login has to work, and what the adapter supports has to be what client.toml claims.

        Raises TargetUnreachableError if the client cannot sign in at all, UsageError if claims are wrong.
        """
        if self.flows:
            self._plain_flow()
        else:
            self._plain_operations()
        if self.config.claims.refresh:
            self._plain_refresh()

    def _plain_flow(self) -> None:
        with Home() as home:
            authority = self.authority(Script({"token": [pending()]}))
            attempt = self.attempt(Invocation("flow", authority, home, wait=4.0, given=self.given("flow")))
        self._must_support(attempt, "flow")
        if not attempt.succeeded:
            raise TargetUnreachableError(self._complaint("the plain login", attempt))
        registered = bool(attempt.of(Purpose.REGISTRATION))
        if self.config.claims.registration is not None and registered != self.config.claims.registration:
            seen = "registered itself" if registered else "did not register itself"
            raise UsageError(f"{self.driver.spec}: claims.registration is wrong: in the first run the client {seen}")
        self.registers = registered

    def _plain_operations(self) -> None:
        if self.registers:
            with Home() as home:
                authority = self.authority()
                attempt = self.attempt(Invocation("register", authority, home, given=self.given("register")))
            self._must_support(attempt, "register")
            if not attempt.of(Purpose.REGISTRATION) or attempt.failed:
                raise TargetUnreachableError(self._complaint("a plain registration", attempt))
        with Home() as home:
            authority = self.authority()
            attempt = self.attempt(Invocation("start", authority, home, given=self.given("start")))
        self._must_support(attempt, "start")
        if not attempt.starts or attempt.failed:
            raise TargetUnreachableError(self._complaint("a plain device authorization", attempt))
        with Home() as home:
            authority = self.authority()
            code = authority.issue("device_code", "DC.first-run-of-a-client")
            given = {**self.given("token"), "DEVICE_CODE": code}
            attempt = self.attempt(Invocation("token", authority, home, given=given))
        self._must_support(attempt, "token")
        if not attempt.succeeded:
            raise TargetUnreachableError(self._complaint("a plain token request", attempt))

    def _plain_refresh(self) -> None:
        with Home() as home:
            authority = self.authority()
            token = authority.issue("refresh_token", "RT.first-run-of-a-client")
            given = {**self.given("refresh"), "REFRESH_TOKEN": token}
            attempt = self.attempt(Invocation("refresh", authority, home, given=given))
        self._must_support(attempt, "refresh")
        if not attempt.of(Purpose.REFRESH):
            raise TargetUnreachableError(self._complaint("a plain refresh", attempt))

    def _must_support(self, attempt: Attempt, operation: str) -> None:
        if attempt.ended.unsupported is not None:
            raise UsageError(
                f"{self.driver.spec}: the adapter does not support {operation} ({attempt.ended.unsupported}): "
                "say so in client.toml (run.kind, claims), or support it"
            )

    def _complaint(self, what: str, attempt: Attempt) -> str:
        asked = ", ".join(entry.label for entry in attempt.exchanges) or "nothing"
        refused = f"; the proxy refused {', '.join(attempt.ended.refused_hosts)}" if attempt.ended.refused_hosts else ""
        words = self.secrets.redact(attempt.ended.last_words)
        return f"{self.driver.spec}: {what} {attempt.how}; it asked for: {asked}{refused}; its last lines: {words}"
