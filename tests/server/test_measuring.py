"""What a server enforces is measured as it is, whatever it says."""

import json
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odd_rules import NeverSlowDown, NoInterval
from peer_rfc import Honest
from peer_room import FOLDER, target_toml
from support.proof import catalogue

from device_grant.cli import main
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.server.measuring.bisection import Bracket, bisect
from device_grant.server.measuring.case import case_of
from device_grant.server.measuring.enforced import Enforced, Measuring, plain
from device_grant.server.session.run import new_run
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser


@contextmanager
def measuring(target):
    with target, target.clock:
        run = new_run(target, target.config.dialect, catalogue())
        case = case_of(run)
        yield Measuring(case, case.device)
        run.close()


def measured(dialect, *faults):
    with measuring(embedded(dialect, faults)) as it:
        return it.measure()


@settings(deadline=None)
@given(st.floats(0, 500), st.floats(0.5, 900), st.sampled_from([0.25, 1.0]))
def test_a_time_is_found_within_its_bracket(time, most, within):
    bracket = bisect(lambda seconds: seconds <= time, most, within)
    if bracket.most is None:
        assert bracket.least <= time
    else:
        assert bracket.least <= time < bracket.most <= bracket.least + within or bracket.most == most <= within
        assert not bracket.varies


def test_what_is_answered_in_two_ways_varies():
    asked = []

    def jitters(seconds):
        asked.append(seconds)
        return seconds < 5 + asked.count(seconds)

    bracket = bisect(jitters, 8, 0.5)
    assert bracket.varies
    assert bracket.words.endswith("not always the same")


@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
def test_the_reference(dialect):
    result = measured(dialect)
    # It bears polls that are a second early, of an interval of one second half of one.
    assert result.said_interval - 1.3 <= result.interval.middle <= result.said_interval
    assert result.penalties == [pytest.approx(5, abs=0.8)] * 2
    assert result.code.middle == pytest.approx(result.said_life, abs=0.3)
    assert result.approved_code.middle == pytest.approx(result.said_life, abs=0.3)
    assert result.contradictions == []
    assert result.left_out == {}


@pytest.mark.parametrize(
    ("fault", "seen", "requirement"),
    [
        ("slow_down_adds_a_minute", lambda one: one.penalties[0], "rfc8628-3.5-server-accepts-increased-interval"),
        ("expires_early", lambda one: one.code.middle, "rfc8628-3.5-no-early-expiry"),
        ("approval_ends_early", lambda one: one.approved_code.middle, "rfc8628-3.5-no-early-expiry"),
        ("expired_still_pending", lambda one: one.code.most, "rfc8628-3.5-no-pending-after-expiry"),
        ("expired_code_redeemable", lambda one: one.approved_code.most, "rfc8628-3.5-approved-then-expired"),
    ],
)
def test_faults_are_measured(fault, seen, requirement):
    result = measured(RFC8628, fault)
    expected = {"slow_down_adds_a_minute": 60, "expires_early": 300, "approval_ends_early": 300}.get(fault)
    assert seen(result) == (expected and pytest.approx(expected, abs=0.5))
    assert requirement in {one.requirement for one in result.contradictions}


def test_an_interval_that_grows_faster_each_time():
    result = measured(RFC8628, "slow_down_doubles")
    assert result.penalties == [pytest.approx(5, abs=0.4), pytest.approx(10, abs=0.4)]
    assert [one.requirement for one in result.contradictions] == ["rfc8628-3.5-server-accepts-increased-interval"]


class Sweeps(Honest):
    """Ends codes when a sweep comes by, which it does every few seconds, and no sooner than it says."""

    lifetime = 600

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant:
            grant.ends = -(-grant.ends // 2) * 2
        return super().redeem(form, client)


@pytest.mark.parametrize("peer", [NeverSlowDown, NoInterval, Sweeps], ids=lambda peer: peer.__name__)
def test_odd_peers_contradict_nothing(peer, tmp_path):
    file = tmp_path / "target.toml"
    file.write_text(target_toml(peer))
    located = read_target(file)
    target = AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=peer())
    with measuring(target) as it:
        result = it.measure()
    assert result.contradictions == []
    assert result.code is not None
    if peer is NeverSlowDown:
        assert result.enforces_interval is False
        assert "slow_down" in result.left_out
    if peer is NoInterval:
        assert result.said_interval is None


def test_what_waits_too_long_is_left_out_and_named():
    target = embedded(RFC8628)
    with measuring(target) as it:
        target.clock.kind, target.clock.sleeps = "real", True
        try:
            result = it.measure()
        finally:
            del target.clock.kind, target.clock.sleeps
    assert set(result.left_out) == {"life of a code", "life of an approved code"}
    assert "600 s are too long on a real clock" in result.left_out["life of a code"]
    assert result.interval is not None


def test_a_slow_down_that_adds_nothing_is_said_to():
    bracket = Bracket(5.0, 5.2)
    assert Enforced(interval=Bracket(5.1, 5.3), slowed=[bracket, bracket]).penalties == [0.0, 0.0]


def test_what_varies_blames_nobody():
    result = Enforced(said_interval=5, said_life=600, interval=Bracket(20, 21, varies=True))
    assert result.contradictions == []
    result.interval = Bracket(20, 21)
    assert len(result.contradictions) == 1
    assert plain(result)["interval"]["enforced"]["seconds"] == 20.5


def test_command(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["measure", "embedded:rfc8628", "--json"])
    assert ended.value.code == 0
    data = json.loads(capsys.readouterr().out)
    assert data["code"]["said"] == 600
    assert data["slow_down"]["adds"] == [pytest.approx(5, abs=0.4)] * 2
    with pytest.raises(SystemExit) as ended:
        main(["measure", "embedded:rfc8628", "--fault", "expires_early"])
    assert ended.value.code == 1
    out = " ".join(capsys.readouterr().out.split())
    assert "says 600 s, ends it after 300 s" in out
    assert "rfc8628-3.5-no-early-expiry" in out


def test_a_recording_is_refused(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["measure", "cassette:anything"])
    assert ended.value.code == 2
    assert "name a live target" in capsys.readouterr().err
