"""Damaged captures are one line each, whatever their format: no reader ends with anything else."""

from __future__ import annotations

import io
import json
import random
import zipfile
from pathlib import Path

import pytest
from support.captured import Traffic, aws, har, rfc
from support.foreign import FORMATS, with_dates

from device_grant.errors import UsageError
from device_grant.recordings.formats import OpenedFile, capture_of
from device_grant.recordings.judge import find, flows_of
from device_grant.recordings.judge.naming import parties_of
from device_grant.recordings.judge.times import readings_of

NUMBER = 2000
PIECES = [
    *(
        b"",
        b"\0",
        b"\xff",
        b"{",
        b"}",
        b"[",
        b'"',
        b"\\",
        b"\r\n\r\n",
        b"null",
        b"-1",
        b"1e999",
        b"9" * 40,
        b"NaN",
        b"{{",
    ),
    *(
        b"HTTP/1.1 200 OK\n",
        b"POST / HTTP/1.1\n",
        b"b'\\x",
        b"\xed\xa0\x80",
        b"&&==%zz",
        b": !!binary x",
        b"*a",
        b"![",
        b"```",
    ),
    *(
        b"Transfer-Encoding: chunked",
        b"Content-Length: 99999999999999",
        b"Content-Encoding: gzip",
        b"0001-01-01T00:00:00Z",
    ),
    *(b"https://[", b"//", "\u2028\u0661".encode(), b"2024-13-45", b"1" * 5000),
]
VALUES = [
    None,
    True,
    -1,
    0,
    2**70,
    1e300,
    "",
    "x",
    "\ud800",
    "https://[",
    "[]",
    [],
    {},
    [[]],
    [None],
    {"": None},
    "9" * 400,
]


def hurt(octets, chance):
    """The octets with a few places cut, doubled, moved or overwritten."""
    result = bytearray(octets)
    for _ in range(chance.choice((1, 1, 2, 5))):
        begin = chance.randrange(len(result) + 1)
        end = min(len(result), begin + chance.choice((1, 1, 8, 60, 400)))
        match chance.randrange(5):
            case 0:
                del result[begin:end]
            case 1:
                result[begin:begin] = result[begin:end]
            case 2:
                result[begin:end] = chance.choice(PIECES)
            case 3:
                del result[begin:]
            case 4:
                other = chance.randrange(len(result) + 1)
                result[begin:end] = result[other : other + end - begin]
    return bytes(result)


def swapped(data, chance):
    """The data with another value at one place."""
    here, key, depth = data, None, chance.randrange(1, 8)
    for _ in range(depth):
        keys = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        if not keys:
            break
        parent, key = here, chance.choice(list(keys))
        here = parent[key]
        if not isinstance(here, dict | list):
            break
    if key is not None:
        parent[key] = chance.choice(VALUES)
    return data


def packed(archive, chance):
    """A zip with one member hurt, since its checksum would otherwise refuse nearly all."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(file, "w") as new:
        names = old.namelist()
        chosen = chance.choice(names)
        for name in names:
            new.writestr(name, hurt(old.read(name), chance) if name == chosen else old.read(name))
    return file.getvalue()


def mutants(name, write, file):
    chance = random.Random(name)
    whole = write(with_dates(Traffic([*rfc().sent, *aws().sent])))
    octets = whole if isinstance(whole, bytes) else whole.encode()
    for _ in range(NUMBER):
        if file.endswith(".saz") and chance.random() < 0.8:
            yield packed(octets, chance)
        elif octets[:1] in (b"{", b"[") and chance.random() < 0.6:
            yield json.dumps(swapped(json.loads(octets), chance)).encode()
        else:
            yield hurt(octets, chance)


@pytest.mark.parametrize("name", [*FORMATS, "har"])
def test_damaged_files_are_read_or_refused_in_a_line(name):
    write, file = FORMATS.get(name, (har, "a.har"))
    read, lines = 0, []
    for octets in mutants(name, write, file):
        try:
            findings = find(capture_of(OpenedFile(Path(file), octets)))
        except UsageError as error:
            lines.append(str(error))
            continue
        read += 1
        for dialect in findings.dialects:
            flows = flows_of(findings, dialect)
            parties_of(flows)
            for flow in flows:
                assert readings_of(flow, findings.capture).shown
    assert read > NUMBER / 20
    assert read + len(lines) == NUMBER
    assert [line for line in lines if not line.startswith(file) or "\n" in line] == []
