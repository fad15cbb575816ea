"""The listener of the reference client in simulated time, and the browser that meets it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from device_grant.client.drivers.visiting import Visit, go, noted

if TYPE_CHECKING:
    from collections.abc import Generator

    from device_grant.client.drivers.invocation import Invocation
    from device_grant.client.drivers.visiting import BrowserStep, Problem

PORT = 49152


class Timepiece(Protocol):
    """What it needs of the simulated network."""

    opened: list[str]

    def now(self) -> float:
        """Simulated seconds since the run began."""

    def pass_time(self, seconds: float) -> None:
        """Move the clock."""


class SimulatedListener:
    """The browser takes its next step whenever the client waits for it."""

    port = PORT

    def __init__(self, network: Timepiece, invocation: Invocation, *, everywhere: bool) -> None:
        self._network, self._invocation, self._everywhere = network, invocation, everywhere
        self._open = True
        self._going: Generator[BrowserStep, Visit, tuple[Visit, ...]] | None = None
        self._step: BrowserStep | None = None
        self._taken: BrowserStep | None = None
        """The request that the client has, and has not answered yet."""
        self._visits: tuple[Visit, ...] = ()
        self._ways = 0
        """Addresses to which the browser has set out."""

    def next(self, seconds: float) -> str | None:
        """The target of the browser's next request; what is none passes meanwhile."""
        step = self._wanted()
        while step is not None and step.what != "ask":
            if step.what == "wait" and step.seconds > seconds:
                break
            self._pass(step)
            step = self._step
        if step is None or step.what == "wait":
            self._network.pass_time(seconds)
            return None
        self._taken = step
        parts = urlsplit(step.url)
        return (parts.path or "/") + (f"?{parts.query}" if parts.query else "")

    def answer(self, status: int, text: str) -> None:
        """The browser has this status, and goes on."""
        del text
        if self._step is not None:
            self._advance(Visit(self._step.url, status))

    def close(self) -> None:
        """Refuse what comes from now on."""
        self._open = False

    def finish(self) -> tuple[Visit, ...]:
        """What came of the browser's ways, now that the client has ended."""
        self._open = False
        while (step := self._wanted()) is not None:
            self._pass(step)
        return self._visits

    def _wanted(self) -> BrowserStep | None:
        """The step that the browser is at; it sets out for each address that the client has opened, one by one."""
        invocation = self._invocation
        while self._step is None and self._ways < len(self._network.opened):
            self._ways += 1
            self._going = go(
                self._network.opened[self._ways - 1],
                invocation.authority,
                invocation.errands,
                lambda request: noted(invocation.authority, request, self._network.now, self._network.pass_time),
            )
            self._advance(None)
        return self._step

    def _pass(self, step: BrowserStep) -> None:
        """A step in which the client takes no part."""
        if step.what == "wait" and self._open:
            self._network.pass_time(step.seconds)
        heard = self._everywhere if step.what == "knock" else step.what == "wait"
        silent: Problem = "no answer" if step is self._taken else "refused"
        self._advance(Visit(step.url, problem="" if heard else silent))

    def _advance(self, visit: Visit | None) -> None:
        assert self._going is not None  # noqa: S101 - set out before
        try:
            self._step = next(self._going) if visit is None else self._going.send(visit)
        except StopIteration as end:
            self._step, self._visits = None, (*self._visits, *end.value)
