"""An application as a started target, called in process, its user the one of the reference server."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.engine import run_check
from device_grant.reference.server import user
from device_grant.targets.config import ClockSection, Located, TargetConfig, UserSection
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser

if TYPE_CHECKING:
    from typing import Any

    from device_grant.engine import CheckOutcome


def serving(app: Any, **sections: Any) -> AsgiTarget:
    """The target; `sections` are tables of target.toml. It is to be entered."""
    config = TargetConfig(
        **{"name": "odd", "user": UserSection(module="user.py"), "clock": ClockSection(kind="travel")} | sections
    )
    located = Located(config=config, folder=Path(user.__file__).parent, spec="odd")
    return AsgiTarget(located, ModuleUser(Path(user.__file__)), app=app)


def said(app: Any, check: str, **sections: Any) -> CheckOutcome:
    """What one check says of the application."""
    with serving(app, **sections) as target:
        return run_check(target, check)
