"""Peers of the RFC dialect that treat many codes, strangers and the pace of polls in ways of their own."""

from __future__ import annotations

import time
from dataclasses import replace

from peer_records import DEVICE, Refused
from peer_rfc import Honest


class StrangerEndsCode(Honest):
    """Ends a code that another client presents, as RFC 6749 section 10.5 has it for codes that are used twice."""

    deviations = {"rfc8628-3.4-foreign-poll-harmless": "the owner is told invalid_grant, and no text forbids it"}

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.client is not client:
            del self.grants[form["device_code"]]
        return super().redeem(form, client)


class FewCodes(Honest):
    """Gives a client no more than five codes at a time, and says so: RFC 8628 section 5.1 has limits of this kind."""

    def start(self, request):
        client = self.client(request, self.parameters(request))
        mine = [grant for grant in self.grants.values() if grant.client is client and grant.state == "pending"]
        if len([grant for grant in mine if grant.ends > time.time()]) >= 5:
            raise Refused("slow_down", "too many devices of this client wait", 429)
        return super().start(request)


class ForgetsRedeemed(Honest):
    """Deletes a code when it is redeemed, and takes every code that it does not know for one that has expired."""

    def redeem(self, form, client):
        if form.get("device_code") and form["device_code"] not in self.grants:
            raise Refused("expired_token", "the code is over or was never given")
        answer = super().redeem(form, client)
        del self.grants[form["device_code"]]
        return answer


class SendsAgain(Honest):
    """Answers a code that was redeemed ten seconds ago at most with the same tokens: the first answer may be lost."""

    deviations = {
        "rfc8628-3.5-device-code-single-use": "the same tokens again, for ten seconds",
        "rfc6749-10.5-codes-short-lived-single-use": "the same tokens again, for ten seconds",
    }

    def __init__(self):
        super().__init__()
        self.sent = {}

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        kept = self.sent.get(form.get("device_code", ""))
        if grant and kept and grant.client is client and time.time() - kept[0] <= 10:
            return kept[1]
        answer = super().redeem(form, client)
        self.sent[form["device_code"]] = (time.time(), answer)
        return answer


class WholeSeconds(Honest):
    """Counts whole seconds, and gives every poll the benefit of the one that it may have lost by that."""

    def waiting(self, grant, now):
        early = int(now) + 1 - int(grant.polled) < grant.interval
        grant.polled = now
        if early:
            grant.interval += self.step
            return Refused("slow_down", "wait five seconds longer between requests")
        return Refused("authorization_pending", "the user has not decided yet")


class PaceOfAll(Honest):
    """Bounds what a client may ask for in all, far above one poll in each interval."""

    def redeem(self, form, client):
        now = time.time()
        self.recent = [moment for moment in getattr(self, "recent", []) if moment > now - 1] + [now]
        if len(self.recent) > 100:
            raise Refused("slow_down", "too many requests")
        return super().redeem(form, client)


class RefusesStrangers(Honest):
    """Tells a client that presents another one's code that it may not use it at all."""

    deviations = {"rfc8628-3.4-code-bound-to-client": "invalid_grant is the error for it (RFC 6749 section 5.2)"}

    def redeem(self, form, client):
        grant = self.grants.get(form.get("device_code", ""))
        if grant and grant.client is not client and DEVICE in client.grants:
            raise Refused("unauthorized_client", "this is another client's code")
        return super().redeem(form, client)


class SlowDownNamesInterval(Honest):
    """Says in slow_down what the interval is now; no text has the member there, and none forbids it."""

    def refusal(self, refused):
        answer = super().refusal(refused)
        if refused.error == "slow_down":
            return replace(answer, body=answer.body.replace(b'{"error"', b'{"interval": 30, "error"'))
        return answer


class PaceOfACode(Honest):
    """Counts polls of a code whoever they are by, and puts off the next one also where the user has approved."""

    deviations = {"rfc8628-3.5-foreign-poll-not-counted": "the owner waits longer for a stranger's polls"}

    def redeem(self, form, client):
        grant, now = self.grants.get(form.get("device_code", "")), time.time()
        if grant and now < grant.ends and grant.state in ("pending", "approved"):
            early, grant.polled = now - grant.polled < grant.interval, now
            if early and grant.client is client:
                grant.interval += self.step
                raise Refused("slow_down", "wait five seconds longer between requests")
            if grant.client is client and grant.state == "pending":
                raise Refused("authorization_pending", "the user has not decided yet")
        return super().redeem(form, client)
