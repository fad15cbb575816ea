"""The invariants as tests: what the exchanges of the whole run have shown, one test a rule. They run last."""

from __future__ import annotations

from device_grant.judging import all_invariants
from device_grant.server import invariants as _rules  # noqa: F401 - importing registers them


def test_invariant() -> None:
    """Every exchange of the run keeps this rule; the plugin makes one item of it for each invariant."""


# Read by the plugin where it collects this module.
test_invariant.__invariants__ = all_invariants  # type: ignore[attr-defined]
