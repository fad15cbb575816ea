"""Text from targets made visible: what could move a cursor, hide, or reorder characters appears as an escape."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

from device_grant.visible import visible


def one_line(text: str, longest: int = 0) -> str:
    """Fold white space to single spaces; cut with an ellipsis beyond `longest` characters, if given."""
    folded = " ".join(visible(text).split())
    return folded[: longest - 1] + "…" if longest and len(folded) > longest else folded


def web_link(url: str) -> str:
    """Return the URL if it is safe to link to: http or https with a host, and nothing invisible; else nothing."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    plain = visible(url) == url and not any(unicodedata.category(char).startswith("Z") for char in url)
    return url if parts.scheme in ("http", "https") and parts.netloc and plain and "\n" not in url else ""


def plural(number: int, one: str, many: str = "") -> str:
    """`1 requirement`, `2 requirements`."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def level_in_words(level: str) -> str:
    """The level, and of IMPLIED, which is no keyword of RFC 2119, what it says."""
    return f"{level} (follows from the text, which has no keyword for it)" if level == "IMPLIED" else level


def minute(moment: str) -> str:
    """`2026-03-01 09:30 UTC` of an ISO 8601 moment in UTC; anything else, a day among it, as it is."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?(?:Z|\+00:00)", moment)
    return f"{match[1]} {match[2]} UTC" if match else moment
