"""The person at the mock's page, where there is nothing to type and nothing to decide."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.targets import UserError

if TYPE_CHECKING:
    import httpx

    from device_grant.targets import GrantView


def approve(http: httpx.Client, grant: GrantView) -> None:
    page = http.get(grant.verification_uri)
    if not page.is_success:
        raise UserError(f"the page answered {page.status_code}")


def deny(http: httpx.Client, grant: GrantView) -> None:
    page = http.get(grant.verification_uri)
    raise UserError(f"the page offers no way to refuse: it says {page.text[:100]}")
