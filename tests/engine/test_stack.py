"""A frame that is larger than it needs to be changes nothing but the speed."""

from __future__ import annotations

import resource
import sys

import pytest

from device_grant.engine.stack import with_room


def test_what_is_called_returns_and_raises_as_ever():
    assert with_room(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        with_room(lambda: 1 // 0)


@pytest.mark.skipif(sys.implementation.name != "cpython", reason="other interpreters keep frames elsewhere")
def test_no_call_maps_memory_of_its_own():
    def leaf():
        return 1

    def at(depth):
        if depth:
            return at(depth - 1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        for _ in range(1000):
            leaf()
        return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before

    # At one of these depths a piece of the usual size is full.
    assert max(with_room(lambda depth=depth: at(depth)) for depth in range(250)) < 500
