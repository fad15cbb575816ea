"""The reference authorization server and the reference client: honest by default, their misbehaviours are faults.

`create_app` builds the server of a dialect, `serve` runs one on a port, `DeviceGrantServer` one for a test. The
client is in `device_grant.reference.client`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from device_grant.reference.server.faults import Faults
from device_grant.reference.server.serve import serve

if TYPE_CHECKING:
    from device_grant.reference.server.app import create_app
    from device_grant.reference.server.settings import Settings
    from device_grant.reference.server.testing import DeviceGrantServer

__all__ = ["DeviceGrantServer", "Faults", "Settings", "create_app", "serve"]

_MODULES = {"DeviceGrantServer": "testing", "Settings": "settings", "create_app": "app"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: the reference client, which is started often, needs no web framework."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.server.{_MODULES[name]}"), name)
