"""The three clocks, and that a travelled one disturbs nothing else."""

import datetime as dt
import logging
import os
import subprocess
import sys
import tempfile
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.needs import needs

from device_grant.targets import FaketimeClock, RealClock, TravelClock
from device_grant.targets.clocks import remove_faketime_leftovers


def test_travelled_time_stands_still_and_jumps():
    clock = TravelClock()
    with clock:
        before, date = time.time(), dt.datetime.now(dt.UTC)
        assert time.time() == before == clock.now()
        clock.wait(600)
        assert clock.now() - before == 600
        assert (dt.datetime.now(dt.UTC) - date).total_seconds() == 600


def test_the_monotonic_clock_ticks_and_jumps_along():
    clock = TravelClock()
    with clock:
        before, before_ns = time.monotonic(), time.monotonic_ns()
        assert time.monotonic() < before + 5
        clock.wait(600)
        assert 600 <= time.monotonic() - before < 605
        assert 600 <= (time.monotonic_ns() - before_ns) / 1e9 < 605


def test_everything_is_restored_also_after_an_error():
    real = time.time(), time.monotonic, time.monotonic_ns
    clock = TravelClock()

    def check():
        with clock:
            clock.wait(10_000)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        check()
    assert time.time() - real[0] < 60
    assert time.monotonic is real[1]
    assert time.monotonic_ns is real[2]


def test_entering_twice_ends_with_the_outer_one():
    clock = TravelClock()
    with clock:
        with clock:
            clock.wait(100)
        inside = time.time()
        assert clock.now() == inside
        assert inside - time_outside() > 90
    assert abs(time.time() - time_outside()) < 5


def test_a_travelled_clock_never_goes_back():
    clock = TravelClock()
    with clock:
        clock.wait(600)
        left = clock.now()
    clock.wait(50)
    with clock:
        assert clock.now() >= left + 50


def test_two_clocks_nest():
    outer, inner = TravelClock(), TravelClock()
    with outer:
        outer.wait(1000)
        moment = time.time()
        with inner:
            inner.wait(5)
            assert time.time() >= moment + 5
        assert time.time() == moment


def test_durations_logging_and_hypothesis_stay_well(caplog):
    examples = []

    @settings(max_examples=20, deadline=2000, database=None)
    @given(st.integers())
    def body(number):
        clock.wait(1000)
        examples.append(number)

    clock = TravelClock()
    began = time.perf_counter()
    with clock, caplog.at_level(logging.INFO):
        body()
        logging.getLogger("test").info("inside")
    assert len(examples) >= 20
    assert time.perf_counter() - began < 10
    assert caplog.records[-1].message == "inside"


def test_waiting_on_a_real_clock_sleeps():
    clock = RealClock()
    with clock:
        began = clock.now()
        clock.wait(0.02)
        assert 0.02 <= clock.now() - began < 5
        assert abs(clock.now() - time.time()) < 1


@pytest.mark.parametrize("seconds", [-1, float("nan")])
@pytest.mark.parametrize("kind", [RealClock, TravelClock, FaketimeClock])
def test_nobody_waits_backwards(kind, seconds, tmp_path):
    clock = kind(tmp_path) if kind is FaketimeClock else kind()
    with pytest.raises(ValueError, match="backwards"):
        clock.wait(seconds)


PROGRAM = """
import sys, time
for line in sys.stdin:
    print(time.time(), time.monotonic(), flush=True)
"""


@needs("libfaketime")
@pytest.mark.parametrize("cached", [False, True])
def test_a_process_under_faketime_sees_each_wait_at_once(tmp_path, cached):
    clock = FaketimeClock(tmp_path, cached=cached)
    environment = {**os.environ, **clock.environment(os.environ)}
    with subprocess.Popen(
        [sys.executable, "-S", "-c", PROGRAM],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:

        def ask():
            process.stdin.write("\n")
            process.stdin.flush()
            return [float(word) for word in process.stdout.readline().split()]

        first, began = ask(), clock.now()
        assert abs(first[0] - began) < 5
        with clock:
            clock.wait(600)
            clock.wait(0.5)
        second = ask()
        assert 600 <= clock.now() - began < 610
        assert abs(second[0] - clock.now()) < 5
        assert 600 <= second[1] - first[1] < 610
        process.stdin.close()
        process.wait(5)
    remove_faketime_leftovers({process.pid})


def test_a_preloaded_library_of_the_user_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(FaketimeClock, "library", staticmethod(lambda: tmp_path / "lib.so"))
    variables = FaketimeClock(tmp_path).environment({"LD_PRELOAD": "/lib/other.so"})
    assert variables["LD_PRELOAD"] == f"{tmp_path / 'lib.so'}:/lib/other.so"
    assert variables["FAKETIME_NO_CACHE"] == "1"
    variables = FaketimeClock(tmp_path, cached=True).environment({})
    assert (variables["FAKETIME_CACHE_DURATION"], "FAKETIME_NO_CACHE" in variables) == ("0", False)


def time_outside():
    """The real time, whatever this process believes: the kernel stamps files."""
    with tempfile.TemporaryFile() as file:
        return os.fstat(file.fileno()).st_mtime
