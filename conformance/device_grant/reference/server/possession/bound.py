"""To which keys tokens are bound."""

from __future__ import annotations

from base64 import urlsafe_b64decode
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.issued.terms import Terms

_THUMBPRINT = "jkt"
"""The member of `cnf` (RFC 9449 section 6.1)."""


@dataclass(frozen=True)
class Bound:
    """Thumbprints of keys (RFC 7638), empty: to none; and for what the access token is."""

    access: str = ""
    """That of the access token."""
    refresh: str = ""
    """That of the refresh token."""
    resources: tuple[str, ...] = ()
    """Those that the request named (RFC 8707); empty: all that was approved."""


UNBOUND = Bound()


def confirmed(terms: Terms, bound: Bound, faults: Faults) -> Terms:
    """The terms of an access token that is bound so."""
    others = {name: said for name, said in terms.confirmation.items() if name != _THUMBPRINT}
    if not bound.access or faults.dpop_token_unbound:
        return replace(terms, confirmation=others)
    named = bound.access
    if faults.dpop_thumbprint_hex:
        named = urlsafe_b64decode(named + "=").hex()
    return replace(terms, confirmation=others | {_THUMBPRINT: named})
