"""Redemption as a code's life ends: clocks of whole seconds, and replicas whose clocks differ, are not accused."""

import math
import time

import pytest
from peer_records import Refused
from peer_rfc import Honest
from peer_room import FOLDER, target_toml
from support.proof import judged

from device_grant.catalogue import Verdict
from device_grant.judging import Untestable
from device_grant.protocol.events import HistoryDrawn
from device_grant.server.session.device import NO_LIFETIME
from device_grant.targets.load import read_target
from device_grant.targets.transports.in_process import AsgiTarget
from device_grant.targets.users import ModuleUser

CHECK = "races::test_redemption_at_expiry"
ONCE, OVER = "rfc8628-3.5-device-code-single-use", "rfc8628-3.5-approved-then-expired"


class Shifted(Honest):
    """Codes end some seconds before or after the time that was said."""

    seconds = 0.0

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and not hasattr(grant, "shifted"):
            grant.shifted, grant.ends = True, grant.ends + self.seconds
        return super().redeem(form, client)


class SecondEarly(Shifted):
    seconds = -1.0


class SecondLate(Shifted):
    seconds = 1.0


class WholeSecondsOfLife(Honest):
    """Compares times in whole seconds, so that a code lives up to a second longer."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None:
            grant.ends = math.floor(grant.ends) + 1
        return super().redeem(form, client)


class TwoClocks(Honest):
    """Two replicas by turns, whose clocks are a second apart: one says expired_token, and the other gives the token."""

    def redeem(self, form, client):
        self.turn = not getattr(self, "turn", False)
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and self.turn and grant.state == "approved" and time.time() + 1 >= grant.ends:
            raise self.expired(form["device_code"])
        return super().redeem(form, client)


class TwoAtOnce(Honest):
    """Whoever polls a tenth of a second after the first one gets a token too: the race of redemptions is elsewhere."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and grant.state == "redeemed" and time.time() - grant.polled < 0.1:
            grant.state = "approved"
        answer = super().redeem(form, client)
        grant.polled = time.time()
        return answer


class SendsAgainUntilTheEnd(Honest):
    """A lost answer is sent again as long as the code lives."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        sent = getattr(grant, "sent", None)
        if sent is not None and time.time() < grant.ends:
            return sent
        answer = super().redeem(form, client)
        grant.sent = answer
        return answer


class ForgetsAsItEnds(Honest):
    """What was redeemed in the last seconds of a life is approved again in the first two after it."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and grant.state == "redeemed" and 0 <= time.time() - grant.ends < 2:
            grant.state, grant.ends = "approved", grant.ends + 2
        return super().redeem(form, client)


class NeverOver(Honest):
    """An approved code does not expire."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and grant.state == "approved":
            grant.ends = time.time() + 60
        return super().redeem(form, client)


class NotYet(Honest):
    """Knows nothing of a code in its last two seconds, but redeems it when they are over, and stops then."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and grant.state == "approved" and time.time() > grant.ends - 2:
            if time.time() < grant.ends + 4:
                raise Refused("temporarily_unavailable", "try again", 503)
            grant.ends = time.time() + 1
        return super().redeem(form, client)


class NoLifetime(Honest):
    """Does not say how long codes live."""

    def started(self, code, grant):
        members = super().started(code, grant)
        del members["expires_in"]
        return members


def outcome_of(peer, tmp_path):
    file = tmp_path / "target.toml"
    file.write_text(target_toml(peer))
    located = read_target(file)
    with AsgiTarget(located, ModuleUser(FOLDER / located.config.user.module), app=peer()) as target:
        [outcome] = judged(target, [CHECK], 1)
        return outcome


HONEST = (Honest, SecondEarly, SecondLate, WholeSecondsOfLife, TwoClocks, TwoAtOnce, SendsAgainUntilTheEnd)


@pytest.mark.parametrize("peer", HONEST, ids=lambda peer: peer.__name__)
def test_a_second_more_or_less_is_no_race(peer, tmp_path):
    outcome = outcome_of(peer, tmp_path)
    assert outcome.verdicts == {ONCE: Verdict.PASS, OVER: Verdict.PASS}, (outcome.claims, outcome.stop)


@pytest.mark.parametrize(("peer", "broken"), [(ForgetsAsItEnds, {ONCE}), (NotYet, {OVER})], ids=["forgets", "late"])
def test_what_no_clock_explains_is_accused(peer, broken, tmp_path):
    outcome = outcome_of(peer, tmp_path)
    assert {name for name, verdict in outcome.verdicts.items() if verdict is not Verdict.PASS} == broken
    [name] = broken
    if name == ONCE:
        drawn = outcome.claims[name].exchanges[0]
        assert isinstance(drawn, HistoryDrawn)
        assert {bar.answer for bar in drawn.bars} >= {"taken", "token 1", "token 2"}


def test_a_code_that_never_ends_and_was_not_redeemed_before_is_the_business_of_the_check_of_expiry(tmp_path):
    assert set(outcome_of(NeverOver, tmp_path).verdicts.values()) == {Verdict.PASS}


def test_where_nobody_says_how_long_codes_live_nothing_is_judged(tmp_path):
    outcome = outcome_of(NoLifetime, tmp_path)
    assert isinstance(outcome.stop, Untestable)
    assert str(outcome.stop) == NO_LIFETIME
