"""The search for an order, against all orders; and what a grant may answer."""

import math
from dataclasses import dataclass
from itertools import permutations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from device_grant.server.histories.grant import (
    GrantModel,
    GrantOperation,
    GrantRule,
    GrantState,
    Said,
    explain,
    loosened,
)
from device_grant.server.histories.linearization import SearchTooLongError, linearize

FOREVER = math.inf


@dataclass(frozen=True)
class Register:
    """A read or a write of one value; an unanswered write may have taken effect or not."""

    invoked: float
    answered: float
    write: bool
    value: int


def register(state, operation):
    if operation.write:
        if operation.answered == FOREVER:
            yield state
        yield operation.value
    elif operation.value == state or operation.answered == FOREVER:
        yield state


def by_brute_force(operations, start, step):
    """Whether any permutation that keeps to real time explains the answers, each tried from its beginning."""
    for order in permutations(operations):
        if any(one.invoked > other.answered for at, one in enumerate(order) for other in order[at + 1 :]):
            continue
        states = {start}
        for operation in order:
            states = {after for state in states for after in step(state, operation)}
        if states:
            return True
    return False


def spans(*, unanswered=True):
    lengths = st.integers(0, 6)
    return st.tuples(st.integers(0, 8), st.one_of(lengths, st.just(FOREVER)) if unanswered else lengths)


@st.composite
def registers(draw):
    (invoked, length), write, value = draw(spans()), draw(st.booleans()), draw(st.integers(0, 2))
    return Register(invoked, invoked + length, write, value)


@settings(max_examples=600, deadline=None)
@given(st.lists(registers(), max_size=6))
def test_a_register_is_judged_as_by_brute_force(operations):
    result = linearize(operations, 0, register)
    assert (result.order is not None) is by_brute_force(operations, 0, register)
    if result.order is not None:
        assert sorted(result.order) == list(range(len(operations)))


@st.composite
def grant_operations(draw):
    invoked, length = draw(spans(unanswered=False))
    kind = draw(st.sampled_from(["poll", "poll", "poll", "approve", "deny"]))
    polled = [Said.TOKEN, Said.TOKEN, Said.PENDING, Said.DENIED, Said.NOTHING, Said.UNKNOWN]
    said = draw(st.sampled_from(polled if kind == "poll" else [Said.TAKEN, Said.REFUSED, Said.UNKNOWN]))
    answered = FOREVER if said is Said.UNKNOWN and draw(st.booleans()) else float(invoked + length)
    token = draw(st.sampled_from("ab")) if said is Said.TOKEN else ""
    return GrantOperation(kind, said, invoked, answered, token, late=draw(st.booleans()))


MEANT = st.sampled_from(["counts", "ignored", "unknown"])


@settings(max_examples=800, deadline=None)
@given(st.lists(grant_operations(), max_size=6), MEANT, MEANT, st.frozensets(st.sampled_from(list(GrantRule))))
def test_a_grant_is_judged_as_by_brute_force(operations, denial, approval, rules):
    model = GrantModel(rules, denial, approval)
    expected = by_brute_force(operations, GrantState(), model.step)
    assert (linearize(operations, GrantState(), model.step).order is not None) is expected
    assert (not explain(operations, model).broken) is expected


@settings(max_examples=300, deadline=None)
@given(st.lists(grant_operations(), max_size=6), st.floats(0, 5))
def test_more_latitude_explains_no_less(operations, delay):
    if not explain(operations, GrantModel()).broken:
        moved, rules = loosened(operations, delay)
        assert not explain(moved, GrantModel(rules)).broken


@settings(max_examples=300, deadline=None)
@given(st.lists(grant_operations(), min_size=1, max_size=5), st.integers(0, 4))
def test_an_answer_that_nobody_saw_accuses_nobody_more(operations, which):
    lost = operations[which % len(operations)]
    others = [one for one in operations if one is not lost]
    if not explain(operations, GrantModel()).broken:
        unseen = GrantOperation(lost.kind, Said.UNKNOWN, lost.invoked, FOREVER)
        assert not explain([*others, unseen], GrantModel()).broken


@st.composite
def honest_histories(draw):
    """A grant that is served one operation after another, at moments of its own within each operation."""
    state, clock, operations = {"decision": "", "token": ""}, 0.0, []
    for number in range(draw(st.integers(1, 12))):
        clock += draw(st.floats(0.01, 1))
        kind = draw(st.sampled_from(["poll", "poll", "approve", "deny"]))
        before, after = draw(st.floats(0, 3)), draw(st.one_of(st.floats(0, 3), st.just(FOREVER)))
        token = ""
        if kind != "poll":
            said = Said.REFUSED if state["decision"] or state["token"] else Said.TAKEN
            state["decision"] = state["decision"] or kind
        elif state["token"]:
            said = Said.NOTHING
        elif state["decision"] == "approve":
            said, token = Said.TOKEN, f"token {number}"
            state["token"] = token
        else:
            said = Said.DENIED if state["decision"] else Said.PENDING
        if after == FOREVER:
            said, token = Said.UNKNOWN, ""
        operations.append(GrantOperation(kind, said, clock - before, clock + after, token))
    return draw(st.permutations(operations))


@settings(max_examples=500, deadline=None)
@given(honest_histories())
@example([])
def test_what_happened_in_an_order_is_explained(operations):
    assert not explain(operations, GrantModel(late_denial="counts", late_approval="ignored")).broken


def poll(said, invoked, answered, token="", *, late=False):
    return GrantOperation("poll", said, invoked, answered, token, late=late)


def decision(kind, invoked, answered, said=Said.TAKEN):
    return GrantOperation(kind, said, invoked, answered)


APPROVED = decision("approve", 0, 1)
DENIED = decision("deny", 0, 1)
PRACTISED = GrantModel(late_denial="counts", late_approval="ignored")


@pytest.mark.parametrize(
    ("operations", "broken"),
    [
        ([APPROVED, poll(Said.TOKEN, 2, 3, "a"), poll(Said.TOKEN, 2, 3, "b")], GrantRule.ONE_TOKEN),
        ([APPROVED, poll(Said.TOKEN, 2, 3, "a"), poll(Said.TOKEN, 4, 5, "b")], GrantRule.ONE_TOKEN),
        # Sent again, or never received: one set.
        ([APPROVED, poll(Said.TOKEN, 2, 3, "a"), poll(Said.TOKEN, 4, 5, "a")], None),
        ([APPROVED, poll(Said.UNKNOWN, 2, FOREVER), poll(Said.TOKEN, 4, 5, "b")], None),
        ([APPROVED, poll(Said.UNKNOWN, 2, FOREVER), poll(Said.TOKEN, 9, 10, "b", late=True)], None),
        # A server that broke may have redeemed the code, or not.
        ([APPROVED, poll(Said.UNKNOWN, 2, 3), poll(Said.NOTHING, 4, 5)], None),
        ([APPROVED, DENIED, poll(Said.TOKEN, 4, 5, "a")], GrantRule.DENIED),
        ([DENIED, poll(Said.DENIED, 2, 3), poll(Said.TOKEN, 4, 5, "a")], GrantRule.DENIED),
        ([DENIED, poll(Said.DENIED, 2, 3), poll(Said.PENDING, 4, 5)], GrantRule.DENIED),
        ([DENIED, poll(Said.PENDING, 4, 5)], GrantRule.DENIED),
        ([poll(Said.TOKEN, 0, 1, "a")], GrantRule.APPROVED),
        ([poll(Said.TOKEN, 0, 1, "a"), decision("approve", 2, 3)], GrantRule.APPROVED),
        ([poll(Said.TOKEN, 0, 3, "a"), decision("approve", 2, 3)], None),
        ([APPROVED, poll(Said.TOKEN, 9, 10, "a", late=True)], GrantRule.EXPIRED),
        ([APPROVED, poll(Said.PENDING, 9, 10)], GrantRule.KEPT),
        ([decision("approve", 0, 1, Said.REFUSED), poll(Said.PENDING, 9, 10)], None),
        ([decision("approve", 0, 1, Said.REFUSED), poll(Said.TOKEN, 9, 10, "a")], None),
        # Some servers call a redeemed code denied, and none is accused of it here.
        ([APPROVED, poll(Said.TOKEN, 2, 3, "a"), poll(Said.DENIED, 4, 5)], None),
        ([APPROVED, poll(Said.NOTHING, 2, 3), poll(Said.TOKEN, 4, 5, "a")], None),
    ],
)
def test_what_a_history_shows(operations, broken):
    assert explain(operations, PRACTISED).broken == ((broken,) if broken else ())


def test_within_a_time_of_grace_more_than_one_set_may_come_and_afterwards_not():
    model = GrantModel(frozenset({GrantRule.ONE_TOKEN}), grace=True)
    lost, soon = poll(Said.UNKNOWN, 2, FOREVER), [poll(Said.TOKEN, 3, 4, "a"), poll(Said.TOKEN, 5, 6, "b")]
    assert explain([APPROVED, lost, *soon], model).broken == ()
    for name, broken in (("b", ()), ("c", (GrantRule.ONE_TOKEN,))):
        assert explain([APPROVED, lost, *soon, poll(Said.TOKEN, 80, 81, name, late=True)], model).broken == broken
    assert explain([APPROVED, lost, poll(Said.TOKEN, 80, 81, "a", late=True)], model).broken == ()


def test_a_decision_may_take_a_while_to_be_seen_and_not_longer():
    operations = [DENIED, APPROVED, poll(Said.PENDING, 3, 4)]
    assert explain(operations[1:], PRACTISED).broken == (GrantRule.KEPT,)
    for seconds, broken in ((0.5, True), (1.0, False)):
        moved, rules = loosened(operations[1:], seconds)
        assert bool(explain(moved, GrantModel(rules)).broken) is broken
    moved, rules = loosened([*operations[:2], poll(Said.PENDING, 90, 91)], 2.0)
    assert rules == frozenset(GrantRule) - {GrantRule.KEPT}


def test_pages_that_take_back_what_was_decided_are_no_contradiction():
    operations = [decision("deny", 0, 1), decision("approve", 2, 3), poll(Said.TOKEN, 4, 5, "a")]
    assert explain(operations, GrantModel(late_approval="ignored")).broken == (GrantRule.DENIED,)
    assert not explain(operations, GrantModel(late_approval="counts")).broken
    assert not explain(operations, GrantModel()).broken


def test_two_rules_that_only_together_explain_are_both_named():
    operations = [
        DENIED,
        poll(Said.DENIED, 2, 3),
        poll(Said.TOKEN, 4, 5, "a"),
        poll(Said.TOKEN, 4, 5, "b"),
    ]
    assert set(explain(operations, PRACTISED).broken) == {GrantRule.ONE_TOKEN, GrantRule.DENIED}


def write(value, invoked, answered):
    return Register(invoked, answered, write=True, value=value)


def read(value, invoked, answered):
    return Register(invoked, answered, write=False, value=value)


def test_how_far_an_order_came_is_said():
    result = linearize([write(1, 0, 1), read(1, 2, 3), read(2, 4, 5)], 0, register)
    assert result.order is None
    assert result.farthest == (0, 1)


def test_a_search_is_bounded():
    operations = [write(number, 0, 10) for number in range(12)]
    with pytest.raises(SearchTooLongError):
        linearize([*operations, read(99, 11, 12)], 0, register, most=500)


def test_long_histories_are_searched_in_no_time():
    polls = [poll(Said.NOTHING, 0, 9) for _ in range(60)]
    assert explain([APPROVED, *polls, poll(Said.TOKEN, 3, 4, "a")], PRACTISED).broken == ()
