"""The tokens of one approved grant, in the order in which they came."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol.exchange import REFUSED
from device_grant.server.session.pace import MARGIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

DEAD = ("invalid_grant",)
"""What the refresh of a token that has ended is answered; another refusal is tolerated: other checks judge its name."""
_PAUSES = (0.0, 1.0, 1.0, 3.0)
"""Seconds before each look: what has not ended in five of them has not ended (RFC 7009 section 2.1 knows delays)."""
GRACE = sum(_PAUSES)


class Chain:
    """A grant that was approved and redeemed, and what its refreshes brought."""

    def __init__(self, device: Device, **members: Any) -> None:
        """Get tokens; raises Untestable where none come."""
        self.device = device
        case = device.case
        self.grant = device.start(**members)
        if case.run.target.clock.sleeps:
            # Before the user is kept from all others, not while.
            case.wait(self.grant.interval + MARGIN)
        case.keep_user()
        self.tokens = self.grant.redeemed()
        """The token response."""
        self.access: list[str] = []
        """Access tokens, the newest last."""
        self.refreshes: list[str] = []
        """Refresh tokens likewise; one where the server does not replace them, empty where it has none."""
        self._take(self.tokens)
        if not self.access:
            raise Untestable("the token response has no access_token that could be used")

    def _take(self, tokens: Exchange) -> None:
        access, refresh = tokens.get("access_token"), tokens.get("refresh_token")
        if isinstance(access, str) and access:
            self.access.append(access)
        if isinstance(refresh, str) and refresh and refresh not in self.refreshes:
            self.refreshes.append(refresh)

    def require_refresh_token(self) -> None:
        """Raise NotApplicable where the server issued none, for none is owed, and Untestable where it claims to."""
        if self.refreshes:
            return
        if self.device.case.run.claims("refresh_token"):
            raise Untestable("the target claims refresh_token but sent none")
        raise NotApplicable("no refresh token was issued; none is owed")

    def refresh(self, label: str = "refresh") -> Exchange:
        """One refresh with the newest refresh token, whatever the answer."""
        exchange = self.device.refresh(self.refreshes[-1], label=label)
        if exchange.outcome.ok:
            self._take(exchange)
        return exchange

    def require_refreshing(self) -> None:
        """Refresh once; raises Untestable where that is refused: then no refusal afterwards shows anything."""
        self.require_refresh_token()
        control = self.refresh("control: refresh while the token lives")
        if not control.outcome.ok:
            raise Untestable(f"no refresh works: a genuine one was answered {control.describe()}")

    def refused(self, label: str) -> tuple[float | None, Exchange]:
        """Refresh until that is refused: after how many seconds it was, None: it never was; and the last answer."""
        last: list[Exchange] = []

        def works() -> bool | None:
            last.append(self.refresh(label))
            return last[-1].outcome.ok or (None if last[-1].unanswered else False)

        return ended(self.device.case, works), last[-1]


def ended(case: ServerCase, lives: Callable[[], bool | None]) -> float | None:
    """After how many seconds something was first seen not to live any more; None: it was not seen to end."""
    waited = 0.0
    for pause in _PAUSES:
        case.wait(pause)
        waited += pause
        if lives() is False:
            return waited
    return None


def refusal(exchange: Exchange) -> bool:
    """Whether an answer is an error that leaves nothing open."""
    return REFUSED in exchange.outcome.names
