"""The reference authorization server: honest by default, its misbehaviours are fields of `Faults`.

Both dialects are served from memory by a Starlette application. `create_app` builds one, `serve` runs one on a port.
"""

from conformance.reference.app import create_app
from conformance.reference.faults import Faults
from conformance.reference.serve import serve
from conformance.reference.settings import Settings

__all__ = ["Faults", "Settings", "create_app", "serve"]
