"""Checks side by side: one that only waits keeps no other from beginning, and none is waited for before its turn."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from types import SimpleNamespace
from unittest import mock

import pytest

from device_grant.catalogue import load
from device_grant.engine.exclusion import Admission
from device_grant.engine.options import Options
from device_grant.engine.scheduling import SideBySide, Task, rank
from device_grant.engine.server_subject import MOST_AT_ONCE, ServerSubject
from device_grant.reference.embedded import embedded
from device_grant.server.session.case import ServerCase
from device_grant.server.session.polite import PLACES
from device_grant.server.session.run import new_run
from device_grant.targets.config import ClockSection, TargetConfig

PATIENCE = 10.0


@pytest.fixture
def admission():
    made = Admission()
    yield made
    made.close()


def task(name, *, order="", alone=False):
    return Task(name, SimpleNamespace(name=name, order=order, alone=alone))


class Crowd:
    """Tasks that come to nothing while more than so many of them go on."""

    def __init__(self, admission, names, most):
        self.said = []
        self.scheduler = SideBySide(
            self.execute, admission, lambda result: result == "crowded", lambda *numbers: self.said.append(numbers)
        )
        self.names, self.most, self.going_on, self.runs = names, most, 0, []
        self.lock = threading.Lock()
        self.scheduler.plan([task(name) for name in names], len(names), at_once=True)

    def execute(self, task):
        with self.lock:
            self.runs.append(task.nodeid)
            self.going_on += 1
            met = self.going_on
        time.sleep(0.1)
        with self.lock:
            met, self.going_on = max(met, self.going_on), self.going_on - 1
        return "crowded" if met > self.most else "well"

    def outcomes(self):
        return [self.scheduler.run(task(name)) for name in self.names]


def test_what_met_too_many_is_run_once_more_with_few(admission):
    crowd = Crowd(admission, "abcdef", 4)
    assert crowd.outcomes() == ["well"] * 6
    assert 6 < len(crowd.runs) <= 12


def test_what_a_few_are_too_many_for_is_run_alone(admission):
    crowd = Crowd(admission, "abcdef", 1)
    assert crowd.outcomes() == ["well"] * 6
    assert 12 < len(crowd.runs) <= 18
    number = crowd.said[0][1]
    assert crowd.said[:number] == [(ended, number) for ended in range(number)]
    alone = crowd.said[number:]
    assert alone == [(ended, len(alone)) for ended in range(len(alone))]
    assert 0 < len(alone) <= number


def test_many_are_not_run_alone(admission):
    """That would take longer than the whole run."""
    crowd = Crowd(admission, [f"task {number}" for number in range(60)], 1)
    assert crowd.outcomes().count("crowded") > 20
    assert len(crowd.runs) <= 120


def test_what_is_crowded_alone_stays_so(admission):
    crowd = Crowd(admission, "abc", 0)
    assert crowd.outcomes() == ["crowded"] * 3
    assert sorted(crowd.runs) == sorted("abc" * 3)


def test_a_task_of_the_main_thread_that_met_others_is_run_once_more(admission):
    crowd = Crowd(admission, "abc", 1)
    assert crowd.scheduler.run(task("m")) == "well"
    assert crowd.runs.count("m") > 1
    assert crowd.outcomes() == ["well"] * 3


class Waiting:
    """Tasks of which each waits for the one that begins after it, with one place for all of them."""

    def __init__(self, admission, *, rest):
        self.scheduler = SideBySide(self.execute, admission)
        self.rest = rest
        self.begun = {name: threading.Event() for name in "ab"}
        self.busy = threading.Semaphore(1)
        self.alone = True

    def execute(self, task):
        self.begun[task.nodeid].set()
        other = self.begun["b" if task.nodeid == "a" else "a"]
        if self.rest:
            with self.scheduler.resting():
                met = other.wait(PATIENCE)
            self.alone &= self.busy.acquire(blocking=False)
            self.busy.release()
            return met
        return other.wait(0.2)

    def outcomes(self):
        tasks = [task(name) for name in self.begun]
        self.scheduler.plan(tasks, 1, at_once=True)
        return [self.scheduler.run(one) for one in tasks]


def test_who_waits_gives_up_the_place(admission):
    waiting = Waiting(admission, rest=True)
    assert waiting.outcomes() == [True, True]
    assert waiting.alone


def test_who_does_not_say_so_keeps_it(admission):
    assert sorted(Waiting(admission, rest=False).outcomes()) == [False, True]


def test_the_place_is_had_again_after_waiting(admission):
    scheduler = SideBySide(lambda _task: None, admission)
    places = threading.BoundedSemaphore(1)
    scheduler._own.places = places
    places.acquire()
    with scheduler.resting():
        assert places.acquire(blocking=False)
        places.release()
    assert not places.acquire(blocking=False)


def test_resting_outside_of_a_place_changes_nothing(admission):
    with SideBySide(lambda _task: None, admission).resting():
        pass


def test_a_case_rests_while_it_waits():
    with embedded("rfc8628", []) as target:
        run = new_run(target, "rfc8628", load())
        case = ServerCase(run, SimpleNamespace(name="x::test_x", requirements=()))
        entered = []

        class Resting:
            def __enter__(self):
                entered.append(case.now())

            def __exit__(self, *_):
                entered.append(case.now())

        case.resting = Resting
        with target.clock:
            case.begin()
            case.wait(7)
        run.close()
    assert entered == [0, 7]


def test_an_error_in_a_thread_is_raised_where_the_result_is_asked_for(admission):
    def execute(_task):
        raise ValueError("broken")

    scheduler, one = SideBySide(execute, admission), task("a")
    scheduler.plan([one], 1, at_once=True)
    with pytest.raises(ValueError, match="broken"):
        scheduler.run(one)


@pytest.mark.parametrize("kept", [False, True])
def test_who_rests_may_keep_its_place(admission, kept):
    begun, go_on = [], threading.Event()

    def execute(one):
        begun.append(one.nodeid)
        with scheduler.resting():
            go_on.wait(PATIENCE)
        return one.nodeid

    scheduler = SideBySide(execute, admission)
    many = [task(f"rests {number}") for number in range(5)]
    scheduler.plan(many, 2, at_once=True, kept=kept)
    threading.Event().wait(0.2)
    assert len(begun) == (2 if kept else 5)
    go_on.set()
    assert [scheduler.run(one) for one in many] == [one.nodeid for one in many]


@pytest.mark.parametrize("side_by_side", [None, 3])
def test_target_toml_says_how_many_are_under_way(side_by_side):
    config = TargetConfig(name="slow", clock=ClockSection(side_by_side=side_by_side))
    subject = ServerSubject(Options(target="slow"), lambda _: mock.Mock(config=config))
    subject.locate()
    assert (subject.places, subject.keeps_places) == ((3, True) if side_by_side else (MOST_AT_ONCE, False))
    subject.options = replace(subject.options, polite=True)
    assert (subject.places, subject.keeps_places) == (PLACES, False)


class Recorded:
    """Tasks that are executed, in the order in which they began."""

    def __init__(self, admission):
        self.begun = []
        self.scheduler = SideBySide(self.execute, admission)

    def execute(self, task):
        self.begun.append(task.nodeid)
        return task


def test_in_one_process_they_begin_at_once(admission):
    recorded, waits = Recorded(admission), [task("a"), task("b")]
    recorded.scheduler.plan(waits, 2, at_once=True)
    assert [recorded.scheduler.run(one) for one in (task("c"), *waits)][1:] == waits
    assert sorted(recorded.begun) == ["a", "b", "c"]


def test_in_a_worker_they_begin_together_with_the_first(admission):
    recorded, waits = Recorded(admission), [task("a"), task("b")]
    recorded.scheduler.plan(waits, 2, at_once=False)
    recorded.scheduler.run(task("c"))
    assert recorded.begun == ["c"]
    assert recorded.scheduler.run(waits[1]) is waits[1]
    assert recorded.scheduler.run(waits[0]) is waits[0]
    assert sorted(recorded.begun) == ["a", "b", "c"]


def test_what_waits_comes_behind_the_others_then_what_is_alone_then_the_last():
    plain, waits = task("plain"), task("waits")
    alone, last = task("alone", alone=True), task("last", order="last")
    both = task("both", order="last", alone=True)
    collected = sorted([both, last, alone, waits, plain], key=lambda one: rank(one.check, waits=one is waits))
    assert [one.nodeid for one in collected] == ["plain", "waits", "alone", "both", "last"]


def test_alone_is_admitted_beside_nobody(admission):
    inside, met = [], []

    def busy(one):
        inside.append(one.nodeid)
        threading.Event().wait(0.05)
        met.append((one.nodeid, len(inside)))
        inside.remove(one.nodeid)

    scheduler = SideBySide(busy, admission)
    many = [task(f"beside {number}") for number in range(4)]
    scheduler.plan(many, 4, at_once=True)
    scheduler.run(task("alone", alone=True))
    for one in many:
        scheduler.run(one)
    assert dict(met)["alone"] == 1
    assert max(number for _, number in met) > 1


def test_a_thread_that_is_not_yet_admitted_holds_no_place(admission):
    """Else one that rests could not end its rest, and who wants to be alone would wait for it for ever."""
    rested, go_on = threading.Event(), threading.Event()

    def execute(one):
        if one.nodeid == "rests":
            with scheduler.resting():
                rested.set()
                go_on.wait(PATIENCE)
        return one.nodeid

    scheduler = SideBySide(execute, admission)
    rests, late = task("rests"), task("late")
    scheduler.plan([rests], 1, at_once=True)
    rested.wait(PATIENCE)
    alone = threading.Thread(target=scheduler.run, args=(task("alone", alone=True),), daemon=True)
    alone.start()
    places = threading.BoundedSemaphore(1)
    other = threading.Thread(target=scheduler._placed, args=(late, places), daemon=True)
    other.start()
    threading.Event().wait(0.1)
    assert places.acquire(blocking=False)
    places.release()
    go_on.set()
    assert scheduler.run(rests) == "rests"
    alone.join(PATIENCE)
    other.join(PATIENCE)
    assert not alone.is_alive()
    assert not other.is_alive()


def test_the_last_waits_for_processes_that_have_not_come_so_far(tmp_path):
    own, other = Admission(tmp_path), Admission(tmp_path)
    own.begin()
    other.begin()
    begun = threading.Event()

    def run_last():
        with own.admitted(task("last", order="last").check):
            begun.set()

    thread = threading.Thread(target=run_last, daemon=True)
    thread.start()
    with other.admitted(task("other").check):
        assert not begun.wait(0.1)
    other.end()
    assert begun.wait(PATIENCE)
    thread.join(PATIENCE)
    own.close()
    other.close()
