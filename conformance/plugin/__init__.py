"""The pytest plugin: collects checks as items, runs them against a target, gathers their verdicts.

It does nothing until pytest is given `--target`. Everything of pytest's own keeps working: `-k`, `--lf`, `-n`,
`--junitxml`. `device-grant run` is pytest with this plugin and a terminal report of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from conformance.judging import Invariant


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; only `--target` switches the suite on."""
    group = parser.getgroup("device-grant", "conformance of OAuth 2.0 device grant servers")
    group.addoption("--target", default=None, help="what to test: embedded, a URL, asgi:…, wsgi:…, target.toml, a name")
    group.addoption("--grant-dialect", default=None, help="rfc8628 or aws-sso-oidc")
    group.addoption("--grant-only", action="append", default=[], help="requirement id or glob; may be repeated")
    group.addoption("--grant-profile", default="fast", help="fast, standard or deep")
    group.addoption("--grant-seed", type=int, default=None, help="seed of generated examples")
    group.addoption("--grant-report", default=None, help="folder for results.jsonl and index.html")
    group.addoption("--grant-expect", default=None, help="baseline.toml of known deviations")
    group.addoption("--grant-user", default=None, help="user module, or 'prompt'")
    group.addoption("--grant-fault", action="append", default=[], help="misbehaviour of the embedded server")
    group.addoption("--grant-command", default=None, help="command line that the results name")


def pytest_configure(config: pytest.Config) -> None:
    """Switch the suite on where a target is named."""
    if config.getoption("--target"):
        from conformance.plugin.items import SUITE
        from conformance.plugin.options import Options
        from conformance.plugin.suite import Suite

        if not config.pluginmanager.hasplugin(SUITE):
            config.pluginmanager.register(Suite(Options.of(config)), SUITE)


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> list[pytest.Item] | None:
    """A function that `@check` has registered becomes an item; so does each invariant."""
    entry = getattr(obj, "__check__", None)
    rules: Callable[[], Sequence[Invariant]] | None = getattr(obj, "__invariants__", None)
    if entry is None and rules is None:
        return None
    if collector.config.getoption("--target") is None:
        raise pytest.UsageError("the checks need a target: add --target TARGET, for example --target embedded")
    from conformance.plugin.items import CheckItem, InvariantItem

    if entry is not None:
        return [CheckItem.from_parent(collector, name=name, entry=entry)]
    assert rules is not None  # noqa: S101 - one of the two is there
    return [
        InvariantItem.from_parent(collector, name=f"{name}[{rule.name.partition('::')[2]}]", rule=rule)
        for rule in rules()
    ]
