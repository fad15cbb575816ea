"""Room on CPython's stack of frames, so that deep calls do not ask the kernel for memory again and again.

CPython keeps the frames of a thread in pieces of 16 KiB, each of which it maps when a call does not fit into the one
before and unmaps when that call returns. A function that is called often just there maps and unmaps at every call: in
a run of Hypothesis, pytest, httpx and an ASGI application on top of each other that was a tenth of all time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
_ROOM = 70_000
"""Words: more than half a MiB, so that the piece for it is one of a MiB, whose rest is enough for all deeper calls."""


def with_room(function: Callable[[], Result]) -> Result:
    """Call the function; all frames below it stand in one piece of memory."""
    return function()


with_room.__code__ = with_room.__code__.replace(co_stacksize=_ROOM)
