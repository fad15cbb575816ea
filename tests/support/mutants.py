"""Mutants of files, seeded and so the same each time: of octets, and of the data that is in them.

Each mutant is read as its file is read, and must be read, or be refused by an error of ours: one line that names the
file and has no control character.
"""

from __future__ import annotations

import contextlib
import json
import random
import time

from device_grant.errors import UsageError
from device_grant.visible import visible

SLOWEST = 5.0
"""Real seconds for one mutant, on a machine that has much else to do."""

TEXTS = (
    "",
    "\0",
    "a\0b::c",
    "\x1b[31mred\x1b]0;title\x07",
    "\u202egnp\u2069\u200b",
    "\ud800",
    "https://\ud800.example/\udfff",
    "http://[::1/x",
    "https://user:pass@host:99999/",
    "://",
    "x" * 70_000,
    "é" * 9_000,
    "../" * 30 + "etc/passwd",
    "/dev/zero",
    "9" * 400,
    "-1",
    "NaN",
    "1e999",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "Fri, 99 Foo 2012 99:99:99 GMT",
    "\r\nX-Injected: 1",
    "{endpoint}{access_token}{}{0}{x!r:>99999}",
    "#9999" * 50,
    "%00%ff%",
    "[[[[((((****++++",
    "=?utf-8?b?////?=",
    "gzip",
    "gzip, gzip, gzip, gzip, gzip",
)
NUMBERS = (0, -1, 1, 7, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 10**30, 10**350, 0.5, -0.0, 1e-320, 1e18, 1e300, -1e300)
ODD = (None, True, False, [], {}, [[]], [None], {"": None}, {"a": {"b": {"c": []}}}, [0] * 300, {"\0\x1b[2J": "\0"})
DEEP = 90
FEW_OCTETS = (
    b"\0", b"\xff", b"\xfe\xff", b"\xef\xbb\xbf", b"\xc0\xaf", b"\xed\xa0\x80", b"\x1b[2J", b"\r", b"\n", b"\t", b'"',
    b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b",", b":", b"'", b"#", b"*", b"&a ", b"*a", b"<<: ", b"!!binary ",
    b"!!python/object:os.system ", b"? ", b"- ", b"%", b"@", b"=", b".", b"1e999", b"-", b"9" * 5000, b"[" * 3000,
    b"2020-01-01", b"2020-01-01T00:00:00Z", b".nan", b"inf", b"nan", b"0x" + b"f" * 5000, b"null", b"true", b"a." * 120,
)  # fmt: skip


def of_octets(content: bytes, count: int, seed: int):
    """Mutants that are made by flipping, deleting, inserting, doubling, cutting off and moving octets."""
    drawn = random.Random(seed)
    for _ in range(count):
        mutant = bytearray(content)
        for _ in range(drawn.choice((1, 1, 1, 2, 5))):
            _change(mutant, drawn)
        yield bytes(mutant)


def _change(mutant: bytearray, drawn: random.Random) -> None:
    at = drawn.randrange(len(mutant) + 1)
    end = min(len(mutant), at + drawn.choice((1, 2, 8, 40, 400)))
    match drawn.randrange(7):
        case 0 if at < len(mutant):
            mutant[at] ^= 1 << drawn.randrange(8)
        case 1:
            del mutant[at:end]
        case 2:
            mutant[at:at] = drawn.choice(FEW_OCTETS)
        case 3:
            mutant[at:at] = mutant[at:end]
        case 4:
            del mutant[at:]
        case 5:
            to = drawn.randrange(len(mutant) + 1)
            mutant[to:to] = mutant[at:end]
        case _:
            mutant[at:end] = bytes(drawn.randrange(256) for _ in range(end - at))


def of_data(data: object, count: int, seed: int):
    """Data in which one or two places have another value: each place in turn, and values of all kinds."""
    drawn = random.Random(seed)
    places = list(_places(data))
    values = [*TEXTS, *NUMBERS, *ODD, *(drawn.random() for _ in range(2))]
    for number in range(count):
        mutant = _replaced(data, places[number % len(places)], drawn, values)
        if not drawn.randrange(3):
            # Which the first one may have taken away.
            with contextlib.suppress(LookupError, TypeError, AttributeError):
                mutant = _replaced(mutant, drawn.choice(places), drawn, values)
        yield mutant


def _places(data: object, before: tuple = ()):
    """The paths of all values in the data, and of the data itself."""
    yield before
    members = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    for name, value in members:
        yield from _places(value, (*before, name))


def _replaced(data: object, path: tuple, drawn: random.Random, values: list) -> object:
    """The data with another value in that place; what lies beside the way to it is the same object."""
    if not path:
        return drawn.choice(values)
    first, *way = path
    data = data.copy()
    if way:
        data[first] = _replaced(data[first], tuple(way), drawn, values)
        return data
    value = drawn.choice(values)
    match drawn.randrange(8):
        case 0:
            del data[first]
        case 1 if isinstance(data, dict):
            data[drawn.choice(("", "unknown", "\0", "\x1b[0m", "x" * 3000))] = value
        case 1:
            data.insert(first, value)
        case 2:
            data[first] = [data[first]] * drawn.choice((1, 2, 50))
        case 3:
            data[first] = {"a": data[first]}
        case 4 if not drawn.randrange(4):
            for _ in range(DEEP):
                data[first] = [data[first]]
        case _:
            data[first] = value
    return data


def as_json(data: object) -> bytes:
    return json.dumps(data).encode()


def as_yaml(data: object) -> bytes:
    # What begins so is no JSON, though the rest of it is.
    return b"--- " + as_json(data)


def as_toml(data: object) -> bytes:
    return "".join(f"{_key(name)} = {_toml(value)}\n" for name, value in data.items()).encode("utf-8", "surrogatepass")


def _key(name: object) -> str:
    return json.dumps(str(name))


def _toml(value: object) -> str:
    match value:
        case None:
            return "2020-01-01"
        case bool():
            return str(value).lower()
        case dict():
            return "{" + ", ".join(f"{_key(name)} = {_toml(one)}" for name, one in value.items()) + "}"
        case list() | tuple():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case str():
            return json.dumps(value)
        case _:
            return repr(value)


def meet(read, file, mutants) -> dict[str, int]:
    """Write each mutant, an octet string, to the file and have it read; returns how many were read and refused."""
    counted = {"read": 0, "refused": 0}
    for number, mutant in enumerate(mutants):
        file.write_bytes(mutant)
        began = time.perf_counter()
        try:
            read()
        except UsageError as error:
            counted["refused"] += 1
            said = str(error)
            assert visible(said) == said, (number, said)
            assert not set(said) & set("\n\r\t"), (number, said)
            assert str(file) in said or str(file.parent) in said, (number, said)
            assert len(said) <= 2200, (number, len(said))
        except Exception as error:
            kept = file.with_name(f"broke-{number}{file.suffix}")
            kept.write_bytes(mutant)
            raise AssertionError(f"mutant {number}, kept in {kept}") from error
        else:
            counted["read"] += 1
        took = time.perf_counter() - began
        assert took < SLOWEST, (number, took)
    return counted
