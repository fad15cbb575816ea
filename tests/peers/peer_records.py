"""What a peer keeps: clients, grants, refresh tokens; and how it refuses."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, field
from urllib.parse import urlsplit

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
URI = re.compile(r"(?:[A-Za-z0-9:/?\[\]@!$&'()*+,;=._~-]|%[0-9A-Fa-f]{2})+")
"""What a URI without fragment is made of (RFC 3986)."""
METHODS = ("client_secret_basic", "client_secret_post", "none")


@dataclass
class Client:
    id: str
    secret: str
    method: str
    grants: tuple[str, ...]
    scope: str
    name: str
    ends: float = 0
    """When the registration ends; 0: never."""


@dataclass
class Grant:
    client: Client
    scope: str
    user_code: str
    ends: float
    interval: float
    state: str = "pending"
    person: str = ""
    decided: float = 0
    polled: float = 0
    handle: str = field(default_factory=lambda: secrets.token_urlsafe(24))


@dataclass
class Refresh:
    client: Client
    scope: str
    family: str
    used: bool = False


class Refused(Exception):  # noqa: N818 - an OAuth error response, said as one word
    def __init__(self, error: str, why: str = "", status: int = 400, *headers: tuple[str, str]) -> None:
        self.error, self.why, self.status, self.headers = error, why, status, headers


def acceptable(uri: str) -> bool:
    """Whether a redirect URI may be registered: HTTPS, or plain HTTP to the machine itself; no fragment."""
    if not URI.fullmatch(uri):
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    own = host in ("127.0.0.1", "localhost", "::1")
    return bool(host) and (parts.scheme == "https" or (parts.scheme == "http" and own))
