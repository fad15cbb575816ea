"""A target that answers from tapes: no network, no server, the recorded times."""

from __future__ import annotations

import gzip
import re
import threading
import zlib
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import time_machine

from device_grant.errors import SuiteError
from device_grant.recordings.formats.tape import SHARED, Action, Entry, Got, Sent
from device_grant.recordings.replay.matching import UNKEPT, Reel, condensed
from device_grant.targets.ports import GrantView, NotHeld, Pages, UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from device_grant.recordings.formats import tape as tapes
    from device_grant.recordings.record.pseudonyms import Pseudonyms
    from device_grant.targets.config import TargetConfig
    from device_grant.targets.ports import Clock, Codec, Sampler, User

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

    def __init__(self, kept: Mapping[str, tapes.Tape], pseudonyms: Pseudonyms | None = None) -> None:
        self.tapes = kept
        self.problems: list[str] = []
        """What was left over, one line each."""
        self.leftovers: dict[str, str] = {}
        """By check: what its tape holds and nothing asked for."""
        self._pseudonyms = pseudonyms
        self._shared = Reel(kept[SHARED])
        self._local = threading.local()

    @property
    def draft(self) -> bool:
        """Whether secrets are still to be replaced."""
        return self._pseudonyms is not None

    @property
    def reel(self) -> Reel:
        """The one of this thread."""
        reel: Reel = getattr(self._local, "reel", self._shared)
        return reel

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
        reel = Reel(self.tapes[name])
        clock.begin(reel.tape.began)
        self._local.reel = reel
        try:
            yield
            if reel.leftovers and "*" not in reel.tape.uncarried:
                first = reel.leftovers[0]
                self.leftovers[name] = f"{reel.tape.file}: {first.label} was not used: record it again"
                self.problems.append(self.leftovers[name])
        finally:
            self._local.reel = self._shared

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within: what this thread asks for is on the tape of all checks."""
        before, self._local.reel = self.reel, self._shared
        try:
            yield
        finally:
            self._local.reel = before

    def drop_unused(self) -> None:
        """Leave out what the draft of the shared tape did not come to: its secrets are still in it."""
        tape = self._shared.tape
        tape.entries = [entry for place, entry in enumerate(tape.entries) if place in self._shared.used]

    # What is no HTTP.

    def cases(self, batch: str, draw: Callable[[], Sequence[T]], codec: Codec[T]) -> Sequence[T]:
        """The recorded cases of a batch; none where the batch is younger than the recording.

        In a draft they are drawn once more, from pseudonyms instead of secrets.
        """
        tape = self.reel.tape
        kept = tape.cases.get(batch, [])
        if self.draft:
            drawn = [codec.encode(case) for case in draw()]
            if len(drawn) != len(kept):
                raise NotHeld(f"{tape.name}: the cases of {batch} cannot be drawn again in the same way")
            kept = tape.cases[batch] = drawn
        try:
            return [codec.decode(case) for case in kept]
        except (ValueError, KeyError, TypeError) as error:
            raise NotHeld(f"{tape.file}: a case of {batch} cannot be read: {error}") from None

    def keep(self, batch: str, case: str) -> None:
        """What was kept stays as it is."""

    def kept(self, batch: str) -> list[str]:
        """The steps that were kept."""
        tape = self.reel.tape
        if self._pseudonyms is not None and batch in tape.cases:
            tape.cases[batch] = [self._pseudonyms.text(case) for case in tape.cases[batch]]
        return tape.cases.get(batch, [])

    def octets(self, url: str, sent: bytes, clock: Clock) -> tuple[bytes, str]:
        """What came over a raw socket."""
        entry = self.entry(Sent("", url, (), sent))
        reach(clock, self.reel, entry)
        return entry.got.content, entry.got.ending

    def entry(self, sent: Sent) -> Entry:
        """The entry for a request; raises NotHeld."""
        reel = self.reel
        if reel.acting is not None:
            entry = reel.of_action()
        elif not self.draft or reel is self._shared:
            entry = reel.alike(sent)
        else:
            entry = reel.following()
        if entry is None or (self._pseudonyms is not None and not _comparable(entry.sent, sent, self._pseudonyms)):
            raise NotHeld(reel.missing(sent))
        if self._pseudonyms is not None:
            url = sent.url
            # What a user typed, a password among it, is nobody's to judge.
            entry.sent = Sent(sent.method, url) if reel.acting is not None else _kept(sent)
            if reel.acting is not None and not reel.tape.actions[reel.acting].seen:
                entry.got = _unseen(entry.got)
            entry.got = _renamed(entry.got, self._pseudonyms)
        return entry

    # The user.

    def action(self, do: str, code: str) -> Action:
        """The next action, which must be that one; raises NotHeld."""
        reel = self.reel
        actions = reel.tape.actions
        action = actions[reel.acted] if reel.acted < len(actions) else None
        if action is not None and self._pseudonyms is not None and action.do == do:
            self._pseudonyms.stand_in(action.code, code)
            action.code = code
            action.refused = action.refused and self._pseudonyms.text(action.refused)
        if action is None or (action.do, action.code) != (do, code):
            kept = f"the user's next action is {action.do} of {action.code}" if action else "the user does nothing more"
            raise NotHeld(f"{reel.tape.file}: {do} of {code or 'nothing'} is not recorded; {kept}: record it again")
        reel.acting = reel.acted
        reel.acted += 1
        return action

    def url(self, entry: Entry) -> str:
        """Where a request of the user goes."""
        return self._pseudonyms.text(entry.sent.url) if self._pseudonyms else entry.sent.url


class ReplayClock:
    """The recorded times: it jumps with each wait, and to each request's moment."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.title = f"recorded ({kind})"
        self.sleeps = False
        self._now = 0.0
        self._began = 0.0
        self._depth = 0
        self._traveller: time_machine.travel | None = None
        self._moving: time_machine.Traveller | None = None

    def __enter__(self) -> Self:
        if self._depth == 0:
            # Cookies end by this process's clock.
            self._traveller = time_machine.travel(self._now, tick=False)
            self._moving = self._traveller.start()
        self._depth += 1
        return self

    def __exit__(self, *_: object) -> None:
        self._depth -= 1
        if self._depth == 0 and self._traveller is not None:
            self._traveller.stop()
            self._traveller = self._moving = None

    def now(self) -> float:
        """Seconds since the epoch, as recorded."""
        return self._now

    def wait(self, seconds: float) -> None:
        """Jump; raises ValueError for a negative time."""
        if not seconds >= 0:
            raise ValueError(f"time does not run backwards: cannot wait {seconds} s")
        self._move(self._now + seconds)

    def begin(self, moment: float) -> None:
        """Begin a tape."""
        self._began = moment
        self._move(moment)

    def reach(self, reel: Reel, at: float, took: float) -> None:
        """Jump to where the recording was, if the check has not waited longer than it did then."""
        then = self._began + at + reel.shift
        if self._now > then:
            reel.shift += self._now - then
        self._move(max(then, self._now) + took)

    def _move(self, moment: float) -> None:
        self._now = moment
        if self._moving is not None:
            self._moving.move_to(moment, tick=False)


def reach(clock: Clock, reel: Reel, entry: Entry) -> None:
    """Let the clock follow an entry, unless it belongs to all checks."""
    if isinstance(clock, ReplayClock) and reel.tape.name != SHARED:
        clock.reach(reel, entry.at, entry.took)


class ReplayTarget:
    """A recorded target; entering it blocks the network, leaving it opens it again."""

    def __init__(  # noqa: PLR0913 - what the manifest of a cassette tells of the target
        self,
        player: Player,
        config: TargetConfig,
        *,
        spec: str,
        base: str,
        clock: str,
        in_process: bool,
        steps: Sequence[str] | None,
        user: bool,
        baseline: Path | None = None,
    ) -> None:
        """`steps` are those of Pages that the user could show; None: whole decisions only."""
        self.player = player
        self.sampler: Sampler | None = player
        self.config = config
        self.spec = spec
        self.base = base
        self.clock: Clock = ReplayClock(clock)
        self.in_process = in_process
        self.user: User | None = ReplayUser(player, steps) if user else None
        self.baseline = baseline

    def __enter__(self) -> Self:
        from pytest_recording.network import block

        block()
        return self

    def __exit__(self, *_: object) -> None:
        from pytest_recording.network import unblock

        unblock()

    def http(self, *, timeout: float = 10.0) -> httpx.Client:
        """A new client that is answered from the tapes."""
        transport = _Transport(self.player, self.clock)
        return httpx.Client(transport=transport, base_url=self.base, timeout=timeout, trust_env=False)

    def gone(self) -> str:
        """A recording does not go away."""
        return ""

    def listens(self, host: str, port: int) -> bool:
        """As it was when it was recorded."""
        return self.player.tapes[SHARED].answers.get(f"{host}:{port}", False)

    def together(self, requests: Sequence[httpx.Request]) -> list[httpx.Response | Exception]:
        """Nothing: checks of races do not get here."""
        raise NotHeld(f"{self.spec}: {len(requests)} requests at the same moment cannot be replayed")

    def talk(self, url: str, sent: bytes, conversation: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str]:
        """What came over a raw socket when it was recorded."""
        del conversation
        return self.player.octets(url, sent, self.clock)

    def hang_up(self, conversation: Callable[[], None]) -> None:
        """Nothing is sent, and nothing would come back."""

    def scope(self, check: str = "") -> AbstractContextManager[None]:
        """Within: the tape of that check is played."""
        return self.player.check(check, self.clock) if check else self.player.shared()

    def holds(self, check: str) -> bool:
        """Whether the check was recorded."""
        return self.player.holds(check)

    def unsettled(self, check: str, live: Mapping[str, str]) -> Mapping[str, str]:
        """What no recording shows, and what this one was found not to carry."""
        return {**self.player.uncarried(check), **live}

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Exchanges that no check asked for."""
        return tuple(self.player.problems)


class ReplayUser:
    """The recorded user: sends what was sent then, and is refused where it was refused."""

    def __init__(self, player: Player, steps: Sequence[str] | None) -> None:
        self._player = player
        self.pages: Pages | None = None
        if steps is not None:
            self.pages = Pages(
                sign_in=self._sign_in if "sign_in" in steps else None,
                confirmation=self._confirmation if "confirmation" in steps else None,
                enter=self._enter if "enter" in steps else None,
            )

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises UserError where the pages did not let the user, and NotHeld."""
        self._act("approve", http, grant.user_code)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        """Raises as approve does."""
        self._act("deny", http, grant.user_code)

    def _sign_in(self, http: httpx.Client) -> None:
        self._act("sign_in", http, "")

    def _confirmation(self, http: httpx.Client, grant: GrantView) -> httpx.Response:
        return self._page("confirmation", http, grant.user_code)

    def _enter(self, http: httpx.Client, user_code: str, _: str) -> httpx.Response:
        return self._page("enter", http, user_code)

    def _page(self, do: str, http: httpx.Client, code: str) -> httpx.Response:
        action, responses = self._act(do, http, code)
        response = None if action.returned is None else responses.get(action.returned)
        if response is None:
            raise NotHeld(f"{self._player.reel.tape.file}: the page that {do} of {code} led to is missing")
        return response

    def _act(self, do: str, http: httpx.Client, code: str) -> tuple[Action, dict[int, httpx.Response]]:
        reel = self._player.reel
        action = self._player.action(do, code)
        own = [place for place, entry in enumerate(reel.tape.entries) if entry.action == reel.acting]
        responses: dict[int, httpx.Response] = {}
        try:
            # A client that waits and asks again, as the pages demand, takes more than one of them at a time.
            while (place := reel.next_of_action()) is not None:
                entry = reel.tape.entries[place]
                request = http.build_request(entry.sent.method, self._player.url(entry))
                try:
                    response = http.send(request, follow_redirects=False)
                except httpx.HTTPError:
                    continue
                responses[own.index(reel.last)] = response
        finally:
            reel.acting = None
        if action.refused is not None:
            raise (SuiteError if action.broke else UserError)(action.refused)
        return action, responses


class _Transport(httpx.BaseTransport):
    def __init__(self, player: Player, clock: Clock) -> None:
        self._player = player
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        sent = Sent(request.method, str(request.url), headers, request.read())
        entry = self._player.entry(sent)
        reach(self._clock, self._player.reel, entry)
        got = entry.got
        if got.error:
            raised: type[httpx.HTTPError] = getattr(httpx, got.error)
            error = raised(got.message)
            error.request = request
            raise error
        stream = _Stream(_encoded(got), entry.elapsed)
        pairs = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in got.headers]
        if got.coding in _CODINGS:
            pairs.append((b"content-encoding", got.coding.encode()))
        response = httpx.Response(
            got.status,
            headers=pairs,
            stream=stream,
            extensions={"reason_phrase": got.reason.encode("ascii", errors="replace")},
        )
        stream.response = response
        return response


class _Stream(httpx.SyncByteStream):
    """A body that took as long as it did when it was recorded."""

    response: httpx.Response

    def __init__(self, content: bytes, elapsed: float) -> None:
        self._content = content
        self._elapsed = elapsed

    def __iter__(self) -> Iterator[bytes]:
        yield self._content

    def close(self) -> None:
        # The client has measured its own time by now.
        self.response.elapsed = timedelta(seconds=self._elapsed)


_CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": lambda content: gzip.compress(content, mtime=0),
    "deflate": zlib.compress,
}


def _encoded(got: Got) -> bytes:
    encode = _CODINGS.get(got.coding)
    return encode(got.content) if encode else got.content


def _comparable(then: Sent, now: Sent, pseudonyms: Pseudonyms) -> bool:
    """Whether a request of the draft can be the one that was recorded: the same operation, whatever its values."""
    return then.method == now.method and pseudonyms.text(urlsplit(then.url).path) == pseudonyms.text(
        urlsplit(now.url).path
    )


def _kept(sent: Sent) -> Sent:
    headers = tuple(pair for pair in sent.headers if pair[0].lower() not in UNKEPT)
    return replace(sent, headers=headers, content=condensed(sent.content))


def _unseen(got: Got) -> Got:
    headers = tuple(pair for pair in got.headers if pair[0].lower() in _OF_UNSEEN)
    return replace(got, headers=headers, content=b"", coding="")


def _renamed(got: Got, pseudonyms: Pseudonyms) -> Got:
    content = pseudonyms.octets(_STYLE.sub(rb"\1\2", got.content))
    headers = []
    for name, value in got.headers:
        told = pseudonyms.text(value)
        if name.lower() == "content-length" and value == str(len(got.content)):
            told = str(len(content))
        headers.append((name, told))
    return replace(got, headers=tuple(headers), content=content, message=pseudonyms.text(got.message))
