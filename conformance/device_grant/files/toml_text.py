"""Data of a TOML file (v1.0.0), within bounds."""

from __future__ import annotations

import math
import re
import tomllib
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from device_grant.files.json_text import LARGEST, SMALLEST
from device_grant.files.octets import UnreadableFileError, place, read_octets, utf8_of

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from device_grant.files.bounds import Bounds

_DOTTED = re.compile(
    rb"(?<![A-Za-z0-9_-])(?:[A-Za-z0-9_-]++[ \t]*+\.[ \t]*+){100}|(?:\"[^\"\n]*+\"[ \t]*+\.[ \t]*+){100}"
)
"""A key of so many parts that reading it takes time that grows with their square."""
_LONG_NUMBER = re.compile(rb"(?<![0-9A-Za-z_])(?:0[xob])?[0-9A-Fa-f_]{400,}(?![0-9A-Za-z_])")
_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def toml_of(file: Path, bounds: Bounds, *, dates: Collection[str] = (), cure: str = "") -> dict[str, Any]:
    """The data of a file, once its strings show all their characters and its numbers are finite.

    `dates` are the names of keys that may be dates. Raises UnreadableFileError naming line and column, or the key.
    """
    octets = utf8_of(read_octets(file, bounds, cure), file)
    long = _DOTTED.search(octets)
    if long is not None:
        raise UnreadableFileError(f"{file}: a key of too many parts in {place(octets, long.start())}: take it apart")
    try:
        data = tomllib.loads(octets.decode())
    except tomllib.TOMLDecodeError as error:
        raise UnreadableFileError(f"{file}: not TOML: {error}") from None
    except RecursionError:
        raise UnreadableFileError(f"{file}: nested too deeply: at most {bounds.depth} tables in each other") from None
    except ValueError as error:
        # Of numbers and dates, of which the library has no place.
        number = _LONG_NUMBER.search(octets)
        at = f" in {place(octets, number.start())}" if number else ""
        said = "a number of too many digits" if number else f"a number or a date that is none ({error})"
        raise UnreadableFileError(f"{file}: {said}{at}: put it right") from None
    _sound(data, file, bounds, frozenset(dates))
    return data


def _sound(data: dict[str, Any], file: Path, bounds: Bounds, dates: frozenset[str]) -> None:
    values = 0
    waiting: list[tuple[Any, str, str, int]] = [(data, "", "", 0)]
    while waiting:
        value, path, key, depth = waiting.pop()
        if depth > bounds.depth:
            raise UnreadableFileError(
                f"{file}: {path[:100]}…: nested too deeply: at most {bounds.depth} tables in each other"
            )
        inner = _inner(value, path, key)
        values += len(inner)
        if values > bounds.values:
            raise UnreadableFileError(f"{file}: more than {bounds.values} values, which are all that is read")
        why = _wrong(value, allowed=key in dates)
        if why:
            raise UnreadableFileError(f"{file}: {path}: {why}")
        waiting += [(*one, depth + 1) for one in reversed(inner)]


def _inner(value: Any, path: str, key: str) -> list[tuple[Any, str, str]]:
    if isinstance(value, dict):
        before = f"{path}." if path else ""
        return [(one, before + _written(name), name) for name, one in value.items()]
    if isinstance(value, list):
        return [(one, f"{path}[{number}]", key) for number, one in enumerate(value)]
    return []


def _written(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else repr(key)


def _wrong(value: Any, *, allowed: bool) -> str:
    why = ""
    match value:
        case str() if "\0" in value:
            why = "has the character U+0000, which no program, file or header can be given: take it out"
        case bool():
            pass
        case int() if not SMALLEST <= value <= LARGEST:
            why = "a number beyond 64 bits: put it right"
        case float() if not math.isfinite(value):
            why = f"{value} is no number that can be waited for or counted to: give a finite one"
        case datetime() | time():
            why = "a time, which nothing here is: put it in quotes"
        case date() if not allowed:
            why = "a date, which is no text: put it in quotes"
    return why
