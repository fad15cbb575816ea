"""A target whose traffic is kept: it passes everything on and writes down what came."""

from __future__ import annotations

import re
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Self, TypeVar

import httpx

from device_grant.browser.markup import hidden_values
from device_grant.protocol import Request, Response
from device_grant.protocol.exchange import RAW
from device_grant.recordings.tape import SHARED, Action, Tape, TapedExchange
from device_grant.targets.ports import GrantView, Pages, UserError, UserModuleError
from device_grant.targets.users import passwords_of
from device_grant.targets.users.browser import Browser

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.targets.config import TargetConfig
    from device_grant.targets.dispatch import Dispatch, Meanwhile
    from device_grant.targets.ports import Clock, Codec, Sampler, Target, User

T = TypeVar("T")

_LONG_ENOUGH = 8
"""Characters from which the value of a cookie can be a session."""
_TOKEN = re.compile(r"(?=.*[0-9])(?=.*[A-Za-z])[A-Za-z0-9_.~+/=:-]{16,}")
"""Hidden fields that look like this tie a form to a session."""


class Recorder:
    """The tapes of one run in the making; each thread writes the one of its check."""

    def __init__(self, wanted: Callable[[str], bool] = lambda _: True) -> None:
        """`wanted` says which checks are recorded, by name; the others do not run."""
        self.tapes: dict[str, Tape] = {SHARED: Tape(SHARED)}
        self._wanted = wanted
        self.page_secrets: list[tuple[str, str]] = []
        """Kind and value of secrets that only the traffic shows: cookies, and tokens of forms."""
        self._local = threading.local()
        self._lock = threading.RLock()

    @property
    def tape(self) -> Tape:
        """The one of this thread."""
        tape: Tape = getattr(self._local, "tape", self.tapes[SHARED])
        return tape

    @contextmanager
    def check(self, name: str, clock: Clock) -> Iterator[None]:
        """Within: what this thread does belongs to that check."""
        with self._on(Tape(name, clock.now())):
            self.tapes[name] = self.tape
            yield

    @contextmanager
    def shared(self) -> Iterator[None]:
        """Within: what this thread does belongs to all checks."""
        with self._on(self.tapes[SHARED]):
            yield

    @contextmanager
    def _on(self, tape: Tape) -> Iterator[None]:
        before, self._local.tape = self.tape, tape
        try:
            yield
        finally:
            self._local.tape = before

    def holds(self, name: str) -> bool:
        """Whether the check is to be recorded."""
        return self._wanted(name)

    def cases(self, batch: str, draw: Callable[[], Sequence[T]], codec: Codec[T]) -> Sequence[T]:
        """Draw the cases of a batch and keep them."""
        drawn = draw()
        self.tape.cases[batch] = [codec.encode(case) for case in drawn]
        return drawn

    def keep(self, batch: str, case: str) -> None:
        """Keep one more case of a batch that comes about step by step."""
        self.tape.cases.setdefault(batch, []).append(case)

    def kept(self, batch: str) -> list[str] | None:  # noqa: ARG002 - of a port
        """None: the steps are still to be made."""
        return None

    def octets(self, url: str, sent: bytes, talk: Callable[[], tuple[bytes, str]], clock: Clock) -> tuple[bytes, str]:
        """Speak over a raw socket and keep what was said."""
        at, began = clock.now(), time.perf_counter()
        received, ending = talk()
        self._keep(TapedExchange(Request(RAW, url, (), sent), received=received, ending=ending), at, began, clock)
        return received, ending

    def exchanged(self, entry: TapedExchange, at: float, began: float, clock: Clock) -> None:
        """Keep an exchange that began at `at` on the target's clock and at `began` in real seconds."""
        if entry.response is not None:
            self._learn(entry.response)
        self._keep(entry, at, began, clock)

    def _keep(self, entry: TapedExchange, at: float, began: float, clock: Clock) -> None:
        tape = self.tape
        entry.at, entry.took, entry.elapsed = at - tape.began, clock.now() - at, time.perf_counter() - began
        action = getattr(self._local, "action", None)
        if action is not None:
            entry.action = tape.actions.index(action)
        with self._lock:
            tape.entries.append(entry)

    def _learn(self, got: Response) -> None:
        for name, value in got.headers:
            if name.lower() == "set-cookie":
                crumb = value.partition(";")[0].partition("=")[2].strip().strip('"')
                if len(crumb) >= _LONG_ENOUGH:
                    self.page_secrets.append(("cookie", crumb))
        if b"hidden" in got.content:
            page = got.content.decode("utf-8", errors="replace")
            self.page_secrets += [("form_token", value) for value in hidden_values(page) if _TOKEN.fullmatch(value)]

    @contextmanager
    def acting(self, action: Action) -> Iterator[None]:
        """Within: requests of this thread are the user's."""
        self.tape.actions.append(action)
        self._local.action = action
        try:
            yield
        except (UserError, UserModuleError) as refused:
            action.refused, action.broke = str(refused), isinstance(refused, UserModuleError)
            raise
        finally:
            self._local.action = None


class RecordingTarget:
    """Another target, watched by a recorder."""

    def __init__(self, inner: Target, recorder: Recorder) -> None:
        self.inner = inner
        self.recorder = recorder
        self.sampler: Sampler | None = recorder
        self.first_base = ""
        """Where it was found when it started."""
        self.config: TargetConfig = inner.config
        self.spec: str = inner.spec
        self.in_process: bool = inner.in_process
        self.baseline: Path | None = inner.baseline
        self.clock: Clock = RecordingClock(inner.clock, recorder)
        self.second: User | None = None
        self.lock_second: Callable[[str], object] | None = None
        self.switch_client: Callable[[str, str], object] | None = None
        self.assertion: Callable[[str, float], str] | None = None
        self.user: User | None = None if inner.user is None else RecordingUser(inner.user, recorder)

    @property
    def base(self) -> str:
        """Absolute base URL; an application that knows its own address gives it another one."""
        return self.inner.base

    @base.setter
    def base(self, url: str) -> None:
        self.inner.base = url

    def __enter__(self) -> Self:
        self.inner.__enter__()
        # What a target launches may run on another clock than the target had before it was started.
        self.clock = RecordingClock(self.inner.clock, self.recorder)
        self.first_base = self.base
        return self

    def __exit__(self, *error: object) -> None:
        self.inner.__exit__(*error)

    def http(self, *, timeout: float = 10.0, certificate: ClientCertificate | None = None) -> httpx.Client:
        """A new client whose exchanges are kept; the certificate is not."""
        inner = self.inner.http(timeout=timeout, certificate=certificate)
        transport = _RecordingTransport(inner, self.recorder, self.clock)
        return httpx.Client(transport=transport, base_url=self.base, timeout=timeout, trust_env=False)

    def gone(self) -> str:
        """As the target says."""
        return self.inner.gone()

    def journal_length(self) -> int:
        """As the target says."""
        return self.inner.journal_length()

    def journal_since(self, length: int) -> str:
        """As the target says; no recording keeps it."""
        return self.inner.journal_since(length)

    def listens(self, host: str, port: int) -> bool:
        """As it is now, and kept."""
        result = self.inner.listens(host, port)
        self.recorder.tape.answers[f"{host}:{port}"] = result
        return result

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Passed on and not kept: what happens at the same moment no recording shows."""
        self.inner.overlap(dispatches, meanwhile)

    def talk(self, url: str, sent: bytes, conversation: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str]:
        """Speak over a raw socket and keep what was said."""
        return self.recorder.octets(url, sent, lambda: self.inner.talk(url, sent, conversation), self.clock)

    def hang_up(self, conversation: Callable[[], None]) -> None:
        """Passed on and not kept: nothing comes back."""
        self.inner.hang_up(conversation)

    def scope(self, check: str = "") -> AbstractContextManager[None]:
        """Within: the tape of that check is written."""
        return self.recorder.check(check, self.clock) if check else self.recorder.shared()

    def holds(self, check: str) -> bool:
        """Whether the check is to be recorded."""
        return self.recorder.holds(check)

    def unsettled(self, check: str, live: Mapping[str, str]) -> Mapping[str, str]:  # noqa: ARG002 - of a port
        """What no recording shows is not settled while it is made either: both come to the same verdicts."""
        return live

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Nothing is given beforehand."""
        return ()


class RecordingUser:
    """A user whose actions are kept, with the user code and what the pages had against them."""

    def __init__(self, inner: User, recorder: Recorder) -> None:
        self.inner = inner
        self.passwords = passwords_of(inner)
        self._recorder = recorder
        pages = inner.pages
        self.pages: Pages | None = pages and Pages(
            sign_in=pages.sign_in and self._sign_in,
            confirmation=pages.confirmation and self._confirmation,
            enter=pages.enter and self._enter,
            authorize=pages.authorize,
            refuse=pages.refuse,
        )

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        """As the user does."""
        with self._recorder.acting(Action("approve", grant.user_code, seen=_watched(http))):
            self.inner.approve(http, grant)

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        """As the user does."""
        with self._recorder.acting(Action("deny", grant.user_code, seen=_watched(http))):
            self.inner.deny(http, grant)

    def _sign_in(self, http: httpx.Client) -> object:
        assert self.inner.pages is not None  # noqa: S101 - the step was offered
        assert self.inner.pages.sign_in is not None  # noqa: S101 - likewise
        with self._recorder.acting(Action("sign_in")):
            return self.inner.pages.sign_in(http)

    def _confirmation(self, http: httpx.Client, grant: GrantView) -> httpx.Response:
        assert self.inner.pages is not None  # noqa: S101 - the step was offered
        assert self.inner.pages.confirmation is not None  # noqa: S101 - likewise
        action = Action("confirmation", grant.user_code)
        with self._recorder.acting(action):
            return self._returned(action, self.inner.pages.confirmation(http, grant))

    def _enter(self, http: httpx.Client, user_code: str, verification_uri: str) -> httpx.Response:
        assert self.inner.pages is not None  # noqa: S101 - the step was offered
        assert self.inner.pages.enter is not None  # noqa: S101 - likewise
        action = Action("enter", user_code)
        with self._recorder.acting(action):
            return self._returned(action, self.inner.pages.enter(http, user_code, verification_uri))

    def _returned(self, action: Action, response: httpx.Response) -> httpx.Response:
        tape = self._recorder.tape
        index = tape.actions.index(action)
        own = [entry for entry in tape.entries if entry.action == index]
        alike = [
            place
            for place, entry in enumerate(own)
            if entry.response is not None
            and (entry.response.status, entry.response.content) == (response.status_code, response.content)
            and entry.request.url == str(response.request.url)
        ]
        action.returned = alike[-1] if alike else len(own) - 1
        return response


def _watched(http: httpx.Client) -> bool:
    """Whether the check sees the pages, and not only what became of the decision."""
    return isinstance(http, Browser) and http.watched


class RecordingClock:
    """The target's clock, whose waits are kept."""

    def __init__(self, inner: Clock, recorder: Recorder) -> None:
        self._inner = inner
        self._recorder = recorder
        self.kind = inner.kind
        self.title = inner.title
        self.sleeps = inner.sleeps

    def __enter__(self) -> Self:
        self._inner.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._inner.__exit__()

    def now(self) -> float:
        """Seconds on the target's clock."""
        return self._inner.now()

    def wait(self, seconds: float) -> None:
        """Wait as the target's clock does, and keep when and for how long."""
        tape = self._recorder.tape
        if tape.name != SHARED:
            tape.waits.append((self._inner.now() - tape.began, seconds))
        self._inner.wait(seconds)


class _RecordingTransport(httpx.BaseTransport):
    """Sends through a client of the target and keeps what came, as it came."""

    def __init__(self, inner: httpx.Client, recorder: Recorder, clock: Clock) -> None:
        self._inner = inner
        self._recorder = recorder
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in request.headers.raw)
        sent = Request(request.method, str(request.url), headers, request.read())
        at, began = self._clock.now(), time.perf_counter()
        try:
            answer = self._inner.send(request, stream=True, follow_redirects=False)
            raw = b"".join(answer.iter_raw())
        except httpx.HTTPError as error:
            lost = TapedExchange(sent, error=type(error).__name__, message=str(error))
            self._recorder.exchanged(lost, at, began, self._clock)
            raise
        answer.close()
        self._recorder.exchanged(_answered(sent, answer, raw), at, began, self._clock)
        extensions = {
            name: value for name, value in answer.extensions.items() if name in ("http_version", "reason_phrase")
        }
        return httpx.Response(
            answer.status_code, headers=answer.headers.raw, stream=httpx.ByteStream(raw), extensions=extensions
        )

    def close(self) -> None:
        self._inner.close()


def _answered(sent: Request, answer: httpx.Response, raw: bytes) -> TapedExchange:
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    coding = answer.headers.get("content-encoding", "")
    content = raw
    if coding:
        try:
            content = httpx.Response(answer.status_code, headers=answer.headers.raw, content=raw).content
        except httpx.DecodingError:
            coding = ""
        else:
            headers = tuple(pair for pair in headers if pair[0].lower() != "content-encoding")
    response = Response(answer.status_code, headers, content)
    return TapedExchange(sent, response, reason=answer.reason_phrase, coding=coding)
