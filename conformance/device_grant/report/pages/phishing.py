"""What somebody gets who sends codes of a device grant to others, as the checks of a run have measured it: no grade."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from device_grant.report.text import plural
from device_grant.results.model import Exposure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.results.model import Case

UNMEASURED = "not measured"
_MINUTE, _HOUR, _DAY = 60.0, 3_600.0, 86_400.0


@dataclass(frozen=True)
class Phished:
    """The section of a report."""

    facts: tuple[tuple[str, str], ...]
    """What it is, and what was measured, both in words."""
    picture: str
    """A `data:` URL of the decision on a phone; empty: no browser was there."""


def phished(cases: Iterable[Case]) -> Phished | None:
    """What the cases of a run measured together; None where none of them did, or it is withheld."""
    parts = [case.exposure for case in cases if case.exposure is not msgspec.UNSET]
    if not parts:
        return None
    one = Exposure()
    for part in parts:
        measured = {name: value for name, value in msgspec.structs.asdict(part).items() if value is not msgspec.UNSET}
        one = msgspec.structs.replace(one, **measured)
    return Phished(
        (
            ("Codes that one client may ask for", _codes(one)),
            ("Time in which somebody has to believe", _life(one.code_life)),
            ("Scopes of the token", _scopes(one)),
            ("Life of the access token", _life(one.access_life)),
            ("Life of the refresh token", "there is one, and nothing names its end")
            if one.refresh_life is None
            else ("Life of the refresh token", _life(one.refresh_life)),
            ("The pages name the client", _yes(one.names_client)),
            ("They say what it is for", _yes(one.names_scopes)),
            ("They say from where the request came", _yes(one.names_origin)),
            ("They say to refuse what one did not start", _yes(one.warns)),
            ("Refusing beside allowing", _decline(one)),
        ),
        "" if one.picture is msgspec.UNSET else one.picture,
    )


def _codes(one: Exposure) -> str:
    if one.starts is msgspec.UNSET or one.served is msgspec.UNSET:
        return UNMEASURED
    took = "" if one.took is msgspec.UNSET else f" in {_span(one.took)}"
    if not one.refusal:
        return f"{one.served}{took}, and none was refused"
    pause = "" if one.pause is msgspec.UNSET else f", Retry-After {_span(one.pause)}"
    rate = _rate(one.served, one.pause)
    return f"{one.served}{took}, then {one.refusal}{pause}{rate}"


def _rate(served: int, pause: float | msgspec.UnsetType) -> str:
    """Codes a minute of somebody who waits as long as the refusal says."""
    if pause is msgspec.UNSET or pause <= 0:
        return ""
    return f": about {plural(round(served * _MINUTE / max(pause, 1.0)), 'code')} a minute for who waits that long"


def _scopes(one: Exposure) -> str:
    if one.scopes is msgspec.UNSET:
        return UNMEASURED
    return " ".join(one.scopes) or "nobody names any"


def _life(seconds: float | msgspec.UnsetType) -> str:
    if seconds is msgspec.UNSET:
        return UNMEASURED
    return _span(seconds) if seconds > 0 else "nothing names its end"


def _span(seconds: float) -> str:
    """`10 min`, `2.5 h`, `30 days`."""
    for size, name in ((_DAY, "days"), (_HOUR, "h"), (_MINUTE, "min")):
        if seconds >= 2 * size or (seconds >= size and name != "days"):
            return f"{seconds / size:.3g} {name}"
    return f"{seconds:.2g} s"


def _yes(said: bool | msgspec.UnsetType | None) -> str:  # noqa: FBT001 - what is put into words
    if said is msgspec.UNSET:
        return UNMEASURED
    return "in words that have to be read" if said is None else "yes" if said else "no"


def _decline(one: Exposure) -> str:
    if one.decline is msgspec.UNSET:
        return f"{UNMEASURED}: it needs a browser"
    sizes = one.decline
    return (
        f"{sizes.get('area', 0):g} of its area, {sizes.get('font', 0):g} of its letters, "
        f"contrast {sizes.get('contrast', 0):g}:1, {'seen' if sizes.get('seen') else 'not seen'} without scrolling"
    )
