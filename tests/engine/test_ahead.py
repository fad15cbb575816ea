"""Cases side by side: one that only waits keeps no other from beginning, and none is waited for before its turn."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from device_grant.catalogue import load
from device_grant.engine.ahead import Abreast, arrange
from device_grant.engine.items import CheckItem
from device_grant.engine.workers import GROUP
from device_grant.reference.embedded import embedded
from device_grant.server.session.case import Case
from device_grant.server.session.run import new_run

PATIENCE = 10.0


class Waiting:
    """Items of which each waits for the one that begins after it, with one place for all of them."""

    def __init__(self, *, rest):
        self.abreast = Abreast(self.execute)
        self.rest = rest
        self.begun = {name: threading.Event() for name in "ab"}
        self.busy = threading.Semaphore(1)
        self.alone = True

    def execute(self, item):
        self.begun[item.nodeid].set()
        other = self.begun["b" if item.nodeid == "a" else "a"]
        if self.rest:
            with self.abreast.resting():
                met = other.wait(PATIENCE)
            self.alone &= self.busy.acquire(blocking=False)
            self.busy.release()
            return met
        return other.wait(0.2)

    def outcomes(self):
        items = [SimpleNamespace(nodeid=name) for name in self.begun]
        config = SimpleNamespace(option=SimpleNamespace())
        self.abreast.plan(items, 1, config)
        return [self.abreast.run(item) for item in items]


def test_who_waits_gives_up_the_place():
    waiting = Waiting(rest=True)
    assert waiting.outcomes() == [True, True]
    assert waiting.alone


def test_who_does_not_say_so_keeps_it():
    assert Waiting(rest=False).outcomes() == [False, True]


def test_the_place_is_had_again_after_waiting():
    abreast = Abreast(lambda _item: None)
    places = threading.BoundedSemaphore(1)
    abreast._own.places = places
    places.acquire()
    with abreast.resting():
        assert places.acquire(blocking=False)
        places.release()
    assert not places.acquire(blocking=False)


def test_resting_outside_of_a_place_changes_nothing():
    with Abreast(lambda _item: None).resting():
        pass


def test_a_case_rests_while_it_waits():
    with embedded("rfc8628", []) as target:
        run = new_run(target, "rfc8628", load())
        case = Case(run, SimpleNamespace(name="x::test_x", requirements=()))
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


def check(nodeid):
    """A check as the plugin collects it, without a session."""
    item = object.__new__(type("Check", (CheckItem,), {"nodeid": nodeid}))
    item.keywords, item.own_markers = {}, []
    return item


def arranged(*, worker):
    first, second, third = check("first"), check("waits"), check("third")
    config = SimpleNamespace(**({"workerinput": {}} if worker else {}))
    items = [first, second, third, SimpleNamespace(nodeid="invariant")]
    arrange(config, items, [second])
    return [item.nodeid for item in items], [mark.args[0] for mark in second.own_markers]


def test_what_waits_is_asked_for_behind_the_others():
    assert arranged(worker=False) == (["first", "third", "waits", "invariant"], [])


def test_in_a_worker_the_order_stays_and_one_gets_them_all():
    assert arranged(worker=True) == (["first", "waits", "third", "invariant"], [GROUP])
