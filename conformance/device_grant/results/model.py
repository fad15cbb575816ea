"""results.jsonl: one header, then cases and results, then one footer. A file without a footer was interrupted.

This is a published format: readers ignore members that they do not know, and members are only ever added.
"""

from __future__ import annotations

from datetime import date  # noqa: TC003 - msgspec reads the annotation of Known.expires
from typing import Annotated, Literal

import msgspec

FORMAT = 1
"""Raised when an old reader would misread a new file."""
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Measure = Annotated[float, msgspec.Meta(ge=-1e18, le=1e18)]
"""Of seconds, or of anything else: finite, and so that sums are finite too."""
Slug = Annotated[str, msgspec.Meta(pattern=r"^(?!.*[\u0000-\u001f\u007f-\u009f])", max_length=1000)]
"""A name of the suite, without control characters."""
Status = Annotated[int, msgspec.Meta(ge=-(2**31), le=2**32)]
"""Of HTTP, or of a process: Windows has large ones."""
Part = Annotated[int, msgspec.Meta(ge=1, le=10_000)]
LEFT_OUT = "left-out"
"""Kind of the step that stands for those that a long transcript has lost in its middle."""


class HttpRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A redacted request."""

    method: str
    url: str
    headers: list[tuple[str, str]] = []
    body: str = ""
    """Text; octets that are not UTF-8 appear as `\\xNN`."""
    truncated: Count = 0
    """Length in octets of a body that was cut; 0 if whole."""


class HttpResponse(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A redacted response."""

    status: Status
    headers: list[tuple[str, str]] = []
    body: str = ""
    truncated: Count = 0


class HistoryBar(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One of several operations that overlapped, from when it was invoked to when it was answered."""

    name: str
    """What was done, in words."""
    answer: str = ""
    """What came, in words; empty where nobody saw an answer."""
    began: Measure = 0.0
    """Seconds since the first of them began, on the target's clock; while that stands, a real second counts 0.001."""
    ended: Measure | None = None
    """Absent: it was never answered, and may have taken effect at any time since."""


class Step(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One exchange, or (without a request) an event such as a wait or a decision of the user.

    `label` is for people; what a program wants to know stands in the other members.
    """

    at: Measure
    """Seconds on the target's clock since the case began."""
    label: str = ""
    operation: str = ""
    request: HttpRequest | None = None
    response: HttpResponse | None = None
    error: str = ""
    """Why there was no response."""
    elapsed: Measure = 0.0
    """Real seconds until the response was complete."""
    code: str = ""
    """Outcome as the dialect reads it: `ok`, `authorization_pending`, `http-404` …"""
    purpose: str = ""
    """What it was for: `registration`, `start`, `poll`, `refresh`, `token-request`, `authorization`, `revocation`,
    `introspection`, `metadata`, `control`, `malformed`, `generated`, `raw` or `other`; empty in files of versions that
    did not say it."""
    malformation: str = ""
    """How a malformed request is wrong."""
    journal: str = ""
    """What the server wrote of its troubles when it answered 5xx, the end of it: a traceback, or lines of its log."""
    event: str = ""
    """Kind of an event: `waited`, `decided`, `mistyped`, `decision-refused`, `page-loaded`, `connection-dropped`,
    `overlap-tried`, `round-began`, `history`, `client-started`, `client-ended`, `noted`, and `left-out` for steps that
    are not shown; later versions may know more. Empty for an exchange."""
    seconds: Measure = 0.0
    """`waited`: how long, on the target's clock."""
    action: str = ""
    """`decided` and `decision-refused`: `approve` or `deny`."""
    grant: str = ""
    """`decided` and `mistyped`: what a story with several grants calls the one that is meant."""
    complaint: str = ""
    """`decision-refused`: what the page says."""
    status: Status | None = None
    """`page-loaded`: the HTTP status. `client-ended`: the exit status, negative for a signal, absent if the client was
    still going on."""
    bars: list[HistoryBar] = []
    """`history`: the operations that overlapped, in the order in which they were invoked."""
    explained: bool = False
    """`history`: whether an order of them explains the answers."""


class Counts(msgspec.Struct, frozen=True, kw_only=True):
    """Requirements by verdict."""

    passed: Count = 0
    observed: Count = 0
    not_applicable: Count = 0
    warn: Count = 0
    inconclusive: Count = 0
    untestable: Count = 0
    fail: Count = 0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[known]]` entry of a baseline; the loader of baselines refuses unknown keys."""

    requirement: str
    check: str = ""
    """Stable name of one check; empty: whichever check finds it."""
    match: str = ""
    """Part of the message; empty: any message."""
    reason: str
    issue: str = ""
    """Link to the target's issue tracker."""
    expires: date | None = None
    """Last day on which the entry counts."""
    kind: Literal["deviation", "flaky", "disputed", "unread"] = "deviation"
    """`flaky` comes and goes and is never stale; `disputed`: the target's authors read the source differently;
    `unread`: written down by a run, and nobody has said why it is accepted."""

    @property
    def label(self) -> str:
        """`requirement` or `requirement (check)`, as the footer lists entries."""
        return f"{self.requirement} ({self.check})" if self.check else self.requirement

    def matches(self, requirement: str, check: str, message: str) -> bool:
        """Whether the entry speaks of this result."""
        return self.requirement == requirement and self.check in ("", check) and self.match in message


class Shard(msgspec.Struct, frozen=True, kw_only=True):
    """Which part of a run the file holds, and what all its parts have in common."""

    index: Part
    """From 1."""
    of: Part
    """How many shards the run has."""
    checks: Count
    """How many checks all shards have together."""
    selection: str
    """Digest of the names of those checks."""
    known: list[Known]
    """The baseline: only with all shards together can it be said which of its entries no longer happen."""

    @property
    def label(self) -> str:
        """As it is given on the command line: `2/3`."""
        return f"{self.index}/{self.of}"


class Header(msgspec.Struct, frozen=True, kw_only=True, tag="header", tag_field="kind"):
    """The first line: what was run, against what, with what."""

    format: int
    suite_version: str
    catalogue_revision: str
    """Digest over all catalogue files."""
    target: str
    """Name from target.toml, `embedded`, or the redacted URL."""
    target_version: str
    target_homepage: str
    spec: str
    """The target as given on the command line."""
    dialect: str
    claims: dict[str, bool]
    clock: str
    profile: str
    seed: int | None
    python: str
    platform: str
    command: str
    """Command line, redacted."""
    started: str
    """ISO 8601, UTC."""
    published: bool = False
    """Whether the file was made for publication: without transcripts of checks, times, counts and random values."""
    language: str | msgspec.UnsetType = msgspec.UNSET
    """What the target is written in: `python`, `go` …; absent where its description does not say."""
    product: str | msgspec.UnsetType = msgspec.UNSET
    """The software of which the target is one version; absent where its description does not say."""
    client_kind: str | msgspec.UnsetType = msgspec.UNSET
    """How a client is run: `flow`, `operations` …; absent for servers."""
    network: str | msgspec.UnsetType = msgspec.UNSET
    """What a client could reach: `isolated`, our servers alone; `open: WHY`, what this machine can; else absent."""
    parties: dict[str, str] | msgspec.UnsetType = msgspec.UNSET
    """Whom a capture shows, by `client` and `server`: what they call themselves, and hosts; else absent."""
    shard: Shard | msgspec.UnsetType = msgspec.UNSET
    """Present in one part of a run that was shared out: no verdict on the whole target."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that is wrong on the main path, found before all checks."""

    name: str
    """`client`, `start`, `pending`, `approval`, `token`, `denial`, `interval` …; later versions may know more."""
    title: str
    """What is wrong, in one sentence."""
    advice: str = ""
    """What to do about it: TOML to add to target.toml, or a sentence."""
    got: str = ""
    """What was answered."""
    curl: str = ""
    """The smallest request that shows it."""
    journal: str = ""
    """What the server wrote of its troubles when it answered 5xx, as in a step."""
    blocks: list[str] = []
    """What cannot be done because of it; empty where all else can be judged."""
    same: list[str] = []
    """Requirements that other checks may find broken by it."""
    security: bool = False
    """Whether it is withheld where results on security requirements are."""


Picture = Annotated[str, msgspec.Meta(pattern="^data:image/jpeg;base64,[A-Za-z0-9+/=]*$", max_length=400_000)]
"""A small one, as an address that needs no network."""


class Exposure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What somebody gets who sends codes of the device grant to others: the part that one check has measured.

    Members are absent where it has not. Never in files that are published, nor where results on security are withheld.
    """

    starts: Count | msgspec.UnsetType = msgspec.UNSET
    """Device authorization requests that were sent in a row for one client."""
    served: Count | msgspec.UnsetType = msgspec.UNSET
    """How many of them were given codes."""
    took: Measure | msgspec.UnsetType = msgspec.UNSET
    """Real seconds for all of them."""
    refusal: str | msgspec.UnsetType = msgspec.UNSET
    """How the first one too many was refused: `429 slow_down`; empty where none was."""
    pause: Measure | msgspec.UnsetType = msgspec.UNSET
    """Seconds that the refusal asks to wait."""
    code_life: Measure | msgspec.UnsetType = msgspec.UNSET
    """Seconds that the codes are said to live."""
    scopes: list[str] | msgspec.UnsetType = msgspec.UNSET
    """Those of the token that comes of the target's usual request; empty where nobody says any."""
    access_life: Measure | msgspec.UnsetType = msgspec.UNSET
    """Seconds that the access token is said to live."""
    refresh_life: Measure | msgspec.UnsetType | None = msgspec.UNSET
    """Seconds that the refresh token is said to live; null: there is one, and nothing names its end."""
    names_client: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether the pages before the decision name the client."""
    names_scopes: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether they say what it is for."""
    names_origin: bool | msgspec.UnsetType = msgspec.UNSET
    """Whether they say from where the request came: an address or a place."""
    warns: bool | msgspec.UnsetType | None = msgspec.UNSET
    """Whether they say to refuse what one did not start; null: in words that have to be read."""
    decline: dict[Slug, Measure] | msgspec.UnsetType = msgspec.UNSET
    """Of what refuses beside what allows: `area` and `font` as shares, `contrast`, `seen` without scrolling."""
    picture: (
        Annotated[str, msgspec.Meta(pattern="^data:image/jpeg;base64,", max_length=400_000)] | msgspec.UnsetType
    ) = msgspec.UNSET
    """The decision in a window of a phone, the code made unreadable."""


class Case(msgspec.Struct, frozen=True, kw_only=True, tag="case", tag_field="kind"):
    """One check that ran, with its transcript."""

    check: Slug
    """Stable name: `polling::test_denial_is_final`; for invariants `invariants`."""
    nodeid: str
    title: str
    """First line of the check's card."""
    card: str
    """The whole card: what we send, what we accept."""
    outcome: Literal["ran", "suite-error", "interrupted"]
    duration: Measure
    """Real seconds."""
    steps: list[Step]
    message: str = ""
    """For suite-error: the traceback's last lines."""
    examples: Count = 0
    """Number of generated examples, for fuzz checks."""
    unsampled: str | msgspec.UnsetType = msgspec.UNSET
    """Why a check that samples judged none of its requirements; absent where it judged one, and from other checks."""
    left_out: str | msgspec.UnsetType = msgspec.UNSET
    """Why the check, or the rest of it, was left out in a polite run; absent where it was carried out."""
    spared: list[str] | msgspec.UnsetType = msgspec.UNSET
    """Requirements that it did not judge for that reason, and others may have."""
    user_module: str | msgspec.UnsetType = msgspec.UNSET
    """What the user module raised of its own, which ended the check; absent where it did not."""
    findings: list[Finding] | msgspec.UnsetType = msgspec.UNSET
    """In the case of the main path: what is wrong on it."""
    exposure: Exposure | msgspec.UnsetType = msgspec.UNSET
    """What the check has measured of what a phisher gets; absent from others."""


class Result(msgspec.Struct, frozen=True, kw_only=True, tag="result", tag_field="kind"):
    """The verdict of one check on one requirement."""

    requirement: Slug
    check: Slug
    source: str
    section: str
    level: str
    party: str
    statement: str
    url: str = ""
    """Link to the section of the source."""
    verdict: Literal["pass", "observed", "not-applicable", "warn", "inconclusive", "untestable", "fail"]
    judged: Count
    """How many times the claim was examined in this check."""
    accepted: list[str] = []
    got: str = ""
    message: str = ""
    measured: dict[str, Measure] | msgspec.UnsetType = msgspec.UNSET
    """What was measured, by name: seconds, or how many of something. Absent where nothing was."""
    why: str = ""
    steps: list[Step] = []
    """The exchanges that show it, for anything but pass."""
    curl: str = ""
    reproduce: str = ""
    """`device-grant run …` command that shows it again."""
    security: bool = False
    expected: Literal["", "deviation", "flaky", "disputed", "unread"] = ""
    """Kind of the baseline entry that expects this verdict; empty: unexpected or fine."""
    reason: str = ""
    """That entry's reason."""
    issue: str = ""
    """That entry's link to the target's issue tracker."""
    blocked_by: str | msgspec.UnsetType = msgspec.UNSET
    """Name of the finding that kept it from being judged; absent where none did."""
    sampled: bool | msgspec.UnsetType = msgspec.UNSET
    """Present and true for a pass of a check that judges what its generated examples reach: another run, which draws
    others, may have no verdict of it."""
    spare: bool | msgspec.UnsetType = msgspec.UNSET
    """In a shard: why a check of samples could not run; counts only if no other check judges the requirement."""


class Footer(msgspec.Struct, frozen=True, kw_only=True, tag="footer", tag_field="kind"):
    """The last line."""

    finished: str
    duration: Measure
    cases: Count
    exchanges: Count
    counts: Counts
    exit_code: Annotated[int, msgspec.Meta(ge=0, le=255)]
    unexpected: list[str]
    """Requirement ids that fail without a baseline entry."""
    stale: list[str]
    """Baseline entries that no longer happen, as `requirement (check)`."""
    expired: list[str] = []
    """Baseline entries whose date has passed, as `requirement (check)`."""
    suite_errors: Count
    withheld: Count = 0
    """Results left out of this file because they are withheld (SECURITY.md)."""
    narrowed: str | msgspec.UnsetType = msgspec.UNSET
    """Why not all checks were run that could have shown what was asked for: it ended at the first failure, or a few
    checks stood for all. Absent: all were run."""


Line = Header | Case | Result | Footer
