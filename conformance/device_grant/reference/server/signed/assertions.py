"""Assertions of the trusted token issuer (RFC 7523), and the identity tokens that are given for them."""

from __future__ import annotations

import hashlib
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from device_grant.reference.server.http import Refusal

if TYPE_CHECKING:
    from device_grant.reference.server.store import Store

_ALGORITHM = "HS256"
_MOST = 100_000
"""Assertions that are remembered; the oldest go first."""


class Assertions:
    """Which assertions are good, and were not used before."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._used: dict[str, float] = {}
        self._own_key = secrets.token_urlsafe(32)

    def person(self, assertion: str) -> str:
        """Whom an assertion is about; raises Refusal for one that is forged, foreign, over or used."""
        import jwt  # only this operation needs it

        settings, faults = self.store.settings.signed, self.store.faults
        claims: dict[str, Any]
        try:
            if faults.iam_assertion_unverified:
                claims = jwt.decode(assertion, options={"verify_signature": False})
            else:
                claims = jwt.decode(
                    assertion,
                    settings.issuer_key,
                    algorithms=[_ALGORITHM],
                    issuer=settings.issuer,
                    audience=settings.audience,
                    # Its end is looked at below, on the server's own clock.
                    options={"require": ["iss", "aud", "sub", "exp"], "verify_exp": False, "verify_iat": False},
                )
        except (jwt.PyJWTError, RecursionError, ValueError):
            raise Refusal("invalid_grant", "Invalid grant: the assertion is not one of the trusted issuer") from None
        return self._usable(assertion, claims)

    def _usable(self, assertion: str, claims: dict[str, Any]) -> str:
        faults, now = self.store.faults, self.store.clock()
        ends = claims.get("exp")
        if not faults.iam_assertion_unverified:
            if not isinstance(ends, int | float) or now >= ends:
                raise Refusal("expired_token", "The assertion has expired")
            name = hashlib.sha256(str(claims.get("jti") or assertion).encode("utf-8", "surrogatepass")).hexdigest()
            with self.store.lock:
                if name in self._used and not faults.iam_assertion_reusable:
                    raise Refusal("invalid_grant", "Invalid grant: the assertion was used before")
                self._used[name] = ends
                while len(self._used) > _MOST:
                    del self._used[next(iter(self._used))]
        person = claims.get("sub")
        if not isinstance(person, str) or person not in self.store.settings.users:
            raise Refusal("invalid_grant", "Invalid grant: nobody of that name is known")
        return person

    def identity_token(self, person: str, context: str, lifetime: int) -> str:
        """What the answer says of the person, with the claims of AWS's user guide."""
        import jwt

        settings, now = self.store.settings.signed, int(self.store.clock())
        claims = {
            "iss": "https://identitycenter.amazonaws.com/ssoins-0123456789abcdef",
            "sub": person,
            "aud": settings.application,
            "act": {"sub": settings.issuer_arn},
            "iat": now,
            "exp": now + lifetime,
            # As text, not as the number that OpenID Connect asks for: so the guide shows it.
            "auth_time": datetime.fromtimestamp(now, UTC).isoformat().replace("+00:00", "Z"),
            "sts:identity_context": context,
            "sts:audit_context": f"audit-{context}",
            "aws:instance_account": "111122223333",
            "aws:credential_id": secrets.token_urlsafe(16),
        }
        return jwt.encode(claims, self._own_key, _ALGORITHM)
