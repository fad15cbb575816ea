"""The reference authorization server: honest by default, its misbehaviours are fields of `Faults`.

Both dialects are served from memory by a Starlette application. `create_app` builds one, `serve` runs one on a port.
The reference client is in `conformance.reference.client`.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from conformance.reference.faults import Faults
from conformance.reference.serve import serve

if TYPE_CHECKING:
    from conformance.reference.app import create_app
    from conformance.reference.settings import Settings

__all__ = ["Faults", "Settings", "create_app", "serve"]

_MODULES = {"Settings": "settings", "create_app": "app"}


def __getattr__(name: str) -> Any:
    """Import what is asked for: the reference client, which is started often, needs no web framework."""
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
