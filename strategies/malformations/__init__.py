"""Malformed requests: what is wrong, the request itself, and the answers that are fair."""

# The first line enters the kinds into the registry.
from strategies.malformations import forms, http, json_bodies, json_values, parameters  # noqa: F401 - see above
from strategies.malformations.drawing import malformed
from strategies.malformations.model import Malformation, Malformed
from strategies.malformations.registry import MALFORMATIONS

__all__ = ["MALFORMATIONS", "Malformation", "Malformed", "malformed"]
