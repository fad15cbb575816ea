"""The ports of a target: transport, clock and user. Adapters are beside this module."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, Self, TypeVar

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    import httpx

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.targets.config import TargetConfig
    from device_grant.targets.dispatch import Dispatch, Meanwhile

T = TypeVar("T")


@dataclass(frozen=True)
class GrantView:
    """What a person at the verification page knows of a device authorization; given to user modules."""

    user_code: str
    verification_uri: str
    verification_uri_complete: str | None = None
    hint: str = ""
    """How the user code is typed otherwise than it was shown, and why; empty: as it was shown."""


class Clock(Protocol):
    """Now and wait, on the clock that the target lives by. Entered around each check, and left after it for sure."""

    kind: str
    """`travel`, `faketime` or `real`."""
    title: str
    """What results call it."""
    sleeps: bool
    """Whether a wait takes as long as it says, so that waits are better had side by side."""

    def __enter__(self) -> object:
        """Begin: a travelled clock freezes time for this process."""

    def __exit__(self, *_: object) -> None:
        """End: time runs on as before."""

    def now(self) -> float:
        """Seconds; only differences mean anything."""

    def wait(self, seconds: float) -> None:
        """Let that many seconds pass for the target: jump, or sleep on a real clock."""


@dataclass(frozen=True)
class Pages:
    """The steps at the verification pages one by one, for checks of the pages; None: this user cannot show the step.

    Each raises UserError where the pages do not let the user take the step.
    """

    sign_in: Callable[[httpx.Client], object] | None = None
    """Makes the client's cookies those of a signed-in browser."""
    confirmation: Callable[[httpx.Client, GrantView], httpx.Response] | None = None
    """Signs in, types the code and returns the page at which the user would decide, without deciding."""
    enter: Callable[[httpx.Client, str, str], httpx.Response] | None = None
    """Signs in where the pages demand it, types any user code, right or wrong, and returns what the page says.

    The second text is the verification URI of a device authorization, where the page is.
    """
    authorize: Callable[[httpx.Client, str], httpx.Response] | None = None
    """Opens an authorization request of a browser's sign-in (RFC 6749 section 4.1), signs in where that is asked, and
    allows it. Returns the redirect to the client, not followed, or the page that was in the way.
    """
    refuse: Callable[[httpx.Client, str], httpx.Response] | None = None
    """The same, refusing."""


class User(Protocol):
    """The person at the verification page."""

    pages: Pages | None
    """None where only whole decisions can be had, as from a command."""

    def approve(self, http: httpx.Client, grant: GrantView) -> None:
        """Sign in if need be, enter the code, allow. Raises UserError if the pages do not let them."""

    def deny(self, http: httpx.Client, grant: GrantView) -> None:
        """The same, refusing."""


class UserError(Exception):
    """The verification page did not let the user decide: a fact about the target or its user module.

    The message says what the page did; checks that need the decision become untestable with it.
    """


class Nobody(UserError):  # noqa: N818 - says what is the case
    """Nobody decides, or no longer: no fact about the pages, which were not asked for anything."""


class NotAsked(UserError):  # noqa: N818 - says what is the case
    """The pages ask nobody to sign in before a code was typed, so that signing in is no step of its own."""


class UserModuleError(UsageError):
    """The user module broke: what it raised is neither a refusal of the page nor an error of the suite."""


class NotHeld(UsageError):  # noqa: N818 - says what is the case, as the other outcomes of a check do
    """A target whose answers are all given beforehand has none to what is asked; the message says what to do."""


class Codec(Protocol[T]):
    """Generated cases as texts."""

    def encode(self, case: T, /) -> str:
        """The case as JSON."""

    def decode(self, text: str, /) -> T:
        """The case back; raises ValueError, KeyError or TypeError for a text that is none."""


class Sampler(Protocol):
    """Where generated cases come from in a run that must come out the same again: drawn beforehand, or given.

    A batch is named by its check; batches of two checks do not meet, whatever their names.
    """

    def cases(self, batch: str, draw: Callable[[], Sequence[T]], codec: Codec[T]) -> Sequence[T]:
        """All cases of a batch: those that `draw` makes, or those that were given; raises NotHeld."""

    def keep(self, batch: str, case: str) -> None:
        """Take one more case of a batch that comes about step by step."""

    def kept(self, batch: str) -> list[str] | None:
        """The cases of such a batch where they are given; None where they are to come about."""


class Target(Protocol):
    """A started target. Targets are context managers: entering starts them, leaving stops them for sure."""

    config: TargetConfig
    spec: str
    """How the command line names it."""
    base: str
    """Absolute base URL, without a trailing slash; in-process targets have one too."""
    clock: Clock
    user: User | None
    """None where target.toml names no user."""
    second: User | None
    """Somebody with another account, for what two people do; None where target.toml names nobody, and in recordings."""
    lock_second: Callable[[str], object] | None
    """Locks that account, given `lock`, or unlocks it, given `unlock`; raises UserError where it fails.

    None where nobody says how.
    """
    switch_client: Callable[[str, str], object] | None
    """Given the id of a client, disables it (`disable`) or enables it (`enable`); raises UserError where it fails.

    None where nobody says how.
    """
    assertion: Callable[[str, float], str] | None
    """Makes an assertion of a trusted token issuer: of a kind, at a time in seconds since the epoch.

    None where nobody says how, and in recordings.
    """
    in_process: bool
    """Whether requests are function calls, so that raw sockets are impossible."""
    baseline: Path | None
    """baseline.toml beside target.toml, if it exists."""
    sampler: Sampler | None
    """Where generated cases come from; None: each check draws as it goes, and makes failing cases smaller."""

    def __enter__(self) -> Self:
        """Start it; raises TargetUnreachableError or UsageError."""

    def __exit__(self, *_: object) -> None:
        """Stop it, its whole process group included."""

    def http(self, *, timeout: float = 10.0, certificate: ClientCertificate | None = None) -> httpx.Client:
        """A new client that reaches the target: own cookies, own connections, redirects not followed.

        It shows the certificate on connections of TLS whose server asks for one.
        """

    def gone(self) -> str:
        """Why the target can no longer be reached, after a connection to it failed; empty while it is there."""

    def journal_length(self) -> int:
        """How long it is what the target has written of its troubles, for `journal_since`."""

    def journal_since(self, length: int) -> str:
        """What it has written since then: a traceback, or lines of its log; empty where nobody can see it."""

    def listens(self, host: str, port: int) -> bool:
        """Whether something takes connections there."""

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Send requests side by side, each after its delay, and fill in their answers and moments.

        Over warmed connections, or as concurrent tasks.
        """

    def talk(self, url: str, sent: bytes, conversation: Callable[[], tuple[bytes, str]]) -> tuple[bytes, str]:
        """What comes back for octets that are sent to the host of a URL, and how the connection ends.

        `conversation` sends them over a raw socket.
        """

    def hang_up(self, conversation: Callable[[], None]) -> None:
        """Let `conversation` send octets over a raw socket whose answer nobody waits for."""

    # What a target can show.

    def scope(self, check: str = "") -> AbstractContextManager[None]:
        """Within: what this thread does belongs to the check of that name; without a name, to all checks."""

    def holds(self, check: str) -> bool:
        """Whether the check of that name can be run; what of a kept run is left out cannot."""

    def unsettled(self, check: str, live: Mapping[str, str]) -> Mapping[str, str]:
        """By requirement: why the check of that name cannot settle it here; `*` stands for all.

        `live` says the same of what only a server that answers now can show.
        """

    @property
    def leftovers(self) -> Sequence[str]:
        """What the target was given for the checks and none of them asked for, one line each; mostly nothing."""
