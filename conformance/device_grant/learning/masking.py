"""A machine that was learned whole, as it would be if it had been learned to be published."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from device_grant.catalogue import load
from device_grant.learning.inputs import PUBLIC, PUBLIC_INPUTS
from device_grant.learning.machine import Machine, Transition
from device_grant.learning.protocol import PublicMonitor, protocol_machine

if TYPE_CHECKING:
    from device_grant.learning.record import MachineRecord


def masked(record: MachineRecord) -> Machine | None:
    """What of a machine may be told of any server; None where it has no states, or not all inputs that this needs."""
    machine = record.machine
    if machine is None or record.set == PUBLIC:
        return machine
    letters = tuple(str(one) for one in PUBLIC_INPUTS)
    if not set(letters) <= set(machine.inputs):
        return None
    monitor = PublicMonitor(protocol_machine(), {}, load())
    first = (0, _frozen(monitor.start()))
    order, queue = {first: 0}, deque([first])
    states: list[dict[str, Transition]] = []
    while queue:
        number, frozen = queue.popleft()
        watched = None if frozen is None else dict(frozen)
        steps: dict[str, Transition] = {}
        for letter in letters:
            answer, target = monitor.instead(watched, letter), (number, frozen)
            if not answer:
                step = machine.states[number][letter]
                answer = monitor.said(watched, letter, step.answer)
                target = (step.target, _frozen(monitor.after(watched, letter, step.answer)))
            if target not in order:
                order[target] = len(order)
                queue.append(target)
            steps[letter] = Transition(answer, order[target])
        states.append(steps)
    return Machine(letters, tuple(states))


def _frozen(state: dict[str, str] | None) -> tuple[tuple[str, str], ...] | None:
    return None if state is None else tuple(sorted(state.items()))
