"""A live endpoint: someone else started it, we only reach it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

import httpx

from device_grant.errors import TargetUnreachableError
from device_grant.targets.adapter import Adapter
from device_grant.targets.clocks import RealClock
from device_grant.targets.transports.limits import TooLarge
from device_grant.targets.transports.network import Network

if TYPE_CHECKING:
    from collections.abc import Sequence

    from device_grant.protocol.certificates import ClientCertificate
    from device_grant.targets.config import Located
    from device_grant.targets.dispatch import Dispatch, Meanwhile
    from device_grant.targets.ports import Clock, User


_LOOKS = 3
_PAUSE = 0.5
"""Seconds."""
_LONGEST_HINT = 2_000
_OTHER = {"http": "https", "https": "http"}
_ASKED = 3.0
"""Seconds for a port that may speak the other scheme."""


class LiveTarget(Adapter):
    """Target at a URL, on the real clock."""

    in_process = False

    def __init__(self, located: Located, user: User | None = None) -> None:
        super().__init__(located, user)
        self.base: str = located.config.endpoints.base.rstrip("/")
        self.clock: Clock = RealClock()
        self._network = Network(self.base, self.config.limits)

    def __enter__(self) -> Self:
        missing = self._missing()
        if missing:
            raise TargetUnreachableError(missing)
        return self

    def gone(self) -> str:
        """Ask again, a few times: a server that restarts is not gone."""
        missing = ""
        for _ in range(_LOOKS):
            missing = self._missing()
            if not missing:
                return ""
            time.sleep(_PAUSE)
        return missing

    def _missing(self) -> str:
        with self.http() as client:
            try:
                answer = client.get("/")
            except TooLarge:
                return ""
            except httpx.HTTPError as error:
                return unreachable(self.base, error)
        # As many servers tell whoever speaks plain HTTP to a port for TLS.
        mistaken = answer.status_code == httpx.codes.BAD_REQUEST and b"https" in answer.content[:_LONGEST_HINT].lower()
        return other_scheme(self.base) if mistaken else ""

    def __exit__(self, *_: object) -> None:
        """Nothing was started."""

    def http(self, *, timeout: float = 10.0, certificate: ClientCertificate | None = None) -> httpx.Client:
        """A new client: own cookies, own connections; `timeout` in seconds."""
        return self.mannered(self._network.client(timeout=timeout, certificate=certificate))

    def overlap(self, dispatches: Sequence[Dispatch], meanwhile: Meanwhile | None = None) -> None:
        """Released together over warmed connections."""
        self._require_own("requests at the same moment")
        self._network.overlap(dispatches, meanwhile)


def unreachable(url: str, error: Exception) -> str:
    """One line for a URL that does not answer."""
    reason = str(error) or type(error).__name__
    if "CERTIFICATE_VERIFY_FAILED" in reason:
        ours = "set SSL_CERT_FILE to the file of its authority, where that is one of your own"
        return f"{url} has a certificate of an unknown authority: {ours}"
    mistaken = "" if isinstance(error, httpx.TimeoutException) else other_scheme(url)
    if mistaken:
        return mistaken
    return f"{url} does not answer: {' '.join(reason.split())}. Is the server running, and is the address right?"


def other_scheme(url: str) -> str:
    """What to write instead where the port of a URL speaks the other one of http and https; else empty."""
    given = urlsplit(url)
    scheme = _OTHER.get(given.scheme, "")
    if not scheme or not given.hostname:
        return ""
    meant = given._replace(scheme=scheme).geturl()
    try:
        # Whose certificate it is makes no difference: nothing is sent that anybody could want.
        httpx.get(f"{scheme}://{given.netloc}/", verify=False, timeout=_ASKED, trust_env=False)  # noqa: S501 - see above
    except (httpx.HTTPError, ValueError):
        return ""
    return f"{url} does not answer as it should, and {meant} does: write that"
