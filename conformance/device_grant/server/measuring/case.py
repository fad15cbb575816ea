"""The case in which is measured: requests and waits as those of a check, of which nothing is judged."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging.registry import Check
from device_grant.server.session.case import ServerCase

if TYPE_CHECKING:
    from device_grant.server.session.run import Run

MEASURING = Check(
    name="measuring::enforced",
    requirements=(),
    faults=(),
    needs=(),
    timed=True,
    when=lambda _dialect: True,
    sampled=False,
    card="Measure what is enforced.",
    function=lambda: None,
    party="server",
    parameters=(),
)


def case_of(run: Run) -> ServerCase:
    """A case that has begun."""
    case = ServerCase(run, MEASURING)
    case.begin()
    return case
