"""Histories of the reference: honest ones are explained, and what races do to a grant is not."""

import time
from contextlib import ExitStack

import httpx
import pytest
from odd_decisions import TakesBack
from odd_grants import ForgetsRedeemed, SendsAgain, StrangerEndsCode
from odd_rules import NeverSlowDown, ToldOnce
from peer_rfc import Honest
from peer_room import FOLDER, target_toml
from support.proof import catalogue, judged, judges

from benchmarks.histories import DIALECTS, RACES, histories
from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.judging import Untestable
from device_grant.protocol import RFC8628
from device_grant.protocol.events import ConnectionDropped, HistoryDrawn
from device_grant.reference.embedded import embedded
from device_grant.server.checks.grant.test_histories import planned
from device_grant.server.histories.grant import GrantModel, GrantRule, Said
from device_grant.server.histories.history import PlannedPoll, history_of
from device_grant.server.histories.moments import Moments
from device_grant.server.histories.rounds import racing
from device_grant.server.session.case import ServerCase
from device_grant.server.session.polite import left_out
from device_grant.server.session.run import new_run
from device_grant.targets.dispatch import Dispatch, Meanwhile
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser

OVERLAPPING, EXPIRY = "histories::test_overlapping_operations", "histories::test_approval_at_expiry"


@pytest.fixture
def honest():
    with embedded(RFC8628) as target, ExitStack() as ending:
        run = new_run(target, RFC8628, catalogue())
        ending.callback(run.close)
        with target.clock:
            yield ServerCase(run, judges()[0][OVERLAPPING])


@pytest.mark.parametrize("dialect", DIALECTS)
def test_replicas_with_latency_are_never_accused(dialect):
    made = [history.broken for history in histories(dialect, 120, seed=7)]
    assert made == [()] * 120


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", RACES)
def test_races_show_with_most_seeds(fault, dialect):
    shown = []
    for seed in range(1, 6):
        with embedded(dialect, [fault]) as target:
            run = new_run(target, dialect, catalogue(), seed=seed)
            shown.append(bool(run_check(run, RACES[fault]).broken))
            run.close()
        if sum(shown) >= 2:
            return
    pytest.fail(f"{fault} showed with {sum(shown)} of five seeds")


def test_the_same_seed_draws_the_same_plan(honest):
    drawn = []
    for _ in range(2):
        plan = planned(honest, honest.device)
        plan.chance.spread = 0.01
        drawn.append([(poll.name, poll.delay, poll.dropped) for poll in plan.polls(5)])
    assert drawn[0] == drawn[1]


def test_what_was_sent_and_not_answered_may_have_taken_effect(honest):
    """A token that nobody received is gone: the next poll says so, and an order explains it."""
    race, grant = racing(honest.device), honest.device.start()
    history = history_of(race, grant)
    history.approve(grant)
    history.wait(6)
    history.overlap([PlannedPoll("lost", dropped=True)])
    history.end(1)
    assert [one.said for one in history.operations] == [Said.TAKEN, Said.UNKNOWN, Said.NOTHING]
    assert history.judge(GrantModel()) == ()
    assert any(isinstance(entry, ConnectionDropped) for entry in honest.transcript)
    lost = history.drawn.bars[1]
    assert (lost.answer, lost.ended) == ("", None)


def test_a_history_that_nothing_explains_is_drawn():
    outcome = run_check("embedded:rfc8628", RACES["redemption_race"], faults=["redemption_race"])
    claim = outcome.claims["rfc8628-3.5-concurrent-redemption"]
    drawn = claim.exchanges[0]
    assert isinstance(drawn, HistoryDrawn)
    assert not drawn.explained
    assert {bar.answer for bar in drawn.bars} >= {"taken", "token 1", "token 2"}
    assert claim.got == "no order explains these answers"


def test_approval_at_expiry_needs_a_clock_that_moves(honest):
    honest.run.target.clock.sleeps = True
    try:
        with pytest.raises(Untestable, match="clock can be moved"):
            judges()[0][EXPIRY].function(case=honest, device=honest.device, verify=honest.verify)
    finally:
        honest.run.target.clock.sleeps = False


def test_an_action_happens_between_requests(honest):
    race = racing(honest.device)
    moments = []
    dispatches = [
        race.dispatch(race.poll(honest.device.start()), delay=delay, dropped=dropped)
        for delay, dropped in ((0.0, False), (0.06, True), (0.06, False))
    ]
    race.overlap(dispatches, Meanwhile(0.02, lambda: moments.append(time.perf_counter())))
    first, lost, last = dispatches
    assert first.invoked < first.answered < moments[0] < last.invoked < last.answered
    assert isinstance(lost.outcome, httpx.ReadError)
    assert lost.answered == float("inf")


def test_a_request_that_was_never_sent_says_so():
    assert isinstance(Dispatch(httpx.Request("GET", "http://a.test/")).outcome, TimeoutError)


def test_moments_follow_a_clock_that_is_moved(honest):
    moments = Moments(honest.run.target.clock)
    before, real = moments.now(), time.perf_counter()
    honest.run.target.clock.wait(100)
    moments.moved(100)
    assert 100 <= moments.now() - before < 101
    assert moments.of(real) < before + 1


class SeenLater(Honest):
    """The token endpoint reads a copy of the state of codes, which is three seconds behind the pages."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        now = time.time()
        if grant and grant.client is client and grant.state in ("approved", "denied") and now < grant.ends:
            seen = self.seen.setdefault(form["device_code"], now)
            if now - seen < 3:
                raise self.waiting(grant, now)
        return super().redeem(form, client)

    def __init__(self):
        super().__init__()
        self.seen = {}


ODD = (TakesBack, StrangerEndsCode, ForgetsRedeemed, SeenLater, SendsAgain, ToldOnce, NeverSlowDown)
RACING = (OVERLAPPING, EXPIRY, *sorted({check for check in RACES.values() if check.startswith("races::")}))


@pytest.mark.parametrize("peer", ODD, ids=lambda peer: peer.__name__)
def test_odd_peers_are_not_accused(peer, tmp_path):
    file = tmp_path / "target.toml"
    file.write_text(target_toml(peer))
    located = read_target(file)
    with AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=peer()) as target:
        for outcome in judged(target, RACING, 1):
            assert not outcome.broken, outcome.claims
            passed = [verdict for verdict in outcome.verdicts.values() if verdict is Verdict.PASS]
            assert passed or outcome.stop, outcome.trial.check.name


def test_requirements_of_the_checks_pass_for_the_honest_reference():
    with embedded(RFC8628) as target:
        for outcome in judged(target, [OVERLAPPING, EXPIRY], 1):
            assert set(outcome.verdicts.values()) == {Verdict.PASS}


def test_a_polite_run_sends_nothing_at_the_same_moment():
    for name in (OVERLAPPING, EXPIRY):
        assert left_out(judges()[0][name]) == "left out by --polite: it sends requests at the same moment"


def test_rules_have_words():
    assert len({str(rule) for rule in GrantRule}) == len(GrantRule)
