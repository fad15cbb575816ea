"""From what the command line says to a located configuration: URLs, applications, target.toml, known servers."""

from __future__ import annotations

import os
import re
import types
import typing
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, get_args, get_origin
from urllib.parse import urlsplit

import msgspec

from device_grant.errors import UsageError, nearest, one_of
from device_grant.files import CONFIGURATION, reason_of, toml_of
from device_grant.implementations import FILES, described
from device_grant.protocol import any_dialect, default_dialect
from device_grant.targets.addresses import unaskable
from device_grant.targets.config import (
    ClockSection,
    EndpointsSection,
    Located,
    OtherResourceServer,
    Serve,
    TargetConfig,
)
from device_grant.targets.spec import SpecForm, parse_target
from device_grant.targets.validate import contradictions

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")
ResourceServer = TypeVar("ResourceServer", bound=OtherResourceServer)
Placed = TypeVar("Placed", bound=msgspec.Struct)
_WRONG_CHOICE = "Invalid enum value "
"""What msgspec says before the representation of a word that is none of those which a key takes."""
_SHOWN = 200
"""Characters of a key that a message repeats."""
_QUOTES = "\"'"

FILE_NAME = FILES["servers"]


def known_servers() -> dict[str, Path]:
    """Folders of the real servers that come with the suite, by name, in alphabetical order."""
    return described("servers")


def resolve(spec: str, *, dialect: str | None = None) -> Located:
    """Locate a target: a URL, `asgi:…` or `wsgi:…`, a target.toml or its folder, or a known server's name.

    `dialect` says which one a URL or an application speaks (default rfc8628); it may not contradict a target.toml.
    Raises UsageError in one line that says what is wrong, where, and what to do.
    """
    if dialect is not None:
        any_dialect(dialect)
    named = parse_target(spec)
    match named.form:
        case SpecForm.LIVE:
            return _live(spec, dialect)
        case SpecForm.APPLICATION:
            return _application(spec, dialect)
        case SpecForm.DESCRIBED:
            located = read_target(named.path, spec=spec)
        case _:
            raise UsageError(f"{spec} is described by no {FILE_NAME}")
    if dialect is not None and dialect != located.config.dialect:
        raise UsageError(
            f"{spec} speaks {located.config.dialect} ({located.file}), which --dialect {dialect} contradicts: "
            "leave the option out"
        )
    return located


def read_target(file: Path, *, spec: str | None = None) -> Located:
    """Read and check one target.toml; raises UsageError with file, key and reason."""
    config = _with_places(_with_secrets(read_config(file, TargetConfig), file), file.resolve().parent)
    located = Located(config=config, folder=file.resolve().parent, spec=spec or str(file), file=file.resolve())
    for problem in contradictions(located):
        raise UsageError(f"{file}: {problem}")
    return located


def _with_places(config: TargetConfig, folder: Path) -> TargetConfig:
    """The configuration with whole paths of client certificates, which are read when they are shown."""

    def placed(table: Placed) -> Placed:
        places = {name: getattr(table, name) for name in ("certificate", "key")}
        return msgspec.structs.replace(table, **{name: str(folder / place) for name, place in places.items() if place})

    return msgspec.structs.replace(
        config, mtls=placed(config.mtls), clients=tuple(placed(client) for client in config.clients)
    )


def _with_secrets(config: TargetConfig, file: Path) -> TargetConfig:
    """The configuration with what it takes from the environment; raises UsageError for what is not there."""

    def secret(variable: str, key: str, written: str) -> str:
        if not variable:
            return written
        if written:
            raise UsageError(f"{file}: {key}: says the same as {key.removesuffix('_env')}: keep one")
        value = os.environ.get(variable, "")
        if not value:
            raise UsageError(f"{file}: {key}: the environment has no {variable}, or it is empty: set it")
        return value

    clients = tuple(
        msgspec.structs.replace(
            client, secret=secret(client.secret_env, f"clients[{number}].secret_env", client.secret), secret_env=""
        )
        for number, client in enumerate(config.clients)
    )
    registration = config.registration
    token = secret(
        registration.initial_access_token_env,
        "registration.initial_access_token_env",
        registration.initial_access_token,
    )
    registration = msgspec.structs.replace(registration, initial_access_token=token, initial_access_token_env="")
    iam = config.iam
    iam = msgspec.structs.replace(
        iam,
        secret_key=secret(iam.secret_key_env, "iam.secret_key_env", iam.secret_key),
        session_token=secret(iam.session_token_env, "iam.session_token_env", iam.session_token),
        secret_key_env="",
        session_token_env="",
    )

    def asking(server: ResourceServer, key: str) -> ResourceServer:
        known = secret(server.secret_env, f"{key}.secret_env", server.secret)
        token = secret(server.token_env, f"{key}.token_env", server.token)
        return msgspec.structs.replace(server, secret=known, token=token, secret_env="", token_env="")

    introspection = asking(config.introspection, "introspection")
    introspection = msgspec.structs.replace(introspection, other=asking(introspection.other, "introspection.other"))
    return msgspec.structs.replace(
        config, clients=clients, registration=registration, iam=iam, introspection=introspection
    )


def read_config(file: Path, kind: type[T]) -> T:
    """Read a TOML file of that form; raises UsageError in one line that says where and what is wrong."""
    data = toml_of(file, CONFIGURATION)
    unknown = _unknown_key(kind, data, "")
    if unknown is not None:
        raise UsageError(f"{file}: {unknown}")
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise UsageError(f"{file}: {_readable(error, kind)}") from error


def _live(spec: str, dialect: str | None) -> Located:
    try:
        parts = urlsplit(spec)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{spec}: not a URL: {error}") from error
    if not host:
        raise UsageError(f"{spec}: the URL names no host")
    why = unaskable(spec)
    if why:
        raise UsageError(f"{spec}: not a URL that can be asked: {why}")
    if parts.username is not None or parts.password is not None:
        # Repeating it would write the credentials into logs.
        raise UsageError(f"the URL of {host} holds credentials: leave them out, the suite sends none with it")
    if parts.query or parts.fragment:
        raise UsageError(f"{spec}: a base URL has no query and no fragment")
    config = TargetConfig(
        name=host if port is None else f"{host}:{port}",
        dialect=dialect or default_dialect().name,
        endpoints=EndpointsSection(base=spec.rstrip("/")),
    )
    return Located(config=config, folder=Path.cwd(), spec=spec)


def _application(spec: str, dialect: str | None) -> Located:
    config = TargetConfig(
        name=spec.partition(":")[2],
        dialect=dialect or default_dialect().name,
        serve=Serve(app=spec),
        clock=ClockSection(kind="travel"),
    )
    located = Located(config=config, folder=Path.cwd(), spec=spec)
    for problem in contradictions(located):
        raise UsageError(f"{spec}: {problem}")
    return located


def _unknown_key(kind: object, data: object, path: str) -> str | None:
    """The first key of the tree that the structs do not know, said as a sentence."""
    struct = _struct_of(kind)
    if struct is None:
        return None
    if isinstance(data, list):
        places = ((f"{path}[{index}]", item) for index, item in enumerate(data))
        return next((result for place, item in places if (result := _unknown_key(struct, item, place))), None)
    if not isinstance(data, dict):
        return None
    fields = typing.get_type_hints(struct)
    for key, value in data.items():
        place = f"{path}.{key}" if path else key
        if key not in fields:
            close = nearest(key, fields, cutoff=0.5)
            hint = f"did you mean {close[0]}?" if close else f"known here: {', '.join(fields)}"
            return f"{place[:_SHOWN]}: unknown key; {hint}"
        result = _unknown_key(fields[key], value, place)
        if result:
            return result
    return None


def _struct_of(kind: object) -> type[msgspec.Struct] | None:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind
    if get_origin(kind) in (types.UnionType, typing.Union, tuple):
        return next((struct for part in get_args(kind) if (struct := _struct_of(part))), None)
    return None


def _readable(error: msgspec.ValidationError, kind: object) -> str:
    """The message of msgspec with the key in front, as a person would write the path."""
    path, reason = reason_of(error)
    reason = reason.replace("Object missing", "missing").replace("required field", "the key")
    for json_name, toml_name in (("`object`", "a table"), ("`array`", "an array"), ("`bool`", "true or false")):
        reason = reason.replace(json_name, toml_name)
    if reason.startswith(_WRONG_CHOICE):
        word = reason.removeprefix(_WRONG_CHOICE)
        reason = f"unknown value {word}; {one_of(word.strip(_QUOTES), _choices(kind, path))}"
    return f"{path}: {reason}" if path else reason


def _choices(kind: object, path: str) -> list[str]:
    """What a key takes that takes one of a few words, in the order of its type."""
    for name in re.sub(r"\[[^\]]*\]", "", path).split("."):
        kind = typing.get_type_hints(_struct_of(kind))[name]
    return [word for word in _words(kind) if word]


def _words(kind: object) -> Iterator[str]:
    for part in get_args(kind):
        if isinstance(part, str):
            yield part
        else:
            yield from _words(part)
