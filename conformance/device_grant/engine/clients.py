"""A session of the suite for one client: prepares it, proves its adapter by a plain login, runs the scenarios."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from device_grant.engine.suite import Suite
from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from device_grant.catalogue import Catalogue
    from device_grant.client.drivers.invocation import Driver
    from device_grant.client.session.case import ClientCase
    from device_grant.client.session.run import ClientRun
    from device_grant.engine.items import CheckItem
    from device_grant.judging import Invariant, Rule
    from device_grant.protocol import Secrets
    from device_grant.results.baseline import Baseline
    from device_grant.results.model import Header
    from device_grant.server.session.case import Case
    from device_grant.server.session.run import Run


class ClientSuite(Suite):
    """One session with a client under test."""

    party: ClassVar[str] = "client"

    def __post_init__(self) -> None:
        super().__post_init__()
        self._driver: Driver | None = None
        self._entered = False

    def _locate(self) -> Path | None:
        from device_grant.client.drivers.load import baseline_of, open_client

        options = self.options
        if options.database:
            raise UsageError("--grant-database: scenarios for clients generate no examples to keep; leave it out")
        self._driver = open_client(options.target, dialect=options.dialect, faults=options.faults)
        return baseline_of(options.target)

    def _open(self, catalogue: Catalogue, known: Baseline, secrets: Secrets) -> None:
        from device_grant.client.session.run import ClientRun
        from device_grant.protocol import dialect

        assert self._driver is not None  # noqa: S101 - set in _locate
        self._driver.__enter__()
        self._entered = True
        run = ClientRun(
            self._driver,
            dialect(self._driver.config.dialect),
            catalogue,
            self._expecting(catalogue, known),
            secrets,
            self.options.rest,
        )
        if not self.options.faults:
            run.handshake()
        self._run = run

    def stop(self) -> None:
        """End every process of the client and the servers that it met; safe to call again."""
        if self._entered and self._driver is not None:
            self._entered = False
            self._driver.__exit__(None, None, None)

    def _watching(self) -> Iterable[Invariant | Rule]:
        from device_grant.client.rules import every_rule

        return every_rule()

    def _begun_ahead(self, checks: list[CheckItem]) -> list[CheckItem]:
        # Scenarios mostly wait; on simulated time nothing does.
        return [] if self._client_run().driver.clock == "simulated" else checks

    def _places(self) -> int:
        return self._client_run().config.run.side_by_side

    def _new_case(self, item: CheckItem) -> Case | ClientCase:
        from device_grant.client.session.case import ClientCase

        return ClientCase(self._client_run(), item.entry)

    def _carry_out(self, case: Case | ClientCase) -> None:
        case.begin()
        case.execute()

    def _client_run(self) -> ClientRun:
        from device_grant.client.session.run import ClientRun

        assert isinstance(self._run, ClientRun)  # noqa: S101 - that of this suite
        return self._run

    def _dialect(self) -> str:
        assert self._driver is not None  # noqa: S101 - set in _locate
        return self._driver.config.dialect

    def _header(self, run: Run | ClientRun) -> Header:
        from device_grant.engine.headers import of_client

        del run  # that of this suite
        return of_client(self._client_run(), self.options.command)
