"""Lies of HTTP itself: what never ends, what grows, what breaks off, what is no HTTP."""

from __future__ import annotations

import gzip
import itertools
import os
import random
import ssl
import zlib
from typing import TYPE_CHECKING

from hostile.modes import EVERYWHERE, REACHING, RFC, Mode, at, body, fields, raw, some, status

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostile.honest import Answer
    from hostile.wire import Exchange

MEGABYTE = b'"' + b"a" * (2**20 - 1)
LENGTH = "Content-Length"


def endless(exchange: Exchange) -> None:
    exchange.head(200, ("Transfer-Encoding", "chunked"))
    while True:
        exchange.send(b"100000\r\n" + MEGABYTE + b"\r\n")


def endless_without_length(exchange: Exchange) -> None:
    exchange.head(200)
    while True:
        exchange.send(MEGABYTE)


def large(exchange: Exchange) -> None:
    exchange.head(200, (LENGTH, str(100 * 2**20)))
    for _ in range(100):
        exchange.send(MEGABYTE)


def drip(octets: bytes, pause: float = 1) -> Callable[[Exchange], None]:
    """One octet a second."""

    def work(exchange: Exchange) -> None:
        for octet in octets:
            exchange.send(bytes([octet]))
            exchange.pause(pause)

    return work


def dripping_body(exchange: Exchange) -> None:
    exchange.head(200, (LENGTH, "100000"))
    drip(b" " * 100_000)(exchange)


def dripping_head(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        exchange.send(f"X-Drip-{number}: 1\r\n".encode())
        exchange.pause(1)


def dripping_chunks(exchange: Exchange) -> None:
    exchange.head(200, ("Transfer-Encoding", "chunked"))
    while True:
        exchange.send(b"1\r\n \r\n")
        exchange.pause(1)


def chunk_extension(exchange: Exchange) -> None:
    exchange.head(200, ("Transfer-Encoding", "chunked"))
    exchange.send(b"1;")
    while True:
        exchange.send(MEGABYTE)


def trailers(exchange: Exchange) -> None:
    exchange.head(200, ("Transfer-Encoding", "chunked"))
    exchange.send(b"2\r\n{}\r\n0\r\n")
    for number in itertools.count():
        exchange.send(f"X-Trailer-{number}: 1\r\n".encode() * 1000)


def continued(exchange: Exchange) -> None:
    while True:
        exchange.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        exchange.pause(0.01)


def silent(exchange: Exchange) -> None:
    exchange.pause(600)


def silent_body(exchange: Exchange) -> None:
    exchange.head(200, (LENGTH, "20"))
    exchange.pause(600)


def many_fields(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(50_000):
        exchange.send(f"X-Field-{number}: value\r\n".encode())
    exchange.send(b"Content-Length: 2\r\n\r\n{}")


def endless_field(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        exchange.send(MEGABYTE)


def endless_status(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 200 ")
    while True:
        exchange.send(MEGABYTE)


def sent(octets: bytes) -> Callable[[Exchange], None]:
    return lambda exchange: exchange.send(octets)


def resetting(octets: bytes) -> Callable[[Exchange], None]:
    def work(exchange: Exchange) -> None:
        exchange.reset()
        exchange.send(octets)

    return work


def speaking_tls(exchange: Exchange) -> None:
    exchange.send(b"\x15\x03\x01\x00\x02\x02\x46\x16\x03\x01" + ssl.OPENSSL_VERSION.encode())


def noise(exchange: Exchange) -> None:
    generator = random.Random(exchange.server.honest.count.get("start", 0))
    exchange.send(generator.randbytes(generator.randrange(1, 4000)))


def noisy_body(exchange: Exchange) -> Answer:
    generator = random.Random(sum(exchange.server.honest.count.values()))
    return exchange.answer.replaced(members=None, body=generator.randbytes(300))


def bomb(encoding: str, layers: int = 1) -> bytes:
    """A gigabyte of NUL in a few octets, which break off before the checksum; made of one block again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31 if encoding == "gzip" else 15)
    head = packer.compress(b"\0") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"\0" * 2**20) + packer.flush(zlib.Z_FULL_FLUSH)
    packed = head + block * 1024
    for _ in range(layers - 1):
        packed = gzip.compress(packed)
    return packed


# A frame of Zstandard with RLE blocks: each four octets of it are 128 KiB of NUL.
ZSTANDARD = bytes.fromhex("28b52ffd0058") + ((2**17 << 3 | 2).to_bytes(3, "little") + b"\0") * 8191 + b"\x03\0\x10\0"
# An empty Brotli stream, and one that breaks off in a block of the largest size.
BROTLI = bytes.fromhex("5b ff ff ff 00") * 1000


def length(text: str) -> Callable[[Exchange], Answer]:
    return lambda exchange: exchange.answer.replaced(headers=[*exchange.answer.headers, (LENGTH, text)])


def dies(after: int) -> Callable[[Exchange], Answer | None]:
    """The server answers so many requests, and nobody listens from then on."""

    def change(exchange: Exchange) -> Answer | None:
        if sum(exchange.server.honest.count.values()) > after:
            exchange.server.__exit__()
            return None
        return exchange.answer

    return change


def another_error(exchange: Exchange) -> Answer:
    number = sum(exchange.server.honest.count.values())
    codes = ["invalid_request", "slow_down", "expired_token", "server_error", "no_such_error", "", "invalid_client"]
    return exchange.answer.replaced(status=400 + number % 120, members={"error": codes[number % len(codes)]})


def echo(exchange: Exchange) -> Answer:
    request = exchange.request
    seen = " ".join(
        [request.target, *(f"{n}: {v}" for n, v in request.headers.items()), request.body.decode("latin-1")]
    )
    members = {**(exchange.answer.members or {}), "error_description": seen, "echo": request.members, "target": seen}
    safe = seen.encode("ascii", "replace").decode().replace("\r", "").replace("\n", "")[:4000]
    headers = [*exchange.answer.headers, ("X-Echo", safe)]
    return exchange.answer.replaced(members=members, headers=headers)


def slow(seconds: float) -> Callable[[Exchange], Answer]:
    def change(exchange: Exchange) -> Answer:
        exchange.pause(seconds)
        return exchange.answer

    return change


ONE = ("device_authorization::test_start",)
MANY = (*EVERYWHERE, "device_authorization::*", "polling::*", "encoding::*", "scope::*", "refresh::*", "tokens::*")
GZIP = ("Content-Encoding", "gzip")
OK = b"HTTP/1.1 200 OK\r\n"
FOLLOWED = ("HTTP/1.1 302 Found\r\nLocation: {}\r\nContent-Length: 0\r\n\r\n").format


def _both(name: str, work: Callable[[Exchange], None], place: str = "start") -> Mode:
    return Mode(name, raw(place, work), checks=REACHING.get(place, EVERYWHERE))


ODD = [
    Mode("gzip that is none", fields("everywhere", GZIP)),
    Mode("encoding that nobody knows", fields("*", ("Content-Encoding", "x-none, gzip, \x00"))),
    Mode("five hundred encodings", fields("start", ("Content-Encoding", ", ".join(["gzip"] * 500)))),
    Mode("length too long", at("start", length("100000")), checks=ONE),
    Mode("length too short", at("*", length("3"))),
    Mode("length below zero", at("start", length("-1")), checks=ONE),
    Mode("length beyond all", at("start", length("9" * 400)), checks=ONE),
    Mode("length of words", at("start", length("lots")), checks=ONE),
    Mode("two lengths", fields("everywhere", (LENGTH, "5"), (LENGTH, "7"))),
    _both("two framings", sent(OK + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")),
    _both("chunk of a negative size", sent(OK + b"Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n")),
    _both("chunk beyond all", sent(OK + b"Transfer-Encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\nhello")),
    _both("reset at once", resetting(b"")),
    _both("reset in the status line", resetting(b"HTTP/1.1 2")),
    _both("reset in the head", resetting(OK + b"Content-Le")),
    _both("reset in the body", resetting(OK + b'Content-Length: 100\r\n\r\n{"device'), "token"),
    Mode("reset everywhere", raw("everywhere", resetting(b"")), checks=MANY),
    Mode("closed without a word", raw("everywhere", sent(b""))),
    Mode("TLS on a plain port", raw("everywhere", speaking_tls)),
    Mode("HTTP/0.9", raw("*", sent(b'{"device_code":"a"}'))),
    Mode("preface of HTTP/2", raw("*", sent(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"))),
    Mode("version 9.9", raw("*", sent(b"HTTP/9.9 200 OK\r\nContent-Length: 2\r\n\r\n{}"))),
    Mode("SSH", raw("*", sent(b"SSH-2.0-OpenSSH_9.6\r\n"))),
    Mode("noise in place of HTTP", raw("everywhere", noise)),
    Mode("noise in bodies", at("*", noisy_body), checks=(*EVERYWHERE, "encoding::*", "scope::*")),
    Mode(
        "noise in fields",
        fields("*", ("X-Noise", os.fsdecode(random.Random(1).randbytes(80).translate(None, b"\r\n")))),
    ),
    Mode("folded fields", raw("start", sent(OK + b"X-A: 1\r\n folded\r\n\tand more\r\nContent-Length: 2\r\n\r\n{}"))),
    Mode("fields without names", raw("start", sent(OK + b": none\r\nno colon\r\n\x00\xff: \x1b\r\n\r\n{}"))),
    Mode("bare carriage returns", raw("start", sent(b"HTTP/1.1 200 OK\rContent-Length: 2\r\r{}"))),
    Mode("answers after the answer", raw("*", sent((OK + b"Content-Length: 2\r\n\r\n{}") * 50))),
    Mode("redirect to itself", status("everywhere", 307, ("Location", "")), checks=EVERYWHERE),
    Mode("redirect to a file", status("everywhere", 302, ("Location", "file:///etc/passwd"))),
    Mode("redirect to another scheme", status("*", 302, ("Location", "gopher://127.0.0.1:1/_x"))),
    Mode("redirect to a bad address", status("everywhere", 302, ("Location", "http://[::1"))),
    Mode("redirect of a megabyte", status("*", 302, ("Location", "/" + "a" * 1_000_000))),
    Mode("redirect to noise", status("*", 302, ("Location", "http://\x1b]0;x\x07\udc80\udcff/"))),
]
"""What is no HTTP, or hardly."""

MODES = [
    _both("endless chunks", endless),
    _both("endless chunks at the token endpoint", endless, "token"),
    Mode("endless pages", raw("page", endless), login=True, checks=REACHING["page"]),
    Mode("endless chunks everywhere", raw("everywhere", endless)),
    _both("endless body without a length", endless_without_length),
    _both("100 MB", large),
    _both("100 MB at registration", large, "registration"),
    Mode("100 MB of metadata", raw("metadata", large), (RFC,), REACHING["metadata"]),
    _both("body that drips", dripping_body),
    _both("body that drips at the token endpoint", dripping_body, "token"),
    _both("head that drips", dripping_head),
    _both("status line that drips", drip(b"HTTP/1.1 200 " + b"O" * 1000)),
    _both("chunks that drip", dripping_chunks),
    Mode("pages that drip", raw("page", dripping_body), login=True, checks=REACHING["page"]),
    Mode("silence at the start", raw("start", silent), checks=(*REACHING["start"], "encoding::*")),
    Mode("silence after the head", raw("start", silent_body), checks=(*REACHING["start"], "encoding::*")),
    Mode("silence at the token endpoint", raw("token", silent), checks=(*REACHING["token"], "scope::*")),
    Mode("silence everywhere", raw("everywhere", silent), checks=(*EVERYWHERE, "http::*")),
    _both("endless chunk extension", chunk_extension),
    _both("endless trailers", trailers),
    _both("endless 100 Continue", continued),
    _both("fifty thousand fields", many_fields),
    _both("endless field", endless_field),
    _both("endless status line", endless_status),
    Mode("field of two megabytes", fields("start", ("X-Long", "a" * 2_000_000)), checks=ONE),
    Mode("flood of cookies", fields("*", *[("Set-Cookie", f"c{n}={'v' * 90}; Path=/") for n in range(5000)])),
    Mode("gzip bomb", body("start", bomb("gzip"), GZIP), checks=ONE),
    Mode("gzip bomb in gzip", body("start", bomb("gzip", 2), ("Content-Encoding", "gzip, gzip")), checks=ONE),
    Mode("gzip bomb at the token endpoint", body("token", bomb("gzip"), GZIP)),
    Mode("gzip bomb as a page", body("page", bomb("gzip"), GZIP), login=True, checks=REACHING["page"]),
    Mode("deflate bomb", body("start", bomb("deflate"), ("Content-Encoding", "deflate")), checks=ONE),
    Mode("zstd bomb", body("start", ZSTANDARD, ("Content-Encoding", "zstd")), checks=ONE),
    Mode("brotli that is none", body("start", BROTLI, ("Content-Encoding", "br")), checks=ONE),
    *some(2, ODD),
    Mode(
        "pages that redirect to each other",
        status("page", 302, ("Location", "/device")),
        login=True,
        checks=REACHING["page"],
    ),
    Mode(
        "pages that redirect to a file",
        status("page", 302, ("Location", "file:///etc/passwd")),
        login=True,
        checks=REACHING["page"],
    ),
    *some(
        2,
        (Mode(f"status {code:03}", status("*", code)) for code in (0, 99, 101, 103, 199, 204, 205, 304, 407, 600, 999)),
    ),
    Mode("status of nine digits", raw("*", sent(b"HTTP/1.1 200000000 OK\r\nContent-Length: 2\r\n\r\n{}"))),
    *some(
        2,
        (
            Mode(
                f"Retry-After {said[:12]} ({len(said)})",
                status("*", code, ("Retry-After", said)),
                checks=(*EVERYWHERE, "scope::*"),
            )
            for code, said in [
                (429, "999999999999"),
                (503, "-5"),
                (429, "Fri, 31 Dec 9999 23:59:59 GMT"),
                (503, "Fri, 99 Foo 99999 99:99:99 XYZ"),
                (503, "1e308"),
                (429, "9" * 5000),
                (503, "30"),
            ]
        ),
    ),
    Mode("death in the middle", dies(12), checks=MANY),
    Mode("death at the first poll", dies(3)),
    Mode("another error each time", at("*", another_error), checks=(*EVERYWHERE, "encoding::*", "refresh::*")),
    Mode("everything echoed", at("everywhere", echo), checks=MANY, deadline=240),
    Mode("everything takes a second", at("*", slow(1))),
    Mode("Date beyond all", fields("*", ("Date", "Fri, 31 Dec 99999 23:59:59 GMT"))),
    Mode("Date of words", fields("*", ("Date", "\x1b[31m yesterday"), ("Content-Type", ";;;charset=\x00"))),
    Mode("charset that is none", fields("*", ("Content-Type", "application/json; charset=unicode_escape"))),
    Mode("charset that runs", fields("*", ("Content-Type", "text/html; charset=zlib_codec")), login=True),
]
