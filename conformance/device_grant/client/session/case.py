"""What a scenario works with: a case with its transcript, the client to run, and `verify`."""

from __future__ import annotations

import re
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

from device_grant.client.drivers.invocation import Home, Invocation
from device_grant.client.drivers.visiting import Errands
from device_grant.client.scripted.members import USERINFO
from device_grant.client.scripted.steps import Script, change
from device_grant.judging import Check, Claim, Ledger, NotApplicable, StopCheck, Untestable, Verify, applies
from device_grant.protocol import Transcript
from device_grant.protocol.events import ClientStarted

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.certificates import Certificate
    from device_grant.client.scripted.mutual_tls import CertificateRequests
    from device_grant.client.scripted.steps import Channel, Step
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.run import ClientRun
    from device_grant.protocol import Dialect, Exchange


NO_ERRANDS = Errands()
CONTINUES = "rfc8628-3.5-client-repeats-on-pending"
Section = Literal["device_authorization", "token", "registration", "metadata"]
"""A table of `[response]` in client.toml."""
DEVICE_CODE = "DC.device-code-of-a-scenario"
"""Of a flow that nobody saw begin."""


class ClientCase:
    """One scenario while it runs: each run of the client goes through here, is kept and judged by all rules."""

    def __init__(self, run: ClientRun, check: Check) -> None:
        self.run = run
        self.check = check
        self.transcript = Transcript()
        self.examples = 0
        self.exposed: dict[str, Any] = {}
        self.ledger = Ledger(check.name, run.catalogue.get, run.dialect, check.requirements, run.expects)
        self.invariants = {
            entry.name: Ledger(entry.name, run.catalogue.get, run.dialect, entry.requirements, run.expects)
            for entry in run.rules
        }
        self._watching = [entry for entry in run.rules if applies(entry, run.dialect, run.catalogue.get)]
        self.stop: StopCheck | None = None
        """Why the scenario ended before its end, if it did."""
        self._homes = ExitStack()
        self._client = ClientUnderTest(self)
        self._runs = 0

    def begin(self) -> None:
        """Nothing runs before the first run of the client."""

    # What scenarios may ask for by parameter name: device_grant.judging.PARAMETERS.

    @property
    def client(self) -> ClientUnderTest:
        """The client under test."""
        return self._client

    @property
    def verify(self) -> Verify:
        """The judge of this case."""
        return Verify(self.ledger)

    # Running.

    def home(self) -> Home:
        """A fresh HOME, removed at the end of the case."""
        return self._homes.enter_context(Home())

    def next_run(self) -> int:
        """The number of the run of the client that comes now, counted from 1."""
        self._runs += 1
        return self._runs

    def take(self, attempt: Attempt, label: str) -> Attempt:
        """Record one run of the client and let the rules judge it.

        Raises Untestable where a deviation that is known from the first login, and judged by its own check, ended it:
        what the run was about stays open.
        """
        self._record(attempt, label)
        known = self.run.pending_is_fatal and CONTINUES not in self.check.requirements
        if known and attempt.ended_by("authorization_pending"):
            raise Untestable("authorization_pending ends the client's login")
        return attempt

    def _record(self, attempt: Attempt, label: str) -> None:
        self.transcript.append(ClientStarted(0.0, label))
        entries: list[Exchange] = sorted((*attempt.exchanges, *attempt.elsewhere), key=lambda entry: entry.started)
        for entry in entries:
            self.transcript.append(entry)
        self.transcript.append(attempt.ending)
        if attempt.ended.unsupported is not None:
            raise NotApplicable(f"the adapter does not support this: {attempt.ended.unsupported}")
        session = attempt.session
        for rule in self._watching:
            ledger = self.invariants[rule.name]
            for judgement in rule.function(session):
                ledger.settle(judgement)

    # Ending.

    def execute(self) -> None:
        """Run the scenario with what its parameters name, and settle all that it left open."""
        with self._homes:
            try:
                for label, first in self.run.take_first():
                    self._record(first, label)
                if self.run.obstacle:
                    raise Untestable(self.run.obstacle)
                if self.run.config.run.kind == "code" and "authorization_code" not in self.check.needs:
                    self._require_refresh()
                for claim in self.check.needs:
                    if not self.run.claims(claim):
                        only = claim == "flow" and not self.run.claims("login")
                        lacks = _LACKS.get(claim, f"the client does not claim {claim}")
                        raise NotApplicable(without_device_grant(self.run) if only else lacks)
                self.check.function(**{name: getattr(self, name) for name in self.check.parameters})
            except StopCheck as reason:
                self.stop = reason
        self.ledger.close(self.stop)

    def _require_refresh(self) -> None:
        if not self.run.claims("refresh"):
            raise NotApplicable(ONLY_BY_BROWSER)

    def claims(self) -> Iterator[Claim]:
        """The worst claim of the scenario on each requirement, rules excluded."""
        for tally in self.ledger.tallies.values():
            if tally.worst is not None:
                yield tally.worst


ONLY_REFRESHES = "the client only refreshes"
ONLY_BY_BROWSER = "the client signs in by a browser alone: it has no device grant"
_LACKS = {
    "flow": "the client has no polling loop of its own",
    "endpoint": "the client cannot be told another endpoint",
    "registration": "the client does not register itself",
    "keeps_registrations": "the client does not claim to keep registrations",
    "keeps_tokens": "the client does not claim to keep tokens",
    "revocation": "the client does not claim to sign out by revocation",
    "id_token": "the client does not claim to check ID tokens",
    "device_pkce": "the client does not claim to use PKCE in the device grant",
    "resource": "the client does not claim to name resources",
    "dpop": "the client does not claim to send DPoP proofs",
    "dpop_required": "the client does not claim to insist on tokens that are bound by DPoP",
    "dpop_device_code": "the client does not claim to send a DPoP proof with its device authorization",
    "mtls": "the client does not claim to authenticate by a certificate",
    "authorization_code": "the client does not claim to sign in by the authorization code grant",
}


def without_device_grant(run: ClientRun) -> str:
    """Why a client that has no device grant has none."""
    return ONLY_BY_BROWSER if run.claims("authorization_code") else ONLY_REFRESHES


class ClientUnderTest:
    """The client under test, run once for each call."""

    def __init__(self, case: ClientCase) -> None:
        self._case = case
        self._run = case.run

    @property
    def dialect(self) -> Dialect:
        """In what it is answered."""
        return self._run.answering

    @property
    def flows(self) -> bool:
        """Whether one run is a whole login."""
        return self._run.flows

    def claims(self, name: str) -> bool:
        """Whether it can do that."""
        return self._run.claims(name)

    def home(self) -> Home:
        """A HOME that several runs can share."""
        return self._case.home()

    def login(self, label: str = "a login", **options: Any) -> Attempt:
        """One whole login; options as of `once`."""
        return self.once("flow", label, **options)

    def sign_in(self, label: str = "a sign-in", **options: Any) -> Attempt:
        """One whole sign-in by the authorization code grant; options as of `once`."""
        return self.once("code", label, **options)

    def redeem(self, label: str = "a login", *, start: Sequence[Step] = (), **options: Any) -> Attempt:
        """A login; of a client without a polling loop, the two operations that it consists of.

        Where the first of these does not yield the device code, it is the attempt that is returned.
        """
        if self.flows:
            return self.login(label, start=start, **options)
        registration = options.pop("registration", ())
        if registration and self.claims("registration"):
            self.once("register", f"{label}: registration", registration=registration)
        begun = self.once("start", f"{label}: device authorization", start=start, **options)
        code = begun.invocation.authority.last("device_code")
        if begun.failed or begun.going_on or not code:
            return begun
        said = begun.ended.marks("started")
        if said and said[-1]:
            # What the client makes of the code is what an application would go on with.
            code = said[-1][0]
        issued = begun.invocation.authority.last("device_code")
        redeemed = self.once("token", f"{label}: token", device_code=issued, sends=code, **options)
        return replace(redeemed, before=begun)

    def poll(self, label: str, *token: Step, interval: int = 1, **options: Any) -> Attempt:
        """A login for what comes of its polls alone, which these answers meet.

        A client without a polling loop makes one token request, with a device code that it is given: beginning a flow
        would show nothing more, and costs as much again.
        """
        if self.flows:
            return self.login(label, start=[change(interval=interval)], token=token, **options)
        return self.once("token", label, token=token, device_code=DEVICE_CODE, **options)

    def ask(self, label: str, *answers: Step, forever: bool = False, **options: Any) -> Attempt:
        """A request for tokens that these answers meet: a poll, or the refresh of a client that does nothing else."""
        if self.claims("login"):
            return self.poll(label, *answers, forever=["token"] if forever else (), **options)
        return self.refresh(label, refresh=answers, forever=["refresh"] if forever else (), **options)

    def rest(self, seconds: float, attempt: Attempt) -> None:
        """Let so many seconds of the client's time pass after that run."""
        self._run.driver.rest(seconds, attempt.ended)

    def free(self, section: Section, *names: str) -> None:
        """See that a scenario may change these members of an answer; raises NotApplicable where client.toml has them.

        The client insists on what stands there, so without it nothing is shown but that.
        """
        insisted = self.insisted(section)
        for name in names:
            if self.dialect.wire_name(name) in insisted:
                raise NotApplicable(f"client.toml says that the client insists on a {name} of its own")

    def insisted(self, section: Section) -> Mapping[str, Any]:
        """Members that client.toml has for an answer, wire names."""
        members: Mapping[str, Any] = getattr(self._run.config.response, section)
        return members

    def refresh(self, label: str = "a refresh", **options: Any) -> Attempt:
        """One refresh with a refresh token that the server knows; options as of `once`."""
        return self.once("refresh", label, **options)

    def sign_out(self, label: str = "a sign-out", **options: Any) -> Attempt:
        """One sign-out, of a token that the client is given or has kept in its HOME; options as of `once`."""
        return self.once("logout", label, **options)

    @property
    def shows_strangers(self) -> bool:
        """Whether it is seen which other hosts the client turns to, by plain HTTP too."""
        return self._run.config.connect.how != "endpoint" or self._run.driver.clock == "simulated"

    def once(  # noqa: PLR0913 - the options of a script, nearly all of them left at their defaults
        self,
        operation: str,
        label: str = "",
        *,
        start: Sequence[Step] = (),
        token: Sequence[Step] = (),
        refresh: Sequence[Step] = (),
        registration: Sequence[Step] = (),
        metadata: Sequence[Step] = (),
        authorize: Sequence[Step] = (),
        redemption: Sequence[Step] = (),
        revocation: Sequence[Step] = (),
        errands: Errands = NO_ERRANDS,
        forever: Sequence[Channel] = (),
        wait: float = 6.0,
        until: float | None = None,
        most: int = 40,
        certificate: Certificate | None = None,
        elsewhere: Script | None = None,
        elsewhere_certificate: Certificate | None = None,
        given: Mapping[str, str] | None = None,
        confidential: bool = False,
        scope: bool = True,
        home: Home | None = None,
        known: Mapping[str, str] | None = None,
        device_code: str = "",
        sends: str = "",
        discover: bool = False,
        issuer_path: str = "",
        documents: Mapping[str, Any] | None = None,
        userinfo: Mapping[str, Any] | None = None,
        moved: Mapping[str, str] | None = None,
        metadata_at: tuple[str, ...] | None = None,
        mutual: CertificateRequests | None = None,
        suspended: float = 0.0,
        watched: bool = False,
        terminal: bool = False,
        to_the_letter: bool = False,
        pkce: bool = True,
    ) -> Attempt:
        """Run the client for one operation against one script.

        `errands` are what the browser does besides; `wait` are the seconds of its time that the script asks for,
        `until` those after the answer to its first request for codes at which it is ended, `most` the token requests
        after which it is. `known` are values by kind that the server has issued before, `given` DEVICE_GRANT_
        variables, `moved` other paths, with a query, by channel; `suspended` are seconds for which it is stopped
        after its first poll, `watched` whether its HOME is, `terminal` whether it writes to one, `to_the_letter`
        whether the server answers in the dialect by which the client is judged, also where that is none that it
        understands. `userinfo` are claims; the metadata then says where they are. With `mutual` the client is given a
        certificate, for which the server asks. `pkce` is whether the server knows PKCE in the code grant.
        """
        run = self._run
        claimed = {"refresh": "refresh", "code": "authorization_code", "logout": "revocation"}
        wanted = claimed.get(operation, "login")
        if not run.claims(wanted):
            raise NotApplicable(without_device_grant(run) if wanted == "login" else f"the client cannot {operation}")
        steps: dict[Channel, Sequence[Step]] = {
            "start": start,
            "token": token,
            "refresh": refresh,
            "registration": registration,
            "metadata": metadata,
            "authorize": authorize,
            "redeem": redemption,
            "revocation": revocation,
        }
        number, scenario = self._case.next_run(), self._case.check.name
        script = Script({name: list(said) for name, said in steps.items()}, frozenset(forever))
        authority = run.authority(script, f"{scenario} {number}")
        authority.most, authority.metadata_at = most, metadata_at
        authority.mutual = replace(mutual) if mutual else None
        authority.code_grant.pkce = pkce
        if to_the_letter:
            authority.dialect = run.dialect
        authority.documents, authority.moved = dict(documents or {}), dict(moved or {})
        if userinfo is not None:
            authority.userinfo = dict(userinfo)
            authority.documents["userinfo_endpoint"] = f"{{base}}{USERINFO}"
        authority.issuer_path = issuer_path or authority.issuer_path
        variables = run.given(operation, confidential=confidential, scope=scope) | dict(given or {})
        if device_code:
            authority.issue("device_code", device_code)
            variables["DEVICE_CODE"] = sends or device_code
        for kind, value in (known or {}).items():
            authority.issue(kind, value)
        alone = operation == "logout" and home is None
        if (operation == "refresh" or alone) and "REFRESH_TOKEN" not in variables:
            variables["REFRESH_TOKEN"] = authority.issue("refresh_token", "RT.refresh-token-of-a-scenario")
        other: Authority | None = (
            run.authority(elsewhere, f"{scenario} {number} elsewhere") if elsewhere is not None else None
        )
        invocation = Invocation(
            operation,
            authority,
            home or self._case.home(),
            elsewhere=other,
            wait=wait,
            until=until,
            certificate="good" if mutual else certificate,
            elsewhere_certificate=elsewhere_certificate,
            given=variables,
            discover=discover,
            suspended=suspended,
            watched=watched,
            terminal=terminal,
            errands=errands,
            scenario=scenario,
            number=number,
        )
        return self._case.take(run.attempt(invocation), label or operation)


def shows(text: str, user_code: str) -> bool:
    """Whether a person is shown the user code, perhaps with other punctuation or in other case."""
    bare = re.sub(r"[^A-Za-z0-9]", "", user_code).casefold()
    return bool(bare) and bare in re.sub(r"[^A-Za-z0-9\n]", "", text).casefold()
