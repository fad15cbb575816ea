"""Imports every check of a package, so that the registry knows them all."""

from __future__ import annotations

import importlib
import pkgutil

BEFORE = {"server": ("device_grant.server.preflight.main_path",)}
"""Modules with what stands before all checks, by the party that it judges."""
PACKAGES = {"server": "device_grant.server.checks", "client": "device_grant.client.checks"}
"""Packages with checks, in modules `test_…` at any depth, by the party that they judge."""


def import_checks(*parties: str) -> None:
    """Import the checks on these parties, `server` or `client`; with them the invariants and rules that they load."""
    for party in parties:
        for name in BEFORE.get(party, ()):
            importlib.import_module(name)
        package = importlib.import_module(PACKAGES[party])
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if module.name.rpartition(".")[2].startswith("test_"):
                importlib.import_module(module.name)
