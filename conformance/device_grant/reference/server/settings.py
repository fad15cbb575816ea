"""What an operator of the reference server chooses: dialect, lifetimes, clients and people."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.errors import UsageError
from device_grant.protocol import RFC8628
from device_grant.reference.server.binding.known import PROTECTED_RESOURCES, ProtectedResource
from device_grant.reference.server.ends.callers import RESOURCE_SERVERS, ResourceServer
from device_grant.reference.server.signed.settings import SignedSettings
from device_grant.reference.server.usual import DAY, Usual, usual
from device_grant.targets.certificates import authority
from device_grant.targets.config import DEFAULT_BASE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.targets.config import KnownClient

DEFAULT_ISSUER = DEFAULT_BASE
"""Issuer of an application that has no address of its own, because it is called in process."""
DEFAULT_MUTUAL_TLS = "https://mtls.target.test"
"""Where client certificates are shown to such an application."""
PUBLIC_ISSUER = "http://login.example.com"
"""Issuer under the fault `public_http`; an application in process can be called by any name."""
DEMO_USER = "alice"
DEMO_PASSWORD = "wonderland"  # noqa: S105 - published on the sign-in page; it protects nothing
SECOND_USER = "bob"
SECOND_PASSWORD = "builder"  # noqa: S105 - likewise, if on no page


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Lifetimes are in seconds; None stands for the dialect's default.

    Raises UsageError for values that no server could honour.
    """

    dialect: str = RFC8628
    issuer: str = ""
    """Origin under which clients reach the server, for example `http://127.0.0.1:8000`: the Host header is never
    trusted. Empty: `serve` takes the address it listens on, an application in process `DEFAULT_ISSUER`."""
    interval: int | None = None
    """Polling interval (RFC 8628 3.2): 5 s, AWS 1 s."""
    early_polls: int = 0
    """How many polls of one device code may come too early before slow_down is answered. AWS CLI polls twice at
    once when it starts; with 1 it is not slowed down."""
    expires_in: int = 600
    """Lifetime of device code and user code (RFC 8628 3.2)."""
    registration_lifetime: int | None = None
    """Lifetime of a dynamic registration's secret; 0: it does not expire. AWS 90 days, RFC dialect 0."""
    access_token_lifetime: int | None = None
    """1 h, AWS 8 h."""
    refresh_token_lifetime: int = 30 * DAY
    """How long a refresh token lives if it is not used (RFC 9700 4.14)."""
    scopes: tuple[str, ...] | None = None
    """Scopes that exist on this server."""
    default_scope: tuple[str, ...] = ("profile",)
    """RFC dialect: what a device authorization without scope asks for (RFC 6749 3.3)."""
    clients: tuple[KnownClient, ...] | None = None
    """Clients known beforehand; RFC dialect: `DEFAULT_CLIENTS`, AWS: none, since everyone registers."""
    users: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({DEMO_USER: DEMO_PASSWORD, SECOND_USER: SECOND_PASSWORD})
    )
    """Accounts at the verification page: names and passwords."""
    show_demo_account: bool = True
    """Whether the sign-in page names the first account."""
    signed: SignedSettings = field(default_factory=SignedSettings)
    """AWS: keys and application of CreateTokenWithIAM."""
    resource_servers: tuple[ResourceServer, ...] = RESOURCE_SERVERS
    """RFC dialect: who may introspect tokens that are for them (RFC 7662)."""
    protected_resources: tuple[ProtectedResource, ...] = PROTECTED_RESOURCES
    """RFC dialect: what clients may ask tokens for (RFC 8707)."""
    pkce_clients: tuple[str, ...] = ("pkce-client",)
    """RFC dialect: ids of clients that have to use PKCE in the device grant; the others may."""
    dpop_nonces: bool = True
    """RFC dialect: whether DPoP proofs have to carry a nonce of the server's (RFC 9449 section 8)."""
    mutual_tls: str = ""
    """RFC dialect: origin of the listener that asks for client certificates (RFC 8705 section 5), beginning with
    https; empty: an application in process has `DEFAULT_MUTUAL_TLS`, others have none."""
    client_authorities: tuple[str, ...] = ()
    """Certificates in PEM of the authorities that client certificates may be of; empty: in process that of checks."""
    guesses_per_session: int = 5
    """Wrong user codes in a minute after which a browser session is throttled (RFC 8628 5.1)."""
    guesses_per_address: int = 20
    """The same for all sessions of one address: more, because people share addresses."""
    undecided_codes: int = 20
    """Codes within ten seconds that a client may ask for which anybody registered and nobody has approved."""

    def __post_init__(self) -> None:
        asks = self.usual.asks_for_default_scope
        for name in ("interval", "expires_in", "access_token_lifetime", "refresh_token_lifetime"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"reference server: {name} is {value}, but must be at least 1 second")
        for name in ("early_polls", "registration_lifetime"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise UsageError(f"reference server: {name} is {value}, but must not be negative")
        if self.issuer:
            parts = urlsplit(self.issuer)
            rest = parts.path + parts.query + parts.fragment
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or rest:
                raise UsageError(
                    f"reference server: issuer {self.issuer!r} must be an origin such as https://login.example, "
                    "without a path and without a trailing slash"
                )
        if self.mutual_tls and not re.fullmatch(r"https://[^/?#@]+", self.mutual_tls):
            raise UsageError(
                f"reference server: mutual_tls {self.mutual_tls!r} must be an origin such as https://m.example, "
                "for nobody shows a certificate without TLS"
            )
        if not self.users:
            raise UsageError("reference server: users is empty: nobody could approve anything")
        unknown = set(self.default_scope) - set(self.known_scopes)
        if asks and unknown:
            raise UsageError(f"reference server: default_scope names {sorted(unknown)}, which scopes does not list")

    @property
    def usual(self) -> Usual:
        """Defaults of the dialect; raises UsageError for one that the reference server does not speak."""
        return usual(self.dialect)

    @property
    def base(self) -> str:
        """The issuer, or its default."""
        return self.issuer or DEFAULT_ISSUER

    @property
    def mutual_tls_base(self) -> str:
        """The origin at which client certificates are shown; empty: nobody shows any."""
        in_process = self.usual.issues_jwts and not self.issuer
        return self.mutual_tls or (DEFAULT_MUTUAL_TLS if in_process else "")

    @property
    def trusted_authorities(self) -> tuple[str, ...]:
        """Certificates in PEM of the authorities that client certificates may be of."""
        return self.client_authorities or (() if self.mutual_tls else (authority(),))

    @property
    def polling_interval(self) -> int:
        """Seconds between polls as first advertised."""
        return self.usual.interval if self.interval is None else self.interval

    @property
    def secret_lifetime(self) -> int:
        """Seconds that a dynamic registration lasts; 0: for ever."""
        default = self.usual.registration_lifetime
        return default if self.registration_lifetime is None else self.registration_lifetime

    @property
    def token_lifetime(self) -> int:
        """Seconds that an access token lasts."""
        default = self.usual.token_lifetime
        return default if self.access_token_lifetime is None else self.access_token_lifetime

    @property
    def known_scopes(self) -> tuple[str, ...]:
        """Scopes that exist on this server."""
        return self.usual.scopes if self.scopes is None else self.scopes

    @property
    def known_clients(self) -> tuple[KnownClient, ...]:
        """Clients known beforehand."""
        return self.usual.clients if self.clients is None else self.clients
