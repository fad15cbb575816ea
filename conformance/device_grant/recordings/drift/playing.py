"""Sends stories to a live server, and compares."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.judging import Inconclusive
from device_grant.protocol import DEFAULT_INTERVAL, Operation, any_dialect
from device_grant.protocol.numbers import number
from device_grant.protocol.reading import basic, value_of
from device_grant.recordings.drift.binding import Binding
from device_grant.recordings.drift.comparing import AnswerDifference, compare
from device_grant.recordings.drift.stories import Act, Cut, Pause, Recorded, RecordedStory, Send, Wait
from device_grant.server.session.browsing import browser_at
from device_grant.server.session.pace import MARGIN
from device_grant.targets import GrantView, UserError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.protocol import Exchange
    from device_grant.recordings.judge.finding import RecognisedExchange
    from device_grant.server.session.run import Run
    from device_grant.targets.config import KnownClient, TargetConfig
from device_grant.targets.ports import UserModuleError

OURS = "device-grant-conformance "
"""How the names of clients begin that checks register; their role follows."""
_TOO_MANY, _UNAVAILABLE = 429, 503


@dataclass(frozen=True)
class Differing:
    """An exchange that did not go as it was recorded."""

    story: str
    at: float
    """Seconds on the target's clock since the story began."""
    request: str
    """Method, path and purpose."""
    differences: tuple[AnswerDifference, ...]


@dataclass
class Drift:
    """What came of all stories."""

    stories: int = 0
    exchanges: int = 0
    """Requests that were sent and compared."""
    differing: list[Differing] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    """Story, and why it or the rest of it was not sent."""


class _Stop(Exception):  # noqa: N818 - not an error: the rest of a story cannot be sent
    """Why."""


class Replayer:
    """Sends the stories of a recording to the target of a run."""

    def __init__(self, recorded: Recorded, run: Run) -> None:
        self._recorded = recorded
        self._run = run
        self._clock = run.target.clock
        self._compared: set[str] = set()
        """Shared registrations that have been compared."""
        self.drift = Drift()

    def play(self, stories: Iterable[RecordedStory]) -> Drift:
        """Send them one after the other; raises TargetUnreachableError if the target goes away."""
        for story in stories:
            with self._clock:
                before = self.drift.exchanges
                try:
                    _Playing(self, story).play()
                except _Stop as reason:
                    self.drift.skipped.append((story.name, str(reason)))
                except Inconclusive as reason:
                    self.drift.skipped.append((story.name, str(reason)))
                self.drift.stories += self.drift.exchanges > before
        return self.drift

    @property
    def recorded(self) -> Recorded:
        """What is sent."""
        return self._recorded

    @property
    def run(self) -> Run:
        """To whom."""
        return self._run

    def first(self, client_id: str) -> bool:
        """Whether a shared registration is sent for the first time."""
        known = client_id in self._compared
        self._compared.add(client_id)
        return not known


class _Playing:
    """One story while it is sent."""

    def __init__(self, replayer: Replayer, story: RecordedStory) -> None:
        self._replayer = replayer
        self._run = replayer.run
        self._recorded = replayer.recorded
        self._story = story
        self._binding = Binding()
        self._grants: dict[str, Exchange] = {}
        """Live device authorizations by the recorded user code, as it is compared."""
        self._interval = DEFAULT_INTERVAL
        self._began = self._run.target.clock.now()
        for recorded, live in _constants(replayer.recorded.config, self._run.target.config):
            self._binding.bind(recorded, live)

    def play(self) -> None:
        """Do everything again; raises _Stop."""
        target = self._run.target
        longest = target.config.clock.longest_wait
        for step in self._story.steps:
            match step:
                case Wait(seconds):
                    if target.clock.kind == "real" and seconds > longest:
                        raise _Stop(f"a wait of {seconds:g} s is longer than clock.longest_wait, {longest:g} s")
                    target.clock.wait(seconds)
                case Pause():
                    target.clock.wait(self._interval + MARGIN)
                case Act():
                    self._act(step)
                case Send(recorded):
                    self._send(recorded)
                case Cut(why):
                    raise _Stop(f"{why}; from there on it is not sent again")

    # Requests.

    def _send(self, result: RecognisedExchange, *, compared: bool = True) -> None:
        if result.operation is not Operation.REGISTRATION:
            self._provide_client(result)
        elif not self._run.endpoints.registration:
            self._bind_client(result.said("client_id"), result.said("client_secret"), _role(result))
            return
        missing = self._binding.missing(result.exchange.request)
        if missing:
            raise _Stop(f"the live server issued no {missing}, which the next request needs")
        url = self._url(result)
        request = self._binding.request(result.exchange.request, url)
        # A server that limits the rate of requests is given its time, unless that is what was recorded.
        patient = result.exchange.status not in (_TOO_MANY, _UNAVAILABLE)
        live = self._run.exchange(request, self._began, result.exchange.label, patient=patient)
        self._binding.learn(result.exchange.outcome.members, live.outcome.members)
        if result.operation is Operation.DEVICE_AUTHORIZATION and result.said("user_code"):
            self._grants[_folded(result.said("user_code"))] = live
            stated = number(live.get("interval"))
            self._interval = stated if stated is not None and stated >= 0 else DEFAULT_INTERVAL
        if not compared or self._only_paced(result, live):
            return
        drift = self._replayer.drift
        drift.exchanges += 1
        self._tell(f"{request.method} {urlsplit(url).path}, {live.label}", live.started, compare(result.exchange, live))

    def _only_paced(self, result: RecognisedExchange, live: Exchange) -> bool:
        """Whether one server found a poll hasty and the other did not: in real time that is chance."""
        real = self._run.target.clock.kind == "real"
        return real and {result.exchange.code, live.code} == {"slow_down", "authorization_pending"}

    def _tell(self, request: str, at: float, differences: list[AnswerDifference]) -> None:
        if differences:
            redact = self._run.secrets.redact
            description = tuple(
                AnswerDifference(redact(one.what), redact(one.recorded), redact(one.live)) for one in differences
            )
            self._replayer.drift.differing.append(Differing(self._story.name, at, redact(request), description))

    def _url(self, result: RecognisedExchange) -> str:
        recorded = urlsplit(result.entry.request.url)
        if result.operation is Operation.OTHER:
            url = f"{self._run.target.base}{recorded.path}"
        else:
            url = self._run.url(result.operation)
        return f"{url}?{self._binding.text(recorded.query)}" if recorded.query else url

    # Clients.

    def _provide_client(self, result: RecognisedExchange) -> None:
        """Have the live server know the client of a request, if the recorded one did."""
        request = result.exchange.request
        named = {result.client_id, result.asked("client_id")} - {""}
        for client_id in named:
            if self._binding.bound(client_id):
                continue
            registration = self._recorded.registered.get(client_id)
            if registration is not None and self._run.endpoints.registration and not self._run.target.config.clients:
                self._send(registration.recorded, compared=self._replayer.first(client_id))
            elif registration is not None:
                self._bind_client(client_id, registration.recorded.said("client_secret"), _role(registration.recorded))
            elif self._recorded.config is not None:
                known = next((one for one in self._recorded.config.clients if one.id == client_id), None)
                if known is not None:
                    self._bind_client(client_id, known.secret, _known_role(known, self._recorded.config))
            else:
                credentials = basic(request)
                secret = result.asked("client_secret") or (credentials.password if credentials else "")
                self._bind_client(client_id, secret, "confidential" if secret else "primary")
        if self._recorded.config is None:
            for name in self._run.dialect.constants:
                value = value_of(request, name)
                if isinstance(value, str):
                    self._binding.bind(value, getattr(self._run.target.config.request, name))

    def _bind_client(self, client_id: str, secret: str, role: str) -> None:
        client = self._run.client(role) or (self._run.client("primary") if role == "confidential" else None)
        if client is None:
            raise _Stop(f"the target offers no client for the role {role}: write [[clients]] in target.toml")
        if client_id:
            self._binding.bind(client_id, client.id)
        if secret and client.secret:
            self._binding.bind(secret, client.secret)

    # The user.

    def _act(self, act: Act) -> None:
        target = self._run.target
        if target.user is None:
            raise _Stop(f"nobody is there to {act.do} the request: name a user with --user")
        live = self._grants.get(_folded(act.code))
        if live is None and act.refused:
            # A code that nobody issued: any page will refuse it.
            live = next(iter(self._grants.values()), None)
        elif live is not None and not isinstance(live.get("user_code"), str):
            raise _Stop("the live server issued no user_code, which the user has to type")
        issued = "" if live is None or act.refused else str(live.get("user_code"))
        code = _typed(act.code, issued) if issued else self._binding.text(act.code)
        uri = live.get("verification_uri") if live else None
        if not isinstance(uri, str) or live is None:
            raise _Stop(f"the live server showed no page at which to {act.do} that user code")
        complete = live.get("verification_uri_complete")
        grant = GrantView(code, uri, complete if isinstance(complete, str) else None)
        at = target.clock.now() - self._began
        refusal = ""
        with browser_at(self._run) as http:
            try:
                (target.user.approve if act.do == "approve" else target.user.deny)(http, grant)
            except UserError as refused:
                refusal = str(refused)
            except UserModuleError as broken:
                raise _Stop(str(broken)) from broken
        if bool(refusal) != act.refused:
            before, now = ("refused" if act.refused else "let them"), refusal or "let them"
            self._tell(f"the user: {act.do}", at, [AnswerDifference("verification page", before, now)])


def _folded(code: str) -> str:
    return "".join(character for character in code if character.isalnum()).upper()


def _typed(recorded: str, live: str) -> str:
    """The live user code, typed as the recorded one was: in the same case, with the same punctuation."""
    letters = [character for character in live if character.isalnum()]
    if len(letters) != len(_folded(recorded)):
        return live
    following = iter(letters)
    typed = "".join(next(following) if character.isalnum() else character for character in recorded)
    return typed.lower() if recorded.islower() else typed


def _role(result: RecognisedExchange) -> str:
    name = result.asked("client_name")
    if name.startswith(OURS):
        return name.removeprefix(OURS)
    return "confidential" if result.said("client_secret") else "primary"


def _known_role(known: KnownClient, config: TargetConfig) -> str:
    if "device_code" not in known.grants:
        return "without-grant"
    able = [one for one in config.clients if "device_code" in one.grants]
    public = [one for one in able if one.authentication == "none"]
    first = (public or able)[0]
    if known.id == first.id:
        return "primary"
    return "other" if known.authentication == first.authentication else "confidential"


def _constants(recorded: TargetConfig | None, live: TargetConfig) -> list[tuple[str, str]]:
    """What valid requests held because the recorded target's file said so, and what the live one's says."""
    if recorded is None:
        return []
    names = any_dialect(recorded.dialect).constants
    values = [(getattr(recorded.request, name), getattr(live.request, name)) for name in names]
    return [(before, now) for before, now in values if before != now]
