"""What one check says of one peer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from peer_room import FOLDER, target_toml
from support.proof import judged

from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser, open_user

if TYPE_CHECKING:
    from pathlib import Path

    from device_grant.catalogue import Verdict
    from device_grant.engine import CheckOutcome


def verdicts(peer: type, check: str, folder: Path) -> dict[str, Verdict]:
    """The verdicts of the check by requirement; target.toml is written to the folder."""
    return _outcome(peer, check, folder).verdicts


def verdicts_of_invariants(peer: type, check: str, folder: Path) -> dict[str, Verdict]:
    """The worst verdicts of the invariants on what the check exchanged, likewise."""
    collected: dict[str, Verdict] = {}
    for said in _outcome(peer, check, folder).invariants.values():
        for requirement, verdict in said.items():
            collected[requirement] = max(verdict, collected.get(requirement, verdict))
    return collected


def _outcome(peer: type, check: str, folder: Path) -> CheckOutcome:
    file = folder / "target.toml"
    file.write_text(target_toml(peer))
    located = read_target(file)
    app = peer()
    with AsgiTarget(located, open_user(located), app=app) as target:
        target.switch_client = getattr(app, "switch", None)
        if located.config.user.second.module:
            target.second = ModuleUser(FOLDER / located.config.user.second.module)
        (outcome,) = judged(target, [check], 10)
        return outcome
