"""The browser of a sign-in by the code grant: where the client sends it, and where it goes from there.

It asks for nothing but the authorization request, and what the scenario has it do at the client's own listener.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal
from urllib.parse import urljoin, urlsplit

from device_grant.client.scripted.code_grant import AUTHORIZE, LOOPBACK, with_query
from device_grant.protocol import Request

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.replies import Reply

ANOTHER_ADDRESS = "127.0.0.2"
"""An address of every Linux machine that is not the one at which clients listen."""
BROWSER = "browser"
"""In place of a connection, of the exchanges that are the browser's."""
Problem = Literal["", "refused", "no answer", "not ours", "untold"]


@dataclass(frozen=True)
class Visit:
    """One request of the browser to the client's listener, or a connection alone."""

    url: str
    status: int | None = None
    """Of the answer; None where there was none, or none was asked for."""
    problem: Problem = ""
    """`refused`: nobody listens there; `no answer`: somebody does and says nothing; `not ours`: the address is none of
    the scripted server's, nor of a client on this machine; `untold`: this machine cannot tell."""

    @property
    def answered(self) -> bool:
        """Whether the client took the request and had no objection."""
        return self.status is not None and self.status < 400  # noqa: PLR2004 - errors begin there


@dataclass(frozen=True)
class Errands:
    """What the browser does besides what it is sent to."""

    before: tuple[str, ...] = ()
    """Paths at the client's listener that it asks for first, for example `/favicon.ico`."""
    knocks: bool = False
    """Whether a connection to the same port at another address of the machine is tried first."""
    again: Mapping[str, str] = field(default_factory=dict)
    """Members of a second way back, which differs in them from the first; empty: there is no second."""
    after: float = 1.0
    """Seconds of the client's time between the two."""


@dataclass(frozen=True)
class BrowserStep:
    """What the browser wants done next."""

    url: str
    what: Literal["ask", "knock", "wait"] = "ask"
    seconds: float = 0.0


def authorizations_in(text: str, authority: Authority) -> tuple[str, ...]:
    """The authorization requests that the client has printed for a person, in their order, each once."""
    start = f"{authority.base}{AUTHORIZE}?"
    printed = (word[word.index(start) :].rstrip("'\"<>).,") for word in text.split() if start in word)
    return tuple(dict.fromkeys(printed))


def go(
    url: str, authority: Authority, errands: Errands, answered: Callable[[Request], Reply]
) -> Generator[BrowserStep, Visit, tuple[Visit, ...]]:
    """Where the browser goes from an address that the client has opened; each step is sent the visit it came to.

    `answered` carries a request out at the scripted server.
    """
    if urlsplit(url)._replace(path="", query="", fragment="").geturl() != authority.base:
        return (Visit(url, problem="not ours"),)
    reply = answered(Request("GET", url, (("Host", urlsplit(url).netloc), ("Accept", "text/html"))))
    location = dict(reply.headers).get("Location", "")
    if reply.fate != "answered" or not location:
        return ()
    back = urljoin(url, location)
    try:
        parts = urlsplit(back)
        ours = parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port is not None
    except ValueError:
        ours = False
    if not ours:
        return (Visit(back, problem="not ours"),)
    visits = []
    if errands.knocks:
        elsewhere = parts._replace(netloc=f"{ANOTHER_ADDRESS}:{parts.port}", path="/", query="").geturl()
        visits.append((yield BrowserStep(elsewhere, "knock")))
    for path in errands.before:
        early = yield BrowserStep(urljoin(back, path))
        visits.append(early)
    visits.append((yield BrowserStep(back)))
    if errands.again:
        yield BrowserStep(back, "wait", errands.after)
        visits.append((yield BrowserStep(with_query(back, errands.again))))
    return tuple(visits)


def noted(authority: Authority, request: Request, now: Callable[[], float], pause: Callable[[float], None]) -> Reply:
    """Carry out a request of the browser at the scripted server, and keep the exchange."""
    started = now()
    request = replace(request, operation=authority.operation(request))
    reply = authority.answer(request)
    if reply.delay:
        pause(reply.delay)
    authority.record(request, reply, started, now(), BROWSER)
    return reply
