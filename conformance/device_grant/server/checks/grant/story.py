"""What is known of a grant in a story of many requests, and what it therefore may be answered.

The model allows every legitimate latitude: where a server may act in two ways, both are accepted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from device_grant.server.session.device import GONE, PENDING

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Grant

SKEW = 3.0
"""Seconds around the end of a code in which either answer is right."""
FRESH = 30.0
"""Seconds for which a refresh token that nobody has tampered with must work."""
GRACE = 65.0
"""Seconds after which no documented grace period for a replaced refresh token lasts."""
REFUSED = ("invalid_grant", "invalid_client", "unauthorized_client", "invalid_request", "slow_down")
"""Refusals of a request that presents what is another client's, or has lost its worth."""
FOREIGN = (*GONE, *REFUSED, "authorization_pending")

SINGLE_USE = "rfc8628-3.5-device-code-single-use"
PENDING_ANSWER = "rfc8628-3.5-authorization-pending"
REFRESH_WORKS = "rfc6749-6-server-validates"
REPLAY_DETECTED = "rfc9700-4.14-refresh-replay-detection"


@dataclass(frozen=True)
class DueAnswer:
    """What one request may be answered, and the requirement that says so."""

    requirement: str
    accepted: tuple[str, ...]
    situation: str
    """What was asked, in words that stay the same from run to run."""
    tolerated: bool = False
    """Whether another answer is worth a warning only."""


@dataclass
class Expectation:
    """What the model knows of one grant."""

    grant: Grant
    bound: bool = False
    """Whether its client has a secret, so that a replaced refresh token need not lose its worth."""
    access_token: object = None
    """What the code was redeemed for."""
    superseded: bool = False
    """Whether the user was at the pages since the tokens came, got others, or the code was presented again.

    A server that keeps one session a user and client has then ended the older one.
    """
    state: str = "pending"
    """`pending`, `approved`, `denied`, `redeemed`, or `undecided` after a decision that the page may have refused."""
    refresh_token: str = ""
    """The newest refresh token; empty if there is none."""
    refreshed: float = 0.0
    """When it came, in seconds of the case."""
    intact: bool = False
    """Whether nothing has happened that lets a server take its tokens back."""
    replaced: list[tuple[str, float]] = field(default_factory=list)
    """Refresh tokens that others came for, and when."""

    late: int = 0
    """Decisions that came after the first one, or after the end."""

    @property
    def now(self) -> float:
        """Seconds of the case."""
        return self.grant.device.case.now()

    @property
    def age(self) -> float:
        """Seconds since the grant began."""
        return self.now - self.grant.started

    @property
    def expired(self) -> bool:
        """Whether the codes have ended for sure."""
        return 0 < self.grant.expires_in < self.age - SKEW

    @property
    def maybe_expired(self) -> bool:
        """Whether they may have."""
        return 0 < self.grant.expires_in < self.age + SKEW

    @property
    def live(self) -> bool:
        """Whether a token may still come of it."""
        return self.state in ("pending", "approved", "undecided") and not self.expired

    def of_poll(self, exchange: Exchange, *, polite: bool) -> DueAnswer:  # noqa: PLR0911 - a return for each state
        """What a poll by the grant's own client settles; to be told to `polled` afterwards."""
        hasty = () if polite else ("slow_down",)
        if self.state == "redeemed":
            # The same token again hurts nobody who has it already.
            same = exchange.outcome.ok and exchange.get("access_token") == self.access_token
            gone = (*GONE, "invalid_request", *hasty)
            return DueAnswer(SINGLE_USE, gone, "poll of a redeemed code", tolerated=same)
        if self.state == "undecided" and not self.expired:
            everything = (*PENDING, *GONE, "invalid_request", "ok")
            return DueAnswer(PENDING_ANSWER, everything, "poll of a code that may be decided or not")
        if self.expired and self.state == "pending" and exchange.outcome.ok:
            covered = "rfc8628-3.2-expires-in-covers-both-codes"
            return DueAnswer(covered, (*GONE, "invalid_request"), "poll of a code that expired undecided")
        if self.expired:
            # Whether an approved code dies with the others is a requirement of its own, tested apart.
            late = ("ok",) if self.state in ("approved", "undecided") else ()
            # A server that serves no clients with a secret refuses them whatever became of the code.
            over = (*GONE, "invalid_request", "invalid_client", "unauthorized_client", *late, *hasty)
            return DueAnswer("rfc8628-3.5-no-pending-after-expiry", over, "poll of an expired code")
        if self.state == "denied":
            return DueAnswer("rfc8628-3.5-access-denied-terminal", (*GONE, *hasty), "poll of a denied code")
        over = GONE if self.maybe_expired else ()
        if self.state == "approved":
            return DueAnswer("rfc8628-3.5-success-after-approval", ("ok", *over, *hasty), "poll of an approved code")
        if exchange.outcome.ok:
            return DueAnswer("rfc8628-3.5-no-token-before-approval", PENDING, "poll of an undecided code")
        if polite and exchange.code == "slow_down":
            gently = "rfc8628-3.5-server-no-slow-down-when-polite"
            return DueAnswer(gently, ("authorization_pending",), "poll after the interval")
        return DueAnswer(PENDING_ANSWER, (*PENDING, *over), "poll of an undecided code")

    def polled(self, exchange: Exchange) -> None:
        """Learn from a poll by the grant's own client."""
        if exchange.outcome.ok:
            # A code that is presented twice may cost its tokens, even where it yields some again.
            self.superseded = self.state == "redeemed"
            self.state = "redeemed"
            self.access_token = exchange.get("access_token")
            self._keep(exchange)
            self.intact = True
        elif self.state == "redeemed":
            # A code that is presented twice may cost its tokens (RFC 6749 10.5).
            self.intact = False

    def polled_by_another(self, exchange: Exchange) -> None:
        """Some servers end the grant when a stranger presents its code; that is theirs to choose."""
        if exchange.code not in PENDING and self.state in ("pending", "approved"):
            self.state = "undecided"
        self.intact = False

    def decided(self, action: str, complaint: str) -> None:
        """Learn from a decision that the page took, or complained about."""
        if self.expired:
            return
        if self.state == "pending":
            taken = not complaint and not self.maybe_expired
            self.state = {"approve": "approved", "deny": "denied"}[action] if taken else "undecided"
        elif self.state == "approved" and action == "deny" and not complaint:
            self.state = "undecided"  # a late change of mind may count or not

    def of_refresh(self) -> DueAnswer | None:
        """What refreshing with the newest token settles; None where either answer is right."""
        if self.superseded or not self.intact or self.now - self.refreshed > FRESH:
            return None
        return DueAnswer(
            REFRESH_WORKS, ("ok", "slow_down", "unauthorized_client"), "refresh with a token that was just issued"
        )

    def refreshed_with(self, exchange: Exchange) -> None:
        """Learn from a refresh with the newest token."""
        if exchange.outcome.ok:
            old, self.refresh_token = self.refresh_token, ""
            self._keep(exchange)
            # RFC 6749 section 6: without a new token the old one stays in use.
            self.refresh_token = self.refresh_token or old
            if self.refresh_token != old:
                self.replaced.append((old, self.now))
        elif exchange.code != "slow_down":
            self.refresh_token = ""

    def of_replay(self, replaced_at: float) -> DueAnswer:
        """What presenting a replaced refresh token settles."""
        graceful = self.bound or self.now - replaced_at < GRACE
        return DueAnswer(REPLAY_DETECTED, (*REFUSED, *(("ok",) if graceful else ())), "replay of a refresh token")

    def _keep(self, exchange: Exchange) -> None:
        elsewhere = self.grant.device.case.run.dialect.refreshes_elsewhere
        token = None if elsewhere else exchange.get("refresh_token")
        if isinstance(token, str):
            self.refresh_token, self.refreshed = token, self.now
