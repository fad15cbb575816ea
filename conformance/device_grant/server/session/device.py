"""Devices and their grants: a client with a user at hand, and one device authorization from start to end."""

from __future__ import annotations

import math
from contextlib import nullcontext
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from device_grant.judging import Inconclusive, NotApplicable, Untestable
from device_grant.protocol import DEVICE_CODE_GRANT, Client, Exchange, Operation, Purpose
from device_grant.protocol.numbers import number
from device_grant.server.session import pkce
from device_grant.server.session.pace import MARGIN, SEEN_WITHIN
from device_grant.server.session.person import Person
from device_grant.targets.ports import GrantView

if TYPE_CHECKING:
    from device_grant.server.session.case import ServerCase

PENDING = ("authorization_pending", "slow_down")
"""What a token request for a pending code may be answered (RFC 8628 3.5)."""
GONE = ("invalid_grant", "expired_token", "access_denied")
"""What a device code that can never yield a token again may be answered."""
ENDED = ("invalid_grant", "expired_token")
"""The same of a code that nobody has refused."""
WRONG_SECRET = "wrong-secret-9c2e"  # noqa: S105 - made up to be wrong
NEVER_ISSUED = "never-issued-0123456789abcdef"
NO_LIFETIME = "the response states no lifetime (expires_in), and target.toml has none ([lifetimes] device_code)"
_OF_A_POLL = ("grant_type", "device_code", "client")
"""What makes a poll one of the grant's own client: with another value the answer says nothing of a decision."""


class Device:
    """A client with a user at hand: starts device authorizations and asks for tokens."""

    def __init__(self, case: ServerCase, client: Client) -> None:
        self.case = case
        self.client = client
        self.user = Person(case)
        case.secrets.learn("client_secret", client.secret)
        self._served: set[Operation] = set()
        """Where this device was ever served: there its client speaks as the server wants."""

    def authorization_members(self, **members: Any) -> dict[str, Any]:
        """Members of a valid device authorization request, client authentication aside."""
        run = self.case.run
        return run.dialect.authorization_members(run.target.config.request) | pkce.with_start(run) | members

    def request(self, *, client: Client | None = None, label: str = "start", **members: Any) -> Exchange:
        """One device authorization request, whatever the answer.

        Where HTTP Basic is refused, and taken with client_id in the body beside it, the device goes on so: whether
        the server may insist on it is judged by a check of its own, and must hide nothing else. Where this
        device's client worked before and is now refused, its registration may have ended while the suite
        waited: the device takes a client that is registered anew, if there can be one.
        """
        body, run = self.authorization_members(**members), self.case.run
        exchange = self.case.call(Operation.DEVICE_AUTHORIZATION, body, client or self.client, label)
        if client is not None:
            return exchange
        if not exchange.outcome.ok and "client_id" not in members:
            exchange = self._in_other_form(Operation.DEVICE_AUTHORIZATION, body, exchange)
        if exchange.outcome.ok:
            self._served.add(Operation.DEVICE_AUTHORIZATION)
            run.served(self.client)
        elif exchange.code == "invalid_client" or exchange.status == HTTPStatus.UNAUTHORIZED:
            fresh = run.instead_of(self.client, exchange)
            if fresh is not None:
                self.client = fresh
                return self.case.call(Operation.DEVICE_AUTHORIZATION, body, fresh, f"{label}, by a client of today")
        return exchange

    def find_form(self) -> None:
        """Learn by a code of nobody in which form the token endpoint takes the client, for checks that come later."""
        body = {"grant_type": DEVICE_CODE_GRANT, "device_code": NEVER_ISSUED}
        self.polled(body, label="control: code of nobody", patient=True)

    def polled(self, body: dict[str, Any], *, label: str, patient: bool) -> Exchange:
        """One poll of a code by its own client, which goes on in the form that the token endpoint takes."""
        exchange = self.token(label=label, patient=patient, **body)
        if not _taken(exchange):
            exchange = self._in_other_form(Operation.TOKEN, body, exchange)
        if _taken(exchange):
            self._served.add(Operation.TOKEN)
        return exchange

    def _in_other_form(self, operation: Operation, body: dict[str, Any], refused: Exchange) -> Exchange:
        """The answer to a refused request with client_id beside Basic, or without where it stood there.

        That is the refusal itself where the other form is refused as well, and where the first is taken the next time.
        """
        run, client, label = self.case.run, self.client, refused.label
        basic = client.authentication == "client_secret_basic" and run.dialect.http_authentication
        if not basic or operation in self._served or refused.response is None:
            return refused
        lacks, starts = operation not in client.names_itself, operation is Operation.DEVICE_AUTHORIZATION
        # Who insists on it where grants start is likely to do so where they are redeemed.
        places = {operation, Operation.TOKEN} if starts and lacks else {operation}
        other = replace(client, names_itself=client.names_itself | places if lacks else client.names_itself - places)
        form = f"{'with' if lacks else 'without'} client_id beside Basic"
        answer = self.case.call(operation, body, other, f"{label}, {form}", patient=starts)
        if not _taken(answer) or _taken(self.case.call(operation, body, client, f"control: {label}, as before")):
            return refused
        self.client = other
        if run.target.sampler is None:  # else a check must not send what depends on others
            run.methods.names_itself = other.names_itself
        run.remarks[f"basic at {operation}"] = (
            f"the {operation.replace('_', ' ')} endpoint serves clients that authenticate by HTTP Basic only {form}: "
            "it was sent so"
        )
        return answer

    def start(self, **members: Any) -> Grant:
        """A device authorization that must succeed for the check to go on; else the check is untestable."""
        exchange = self.request(**members)
        if exchange.response is None and self.case.run.target.sampler is None:
            # A connection that broke once is no refusal.
            self.case.note("the connection broke: the start is sent once more")
            exchange = self.request(**members)
        return self.started(exchange)

    def started(self, exchange: Exchange) -> Grant:
        """The grant that an answer began; raises Untestable where it began none."""
        if not exchange.outcome.ok or not isinstance(exchange.get("device_code"), str):
            raise Untestable(f"device authorization was refused with {exchange.describe()}")
        return Grant(self, exchange)

    def refreshable_tokens(self, **members: Any) -> Exchange:
        """The token response with a refresh token to an approved grant; ends the check where there is none to be had.

        Raises NotApplicable where the server issues none, for none is owed, and Untestable where it claims to.
        """
        if self.case.run.dialect.refreshes_elsewhere:
            raise NotApplicable("refresh tokens are for another endpoint than polls")
        grant = self.start(**members)
        if self.case.run.target.clock.sleeps:
            # Before the user is kept from all others, not while.
            self.case.wait(grant.interval + MARGIN)
        self.case.keep_user()
        self.user.approve(grant)
        exchange = grant.poll(label="redeem")
        if not exchange.outcome.ok:
            raise Untestable(f"the approved code was answered {exchange.describe()}")
        if not isinstance(exchange.get("refresh_token"), str):
            if self.case.run.claims("refresh_token"):
                raise Untestable("the target claims refresh_token but sent none")
            raise NotApplicable("no refresh token was issued; none is owed")
        return exchange

    def token(
        self, *, client: Client | None = None, label: str = "token request", patient: bool = True, **members: Any
    ) -> Exchange:
        """One token request with exactly these members and the client's authentication."""
        return self.case.call(Operation.TOKEN, members, client or self.client, label, patient=patient)

    def codes_matter(self) -> bool:
        """Whether a code that nobody issued is answered otherwise than a live one: the control of checks of codes."""
        answer = self.token(grant_type=DEVICE_CODE_GRANT, device_code=NEVER_ISSUED, label="control: code of nobody")
        return not (answer.outcome.ok or answer.code in PENDING)

    def require_that_codes_matter(self) -> None:
        """The same as an end of the check; raises Untestable."""
        if not self.codes_matter():
            raise Untestable(
                "a code that nobody issued is answered like a live one, so that nothing shows what was read"
            )

    def refresh(self, refresh_token: str, *, label: str = "refresh", **members: Any) -> Exchange:
        """Refresh an access token (RFC 6749 6)."""
        members = {"grant_type": "refresh_token", "refresh_token": refresh_token} | members
        return self.token(label=label, **members)

    def require_refreshing(self, refresh_token: str | None = None) -> None:
        """Raise Untestable where a genuine refresh is refused too, so that the refusal of another one shows nothing.

        A token that is no longer taken may have ended with the attempt: then one of a new grant has to be.
        """
        if refresh_token and self.refresh(refresh_token, label="control: refresh as it should be").outcome.ok:
            return
        fresh = self.refreshable_tokens().get("refresh_token")
        control = self.refresh(fresh, label="control: refresh of a new grant")
        if not control.outcome.ok:
            raise Untestable(f"no refresh works: a genuine one was answered {control.describe()}")


class Grant:
    """One device authorization, from the response that began it."""

    def __init__(self, device: Device, exchange: Exchange) -> None:
        self.device = device
        self._begin(exchange)

    def _begin(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.name = ""
        """What a story with several grants calls this one."""
        self.device_code: str = exchange.get("device_code")
        self.user_code: str = str(exchange.get("user_code") or "")
        address, complete = exchange.get("verification_uri"), exchange.get("verification_uri_complete")
        self._address = address if isinstance(address, str) else ""
        self.verification_uri_complete: str | None = complete if isinstance(complete, str) and complete else None
        self.started = self.device.case.now()
        self.last_request = self.started
        self.may_end = False
        """Whether the check waits for the end of the codes: then an answer after it is what it wants to see."""
        self.decision = ""
        """What the user decided last without complaint of the page, `approve` or `deny`."""
        self.decided: float | None = None
        """When the page last took a decision, in seconds of the case; None: none, or an answer has told it since."""
        self.interval = seconds(exchange.get("interval"), self.device.case.run.dialect.default_interval)
        self.promised = seconds(exchange.get("expires_in"), 0)
        """Seconds for which the answer says that the codes live; 0: it says nothing that can be read."""
        declared = self.device.case.run.target.config.lifetimes.device_code
        self.expires_in = self.promised or (declared if exchange.get("expires_in") is None else 0)
        """The same, or what target.toml declares where the answer says nothing; 0: nobody knows."""

    def renew(self) -> None:
        """Become another device authorization of the same client; raises Untestable where it is refused."""
        name = self.name
        self._begin(self.device.start().exchange)
        self.name = name

    def took(self, decision: str) -> None:
        """Take note that the page took a decision, `approve` or `deny`, without complaint."""
        self.decision, self.decided = decision, self.device.case.now()

    @property
    def verification_uri(self) -> str:
        """Where the user goes; raises Untestable where the response names no place, which is no check's own finding."""
        if not self._address:
            raise Untestable("the device authorization response has no verification_uri")
        return self._address

    @property
    def view(self) -> GrantView:
        """What the user sees."""
        return GrantView(self.user_code, self._address, self.verification_uri_complete)

    def poll(self, *, wait: bool = True, label: str = "poll", **members: Any) -> Exchange:
        """One poll. By default a polite one, at least the interval after the last request for this code.

        Raises Inconclusive where the code has expired by the clock and the check did not wait for that, and
        Untestable where the user has decided, but no decision of theirs changes anything at the target, and
        where the target does not read the encoding of token requests: such an answer says nothing of the code.
        """
        exchange, pending = self.ask(wait=wait, label=label, **members)
        if unread(exchange):
            raise Untestable(f"the token endpoint does not read the encoding of token requests: {exchange.describe()}")
        if exchange.code in ENDED:
            self.require_life()
        if wait and self.decision and members.keys().isdisjoint(_OF_A_POLL):
            self.device.case.effect.observe(self, self.decision, exchange, pending=pending)
        return exchange

    def redeemed(self) -> Exchange:
        """The token response, after the user approved; raises Untestable where none comes."""
        self.device.user.approve(self)
        tokens = self.poll(label="redeem")
        if not tokens.outcome.ok:
            raise Untestable(f"the approved code was answered {tokens.describe()}")
        return tokens

    def poll_by(self, stranger: Device) -> Exchange:
        """A poll by another client, when a decision had time to be seen; the owner's pace goes on without it."""
        if self.decided is not None:
            stranger.case.wait(self.decided + self.interval - stranger.case.now())
        # With the verifier where one is owed: the refusal has to be of the client, and not for want of it.
        members: dict[str, Any] = {
            "grant_type": DEVICE_CODE_GRANT,
            "device_code": self.device_code,
            **pkce.with_poll(stranger.case.run),
        }
        return stranger.token(label="poll by another client", patient=False, **members)

    def untouched(self, exchange: Exchange) -> bool | None:
        """Whether this poll says that nobody has decided.

        None where a new code, which nobody has seen, is answered like a decided one: then the answer says nothing.
        """
        if exchange.code in PENDING:
            return True
        with self.device.case.sending_for(Purpose.CONTROL):
            control = self.device.start().poll(label="control: poll of a code that nobody has opened")
        return False if control.code in PENDING else None

    def ask(self, *, wait: bool = True, label: str = "poll", **members: Any) -> tuple[Exchange, bool]:
        """The same whatever the answer; also whether the code is pending.

        Nothing says when a decision has to be seen: pending soon after one is asked again, as long as the codes live.
        """
        exchange = self._ask(wait=wait, label=label, **members)
        own = members.keys().isdisjoint(_OF_A_POLL)
        while own and exchange.code == "authorization_pending" and self._unseen():
            exchange = self._ask(wait=True, label=f"{label}, again when the decision had time to be seen", **members)
        if own and (exchange.outcome.ok or exchange.code in GONE):
            self.decided = None
        return exchange, exchange.code in PENDING

    def _unseen(self) -> bool:
        """Whether the last poll may have come before a decision was seen, and another one can be sent politely."""
        if self.decided is None or self.last_request >= self.decided + SEEN_WITHIN * self.interval:
            return False
        return self.time_left > self.interval + MARGIN

    def _ask(self, *, wait: bool, label: str, **members: Any) -> Exchange:
        case = self.device.case
        if self.decision == "approve":
            case.run.preflight.require("approved-polls")
        if wait:
            case.run.preflight.require("polls")
            case.wait(self.last_request + self.interval + MARGIN - case.now())
        body = {"grant_type": DEVICE_CODE_GRANT, "device_code": self.device_code} | pkce.with_poll(case.run) | members
        client = body.pop("client", None)
        with case.redeeming() if wait else nullcontext():
            if client is None and not members:
                exchange = self.device.polled(body, label=label, patient=wait)
            else:
                exchange = self.device.token(client=client, label=label, patient=wait, **body)
        self.last_request = case.now()
        if exchange.code == "slow_down":
            self.interval += 5
        if exchange.code in ENDED:
            self.missed()
        return exchange

    def missed(self) -> None:
        """Take note that the code is called over; where it has to live yet, the server may have forgotten it."""
        case = self.device.case
        case.lost = case.lost or self.time_left > 0

    @property
    def time_left(self) -> float:
        """Seconds until the codes may end, as the response promised; infinite if it promised nothing.

        Counted from when the start was sent: the server may have made the codes at that moment.
        """
        if self.expires_in <= 0:
            return math.inf
        return self.exchange.started + self.expires_in - self.device.case.now()

    def require_life(self) -> None:
        """Raise Inconclusive where the codes may have ended by the clock, and the check did not wait for that."""
        if self.time_left <= 0 and not self.may_end:
            raise Inconclusive(
                f"expires_in, {self.expires_in:g} s from when the start was sent, had passed when the answer came"
            )

    def require_expiry(self) -> None:
        """Raise Untestable where waiting for the end of the codes would take too long, or nobody knows when it is."""
        if self.expires_in <= 0:
            raise Untestable(NO_LIFETIME)
        longest = self.device.case.longest_wait
        if self.expires_in > longest:
            raise Untestable(
                f"codes live {self.expires_in:.0f} s on a real clock: configure a lifetime of at most {longest:.0f} s, "
                "raise [clock] longest_wait in target.toml, or run the target in process or under libfaketime"
            )

    def require_promise(self) -> None:
        """Raise Untestable where the server says no lifetime: what target.toml declares, it owes nobody."""
        if self.promised <= 0:
            raise Untestable("the response states no lifetime (expires_in)")

    def grow_old(self, share: float) -> None:
        """Wait until that share of the lifetime has passed, counted from when the start was sent.

        Raises Untestable where the server has promised none: what target.toml declares, it owes nobody.
        """
        self.require_promise()
        self.device.case.wait(self.time_left - (1 - share) * self.expires_in)

    def expire(self, margin: float = 3.0) -> None:
        """Wait until the codes have expired for sure; untestable if the response told no lifetime."""
        if self.expires_in <= 0:
            raise Untestable(NO_LIFETIME)
        self.may_end = True
        self.device.case.wait(self.started + self.expires_in + margin - self.device.case.now())


def _taken(exchange: Exchange) -> bool:
    """Whether a start was granted, or a poll answered with what is so of its code."""
    polled = exchange.request.operation is Operation.TOKEN
    return exchange.outcome.ok or (polled and exchange.code in (*PENDING, *GONE))


def unread(exchange: Exchange) -> bool:
    """Whether the endpoint refused the encoding, so that the answer says nothing of what the request asked."""
    return exchange.status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE


def seconds(value: object, default: float) -> float:
    """A number of seconds from a member, or the default if it is absent or no number."""
    stated = number(value)
    return stated if stated is not None and stated > 0 else default


def without(client: Client, **changes: Any) -> Client:
    """A copy of a client with other credentials, for example `without(client, secret=None)`."""
    return replace(client, **changes)
