"""Which codes can be entered or decided that should be over: only faults know any."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.store import IssuedGrant


def decidable(grant: IssuedGrant, faults: Faults) -> bool:
    """Whether a person may decide on a grant that is not expired."""
    match grant.state.value:
        case "pending":
            return True
        case "approved" if faults.second_approval_replaces_user:
            return True
        case "redeemed" if faults.redeemed_user_code_accepted:
            return True
        case _:
            return faults.decision_reversible


def from_a_page_of_before(grant: IssuedGrant | None, faults: Faults, *, approve: bool) -> bool:
    """Whether a decision on a grant that can no longer be decided counts all the same."""
    if grant is None:
        return False
    overruled = faults.stale_page_overrules_denial and approve and grant.state.value == "denied"
    return faults.open_page_decides_again or overruled
