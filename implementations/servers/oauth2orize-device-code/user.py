"""The person at the launcher's /decide, which stands for the page that the library leaves to applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView


def approve(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "approve")


def deny(http: httpx.Client, grant: GrantView) -> None:
    _decide(http, grant, "deny")


def _decide(http: httpx.Client, grant: GrantView, decision: str) -> None:
    answer = http.post("/decide", json={"user_code": grant.user_code, "decision": decision})
    if not answer.is_success:
        raise UserError(f"there is no open request with this code ({answer.status_code})")
