"""Cassettes of ours as captures: the manifest tells dialect and endpoints, each tape what it does not carry."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from device_grant.errors import UsageError
from device_grant.protocol import Operation, any_dialect
from device_grant.protocol.dialects import json_object
from device_grant.recordings.formats.capture import Capture, Captured, Format
from device_grant.recordings.formats.cassette import MANIFEST, read
from device_grant.recordings.formats.taped import tapes_of
from device_grant.recordings.tape import SHARED

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from device_grant.recordings.formats.cassette import Cassette
    from device_grant.recordings.tape import Tape, TapedExchange

_ADVERTISED = {
    Operation.REGISTRATION: "registration_endpoint",
    Operation.DEVICE_AUTHORIZATION: "device_authorization_endpoint",
    Operation.TOKEN: "token_endpoint",
}


def read_folder(folder: Path) -> Capture:
    """All tapes of a cassette; raises UsageError in one line that names the file and what is wrong with it."""
    cassette = read(folder)
    return _of(cassette, str(folder), cassette.tapes.values())


def _read(path: Path, data: dict[str, Any]) -> Capture:
    """The tapes in one file of a cassette, or in such a file whose manifest is not beside it."""
    if not (path.parent / MANIFEST).is_file():
        entries = _entries(tapes_of(path, data).values())
        return Capture(str(path), "a tape of device-grant record", entries, parties=("server",))
    cassette = read(path.parent)
    chosen = [tape for tape in cassette.tapes.values() if tape.file == str(path)]
    if not chosen:
        raise UsageError(f"{path}: the manifest beside it names no check that is in it")
    return _of(cassette, str(path), chosen)


FORMAT = Format(
    "a cassette of device-grant record",
    lambda data: isinstance(data, dict) and {"interactions", "device_grant"} <= data.keys(),
    _read,
)


def endpoints_of(cassette: Cassette) -> Mapping[str, Operation]:
    """The recorded server's endpoints by URL: stated, the service's own, or advertised to the recorder."""
    stated, base = cassette.manifest.target.endpoints, cassette.manifest.base
    collected: dict[str, Operation] = {}
    for entry in cassette.tapes[SHARED].entries:
        document = json_object(entry.response) if entry.response is not None else None
        for operation, name in _ADVERTISED.items():
            url = (document or {}).get(name)
            if isinstance(url, str) and entry.request.method == "GET":
                collected[url] = operation
    usual = any_dialect(cassette.manifest.target.dialect).paths
    for operation in _ADVERTISED:
        path = getattr(stated, operation.value)
        if path:
            collected[path if "://" in path else f"{base}/{path.removeprefix('/')}"] = operation
        elif operation in usual:
            collected[base + usual[operation]] = operation
    return collected


def captured(one: TapedExchange, number: int) -> Captured:
    """What a tape holds of one request, without the time at which the tape began."""
    return Captured(number, one.request, one.response, took=one.took, error=one.message or one.error)


def _of(cassette: Cassette, file: str, tapes: Iterable[Tape]) -> Capture:
    return Capture(
        file,
        "a cassette of device-grant record",
        _entries(tapes),
        parties=("server",),
        endpoints=endpoints_of(cassette),
        dialect=cassette.manifest.target.dialect,
    )


def _entries(tapes: Iterable[Tape]) -> tuple[Captured, ...]:
    """What the checks sent; not what was said over raw sockets, nor what the user's browser asked for."""
    entries: list[Captured] = []
    for tape in tapes:
        began = 0.0 if tape.name == SHARED else tape.began
        for one in tape.entries:
            if not one.raw and one.action is None:
                plain = captured(one, len(entries) + 1)
                name = f"{tape.name}, {one.label}"
                entries.append(replace(plain, started=began + one.at, name=name, unsettled=tape.uncarried))
    return tuple(entries)
