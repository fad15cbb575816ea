"""Whither the secrets of target.toml may go: what a server says of its addresses is no reason to send them anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.browser.unreadable import address
from device_grant.protocol.redaction import SECRET_MEMBERS
from device_grant.targets.addresses import is_loopback, is_test_rig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.targets.config import TargetConfig
    from device_grant.targets.ports import Target


@dataclass(frozen=True)
class Trust:
    """The hosts to which one target's configured secrets may be sent.

    They are that of its base, at any port, those of addresses that target.toml gives, and `[endpoints] trust`. All
    names and addresses of this machine are one host.
    """

    base: str
    hosts: frozenset[str]
    named: frozenset[str]
    """Those of `[endpoints] trust`: plain HTTP is right there too."""
    secrets: Mapping[str, str]
    """What of target.toml requests to an endpoint bear, in words, by our name of the endpoint; empty: nothing."""
    in_process: bool

    @classmethod
    def of(cls, target: Target) -> Trust:
        """What the configuration of a target says."""
        places = target.config.endpoints
        given = (
            target.base,
            places.metadata,
            places.registration,
            places.device_authorization,
            places.token,
            places.revocation,
            places.introspection,
            places.userinfo,
        )
        named = frozenset(map(host_name, places.trust))
        return cls(
            target.base,
            named | {host for url in given if "://" in url for host in _hosts(url)},
            named,
            _secrets(target.config),
            target.in_process,
        )

    def allows(self, url: str, endpoint: str = "") -> bool:
        """Whether a request that bears credentials may go there; anything may where there is no secret to lose.

        `endpoint`: our name of what it is meant for, such as `token`; empty: something else.
        """
        if self.in_process or not self.secrets or (endpoint and endpoint not in self.secrets):
            return True
        if is_loopback(self.base) and is_loopback(url):
            return True
        hosts = _hosts(url)
        if not hosts or not hosts <= self.hosts:
            return False
        # Behind a proxy many servers believe that they are reached by plain HTTP: over a network all could listen in.
        bared = self.base.startswith("https:") and not url.lower().startswith("https:") and not is_test_rig(self.base)
        return not bared or hosts <= self.named


def host_name(text: str) -> str:
    """The name of a host as it is compared: without case, brackets and the dot of the root."""
    return text.strip("[]").rstrip(".").lower()


def _hosts(url: str) -> frozenset[str]:
    """The host of a URL as all who send requests read it; more than one where they differ, none where one cannot."""
    read = None if "\\" in url else address(url)  # a backslash, which browsers read as a slash
    try:
        parted = urlsplit(url).hostname
    except ValueError:
        return frozenset()
    if read is None or not read.host or not parted:
        return frozenset()
    # An internationalised name is sent in its ASCII form, and compared in it.
    ascii_host = read.raw_host.decode("ascii", errors="replace")
    alike = parted if parted.isascii() else ascii_host
    return frozenset({host_name(ascii_host), host_name(alike)})


def _secrets(config: TargetConfig) -> dict[str, str]:
    clients = [client.id for client in config.clients if client.secret]
    registering = ["initial access token"] if config.registration.initial_access_token else []
    registering += sorted(SECRET_MEMBERS & config.request.registration.keys())
    secrets = (
        dict.fromkeys(("token", "device_authorization"), f"the secret of the client {clients[0]}") if clients else {}
    )
    if registering:
        secrets["registration"] = f"the {registering[0]}"
    if config.introspection.given:
        asks = config.introspection.client_id
        secrets["introspection"] = f"the secret of the resource server {asks}" if asks else "the introspection token"
    return secrets
