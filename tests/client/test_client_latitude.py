"""What scenarios accept: clients that poll at given times and end in a given way, against every reading of the text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import pytest
from support.client_proof import catalogue

from device_grant.catalogue import Verdict
from device_grant.client.drivers.config import ClientConfig, RunSection
from device_grant.client.drivers.invocation import Ended
from device_grant.client.session.run import ClientRun
from device_grant.engine import run_check
from device_grant.protocol import DEVICE_CODE_GRANT, RFC8628, Operation, Request, dialect

ODD = "rfc8628-3.2-client-odd-interval"
WAITS = "rfc8628-3.5-client-waits-before-each-request"
RESTS = "rfc8628-3.5-client-waits-from-the-answer"
UNREADABLE = "rfc8628-3.5-client-unreadable-answer"
RETRY_AFTER = "rfc9110-10.2.3-retry-after"
KILLED = -9


@dataclass
class Timed:
    """Begins at 0, polls at these seconds until it has the token, and ends with the status; None: it is ended later."""

    polls: tuple[float, ...]
    status: int | None = 0
    over: float = 40.0
    overdue: bool = False
    failing: int = 99
    """Polls after which it ends by itself with status 1."""
    spec = "timed"
    clock = "simulated"
    scale = 1.0

    def __post_init__(self):
        self.config = ClientConfig(name="timed", run=RunSection(command=("timed",)))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_):
        """Nothing was prepared."""

    def run(self, invocation):
        authority = invocation.authority
        authority.base = "http://127.0.0.1:1"

        def ask(path, operation, content, at):
            request = Request("POST", authority.base + path, (), content, operation)
            reply = authority.answer(request)
            return authority.record(request, reply, at, at + reply.delay, "1").outcome

        ask("/device_authorization", Operation.DEVICE_AUTHORIZATION, b"client_id=me", 0.0)
        body = f"grant_type={DEVICE_CODE_GRANT}&device_code={authority.last('device_code')}".encode()
        for number, at in enumerate(self.polls, start=1):
            if ask("/token", Operation.TOKEN, body, at).ok:
                return Ended(0, f"device-grant: token {authority.last('access_token')}", "", at)
            if number == self.failing:
                return Ended(1, "", "ValueError", at)
        return Ended(self.status, "", "", self.over, overdue=self.overdue)


def verdict(scenario, requirement, client):
    return run_check(ClientRun(client, dialect(RFC8628), catalogue()), scenario).verdicts[requirement]


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (Timed((2, 4, 6, 8, 10)), Verdict.PASS),  # the number in the text
        (Timed((5, 10, 15, 20, 25)), Verdict.PASS),  # the default
        (Timed((0, 0.01, 1.01, 2.01, 3.01)), Verdict.PASS),  # asks twice at first
        (Timed((0, 10, 20, 30), status=None, over=40), Verdict.PASS),  # slower, and still at it
        (Timed((), status=1), Verdict.PASS),  # refuses the answer
        (Timed((1, 1.1), failing=2), Verdict.PASS),  # crashes at its first wait, and says so
        (Timed((0, 2), status=None, over=40), Verdict.FAIL),  # stuck
        (Timed((), status=None, over=60, overdue=True), Verdict.INCONCLUSIVE),  # or the machine was
        (Timed((), status=KILLED), Verdict.FAIL),
        (Timed((0, 2), status=0), Verdict.FAIL),  # as if it had worked
        (Timed((0, 0.1, 0.2, 0.3, 0.4)), Verdict.FAIL),
        (Timed((0, 5, 5.5, 6, 11)), Verdict.FAIL),
    ],
)
def test_odd_intervals(client, expected):
    assert verdict("waiting::test_negative_interval", ODD, client) is expected
    assert verdict("waiting::test_interval_as_text", ODD, client) is expected


def test_taking_zero_at_its_word_is_a_warning():
    tight = Timed((0, 0.1, 0.2, 0.3, 0.4))
    assert verdict("waiting::test_interval_of_zero", ODD, tight) is Verdict.WARN
    stuck = Timed((0, 2), status=None, over=40)
    assert verdict("waiting::test_interval_of_zero", ODD, stuck) is Verdict.FAIL


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (Timed((1.5, 3, 4.5)), Verdict.PASS),
        (Timed((2, 4, 6)), Verdict.PASS),
        (Timed((1, 2, 3)), Verdict.WARN),  # reads integers
        (Timed((1, 1.7, 2.4)), Verdict.FAIL),
        (Timed((), status=1), Verdict.PASS),
        (Timed((), status=None, over=40), Verdict.INCONCLUSIVE),
    ],
)
def test_a_fraction(client, expected):
    assert verdict("waiting::test_interval_with_a_fraction", WAITS, client) is expected


@pytest.mark.parametrize(
    ("client", "waits", "rests", "slower"),
    [
        (Timed((2, 5.2, 8.4)), Verdict.PASS, Verdict.PASS, Verdict.WARN),  # waits, where answers take 1.2 s
        (Timed((2, 7, 12)), Verdict.PASS, Verdict.PASS, Verdict.PASS),  # waits, whatever they take
        (Timed((2, 4, 6)), Verdict.PASS, Verdict.WARN, Verdict.WARN),  # a ticker
        (Timed((2,), failing=1), Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE, Verdict.PASS),  # gives up
        (Timed((2, 3.3, 4.6)), Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.INCONCLUSIVE),  # too early either way
    ],
)
def test_slow_answers(client, waits, rests, slower):
    said = run_check(ClientRun(client, dialect(RFC8628), catalogue()), "waiting::test_slow_answers").verdicts
    assert (said[WAITS], said[RESTS]) == (waits, rests)
    assert verdict("waiting::test_answers_slower_than_the_interval", RESTS, client) is slower


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (Timed((0,), status=None, over=12), Verdict.PASS),
        (Timed((), status=None, over=12), Verdict.PASS),
        (Timed((), status=1), Verdict.PASS),
        (Timed((0, 5), status=None, over=12), Verdict.FAIL),
        (Timed((), status=None, over=32, overdue=True), Verdict.INCONCLUSIVE),
    ],
)
def test_a_month(client, expected):
    assert verdict("waiting::test_interval_of_a_month", WAITS, client) is expected


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (Timed((1, 2, 3, 4, 5)), Verdict.PASS),  # takes no notice
        (Timed((1,), failing=1), Verdict.PASS),  # ends at each of them
        (Timed((1, 2), failing=2), Verdict.PASS),
        (Timed((1,), status=KILLED), Verdict.WARN),
        (Timed((1,), status=0), Verdict.WARN),
        (Timed((1,), status=None), Verdict.INCONCLUSIVE),
    ],
)
def test_unreadable_answers(client, expected):
    assert verdict("answers::test_unreadable_answers", UNREADABLE, client) is expected


@pytest.mark.parametrize(
    ("client", "waited", "settled"),
    [
        (Timed((1, 5, 6)), Verdict.PASS, Verdict.PASS),
        (Timed((1,), failing=1), Verdict.PASS, Verdict.PASS),
        (Timed((1, 2, 3)), Verdict.WARN, Verdict.PASS),
        (Timed((1,), status=KILLED), Verdict.PASS, Verdict.WARN),
    ],
)
def test_too_many_requests(client, waited, settled):
    assert verdict("waiting::test_too_many_requests", RETRY_AFTER, client) is waited
    assert verdict("waiting::test_too_many_requests", UNREADABLE, client) is settled


@dataclass
class Unlucky(Timed):
    """Fails before it has asked anything, as on a machine so busy that its connection takes too long."""

    def run(self, invocation):
        invocation.authority.base = "http://127.0.0.1:1"
        return Ended(1, "", "TLS handshake timeout", 2.0)


def test_a_client_that_asked_nothing_did_not_stop_polling():
    until_done = "rfc8628-3.3-client-polls-until-done"
    assert verdict("waiting::test_interval_of_seven", until_done, Unlucky(())) is Verdict.UNTESTABLE
    assert verdict("waiting::test_interval_of_seven", until_done, Timed((), status=1)) is Verdict.FAIL
    assert verdict("waiting::test_interval_of_seven", until_done, Timed((7, 14))) is Verdict.PASS
