"""Keeps what a client did in each scenario, and makes of it what may be written."""

from __future__ import annotations

import base64
import binascii
import os
import re
import secrets as entropy
import socket
import sys
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Literal, Self
from urllib.parse import parse_qsl, urlsplit

from device_grant import __version__
from device_grant.client.drivers.invocation import MARK
from device_grant.client.session.attempt import KINDS, is_log
from device_grant.implementations import PACKAGE
from device_grant.protocol.dpop import HEADER
from device_grant.protocol.reading import basic, members_of
from device_grant.protocol.redaction import SECRET_MEMBERS, forms
from device_grant.recordings.formats.sessions import (
    ALIASES,
    ELSEWHERE,
    FORMAT,
    HERE,
    LENGTH,
    OWNERS,
    ClientSessions,
    Head,
    LeftFile,
    RecordedRun,
    RunLine,
    SeenVisit,
    SentLine,
    as_text,
    digest,
    name_of,
    without_start,
)
from device_grant.recordings.pseudonyms import Pseudonyms

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from device_grant.client.drivers.config import ClientConfig
    from device_grant.client.drivers.invocation import Driver, Ended, Invocation, Kept
    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.replies import Reply
    from device_grant.protocol import Exchange, Request

LARGEST_FILE = 4096
"""Octets of a file under HOME that is kept: what is larger is a cache and no record of a login."""
# A verifier is worth nothing without its code, and what is made of it has to fit it when it is played again.
_OWN = {*(SECRET_MEMBERS - {"code_verifier"}), "assertion", "client_assertion", "password"}
_SECRET_NAME = re.compile(r"TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|API_?KEY", re.IGNORECASE)
_SHORTEST = 8
_TEMPORARY = re.compile(
    re.escape(tempfile.gettempdir()) + r"/device-grant-(home|client|browser)-[A-Za-z0-9_]+(?:\.(?:out|err))?"
)


@dataclass(frozen=True)
class _Taken:
    invocation: Invocation
    ended: Ended
    files: tuple[Kept, ...]
    glimpsed: tuple[Kept, ...]


@dataclass
class RecordingDriver:
    """Runs the client as another driver does, and keeps what came of each run."""

    inner: Driver
    taken: list[_Taken] = field(default_factory=list)

    def __enter__(self) -> Self:
        self.inner.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self.inner.__exit__(None, None, None)

    @property
    def config(self) -> ClientConfig:
        """The client's."""
        return self.inner.config

    @property
    def spec(self) -> str:
        """What the client is called."""
        return self.inner.spec

    @property
    def network(self) -> str:
        """As the driver that is recorded."""
        return self.inner.network

    @property
    def clock(self) -> str:
        """Of the client."""
        return self.inner.clock

    @property
    def scale(self) -> float:
        """Of the client's time."""
        return self.inner.scale

    def rest(self, seconds: float, ended: Ended) -> None:
        """Let time pass between two runs."""
        self.inner.rest(seconds, ended)

    @property
    def signed(self) -> frozenset[str]:
        """Scenarios with a request whose proof says where it went: with another address in it, it is none any more."""
        return frozenset(
            taken.invocation.scenario
            for taken in self.taken
            for authority in _authorities(taken.invocation)
            for request, _ in authority.answered
            if request.header(HEADER) is not None
        )

    def run(self, invocation: Invocation) -> Ended:
        """Run the client once."""
        ended = self.inner.run(invocation)
        home = invocation.home
        # Now: the next run may share this HOME.
        self.taken.append(_Taken(invocation, ended, home.files(), home.glimpsed))
        return ended


@dataclass(frozen=True)
class Scope:
    """Which scenarios are kept, and how much of them."""

    scenarios: frozenset[str]
    discreet: bool = False
    """Whether results on security requirements are withheld: then nothing is kept that only they are judged by."""


def sessions_of(driver: RecordingDriver, revision: str, scope: Scope) -> ClientSessions:
    """What may be written of the runs: no address, path or name of the machine, no secret of the client's own."""
    head = Head(
        format=FORMAT,
        suite_version=__version__,
        catalogue_revision=revision,
        recorded=datetime.now(UTC).date().isoformat(),
        client=without_start(driver.config),
        clock=driver.clock,
        scale=driver.scale,
        withheld=["security"] if scope.discreet else [],
    )
    wanted = [one for one in driver.taken if not one.invocation.scenario or one.invocation.scenario in scope.scenarios]
    own, key = own_secrets(driver), entropy.token_bytes(32)
    sessions = ClientSessions(head)
    sessions.runs |= {name: [] for name in scope.scenarios}
    for taken in wanted:
        pen = _Pen(taken, Pseudonyms(own, key), discreet=scope.discreet)
        sessions.runs[taken.invocation.scenario].append(pen.run())
    _share_fields(sessions)
    return sessions


def _share_fields(sessions: ClientSessions) -> None:
    """Keep header fields once that requests have in common; each request keeps the values that others have not."""
    alike: dict[tuple[str, ...], list[SentLine]] = {}
    for run in (run for runs in sessions.runs.values() for run in runs):
        for entry in run.sent:
            alike.setdefault(tuple(entry.own[::2]), []).append(entry)
    for names, entries in alike.items():
        values = [set(column) for column in zip(*(entry.own[1::2] for entry in entries), strict=True)]
        fields = [(name, *seen) if len(seen) == 1 else (name, None) for name, seen in zip(names, values, strict=True)]
        sessions.fields[name_of(fields)] = fields
        for entry in entries:
            entry.fields = name_of(fields)
            entry.own = [value for value, seen in zip(entry.own[1::2], values, strict=True) if len(seen) > 1]


def own_secrets(driver: RecordingDriver) -> list[tuple[str, str]]:
    """Kind and value of what the client sent and did not have from us: secrets of its own."""
    ours = {value for taken in driver.taken for value in _ours(taken.invocation)}
    collected: dict[tuple[str, str], None] = {}
    for taken in driver.taken:
        for authority in _authorities(taken.invocation):
            for request, _ in authority.answered:
                for kind, value in _secrets_of(request):
                    if len(value) >= _SHORTEST and value not in ours and not any(one in value for one in ours):
                        collected[kind, value] = None
    return list(collected)


def of_the_machine() -> list[tuple[str, str]]:
    """Values of the environment that look like secrets: none may be in what is written."""
    return [
        (f"environment variable {name}", value)
        for name, value in os.environ.items()
        if _SECRET_NAME.search(name) and len(value) >= _SHORTEST and not value.startswith("/")
    ]


def _authorities(invocation: Invocation) -> list[Authority]:
    return [invocation.authority, *([invocation.elsewhere] if invocation.elsewhere else [])]


def _ours(invocation: Invocation) -> Iterator[str]:
    yield from (value for value in invocation.given.values() if len(value) >= _SHORTEST)
    for authority in _authorities(invocation):
        yield from (value for values in authority.issued.values() for value in values if len(value) >= _SHORTEST)


def _secrets_of(request: Request) -> Iterator[tuple[str, str]]:
    wanted = {name.replace("_", "") for name in _OWN}
    pairs = [*members_of(request), *parse_qsl(urlsplit(request.url).query)]
    for name, value in pairs:
        if isinstance(value, str) and name.replace("_", "").casefold() in wanted:
            yield "client_secret" if "secret" in name.casefold() else "sent by the client", value
    _, _, credentials = (request.header("authorization") or "").partition(" ")
    decoded = basic(request)
    if decoded is not None:
        yield "client_secret", decoded.password
    elif credentials:
        yield "authorization", credentials


@dataclass
class _Pen:
    """Writes one run down."""

    taken: _Taken
    pseudonyms: Pseudonyms
    discreet: bool

    def __post_init__(self) -> None:
        invocation = self.taken.invocation
        places = [(invocation.authority.base, HERE)]
        if invocation.elsewhere:
            places.append((invocation.elsewhere.base, ELSEWHERE))
        mutual = invocation.authority.mutual
        if mutual and mutual.base != invocation.authority.base:
            places.append((mutual.base, ALIASES))
        for base, instead in places:
            host = base.partition("://")[2]
            # Behind a proxy it has the name that the client knows, which is nobody's port.
            if host.partition(":")[2].isdigit():
                self.pseudonyms.stand_in(host, instead, folded=False)
        for path, instead in machine_paths(str(invocation.home.path)):
            self.pseudonyms.stand_in(path, instead, folded=False)
        name = socket.gethostname()
        if len(name) > 4 and name != "localhost":  # noqa: PLR2004 - shorter ones turn up inside ordinary words
            self.pseudonyms.stand_in(name, "machine", folded=False)

    def tidy(self, text: str) -> str:
        """The text without what is the machine's or a secret."""
        return _TEMPORARY.sub(r"/tmp/device-grant-\1", self.pseudonyms.text(text))  # noqa: S108 - no file, a word

    def run(self) -> RecordedRun:
        """The run with its requests, each with the names and values of its header fields in turn as its `own`."""
        taken, invocation = self.taken, self.taken.invocation
        line = RunLine(
            operation=invocation.operation,
            at=round(taken.ended.at, 4),
            status=taken.ended.status,
            overdue=taken.ended.overdue,
            stdout=self._lines(taken.ended.stdout),
            stderr=self._lines(taken.ended.stderr),
            opened=[self.tidy(one) for one in taken.ended.opened],
            visits=[
                SeenVisit(url=self.tidy(one.url), status=one.status, problem=one.problem) for one in taken.ended.visits
            ],
            refused=list(taken.ended.refused_hosts),
            files=list(self._files(taken.files)),
            glimpsed=[] if self.discreet else list(self._files(taken.glimpsed)),
        )
        sent = [
            self._sent(authority, request, reply)
            for authority in _authorities(invocation)
            for request, reply in authority.answered
        ]
        return RecordedRun(line, sent)

    def _lines(self, text: str) -> list[str]:
        lines = self.tidy(text).splitlines(keepends=True)
        if not self.discreet:
            return lines
        hidden = self._secret_forms()
        return [line for line in lines if line.startswith(MARK) or not any(form in line for form in hidden)]

    def _secret_forms(self) -> set[str]:
        invocation = self.taken.invocation
        values = [invocation.given.get(kind.upper(), "") for kind in KINDS]
        values += [value for one in _authorities(invocation) for kind in KINDS for value in one.issued.get(kind, ())]
        return {form for value in values if len(value) >= _SHORTEST for form in forms(value)}

    def _files(self, files: Iterable[Kept]) -> Iterator[LeftFile]:
        for file in files:
            if len(file.content) > LARGEST_FILE or (self.discreet and is_log(file.path)):
                continue
            text, latin = as_text(file.content)
            mode = "" if self.discreet or file.mode == OWNERS else f"{file.mode:o}"
            yield LeftFile(path=self.tidy(file.path), mode=mode, text=self.tidy(text), latin=latin)

    def _sent(self, authority: Authority, request: Request, reply: Reply) -> SentLine:
        exchange = authority.noted.get(id(request))
        text, latin = as_text(request.content)
        length = str(len(request.content))
        fields = [
            (name, LENGTH if name.lower() == "content-length" and value == length else self._field(name, value))
            for name, value in request.headers
        ]
        headers = tuple((field_name, self.tidy(value)) for field_name, value in reply.headers)
        said = digest(replace(reply, headers=headers, content=self.pseudonyms.octets(reply.content)))
        at = exchange.started if exchange else 0.0
        url = request.url.removeprefix(authority.base)
        return SentLine(
            at=round(at, 4),
            took=round(exchange.ended - at, 4) if exchange else 0.0,
            said=said,
            send=f"{request.method} {self.tidy(url)}",
            fields="",
            own=[word for pair in fields for word in pair],
            body=self.tidy(text),
            latin=latin,
            by=exchange.connection if exchange else "1",
            fate=_fate(exchange, reply),
            elsewhere=authority is self.taken.invocation.elsewhere,
            certified=request.certificate is not None,
            unseen=exchange is None,
        )

    def _field(self, name: str, value: str) -> str:
        """The value of a header field; credentials of Basic hide what they are made of."""
        scheme, _, credentials = value.partition(" ")
        if name.lower() != "authorization" or scheme.lower() != "basic":
            return self.tidy(value)
        try:
            inside = base64.b64decode(credentials, validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return self.tidy(value)
        written = self.tidy(inside)
        return value if written == inside else f"{scheme} {base64.b64encode(written.encode()).decode()}"


def _fate(exchange: Exchange | None, reply: Reply) -> Literal["", "missed", "hang"]:
    """What became of the answer where that is not what the script has made of it."""
    if exchange is None or exchange.error == reply.error:
        return ""
    return "missed" if exchange.error == replace(reply, fate="missed").error else "hang"


def machine_paths(home: str) -> Sequence[tuple[str, str]]:
    """Folders of this machine, and what stands for each in a recording; the client's HOME first."""
    from device_grant.targets.environments import cache_folder

    here, repository, person = Path.cwd(), PACKAGE.parent.parent, Path.home()
    places = [
        (home, "/person"),
        (str(cache_folder()), "/cache"),
        (sys.prefix, "/python"),
        (str(repository), "/suite"),
        (str(here), "/here"),
        (str(person), "/somebody"),
    ]
    # Of a folder at the very top the name alone would be too common a word.
    return [(path, instead) for path, instead in places if len(PurePath(path).parts) > 2 or path == str(person) != "/"]  # noqa: PLR2004 - root and one name
