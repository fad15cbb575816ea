"""The reference server is learned to the end and breaks nothing; a fault of its state machine shows in a short word."""

import zlib

import pytest
from support.learned import learned_of, learned_reference

from device_grant.catalogue import load
from device_grant.errors import ExitCode
from device_grant.learning import learn
from device_grant.learning.asking import Budget
from device_grant.learning.endings import NotLearnableError, ThrottledError
from device_grant.learning.inputs import SETS, sets_of
from device_grant.learning.learn import INTERRUPTED, learn_set
from device_grant.learning.machine import differences
from device_grant.learning.word import WordRun
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.reference.server import grants
from device_grant.reference.server.http import Refusal
from device_grant.server.session.run import new_run

STATES = {"basic": 6, "strangers": 4, "time": 8, "two": 8, "tokens": 11}


@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
@pytest.mark.parametrize("name", SETS)
def test_the_honest_reference_is_learned_to_the_end(dialect, name):
    result = learned_reference(dialect, name)
    assert (result.complete, result.stopped, result.left_out) == (True, "", {})
    assert len(result.machine) == STATES[name]
    assert (result.edges, result.disagreements, result.remarks, result.too_long) == ([], {}, [], 0)
    assert result.bound == STATES[name] + 1
    assert result.requests < 8_000


def test_basic_costs_no_more_than_it_has_to():
    assert learned_reference(RFC8628, "basic").requests <= 3_000


def test_two_versions_part_at_the_shortest_word():
    honest, faulty = learned_reference(RFC8628, "basic"), learned_reference(RFC8628, "basic", "redeemed_says_denied")
    first = differences(honest.machine, faulty.machine)[0]
    assert (first.one, first.other) == ("invalid_grant", "denied")
    assert first.word == ("approve", "poll_polite", "poll_polite")


def test_nothing_is_said_of_an_unfinished_machine():
    result = learned_reference(RFC8628, "basic", "code_reusable", requests=300)
    assert not result.complete
    assert result.stopped == "300 requests were sent (--requests)"
    assert result.edges == []


def test_time_runs_out_on_the_real_clock():
    result = learned_reference(RFC8628, "basic", seconds=0.05)
    assert result.stopped == "the time of 0.05 s is over (--budget)"


def test_a_server_that_starts_no_grant_is_not_learned():
    with pytest.raises(NotLearnableError, match="device-grant doctor") as caught:
        learned_reference(RFC8628, "basic", "device_code_missing")
    assert caught.value.exit_code is ExitCode.NOTHING_RAN


def test_past_what_is_forbidden_nothing_is_asked_where_there_is_no_end_to_it(monkeypatch):
    monkeypatch.setattr(learn, "MOST_STATES", 7)
    result = learned_reference(RFC8628, "two", "slow_down_polite")
    assert result.complete
    assert "past an answer that the texts do not allow nothing was asked" in result.remarks[0]
    assert " ".join(result.red[0].word) == "poll_polite poll_polite"
    assert result.machine.answers(("poll_polite", "poll_polite", "approve"))[-1] == "-"


def disturbed(disturb):
    """The reference server whose polls `disturb` may answer; it is given how many polls there were before."""
    target = embedded(RFC8628)
    counted = iter(range(10**9))
    store = target.lock_second.__self__
    store.on_poll = lambda _grant: disturb(next(counted))
    return target


def refuse_when(place):
    def disturb(number):
        if place(number):
            raise Refusal("invalid_grant", "today it is so")

    return disturb


def test_a_chance_answer_is_a_finding_and_does_not_spoil_the_machine():
    target = disturbed(refuse_when(lambda number: number == 12))
    [result] = learned_of(target, "basic").values()
    assert result.complete
    assert len(result.machine) == STATES["basic"]
    assert result.red == []
    [(word, seen)] = result.disagreements.items()
    assert "invalid_grant" in seen
    assert sum(seen.values()) > seen["invalid_grant"]
    assert word


def test_a_server_without_a_rule_is_not_learned_and_not_accused():
    target = disturbed(refuse_when(lambda number: zlib.crc32(str(number).encode()) % 4 == 0))
    [result] = learned_of(target, "basic").values()
    assert result.stopped == "the server answers the same inputs in several ways"
    assert result.edges == []
    assert result.disagreements


def test_a_user_who_is_put_off_comes_back_and_nobody_is_accused(monkeypatch):
    decide, counted = WordRun._decide, iter(range(10**9))

    def decided(self, stimulus):
        if next(counted) % 40 == 39:
            raise ThrottledError("the pages limit how often somebody types a code")
        return decide(self, stimulus)

    monkeypatch.setattr(WordRun, "_decide", decided)
    result = learned_reference(RFC8628, "basic")
    assert result.complete
    assert (len(result.machine), result.edges, result.disagreements) == (STATES["basic"], [], {})


def test_pages_that_go_on_putting_the_user_off_end_the_learning(monkeypatch):
    decide, counted = WordRun._decide, iter(range(10**9))

    def decided(self, stimulus):
        if next(counted) > 60:
            raise ThrottledError("the pages limit how often somebody types a code")
        return decide(self, stimulus)

    monkeypatch.setattr(WordRun, "_decide", decided)
    result = learned_reference(RFC8628, "basic")
    assert "went on putting the user off" in result.stopped
    assert (result.edges, result.disagreements) == ([], {})


def test_what_was_learned_is_kept_when_somebody_interrupts():
    def interrupt(asking, _oracle):
        if asking.words > 80:
            raise KeyboardInterrupt

    target = embedded(RFC8628)
    with target, target.clock:
        run = new_run(target, RFC8628, load())
        stimuli = sets_of("basic")["basic"]
        result = learn_set(run, "basic", stimuli, extra=1, budget=Budget(60, 10_000), progress=interrupt)
        run.close()
    assert result.stopped == INTERRUPTED
    assert len(result.machine) > 1
    assert result.edges == []
    assert result.words > 80


def learned_with_slow_decisions(monkeypatch, inputs, slow, extra=1):
    """What is learned on a clock that runs, where `slow(decision, early)` ones take 7 s; and which polls were early.

    `decision` counts from 0, and `early` says whether the grant was polled too early before.
    """
    target, decisions, early = embedded(RFC8628), iter(range(10**9)), []
    decide, poll = WordRun._decide, WordRun._poll_at_once

    def decides(self, stimulus):
        answer = decide(self, stimulus)
        if slow(next(decisions), self._interval > 5):
            self._clock.wait(7)
        return answer

    def polls_at_once(self):
        age = self._clock.now() - self._asked
        answer = poll(self)
        early.append(age < 5)
        return answer

    monkeypatch.setattr(WordRun, "_decide", decides)
    monkeypatch.setattr(WordRun, "_poll_at_once", polls_at_once)
    with target, target.clock:
        monkeypatch.setattr(target.clock, "kind", "real", raising=False)
        run = new_run(target, RFC8628, load())
        try:
            result = learn_set(run, "own", sets_of(inputs)["own"], extra=extra, budget=Budget(60, 20_000))
        finally:
            run.close()
    assert result.complete
    return result, early


@pytest.mark.parametrize("late", [1, 2, 1000])
def test_a_decision_that_outlasts_the_interval_is_asked_once_more(monkeypatch, late):
    """On a clock that runs meanwhile a poll at once would not be early then; where it is the rule, it is said."""
    # The first two find out whether there are decisions.
    result, early = learned_with_slow_decisions(
        monkeypatch, "poll_polite,poll_now,approve", lambda number, _: number < late + 2
    )
    assert all(early) == (late != 1000)
    assert [one for one in result.remarks if "longer than the interval" in one] == result.remarks
    assert bool(result.remarks) == (late == 1000)


def test_a_server_that_adds_nothing_at_slow_down_has_no_more_states_on_a_busy_machine(monkeypatch):
    """After a decision longer than what it enforces no poll is early, whatever slow_down promises."""
    monkeypatch.setattr(grants, "SLOW_DOWN", 0)
    inputs = "poll_polite,poll_now,approve,deny"
    busy = iter(range(10**9))
    result, early = learned_with_slow_decisions(
        monkeypatch, inputs, lambda _, slowed: slowed and next(busy) % 2 == 0, extra=2
    )
    assert next(busy) > 10
    assert all(early)
    assert result.remarks == []
    idle, _ = learned_with_slow_decisions(monkeypatch, inputs, lambda *_: False)
    assert len(result.machine) == len(idle.machine)
