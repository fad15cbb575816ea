"""When an answer came, by the server's clock and by the suite's: whoever looks into a token compares times."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase


def moments(case: ServerCase, exchange: Exchange) -> list[float]:
    """Now, right after an answer, in seconds since the epoch: by our clock, and by its Date where it has one."""
    result = [case.run.target.clock.now()]
    date = exchange.response.header("date") if exchange.response is not None else None
    try:
        if date is not None:
            result.append(parsedate_to_datetime(date).timestamp())
    except (ValueError, OverflowError, OSError):
        pass
    return result
