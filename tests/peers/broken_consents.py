"""Servers with one defect each in what people see and decide, as real ones have had it."""

from __future__ import annotations

import html
import time
from typing import ClassVar

from peer_trusted import Trusted


class DecidesByGet(Trusted):
    """The decision may come by GET, with no more than the code."""

    def page_routes(self):
        return super().page_routes() | {"/decide": (("GET", "POST"), self.decide)}

    def decide(self, request):
        if request.method == "GET" and self.person(request):
            form = {"decision": request.asked("decision"), "user_code": request.asked("user_code")}
            return self.guarded(request, form["user_code"], lambda grant: self.decided(request, grant, form))
        return super().decide(request)


class LinkApproves(Trusted):
    """Whoever is signed in and opens verification_uri_complete has approved."""

    def code_page(self, request):
        if request.method == "GET" and self.person(request) and request.asked("user_code"):
            return self.guarded(
                request, request.asked("user_code"), lambda grant: self.decided(request, grant, {"decision": "allow"})
            )
        return super().code_page(request)


class DecidedTwice(Trusted):
    """An approval can be turned into a denial and a denial into an approval until the device comes."""

    def pending(self, typed):
        wanted = self.plain(typed)
        for grant in self.grants.values():
            if (
                grant.state in ("approved", "denied", "pending")
                and grant.ends > time.time()
                and self.plain(grant.user_code) == wanted
            ):
                return grant
        return None


class RedeemedCodeAsks(Trusted):
    """After the device has its tokens the code still leads to a question."""

    def pending(self, typed):
        held = super().pending(typed)
        wanted = self.plain(typed)
        again = [
            grant
            for grant in self.grants.values()
            if grant.state == "redeemed" and self.plain(grant.user_code) == wanted
        ]
        return held or next(iter(again), None)

    def settle(self, grant, *, allowed, person):
        if grant.state != "redeemed":
            super().settle(grant, allowed=allowed, person=person)


class HalfACode(Trusted):
    """The first half of a code is enough."""

    def pending(self, typed):
        wanted, now = self.plain(typed), time.time()
        for grant in self.grants.values():
            if (
                grant.state == "pending"
                and grant.ends > now
                and len(wanted) >= 4
                and self.plain(grant.user_code).startswith(wanted)
            ):
                return grant
        return None


class Namesake(Trusted):
    """The name of the client goes into the page as it is."""

    def question(self, request, grant):
        answer = super().question(request, grant)
        answer.body = answer.body.replace(html.escape(html.escape(grant.client.name)).encode(), b"").replace(
            html.escape(grant.client.name).encode(), grant.client.name.encode()
        )
        return answer


class ExpiredLinkAsks(Trusted):
    """Opening the link makes a code live again for ten minutes."""

    def code_page(self, request):
        for grant in self.grants.values():
            if (
                request.asked("user_code")
                and self.plain(grant.user_code) == self.plain(request.asked("user_code"))
                and grant.state == "pending"
            ):
                grant.ends = max(grant.ends, time.time() + 600)
        return super().code_page(request)


class UnboundDecision(Trusted):
    """The decision form has no proof: what another site sends with the cookie counts."""

    def forged(self, request, form):
        return request.path != "/decide" and super().forged(request, form)

    def cookie(self, sid):
        return f"sid={sid}; Path=/; HttpOnly; SameSite=None; Secure"


class ApprovedByTheFirst(Trusted):
    """Tokens are for whoever opened the page first, not for who decided."""

    target: ClassVar[dict] = Trusted.target | {"user": {"second": "person_second.py"}}

    def question(self, request, grant):
        grant.opener = getattr(grant, "opener", self.person(request))
        return super().question(request, grant)

    def settle(self, grant, *, allowed, person):
        super().settle(grant, allowed=allowed, person=getattr(grant, "opener", person))
