"""What the reference server does in each dialect unless its operator chooses otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from device_grant.errors import UsageError, one_of
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.targets.config import KnownClient

if TYPE_CHECKING:
    from collections.abc import Mapping

DAY = 86_400
"""Seconds."""

_DEMO_SECRETS = ("correct horse/battery+staple", "posted-secret")
"""Published secrets of demo clients; the first one shows whether HTTP Basic is form-encoded (RFC 6749 2.3.1)."""

DEFAULT_CLIENTS = (
    KnownClient(id="device-client"),
    KnownClient(id="other-client"),
    KnownClient(id="confidential-client", secret=_DEMO_SECRETS[0], authentication="client_secret_basic"),
    KnownClient(id="posting-client", secret=_DEMO_SECRETS[1], authentication="client_secret_post"),
    KnownClient(id="client-without-grants", grants=("refresh_token",)),
    KnownClient(id="pkce-client"),
)
"""Clients that the RFC dialect knows before anyone registers."""


@dataclass(frozen=True, kw_only=True)
class Usual:
    """Defaults of one dialect; times are in seconds."""

    interval: int
    """Between polls, as first advertised."""
    scopes: tuple[str, ...]
    """That exist on the server."""
    registration_lifetime: int
    """Of a dynamic registration's secret; 0: it does not expire."""
    token_lifetime: int
    clients: tuple[KnownClient, ...]
    """Known before anyone registers."""
    paths: Mapping[str, str]
    """Where endpoints are, under the names of target.toml; empty: where the dialect itself has them."""
    access_token_prefix: str = ""
    refresh_token_prefix: str = ""
    asks_for_default_scope: bool
    """Whether a device authorization without scope asks for the default one (RFC 6749 3.3)."""
    early_polls: int
    """How many polls may come too early, where `device-grant serve` serves the dialect's own clients."""
    issues_jwts: bool = False
    """Whether access tokens are JWTs, and ID tokens come beside them (RFC 9068, OpenID Connect Core)."""
    application: str
    """Name of the ready-made application in `device_grant.reference.server.app`."""
    environment: tuple[str, ...] = ()
    """Variables that lead SDKs to the server."""


USUAL: Mapping[str, Usual] = MappingProxyType(
    {
        RFC8628: Usual(
            interval=5,
            scopes=("openid", "profile", "email", "offline_access", "read", "write"),
            registration_lifetime=0,
            token_lifetime=3_600,
            clients=DEFAULT_CLIENTS,
            paths=MappingProxyType(
                {
                    "metadata": "/.well-known/oauth-authorization-server",
                    "registration": "/register",
                    "device_authorization": "/device_authorization",
                    "token": "/token",
                    "revocation": "/revoke",
                    "introspection": "/introspect",
                    "userinfo": "/userinfo",
                }
            ),
            asks_for_default_scope=True,
            early_polls=0,
            issues_jwts=True,
            application="app",
        ),
        AWS_SSO_OIDC: Usual(
            interval=1,
            scopes=(
                "sso:account:access",
                "codewhisperer:analysis",
                "codewhisperer:completions",
                "codewhisperer:conversations",
                "codewhisperer:taskassist",
                "codewhisperer:transformations",
                "codecatalyst:read_write",
            ),
            registration_lifetime=90 * DAY,
            token_lifetime=28_800,
            clients=(),
            paths=MappingProxyType({}),
            access_token_prefix="aoa",  # noqa: S106 - how the service's tokens begin
            refresh_token_prefix="aor",  # noqa: S106 - how the service's tokens begin
            asks_for_default_scope=False,
            # AWS CLI polls twice at once when it starts; told to slow down, it would keep its user waiting for 6 s.
            early_polls=1,
            application="aws_app",
            environment=("AWS_ENDPOINT_URL_SSO_OIDC", "AWS_ENDPOINT_URL_SSO"),
        ),
    }
)
"""By the names of the dialects that the reference server speaks."""


def usual(dialect: str) -> Usual:
    """The defaults of a dialect; raises UsageError for one that the reference server does not speak."""
    try:
        return USUAL[dialect]
    except KeyError:
        raise UsageError(f"reference server: unknown dialect {dialect!r}: {one_of(dialect, USUAL)}") from None
