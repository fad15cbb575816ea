"""The first line of the results: what is tested, and with what."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from device_grant import __version__
from device_grant.results.model import FORMAT, Header

if TYPE_CHECKING:
    from device_grant.client.session.run import ClientRun
    from device_grant.server.session.run import Run


def of_server(run: Run, command: str) -> Header:
    """Header of a run against a server; `command` is the command line."""
    from device_grant.targets.addresses import redacted_url

    config = run.target.config
    spec = run.target.spec
    return Header(
        format=FORMAT,
        suite_version=__version__,
        catalogue_revision=run.catalogue.revision,
        target=run.name,
        target_version=config.version,
        target_homepage=config.homepage,
        language=config.language or msgspec.UNSET,
        product=config.product or msgspec.UNSET,
        spec=redacted_url(spec) if "://" in spec else spec,
        dialect=run.dialect.name,
        claims=dict(config.claims),
        clock=run.target.clock.title,
        profile=run.profile.name,
        seed=run.seed,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        command=command,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def of_client(run: ClientRun, command: str) -> Header:
    """Header of a run of a client."""
    driver, config = run.driver, run.config
    claims = {name: bool(value) for name, value in msgspec.structs.asdict(config.claims).items()}
    return Header(
        format=FORMAT,
        suite_version=__version__,
        catalogue_revision=run.catalogue.revision,
        target=config.name,
        target_version=config.version,
        target_homepage=config.homepage,
        language=config.language or msgspec.UNSET,
        product=config.product or msgspec.UNSET,
        client_kind=config.run.kind,
        network=driver.network or msgspec.UNSET,
        spec=driver.spec,
        dialect=run.dialect.name,
        claims={**claims, "registration": run.registers},
        clock=driver.clock,
        profile="fast",
        seed=None,
        python=platform.python_version(),
        platform=f"{platform.system()} {platform.machine()}",
        command=command,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )
