"""What a run of somebody else's server needs before it begins, and what is said of it in the end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import UNSET

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.engine.options import Options
    from device_grant.results.model import Case


def require_agreement(options: Options, *, alone: bool) -> None:
    """Raise UsageError unless somebody has agreed to the requests, and this is the one process that sends them."""
    for option, wrong in (("-n", not alone), ("--shard", bool(options.shard))):
        if wrong:
            raise UsageError(f"a polite run counts its requests in one process: leave {option} out")
    if not options.agreed:
        raise UsageError(
            f"a polite run of {options.target} sends at most {options.budget} requests, {options.rate:g} a second: "
            "say that it may, with --yes (of pytest: --grant-yes)"
        )


def remark(options: Options, cases: Iterable[Case]) -> str:
    """What must be known to read the results of a polite run."""
    checks = [case for case in cases if case.findings is UNSET]
    left_out = sum(case.left_out is not UNSET for case in checks)
    return (
        f"A polite run, with at most {options.budget} requests: {left_out} of {len(checks)} checks were left out, "
        "wholly or in part. What they would have judged is untestable, where no other check has judged it."
    )
