"""What a server may have us wait by Retry-After: each time within bounds, and in a whole run within its budget."""

import time
from email.utils import formatdate
from types import SimpleNamespace

import httpx
import pytest

from device_grant.protocol.retry_after import pause_of
from device_grant.server.session.patience import LONGEST_JUMP, LONGEST_RETRY, RETRIES, Patience, Rests
from device_grant.targets.config import LimitsSection


class Watch:
    """A clock that keeps what is waited for; `sleeps` says whether a wait costs real time."""

    def __init__(self, *, sleeps):
        self.sleeps = sleeps
        self.waited = []

    def wait(self, seconds):
        self.waited.append(seconds)


def rests(budget, *, sleeps=True, manners=None):
    watch = Watch(sleeps=sleeps)
    target = SimpleNamespace(clock=watch, config=SimpleNamespace(limits=LimitsSection(retry_after=budget)))
    return Rests(target, manners), watch


def test_a_run_waits_as_long_as_its_budget_says():
    taken, watch = rests(50)
    assert [taken.take(20) for _ in range(4)] == [True, True, False, False]
    assert taken.take(10)
    assert watch.waited == [20, 20, 10]


def test_nothing_is_waited_for_without_a_budget():
    taken, watch = rests(0)
    assert not taken.take(1)
    assert watch.waited == []


@pytest.mark.parametrize("asked", [1e308, float("inf"), 999_999_999_999.0])
def test_each_wait_has_an_end(asked):
    taken, watch = rests(300)
    assert taken.take(asked)
    assert watch.waited == [LONGEST_RETRY]


def test_a_clock_that_jumps_has_no_budget():
    taken, watch = rests(1, sleeps=False)
    assert all(taken.take(7200) for _ in range(3))
    assert watch.waited == [LONGEST_JUMP] * 3


def test_where_manners_keep_every_request_nobody_waits_here():
    taken, watch = rests(0, manners=object())
    assert taken.take(20)
    assert watch.waited == []


def asked(budget, retry_after, status=429):
    taken, watch = rests(budget)
    sent = []

    def answer(request):
        sent.append(request)
        return httpx.Response(status, headers={"Retry-After": retry_after} if retry_after else {})

    with httpx.Client(transport=httpx.MockTransport(answer), auth=Patience(taken, time.time)) as http:
        http.get("http://target.test/device")
    return len(sent), watch.waited


def test_a_browser_asks_again_within_the_budget():
    assert asked(300, "20") == (RETRIES + 1, [20.0] * RETRIES)
    assert asked(30, "20") == (2, [20.0])
    assert asked(10, "20") == (1, [])
    assert asked(300, "", status=503) == (1, [])


HOSTILE = {
    "9" * 5000: float("inf"),
    "-5": 1.0,
    "1e308": 1.0,
    "Infinity": 1.0,
    "Fri, 99 Foo 99999 99:99:99 XYZ": 1.0,
    "Fri, 31 Dec 99999 23:59:59 GMT": 1.0,
    "Fri, 31 Dec 9999 23:59:59 -9999": None,
    "Thu, 01 Jan 0001 00:00:00 +2359": None,
    "\x1b[2J": 1.0,
    "²": 1.0,
    "": 1.0,
    ", , ,": 1.0,
    "Thu 1 1 : :": 1.0,
}


@pytest.mark.parametrize(("said", "wanted"), HOSTILE.items())
def test_what_no_server_may_mean(said, wanted):
    pause = pause_of(429, said, 1_700_000_000.0)
    assert pause >= 1.0
    assert wanted in (None, pause)


def test_a_date_counts_from_the_clock_of_the_target():
    assert pause_of(503, formatdate(1_700_000_060, usegmt=True), 1_700_000_000.0) == 60.0
    assert pause_of(503, "", 0.0) is None
    assert pause_of(400, "20", 0.0) is None
