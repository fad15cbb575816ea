"""What one run of a client has shown: its exchanges by purpose, its output, how it ended."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from device_grant.client.drivers.invocation import own_lines
from device_grant.client.rules import every_rule
from device_grant.client.rules.session import ClientSession
from device_grant.judging import Untestable, applies
from device_grant.protocol import Purpose
from device_grant.protocol.events import ClientEnded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from device_grant.catalogue import Catalogue
    from device_grant.client.drivers.config import ClientConfig
    from device_grant.client.drivers.invocation import Ended, Invocation, Kept
    from device_grant.judging import Judgement
    from device_grant.protocol import Event, Exchange


SHOWN = 12
"""Exchanges of a run that a result shows; the case has them all."""
_NAMES = {Purpose.START: "device authorization", Purpose.POLL: "token", Purpose.TOKEN_REQUEST: "token"}
"""Requests as people call them, where their purpose has another name."""
KINDS = ("access_token", "refresh_token", "client_secret", "device_code")
"""Secrets that a client has, by the names of the members and variables in which it gets them."""
LATENESS = 0.25
"""Real seconds by which a busy machine may delay a client, which count for more where its time passes faster."""


@dataclass(frozen=True)
class Attempt:
    """One run that is over."""

    config: ClientConfig
    invocation: Invocation
    ended: Ended
    files: tuple[Kept, ...]
    before: Attempt | None = None
    """The run of the preceding operation, for clients without a polling loop."""
    glimpsed: tuple[Kept, ...] = ()
    """Files that other people could read at some moment of the run, with what they had then."""
    scale: float = 1.0
    """How many times faster the client's time passed."""

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All requests to the scripted server, in the order in which they came."""
        return tuple(sorted(self.invocation.authority.exchanges, key=lambda entry: entry.started))

    @property
    def elsewhere(self) -> tuple[Exchange, ...]:
        """Requests to the other origin."""
        return tuple(self.invocation.elsewhere.exchanges) if self.invocation.elsewhere else ()

    def of(self, purpose: Purpose) -> list[Exchange]:
        """Requests for one purpose."""
        return [entry for entry in self.exchanges if entry.purpose is purpose]

    @property
    def starts(self) -> list[Exchange]:
        """Device authorization requests."""
        return self.of(Purpose.START)

    @property
    def polls(self) -> list[Exchange]:
        """Token requests of the device grant."""
        return self.of(Purpose.POLL)

    def need(self, purpose: Purpose) -> Exchange:
        """The last request for that purpose; raises Untestable if the client never got that far.

        Of a client that only refreshes, its refresh stands for a poll.
        """
        if purpose is Purpose.POLL and not self.config.signs_in:
            purpose = Purpose.REFRESH
        collected = [*(self.before.of(purpose) if self.before else []), *self.of(purpose)]
        if not collected:
            raise Untestable(f"the client never got to its {_NAMES.get(purpose, purpose)} request")
        return collected[-1]

    # As the evidence of a judgement.

    @property
    def entries(self) -> tuple[Exchange | Event, ...]:
        """What a result shows of it: its first exchanges, and how it ended."""
        return (*self.exchanges[:SHOWN], self.ending)

    @property
    def ending(self) -> ClientEnded:
        """The end of the run as an event."""
        return ClientEnded(self.ended.at, self.ended.status, self.how)

    @property
    def unanswered(self) -> bool:
        """Whether the deadline ended it before it had asked for anything: it may just have started too slowly."""
        return self.ended.overdue and not self.exchanges and not self.elsewhere

    def describe(self, holds: bool | None = None) -> str:  # noqa: FBT001 - the judgement itself
        """How it ended; unless all was well also the last lines that it wrote."""
        words = "" if holds else f"; its last lines: {self.ended.last_words}"
        return f"the client {self.how}{words}"

    def judgements(self, requirements: Iterable[str]) -> list[Judgement]:
        """What the rules say of these requirements, in the run of the preceding operation and in this one."""
        wanted = set(requirements)
        return [
            judgement
            for entry in every_rule()
            if not wanted.isdisjoint(entry.requirements)
            for one in (self.before, self)
            if one is not None
            for judgement in entry.function(one.session)
        ]

    @property
    def session(self) -> ClientSession:
        """For the rules."""
        given = self.invocation.given
        authority = self.invocation.authority
        return ClientSession(
            dialect=authority.judged_as or authority.dialect,
            exchanges=self.exchanges,
            client_id=given.get("CLIENT_ID", ""),
            client_secret=given.get("CLIENT_SECRET", ""),
            scope=given.get("SCOPE", ""),
            issuer=authority.issuer if self.invocation.discover else "",
            device_code=given.get("DEVICE_CODE", ""),
            refresh_token=given.get("REFRESH_TOKEN", ""),
            registers_as_told=self.config.run.kind == "operations",
            over=self.ended.at,
            loopback=True,
            blur=LATENESS * self.scale if self.scale > 1 else 0.0,
            began=self.ended.began,
            written=self.written,
            secrets=tuple(
                (kind, value)
                for kind in KINDS
                for value in dict.fromkeys((*authority.issued.get(kind, ()), given.get(kind.upper(), "")))
                if value
            ),
        )

    @property
    def written(self) -> dict[str, str]:
        """What the client itself has written, by place: both outputs without the adapter's lines, and its log files."""
        logs = {file.path: file.content.decode("utf-8", "replace") for file in self.files if is_log(file.path)}
        outputs = {"standard output": own_lines(self.ended.stdout), "standard error": own_lines(self.ended.stderr)}
        return outputs | logs

    def judged_by_rules(self, catalogue: Catalogue) -> Iterator[Judgement]:
        """What all rules that have something to judge in this dialect say of it."""
        session = self.session
        for entry in every_rule():
            if applies(entry, session.dialect, catalogue.get):
                for judgement in entry.function(session):
                    if session.dialect.binds(catalogue.get(judgement.requirement)):
                        yield judgement

    # How it ended.

    @property
    def token(self) -> str | None:
        """The access token that the adapter says the client has; None if it does not say."""
        said = self.ended.marks("token")
        return said[-1][0] if said and said[-1] else None

    @property
    def error(self) -> str | None:
        """The error that the adapter says the client ended with; None if it does not say."""
        said = self.ended.marks("error")
        return said[-1][0] if said and said[-1] else None

    @property
    def going_on(self) -> bool:
        """Whether it had to be ended by us."""
        return self.ended.status is None

    @property
    def succeeded(self) -> bool | None:
        """Whether the client says that it worked, and the server has issued what it says it has.

        None where the deadline ended it: nobody knows what it would have said, and the machine may have been busy.
        """
        issued = self.invocation.authority.issued
        if self.ended.overdue:
            return None
        if self.ended.status != self.config.exit.success:
            return False
        wanted = {"flow": "access_token", "code": "access_token", "token": "access_token", "refresh": "access_token"}
        kind = wanted.get(self.invocation.operation)
        if kind is None:
            return self.error is None
        if self.token is not None:
            return self.token in issued.get(kind, ())
        return self.config.run.kind in ("flow", "code") and bool(issued.get(kind))

    @property
    def failed(self) -> bool:
        """Whether the client ended by itself and says that it did not work."""
        return not self.going_on and self.ended.status != self.config.exit.success

    def ended_by(self, code: str) -> bool:
        """Whether the client ended by itself, with a failure, right after this answer to a poll."""
        return self.failed and bool(self.polls) and self.exchanges[-1] is self.polls[-1] and self.polls[-1].code == code

    @property
    def settled(self) -> bool | None:
        """Whether it has worked, or has ended in a way that tells of the failure; None while it is going on."""
        if self.going_on:
            return None
        # A negative status is a signal: it was struck down.
        return bool(self.succeeded) or self.error is not None or (self.failed and (self.ended.status or 0) > 0)

    @property
    def seen(self) -> str:
        """What became of its polls, in words that are the same in every run; empty for a single operation."""
        if self.config.run.kind != "flow" or self.invocation.operation != "flow":
            return ""
        polls = self.polls
        if not polls:
            return "it sent no poll" if self.starts else "it began no device authorization"
        sent = "one poll" if len(polls) == 1 else f"{len(polls)} polls"
        last = polls[-1]
        if last.response is None and self.going_on:
            return f"it sent {sent} and waited for the answer to the end"
        if self.ended_by(last.code):
            return f"it sent {sent}, and {'a lost answer' if last.response is None else last.code} ended it"
        return f"it sent {sent}"

    @property
    def how(self) -> str:
        """How it ended, for messages; stable wording."""
        if self.going_on:
            return "was still going on"
        if self.ended.status == self.config.exit.success:
            return "ended with success" if self.succeeded else "ended with success but without the token"
        return f"ended with status {self.ended.status}"


def is_log(path: str) -> bool:
    """Whether a file under HOME is a log, by its name or by that of a folder."""
    place = PurePath(path)
    return place.suffix == ".log" or not {"log", "logs"}.isdisjoint(place.parent.parts)
