"""The model of a grant, which says what a story's requests may be answered."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from device_grant.protocol import RFC8628, Exchange, Outcome, Request, dialect
from device_grant.report import http
from device_grant.results.model import HttpRequest, HttpResponse, Step
from device_grant.server.checks.grant.story import GRACE, SKEW, Expectation
from device_grant.server.session.person import swapped


def answer(code, **members):
    return Exchange(Request("POST", "http://host.test/token"), None, Outcome(200, code, members), 0.0, 0.0)


class Times:
    """A case whose clock the test sets."""

    run = SimpleNamespace(dialect=dialect(RFC8628))

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return self.seconds


def known(state="pending", **members):
    case = Times()
    grant = SimpleNamespace(device=SimpleNamespace(case=case), started=0.0, expires_in=600.0, interval=5.0)
    return Expectation(grant, state=state, **members), case


def accepts(expectation, code, *, polite=True):
    exchange = answer(code)
    return code in expectation.of_poll(exchange, polite=polite).accepted


@pytest.mark.parametrize(
    ("state", "age", "right", "wrong"),
    [
        ("pending", 10, {"authorization_pending"}, {"ok", "slow_down", "expired_token", "invalid_grant"}),
        ("pending", 600 - SKEW / 2, {"authorization_pending", "expired_token"}, {"ok", "access_denied_"}),
        (
            "pending",
            700,
            {"expired_token", "invalid_grant", "invalid_client"},
            {"ok", "authorization_pending", "slow_down"},
        ),
        ("approved", 10, {"ok"}, {"authorization_pending", "expired_token", "slow_down"}),
        ("approved", 700, {"ok", "expired_token"}, {"authorization_pending"}),
        ("denied", 10, {"access_denied", "invalid_grant"}, {"ok", "authorization_pending"}),
        ("redeemed", 10, {"invalid_grant", "invalid_request"}, {"ok", "authorization_pending"}),
        ("undecided", 10, {"ok", "authorization_pending", "access_denied"}, {"server_error"}),
        # What a stranger or two decisions made of a code, its end is the same.
        ("undecided", 700, {"ok", "expired_token", "invalid_grant"}, {"authorization_pending"}),
    ],
)
def test_polite_polls(state, age, right, wrong):
    expectation, case = known(state)
    case.seconds = age
    assert {code for code in right | wrong if accepts(expectation, code)} == right


@pytest.mark.parametrize("state", ["pending", "approved", "denied", "redeemed"])
def test_a_hasty_poll_may_be_slowed_down(state):
    assert accepts(known(state)[0], "slow_down", polite=False)


def test_decisions():
    for action, state in (("approve", "approved"), ("deny", "denied")):
        expectation, _ = known()
        expectation.decided(action, "")
        assert expectation.state == state
        expectation, _ = known()
        expectation.decided(action, "the page was odd")
        assert expectation.state == "undecided"


def test_late_decisions():
    expectation, _ = known("approved")
    expectation.decided("deny", "refused")
    assert expectation.state == "approved"
    expectation.decided("deny", "")
    assert expectation.state == "undecided"
    for final in ("denied", "redeemed"):
        expectation, _ = known(final)
        expectation.decided("approve", "")
        assert expectation.state == final
    expectation, case = known()
    case.seconds = 700
    expectation.decided("approve", "")
    assert expectation.state == "pending"
    case.seconds = 600
    expectation.decided("approve", "")
    assert expectation.state == "undecided"


def test_a_stranger_may_end_a_grant():
    expectation, _ = known("approved")
    expectation.polled_by_another(answer("authorization_pending"))
    assert expectation.state == "approved"
    expectation.polled_by_another(answer("invalid_grant"))
    assert expectation.state == "undecided"


def test_refresh_tokens():
    expectation, case = known("approved")
    expectation.polled(answer("ok", refresh_token="one"))
    assert expectation.state == "redeemed"
    assert "ok" in expectation.of_refresh().accepted
    assert "invalid_grant" not in expectation.of_refresh().accepted
    expectation.refreshed_with(answer("ok", refresh_token="two"))
    assert (expectation.refresh_token, expectation.replaced) == ("two", [("one", 0.0)])
    assert "ok" in expectation.of_replay(0.0).accepted
    case.seconds = GRACE + 1
    assert "ok" not in expectation.of_replay(0.0).accepted
    assert expectation.of_refresh() is None
    expectation.refreshed_with(answer("ok"))
    assert expectation.refresh_token == "two"
    expectation.refreshed_with(answer("invalid_grant"))
    assert not expectation.refresh_token


def test_a_client_with_a_secret_needs_no_rotation():
    expectation, case = known("redeemed", bound=True)
    case.seconds = 1000
    assert "ok" in expectation.of_replay(0.0).accepted


def test_a_code_presented_twice_may_cost_its_tokens():
    expectation, _ = known("approved")
    expectation.polled(answer("ok", refresh_token="one"))
    expectation.polled(answer("invalid_grant"))
    assert expectation.of_refresh() is None


def test_without_a_stated_lifetime_nothing_expires_for_sure():
    expectation, case = known()
    expectation.grant.expires_in = 0.0
    case.seconds = 1_000_000
    assert not expectation.expired
    assert not expectation.maybe_expired


@pytest.mark.parametrize(
    ("code", "typed"),
    [("BCDF-GHJK", "BCDF-GHKJ"), ("BCDF-KKKK", "BCDK-FKKK"), ("1122", "1212"), ("aA", "aA"), ("", "")],
)
def test_swapped(code, typed):
    assert swapped(code) == typed


def test_a_story_is_told_a_line_a_step():
    request = HttpRequest(method="POST", url="http://host.test/token", headers=[], body="")
    response = HttpResponse(status=400, headers=[], body="")
    poll = Step(at=6.1, label="polite poll", request=request, response=response, code="authorization_pending")
    assert http.story([Step(at=0.0, label="user approves grant 1"), poll]) == [
        "+0.00 s user approves grant 1",
        "+6.10 s polite poll → 400 authorization_pending",
    ]
    long = http.story([poll] * 100)
    assert len(long) == 41
    assert long[20] == "(60 more steps)"


@pytest.mark.parametrize(("token", "tolerated"), [("one", True), ("another", False)])
def test_the_same_token_for_a_redeemed_code_is_worth_a_warning(token, tolerated):
    expectation, _ = known("approved")
    expectation.polled(answer("ok", access_token="one"))
    due = expectation.of_poll(answer("ok", access_token=token), polite=True)
    assert "ok" not in due.accepted
    assert due.tolerated is tolerated


def test_a_refresh_is_owed_until_the_user_is_at_the_pages_again_or_the_code_comes_again():
    expectation, _ = known("approved")
    tokens = {"access_token": "a", "refresh_token": "r"}
    expectation.polled(answer("ok", **tokens))
    assert "ok" in expectation.of_refresh().accepted
    expectation.superseded = True
    assert expectation.of_refresh() is None

    expectation, _ = known("approved")
    expectation.polled(answer("ok", **tokens))
    expectation.polled(answer("ok", **tokens))
    assert expectation.of_refresh() is None
