"""Judges what was found: every invariant on every exchange, every rule on every flow, and nothing beyond."""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from msgspec.structs import replace

from device_grant.client.rules import every_rule
from device_grant.client.rules.session import ClientSession
from device_grant.judging import Judgement, Ledger, Rule, all_invariants, applies
from device_grant.protocol import Event, Exchange, Operation, Secrets, any_dialect
from device_grant.protocol.events import Noted
from device_grant.protocol.reading import basic, value_of
from device_grant.recordings.formats.capture import PARTIES, Party
from device_grant.recordings.judge.flows import Flow, flows_of
from device_grant.recordings.judge.scrubbed import SCRUBBED, Restoring, is_scrubbed
from device_grant.recordings.judge.times import Readings, readings_of
from device_grant.results.lines import result_lines, steps_of
from device_grant.results.model import Case
from device_grant.server import invariants as _invariants  # noqa: F401 - importing registers them

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from device_grant.catalogue import Catalogue
    from device_grant.judging import Invariant
    from device_grant.judging.ledger import Expects
    from device_grant.recordings.judge.finding import Findings, RecognisedExchange
    from device_grant.results.model import Result

_NEVER = frozenset({"rfc9110-8.6-content-length"})
"""What no capture shows: recorders sit above the layer that adds Content-Length, or below one that takes it away."""
_BY_TEXT = frozenset({"rfc8259-8.1-no-bom", "rfc8259-8.1-utf8"})
"""What is gone once octets have become text."""
_OF_FORMS = frozenset({"rfc8628-3.1-client-utf8", "rfc6749-B-utf8-encode"})
"""What is gone once a form has become a list of parameters."""
_OF_FIELDS = frozenset(
    {
        "rfc6749-B-form-escaped",
        "rfc7591-3.1-client-json-object",
        "rfc8628-3.1-client-form-body",
        "rfc8628-3.4-token-endpoint-post-form",
    }
)
"""What needs the media type of requests, which a recorder may leave out."""
_OF_INFERRED = frozenset({"rfc6749-2.3.1-basic-encoding-client"})
"""What needs the secret from elsewhere than from the request itself."""
_BY_CREDENTIALS = frozenset(
    {
        "rfc6749-2.3.1-client-may-use-basic",
        "rfc6749-2.3.1-body-credentials-discouraged",
        "rfc6749-3.2.1-credentialed-must-authenticate",
        "rfc6749-6-credentialed-authenticates",
        "rfc8628-3.1-client-id-required",
        "rfc8628-3.1-confidential-client-authenticates",
        "rfc8628-3.4-client-id-required",
        "rfc8628-3.4-credentialed-client-authenticates",
    }
)
"""What is not broken if the capture has lost its Authorization headers."""
_WITHOUT_BODIES = frozenset(
    {
        "rfc6749-3.2-client-post",
        "rfc8414-3.1-get",
        "rfc8628-3.1-request-uses-post",
        "rfc8628-3.2-client-default-interval",
        "rfc8628-3.2-client-waits-interval",
        "rfc8628-3.3-client-stops-at-expiry",
        "rfc8628-3.5-client-respects-slow-down",
        "rfc8628-3.5-client-stops-on-other-errors",
        "rfc8628-3.5-client-waits-before-each-request",
        "rfc8628-3.5-client-waits-default-five",
        "rfc8628-3.5-client-waits-from-the-answer",
        "rfc8628-3.5-slow-down-accumulates",
        "rfc8628-3.5-slow-down-increments-interval",
        "rfc8628-3.5-slow-down-is-permanent",
        "rfc8628-3.5-timeout-exponential-backoff",
        "rfc8628-3.5-timeout-reduces-frequency",
        "rfc9110-10.2.3-retry-after",
    }
)
"""What methods, times and answers show: the rest needs the bodies of requests, which a recorder may have dropped."""
STRIPPED = "browsers and recorders leave Authorization headers out, and this capture has none"


@dataclass(frozen=True)
class Judged:
    """A flow that was judged."""

    case: Case
    results: list[Result]


@dataclass
class _Source:
    """What lines of results need of whom they judge."""

    secrets: Secrets
    sends: bool
    """Whether a person can send a request again: a server's answers are seen again so, a client's behaviour is not."""
    words: tuple[str, ...]

    def reproduction(self, requirement: str, check: str = "") -> str:
        """The command that shows a result again; a capture is judged by all that watches."""
        del check
        return shlex.join(["device-grant", "judge", *self.words, "--only", requirement])


@dataclass
class CaptureJudge:
    """Judges the flows of one capture in one dialect."""

    findings: Findings
    dialect_name: str
    catalogue: Catalogue
    expects: Expects
    secrets: Secrets
    parties: Collection[Party] = PARTIES
    wanted: Collection[str] | None = None
    """Ids of the requirements to be judged; None: all."""
    words: tuple[str, ...] = ()
    """The command line behind `judge`, without --only, for the command that shows a result again."""
    doubts: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dialect = any_dialect(self.dialect_name)
        self.flows = flows_of(self.findings, self.dialect_name)
        headers = (one.exchange.request.header("authorization") for one in self.findings.exchanges)
        if self.dialect.http_authentication and not any(headers):
            self.doubts = dict.fromkeys(_BY_CREDENTIALS, STRIPPED)

    @cached_property
    def exchanges(self) -> int:
        """How many belong to the dialect."""
        return sum(one.dialect == self.dialect_name for one in self.findings.exchanges)

    def judged(self) -> Iterator[Judged]:
        """Each flow with its results."""
        seen: set[int] = set()
        for number, flow in enumerate(self.flows, 1):
            readings = readings_of(flow, self.findings.capture)
            restoring = Restoring.of(flow.members)
            results: list[Result] = []
            if "server" in self.parties:
                ledgers: Mapping[str, Ledger] = {entry.name: self._ledger(entry) for entry in all_invariants()}
                for one, shown in zip(flow.members, readings.shown, strict=True):
                    # A registration belongs to each flow of its client, and is one answer all the same.
                    if id(one) not in seen:
                        seen.add(id(one))
                        self._server(one, shown, ledgers, restoring)
                results += self._lines(ledgers, sends=True)
            if "client" in self.parties:
                ledgers = {entry.name: self._ledger(entry) for entry in every_rule()}
                self._client(flow, readings, ledgers, restoring)
                results += self._lines(ledgers, sends=False)
            yield Judged(self._case(number, flow, readings), results)

    def _ledger(self, entry: object) -> Ledger:
        name, requirements = entry.name, entry.requirements  # type: ignore[attr-defined]  # an invariant or a rule
        return Ledger(name, self.catalogue.get, self.dialect, requirements, self.expects)

    def _lines(self, ledgers: Mapping[str, Ledger], *, sends: bool) -> list[Result]:
        source = _Source(self.secrets, sends, self.words)
        tallies = (
            tally
            for ledger in ledgers.values()
            for requirement, tally in ledger.tallies.items()
            if self.wanted is None or requirement in self.wanted
        )
        return result_lines(source, tallies)

    def _case(self, number: int, flow: Flow, readings: Readings) -> Case:
        names = ", ".join(one.entry.name for one in flow.members)
        entries: list[Event] = [] if not readings.unknown else [Noted(0.0, readings.unknown)]
        return Case(
            check=f"captures::flow_{number}",
            nodeid=f"{self.findings.capture.file}::flow_{number}",
            title=f"Flow {number}: {flow.title}",
            card=f"Flow {number}: {flow.title}\n\n{names}",
            outcome="ran",
            duration=0.0,
            steps=steps_of([*entries, *readings.shown], self.secrets),
        )

    # The server.

    def _said(self, entry: Invariant, one: RecognisedExchange, restoring: Restoring) -> list[Judgement]:
        """What an invariant says of an exchange, whatever stood where values were taken out."""
        said = list(entry.function(one.exchange, self.dialect))
        if not is_scrubbed(one.exchange):
            return said
        others = [
            list(entry.function(make(one.exchange, one.dialect), self.dialect))
            for make in (restoring.restored, restoring.ruined)
        ]
        return _settled(entry.requirements, [said, *others])

    def _server(
        self, one: RecognisedExchange, shown: Exchange, ledgers: Mapping[str, Ledger], restoring: Restoring
    ) -> None:
        if one.entry.bodiless:
            return  # half of the answer is not in the capture
        for entry in all_invariants():
            if not applies(entry, self.dialect, self.catalogue.get):
                continue
            ledger = ledgers[entry.name]
            ledger.unsettled = one.entry.unsettled
            for judgement in self._said(entry, one, restoring):
                if judgement.requirement in _BY_TEXT and not one.entry.octets:
                    continue
                # The exchange with its times, which the invariants do not look at.
                ledger.settle(replace(judgement, got=one.exchange.describe(), exchanges=(shown,)))

    # The client.

    def _client(self, flow: Flow, readings: Readings, ledgers: Mapping[str, Ledger], restoring: Restoring) -> None:
        known = self._known(flow)
        left_out = set(_NEVER)
        if any(one.entry.rebuilt for one in flow.members):
            left_out |= _OF_FORMS
        if any(one.entry.headless for one in flow.members):
            left_out |= _OF_FIELDS
        if known.get("client_id"):
            left_out |= _OF_INFERRED
        sessions = [
            ClientSession(
                self.dialect,
                variant.exchanges,
                client_id=known.get("client_id", ""),
                client_secret=known.get("client_secret", ""),
                device_code=flow.device_code,
                over=variant.over,
            )
            for variant in readings.variants
        ]
        if any(is_scrubbed(one.exchange) for one in flow.members):
            readings = readings.told_twice(lambda exchange: restoring.restored(exchange, self.dialect_name), SCRUBBED)
            code = str(restoring.value("device_code"))
            sessions += [
                dataclasses.replace(session, exchanges=variant.exchanges, device_code=code)
                for session, variant in zip(sessions, readings.variants[len(sessions) :], strict=True)
            ]
        unsent = {place for place, one in enumerate(flow.members) if one.entry.unsent}
        for rule in every_rule():
            if not applies(rule, self.dialect, self.catalogue.get):
                continue
            whole = _WITHOUT_BODIES.issuperset(rule.requirements)
            of_rule = sessions if whole else [_without(session, unsent) for session in sessions]
            for said in _agreed(rule, of_rule, readings):
                if said.requirement in left_out:
                    continue
                if said.holds is False and said.requirement in self.doubts:
                    ledgers[rule.name].settle(replace(said, holds=None, problem=self.doubts[said.requirement]))
                else:
                    ledgers[rule.name].settle(said)

    def _known(self, flow: Flow) -> dict[str, str]:
        """Identifier and secret of a client whose registration the capture does not hold, as its requests show them."""
        if any(one.operation is Operation.REGISTRATION and one.exchange.outcome.ok for one in flow.members):
            return {}
        for one in flow.own:
            secret = value_of(one.exchange.request, "client_secret")
            credentials = basic(one.exchange.request)
            if one.client_id and isinstance(secret, str) and secret:
                return {"client_id": one.client_id, "client_secret": secret}
            if credentials is not None and credentials.password:
                return {"client_id": credentials.user, "client_secret": credentials.password}
        return {}


def _settled(requirements: Collection[str], said: list[list[Judgement]]) -> list[Judgement]:
    """What is said of the first in each requirement, unless others come to something else."""
    collected: list[Judgement] = []
    for requirement in requirements:
        own = [[one for one in each if one.requirement == requirement] for each in said]
        alike = len({tuple(one.holds for one in each) for each in own}) == 1
        collected += [one if alike else replace(one, holds=None, problem=SCRUBBED, got="") for one in own[0]]
    return collected


def _without(session: ClientSession, places: Collection[int]) -> ClientSession:
    """The session without the exchanges at these places."""
    if not places:
        return session
    kept = tuple(entry for place, entry in enumerate(session.exchanges) if place not in places)
    return dataclasses.replace(session, exchanges=kept)


def _agreed(rule: Rule, sessions: list[ClientSession], readings: Readings) -> list[Judgement]:
    """What a rule says of a flow in whatever way it went; where that differs, that nothing can be told."""
    said = [list(rule.function(session)) for session in sessions]
    collected: list[Judgement] = []
    for requirement in rule.requirements:
        own = [[one for one in each if one.requirement == requirement] for each in said]
        if len({len(each) for each in own}) > 1:
            evidence = next(each[0].exchanges for each in own if each)
            collected.append(Judgement(requirement, None, readings.unknown, readings.evidence(_exchanges(evidence))))
            continue
        for alike in zip(*own, strict=True):
            first = alike[0]
            shown = readings.evidence(_exchanges(first.exchanges))
            if len({one.holds for one in alike}) > 1:
                collected.append(Judgement(requirement, None, readings.unknown, shown, tolerated=first.tolerated))
            else:
                # What was measured in one of several readings was measured nowhere.
                vague = bool(first.measured) and len(sessions) > 1
                got, measured = (readings.source, {}) if vague else (first.got, first.measured)
                collected.append(
                    Judgement(requirement, first.holds, first.problem, shown, got, first.tolerated, measured=measured)
                )
    return collected


def _exchanges(entries: tuple[Exchange | Event, ...]) -> list[Exchange]:
    return [entry for entry in entries if isinstance(entry, Exchange)]
