"""Servers that lose, mix up or starve grants in ways that the reference does not: each is caught."""

from __future__ import annotations

import time

import pytest
from odd_grants import PaceOfACode
from peer_records import Refused
from peer_rfc import Honest
from peer_verdicts import verdicts

from device_grant.catalogue import Verdict


class OneCodeAClient(Honest):
    """A start ends the earlier codes of its client."""

    def start(self, request):
        client = self.client(request, self.parameters(request))
        self.grants = {code: grant for code, grant in self.grants.items() if grant.client is not client}
        return super().start(request)


class DeniedByStranger(Honest):
    """A stranger's poll ends the code: its owner hears pending, and access_denied once the user has approved."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        self.dead = getattr(self, "dead", set())
        if grant and grant.client is not client:
            self.dead.add(id(grant))
        if grant and id(grant) in self.dead and grant.client is client:
            raise Refused("access_denied" if grant.state == "approved" else "authorization_pending", "no")
        return super().redeem(form, client)


class StrangerSlowsDown(Honest):
    """Counts polls of a code before it looks at who polls."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.client is not client and grant.state == "pending":
            raise self.waiting(grant, time.time())
        return super().redeem(form, client)


class ScopeOfThePast(Honest):
    """Grants a user who refuses what they allowed before."""

    def settle(self, grant, *, allowed, person):
        self.consents = getattr(self, "consents", {})
        earlier = self.consents.get((grant.client.id, person))
        if allowed:
            self.consents[grant.client.id, person] = grant.scope
        elif earlier:
            grant.scope, allowed = earlier, True
        super().settle(grant, allowed=allowed, person=person)


class RoundsUp(Honest):
    """Keeps the time of a poll as the next whole second, and drops the fraction of now."""

    def waiting(self, grant, now):
        early = int(now) - grant.polled < grant.interval
        grant.polled = int(now) + 1
        if early:
            grant.interval += self.step
            return Refused("slow_down", "wait five seconds longer between requests")
        return Refused("authorization_pending", "the user has not decided yet")


class EverSlower(Honest):
    """Each slow_down adds as much as all before it."""

    def waiting(self, grant, now):
        refused = super().waiting(grant, now)
        if refused.error == "slow_down":
            grant.interval = 2 * (grant.interval - self.step)
        return refused


class Forgetful(Honest):
    """Remembers thirty polls of a code, and then nothing of it."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        self.count = getattr(self, "count", {})
        self.count[id(grant)] = self.count.get(id(grant), 0) + 1
        if self.count[id(grant)] > 30:
            raise Refused("invalid_grant", "the device code is unknown")
        return super().redeem(form, client)


class ShortApproval(Honest):
    """An approval holds for a minute."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.state == "approved" and time.time() > grant.decided + 60:
            raise Refused("expired_token", "the approval is over")
        return super().redeem(form, client)


class SaysDenied(Honest):
    """Says of a redeemed code that the user refused."""

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.state == "redeemed":
            raise Refused("access_denied", "not again")
        return super().redeem(form, client)


class SecretEndsAtStart(Honest):
    """A client whose registration is over may still redeem and refresh."""

    target = {}

    def token(self, request):
        for client in self.clients.values():
            client.ends = 0
        return super().token(request)

    def registered(self, client, wanted):
        if client.secret:
            client.ends = time.time() + 7 * 86400
        return super().registered(client, wanted)


BROKEN = [
    (OneCodeAClient, "side_by_side::test_many_codes_of_one_client", "rfc8628-3.2-codes-side-by-side"),
    (DeniedByStranger, "strangers::test_polls_of_a_stranger", "rfc8628-3.4-foreign-poll-harmless"),
    (DeniedByStranger, "user_decision::test_code_of_another_client", "rfc8628-3.4-foreign-poll-harmless"),
    (StrangerSlowsDown, "strangers::test_polls_of_a_stranger", "rfc8628-3.5-foreign-poll-not-counted"),
    (StrangerSlowsDown, "strangers::test_polls_of_a_stranger", "rfc8628-3.4-stranger-learns-nothing"),
    (ScopeOfThePast, "user_decision::test_denial_after_an_earlier_approval", "rfc8628-3.5-denial-after-approval"),
    (RoundsUp, "pace::test_pace_at_each_fraction_of_a_second", "rfc8628-3.5-exact-interval-accepted"),
    (EverSlower, "pace::test_pace_at_each_fraction_of_a_second", "rfc8628-3.5-slow-down-ends"),
    (Forgetful, "pace::test_polls_for_the_whole_life", "rfc8628-3.4-repeat-polling-possible"),
    (ShortApproval, "expiry::test_approval_lives_as_long_as_the_code", "rfc8628-3.5-no-early-expiry"),
    (SaysDenied, "one_time_use::test_replay", "rfc8628-3.5-denied-means-denied"),
    (SecretEndsAtStart, "registration::test_expired_registration_is_refused", "rfc7591-3.2.1-secret-expiry-enforced"),
]


@pytest.mark.parametrize(("peer", "check", "requirement"), BROKEN)
def test_broken_grants_are_caught(peer, check, requirement, tmp_path):
    assert verdicts(peer, check, tmp_path)[requirement] in (Verdict.WARN, Verdict.FAIL)


def test_an_owner_who_is_slowed_down_by_a_stranger_has_lost_nothing(tmp_path):
    said = verdicts(PaceOfACode, "user_decision::test_code_of_another_client", tmp_path)
    assert said["rfc8628-3.4-foreign-poll-harmless"] is Verdict.PASS
    said = verdicts(PaceOfACode, "strangers::test_polls_of_a_stranger", tmp_path)
    assert said["rfc8628-3.5-foreign-poll-not-counted"] is Verdict.WARN
