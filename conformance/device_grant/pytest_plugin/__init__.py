"""The pytest plugin: collects checks as items, runs them against a target, gathers their verdicts.

It does nothing until pytest is given `--grant-target`, or `--grant-client`. Everything of pytest's own keeps working:
`-k`, `--lf`, `-n`, `--junitxml`. `device-grant run` and `device-grant client` are pytest with this plugin and a
terminal report of their own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from device_grant.judging import Invariant, Rule
    from device_grant.reference.server.testing import DeviceGrantServer

_ADVICE = (
    "the checks need something to test: add --grant-target TARGET, for example --grant-target embedded, "
    "or for those on clients --grant-client NAME, for example --grant-client honest"
)
_OF_WORKER = "device_grant_nothing_to_test"
_NOTHING_TO_TEST = pytest.StashKey[bool]()
"""Whether checks were collected that have nothing to test."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; only `--grant-target` or `--grant-client` switches the suite on."""
    group = parser.getgroup("device-grant", "conformance of OAuth 2.0 device grant servers and clients")
    group.addoption(
        "--grant-target", default=None, help="what to test: embedded, a URL, asgi:…, wsgi:…, target.toml, a name"
    )
    group.addoption("--grant-client", default=None, help="client to test: honest, client.toml, a name, or '-- COMMAND'")
    group.addoption("--grant-dialect", default=None, help="name of a dialect")
    group.addoption("--grant-only", action="append", default=[], help="requirement id or glob; may be repeated")
    group.addoption("--grant-profile", default="fast", help="fast, standard or deep")
    group.addoption("--grant-seed", type=int, default=None, help="seed of generated examples")
    group.addoption("--grant-report", default=None, help="folder for results.jsonl and index.html")
    group.addoption("--grant-expect", default=None, help="baseline.toml of known deviations")
    group.addoption("--grant-user", default=None, help="user module, or 'prompt'")
    polite = "spare a server of somebody else: few requests, none that do harm; needs --grant-yes"
    group.addoption("--grant-polite", action="store_true", help=polite)
    group.addoption("--grant-yes", action="store_true", help="agree to the requests of a polite run")
    group.addoption(
        "--grant-supply",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="what the target knows beforehand, as the options of device-grant run: client-id=tv, login=alice",
    )
    group.addoption("--grant-fault", action="append", default=[], help="misbehaviour of the reference server or client")
    group.addoption("--grant-speaks", metavar="D", help="the provider whose dialect a client speaks, or rfc8628")
    group.addoption("--grant-claim", action="append", default=[], help="what a client that is a command can do")
    group.addoption("--grant-check", action="append", default=[], help="name of a check or glob; may be repeated")
    group.addoption("--grant-shard", default=None, metavar="INDEX/OF", help="run only this part of the checks: 1/3")
    group.addoption("--grant-database", default=None, help="failing examples of earlier runs: a folder or redis://…")
    group.addoption("--grant-command", default=None, help="command line that the results name")


@pytest.fixture
def device_grant_server(request: pytest.FixtureRequest) -> Iterator[DeviceGrantServer]:
    """The reference authorization server on a loopback port, for tests of a client.

    The test approves and denies, moves its clock and says what polls are answered. What
    `@pytest.mark.device_grant_server(dialect="aws-sso-oidc", interval=1, faults=["…"])` names are its settings.
    """
    from device_grant.reference.server.testing import DeviceGrantServer

    marker = request.node.get_closest_marker("device_grant_server")
    with DeviceGrantServer(*(marker.args if marker else ()), **(marker.kwargs if marker else {})) as server:
        yield server


def pytest_configure(config: pytest.Config) -> None:
    """Switch the suite on where a target or a client is named."""
    config.addinivalue_line(
        "markers", "device_grant_server(dialect, faults, **settings): settings of the fixture of that name"
    )
    target, client = config.getoption("--grant-target"), config.getoption("--grant-client")
    if target and client:
        raise pytest.UsageError("--grant-target and --grant-client: a run tests a server or a client, not both")
    if target or client:
        from device_grant.pytest_plugin.items import SESSION

        if getattr(config.option, "dist", "no") == "load":
            # The same, but checks that wait on a real clock go to one worker, where they wait together.
            config.option.dist = "loadgroup"
        if getattr(config.option, "maxworkerrestart", "") is None:
            # What a worker was doing when it crashed is lost, so the run says nothing; and the schedulers that group
            # hand it to the next worker again and again.
            config.option.maxworkerrestart = "0"
        if config.pluginmanager.hasplugin(SESSION):
            return
        from device_grant.engine.session import new_session
        from device_grant.pytest_plugin.options import options_of
        from device_grant.pytest_plugin.session import SessionPlugin

        config.pluginmanager.register(SessionPlugin(new_session(options_of(config))), SESSION)


def pytest_pycollect_makeitem(
    collector: pytest.Module | pytest.Class, name: str, obj: object
) -> list[pytest.Item] | None:
    """A function that `@check` has registered becomes an item; so does each invariant."""
    entry = getattr(obj, "__check__", None)
    rules: Callable[[], Sequence[Invariant | Rule]] | None = getattr(obj, "__invariants__", None)
    if entry is None and rules is None:
        return None
    option = collector.config.getoption
    if option("--grant-target") is None and option("--grant-client") is None:
        # Said once, when all is collected: an error here would be one for each module.
        collector.config.stash[_NOTHING_TO_TEST] = True
        return []
    from device_grant.pytest_plugin.items import CheckItem, InvariantItem

    if entry is not None:
        return [CheckItem.from_parent(collector, name=name, entry=entry)]
    assert rules is not None  # noqa: S101 - one of the two is there
    return [
        InvariantItem.from_parent(collector, name=f"{name}[{rule.name.partition('::')[2]}]", rule=rule)
        for rule in rules()
    ]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config) -> None:
    """Raise UsageError where checks were collected and nothing was named that they could test."""
    if not config.stash.get(_NOTHING_TO_TEST, False):
        return
    if not hasattr(config, "workeroutput"):
        raise pytest.UsageError(_ADVICE)
    # A worker of xdist has no screen: its controller says it.
    config.workeroutput[_OF_WORKER] = True


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """In the controller of workers: take over what one of them has found."""
    if getattr(node, "workeroutput", {}).get(_OF_WORKER):
        node.config.stash[_NOTHING_TO_TEST] = True


def pytest_sessionfinish(session: pytest.Session) -> None:
    """In the controller of workers: raise UsageError as one process would have done."""
    if session.config.stash.get(_NOTHING_TO_TEST, False) and getattr(session.config.option, "numprocesses", None):
        raise pytest.UsageError(_ADVICE)
