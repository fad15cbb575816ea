"""What the command line calls a target or a client, taken apart: the one place that knows the forms.

A target is `embedded[:DIALECT]`, a URL, `asgi:module:app`, `wsgi:module:app`, `cassette:DIR`, a target.toml, its
folder, or the name of a server that comes with the suite. A client is `honest[:DIALECT[:operations]]`, `-- ` and a
command, `cassette:DIR`, a client.toml, its folder, or a name.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from device_grant.errors import UsageError, nearest
from device_grant.files import is_file
from device_grant.implementations import FILES, described
from device_grant.protocol import dialect as known_dialect

EMBEDDED = "embedded"
HONEST = (EMBEDDED, "honest")
"""Names of the reference client."""
COMMAND = "-- "
"""What stands before the command of a client."""
_APPLICATIONS = ("asgi:", "wsgi:")
_CASSETTE = "cassette:"
_OPERATIONS = "operations"
_HOST = re.compile(r"(?P<name>\[[0-9A-Fa-f:]+\]|[A-Za-z0-9][A-Za-z0-9.-]*)(?P<port>:[0-9]+)?(?:/|$)")
"""What an address begins with."""


class SpecForm(StrEnum):
    """Which of the forms it is."""

    EMBEDDED = "embedded"
    """The reference server or client."""
    LIVE = "live"
    """A URL."""
    APPLICATION = "application"
    """Called in process."""
    CASSETTE = "cassette"
    """A recorded run."""
    COMMAND = "command"
    """A client that no file describes."""
    DESCRIBED = "described"
    """By a target.toml or a client.toml."""


@dataclass(frozen=True)
class Spec:
    """One of them."""

    text: str
    """As it was given."""
    form: SpecForm
    dialect: str = ""
    """Of `embedded:DIALECT`; empty if it names none."""
    operations: bool = False
    """Of `honest:DIALECT:operations`."""
    path: Path = Path()
    """The file that describes it, or the folder of the cassette."""
    command: str = ""

    def spoken(self, dialect: str | None) -> str | None:
        """The dialect that is named here or by an option; raises UsageError where the two contradict each other."""
        if self.dialect and dialect and self.dialect != dialect:
            raise UsageError(f"{self.text} names a dialect, which --dialect {dialect} contradicts")
        return self.dialect or dialect


def parse_target(text: str) -> Spec:
    """Take apart what names a target; raises UsageError if nothing is called so."""
    name, _, rest = text.partition(":")
    if name == EMBEDDED:
        return Spec(text, SpecForm.EMBEDDED, dialect=_known(rest))
    if re.match(r"https?://", text, re.IGNORECASE):
        return Spec(text, SpecForm.LIVE)
    if text.startswith(_APPLICATIONS):
        return Spec(text, SpecForm.APPLICATION)
    if text.startswith(_CASSETTE):
        return Spec(text, SpecForm.CASSETTE, path=Path(text.removeprefix(_CASSETTE)))
    others = f"{EMBEDDED}, a URL, asgi:module:app, wsgi:module:app or the path of a {FILES['servers']}"
    return Spec(text, SpecForm.DESCRIBED, path=_file(text, "servers", "target", (EMBEDDED,), others))


def parse_client(text: str) -> Spec:
    """Take apart what names a client; raises UsageError if nothing is called so."""
    name, _, rest = text.partition(":")
    if name in HONEST:
        dialect, _, kind = rest.partition(":")
        if kind not in ("", _OPERATIONS):
            raise UsageError(f"{text}: unknown kind {kind!r}: write {_OPERATIONS}, or nothing")
        return Spec(text, SpecForm.EMBEDDED, dialect=_known(dialect), operations=kind == _OPERATIONS)
    if text.startswith(_CASSETTE):
        return Spec(text, SpecForm.CASSETTE, path=Path(text.removeprefix(_CASSETTE)))
    if text.startswith(COMMAND):
        return Spec(text, SpecForm.COMMAND, command=text.removeprefix(COMMAND))
    others = f"honest, the path of a {FILES['clients']}, or -- and a command"
    return Spec(text, SpecForm.DESCRIBED, path=_file(text, "clients", "client", HONEST, others))


def _known(dialect: str) -> str:
    return known_dialect(dialect).name if dialect else ""


def _file(text: str, kind: str, noun: str, also: tuple[str, ...], others: str) -> Path:
    known, file_name = described(kind), FILES[kind]
    path = Path(text).expanduser()
    if text in known:
        return known[text] / file_name
    if is_file(path):
        return path
    if path.is_dir():
        if is_file(path / file_name):
            return path / file_name
        raise UsageError(f"{text}: the folder has no {file_name}")
    address = _address(text) if kind == "servers" else ""
    if address:
        raise UsageError(f"{text}: no such file, folder or server; for the address of one write {address}")
    if path.suffix == ".toml" or "/" in text:
        raise UsageError(f"{text}: no such file or folder")
    close = nearest(text, [*known, *also], most=3, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}? Known {kind}: " if close else f"known {kind}: "
    raise UsageError(f"unknown {noun} {text!r}: {hint}{', '.join(known) or 'none'}; else give {others}")


def _address(text: str) -> str:
    """The URL that is meant by an address without its scheme; empty for what looks like none."""
    host = _HOST.match(text)
    if host is None or text.endswith(".toml") or text.startswith("."):
        return ""
    local = host["name"] in ("localhost", "127.0.0.1", "[::1]")
    named = host["port"] or local or "." in host["name"]
    return f"{'http' if local else 'https'}://{text}" if named else ""
