"""What a person has allowed, as every token of a grant has it, and what the server remembers of access tokens."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.reference.server.store import RegisteredClient, Store


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What holds of all tokens of one grant, those of its refreshes included."""

    subject: str = ""
    """Who approved."""
    authenticated: float = 0.0
    """When that person signed in, in seconds since the epoch; 0: nobody did."""
    nonce: str = ""
    """What the device sent for its ID token; empty: nothing."""
    audience: tuple[str, ...] = ()
    """Resource servers for which the access tokens are (RFC 8707); empty: the default one."""
    confirmation: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """`cnf` of the access tokens: what their bearer has to prove (RFC 7800); empty: nothing."""
    claims: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Further claims of the access tokens; only faults have any."""


@dataclass
class RefreshToken:
    """A refresh token and the family that rotation has made of the first one (RFC 9700 4.14.2)."""

    client: RegisteredClient
    scope: tuple[str, ...]
    """Scope of the grant; narrowing an access token does not narrow it (RFC 6749 section 6)."""
    family: str
    expires: float
    terms: Terms = field(default_factory=Terms)
    """What was approved, and by whom."""
    replaced: bool = False
    lost: bool = False
    """Whether nobody was there any more for the answer to a refresh with it; noticed by a fault alone."""
    key: str = ""
    """Thumbprint of the key that it is bound to (RFC 9449 section 5), if any."""


@dataclass
class AccessTokenRecord:
    """An access token as the server that has issued it knows it, be it a JWT or not."""

    client: RegisteredClient
    scope: tuple[str, ...]
    terms: Terms
    family: str
    """That of the grant; its refresh tokens have the same."""
    issued: float
    expires: float
    """Both in seconds since the epoch."""
    audience: tuple[str, ...] = ()
    """Resource servers for which it is."""
    revoked: bool = False

    @property
    def subject(self) -> str:
        """Who approved."""
        return self.terms.subject


def good_token(store: Store, token: str) -> AccessTokenRecord | None:
    """What is known of an access token that is good now: issued here, not ended, not revoked, nor its grant."""
    held = store.access_tokens.get(token)
    if held is None or held.revoked or held.family in store.revoked_families or store.clock() >= held.expires:
        return None
    return held
