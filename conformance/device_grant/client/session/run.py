"""A client under test with everything that scenarios need of it, and what its first runs have shown."""

from __future__ import annotations

import shlex
import threading
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from device_grant.catalogue import Verdict
from device_grant.client.drivers.invocation import Home, Invocation, operation_of
from device_grant.client.rules import every_rule
from device_grant.client.scripted.authority import Authority
from device_grant.client.scripted.steps import Script, pending
from device_grant.client.scripted.values import Values
from device_grant.client.session.attempt import Attempt
from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.protocol import Dialect, Purpose, Secrets, any_dialect

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from device_grant.catalogue import Catalogue
    from device_grant.client.drivers.invocation import Driver
    from device_grant.client.scripted.steps import Step
    from device_grant.client.session.case import ClientCase
    from device_grant.judging import Check, Rule
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
    """By which it is judged."""
    catalogue: Catalogue
    expects: Expects = lambda _requirement, _check, _message: False
    secrets: Secrets = field(default_factory=Secrets)
    arguments: tuple[str, ...] = ()
    """What else the command line said, for the command that shows a result again."""
    rules: tuple[Rule, ...] = field(default_factory=lambda: tuple(every_rule()))
    """What is judged on every run of the client."""
    drawn: bool = False
    """Whether what the server issues is drawn from the name of the scenario, so that the run can be played again."""
    sends: ClassVar[bool] = False
    """The requests are the client's: sending one again by hand shows nothing."""
    exchanges: int = 0
    registers: bool = False
    """Whether the client registers itself."""
    obstacle: str = ""
    """Why no scenario can be judged: a rule is broken in the plain login, which does not work; empty if it does."""
    pending_is_fatal: bool = False
    """Whether the plain login fails for authorization_pending alone."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._first: list[tuple[str, Attempt]] = []
        self._firsts = 0
        self.config = self.driver.config
        own = self.config.speaks.dialect
        self._spoken = any_dialect(own) if own else self.dialect
        self.answering: Dialect = self.dialect
        """In which it is answered: as it is judged, or in its own dialect where it understands nothing else."""
        self.secrets.register("client_secret", CLIENT_SECRET)
        claimed = self.config.claims.registration
        signs_in = self.config.signs_in or self.config.signs_in_by_code
        by_default = self.dialect.clients_register and signs_in
        self.registers = by_default if claimed is None else claimed

    @property
    def flows(self) -> bool:
        """Whether one run is a whole login."""
        return self.config.run.kind == "flow"

    def claims(self, name: str) -> bool:
        """Whether the client can do it: a claim of client.toml, `flow` or `endpoint`."""
        keeps = self.config.claims.keeps
        seen = {
            "flow": self.flows,
            "endpoint": self.config.connect.how == "endpoint",
            "registration": self.registers,
            "login": self.config.signs_in,
            "refresh": self.config.refreshes,
            "authorization_code": self.config.signs_in_by_code,
        }
        if name in seen:
            return seen[name]
        if name in ("keeps_registrations", "keeps_tokens"):
            return keeps if isinstance(keeps, bool) else name.removeprefix("keeps_") in keeps
        return bool(getattr(self.config.claims, name))

    def reproduction(self, requirement: str, check: str = "") -> str:
        """The command that shows a result again; `check` is the scenario in which it was seen."""
        words = ["device-grant", "client", "--only", requirement, *(("--check", check) if check else ())]
        words += self.arguments
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

    def authority(self, script: Script | None = None, place: str = "") -> Authority:
        """A scripted server for one run; `place` is which of the whole session it is, and no other run's."""
        values = Values(place or f"first {self._firsts + 1}") if self.drawn else Values()
        return Authority(
            self.answering, self.config, self.secrets, script or Script(), values=values, judged_as=self.dialect
        )

    def given(self, operation: str, *, confidential: bool = False, scope: bool = True) -> dict[str, str]:
        """What a run is told by default."""
        collected = {"SCOPE": SCOPE} if scope and not self.dialect.scopes_are_registered else {}
        if "start_url" in self.dialect.constants:
            collected["START_URL"] = START_URL
        whole = operation in ("flow", "code")
        if operation == "register" or (whole and self.registers and not confidential):
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
        home = invocation.home
        result = Attempt(self.config, invocation, ended, home.files(), glimpsed=home.glimpsed, scale=self.driver.scale)
        for entry in (*result.exchanges, *result.elsewhere):
            authorization = entry.request.header("authorization") or ""
            self.secrets.register("authorization", authorization.partition(" ")[2])
        with self._lock:
            self.exchanges += len(result.exchanges) + len(result.elsewhere)
        return result

    # Before the scenarios.

    def handshake(self) -> None:
        """The plain login has to work, and what the adapter supports has to be what client.toml claims.

        If it does not work, and shows by itself that the client breaks a rule, that is the result, and `obstacle` says
        why there is no more. A client of another dialect than the one that it is judged by is answered in its own if
        the plain login works no other way. Raises TargetUnreachableError if it shows nothing, UsageError if claims
        are wrong.
        """
        if self.config.signs_in and self._spoken is not self.dialect and not self._works_to_the_letter():
            self.answering = self._spoken
        if not self.config.signs_in:
            pass
        elif self.flows:
            self._plain_flow()
        else:
            self._plain_operations()
        if self.config.signs_in_by_code and not self.obstacle:
            self._plain_sign_in()
        if self.config.refreshes and not self.obstacle:
            self._plain_refresh()

    def take_first(self) -> list[tuple[str, Attempt]]:
        """The first runs, each with its label, for the one case that judges them by the rules; then no more."""
        with self._lock:
            taken, self._first = self._first, []
        return taken

    def _begin(self, label: str, invocation: Invocation) -> Attempt:
        self._firsts += 1
        attempt = self.attempt(replace(invocation, number=self._firsts))
        self._must_support(attempt, invocation.operation)
        with self._lock:
            self._first.append((label, attempt))
        return attempt

    def _plain_login(self, label: str, *token: Step) -> Attempt:
        with Home() as home:
            authority = self.authority(Script({"token": token}))
            return self._begin(label, Invocation("flow", authority, home, wait=4.0, given=self.given("flow")))

    def _works_to_the_letter(self) -> bool:
        """Whether a login works with the answers of the dialect by which the client is judged."""
        operation, label = ("flow" if self.flows else "start"), "a login with answers to the letter"
        with Home() as home:
            authority = self.authority(Script({"token": [pending()]}))
            first = self._begin(label, Invocation(operation, authority, home, wait=4.0, given=self.given(operation)))
        if self.flows or not first.succeeded:
            return bool(first.succeeded)
        with Home() as home:
            authority = self.authority()
            given = {**self.given("token"), "DEVICE_CODE": authority.issue("device_code", "DC.code-to-the-letter")}
            return bool(self._begin(label, Invocation("token", authority, home, given=given)).succeeded)

    def _plain_flow(self) -> None:
        attempt = self._plain_login("the first login", pending())
        if attempt.ended_by("authorization_pending"):
            # Is it that one answer, or does nothing work?
            attempt = self._plain_login("the first login, without authorization_pending")
            self.pending_is_fatal = bool(attempt.succeeded)
        if not attempt.succeeded:
            self._give_up("the plain login", attempt)
            return
        registered = bool(attempt.of(Purpose.REGISTRATION))
        if self.config.claims.registration is not None and registered != self.config.claims.registration:
            seen = "registered itself" if registered else "did not register itself"
            raise UsageError(f"{self.driver.spec}: claims.registration is wrong: in the first run the client {seen}")
        self.registers = registered

    def _plain_sign_in(self) -> None:
        with Home() as home:
            what = "the plain sign-in by a browser"
            attempt = self._begin(what, Invocation("code", self.authority(), home, given=self.given("code")))
        if not attempt.succeeded:
            self._give_up(what, attempt)

    def _plain_operations(self) -> None:
        if self.registers:
            with Home() as home:
                what = "a plain registration"
                attempt = self._begin(
                    what, Invocation("register", self.authority(), home, given=self.given("register"))
                )
            if not attempt.of(Purpose.REGISTRATION) or attempt.failed:
                self._give_up(what, attempt)
                return
        with Home() as home:
            what = "a plain device authorization"
            attempt = self._begin(what, Invocation("start", self.authority(), home, given=self.given("start")))
        if not attempt.starts or attempt.failed:
            self._give_up(what, attempt)
            return
        with Home() as home:
            authority = self.authority()
            code = authority.issue("device_code", "DC.first-run-of-a-client")
            given = {**self.given("token"), "DEVICE_CODE": code}
            attempt = self._begin("a plain token request", Invocation("token", authority, home, given=given))
        if not attempt.succeeded:
            self._give_up("a plain token request", attempt)

    def _plain_refresh(self) -> None:
        with Home() as home:
            authority = self.authority()
            token = authority.issue("refresh_token", "RT.first-run-of-a-client")
            given = {**self.given("refresh"), "REFRESH_TOKEN": token}
            attempt = self._begin("a plain refresh", Invocation("refresh", authority, home, given=given))
        signs_in = self.config.signs_in or self.config.signs_in_by_code
        if not attempt.of(Purpose.REFRESH) or not (signs_in or attempt.succeeded):
            self._give_up("a plain refresh", attempt)

    def _give_up(self, what: str, attempt: Attempt) -> None:
        """Go no further: with the rules that it breaks in this as the result, if there are any; else by an error."""
        operation = attempt.invocation.operation
        broken = sorted(
            {
                judgement.requirement
                for _, first in self._first
                if first.invocation.operation == operation
                for judgement in first.judged_by_rules(self.catalogue)
                if judgement.holds is False
                and not judgement.tolerated
                and self.catalogue.get(judgement.requirement).verdict_if_broken is Verdict.FAIL
            }
        )
        if not broken:
            raise TargetUnreachableError(self._complaint(what, attempt))
        self.obstacle = f"{what} {attempt.how} and breaks {', '.join(broken)}: the rest could not be tested"

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
        said = f"{what} {attempt.how}; it asked for: {asked}{refused}; its last lines: {words}{self._elsewhere()}"
        return f"{self.driver.spec}: {said}"

    def _elsewhere(self) -> str:
        """What to write for a file of this folder, where the client, which runs in a HOME of its own, is not."""
        words = self.driver.config.run.command[1:]
        here = next((word for word in words if word[:1] not in ("/", "-", "{") and Path(word).is_file()), "")
        hint = f"; {here} is a file of this folder, and the client runs in another one: write {{dir}}/{here}"
        return hint if here else ""
