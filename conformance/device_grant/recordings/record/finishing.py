"""From what a recorder kept to what may be written: pseudonyms, what cannot be carried, and the last search."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from device_grant import __version__
from device_grant.errors import SuiteError
from device_grant.protocol import Secrets
from device_grant.protocol.redaction import SECRET_MEMBERS
from device_grant.recordings.formats.cassette import Manifest
from device_grant.recordings.formats.taped import FORMAT
from device_grant.recordings.tape import SHARED
from device_grant.targets.config import IntrospectionSection, MutualTls, OtherResourceServer, SigningKeys, UserSection

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from device_grant.recordings.pseudonyms import Pseudonyms
    from device_grant.recordings.record.recorder import RecordingTarget
    from device_grant.recordings.tape import Tape

Verdicts = dict[str, dict[str, str]]
_ALTERED = "altered "
_SEVERAL = 2
"""By check (or invariant) and requirement."""


def manifest_of(target: RecordingTarget, catalogue_revision: str, pseudonyms: Pseudonyms) -> Manifest:
    """What a cassette says of its target; secrets of clients are replaced, and how it is started is left out."""
    clients = tuple(
        msgspec.structs.replace(client, secret=pseudonyms.of(client.secret) or client.secret, certificate="", key="")
        for client in target.config.clients
    )
    token = target.config.registration.initial_access_token
    registration = msgspec.structs.replace(
        target.config.registration, initial_access_token=pseudonyms.of(token) or token
    )
    config = msgspec.structs.replace(
        target.config,
        clients=clients,
        registration=registration,
        introspection=_introspection(target.config.introspection, pseudonyms),
    )
    pages = target.user.pages if target.user else None
    steps = [name for name in ("sign_in", "confirmation", "enter") if getattr(pages, name)] if pages else None
    return Manifest(
        format=FORMAT,
        suite_version=__version__,
        catalogue_revision=catalogue_revision,
        recorded=datetime.now(UTC).date().isoformat(),
        python=platform.python_version(),
        # Signed requests are of their moment: no recording plays them again, and what signs them is nobody's business.
        # Nor does one show what a certificate brought about.
        target=msgspec.structs.replace(config, serve=None, user=UserSection(), iam=SigningKeys(), mtls=MutualTls()),
        base=target.first_base,
        clock=target.clock.kind,  # type: ignore[arg-type]  # the kinds of the three clocks
        in_process=target.in_process,
        user=target.user is not None,
        steps=steps,
        checks=sorted(name for name in target.recorder.tapes if name != SHARED),
    )


def _introspection(section: IntrospectionSection, pseudonyms: Pseudonyms) -> IntrospectionSection:
    def secrets(server: OtherResourceServer) -> dict[str, str]:
        return {
            "secret": pseudonyms.of(server.secret) or server.secret,
            "token": pseudonyms.of(server.token) or server.token,
        }

    other = msgspec.structs.replace(section.other, **secrets(section.other))
    return msgspec.structs.replace(section, other=other, **secrets(section))


def give_up(tape: Tape, reason: str) -> None:
    """Let nothing be judged from a tape that cannot be played."""
    tape.uncarried = {"*": reason}
    tape.entries, tape.actions, tape.waits, tape.cases = [], [], [], {}


def mark_changes(tapes: Mapping[str, Tape], live: Verdicts, replayed: Verdicts) -> None:
    """Note on the tapes which verdicts a replay does not come to."""
    for check, judged in live.items():
        for requirement, verdict in judged.items():
            now = replayed.get(check, {}).get(requirement)
            if now == verdict:
                continue
            # What an invariant says comes from the exchanges of every check.
            for tape in [tapes[check]] if check in tapes else tapes.values():
                if "*" not in tape.uncarried:
                    tape.uncarried[requirement] = "what was recorded does not show what the live run showed"


def differences(one: Verdicts, other: Verdicts) -> list[str]:
    """Where two sets of verdicts differ, one line each."""
    collected = []
    for check in sorted(one.keys() | other.keys()):
        before, after = one.get(check, {}), other.get(check, {})
        for requirement in sorted(before.keys() | after.keys()):
            if before.get(requirement) != after.get(requirement):
                then, now = before.get(requirement, "no verdict"), after.get(requirement, "no verdict")
                collected.append(f"{check}, {requirement}: {then} when it was recorded, {now} now")
    return collected


def genuine(entries: Iterable[tuple[str, str]], again: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    """The secrets of a live run without those that our own requests hold where every genuine one was replaced.

    Nor is a secret what was cut out of one and stands in several, such as the header of every signed one.
    """
    made_up = {entry for entry in again if entry[0] == "authorization" or entry[0].startswith(_ALTERED)}
    left = [entry for entry in entries if entry not in made_up]
    whole = [value for kind, value in left if not kind.startswith(_ALTERED)]
    return [
        (kind, value)
        for kind, value in left
        if not kind.startswith(_ALTERED) or sum(value in one for one in whole) < _SEVERAL
    ]


def search(folder: Path, entries: Iterable[tuple[str, str]]) -> None:
    """Search a finished cassette for secrets, plain and encoded; raises SuiteError with their kinds and files."""
    secrets = Secrets()
    for kind, value in entries:
        # A secret of a client may have been drawn by the server, and may be the user's: then it is one for certain.
        answered = kind.removeprefix(_ALTERED) in SECRET_MEMBERS - {"client_secret"}
        (secrets.adopt if answered else secrets.register_given)(kind, value)
    collected = [
        f"{leak} in {file.name}"
        for file in sorted(folder.iterdir())
        for leak in sorted({leak for view in _views(file) for leak in secrets.leaks(view, secrets.is_no_secret)})
    ]
    if collected:
        raise SuiteError(f"{folder}: a secret would have been written: {', '.join(collected[:5])}; nothing was kept")


def _views(file: Path) -> Iterator[str]:
    text = file.read_text("utf-8")
    yield text
    if file.suffix == ".yaml":
        # Escapes of YAML can hide what is there.
        yield "\n".join(_strings(yaml.load(text, Loader=yaml.CSafeLoader)))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case bytes():
            yield value.decode("latin-1")
        case dict():
            for name, inner in value.items():
                yield from _strings(name)
                yield from _strings(inner)
        case list():
            for inner in value:
                yield from _strings(inner)
