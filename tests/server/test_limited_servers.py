"""Servers that say slow_down with another status, or register nobody: what they lack is no error of the suite."""

from dataclasses import replace
from email.utils import formatdate

import httpx
import pytest
from support.proof import applies, catalogue, judges

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.judging import Inconclusive, Untestable
from device_grant.protocol import RFC8628, Operation, Outcome, Response
from device_grant.reference.embedded import embedded
from device_grant.reference.server.cross_device.limits import WINDOW
from device_grant.reference.server.settings import Settings
from device_grant.server.session.case import ServerCase
from device_grant.server.session.pace import RENEWAL, SEEN_WITHIN
from device_grant.server.session.run import new_run

CHECKS, _ = judges()
AUTHORIZATION = "page_security::test_authorization_signs_in_before_it_redirects"
JSON = (("Content-Type", "application/json"),)


@pytest.fixture
def run():
    with embedded(RFC8628) as target, target.clock:
        run = new_run(target, RFC8628, catalogue())
        yield run
        run.close()


@pytest.mark.parametrize(
    ("body", "asked"), [(b'{"error":"slow_down"}', 1), (b'{"error":"too_many_requests"}', 2)], ids=["poll", "requests"]
)
def test_429_is_waited_out_unless_it_is_about_the_code(run, body, asked):
    case = ServerCase(run, CHECKS["polling::test_pending"])
    case.begin()
    device = case.device
    answers = [Response(429, JSON, body), Response(400, JSON, b'{"error":"authorization_pending"}')]
    receive, sent = run._exchange, []

    def exchange(*arguments):
        response = answers[len(sent)]
        sent.append(response)
        return replace(receive(*arguments), response=response, outcome=run.dialect.decode(Operation.TOKEN, response))

    run._exchange = exchange
    device.token(grant_type="x")
    assert len(sent) == asked


def test_a_client_with_too_many_codes_waits_for_more(run):
    """RFC 8628 has slow_down for polls alone: in answer to a start it is about all starts of the client."""
    case = ServerCase(run, CHECKS["entropy::test_user_codes_suit_people"])
    case.begin()
    limit = Settings.undecided_codes
    began = run.target.clock.now()
    assert len({case.device.start().user_code for _ in range(limit + 4)}) == limit + 4
    assert run.target.clock.now() - began >= WINDOW


def test_servers_that_register_nobody_have_no_client_that_redirects(run):
    assert applies(CHECKS[AUTHORIZATION], RFC8628)
    run.endpoints = replace(run.endpoints, registration="", authorization=f"{run.target.base}/authorize")
    assert set(run_check(run, AUTHORIZATION).verdicts.values()) == {Verdict.NOT_APPLICABLE}


@pytest.mark.parametrize("late", [True, False], ids=["seen late", "never seen"])
def test_a_decision_may_be_seen_late_but_not_never(run, late):
    case = ServerCase(run, CHECKS["polling::test_hasty_poll_does_not_lose_the_token"])
    case.begin()
    grant = case.device.start()
    case.device.user.approve(grant)
    pending, receive, sent = Response(400, JSON, b'{"error":"authorization_pending"}'), run._exchange, []

    def exchange(request, *arguments):
        sent.append(request)
        if late and len(sent) > 1:
            return receive(request, *arguments)
        refused = run.dialect.decode(Operation.TOKEN, pending)
        return replace(grant.exchange, request=request, response=pending, outcome=refused)

    run._exchange = exchange
    answer, waits = grant.ask(wait=False)
    assert (answer.outcome.ok, waits) == (late, not late)
    assert len(sent) == (2 if late else 1 + SEEN_WITHIN)


def test_a_pending_long_after_a_decision_is_not_asked_again(run):
    case = ServerCase(run, CHECKS["polling::test_pending"])
    case.begin()
    grant = case.device.start()
    grant.decided = case.now() - SEEN_WITHIN * grant.interval
    before = run.exchanges
    assert grant.ask(wait=False)[1]
    assert run.exchanges == before + 1


@pytest.mark.parametrize(
    "name",
    [
        "polling::test_pending",
        "polling::test_polite_polling",
        "verification_page::test_user_can_begin_at_the_short_address",
    ],
)
def test_answers_that_come_when_the_codes_have_ended_say_nothing(run, name):
    receive = run._exchange

    def exchange(request, *arguments):
        if request.operation is Operation.TOKEN:
            run.target.clock.wait(601)
        return receive(request, *arguments)

    run._exchange = exchange
    assert set(run_check(run, name).verdicts.values()) == {Verdict.INCONCLUSIVE}


@pytest.mark.parametrize("all_refused", [False, True], ids=["old refused", "all refused"])
def test_a_client_that_worked_and_is_refused_is_registered_anew(run, all_refused):
    case = ServerCase(run, CHECKS["device_authorization::test_start_response_members"])
    case.begin()
    device = case.device
    assert device.request().outcome.ok
    old, receive = device.client, run._exchange
    refusal = Response(401, JSON, b'{"error":"invalid_client"}')

    def exchange(request, *arguments):
        answer = receive(request, *arguments)
        if request.operation is Operation.DEVICE_AUTHORIZATION and (all_refused or old.id.encode() in request.content):
            return replace(answer, response=refusal, outcome=run.dialect.decode(request.operation, refusal))
        return answer

    run._exchange = exchange
    answer = device.request()
    assert answer.code == ("invalid_client" if all_refused else "ok")
    assert device.client.id != old.id
    assert list(run.remarks) == ["primary"]
    assert "another one was registered" in run.remarks["primary"]
    # A client that never worked is not tried again: its refusal is the server's answer.
    assert run.instead_of(device.client, answer) is None or not all_refused


def test_clients_grow_old_on_a_clock_that_jumps(run):
    first = run.client("primary")
    assert run.client("primary") == first
    run.target.clock.wait(RENEWAL + 1)
    assert run.client("primary") != first


@pytest.mark.parametrize(
    "name",
    [
        "encoding::test_names_are_case_sensitive",
        "encoding::test_values_are_case_sensitive",
        "encoding::test_escapes_are_decoded_once",
        "tokens::test_injected_queries",
    ],
)
def test_pending_to_every_code_says_nothing_of_what_was_read(run, name):
    receive = run._exchange
    pending = Response(400, JSON, b'{"error":"authorization_pending"}')

    def exchange(request, *arguments):
        answer = receive(request, *arguments)
        if request.operation is not Operation.TOKEN:
            return answer
        return replace(answer, response=pending, outcome=run.dialect.decode(Operation.TOKEN, pending))

    run._exchange = exchange
    verdicts = set(run_check(run, name).verdicts.values())
    assert verdicts
    assert verdicts <= {Verdict.UNTESTABLE, Verdict.INCONCLUSIVE}


@pytest.mark.parametrize("code", ["expired_token", "unsupported_grant_type", "invalid_client"])
def test_a_refusal_is_no_token_before_approval(run, code):
    receive = run._exchange
    refusal = Response(400, JSON, b'{"error":"%s"}' % code.encode())

    def exchange(request, *arguments):
        answer = receive(request, *arguments)
        if request.operation is not Operation.TOKEN:
            return answer
        return replace(answer, response=refusal, outcome=run.dialect.decode(Operation.TOKEN, refusal))

    run._exchange = exchange
    result = run_check(run, "user_decision::test_only_the_right_code_is_approved").verdicts
    assert result["rfc8628-3.5-no-token-before-approval"] is not Verdict.FAIL


@pytest.mark.parametrize("over", [True, False], ids=["over by the clock", "too early"])
def test_a_code_that_is_over_by_the_clock_is_held_against_no_server(run, over):
    case = ServerCase(run, CHECKS["polling::test_slow_down_is_survived"])
    case.begin()
    grant = case.device.start()
    case.wait(grant.expires_in * (1 if over else 0.5))
    expired = Response(400, JSON, b'{"error":"expired_token"}')
    outcome = run.dialect.decode(Operation.TOKEN, expired)
    run._exchange = lambda request, *_: replace(grant.exchange, request=request, response=expired, outcome=outcome)
    if over:
        with pytest.raises(Inconclusive, match="had passed"):
            grant.poll()
        grant.expire()
    assert grant.poll().code == "expired_token"


@pytest.mark.parametrize("broken", [1, 2])
def test_a_connection_that_broke_once_is_tried_again(run, broken):
    case = ServerCase(run, CHECKS["polling::test_pending"])
    case.begin()
    device, receive, sent = case.device, run._exchange, []

    def exchange(request, *arguments):
        sent.append(request)
        answer = receive(request, *arguments)
        return replace(answer, response=None, outcome=Outcome(0, "no-response")) if len(sent) <= broken else answer

    run._exchange = exchange
    if broken == 1:
        assert device.start().device_code
    else:
        with pytest.raises(Untestable):
            device.start()
    assert len(sent) == 2


@pytest.mark.parametrize("dated", [True, False], ids=["date", "seconds"])
def test_retry_after_is_waited_out_in_full_on_a_clock_that_jumps(run, dated):
    until = run.target.clock.now() + 90
    after = formatdate(until, usegmt=True) if dated else "90"
    came = []

    def pages(_request):
        came.append(run.target.clock.now())
        return httpx.Response(429, headers={"Retry-After": after}) if len(came) == 1 else httpx.Response(200)

    with httpx.Client(transport=httpx.MockTransport(pages), auth=run.patience()) as browser:
        assert browser.get("http://pages.test/").status_code == 200
    assert came[1] - came[0] == pytest.approx(90, abs=1)
