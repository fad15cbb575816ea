"""The inputs that a grant is asked with, and the sets of them that are learned together."""

from __future__ import annotations

from enum import StrEnum

from device_grant.errors import UsageError, one_of


class Stimulus(StrEnum):
    """One thing that a device, its user, a stranger or time does to a grant; the values are part of the results."""

    POLL_POLITE = "poll_polite"
    """The device waits its interval, as slow_down has raised it, and a margin, and polls."""
    POLL_NOW = "poll_now"
    """The device polls at once."""
    POLL_FOREIGN = "poll_foreign"
    """A second client of the same server polls the code, at once or when a decision had time to be seen."""
    POLL_WRONG_SECRET = "poll_wrong_secret"  # noqa: S105 - the name of an input
    """The code is polled at once in the name of its own client, with a secret that is wrong."""
    POLL_MALFORMED = "poll_malformed"
    """The device polls at once and leaves grant_type out."""
    APPROVE = "approve"
    """The user allows the grant, in a new browser."""
    DENY = "deny"
    """The user refuses it, in a new browser."""
    APPROVE_LATE = "approve_late"
    """The user lets three quarters of the codes' life pass, and allows the grant."""
    HALF_LIFE = "half_life"
    """Half of the codes' life and two seconds pass."""
    EXPIRE = "expire"
    """The rest of the codes' life and three seconds pass."""
    START_SECOND = "start_second"
    """The device's client starts another grant; it does so once."""
    POLL_SECOND = "poll_second"
    """The device polls the code of the other grant, an interval after it was started or last polled."""
    REFRESH = "refresh"
    """The device uses the newest refresh token that it was given."""
    REPLAY = "replay"
    """After more than a minute, the oldest refresh token is used, which was replaced by a newer one."""


DECISIONS = frozenset({Stimulus.APPROVE, Stimulus.DENY, Stimulus.APPROVE_LATE})
POLLS = frozenset({Stimulus.POLL_POLITE, Stimulus.POLL_NOW})
"""The polls of the device itself."""
HALVES = frozenset({Stimulus.HALF_LIFE, Stimulus.APPROVE_LATE})
"""After which the second half of the life has begun."""
WAITS = frozenset({Stimulus.HALF_LIFE, Stimulus.EXPIRE, Stimulus.APPROVE_LATE})
"""Those that wait for a share of the life."""
REFRESHES = frozenset({Stimulus.REFRESH, Stimulus.REPLAY})

_OF = Stimulus
SETS: dict[str, tuple[Stimulus, ...]] = {
    "basic": (_OF.POLL_POLITE, _OF.POLL_NOW, _OF.POLL_FOREIGN, _OF.APPROVE, _OF.DENY, _OF.EXPIRE),
    "strangers": (
        _OF.POLL_POLITE,
        _OF.POLL_FOREIGN,
        _OF.POLL_WRONG_SECRET,
        _OF.POLL_MALFORMED,
        _OF.APPROVE,
        _OF.DENY,
    ),
    "time": (_OF.POLL_POLITE, _OF.APPROVE, _OF.DENY, _OF.APPROVE_LATE, _OF.HALF_LIFE, _OF.EXPIRE),
    "two": (_OF.POLL_POLITE, _OF.APPROVE, _OF.DENY, _OF.START_SECOND, _OF.POLL_SECOND),
    "tokens": (_OF.POLL_POLITE, _OF.APPROVE, _OF.EXPIRE, _OF.REFRESH, _OF.REPLAY),
}
"""Sets by name. What it costs to learn one grows faster than its size: several small ones are complete sooner."""
PUBLIC = "public"
"""The set that is learned to be published, and by the rule of what is withheld: of no target it tells more."""
PUBLIC_INPUTS = (_OF.POLL_POLITE, _OF.POLL_NOW, _OF.APPROVE, _OF.DENY)
BASIC = "basic"
"""The set that is learned where none is named."""
FULL = "full"
"""All sets one after the other: together they have every input."""


def sets_of(text: str) -> dict[str, tuple[Stimulus, ...]]:
    """The sets that are to be learned, by name: of one name, `full`, or inputs with commas between them.

    Raises UsageError for a name that is neither a set nor an input.
    """
    if text == FULL:
        return dict(SETS)
    if text == PUBLIC:
        return {PUBLIC: PUBLIC_INPUTS}
    if text in SETS:
        return {text: SETS[text]}
    return {"own": stimuli_of(text.replace(",", " "))}


def stimuli_of(text: str) -> tuple[Stimulus, ...]:
    """Inputs of a text with white space between them; a `/` and what follows it is a remembered answer, and ignored.

    `poll` is a polite poll. Raises UsageError for what is no input, and for none at all.
    """
    names = [word.partition("/")[0] for word in text.split()]
    known = [*SETS, FULL, PUBLIC, *Stimulus]
    for name in names:
        if name not in (*Stimulus, "poll"):
            raise UsageError(f"{name!r} is no input: {one_of(name, known)}")
    if not names:
        raise UsageError(f"no input is named: {one_of('', known)}")
    return tuple(_OF.POLL_POLITE if name == "poll" else Stimulus(name) for name in names)


def own_set(stimuli: tuple[Stimulus, ...]) -> tuple[Stimulus, ...]:
    """The same inputs, each once, in the order in which they were named."""
    return tuple(dict.fromkeys(stimuli))
