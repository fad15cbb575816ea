"""What httpx brings, as the suite's own answers and words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.protocol import Outcome, Response
from device_grant.protocol.exchange import NO_RESPONSE, UNREAD
from device_grant.targets.transports.limits import UnreadAnswer

if TYPE_CHECKING:
    import httpx


def plain_response(answer: httpx.Response) -> Response:
    """Httpx's response as the suite's own."""
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    return Response(answer.status_code, headers, answer.content)


def lost(error: Exception) -> Outcome:
    """What a request came to that has no response to be judged."""
    return Outcome(0, UNREAD if isinstance(error, UnreadAnswer) else NO_RESPONSE)


def reason_of(error: BaseException) -> str:
    """An error in one line, for people."""
    name = type(error).__name__
    return f"{name}: {error}" if str(error) else name
