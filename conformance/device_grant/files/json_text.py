"""Data of a JSON text (RFC 8259), within bounds."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import msgspec

from device_grant.files.octets import UnreadableFileError, place, utf8_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.files.bounds import Bounds

_PIECE = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[^"]+', re.DOTALL)
"""A string, or what is between two."""
_MARKS = (b",", b"[", b"{")
"""With one of these a value begins."""
_QUOTE = ord('"')
_LONGEST_NUMBER = 400
"""Digits of a number; those of a double have fewer."""
SMALLEST, LARGEST = -(2**63), 2**64 - 1
"""Integers beyond these are no count and no time of anything."""


class _OddNumber(ValueError):  # noqa: N818 - never leaves this module
    """A number that no reader wants."""


def json_of(octets: bytes, where: object, bounds: Bounds, cure: str = "was it cut off?") -> Any:
    """The data of a JSON text in UTF-8; of members of one name the last counts, as everywhere.

    Half a surrogate pair, which JSON can escape and browsers write, is in its strings as it is. Raises
    UnreadableFileError naming line and column.
    """
    octets = utf8_of(octets, where)
    if not octets.strip():
        raise UnreadableFileError(f"{where}: empty: {cure}")
    within(octets, where, bounds)
    try:
        data = msgspec.json.decode(octets)
    except RecursionError:
        raise _too_deep(octets, where, bounds) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        data = _explained(octets, where, bounds, cure)
    _sound(data, octets, where, bounds)
    return data


def within(octets: bytes, where: object, bounds: Bounds) -> None:
    """Raise UnreadableFileError for a text that has more values than the bounds allow."""
    if sum(octets.count(mark) for mark in _MARKS) <= bounds.values:
        return
    values = 0
    for piece in _PIECE.finditer(octets):
        begin, end = piece.span()
        if octets[begin] == _QUOTE:
            values += 1
        else:
            # One of them belongs to the string that comes next, or came before.
            values += max(0, sum(octets.count(mark, begin, end) for mark in _MARKS) - 1)
        if values > bounds.values:
            raise UnreadableFileError(
                f"{where}: more than {bounds.values} values, which are all that is read: give a smaller one"
            )


def _marks(octets: bytes, wanted: bytes) -> Iterator[tuple[int, int]]:
    """Which of the wanted octets stand outside of strings, and where; strings count for one of their own, 0."""
    one = re.compile(b"[" + re.escape(wanted) + b"]")
    for piece in _PIECE.finditer(octets):
        if octets[piece.start()] == _QUOTE:
            yield 0, piece.start()
        else:
            for mark in one.finditer(octets, piece.start(), piece.end()):
                yield mark[0][0], mark.start()


def _explained(octets: bytes, where: object, bounds: Bounds, cure: str) -> Any:
    """The data, with half a surrogate pair, which msgspec refuses; else what is wrong, and where."""
    try:
        return json.loads(octets.decode(), parse_constant=_number, parse_int=_number, parse_float=_number)
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        raise UnreadableFileError(f"{where}: not JSON in {place} ({error.msg}): {cure}") from None
    except RecursionError:
        raise _too_deep(octets, where, bounds) from None
    except _OddNumber as error:
        raise _odd(octets, where, str(error)) from None


def _number(text: str) -> float:
    if len(text) > _LONGEST_NUMBER:
        raise _OddNumber(text)
    value = int(text) if text.lstrip("-").isdigit() else float(text)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):  # noqa: PLR0124 - NaN
        raise _OddNumber(text)
    return value


def _sound(data: Any, octets: bytes, where: object, bounds: Bounds) -> None:
    """Refuse what is nested too deeply, and integers that nothing counts; level by level, so without recursion."""
    level, depth = [data], 0
    while level:
        inner: list[Any] = []
        for one in level:
            if isinstance(one, dict):
                inner += one.values()
            elif isinstance(one, list):
                inner += one
            elif type(one) is int and not SMALLEST <= one <= LARGEST:
                raise _odd(octets, where, str(one))
        depth += any(isinstance(one, dict | list) for one in level)
        level = inner
        if depth > bounds.depth:
            raise _too_deep(octets, where, bounds)


def _odd(octets: bytes, where: object, number: str) -> UnreadableFileError:
    at = place(octets, max(0, octets.find(number.encode())))
    said = f"a number of {len(number)} characters" if len(number.lstrip("-")) > 8 else f"the number {number}"  # noqa: PLR2004 - as many are shown
    return UnreadableFileError(f"{where}: {said} in {at} is beyond all that is read: put it right")


def _too_deep(octets: bytes, where: object, bounds: Bounds) -> UnreadableFileError:
    depth = 0
    for mark, offset in _marks(octets, b"[]{}"):
        depth += (mark in b"[{") - (mark in b"]}") if mark else 0
        if depth > bounds.depth:
            return UnreadableFileError(
                f"{where}: nested too deeply in {place(octets, offset)}: at most {bounds.depth} lists and objects in "
                "each other are read"
            )
    return UnreadableFileError(f"{where}: nested too deeply: at most {bounds.depth} lists and objects in each other")
