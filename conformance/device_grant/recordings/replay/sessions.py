"""Plays a client that was recorded: its requests meet the script again, and it ends as it ended."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Self

from device_grant.client.drivers.invocation import Ended, Kept
from device_grant.client.drivers.visiting import Visit
from device_grant.errors import UsageError
from device_grant.protocol import Request
from device_grant.protocol.certificates import ClientCertificate
from device_grant.recordings.formats.sessions import (
    ALIASES,
    ELSEWHERE,
    FIRST,
    HERE,
    LENGTH,
    OWNERS,
    SESSIONS,
    as_octets,
    digest,
    read_sessions,
)
from device_grant.targets.ports import NotHeld

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from device_grant.client.drivers.config import ClientConfig
    from device_grant.client.drivers.invocation import Invocation
    from device_grant.client.scripted.authority import Authority
    from device_grant.recordings.formats.sessions import ClientSessions, LeftFile, RecordedRun, SentLine


class ReplayDriver:
    """A recorded client; entering it blocks the network, leaving it opens it again."""

    def __init__(self, sessions: ClientSessions, spec: str) -> None:
        """What was read, and what the command line calls it."""
        head = sessions.head
        self.head = head
        self.config: ClientConfig = head.client
        self.spec = spec
        self.clock = head.clock
        self.network = ""
        self.scale = head.scale
        self._sessions = sessions
        self._played: dict[str, int] = {}

    def __enter__(self) -> Self:
        from pytest_recording.network import block

        block()
        return self

    def __exit__(self, *_: object) -> None:
        from pytest_recording.network import unblock

        unblock()

    @property
    def begun(self) -> bool:
        """Whether the first runs were recorded; they are not where the client was given faults."""
        return bool(self._sessions.runs[FIRST])

    def holds(self, name: str) -> bool:
        """Whether that scenario was recorded."""
        return name in self._sessions.runs

    @property
    def leftovers(self) -> list[str]:
        """Runs that a scenario did not ask for any more, one line each."""
        return [
            f"{self.spec}: {scenario or 'the first login'}: {recorded} runs of the client were recorded, and {played} "
            "are asked for now: record it again"
            for scenario, played in sorted(self._played.items())
            if played < (recorded := len(self._sessions.runs[scenario]))
        ]

    def rest(self, seconds: float, ended: Ended) -> None:
        """No time passes."""

    def run(self, invocation: Invocation) -> Ended:
        """Send again what was sent in this run; raises NotHeld where there is none, or it met another script."""
        runs = self._sessions.runs.get(invocation.scenario, [])
        run = runs[invocation.number - 1] if 0 < invocation.number <= len(runs) else None
        where = f"{self.spec}: {invocation.scenario or 'the first login'}, run {invocation.number}"
        if run is None or run.line.operation != invocation.operation:
            raise NotHeld(f"{where}: not recorded: record it again")
        self._played[invocation.scenario] = max(self._played.get(invocation.scenario, 0), invocation.number)
        self._name(invocation)
        for entry in run.sent:
            authority = invocation.elsewhere if entry.elsewhere else invocation.authority
            if authority is None:
                raise NotHeld(
                    f"{where}: a request went to another origin, which there is not any more: record it again"
                )
            self._send(authority, entry, where)
        invocation.home.left = _kept(run.line.files)
        invocation.home.glimpsed = _kept(run.line.glimpsed)
        return _ended(run)

    def _name(self, invocation: Invocation) -> None:
        """Give the servers their addresses, as the driver of a process does."""
        connect = self.config.connect
        here = f"{'https' if invocation.certificate else 'http'}://{HERE}"
        invocation.authority.base = f"https://{connect.hosts[0]}" if connect.how == "proxy" else here
        mutual = invocation.authority.mutual
        if mutual is not None:
            mutual.base = invocation.authority.base if connect.how == "proxy" else f"https://{ALIASES}"
        if invocation.elsewhere is not None:
            scheme = "https" if invocation.elsewhere_certificate else "http"
            invocation.elsewhere.base = invocation.authority.elsewhere = f"{scheme}://{ELSEWHERE}"

    def _send(self, authority: Authority, entry: SentLine, where: str) -> None:
        content = as_octets(entry.body, entry.latin)
        method, _, target = entry.send.partition(" ")
        own = iter(entry.own)
        stated = [
            (name, next(own, "") if value is None else value) for name, value in self._sessions.fields[entry.fields]
        ]
        fields = tuple((name, str(len(content)) if value == LENGTH else value) for name, value in stated)
        request = Request(method, target if "://" in target else authority.base + target, fields, content)
        try:
            # Of the certificate nothing is kept but that it was there.
            shown = ClientCertificate("") if entry.certified else None
            request = replace(request, operation=authority.operation(request), certificate=shown)
            reply = authority.answer(request)
        except ValueError as error:
            raise NotHeld(f"{where}: {entry.send[:200]!r} is no request ({error}): record it again") from None
        said = digest(reply)
        if said != entry.said:
            raise NotHeld(
                f"{where}: {entry.send.partition('?')[0]} was answered {entry.said}, and the script now says {said}: "
                "record it again"
            )
        if not entry.unseen:
            seen = replace(reply, fate=entry.fate) if entry.fate else reply
            authority.record(request, seen, entry.at, entry.at + entry.took, entry.by)


def open_sessions(folder: Path, spec: str) -> ReplayDriver:
    """The recorded client in a folder; raises UsageError as `read_sessions` does."""
    sessions = read_sessions(folder)
    if sessions.head.client.connect.how == "proxy" and not sessions.head.client.connect.hosts:
        raise UsageError(f"{folder / SESSIONS}: a client behind a proxy has no hosts: it was edited; record it again")
    return ReplayDriver(sessions, spec)


def _ended(run: RecordedRun) -> Ended:
    line = run.line
    return Ended(
        line.status,
        "".join(line.stdout),
        "".join(line.stderr),
        line.at,
        tuple(line.refused),
        line.overdue,
        tuple(line.opened),
        tuple(Visit(one.url, one.status, one.problem) for one in line.visits),
    )


def _kept(files: Iterable[LeftFile]) -> tuple[Kept, ...]:
    return tuple(
        Kept(file.path, int(file.mode, 8) if file.mode else OWNERS, as_octets(file.text, file.latin)) for file in files
    )
