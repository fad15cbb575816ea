"""What is read of JSON, YAML, TOML and compressed bodies, and what is said of the rest: the place, and what to do."""

from __future__ import annotations

import gzip
import os
import re
import threading
import zlib

import pytest
import yaml

from device_grant.errors import UsageError
from device_grant.files import (
    CONFIGURATION,
    Bounds,
    TooLargeError,
    UnreadableFileError,
    decoded,
    json_of,
    place,
    read_octets,
    toml_of,
    utf8_of,
    yaml_of,
)
from device_grant.recordings.formats.opened import opened
from device_grant.recordings.formats.text import moment

SMALL = Bounds(4096, 200, depth=8)
LAUGHS = b"a: &a [x,x,x,x,x,x,x,x,x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (98 + n, 98 + n, b",".join([b"*%c" % (97 + n)] * 9)) for n in range(12)
)


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"", r"F: empty"),
        (b"  \n", r"F: empty"),
        (b'{"a": 1', r"F: not JSON in line 1, column 8"),
        (b'{"a":\n  tru}', r"F: not JSON in line 2, column 3"),
        (b'{"\xc3\xa9": "\xff"}', r"F: not UTF-8 in line 1, column 8 \(octet 0xff\)"),
        (b"\xff\xfe{\0}\0", r"F: UTF-16, not UTF-8: save it as UTF-8"),
        (b"\x1f\x8b\x08", r"F: compressed by gzip: unpack it first"),
        (b'{"a": ' + b"9" * 5000 + b"}", r"F: a number of 5000 characters in line 1, column 7"),
        (b'{"a": ' + b"9" * 300 + b"}", r"F: a number of 300 characters in line 1, column 7"),
        (b'{"a": 1e999}', r"F: the number 1e999 in line 1, column 7"),
        (b'{"a": NaN}', r"F: the number NaN in line 1, column 7"),
        (b"[" * 9 + b"]" * 9, r"F: nested too deeply in line 1, column 9"),
        (b"[" * 100, r"F: (nested too deeply|not JSON)"),
        (b"[" + b"0," * 300 + b"0]", r"F: more than 200 values"),
        (b'["",' * 100, r"F: (more than 200 values|not JSON|nested too deeply)"),
    ],
)
def test_wrong_json(octets, said):
    with pytest.raises(UnreadableFileError, match=f"^{said}"):
        json_of(octets, "F", SMALL)


def test_json_that_is_odd_and_honest():
    assert json_of(b'\xef\xbb\xbf{"a": 1}\r\n', "F", SMALL) == {"a": 1}
    assert json_of(b'{"half a pair": "\\ud83d!", "n": 1.5e3}', "F", SMALL) == {"half a pair": "\ud83d!", "n": 1500.0}
    assert json_of(b'{"text": "' + b"[{,]}" * 200 + b'"}', "F", SMALL) == {"text": "[{,]}" * 200}
    assert json_of(b'{"a": 1, "a": 2}', "F", SMALL) == {"a": 2}


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"a: [", r"F: not YAML in line 2, column 1"),
        (b"a: \x01", r"F: not YAML in line 1, column 4"),
        (b"a: 1\nb:\n  c: 1\n  c: 2", r"F: the key 'c' a second time in line 4, column 3: keep one"),
        (b"&a [*a]", r"F: an alias for a, which is not there in line 1, column 5"),
        (LAUGHS, r"F: more than 200 values, or 4 kB of text by aliases, in line 3"),
        (
            b"- &a " + b"x" * 1500 + b"\n" + b"- *a\n" * 4,
            r"F: more than 200 values, or 4 kB of text by aliases, in line 4",
        ),
        (b"a: " + b"9" * 5000, r"F: a number of 5000 characters in line 1, column 4: put it in quotes"),
        (b"a: 18446744073709551616", r"F: a number beyond 64 bits in line 1, column 4: put it in quotes"),
        (b"a: !!python/object/apply:os.system [true]", r"F: the tag !!python/object/apply:os.system in line 1"),
        (b"a: !!binary '?'", r"F: octets that are not base64 in line 1, column 4"),
        (b"a: {<<: 1}", r"F: a key << without a mapping in line 1, column 9"),
        (b"? [a]\n: 1", r"F: a list or mapping as a key in line 1, column 3"),
        (b"- &a [1]\n- {*a : 1}", r"F: a list or mapping as a key in line 2, column 4"),
        (b"a\n---\nb", r"F: a second document in line 2"),
        (b"[" * 9 + b"]" * 9, r"F: nested too deeply in line 1, column 9"),
        (b"- 0\n" * 300, r"F: more than 200 values"),
        (b"a: \xe2\x82", r"F: not UTF-8 in line 1, column 4 \(octet 0xe2\)"),
    ],
)
def test_wrong_yaml(octets, said):
    with pytest.raises(UnreadableFileError, match=f"^{said}"):
        yaml_of(octets, "F", SMALL)


def test_yaml_is_what_pyyaml_reads():
    text = b"""\
# A comment
a: &one {x: 1, y: [1.5, .inf, 0x1F, 1_000, 1:30, yes, ~, null]}
b: {<<: *one, x: 2}
c: [{<<: [*one, {z: 3}]}]
octets: !!binary aGk=
"quoted: 1": '1'
block: |
  two
  lines
1: one
"""
    assert yaml_of(text, "F", SMALL) == yaml.load(text, Loader=yaml.CSafeLoader)
    assert yaml_of(b"\xef\xbb\xbfa: 2012-10-12\r\nb: 2012-10-12T01:02:03Z\r\n", "F", SMALL) == {
        "a": "2012-10-12",
        "b": "2012-10-12T01:02:03Z",
    }
    assert yaml_of(b"a: !binary |-\n  aGk=\n", "F", SMALL) == {"a": b"hi"}
    assert yaml_of(b"a: !!python/unicode 'x'\nb: !!python/tuple [1]", "F", SMALL) == {"a": "x", "b": [1]}
    assert yaml_of(b"", "F", SMALL) is None


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"a = ?", r"not TOML: .*line 1, column 5"),
        (b"a = " + b"9" * 5000, r"a number of too many digits in line 1, column 5"),
        (b"a = 0x" + b"f" * 5000, r"a: a number beyond 64 bits"),
        (b"a = 99999999999999999999", r"a: a number beyond 64 bits"),
        (b"[b]\na = [1.0, inf]", r"b\.a\[1\]: inf is no number"),
        (b'"\\u001B" = nan', r"'\\x1b': nan is no number"),
        (b"a = 2020-01-01", r"a: a date, which is no text: put it in quotes"),
        (b"when = 2020-01-01T00:00:00Z", r"when: a time, which nothing here is"),
        (b'a = "\\u0000"', r"a: has the character U\+0000"),
        (b"a = " + b"[" * 40 + b"]" * 40, r"a\[0\].*nested too deeply"),
        (b"a = " + b"[" * 5000, r"nested too deeply"),
        (b"a." * 20_000 + b"b = 1", r"a key of too many parts in line 1, column 1"),
        (b"\n" + b'"a".' * 20_000 + b"b = 1", r"a key of too many parts in line 2, column 1"),
        (b"a = '\xff'", r"not UTF-8 in line 1, column 6"),
        (b"a = '" + b"x" * 2**20 + b"'", r"larger than 1 MB"),
    ],
)
def test_wrong_toml(tmp_path, octets, said):
    file = tmp_path / "x.toml"
    file.write_bytes(octets)
    with pytest.raises(UnreadableFileError, match=f"^{re.escape(str(file))}: {said}"):
        toml_of(file, CONFIGURATION, dates={"when"})


def test_toml_that_is_odd_and_honest(tmp_path):
    file = tmp_path / "x.toml"
    file.write_bytes(b"\xef\xbb\xbfday = 2020-01-01\r\ntext = '\xc3\xa9\t1.2.3.4.5.6.7.8.9.10'\r\n")
    data = toml_of(file, CONFIGURATION, dates={"day"})
    assert data["day"].year == 2020
    assert data["text"] == "é\t1.2.3.4.5.6.7.8.9.10"


def test_what_is_no_file(tmp_path):
    (tmp_path / "loop").symlink_to("loop")
    for name, said in (
        ("", "a folder"),
        ("loop", "cannot be read"),
        ("missing", "cannot be read"),
        ("a\0b", "no file"),
    ):
        with pytest.raises(UnreadableFileError, match=said):
            read_octets(tmp_path / name, SMALL)
    with pytest.raises(UnreadableFileError, match="larger than 4 kB"):
        read_octets(type(tmp_path)("/dev/zero"), SMALL)
    assert read_octets(type(tmp_path)("/dev/null"), SMALL) == b""
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(10**12)
    with pytest.raises(UnreadableFileError, match="larger than 4 kB"):
        read_octets(tmp_path / "sparse", SMALL)


def test_pipes(tmp_path, monkeypatch):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    monkeypatch.setattr("device_grant.files.octets._SILENCE", 0.2)
    with pytest.raises(UnreadableFileError, match="does not come to its end"):
        read_octets(pipe, SMALL)
    monkeypatch.setattr("device_grant.files.octets._SILENCE", 30.0)
    writer = threading.Thread(target=lambda: pipe.write_bytes(b"hello"))
    writer.start()
    assert read_octets(pipe, SMALL) == b"hello"
    writer.join()


def test_places_count_characters():
    octets = "é\nçà!".encode()
    assert place(octets, octets.index(b"!")) == "line 2, column 3"
    # A character that two blocks share, and one that is cut off in the second one.
    long = b"x" * (2**20 - 1) + "é".encode()
    assert utf8_of(long, "F") == long
    with pytest.raises(UnreadableFileError, match=f"column {2**20} "):
        utf8_of(long + b"\xff" if long.endswith(b"x") else long[:-1], "F")


def test_compressed_bodies():
    plain = b'{"a": 1}' * 100
    assert decoded(gzip.compress(plain), "gzip", 1000) == plain
    assert decoded(gzip.compress(plain[:80]) + gzip.compress(plain[80:]) + b"\0\0", "x-gzip", 1000) == plain
    assert decoded(zlib.compress(plain), "deflate", 1000) == plain
    assert decoded(zlib.compress(plain)[2:-4], "deflate", 1000) == plain
    assert decoded(gzip.compress(zlib.compress(plain)), "deflate, GZIP", 1000) == plain
    assert decoded(plain, "identity", 1000) == plain
    assert decoded(gzip.compress(plain)[:-9], "gzip", 1000) is None
    assert decoded(plain, "gzip", 1000) is None
    assert decoded(plain, "unknown", 1000) is None
    assert decoded(plain, ", ".join(["gzip"] * 5), 1000) is None
    bomb = gzip.compress(gzip.compress(bytes(10**7)))
    with pytest.raises(TooLargeError):
        decoded(bomb, "gzip, gzip", 10**6)
    with pytest.raises(TooLargeError):
        decoded(gzip.compress(plain), "gzip", len(plain) - 1)


def test_messages_are_one_line():
    said = str(UsageError("a\nb\x1b[2J\u202e\ud800" + "x" * 9000 + "the end"))
    assert said.startswith("a\\nb\\x1b[2J\\u202e\\ud800")
    assert said.endswith("the end")
    assert len(said) < 2100


def test_times():
    assert moment("2012-10-12T01:02:03Z", "F") == moment("Fri, 12 Oct 2012 01:02:03 GMT", "F") == 1350003723
    assert moment("9999-12-31T23:59:59+00:00", "F") == 253402300799
    for text in ("", "yesterday", "Fri, 99 Foo 2012", "2012-13-01", "9" * 5000):
        with pytest.raises(UsageError, match="is no time by ISO 8601"):
            moment(text, "F")


def test_a_capture_that_is_not_there_is_said_to_be_so(tmp_path):
    with pytest.raises(UsageError, match=r"cannot be read \(No such file or directory\): name a capture that is there"):
        opened(tmp_path / "login.har")
