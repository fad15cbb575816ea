"""What a finished case means to pytest, and what its error means to a person."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING

import pytest

from device_grant.engine.items import CheckFailed
from device_grant.errors import DeviceGrantError

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.catalogue import Requirement
    from device_grant.client.session.case import ClientCase
    from device_grant.server.session.case import Case


def tell_pytest(case: Case | ClientCase, withheld: Callable[[Requirement], bool]) -> None:
    """Pass, skip, xfail or fail as pytest understands it; `withheld` results are not named."""
    from device_grant.catalogue import Verdict

    claims = list(case.claims())
    failing = [claim for claim in claims if claim.verdict is Verdict.FAIL]
    expects = case.run.expects
    unexpected = [c for c in failing if not expects(c.requirement.id, c.check, c.message)]
    if unexpected:
        secrets = case.run.secrets
        lines = [f"{claim.requirement.id}: {claim.message}" for claim in unexpected]
        raise CheckFailed(secrets.redact("\n".join(lines)))
    if failing:
        # pytest's own reports are files too: what is withheld is not named in them.
        shown = {claim.requirement.id for claim in failing if not withheld(claim.requirement)}
        pytest.xfail("; ".join(sorted(shown)) + " expected by the baseline" if shown else "withheld by the baseline")
    if case.stop is not None and not claims:
        pytest.skip(f"{case.stop.verdict.label}: {case.stop}")
    unjudged = [c for c in claims if c.verdict in (Verdict.UNTESTABLE, Verdict.NOT_APPLICABLE)]
    if claims and len(unjudged) == len(claims):
        pytest.skip(f"{unjudged[0].verdict.label}: {unjudged[0].message}")


def told(error: BaseException) -> str:
    """Our own errors say what a person needs; of anything else the end of the traceback is kept."""
    if isinstance(error, DeviceGrantError):
        return str(error)
    return "".join(traceback.format_exception(error)[-6:])
