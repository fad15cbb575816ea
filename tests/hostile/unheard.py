"""Lies of no single place: upgrades, cookies, lengths and codings that lie, dates and numbers of no world."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from hostile.modes import EVERYWHERE, REACHING, RFC, Mode, at, body, fields, literal, member, raw, some, status
from hostile.values import ESCAPES

if TYPE_CHECKING:
    from collections.abc import Callable

    from hostile.honest import Answer
    from hostile.wire import Exchange

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
PLACE = "Location"


def many_lines(exchange: Exchange) -> None:
    """Ten thousand fields of one name before an honest answer."""
    honest = exchange.answer.octets()
    lines = b"".join(b"X-Line: %d\r\n" % number for number in range(10_000))
    exchange.send(OK + lines + b"Content-Length: %d\r\n\r\n" % len(honest) + honest)


def chunked(extension: bytes, trailer: bytes = b"") -> Callable[[Exchange], None]:
    """The honest answer in chunks, with something behind each size."""

    def work(exchange: Exchange) -> None:
        exchange.send(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        for octet in exchange.answer.octets():
            exchange.send(b"1" + extension + b"\r\n" + bytes([octet]) + b"\r\n")
        exchange.send(b"0\r\n" + trailer + b"\r\n")

    return work


def upgraded(exchange: Exchange) -> None:
    exchange.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n")
    exchange.send(b"\0\0\x12\4\0\0\0\0\0" + bytes(18) + b"\0\0\4\x08\0\0\0\0\0\xff\xff\xff\xff")
    exchange.pause(600)


def answered_before(exchange: Exchange) -> None:
    """An answer, and another one for a request that nobody has sent yet, on a connection that is kept."""
    honest = exchange.answer.octets()
    other = b'{"access_token": "smuggled", "token_type": "Bearer"}'
    exchange.send(OK + b"Content-Length: %d\r\n\r\n" % len(honest) + honest)
    exchange.send(OK + b"Content-Length: %d\r\n\r\n" % len(other) + other)
    exchange.pause(1)


def length_and_close(exchange: Exchange) -> None:
    """More than the length says, and less, in turn."""
    honest = exchange.answer.octets()
    wrong = len(honest) // 2 if exchange.server.honest.count.get(exchange.answer.place, 0) % 2 else len(honest) + 7
    exchange.send(OK + b"Content-Length: %d\r\n\r\n" % wrong + honest)


def trusted_in_a_circle(exchange: Exchange) -> Answer:
    """From one name of this machine to the other and back."""
    host = exchange.request.headers.get("host", "")
    other = host.replace("127.0.0.1", "localhost") if "127.0.0.1" in host else host.replace("localhost", "127.0.0.1")
    target = f"http://{other}{exchange.request.target}"
    return exchange.answer.replaced(status=307, members=None, body=b"", headers=[(PLACE, target)])


def odd_json(text: str) -> Callable[[Exchange], bytes]:
    """The honest members with this text of JSON besides."""
    return lambda exchange: exchange.answer.octets()[:-1] + b", " + text.encode() + b"}"


def each_code_twice(exchange: Exchange) -> bytes:
    """Every member twice, first with a value of another kind."""
    honest = exchange.answer.members or {}
    twice = ", ".join(f"{json.dumps(name)}: {{}}, {json.dumps(name)}: {json.dumps(honest[name])}" for name in honest)
    return f"{{{twice}}}".encode()


COOKIES = [("Set-Cookie", f"c{n}={'v' * 4000}; Path=/; Max-Age=99999999999999999999") for n in range(200)]
SAID = [
    ("Set-Cookie", f"session={ESCAPES}; Path=/"),
    ("Set-Cookie", "a=b; Expires=Fri, 31 Dec 99999 23:59:59 GMT"),
    ("Set-Cookie", "a=b; Expires=Thu, 01 Jan 0000 00:00:00 GMT; Domain=.; Path=\udcff"),
    ("Set-Cookie", "=; ;;; SameSite=\x9b; Max-Age=1e308"),
    ("Set-Cookie", "__Host-a=b; Domain=attacker.example"),
]
DATES = [
    ("Date", "Fri, 31 Dec 99999 23:59:59 GMT"),
    ("Expires", "Thu, 01 Jan 0000 00:00:00 GMT"),
    ("Last-Modified", "9" * 400),
    ("Age", "-1e400"),
    ("Retry-After", "Sat, 01 Jan 99999 00:00:00 GMT"),
]

ALL = [
    Mode("upgrade to HTTP/2", raw("*", upgraded)),
    Mode("ten thousand lines", raw("*", many_lines)),
    Mode("redirects between names", at("everywhere", trusted_in_a_circle)),
    Mode("redirects of pages between names", at("page", trusted_in_a_circle), login=True, checks=REACHING["page"]),
    Mode("cookies of a megabyte", fields("*", *COOKIES), login=True, checks=REACHING["page"]),
    Mode("cookies that escape", fields("*", *SAID), login=True, checks=REACHING["page"], terminal=True),
    Mode("chunks with extensions", raw("*", chunked(b';a="\x1b[2J\x9b";b' + b"x" * 300))),
    Mode("chunks with spaces", raw("*", chunked(b"   \t ", b"Content-Length: 3\r\n"))),
    Mode("length that lies both ways", raw("*", length_and_close)),
    Mode("answers before their requests", raw("*", answered_before)),
    Mode("places with surrogates", status("*", 302, (PLACE, "http://\udcff\ud800/\udfff?\ud83d"))),
    Mode("places that escape", status("page", 302, (PLACE, "/" + ESCAPES)), login=True, terminal=True),
    Mode("place after place", status("everywhere", 302, (PLACE, "/a"), (PLACE, "//b"), (PLACE, ""))),
    Mode("dates of another age", fields("everywhere", *DATES)),
    Mode("deep member, everywhere", body("everywhere", odd_json('"a": ' + "[" * 100_000 + "]" * 100_000))),
    Mode("every member twice", body("everywhere", each_code_twice)),
    Mode("numbers of no world", body("everywhere", odd_json('"a": 1e400, "b": NaN, "c": -Infinity, "d": -0'))),
    Mode("expires_in NaN and interval 1e400", literal("start", "expires_in", 'NaN, "interval": 1e400')),
    Mode("token lifetimes 1e400", literal("token", "expires_in", "1e400")),
    Mode("codes of digits", member("start", "user_code", "1" * 400)),
    Mode("codes with lines", member("start", "user_code", "AB\r\nCD\x85EF\u2028"), login=True, terminal=True),
    Mode("TLS endpoints on a plain port", member(
        "metadata", "token_endpoint", lambda exchange: exchange.server.base.replace("http:", "https:") + "/token"
    ), (RFC,), (*REACHING["metadata"], *EVERYWHERE)),
    Mode("gzip of half", fields("*", ("Content-Encoding", "gzip"), ("Transfer-Encoding", "identity"))),
    Mode("early hints without end", raw("*", lambda exchange: [
        exchange.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n") or exchange.pause(0.01)
        for _ in iter(int, 1)
    ] and None)),
]  # fmt: skip
MODES = [*some(2, ALL)]
