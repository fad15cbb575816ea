"""Histories of an honest server, all of which some order explains; and how soon the races of a faulty one show.

    python -m benchmarks.histories --histories 10000
    python -m benchmarks.histories --seeds 10

The server is the reference as two replicas over one store, each answer after a latency of its own. An accusation is a
defect of the suite: the command then ends with 1, and draws the history.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import time
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.routing import Route

from device_grant.catalogue import load
from device_grant.engine import run_check
from device_grant.judging import all_checks
from device_grant.judging.loading import import_checks
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.reference.server.app import ENDPOINTS
from device_grant.reference.server.http import Endpoint
from device_grant.reference.server.pages import VerificationPages
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, MutableMapping

    from device_grant.reference.server.store import Store
    from device_grant.server.histories.history import History
    from device_grant.targets.transports.in_process import AsgiTarget

    Message = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[Message]]
    Send = Callable[[Message], Awaitable[None]]

DIALECTS = (RFC8628, AWS_SSO_OIDC)
OVERLAPPING = "histories::test_overlapping_operations"
RACES = {
    "late_write": OVERLAPPING,
    "redemption_race": "races::test_simultaneous_redemption",
    "decision_race": "races::test_approval_against_denial",
    "approval_outlives_code": "histories::test_approval_at_expiry",
    "refresh_race": "races::test_simultaneous_refresh",
    "lost_refresh_repeats": "histories::test_lost_refreshes",
    "redemption_forgotten": "races::test_redemption_at_expiry",
}
"""Faults of the reference that are races, or of lost answers, each with the check that shows it."""
LATENCY = 0.001
"""Real seconds, the most, before and after what a replica does."""
MOST_SECONDS, LEAST_SEEDS = 60.0, 0.9


def replicated(dialect: str, chance: random.Random) -> AsgiTarget:
    """The honest reference as two replicas over one store, behind one address, with latency."""
    target = embedded(dialect)
    store: Store = vars(target)["_app"].state.store
    replicas = _replicas(store)

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        late = scope["type"] == "http"

        async def delayed(message: Message) -> None:
            if late and message["type"] == "http.response.start":
                await asyncio.sleep(chance.uniform(0, LATENCY))
            await send(message)

        if late:
            await asyncio.sleep(chance.uniform(0, LATENCY))
        await chance.choice(replicas)(scope, receive, delayed)

    vars(target)["_app"] = application
    return target


def _replicas(store: Store) -> list[Starlette]:
    """Two applications that share what they remember, browsers' sessions included, and nothing else."""
    applications, sessions = [], None
    for _ in range(2):
        endpoints, pages = ENDPOINTS[store.settings.dialect]()(store), VerificationPages(store)
        sessions = sessions or pages.sessions
        pages.sessions = sessions
        handlers = endpoints.handlers() | pages.handlers() | endpoints.pages_of_browsers(pages)
        applications.append(Starlette(routes=[Route(path, Endpoint(handler)) for path, handler in handlers.items()]))
    return applications


def histories(dialect: str, number: int, seed: int) -> Iterator[History]:
    """So many histories of the honest replicas, as the check draws them."""
    from device_grant.server.checks.grant.test_histories import planned

    import_checks("server")
    check = next(one for one in all_checks() if one.name == OVERLAPPING)
    with replicated(dialect, random.Random(seed)) as target:  # noqa: S311 - no secret
        made = 0
        while made < number:
            # A fresh run now and then: what all exchanges of ten thousand histories weigh nobody needs.
            run = new_run(target, dialect, load(), seed=seed + made)
            with target.clock:
                case = ServerCase(run, check)
                case.begin()
                plan = planned(case, case.device)
                for count in range(min(100, number - made)):
                    yield plan.decided(count // 2) if count % 2 else plan.redeemed()
                    made += 1
            run.close()


def _honest(number: int) -> int:
    accused = 0
    for dialect in DIALECTS:
        began, operations = time.perf_counter(), 0
        for history in histories(dialect, number // len(DIALECTS), seed=1):
            operations += len(history.operations)
            if history.broken:
                accused += 1
                print(f"accused of {', '.join(history.broken)}: {history.drawn}")
        seconds = time.perf_counter() - began
        print(
            f"{dialect}: {number // len(DIALECTS)} histories of {operations} operations in {seconds:.0f} s", flush=True
        )
    print(f"{accused} accusations")
    return min(1, accused)


def _seeds(number: int) -> int:
    worst = 1.0
    for fault, check in RACES.items():
        for dialect in DIALECTS:
            taken = [seconds for seed in range(1, number + 1) if (seconds := _seconds(dialect, fault, check, seed))]
            worst = min(worst, len(taken) / number)
            slowest = f"the slowest in {max(taken):.1f} s" if taken else "never"
            print(f"{fault} ({dialect}): shown with {len(taken)} of {number} seeds, {slowest}", flush=True)
    return int(worst < LEAST_SEEDS)


def _seconds(dialect: str, fault: str, check: str, seed: int) -> float:
    """How long it took to show a fault; 0 where that was not done in time."""
    with embedded(dialect, [fault]) as target:
        run = new_run(target, dialect, load(), seed=seed)
        began = time.perf_counter()
        broken = run_check(run, check).broken
        seconds = time.perf_counter() - began
        run.close()
    return seconds if broken and seconds <= MOST_SECONDS else 0.0


def main() -> int:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--histories", type=int, default=0, help="histories of the honest replicas")
    parser.add_argument(
        "--seeds", type=int, default=0, help="seeds with which each race of the reference is looked for"
    )
    given = parser.parse_args()
    return (_honest(given.histories) if given.histories else 0) | (_seeds(given.seeds) if given.seeds else 0)


if __name__ == "__main__":
    sys.exit(main())
