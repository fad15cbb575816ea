"""The profile `fast` is one list of generated requests, whoever asks for it: a run, and a recording."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from support.drawing import Drawing
from support.proof import catalogue, judges

from device_grant.protocol import RFC8628, Purpose, dialect
from device_grant.reference.embedded import embedded
from device_grant.server.generation.fuzz import Fuzz
from device_grant.server.session.case import ServerCase
from device_grant.server.session.profile import PROFILES
from device_grant.server.session.run import Run

WORDS = st.text(max_size=20)


def case_of(target, profile, check="polling::test_pending"):
    run = Run(target, dialect(RFC8628), catalogue(), PROFILES[profile])
    return ServerCase(run, judges()[0][check])


def judged(profile, *, drawn_beforehand, batches=("one", "two", "one")):
    with embedded(RFC8628) as target:
        target.sampler = Drawing() if drawn_beforehand else None
        seen, fuzz = [], Fuzz(case_of(target, profile))
        for batch in batches:
            fuzz(WORDS, seen.append, share=0.2, batch=batch)
        return seen


def test_a_recording_judges_the_examples_of_a_run():
    run = judged("fast", drawn_beforehand=False)
    assert judged("record", drawn_beforehand=True) == run
    assert len(run) == 36
    # No batch is like another one, nor like an earlier one of its name.
    assert len({tuple(run[place : place + 12]) for place in (0, 12, 24)}) == 3


def sent(profile, check, *, drawn_beforehand):
    """What malformed and generated requests say that they are."""
    with embedded(RFC8628) as target:
        target.sampler = Drawing() if drawn_beforehand else None
        case = case_of(target, profile, check)
        with target.clock:
            case.begin()
            case.execute()
        made = (Purpose.MALFORMED, Purpose.GENERATED)
        return [
            (exchange.malformation, exchange.request.header("content-type"), len(exchange.request.content))
            for exchange in case.transcript.exchanges
            if exchange.purpose in made
        ]


@pytest.mark.parametrize(
    "check",
    [
        "malformed_input::test_malformed_device_authorization",
        "malformed_input::test_malformed_token_request",
        "malformed_input::test_malformed_registration",
        "schemathesis::test_documented_requests",
    ],
)
def test_a_recording_sends_the_requests_of_a_run(check):
    run = sent("fast", check, drawn_beforehand=False)
    assert run
    assert sent("record", check, drawn_beforehand=True) == run
