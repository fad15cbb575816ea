"""The pace and the budget of a polite run, by a clock that only waits move, and once by the real one."""

from __future__ import annotations

import threading
import time
from itertools import pairwise

import httpx
import pytest

from device_grant.judging import Spared, Untestable
from device_grant.targets import RealClock
from device_grant.targets.manners import BUDGET, LONGEST_HOLD, MOST_MALFORMED, MOST_REGISTERED, RATE, Manners

REQUEST = httpx.Request("GET", "https://as.example/device")


def refusal(retry_after):
    return httpx.Response(429, headers={"Retry-After": retry_after})


class Jumping:
    def __init__(self):
        self.time = 1_000.0

    def now(self):
        return self.time

    def wait(self, seconds):
        assert seconds > 0
        self.time += seconds


def times(manners, clock, number):
    result = []
    for _ in range(number):
        manners.before(REQUEST)
        result.append(clock.now())
    return result


def test_what_is_promised():
    assert (BUDGET, RATE, MOST_MALFORMED) == (150, 2.0, 12)


@pytest.mark.parametrize("rate", [2.0, 0.5])
def test_pace(rate):
    clock = Jumping()
    sent = times(Manners(clock, rate=rate), clock, 40)
    assert min(later - earlier for earlier, later in pairwise(sent)) >= 1 / rate
    assert sent[-1] - sent[0] < 40 * 1.2 / rate


def test_budget():
    clock = Jumping()
    manners = Manners(clock, budget=3)
    times(manners, clock, 3)
    with pytest.raises(Spared, match="the budget of 3 requests was used up"):
        manners.before(REQUEST)
    with pytest.raises(Spared):
        manners.turn("poll")
    assert manners.sent == 3


def test_whoever_looks_for_facts_about_the_target_does_not_catch_it():
    assert not issubclass(Spared, Untestable)


def test_a_turn_is_taken_once():
    clock = Jumping()
    manners = Manners(clock)
    for _ in range(2):
        manners.turn("poll")
        before = clock.now()
        manners.before(REQUEST)
        assert clock.now() == before, "what follows its turn is sent at once"
    assert (manners.sent, dict(manners.kinds)) == (2, {"poll": 2})


def test_a_pause_is_kept_by_all():
    clock = Jumping()
    manners = Manners(clock)
    manners.before(REQUEST)
    manners.after(refusal("7"))
    asked = clock.now()
    other = threading.Thread(target=manners.before, args=(REQUEST,))
    other.start()
    other.join()
    assert clock.now() - asked >= 7


@pytest.mark.parametrize(("retry_after", "said"), [("3600", "asks for 3600 s"), ("9" * 400, "asks for inf s")])
def test_a_server_that_wants_to_be_left_alone_is(retry_after, said):
    manners = Manners(Jumping())
    manners.after(refusal(retry_after))
    with pytest.raises(Spared, match=said):
        manners.before(REQUEST)


def test_refusals_that_are_not_running_end_nothing():
    clock = Jumping()
    manners = Manners(clock)
    for _ in range(4):
        manners.after(refusal(f"{LONGEST_HOLD:.0f}"))
        manners.before(REQUEST)
        manners.after(httpx.Response(200))
    for _ in range(3):
        manners.after(refusal("1"))
    with pytest.raises(Spared, match="3 times running"):
        manners.before(REQUEST)


def test_malformed_bodies_and_registrations_are_counted():
    manners = Manners(Jumping())
    for _ in range(MOST_MALFORMED):
        manners.spend_malformed()
    with pytest.raises(Spared, match="12 malformed bodies were sent"):
        manners.spend_malformed()
    for _ in range(MOST_REGISTERED):
        manners.require_registration()
        manners.count_registration()
    with pytest.raises(Spared, match="6 clients were registered"):
        manners.require_registration()


def test_what_a_person_does_elsewhere_is_not_counted():
    manners = Manners(Jumping(), budget=1)
    with manners.elsewhere():
        for _ in range(5):
            manners.before(REQUEST)
    assert manners.sent == 0


@pytest.mark.long
def test_threads_keep_the_pace_on_the_real_clock():
    manners, sent = Manners(RealClock()), []

    def send():
        for _ in range(2):
            manners.before(REQUEST)
            sent.append(time.monotonic())

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(sent) == 6
    assert max(sent) - min(sent) >= 5 / RATE
