"""The options of the plugin and those of the engine, both ways."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from device_grant.engine.options import Options
from device_grant.targets.supplied import Supplied

if TYPE_CHECKING:
    import pytest


def options_of(config: pytest.Config) -> Options:
    """Read them from the configuration of pytest."""
    option = config.getoption
    report, expect = option("--grant-report"), option("--grant-expect")
    options = Options.chosen(
        target=option("--grant-target") or option("--grant-client"),
        party="client" if option("--grant-client") else "server",
        dialect=option("--grant-dialect"),
        only=option("--grant-only"),
        checks=option("--grant-check"),
        profile=option("--grant-profile"),
        seed=option("--grant-seed"),
        report=Path(report) if report else None,
        expect=Path(expect) if expect else None,
        user=option("--grant-user"),
        polite=option("--grant-polite"),
        agreed=option("--grant-yes"),
        supplied=Supplied.read(option("--grant-supply")),
        faults=option("--grant-fault"),
        claims=tuple(option("--grant-claim")),
        speaks=option("--grant-speaks"),
        shard=option("--grant-shard"),
        database=option("--grant-database"),
        command=option("--grant-command") or shlex.join(["pytest", *config.invocation_params.args]),
    )
    # Workers of xdist get the options of their controller: all of them must have the same seed.
    config.option.grant_seed = options.seed
    return options


def as_arguments(options: Options) -> list[str]:
    """What makes pytest, and the workers of xdist, read the same options again."""
    single = {
        "--grant-client" if options.party == "client" else "--grant-target": options.target,
        "--grant-dialect": options.dialect,
        "--grant-speaks": options.speaks,
        "--grant-profile": options.profile,
        "--grant-seed": options.seed,
        "--grant-report": options.report,
        "--grant-expect": options.expect,
        "--grant-user": options.user,
        "--grant-shard": options.shard,
        "--grant-database": options.database,
        "--grant-command": options.command,
    }
    repeated = [("--grant-only", value) for value in options.only]
    repeated += [("--grant-check", value) for value in options.checks]
    repeated += [("--grant-fault", value) for value in options.faults]
    repeated += [("--grant-claim", value) for value in options.claims]
    repeated += [("--grant-supply", value) for value in options.supplied.pairs()]
    pairs = [(name, value) for name, value in single.items() if value is not None] + repeated
    flags = [name for name, on in {"--grant-polite": options.polite, "--grant-yes": options.agreed}.items() if on]
    return [*(f"{name}={value}" for name, value in pairs), *flags]
