"""After an answer that ends the polling (RFC 8628 section 3.5), and after one that was lost."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from device_grant.client.rules.nonces import challenged
from device_grant.judging import Judgement, rule
from device_grant.protocol.dpop import HEADER
from device_grant.protocol.reading import value_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from device_grant.client.rules.session import ClientSession
    from device_grant.protocol import Exchange

GO_ON = frozenset({"authorization_pending", "slow_down"})
PROMPT = 1.0
"""Seconds within which every client still waits for its answer."""
AT_ONCE = 0.5
"""Seconds within which a request that is sent again was not thought about."""


def _later(entry: Exchange, polls: Sequence[Exchange]) -> list[Exchange]:
    """Those for the same device code that were sent when the answer to this one was there."""
    code = value_of(entry.request, "device_code")
    return [later for later in polls if later.started >= entry.ended and value_of(later.request, "device_code") == code]


@rule(
    "rfc8628-3.5-client-stops-on-other-errors",
    faults=("errors_retried", "unknown_errors_retried", "denial_retried", "expired_retried", "grant_errors_retried"),
)
def polling_ends_with_an_error(session: ClientSession) -> Iterator[Judgement]:
    """After an OAuth error other than authorization_pending and slow_down the device code is not polled again."""
    for grant in session.grants:
        for number, entry in enumerate(grant.polls):
            code = entry.code
            if entry.outcome.ok or code in GO_ON or code == "no-response" or code.startswith("http-"):
                continue
            if challenged(entry):
                continue  # it asks for a nonce, and says nothing of the grant
            more = _later(entry, grant.polls[number + 1 :])
            yield Judgement(
                "rfc8628-3.5-client-stops-on-other-errors",
                not more,
                f"polled again after {code}",
                (entry, *more[:2]),
                _further(len(more)),
            )
            break


@rule("rfc8628-3.3-client-polls-until-done", faults=("polls_after_success",))
def polling_ends_with_the_token(session: ClientSession) -> Iterator[Judgement]:
    """After an answer with a token the device code is not polled again; a request on its way does not count.

    A token is one of the type bearer, or a bound one that was asked for. Nor does an answer count that came so late
    that the client may have gone away before it.
    """
    for grant in session.grants:
        for number, entry in enumerate(grant.polls):
            said = entry.get("token_type")
            untyped = said is None and session.dialect.token_type_is_optional
            if not entry.outcome.ok or not (untyped or str(said).casefold() in _understood(entry)):
                continue
            if entry.ended - entry.started > PROMPT + session.blur:
                continue
            more = _later(entry, grant.polls[number + 1 :])
            late = [later for later in more if later.started - entry.ended > AT_ONCE]
            holds = (None if more else True) if not late else False
            yield Judgement(
                "rfc8628-3.3-client-polls-until-done",
                holds,
                "polled again after it had the token" if late else "the last poll may have been under way by then",
                (entry, *more[:2]),
                _further(len(more)),
            )
            break


@rule("rfc9110-9.2.2-no-blind-retry", faults=("retries_at_once",))
def requests_are_not_repeated_at_once(session: ClientSession) -> Iterator[Judgement]:
    """A POST whose answer was lost, or was 5xx, is not sent again at once."""
    for before, after in pairwise(session.protocol):
        lost = before.response is None or before.status >= 500  # noqa: PLR2004 - server errors
        if not lost or before.request.method != "POST":
            continue
        if before.request.operation is not after.request.operation:
            continue
        waited = after.started - before.ended
        same = before.request.content == after.request.content
        reason = before.error or f"answer {before.status}"
        yield Judgement(
            "rfc9110-9.2.2-no-blind-retry",
            not (same and waited < AT_ONCE),
            "the same POST was sent again at once",
            (before, after),
            f"again {waited:.2f} s after: {reason}",
            measured={"waited": waited},
        )


def _understood(entry: Exchange) -> tuple[str, ...]:
    """Types of the token that the client asked for, in small letters."""
    return ("bearer", "dpop") if entry.request.header(HEADER) else ("bearer",)


def _further(number: int) -> str:
    return f"{number} further poll{'' if number == 1 else 's'}" if number else ""
