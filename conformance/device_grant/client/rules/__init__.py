"""Rules on clients: each judges one session, and knows nothing of how its exchanges were recorded.

Sessions come from scenarios against the scripted server, and from captures of real traffic.
"""

from __future__ import annotations

import importlib
import pkgutil
from typing import TYPE_CHECKING

from device_grant.judging import all_rules

if TYPE_CHECKING:
    from device_grant.judging import Rule

PACKAGE = __name__


def every_rule() -> tuple[Rule, ...]:
    """All rules, their modules imported."""
    for module in pkgutil.iter_modules(__path__, f"{PACKAGE}."):
        importlib.import_module(module.name)
    return all_rules()
