"""A person's browser at the target, whoever sits at it: the user of a grant, or a visitor whose pages are judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.server.session.run import Run
    from device_grant.targets.users.browser import Browser

_PAGE = 30.0
"""Real seconds for a page."""


def browser_at(run: Run, *, patient: bool = True) -> Browser:
    """A browser with nothing in it; a `patient` one waits where the pages limit the rate of requests."""
    from device_grant.targets.users.browser import Browser  # what lists checks needs no HTTP client

    target = run.target
    result = Browser(target.http(timeout=_PAGE), base=target.base, timeout=_PAGE, in_process=target.in_process)
    # A real browser asks for what it likes, as often as it likes.
    result.chromium = run.chromium if run.manners is None else None
    if patient:
        result.auth = run.patience()
    return result
