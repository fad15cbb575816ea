"""Examples that end before they can be judged: the check ends so too, and what was found before is kept."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from support.proof import catalogue, judges

from device_grant.catalogue import Verdict
from device_grant.judging import Inconclusive, Judgement, StopCheck, Untestable
from device_grant.protocol import RFC8628
from device_grant.reference.embedded import embedded
from device_grant.server.generation.fuzz import Fuzz
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run


@pytest.mark.parametrize("broken", [False, True])
def test_different_ways_to_stop_are_one_end(broken):
    with embedded(RFC8628) as target:
        run = new_run(target, RFC8628, catalogue())
        case = ServerCase(run, judges()[0]["malformed_input::test_malformed_token_request"])
        requirement = next(name for name in case.check.requirements if RFC8628 in catalogue().get(name).dialects)

        def one(number: int) -> None:
            if number > 200 and broken:
                case.ledger.settle(Judgement(requirement, holds=False, problem="wrong"))
            if number % 2:
                raise Inconclusive("answers only 429")
            raise Untestable("no device authorization")

        with target.clock:
            case.begin()
            with pytest.raises(StopCheck):
                Fuzz(case)(st.integers(0, 400), one)
        run.close()
    result = case.ledger.tallies.get(requirement)
    assert (result is not None and result.verdict >= Verdict.WARN) is broken
