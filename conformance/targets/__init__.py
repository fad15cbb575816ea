"""Targets: what is under test, the person at its verification page, and the clock that it lives by.

The adapters are imported when they are asked for: whoever only reads the checks needs no HTTP client.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from conformance.targets.base import Clock, GrantView, Pages, Target, User, UserError
from conformance.targets.config import Located, TargetConfig

if TYPE_CHECKING:
    from conformance.targets.clock import FaketimeClock, RealClock, TravelClock
    from conformance.targets.endpoints import Endpoints, discover
    from conformance.targets.inprocess import AsgiTarget, WsgiTarget
    from conformance.targets.live import LiveTarget
    from conformance.targets.load import known_servers, read_target, resolve
    from conformance.targets.process import ProcessTarget
    from conformance.targets.user import CommandUser, ModuleUser, PromptUser, user_of

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
    "AsgiTarget": "inprocess",
    "CommandUser": "user",
    "Endpoints": "endpoints",
    "FaketimeClock": "clock",
    "LiveTarget": "live",
    "ModuleUser": "user",
    "ProcessTarget": "process",
    "PromptUser": "user",
    "RealClock": "clock",
    "TravelClock": "clock",
    "WsgiTarget": "inprocess",
    "discover": "endpoints",
    "known_servers": "load",
    "read_target": "load",
    "resolve": "load",
    "user_of": "user",
}
"""Modules of what is imported when it is asked for."""


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(importlib.import_module(f"{__name__}.{_LATER[name]}"), name)
    globals()[name] = found
    return found


def open_target(located: Located, *, user: User | None = None) -> Target:
    """The adapter for a located target, not yet started; `user` stands in for the one of target.toml.

    Raises UsageError or SuiteError if the user of target.toml cannot be had.
    """
    from conformance.targets.inprocess import AsgiTarget, WsgiTarget
    from conformance.targets.live import LiveTarget
    from conformance.targets.process import ProcessTarget

    chosen = user if user is not None else open_user(located)
    serve = located.config.serve
    if serve is None:
        return LiveTarget(located, chosen)
    if serve.command:
        return ProcessTarget(located, chosen)
    if serve.app.startswith("asgi:"):
        return AsgiTarget(located, chosen)
    return WsgiTarget(located, chosen)


def open_user(located: Located) -> User | None:
    """The user that target.toml names; None if it names none."""
    from conformance.targets.user import CommandUser, ModuleUser, PromptUser

    section, folder = located.config.user, located.folder
    if section.module:
        return ModuleUser(folder / section.module)
    if section.command:
        return CommandUser(section.command, folder)
    return PromptUser() if section.prompt else None
