"""Lies in single members: times, codes, tokens, texts and addresses."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hostile.modes import EVERYWHERE, REACHING, RFC, Mode, at, literal, member, some, success

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from hostile.honest import Answer
    from hostile.wire import Exchange

TIMES = {
    "1e5": "100000",
    "1e12": "1e12",
    "1e308": "1e308",
    "1e999": "1e999",
    "Infinity": "Infinity",
    "NaN": "NaN",
    "-1": "-1",
    "-0.0": "-0.0",
    "null": "null",
    "true": "true",
    "text": '"5"',
    "words": '"soon \\u001b[5m"',
    "list": "[5]",
    "nested": '{"a":' * 50 + "1" + "}" * 50,
    "5000 digits": "9" * 5000,
    "fraction": "0.000000001",
}

ESCAPES = "\x1b]0;owned\x07\x1b]8;;https://owned.example\x1b\\\x1b[2J\x9b31m\x9d52;c;b3duZWQ=\x9c\x08\x7f"
TEXTS = {
    "lone surrogate": "\ud800abc\udfff",
    "NUL": "abc\0def",
    "escapes": ESCAPES,
    "bidi": "abc\u202egnp.exe\u2066\u2028\u2029\u200f",
    "noncharacters": "\uffff\ufffe\U0010ffff\ufeff",
    "combining": "Z" + "\u0351" * 5000,
    "megabyte": "a" * 1_000_000,
    "lines": "\r\nX-Injected: 1\r\n\r\n" * 3,
    "markup": "<script>alert(1)</script>[bold red]]]>&#27;{{7*7}}%s%n${jndi:x}",
    "rich markup": "[/][link=file:///etc/passwd]x[/link][bold",
}
WORDS = ["test", "device_code", "class=", "2.1.0", "", "a", " ", "0", "null", "/", "http", "\n", "pass"]
ADDRESSES = {
    "javascript": "javascript:alert(1)",
    "file": "file:///etc/passwd",
    "bracket": "http://[::1/x",
    "port": "http://127.0.0.1:99999/",
    "no host": "http://",
    "spaces": "http://a b/ c",
    "IDNA": "http://xn--\u2100\u0301.test/",
    "dots": "http://" + "a." * 40_000 + "test/",
    "surrogate": "http://\ud800/",
    "user": "http://user:secret@127.0.0.1/",
    "data": "data:text/html,<script>1</script>",
    "address of escapes": "http://127.0.0.1/" + ESCAPES,
    "broadcast": "http://255.255.255.255:1/",
}


def _start(name: str, lie: str, text: str, *, short: bool = True) -> Mode:
    checks = REACHING["start"] if short else (*EVERYWHERE, "expiry::*")
    return Mode(f"{name} {lie}", literal("start", name, text), checks=checks)


def _texts(place: str, name: str, checks: tuple[str, ...], *chosen: str) -> Iterator[Mode]:
    for lie, text in TEXTS.items():
        if not chosen or lie in chosen:
            yield Mode(f"{name} {lie}", member(place, name, text), checks=checks, terminal=lie in {"escapes", "bidi"})


def _words(place: str, name: str, said: str, many: int) -> Iterator[Mode]:
    for word in WORDS[:many]:
        yield Mode(f"{said} {word!r}", member(place, name, word))


def _errors() -> Iterator[Mode]:
    for lie, text in TEXTS.items():
        members = {"error": text, "error_description": text, "error_uri": text, text: text}
        change = partial(_refused, members)
        yield Mode(f"error of {lie}", at("token", change), terminal=lie in {"escapes", "bidi"})


def _refused(members: dict[str, Any], exchange: Exchange) -> Answer:
    return exchange.answer.replaced(status=400, members=members)


def _members(work: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Exchange], Answer]:
    return lambda exchange: exchange.answer.replaced(members=work(exchange.answer.members or {}))


DRIVEN = {"file", "javascript", "bracket", "surrogate", "dots"}
"""Addresses at which the suite itself looks, as a person would."""
TOKEN = REACHING["token"][1:]
MODES = [
    *some(3, (_start("interval", lie, text) for lie, text in TIMES.items())),
    *some(5, (_start("expires_in", lie, text, short=False) for lie, text in TIMES.items())),
    *some(
        4,
        (
            Mode(f"expires_in of tokens {lie}", literal("token", "expires_in", t), checks=TOKEN)
            for lie, t in TIMES.items()
        ),
    ),
    *some(5, _texts("start", "device_code", EVERYWHERE)),
    *some(5, _texts("start", "user_code", EVERYWHERE)),
    *some(5, _texts("start", "verification_uri", EVERYWHERE)),
    *some(5, _texts("start", "verification_uri_complete", EVERYWHERE, "lone surrogate", "escapes", "megabyte")),
    *some(5, _texts("token", "access_token", TOKEN)),
    *some(3, _texts("token", "token_type", TOKEN, "escapes", "lone surrogate")),
    *some(3, _texts("token", "refresh_token", TOKEN, "escapes", "lone surrogate")),
    *some(3, _texts("token", "scope", TOKEN, "lone surrogate", "escapes")),
    *some(3, _errors()),
    *some(3, _words("start", "device_code", "device codes that are", 13)),
    *some(5, _words("start", "user_code", "user codes that are", 6)),
    *some(5, _words("token", "access_token", "access tokens that are", 7)),
    *some(5, _words("token", "refresh_token", "refresh tokens that are", 5)),
    *some(5, _words("registration", "client_secret", "secrets that are", 6)),
    *some(5, _words("registration", "client_id", "clients that are", 7)),
    Mode("word as a code, whole run", member("start", "device_code", "test"), checks=(), deadline=240),
    Mode(
        "word as a token, whole run",
        member("token", "access_token", "Bearer"),
        checks=(),
        deadline=240,
        rare=True,
    ),
    *some(
        2,
        (
            Mode(f"verification_uri {lie}", member("start", "verification_uri", text), login=lie in DRIVEN)
            for lie, text in ADDRESSES.items()
        ),
    ),
    *some(
        4,
        (
            Mode(
                f"verification_uri_complete {lie}",
                member("start", "verification_uri_complete", text),
                (RFC,),
                login=True,
            )
            for lie, text in ADDRESSES.items()
        ),
    ),
    Mode("every member nothing", success("*", _members(dict.fromkeys))),
    Mode("every member a list", success("*", _members(lambda members: {name: [] for name in members}))),
    Mode(
        "a hundred thousand members",
        success("start", _members(lambda members: members | {f"member{n}": n for n in range(100_000)})),
        checks=REACHING["start"],
    ),
]
