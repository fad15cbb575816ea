"""Malformed requests: what is wrong, the request itself, and the answers that are fair."""

# Importing these enters their kinds into the registry.
from device_grant_strategies.malformations import (  # noqa: F401 - see above
    forms,
    http,
    json_bodies,
    json_values,
    parameters,
)
from device_grant_strategies.malformations.drawing import malformed
from device_grant_strategies.malformations.model import Malformation, Malformed
from device_grant_strategies.malformations.registry import MALFORMATIONS

__all__ = ["MALFORMATIONS", "Malformation", "Malformed", "malformed"]
