"""What httpx raises for what a server sends: broken answers, and addresses that are none."""

from __future__ import annotations

import httpx
from idna import IDNAError

UNREADABLE = (httpx.HTTPError, httpx.InvalidURL, httpx.CookieConflict, IDNAError, UnicodeEncodeError)
"""The last but one comes unwrapped where the host of an address is no internationalised name, though it looks like one;
the last where something is to be sent on that no encoding has, such as half of a surrogate pair in a code."""


def address(text: str) -> httpx.URL | None:
    """The text as a URL whose host can be read; None if it is none."""
    try:
        url = httpx.URL(text)
        _ = url.host  # decoded only now
    except UNREADABLE:
        return None
    return url
