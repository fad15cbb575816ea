"""Groups the exchanges that were found into flows: one device code, and everything that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from device_grant.protocol import Operation, Purpose
from device_grant.recordings.formats.placeholders import is_put_there

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from device_grant.recordings.judge.finding import Findings, RecognisedExchange


_OPEN = frozenset({"authorization_pending", "slow_down", "no-response"})
"""Outcomes of a poll after which another one may follow."""


@dataclass
class Flow:
    """One login of one client, as far as the capture shows it."""

    dialect: str
    start: RecognisedExchange | None = None
    """The device authorization that brought the code; None where it is not in the capture."""
    device_code: str = ""
    members: list[RecognisedExchange] = field(default_factory=list)
    """Everything that belongs to it, in order."""

    @property
    def own(self) -> list[RecognisedExchange]:
        """The same without registrations, which may serve several flows."""
        return [one for one in self.members if one.operation is not Operation.REGISTRATION]

    @property
    def polls(self) -> list[RecognisedExchange]:
        """Token requests with the device code."""
        return [one for one in self.members if one.exchange.purpose is Purpose.POLL]

    @property
    def over(self) -> bool:
        """Whether the last poll brought a token, or an error after which there is none."""
        last = self.polls[-1].exchange if self.polls else None
        return last is not None and last.code not in _OPEN and not last.code.startswith("http-")

    @property
    def title(self) -> str:
        """What it consists of, for people."""
        codes = [one.exchange.code for one in self.polls]
        if self.start is None and not codes:
            return ", ".join(f"{one.exchange.label}: {one.exchange.code}" for one in self.members)
        begun = "device authorization" if self.start else "begun before the capture"
        counted = f"{len(codes)} poll" + ("" if len(codes) == 1 else "s")
        return f"{begun}, {counted}" + (f", at last {codes[-1]}" if codes else "")


def flows_of(findings: Findings, dialect: str) -> list[Flow]:
    """The flows in one dialect, and what belongs to none, each as a flow without a device code."""
    return _Grouping([one for one in findings.exchanges if one.dialect == dialect], dialect).flows


class _Grouping:
    def __init__(self, result: Sequence[RecognisedExchange], dialect: str) -> None:
        self._dialect = dialect
        self._order = {id(one): place for place, one in enumerate(result)}
        self.flows: list[Flow] = []
        self._of_token: dict[str, Flow] = {}
        self._loose: list[Flow] = []
        registrations = [one for one in result if one.operation is Operation.REGISTRATION]
        refused: list[RecognisedExchange] = []
        for one in result:
            match one.operation:
                case Operation.DEVICE_AUTHORIZATION:
                    code = one.said("device_code")
                    if one.exchange.outcome.ok and code:
                        self.flows.append(Flow(dialect, one, code, [one]))
                    else:
                        refused.append(one)
                case Operation.TOKEN:
                    self._token(one)
                case Operation.OTHER:
                    self._loose.append(Flow(dialect, members=[one]))
        self._refused(refused)
        self._registered(registrations)
        for flow in self.flows:
            flow.members.sort(key=lambda one: self._order[id(one)])
        self.flows += self._loose

    def _token(self, one: RecognisedExchange) -> None:
        refreshed = one.exchange.purpose is Purpose.REFRESH
        flow = self._of_token.get(one.asked("refresh_token")) if refreshed else self._polled(one)
        if flow is None:
            flow = Flow(self._dialect, device_code=one.asked("device_code"))
            (self.flows if flow.device_code else self._loose).append(flow)
        flow.members.append(one)
        if one.said("refresh_token"):
            self._of_token[one.said("refresh_token")] = flow

    def _polled(self, one: RecognisedExchange) -> Flow | None:
        code = one.asked("device_code")
        taken = is_put_there(code)
        if taken or (code and not any(flow.device_code == code for flow in self.flows)):
            # Taken out of the request, or of the answer that brought it: nobody can say whose poll it is of two.
            gone = [flow for flow in self.flows if flow.start and (taken or is_put_there(flow.device_code))]
            alike = [flow for flow in gone if flow.start and flow.start.origin == one.origin]
            still = [flow for flow in alike if not flow.over]
            if alike:
                return still[0] if len(still) == 1 else alike[-1] if not still else None
        same = [flow for flow in self.flows if code and flow.device_code == code]
        if same:
            return same[-1]
        if code:
            # A client that changed the code on its way is still polling for it.
            near = [flow for flow in self.flows if flow.start and _folded(flow.device_code) == _folded(code)]
            return near[-1] if near else None
        begun = [flow for flow in self.flows if flow.start and flow.start.origin == one.origin]
        if one.entry.unsent:
            # Of two logins side by side nobody can say whose poll it is.
            still = [flow for flow in begun if not flow.over]
            if still:
                return still[0] if len(still) == 1 else None
            # What follows an end may be a refresh: only the same error again shows a poll.
            again = (
                len(begun) == 1
                and not one.exchange.outcome.ok
                and one.exchange.code == begun[0].polls[-1].exchange.code
            )
            return begun[0] if again else None
        own = [flow for flow in begun if flow.start and flow.start.client_id == one.client_id]
        chosen = own or begun
        return chosen[-1] if chosen else None

    def _refused(self, refused: Iterable[RecognisedExchange]) -> None:
        """A start that failed belongs to the next attempt of the same client, where it is plain which one that is."""
        last: dict[tuple[str, str], Flow] = {}
        for one in refused:
            key = (one.origin, one.client_id)
            own = [flow for flow in self.flows if flow.start and (flow.start.origin, flow.start.client_id) == key]
            if self._side_by_side(own):
                self._loose.append(Flow(self._dialect, members=[one]))
                continue
            after = [flow for flow in own if flow.start and self._order[id(flow.start)] > self._order[id(one)]]
            if not after and key not in last:
                last[key] = Flow(self._dialect)
                self._loose.append(last[key])
            (after[0] if after else last[key]).members.append(one)

    def _side_by_side(self, flows: Sequence[Flow]) -> bool:
        """Whether one identifier is that of several devices: the flows of one follow each other."""
        ends = 0
        for flow in flows:
            places = [self._order[id(one)] for one in flow.polls] + [self._order[id(flow.start)]]
            if min(places) < ends:
                return True
            ends = max(places)
        return False

    def _registered(self, registrations: Iterable[RecognisedExchange]) -> None:
        for one in registrations:
            issued = one.said("client_id")
            users = [flow for flow in self.flows if issued and any(own.client_id == issued for own in flow.own)]
            for flow in users:
                flow.members.append(one)
            if not users:
                self._loose.append(Flow(self._dialect, members=[one]))


def _folded(code: str) -> str:
    return unquote_plus(code).casefold().replace("-", "").replace(" ", "").rstrip("=")
