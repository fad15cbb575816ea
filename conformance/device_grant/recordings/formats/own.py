"""Cassettes of ours: the manifest tells the dialect and the endpoints, each tape what it does not carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.errors import UsageError
from device_grant.protocol import AWS_SSO_OIDC, Operation, Response, service_model
from device_grant.protocol.dialects import AWS_OPERATIONS, json_object
from device_grant.recordings.formats.capture import Capture, Entry
from device_grant.recordings.formats.cassette import file_name, read
from device_grant.recordings.formats.tape import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from device_grant.recordings.cassette import Cassette
    from device_grant.recordings.formats import tape as tape_format
    from device_grant.recordings.formats.tape import Tape

_ADVERTISED = {
    Operation.REGISTRATION: "registration_endpoint",
    Operation.DEVICE_AUTHORIZATION: "device_authorization_endpoint",
    Operation.TOKEN: "token_endpoint",
}


def read_folder(folder: Path) -> Capture:
    """All tapes of a cassette; raises UsageError as `device_grant.recordings.cassette.read` does."""
    cassette = read(folder)
    return _capture(str(folder), cassette, cassette.tapes.values())


def read_file(path: Path) -> Capture:
    """One tape of a cassette."""
    cassette = read(path.parent)
    chosen = [tape for name, tape in cassette.tapes.items() if file_name(name) == path.name]
    if not chosen:
        raise UsageError(f"{path}: the manifest beside it does not name this tape")
    return _capture(str(path), cassette, chosen)


def endpoints_of(cassette: Cassette) -> Mapping[str, Operation]:
    """The recorded server's endpoints by URL: stated, the service's own, or advertised to the recorder."""
    stated, base = cassette.manifest.target.endpoints, cassette.manifest.base
    found: dict[str, Operation] = {}
    for entry in cassette.tapes[SHARED].entries:
        document = json_object(Response(entry.got.status, (), entry.got.content)) or {}
        for operation, name in _ADVERTISED.items():
            if isinstance(document.get(name), str) and entry.sent.method == "GET":
                found[document[name]] = operation
    for operation in _ADVERTISED:
        path = getattr(stated, operation.value)
        if path:
            found[path if "://" in path else f"{base}/{path.removeprefix('/')}"] = operation
        elif cassette.manifest.target.dialect == AWS_SSO_OIDC:
            found[base + service_model.operation(AWS_OPERATIONS[operation]).path] = operation
    return found


def entry_of(one: tape_format.Entry, number: int) -> Entry:
    """What a tape holds of one request, without the time at which the tape began."""
    return Entry(
        number=number,
        method=one.sent.method,
        url=one.sent.url,
        headers=one.sent.headers,
        content=one.sent.content,
        status=one.got.status,
        answered=one.got.headers,
        answer=one.got.content,
        took=one.took,
        error=one.got.message or one.got.error,
    )


def _capture(file: str, cassette: Cassette, tapes: Iterable[Tape]) -> Capture:
    entries: list[Entry] = []
    for tape in tapes:
        for one in tape.entries:
            if not one.sent.method or one.action is not None:
                continue
            began = 0.0 if tape.name == SHARED else tape.began
            entries.append(
                replace(
                    entry_of(one, len(entries) + 1),
                    started=began + one.at,
                    name=f"{tape.name}, {one.label}",
                    unsettled=tape.uncarried,
                )
            )
    return Capture(
        file,
        "a cassette of device-grant record",
        tuple(entries),
        parties=("server",),
        endpoints=endpoints_of(cassette),
        dialect=cassette.manifest.target.dialect,
    )
