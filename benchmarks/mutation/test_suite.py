"""The conformance suite as the only test of a mutated reference server: one test a check and dialect.

Runs in the folder that `python -m benchmarks.mutation` prepares, never with the project's own tests.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pytest
from proof import applies, catalogue, judges, needs_browser

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.reference.server.http import LONGEST_BODY
from device_grant.reference.server.settings import Settings
from device_grant.reference.server.usual import DEFAULT_CLIENTS
from device_grant.server.checks.http import test_http
from device_grant.server.session.run import new_run

if TYPE_CHECKING:
    from device_grant.server.session.run import Run
    from device_grant.targets.ports import Target
    from device_grant.targets.transports.in_process import AsgiTarget

SMALLER = LONGEST_BODY + 1024
"""Octets of the one large body: more than the server takes, a quarter of what the suite sends elsewhere."""
WORSE = frozenset({Verdict.OBSERVED, Verdict.WARN, Verdict.INCONCLUSIVE, Verdict.UNTESTABLE, Verdict.FAIL})
"""Verdicts that a reader of the report would stumble over. `not-applicable` is none: nobody looks twice at it."""
BASELINE = Path(os.environ.get("MUTATION_BASELINE", "baseline.json"))
KNOWN = "rfc8628 with clients that its operator set up"
EXPIRING = "rfc8628 with registrations that expire"
SERVERS = {RFC8628: RFC8628, AWS_SSO_OIDC: AWS_SSO_OIDC, KNOWN: RFC8628, EXPIRING: RFC8628}
"""Configurations of the reference server, and the dialect of each."""
ONLY = {
    KNOWN: ("user_decision::test_approval", "client_authentication::", "refresh::", "device_authorization::"),
    EXPIRING: ("user_decision::test_approval", "registration::"),
}
"""Beginnings of the names of checks that such a configuration is for; the dialects' own have all."""
CASES = [
    (name, server)
    for name, check in judges()[0].items()
    for server, dialect in SERVERS.items()
    # A browser would take longer than all other checks of the pages together, and find what they find.
    if applies(check, dialect) and not needs_browser(check) and name.startswith(ONLY.get(server, ""))
]


def verdicts(name: str, server: str) -> dict[str, Verdict]:
    """Verdict of each requirement, those of the invariants included, by `judge > requirement`."""
    if os.environ.get("MUTANT_UNDER_TEST", "") != "stats":
        return _judged(name, _shared_run(server, os.getpid()))
    # While mutmut learns which test reaches which function, each test must build a server of its own.
    with _target(server) as target:
        return _judged(name, _run(target, SERVERS[server]))


def _target(server: str) -> AsgiTarget:
    lifetime = 7_200 if server == EXPIRING else None
    target = embedded(SERVERS[server], settings=Settings(dialect=SERVERS[server], registration_lifetime=lifetime))
    if server == KNOWN:
        target.config = msgspec.structs.replace(target.config, clients=target.config.clients + DEFAULT_CLIENTS)
    return target


def _judged(name: str, run: Run) -> dict[str, Verdict]:
    said = run_check(run, judges()[0][name])
    return {
        f"{judge} > {requirement}": verdict
        for judge, own in ((name, said.verdicts), *said.invariants.items())
        for requirement, verdict in own.items()
    }


@cache
def _shared_run(server: str, _process: int) -> Run:
    """One run for all checks of a process, as in any other use of the suite; its target ends with the process."""
    return _run(_target(server).__enter__(), SERVERS[server])


def _run(target: Target, dialect: str) -> Run:
    test_http.LARGE = SMALLER
    run = new_run(target, dialect, catalogue())
    run.profile = replace(run.profile, examples=8, stories=2, steps=15, race_rounds=2, race_seconds=0, shrinking=0.05)
    return run


@pytest.fixture(scope="session")
def before() -> dict[str, dict[str, str]]:
    """The verdicts on the server that nobody has mutated; empty while they are being taken down."""
    return json.loads(BASELINE.read_text()) if BASELINE.exists() else {}


@pytest.mark.parametrize(("name", "server"), CASES)
def test_no_verdict_is_worse(name: str, server: str, before: dict[str, dict[str, str]]) -> None:
    """Accepted: every verdict as on the server that nobody has mutated, or better."""
    key = f"{name} {server}"
    result = verdicts(name, server)
    if "MUTATION_RECORD" in os.environ:
        with Path(os.environ["MUTATION_RECORD"]).open("a") as file:
            file.write(json.dumps({key: {judged: verdict.label for judged, verdict in result.items()}}) + "\n")
        return
    usual = before[key]
    worse = [
        f"{judged}: {verdict.label}"
        for judged, verdict in result.items()
        if verdict in WORSE and verdict > Verdict.from_label(usual.get(judged, "pass"))
    ]
    assert not worse, "; ".join(worse)
