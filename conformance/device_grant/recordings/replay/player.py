"""Plays tapes: gives what the checks ask for, as it was kept."""

from __future__ import annotations

import re
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from device_grant.protocol import Request
from device_grant.protocol.exchange import RAW
from device_grant.recordings.replay.clock import ReplayClock, reach
from device_grant.recordings.replay.matching import UNKEPT, Playback, condensed
from device_grant.recordings.tape import SHARED, Action, Tape, TapedExchange
from device_grant.targets.ports import NotHeld

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from device_grant.protocol import Response
    from device_grant.recordings.pseudonyms import Pseudonyms
    from device_grant.targets.ports import Clock, Codec

T = TypeVar("T")

_OF_UNSEEN = frozenset({"content-type", "location", "retry-after", "set-cookie"})
"""Headers of a page that nobody looks at which still say how to go on."""
_STYLE = re.compile(rb"(<style[^>]*>).*?(</style>)", re.IGNORECASE | re.DOTALL)
"""Styles of pages: the longest part of many, and nobody's to judge."""


class Player:
    """Plays tapes; with `pseudonyms` it makes a draft fit to be kept: secrets are replaced as they come up.

    The requests of a draft are those that the checks send once the answers hold pseudonyms, so that everything that is
    derived from a secret is derived from its pseudonym.
    """

    def __init__(self, kept: Mapping[str, Tape], pseudonyms: Pseudonyms | None = None) -> None:
        self.tapes = kept
        self.problems: list[str] = []
        """What was left over, one line each."""
        self.leftovers: dict[str, str] = {}
        """By check: what its tape holds and nothing asked for."""
        self._pseudonyms = pseudonyms
        if pseudonyms is not None:
            # What all checks share is looked for by what is sent: registrations may carry a token of target.toml.
            for entry in kept[SHARED].entries:
                headers = tuple((name, pseudonyms.text(value)) for name, value in entry.request.headers)
                entry.request = replace(entry.request, headers=headers)
        self._shared = Playback(kept[SHARED])
        self._local = threading.local()

    @property
    def draft(self) -> bool:
        """Whether secrets are still to be replaced."""
        return self._pseudonyms is not None

    @property
    def playback(self) -> Playback:
        """The one of this thread."""
        playback: Playback = getattr(self._local, "playback", self._shared)
        return playback

    def holds(self, name: str) -> bool:
        """Whether a check was recorded."""
        return name in self.tapes

    def uncarried(self, name: str) -> dict[str, str]:
        """Why requirements cannot be judged from the tape of a check; `*` stands for all."""
        return self.tapes[name].uncarried if name in self.tapes else {}

    @contextmanager
    def check(self, name: str, clock: Clock) -> Iterator[None]:
        """Within: what this thread asks for is on the tape of that check."""
        assert isinstance(clock, ReplayClock)  # noqa: S101 - the clock of the target that owns this player
        playback = Playback(self.tapes[name])
        clock.begin(playback.tape.began)
        self._local.playback = playback
        try:
            yield
            if playback.leftovers and "*" not in playback.tape.uncarried:
                first = playback.leftovers[0]
                self.leftovers[name] = f"{playback.tape.place}: {first.label} was not used: record it again"
                self.problems.append(self.leftovers[name])
        finally:
            self._local.playback = self._shared

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within: what this thread asks for is on the tape of all checks."""
        before, self._local.playback = self.playback, self._shared
        try:
            yield
        finally:
            self._local.playback = before

    def drop_unused(self) -> None:
        """Leave out what the draft of the shared tape did not come to: its secrets are still in it."""
        tape = self._shared.tape
        tape.entries = [entry for place, entry in enumerate(tape.entries) if place in self._shared.used]

    # What is no HTTP.

    def cases(self, batch: str, draw: Callable[[], Sequence[T]], codec: Codec[T]) -> Sequence[T]:
        """The recorded cases of a batch; none where the batch is younger than the recording.

        In a draft they are drawn once more, from pseudonyms instead of secrets.
        """
        tape = self.playback.tape
        kept = tape.cases.get(batch, [])
        if self.draft:
            drawn = [codec.encode(case) for case in draw()]
            if len(drawn) != len(kept):
                raise NotHeld(f"{tape.name}: the cases of {batch} cannot be drawn again in the same way")
            kept = tape.cases[batch] = drawn
        try:
            return [codec.decode(case) for case in kept]
        except (ValueError, KeyError, TypeError) as error:
            raise NotHeld(f"{tape.place}: a case of {batch} cannot be read: {error}") from None

    def keep(self, batch: str, case: str) -> None:
        """What was kept stays as it is."""

    def kept(self, batch: str) -> list[str]:
        """The steps that were kept."""
        tape = self.playback.tape
        if self._pseudonyms is not None and batch in tape.cases:
            tape.cases[batch] = [self._pseudonyms.text(case) for case in tape.cases[batch]]
        return tape.cases.get(batch, [])

    def octets(self, url: str, sent: bytes, clock: Clock) -> tuple[bytes, str]:
        """What came over a raw socket."""
        entry = self.entry(Request(RAW, url, (), sent))
        reach(clock, self.playback, entry)
        return entry.received, entry.ending

    def entry(self, sent: Request) -> TapedExchange:
        """The entry for a request; raises NotHeld."""
        playback = self.playback
        if playback.acting is not None:
            entry = playback.of_action()
        elif not self.draft or playback is self._shared:
            entry = playback.alike(sent)
        else:
            entry = playback.following()
        if entry is None or (self._pseudonyms is not None and not _comparable(entry.request, sent, self._pseudonyms)):
            raise NotHeld(playback.missing(sent))
        if self._pseudonyms is not None:
            self._rewrite(entry, sent, self._pseudonyms)
        return entry

    def _rewrite(self, entry: TapedExchange, sent: Request, pseudonyms: Pseudonyms) -> None:
        """Keep the request as it is sent now, and pseudonyms in the place of what came back."""
        playback = self.playback
        # What a user typed, a password among it, is nobody's to judge.
        entry.request = _bare(sent) if playback.acting is None else Request(sent.method, sent.url)
        response = entry.response
        if response is not None and playback.acting is not None and not playback.tape.actions[playback.acting].seen:
            response, entry.coding = _unseen(response), ""
        entry.response = response and _renamed(response, pseudonyms)
        entry.received = pseudonyms.octets(_STYLE.sub(rb"\1\2", entry.received))
        entry.message = pseudonyms.text(entry.message)

    # The user.

    def action(self, do: str, code: str) -> Action:
        """The next action, which must be that one; raises NotHeld."""
        playback = self.playback
        actions = playback.tape.actions
        action = actions[playback.acted] if playback.acted < len(actions) else None
        if action is not None and self._pseudonyms is not None and action.do == do:
            self._pseudonyms.stand_in(action.code, code)
            action.code = code
            action.refused = action.refused and self._pseudonyms.text(action.refused)
        if action is None or (action.do, action.code) != (do, code):
            kept = f"the user's next action is {action.do} of {action.code}" if action else "the user does nothing more"
            raise NotHeld(
                f"{playback.tape.place}: {do} of {code or 'nothing'} is not recorded; {kept}: record it again"
            )
        playback.acting = playback.acted
        playback.acted += 1
        return action

    def url(self, entry: TapedExchange) -> str:
        """Where a request of the user goes."""
        return self._pseudonyms.text(entry.request.url) if self._pseudonyms else entry.request.url


def _comparable(then: Request, now: Request, pseudonyms: Pseudonyms) -> bool:
    """Whether a request of the draft can be the one that was recorded: the same operation, whatever its values."""
    return then.method == now.method and pseudonyms.text(urlsplit(then.url).path) == pseudonyms.text(
        urlsplit(now.url).path
    )


def _bare(sent: Request) -> Request:
    headers = tuple(pair for pair in sent.headers if pair[0].lower() not in UNKEPT)
    return replace(sent, headers=headers, content=condensed(sent.content))


def _unseen(response: Response) -> Response:
    headers = tuple(pair for pair in response.headers if pair[0].lower() in _OF_UNSEEN)
    return replace(response, headers=headers, content=b"")


def _renamed(response: Response, pseudonyms: Pseudonyms) -> Response:
    content = pseudonyms.octets(_STYLE.sub(rb"\1\2", response.content))
    headers = []
    for name, value in response.headers:
        renamed = pseudonyms.text(value)
        if name.lower() == "content-length" and value == str(len(response.content)):
            renamed = str(len(content))
        headers.append((name, renamed))
    return replace(response, headers=tuple(headers), content=content)
