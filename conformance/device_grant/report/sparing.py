"""What a polite run, of somebody else's server, has seen less of than a whole one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

if TYPE_CHECKING:
    from device_grant.report.view import View

PARTLY = "Judged by fewer checks than in a whole run"


def partly_judged(view: View) -> list[str]:
    """Ids of the requirements that were judged, though some checks on them were left out."""
    spared = {name for case in view.report.cases if case.spared is not UNSET for name in case.spared}
    return [one.id for one in view.requirements if one.judged and one.id in spared]
