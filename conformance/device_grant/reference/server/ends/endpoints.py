"""Where both endpoints are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.reference.server.ends.desk import INTROSPECTION_PATH, REVOCATION_PATH
from device_grant.reference.server.ends.introspection import Introspection
from device_grant.reference.server.ends.revocation import Revocation, as_text

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from device_grant.reference.server.ends.desk import Desk
    from device_grant.reference.server.http import Answer, Call, Handler


def handlers(desk: Desk, operation: Callable[[Callable[[Call], Awaitable[Answer]]], Handler]) -> dict[str, Handler]:
    """Handlers by path; `operation` makes one of a function: it answers other methods, and refusals."""
    revocation = operation(Revocation(desk).answer)
    return {
        REVOCATION_PATH: as_text(revocation, really=desk.faults.revocation_errors_as_text),
        INTROSPECTION_PATH: operation(Introspection(desk).answer),
    }
