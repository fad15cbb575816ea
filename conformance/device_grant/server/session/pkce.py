"""PKCE in the device grant: the parameters that the suite sends (RFC 7636 sections 4.1 to 4.5)."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from device_grant.protocol.base64url import base64url

if TYPE_CHECKING:
    from device_grant.server.session.run import Run

CLAIM = "device_pkce"
REQUIRED = "device_pkce_required"
VERIFIER = "device-grant-conformance-verifier-0123456789.~_"
"""The same in every run, so that what is sent does not differ; it protects nothing."""
LONGEST = ("-._~" + "aZ09" * 31)[:128]
"""Of as many characters as a verifier may have, with all marks that it may have."""
SHORTEST = ("-._~" + "Za90" * 10)[:43]
ANOTHER = VERIFIER.replace("verifier", "VERIFIER")
"""One that belongs to no challenge of the suite."""


def challenge_of(verifier: str) -> str:
    """S256 of a verifier."""
    return base64url(hashlib.sha256(verifier.encode()).digest())


def challenge(verifier: str = VERIFIER) -> dict[str, Any]:
    """Members of a start with an S256 challenge."""
    return {"code_challenge": challenge_of(verifier), "code_challenge_method": "S256"}


def with_start(run: Run) -> dict[str, str]:
    """Members of every start at a target whose clients all have to use PKCE; empty at others."""
    return challenge() if _required(run) else {}


def with_poll(run: Run) -> dict[str, str]:
    """The same of every poll."""
    return {"code_verifier": VERIFIER} if _required(run) else {}


def _required(run: Run) -> bool:
    return bool(run.claims(REQUIRED)) or "code_challenge" in run.dialect.demands
