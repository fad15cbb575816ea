"""Denials that meet an approval and are answered by an error: no decision where those that meet nothing are not."""

from __future__ import annotations

import time
from typing import ClassVar

import pytest
from peer_records import Refused
from peer_rfc import Honest
from peer_verdicts import verdicts

from device_grant.catalogue import Verdict

CHECK, REQUIREMENT = "races::test_approval_against_denial", "rfc8628-3.5-access-denied-terminal"


class ApprovalWins(Honest):
    """Answers a denial by 400, and leaves it, where the code is open in another browser too; its approval counts."""

    target: ClassVar[dict] = {"user": {"module": "person_at_any_answer.py"}}
    denied_status = 200

    def __init__(self):
        super().__init__()
        self.opened = {}

    def question(self, request, grant):
        self.opened.setdefault(grant.user_code, set()).add(request.cookies().get("sid"))
        return super().question(request, grant)

    def decided(self, request, grant, form):
        if form.get("decision") != "deny":
            return super().decided(request, grant, form)
        if len(self.opened[grant.user_code]) > 1:
            return self.message(self.beaten_status, "wrong")
        super().decided(request, grant, form)
        return self.message(self.denied_status, "denied")

    beaten_status = 400

    def redeem(self, form, client):
        """A decision takes a second to be seen, so that no poll meets it."""
        grant = self.grants.get(form.get("device_code", ""))
        if grant is not None and grant.state != "pending" and time.time() < grant.decided + 1:
            raise Refused("authorization_pending", "not yet")
        return super().redeem(form, client)


class SaysDenied(ApprovalWins):
    """The same, and answers like a denial that counts."""

    beaten_status = 200


class SaysDeniedByErrors(ApprovalWins):
    """All of its denials are answered so, those that count too: nothing tells the person which one does not."""

    denied_status = 400


@pytest.mark.parametrize(
    ("peer", "verdict"),
    [(ApprovalWins, Verdict.PASS), (SaysDenied, Verdict.FAIL), (SaysDeniedByErrors, Verdict.FAIL)],
)
def test_denials_that_an_approval_beats(peer, verdict, tmp_path):
    assert verdicts(peer, CHECK, tmp_path)[REQUIREMENT] is verdict
