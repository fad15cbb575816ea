"""What a server can do besides the grant itself, before a check that is about it begins."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable

if TYPE_CHECKING:
    from device_grant.server.session.run import Run


def require(run: Run, name: str) -> None:
    """Raise NotApplicable if the target lacks a capability: `[claims]` says so, or its metadata leaves it out.

    Of most capabilities no metadata tells; checks find out by themselves.
    """
    if run.claims(name) is False:
        raise NotApplicable(f"the target does not claim {name}")
    if name == "registration" and run.endpoints.document and not run.endpoints.registration:
        raise NotApplicable("the metadata names no registration endpoint: clients are configured")
