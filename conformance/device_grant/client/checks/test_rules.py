"""Each rule as a pytest item of its own, after the scenarios whose exchanges it judges."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.rules import every_rule

if TYPE_CHECKING:
    from device_grant.judging import Rule


def test_rules() -> tuple[Rule, ...]:
    """Collected by the plugin, one item a rule."""
    return every_rule()


test_rules.__invariants__ = every_rule  # type: ignore[attr-defined]
