"""One line about a page, for messages: where it is, what is on it, what it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.targets.users.login.reading import read_as_is

if TYPE_CHECKING:
    from device_grant.targets.users.login.reading import Shown

_LONGEST = 160
"""Characters of one part."""


def outline(page: Shown) -> str:
    """The page in a line: path, status, title, forms, buttons and links."""
    parts = [form.outline for form in page.forms if not form.silent][:4]
    links = [link.outline for link in page.links][:6]
    if links:
        parts.append(f"links {', '.join(links)}")
    title = f" {_cut(page.title)!r}" if page.title else ""
    return read_as_is(f"{place(page)}{title}: {_cut('; '.join(parts), 2 * _LONGEST) or 'nothing to use'}")


def place(page: Shown) -> str:
    """Path and status of a page; its query may hold a code."""
    return read_as_is(f"{page.url.path} ({page.response.status_code})")


def said(page: Shown, before: Shown | None = None) -> str:
    """What a page says, where there is a page before it: what is new."""
    return _cut(page.news(before) or page.text) or "nothing"


def _cut(text: str, most: int = _LONGEST) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
