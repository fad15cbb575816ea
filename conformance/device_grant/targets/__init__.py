"""Targets: what is under test, the person at its verification page, and the clock that it lives by.

The adapters are imported when they are asked for: whoever only reads the checks needs no HTTP client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from device_grant.targets.config import Located, TargetConfig
from device_grant.targets.ports import Clock, GrantView, Pages, Target, User, UserError

if TYPE_CHECKING:
    from device_grant.targets.clocks import FaketimeClock, RealClock, TravelClock
    from device_grant.targets.discovery import Endpoints, discover
    from device_grant.targets.load import known_servers, read_target, resolve
    from device_grant.targets.transports.in_process import AsgiTarget, WsgiTarget
    from device_grant.targets.transports.live import LiveTarget
    from device_grant.targets.transports.process import ProcessTarget
    from device_grant.targets.users import CommandUser, ModuleUser, PromptUser, open_user, user_of

__all__ = [
    "AsgiTarget",
    "Clock",
    "CommandUser",
    "Endpoints",
    "FaketimeClock",
    "GrantView",
    "LiveTarget",
    "Located",
    "ModuleUser",
    "Pages",
    "ProcessTarget",
    "PromptUser",
    "RealClock",
    "Target",
    "TargetConfig",
    "TravelClock",
    "User",
    "UserError",
    "WsgiTarget",
    "discover",
    "known_servers",
    "open_target",
    "open_user",
    "read_target",
    "resolve",
    "user_of",
]

_LATER = {
    "AsgiTarget": "transports.in_process",
    "CommandUser": "users",
    "Endpoints": "discovery",
    "FaketimeClock": "clocks",
    "LiveTarget": "transports.live",
    "ModuleUser": "users",
    "ProcessTarget": "transports.process",
    "PromptUser": "users",
    "RealClock": "clocks",
    "TravelClock": "clocks",
    "WsgiTarget": "transports.in_process",
    "discover": "discovery",
    "known_servers": "load",
    "open_user": "users",
    "read_target": "load",
    "resolve": "load",
    "user_of": "users",
}
"""Modules of what is imported when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    result = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = result
    return result


def open_target(located: Located, *, user: User | None = None) -> Target:
    """The adapter for a located target, not yet started; `user` stands in for the one of target.toml.

    Raises UsageError or UserModuleError if the user of target.toml cannot be had.
    """
    from device_grant.targets.transports.in_process import AsgiTarget, WsgiTarget
    from device_grant.targets.transports.live import LiveTarget
    from device_grant.targets.transports.process import ProcessTarget
    from device_grant.targets.users import assertions_of, locks_of, open_second, open_user, switches_of

    chosen = user if user is not None else open_user(located)
    serve = located.config.serve
    if serve is not None and not serve.command:
        from device_grant.targets.users import PromptUser, in_process_by_hand

        if isinstance(chosen, PromptUser):
            raise in_process_by_hand(located.spec)
    result: LiveTarget | ProcessTarget | AsgiTarget | WsgiTarget
    if serve is None:
        result = LiveTarget(located, chosen)
    elif serve.command:
        result = ProcessTarget(located, chosen)
    elif serve.app.startswith("asgi:"):
        result = AsgiTarget(located, chosen)
    else:
        result = WsgiTarget(located, chosen)
    result.assertion = assertions_of(located)
    result.second, result.lock_second = open_second(located), locks_of(located)
    result.switch_client = switches_of(located)
    return result
