"""A live endpoint: someone else started it, we only reach it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

import httpx

from conformance.errors import TargetUnreachableError
from conformance.targets.adapter import Adapter
from conformance.targets.clock import RealClock
from conformance.targets.http import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from conformance.targets.base import Clock, User
    from conformance.targets.config import Located


class LiveTarget(Adapter):
    """Target at a URL, on the real clock."""

    in_process = False

    def __init__(self, located: Located, user: User | None = None) -> None:
        super().__init__(located, user)
        self.base: str = located.config.endpoints.base.rstrip("/")
        self.clock: Clock = RealClock()
        self._network = Network(self.base)

    def __enter__(self) -> Self:
        with self._network.client() as client:
            try:
                client.get("/")
            except httpx.HTTPError as error:
                raise TargetUnreachableError(unreachable(self.base, error)) from error
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was started."""

    def http(self, *, timeout: float = 10.0) -> httpx.Client:
        """A new client: own cookies, own connections; `timeout` in seconds."""
        return self._network.client(timeout=timeout)

    def together(self, requests: Sequence[httpx.Request]) -> list[httpx.Response | Exception]:
        """Released together over warmed connections."""
        return self._network.together(requests)


def unreachable(url: str, error: Exception) -> str:
    """One line for a URL that does not answer."""
    reason = str(error) or type(error).__name__
    return f"{url} does not answer: {' '.join(reason.split())}. Is the server running, and is the address right?"
