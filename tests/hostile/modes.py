"""What a mode is: an honest server, one lie, and the shortest command that reaches it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from hostile.honest import camel

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from hostile.honest import Answer
    from hostile.wire import Exchange, Lie

RFC, AWS = "rfc8628", "aws-sso-oidc"
REACHING = {
    "registration": ("registration::test_register_a_client",),
    "start": ("device_authorization::test_start", "polling::test_pending"),
    "token": ("polling::test_pending", "user_decision::test_approval"),
    "metadata": ("metadata::test_metadata_document", "metadata::test_metadata_lists"),
    "page": ("user_decision::test_approval", "verification_page::test_page_asks_for_the_code"),
}
"""Checks that meet the answers of a place, and few others."""
PLACES = tuple(REACHING)
FLOW = ("registration", "start", "token", "page")
EVERYWHERE = (*REACHING["start"], *REACHING["token"][1:])


@dataclass(frozen=True)
class Mode:
    """One lie, and how it is reached. Without `checks` the whole run meets it."""

    name: str
    lie: Lie | None
    dialects: tuple[str, ...] = (RFC, AWS)
    checks: tuple[str, ...] = EVERYWHERE
    login: bool = False
    """The suite uses the pages as a person does; otherwise a module decides."""
    deadline: float = 120
    """Seconds of real time after which the run counts as one that never ends."""
    terminal: bool = False
    command: str = "run"
    browser: bool = False
    """A browser is on PATH: it cannot live within the cap of address space, so that it is watched instead."""
    defaults: bool = False
    """The limits are those that a user has who has set none; without it all of them are a few seconds."""
    rare: bool = False
    """One of many of its kind: it runs only where all do (`DEVICE_GRANT_ALL_HOSTILE`)."""
    launched: str = ""
    """The suite starts the server itself, which does this deed."""


def some(every: int, modes: Iterable[Mode]) -> list[Mode]:
    """One in so many of these modes runs at the gate; all of them are rows of one table, by each of its columns."""
    return [replace(mode, rare=number % every != 0) for number, mode in enumerate(modes)]


def at(place: str, change: Callable[[Exchange], Answer | None]) -> Lie:
    """The change for answers of this place, the honest answer for others.

    `*` is every place but the metadata, at which many a run would end before it began; `everywhere` has those too.
    """

    def lie(exchange: Exchange) -> Answer | None:
        here = exchange.answer.place
        meant = here == place or (place == "everywhere" and here in PLACES) or (place == "*" and here in FLOW)
        return change(exchange) if meant else exchange.answer

    return lie


def success(place: str, change: Callable[[Exchange], Answer | None]) -> Lie:
    """The change for successful answers of this place."""
    return at(place, lambda exchange: change(exchange) if exchange.answer.status < 300 else exchange.answer)


def member(place: str, name: str, value: Any) -> Lie:
    """Another value of one member, whatever JSON calls it in the dialect; a function is given the exchange."""

    def change(exchange: Exchange) -> Answer:
        members = dict(exchange.answer.members or {})
        key = camel(name) if exchange.server.honest.aws else name
        members[key] = value(exchange) if callable(value) else value
        return exchange.answer.replaced(members=members)

    return success(place, change)


def literal(place: str, name: str, text: str) -> Lie:
    """One member as this text of JSON, which no encoder would write."""

    def change(exchange: Exchange) -> Answer:
        answer = exchange.answer
        key = camel(name) if exchange.server.honest.aws else name
        marked = answer.replaced(members={**(answer.members or {}), key: "@@"})
        return marked.replaced(members=None, body=marked.octets().replace(b'"@@"', text.encode()))

    return success(place, change)


def body(place: str, octets: bytes | Callable[[Exchange], bytes], *fields: tuple[str, str]) -> Lie:
    """Another body of a successful answer, with these fields besides."""

    def change(exchange: Exchange) -> Answer:
        made = octets(exchange) if callable(octets) else octets
        return exchange.answer.replaced(members=None, body=made, headers=[*exchange.answer.headers, *fields])

    return success(place, change)


def fields(place: str, *made: tuple[str, str]) -> Lie:
    """Header fields besides the honest ones."""
    return at(place, lambda exchange: exchange.answer.replaced(headers=[*exchange.answer.headers, *made]))


def status(place: str, code: int, *made: tuple[str, str]) -> Lie:
    """Another status of every answer."""
    return at(place, lambda exchange: exchange.answer.replaced(status=code, headers=[*exchange.answer.headers, *made]))


def raw(place: str, work: Callable[[Exchange], None]) -> Lie:
    """Anything on the connection, which is then closed."""

    def change(exchange: Exchange) -> None:
        work(exchange)

    return at(place, change)
