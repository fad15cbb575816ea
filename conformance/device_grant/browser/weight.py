"""What the pages of a real browser may weigh: script that grows without end ends its page, not the machine."""

from __future__ import annotations

from contextlib import suppress

import psutil

LARGEST_HEAP = 256
"""MiB of objects that script may have, which the browser itself sees to."""
LARGEST_PAGE = 400 * 2**20
"""Octets of memory of the process that shows pages, its code included; a large one of a good page has half of that."""


def end_large_pages() -> None:
    """End what shows pages and has become too large; what waits for it is told that it crashed."""
    with suppress(psutil.Error):
        for process in psutil.Process().children(recursive=True):
            with suppress(psutil.Error):
                if process.memory_info().rss > LARGEST_PAGE and "--type=renderer" in process.cmdline():
                    process.kill()
