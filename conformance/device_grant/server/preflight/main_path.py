"""The main path of the device grant (RFC 8628 section 1): start, pending, approve, token; start, deny, access_denied.

Walked once before all checks, in a handful of requests. Each step that does not go as it must is tried in other forms,
so that its finding names the cause.
"""

from __future__ import annotations

import math
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Purpose
from device_grant.protocol.exchange import UNREAD
from device_grant.server.preflight.causes import Blocked, Cause, Stage
from device_grant.server.preflight.clock import followed
from device_grant.server.preflight.variations import diagnose, name_of
from device_grant.server.session.device import GONE, NEVER_ISSUED, PENDING, seconds
from device_grant.server.session.registering import refusal

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.preflight.causes import Blocking
    from device_grant.server.preflight.variations import Variation
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device, Grant

LIVE = "the main path is walked on servers that answer now, not on what was recorded of one"
START = "rfc8628-3.1-endpoint-accepts-post"
POLLING = "rfc8628-3.4-repeat-polling-possible"
PENDING_CODE = "rfc8628-3.4-server-accepts-grant"
TOKEN = "rfc8628-3.5-success-after-approval"  # noqa: S105 - the id of a requirement
_NEEDED = ("device_code", "user_code", "verification_uri")
"""Members of a start answer without which nobody can go on (RFC 8628 section 3.2)."""
_TOLERANCE = 0.1
"""The share by which what a server says may differ from what target.toml says of it."""
_ERRORS_OF_THEIRS = range(500, 600)
_GETTING_READY = (0.3, 1.0, 3.0)
"""Real seconds between one attempt and the next."""
_SUCCESSFUL = range(200, 300)
_EARLY = "early-token"
_CLIENT_REFUSED = ("invalid_client", "unauthorized_client")


@check(
    START,
    POLLING,
    PENDING_CODE,
    TOKEN,
    faults=("device_code_missing", "interval_above_lifetime", "device_code_not_read", "approval_ignored"),
    timed=True,
    # A path that leads to its end settles nothing: the other checks say of each step what is to be said.
    sampled=True,
    live=LIVE,
)
def test_main_path(case: ServerCase, verify: Verify) -> None:
    """Start, poll, approve, poll; start, deny, poll. Accepted: anything that does not keep the path from its end."""
    _Walk(case, verify).walk()


class _Walk:
    """The steps, one after the other, until one leads nowhere."""

    def __init__(self, case: ServerCase, verify: Verify) -> None:
        self._case = case
        self._verify = verify
        self._path = case.preflight

    def walk(self) -> None:
        device = self._client()
        if device is None:
            return self._end("no client")
        grant = self._start(device)
        if grant is None:
            return self._end("no device authorization can be started")
        self._find_form()
        pending = self._pending(grant)
        if pending is None:
            grant = followed(grant)
        if not self._decides_alone():
            # Whoever has to be asked in person is not asked for what only the preflight wants to know.
            self._stage("an approval", "untried", self._why_undecided())
            if pending is not None and pending.name == _EARLY:
                self._broken(pending, set())
            elif pending is not None:
                self._broken(pending, {"token-requests"}, PENDING_CODE)
            return self._end("nobody can approve or deny without being asked")
        if not self._token(device, grant, pending):
            return self._end("an approved grant brings no token")
        return self._denial(device)

    def _decides_alone(self) -> bool:
        return self._case.decider is not None and self._case.run.decides_before

    def _why_undecided(self) -> str:
        if self._case.decider is not None:
            return "a check of the run decides, so that it is asked for once: --polite"
        return "nobody decides by themselves: target.toml has no [user] module"

    # Steps.

    def _client(self) -> Device | None:
        case = self._case
        try:
            device = case.device
        except Untestable as reason:
            self._stage("a client", "wrong", str(reason))
            self._broken(self._no_client(reason), {"clients", "starts", "token-requests"})
            return None
        known = "from target.toml" if case.run.target.config.clients else "registered"
        self._stage("a client", "well", f"{device.client.authentication}, {known}")
        return device

    def _find_form(self) -> None:
        """See how a client with a secret has to speak, before a check sends a wrong one in a form that is refused."""
        run = self._case.run
        if run.dialect.http_authentication:
            with self._case.sending_for(Purpose.CONTROL), suppress(Untestable, NotApplicable):
                confidential = self._case.confidential
                if confidential.request(label="start of a client with a secret").outcome.ok:
                    confidential.find_form()

    def _no_client(self, reason: Untestable) -> Cause:
        run = self._case.run
        toml = '[[clients]]\nid = "your-client-id"\nsecret = "its-secret"  # leave it out for a public client'
        if run.target.config.clients:
            title = "no client of target.toml may use the device grant"
            return Cause("client", title, 'grants = ["device_code"] in one of the [[clients]]')
        if not run.endpoints.registration:
            return Cause("client", "no client: none is named, and the server has no registration endpoint", toml)
        exchange = self._case.send(run.registration_request("primary"), "register a client")
        title = f"no client can be registered: the server answers {refusal(exchange)}"
        if exchange.outcome.ok:
            title = f"no client can be registered: {reason}"
        return Cause("client", title, toml, exchange)

    def _start(self, device: Device) -> Grant | None:
        exchange = device.request(label="start")
        if not exchange.outcome.ok:
            self._stage("a device authorization", "wrong", exchange.describe())
            self._refused_start(device, exchange)
            return None
        missing = [member for member in _NEEDED if not _text(exchange.get(member))]
        if missing:
            self._stage("a device authorization", "wrong", f"without {', '.join(missing)}")
            title = f"the answer to a start has no usable {' and '.join(missing)}"
            blocks: set[Blocking] = {"starts", "token-requests"} if "device_code" in missing else set()
            dead = "device_code" in missing
            self._broken(
                Cause("start", title, exchange=exchange, same=_present(*missing)), blocks, START if dead else ""
            )
            if dead:
                return None
        grant = device.started(exchange)
        self._stage("a device authorization", "well", _described(exchange))
        self._times(grant)
        return grant

    def _refused_start(self, device: Device, exchange: Exchange) -> None:
        taken = diagnose(self._case, device, exchange, device.authorization_members())
        name = name_of(Operation.DEVICE_AUTHORIZATION)
        if taken is not None:
            cause = Cause("start", taken.title, taken.advice, exchange)
            holds: bool | None = False if taken.of_server else None
        else:
            mistaken = exchange.code in _CLIENT_REFUSED and bool(self._case.run.target.config.clients)
            cause = Cause("start", f"{name} answers {exchange.describe()} to a valid start", exchange=exchange)
            if exchange.outcome.members and exchange.status in _SUCCESSFUL:
                title, same = "the answer to a start has no device_code", _present("device_code")
                cause = Cause("start", title, exchange=exchange, same=same)
            if mistaken:
                cause = Cause(
                    "start",
                    f"{name} does not know the client {device.client.id!r} of target.toml: {exchange.describe()}",
                    "[[clients]] of target.toml: see that id, secret and authentication are those of the server",
                    exchange,
                )
            # Who is wrong, the server or target.toml, nobody can tell; and what was not read may have been right.
            holds = None if mistaken or exchange.code == UNREAD else False
        self._broken(cause, {"starts", *self._token_endpoint(device)})
        self._verify.that(START, holds, cause.title, exchange, accepted=("ok", "no-response"))

    def _token_endpoint(self, device: Device) -> set[Blocking]:
        """Token requests are blocked as well, unless one with a code of nobody is refused as such."""
        answer = device.token(grant_type=DEVICE_CODE_GRANT, device_code=NEVER_ISSUED, label="control: code of nobody")
        return set() if answer.code in (*GONE, *PENDING) else {"token-requests"}

    def _times(self, grant: Grant) -> None:
        """What the answer says of times, against itself and against target.toml."""
        if grant.promised and grant.interval >= grant.promised:
            title = (
                f"the interval, {grant.interval:g} s, is not below the lifetime, {grant.promised:g} s: "
                "who keeps it asks after the end"
            )
            self._broken(Cause("interval", title, exchange=grant.exchange), {"polls"}, POLLING)
        elif not grant.promised:
            sent, name = grant.exchange.get("expires_in"), self._case.run.dialect.wire_name("expires_in")
            title = f"{name} is missing" if sent is None else f"{name} is {sent!r:.80}: codes end when they begin"
            same = (*_present("expires_in"), "rfc8628-3.2-expires-in-seconds")
            self._broken(Cause("expires-in", title, exchange=grant.exchange, same=same), set())
        if self._path.causes:
            return
        lifetimes = self._case.run.target.config.lifetimes
        for key, declared, said in (
            ("device_code", lifetimes.device_code, grant.promised),
            ("interval", lifetimes.interval, grant.interval),
        ):
            if declared and said and not math.isclose(said, declared, rel_tol=_TOLERANCE):
                title = f"target.toml declares {key} = {declared:g} under [lifetimes], the server says {said:g}"
                self._broken(Cause(f"lifetimes-{key}", title, f"[lifetimes]\n{key} = {said:g}", grant.exchange), set())

    def _pending(self, grant: Grant) -> Cause | None:
        """Poll before anybody has decided; returns what is wrong, which blocks nothing if a token comes later."""
        exchange, pending = grant.ask(wait=False, label="poll before any decision")
        for pause in _GETTING_READY:
            # No answer at all costs its time: it is waited for once more, and an error until the server is ready.
            again = exchange.status in _ERRORS_OF_THEIRS or (exchange.response is None and pause == _GETTING_READY[0])
            if not again:
                break
            # A server that has just been started may not be ready yet for what it does for the first time, and what
            # it failed at may have cost the code. Its clock need not be the real one, by which it gets ready.
            if not self._case.run.target.in_process:
                time.sleep(pause)
            grant.renew()
            exchange, pending = grant.ask(wait=False, label="poll of another code before any decision")
        if pending:
            self._stage("a poll before the decision", "well", exchange.describe())
            return None
        self._stage("a poll before the decision", "wrong", exchange.describe())
        if exchange.outcome.ok:
            title = "a token comes before anybody has decided"
            return Cause(_EARLY, title, exchange=exchange, security=True)
        dead = next((cause for cause in self._path.causes if cause.name in ("expires-in", "interval")), None)
        if dead is not None and exchange.code in GONE:
            return dead
        taken = self._diagnosed_poll(grant, exchange)
        if taken is not None:
            return Cause("pending", taken.title, taken.advice, exchange)
        if exchange.code in _CLIENT_REFUSED:
            title = f"the token endpoint refuses the client that the start was granted to: {exchange.describe()}"
            advice = "see that the secret is the server's own, here and in target.toml"
            return Cause("pending", title, advice, exchange)
        title = f"{name_of(Operation.TOKEN)} answers {exchange.describe()} to the poll of a fresh code"
        return Cause("pending", title, exchange=exchange)

    def _diagnosed_poll(self, grant: Grant, refused: Exchange) -> Variation | None:
        members = {"grant_type": DEVICE_CODE_GRANT, "device_code": grant.device_code}
        return diagnose(self._case, grant.device, refused, members)

    def _token(self, device: Device, grant: Grant, pending: Cause | None) -> bool:
        """Approve and poll; whether a token came."""
        if pending is not None and pending.name == _EARLY:
            # That code is spent: whether an approval leads anywhere another one has to show.
            self._broken(pending, set())
            pending, grant = None, device.start(label="start, to be approved")
        complaint = device.user.try_to("approve", grant)
        if complaint:
            self._stage("an approval", "wrong", complaint)
            cause = Cause("approval", complaint, "see what [user] of target.toml does at the page")
            self._broken(pending or cause, {"token-requests"} if pending else set(), PENDING_CODE if pending else "")
            return False
        self._stage("an approval", "well")
        # The interval may not fit into the lifetime: then the suite asks at once, and then once more.
        exchange, waiting = grant.ask(wait=self._polite, label="poll after the approval")
        if exchange.outcome.ok:
            self._stage("a token", "well", exchange.describe())
            if pending is not None:
                # The path goes on: what is wrong is wrong with pending alone.
                self._broken(pending, set())
            return True
        self._stage("a token", "wrong", exchange.describe())
        if pending is not None:
            self._broken(pending, {"token-requests"}, PENDING_CODE)
        elif waiting:
            title = "the user approves, and the grant stays pending"
            advice = "see whether [user] of target.toml decides indeed, and whether the server takes it"
            of_server = self._denies(device)
            blocks: set[Blocking] = {"approved-polls"} if of_server else set()
            self._broken(Cause("approval", title, advice, exchange), blocks, TOKEN if of_server else "")
        else:
            self._refused_token(grant, exchange)
        return False

    def _refused_token(self, grant: Grant, exchange: Exchange) -> None:
        taken = self._diagnosed_poll(grant, exchange)
        title = f"{name_of(Operation.TOKEN)} answers {exchange.describe()} instead of a token to an approved code"
        cause = Cause("token", title, exchange=exchange)
        if taken is not None:
            cause = Cause("token", taken.title, taken.advice, exchange)
        self._broken(cause, {"approved-polls"}, TOKEN)

    def _denies(self, device: Device) -> bool:
        """Whether a denial shows, so that it is the server that takes no approval."""
        with self._case.sending_for(Purpose.CONTROL):
            grant = device.start(label="control: start, to be denied")
            if device.user.try_to("deny", grant):
                return False
            exchange, waiting = grant.ask(wait=self._polite, label="control: poll after the denial")
        return exchange.response is not None and not waiting

    def _denial(self, device: Device) -> None:
        grant = device.start(label="start, to be denied")
        complaint = device.user.try_to("deny", grant)
        if complaint:
            return self._stage("a denial", "untried", complaint)
        exchange, waiting = grant.ask(wait=self._polite, label="poll after the denial")
        right = exchange.code == "access_denied"
        self._stage("a denial", "well" if right else "wrong", exchange.describe())
        if not right:
            title = "the user denies, and the grant stays pending" if waiting else ""
            title = title or f"{name_of(Operation.TOKEN)} answers {exchange.describe()} to a denied code"
            self._broken(Cause("denial", title, exchange=exchange), set())
        return None

    # What is kept.

    @property
    def _polite(self) -> bool:
        return not any("polls" in cause.blocks for cause in self._path.causes)

    def _stage(self, name: str, went: str, remark: str = "") -> None:
        self._path.stages.append(Stage(name, went, remark))  # type: ignore[arg-type]

    def _broken(self, cause: Cause, blocks: set[Blocking], requirement: str = "") -> None:
        known = [one for one in self._path.causes if one.name == cause.name]
        for one in known:
            self._path.causes.remove(one)
            blocks = blocks | one.blocks
        self._path.causes.append(replace(cause, blocks=frozenset(blocks)))
        if requirement:
            self._fails(requirement, cause)

    def _fails(self, requirement: str, cause: Cause) -> None:
        broken = False
        self._verify.that(requirement, broken, cause.title, *([cause.exchange] if cause.exchange else []))

    def _end(self, reason: str) -> None:
        first = self._path.causes[0] if self._path.causes else None
        raise Blocked(first) if first is not None else Untestable(reason)


def _present(*members: str) -> tuple[str, ...]:
    """The requirements that a start answer has these members."""
    named = (f"rfc8628-3.2-{member.replace('_', '-')}-present" for member in members)
    return (*named, "aws-start-response-members")


def _text(value: object) -> bool:
    return isinstance(value, str) and bool(value)


def _described(exchange: Exchange) -> str:
    expires, interval = exchange.get("expires_in"), seconds(exchange.get("interval"), 0)
    times = [f"expires_in {expires}"] if expires is not None else []
    times += [f"interval {interval:g}"] if interval else []
    return ", ".join([f"user code {exchange.get('user_code')}", *times])
