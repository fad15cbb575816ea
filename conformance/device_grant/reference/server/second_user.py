"""A second person at the reference server's verification page: a user module as `user.py`, of another account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.reference.server.settings import SECOND_PASSWORD, SECOND_USER
from device_grant.reference.server.user import decide

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView


def approve(http: httpx.Client, grant: GrantView) -> None:
    """Allow the grant; raises UserError if the pages do not let the user."""
    decide(http, grant, "approve", user=SECOND_USER, secret=SECOND_PASSWORD)


def deny(http: httpx.Client, grant: GrantView) -> None:
    """Refuse the grant; raises UserError if the pages do not let the user."""
    decide(http, grant, "deny", user=SECOND_USER, secret=SECOND_PASSWORD)
