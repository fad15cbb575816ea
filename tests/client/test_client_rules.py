"""The rules on sessions written down by hand: exact bounds, and silence where nothing can be told."""

from __future__ import annotations

import dataclasses
import json
from urllib.parse import urlencode

import pytest

from device_grant.client.rules import every_rule
from device_grant.client.rules.session import ClientSession
from device_grant.protocol import (
    AWS_SSO_OIDC,
    DEVICE_CODE_GRANT,
    RFC8628,
    Exchange,
    Operation,
    Outcome,
    Request,
    Response,
    dialect,
)

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)


def posted(operation, at, members, answer, *, status=200, took=0.0, error="", headers=(), answered=()):  # noqa: PLR0913 - all but four have defaults
    content = urlencode(members).encode()
    head = (*FORM, ("Content-Length", str(len(content))), *headers)
    request = Request("POST", f"http://127.0.0.1/{operation}", head, content, operation)
    if error:
        return Exchange(request, None, Outcome(0, "no-response"), at, at + took, error=error)
    code = answer.get("error", "ok") if status < 500 else f"http-{status}"
    response = Response(status, answered, json.dumps(answer).encode())
    return Exchange(request, response, Outcome(status, code, answer), at, at + took)


def started(at=0.0, **members):
    collected = {"device_code": "DC", "user_code": "UC", "verification_uri": "https://x.example", "expires_in": 600}
    return posted(Operation.DEVICE_AUTHORIZATION, at, {"client_id": "me"}, {**collected, **members})


def polled(at, error="authorization_pending", **options):
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": "DC", "client_id": "me"}
    return posted(Operation.TOKEN, at, members, {"error": error} if error else {"access_token": "AT"}, **options)


def redeemed(at, code="DC", **options):
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": code, "client_id": "me"}
    return posted(Operation.TOKEN, at, members, {"access_token": "AT", "token_type": "Bearer"}, **options)


def judged(requirement, *exchanges, **known):
    session = ClientSession(dialect(RFC8628), tuple(exchanges), **known)
    return [
        judgement.holds
        for rule in every_rule()
        if requirement in rule.requirements
        for judgement in rule.function(session)
        if judgement.requirement == requirement
    ]


@pytest.mark.parametrize(
    ("polls", "holds"),
    [
        ((polled(5), redeemed(10)), [True]),
        ((polled(5), redeemed(10), polled(15, "invalid_grant")), [False]),
        ((redeemed(10), polled(10.3, "invalid_grant")), [None]),  # it may have been on its way
        ((redeemed(10, took=0.5), polled(10.2, "invalid_grant")), [True]),  # it was
        ((redeemed(10, took=40), polled(60, "invalid_grant")), []),  # the client had gone away by then
        ((redeemed(10), redeemed(15, code="of another login")), [True]),
    ],
)
def test_polling_ends_with_the_token(polls, holds):
    assert judged("rfc8628-3.3-client-polls-until-done", started(), *polls) == holds


@pytest.mark.parametrize(
    ("polls", "holds"),
    [
        ((polled(5, "access_denied"),), [True]),
        ((polled(5, "access_denied"), polled(10)), [False]),
        ((polled(5, "access_denied", took=2), polled(6)), [True]),  # sent before that answer
        ((polled(5, "access_denied"), redeemed(10, code="of another login")), [True]),
    ],
)
def test_polling_ends_with_an_error(polls, holds):
    assert judged("rfc8628-3.5-client-stops-on-other-errors", started(), *polls) == holds


@pytest.mark.parametrize(
    ("gap", "holds"), [(5.0, True), (4.92, True), (4.85, None), (4.7, False), (0.0, False), (60.0, True)]
)
def test_a_wait_is_measured_with_its_margin(gap, holds):
    requirement = "rfc8628-3.5-client-waits-before-each-request"
    assert judged(requirement, started(interval=5), polled(1), polled(1 + gap)) == [holds]


@pytest.mark.parametrize(
    ("took", "gap", "waits", "rests"),
    [
        (0.4, 5.0, [True], [False]),  # a ticker at a server that takes its time
        (0.4, 5.4, [True], [True]),
        (0.2, 5.0, [True], [None]),
        (3.0, 4.0, [False], []),  # too early by either reading: said once
        (7.0, 5.0, [True], [False]),  # a ticker that does not wait for its answer
        (0.4, 4.8, [None], []),
    ],
)
def test_the_interval_is_counted_from_the_request_and_from_the_answer(took, gap, waits, rests):
    story = [started(interval=5), polled(1, took=took), polled(1 + gap)]
    assert judged("rfc8628-3.5-client-waits-before-each-request", *story) == waits
    assert judged("rfc8628-3.5-client-waits-from-the-answer", *story) == rests


@pytest.mark.parametrize(
    ("polls", "holds"),
    [
        ((5.6, 10.0, 15.0), [None, True]),  # a ticker whose first request was held up by 0.6 s
        ((5.0, 10.8, 15.0), [True, None]),
        ((5.0, 10.0, 14.2), [True, False]),  # nothing had held it up
        ((5.0, 13.0, 15.0), [True, False]),  # that was more than a hold-up
        ((5.0, 5.0, 10.0), [False, True]),
        ((1.0, 2.0, 7.0), [False, True]),
    ],
)
def test_a_ticker_that_was_held_up_is_no_proof(polls, holds):
    story = [started(interval=5), *(polled(at) for at in polls)]
    assert judged("rfc8628-3.5-client-waits-before-each-request", *story) == holds


def test_slow_down_counts_from_the_answer_too():
    story = [started(interval=1), polled(1, "slow_down", took=2), polled(7)]
    assert judged("rfc8628-3.5-slow-down-increments-interval", *story) == [True]
    assert judged("rfc8628-3.5-client-waits-from-the-answer", *story) == [False]


@pytest.mark.parametrize("trouble", [{"status": 503}, {"status": 429}, {"error": "connection reset"}])
def test_what_is_sent_again_after_trouble_is_a_recommendations(trouble):
    members = {"grant_type": DEVICE_CODE_GRANT, "device_code": "DC", "client_id": "me"}
    again = posted(Operation.TOKEN, 1, members, {}, **trouble)
    if "status" in trouble:
        again = dataclasses.replace(again, outcome=Outcome(trouble["status"], f"http-{trouble['status']}"))
    story = [started(interval=5), again, polled(1.3), polled(6.5)]
    assert judged("rfc8628-3.5-client-waits-before-each-request", *story) == [True]
    assert judged("rfc8628-3.5-client-waits-from-the-answer", *story) == [True]
    expected = [False, True] if "status" in trouble else [True]
    assert judged("rfc8628-3.2-client-waits-interval", *story) == expected
    unstated = [started(), *story[1:]]
    assert judged("rfc8628-3.5-client-waits-default-five", *unstated) == [True]


@pytest.mark.parametrize("status", [200, 400, 404])
def test_after_a_page_the_wait_is_a_recommendation(status):
    # Nobody has said pending: an SDK sends again what was answered with no OAuth answer.
    page = polled(1, "")
    page = dataclasses.replace(page, outcome=Outcome(status, f"http-{status}"))
    story = [started(interval=5), page, polled(1.3)]
    assert judged("rfc8628-3.5-client-waits-before-each-request", *story) == []
    assert judged("rfc8628-3.2-client-waits-interval", *story) == [False]


@pytest.mark.parametrize(("gap", "tolerated"), [(1.0, True), (0.75, False), (0.0, False)])
def test_a_fraction_that_is_cut_off_is_tolerated(gap, tolerated):
    session = ClientSession(dialect(RFC8628), (started(interval=1.5), polled(1), polled(1 + gap)))
    said = [one for rule in every_rule() for one in rule.function(session) if "waits-before" in one.requirement]
    assert [(one.holds, one.tolerated) for one in said] == [(False, tolerated)]


@pytest.mark.parametrize(("answered", "said"), [(0.35, []), (0.9, [False])])
def test_a_fraction_that_is_cut_off_is_no_wait_from_the_request(answered, said):
    first = dataclasses.replace(polled(1), ended=1 + answered)
    story = [started(interval=1.5), first, polled(2.43)]
    assert judged("rfc8628-3.5-client-waits-from-the-answer", *story) == said


def test_numbers_and_doubts_are_readable():
    month = ClientSession(dialect(RFC8628), (started(interval=2592000), polled(1), polled(5)))
    [said] = [one for rule in every_rule() for one in rule.function(month) if "waits-before" in one.requirement]
    assert said.got == "4.00 s where 2592000 s are owed"
    close = ClientSession(dialect(RFC8628), (started(interval=5), polled(1), polled(5.83)))
    [said] = [one for rule in every_rule() for one in rule.function(close) if "waits-before" in one.requirement]
    assert (said.holds, said.problem) == (None, "a wait is short by so little that the machine may have made it so")


@pytest.mark.parametrize("interval", ["2", -1, True, [5], {}])
def test_an_interval_that_is_none_owes_nothing(interval):
    requirement = "rfc8628-3.5-client-waits-before-each-request"
    assert judged(requirement, started(interval=interval), polled(1), polled(1.1)) == []


def test_the_first_poll_may_come_at_once():
    requirement = "rfc8628-3.5-client-waits-before-each-request"
    assert judged(requirement, started(interval=5), polled(0.01, error="")) == []


def test_slow_down_counts_for_good_and_adds_up():
    story = [started(interval=1), polled(1, "slow_down"), polled(7), polled(13, "slow_down"), polled(24), polled(35)]
    assert judged("rfc8628-3.5-slow-down-increments-interval", *story) == [True]
    assert judged("rfc8628-3.5-slow-down-is-permanent", *story) == [True]
    assert judged("rfc8628-3.5-slow-down-accumulates", *story) == [True, True]
    hasty = [*story[:4], polled(19), polled(20)]
    assert judged("rfc8628-3.5-slow-down-accumulates", *hasty) == [False, False]


def test_a_second_flow_has_its_own_interval():
    first = [started(interval=1), polled(1, "slow_down"), polled(7, "expired_token")]
    second = [started(20, interval=1), polled(21), polled(22)]
    assert judged("rfc8628-3.5-client-waits-before-each-request", *first, *second) == [True]


@pytest.mark.parametrize(
    ("times", "slower", "doubling"),
    [
        ((2, 14, 28, 50), [True], [True]),  # patience 10, waits 2, 4, 12
        ((2, 14, 27, 41), [True], [False]),  # one second more each time
        ((2, 14, 26, 38), [False], [False]),
        ((2, 4, 6, 8), [False, False, False, False], [False]),
    ],
)
def test_timeouts(times, slower, doubling):
    silent = [polled(at, error="", took=0) for at in times]
    story = [started(interval=2)] + [
        posted(Operation.TOKEN, one.started, {"device_code": "DC"}, {}, error="no answer") for one in silent
    ]
    assert judged("rfc8628-3.5-timeout-reduces-frequency", *story) == slower
    assert judged("rfc8628-3.5-timeout-exponential-backoff", *story) == doubling


def test_errors_end_it_and_broken_answers_do_not():
    requirement = "rfc8628-3.5-client-stops-on-other-errors"
    assert judged(requirement, started(), polled(5, "access_denied")) == [True]
    assert judged(requirement, started(), polled(5, "access_denied"), polled(10)) == [False]
    assert judged(requirement, started(), polled(5, status=502), polled(10, "")) == []


def test_expiry_needs_a_record_that_goes_so_far():
    requirement = "rfc8628-3.3-client-stops-at-expiry"
    story = [started(interval=1, expires_in=4), polled(1), polled(2)]
    assert judged(requirement, *story, over=3) == []
    assert judged(requirement, *story, over=9) == [True]
    assert judged(requirement, *story, polled(9), over=12) == [False]


def test_the_same_post_at_once():
    requirement = "rfc9110-9.2.2-no-blind-retry"
    lost = polled(1, error="", status=200)
    again = posted(Operation.TOKEN, 1, {"device_code": "DC"}, {}, error="connection reset")
    later = posted(Operation.TOKEN, 1.1, {"device_code": "DC"}, {})
    assert judged(requirement, again, later) == [False]
    assert judged(requirement, again, posted(Operation.TOKEN, 4, {"device_code": "DC"}, {})) == [True]
    assert judged(requirement, lost, later) == []


def test_retry_after_in_seconds_alone():
    requirement = "rfc9110-10.2.3-retry-after"
    put_off = polled(1, status=503, answered=(("Retry-After", "4"),))
    assert judged(requirement, put_off, polled(5)) == [True]
    assert judged(requirement, put_off, polled(3)) == [False]
    dated = polled(1, status=503, answered=(("Retry-After", "Sun, 06 Nov 1994 08:49:37 GMT"),))
    assert judged(requirement, dated, polled(3)) == []


def test_parameters_that_may_be_repeated():
    requirement = "rfc8628-3.1-no-repeated-request-params"
    twice = [("resource", "https://a.example"), ("resource", "https://b.example"), ("client_id", "me")]
    assert judged(requirement, posted(Operation.DEVICE_AUTHORIZATION, 0, twice, {})) == [True]
    ids = [("client_id", "me"), ("client_id", "me")]
    assert judged(requirement, posted(Operation.DEVICE_AUTHORIZATION, 0, ids, {})) == [False]


def test_a_parameter_in_the_query_and_in_the_body():
    entry = posted(Operation.DEVICE_AUTHORIZATION, 0, [("client_id", "me"), ("trace", "7")], {})
    entry = dataclasses.replace(entry, request=dataclasses.replace(entry.request, url=entry.request.url + "?trace=7"))
    session = ClientSession(dialect(RFC8628), (entry,))
    [said] = [one for rule in every_rule() for one in rule.function(session) if "no-repeated" in one.requirement]
    assert (said.holds, said.got) == (False, "trace")
    assert said.problem == "a parameter is sent twice, once in the query and once in the body"


@pytest.mark.parametrize(
    ("dialect_name", "kind", "holds"),
    [
        (AWS_SSO_OIDC, "application/x-amz-json-1.1", True),
        (AWS_SSO_OIDC, "application/json", True),
        (AWS_SSO_OIDC, "text/plain", False),
        (RFC8628, "application/json", True),
        (RFC8628, "application/x-amz-json-1.1", False),
    ],
)
def test_media_types_of_a_registration(dialect_name, kind, holds):
    content = b'{"clientName": "me", "clientType": "public"}'
    request = Request("POST", "http://x/register", (("Content-Type", kind),), content, Operation.REGISTRATION)
    entry = Exchange(request, Response(200, (), b"{}"), Outcome(200, "ok", {}), 0.0, 0.0)
    session = ClientSession(dialect(dialect_name), (entry,))
    said = [one.holds for rule in every_rule() for one in rule.function(session) if "json-object" in one.requirement]
    assert said == [holds]


def test_a_header_that_authenticates_needs_no_body():
    entry = Exchange(
        Request("POST", "http://x/", (("Authorization", "Basic bWU6c2VjcmV0"),), b"", Operation.DEVICE_AUTHORIZATION),
        None,
        Outcome(0, "no-response"),
        0,
        0,
    )
    assert judged("rfc8628-3.1-client-form-body", entry) == []
    assert judged("rfc8628-3.1-client-id-required", entry) == [True]


@pytest.mark.parametrize(
    ("requested", "granted", "asked", "holds"),
    [
        ("openid", None, "openid", [True]),
        ("openid", None, "openid admin", [False]),
        ("openid admin", "openid", "openid admin", [False]),
        ("", None, "openid", [False]),
        ("openid", None, None, [True]),
    ],
)
def test_scope_of_a_refresh(requested, granted, asked, holds):
    members = {"client_id": "me", **({"scope": requested} if requested else {})}
    start = posted(Operation.DEVICE_AUTHORIZATION, 0, members, {"device_code": "DC"})
    answer = {"access_token": "AT", **({"scope": granted} if granted else {})}
    token = posted(Operation.TOKEN, 5, {"device_code": "DC"}, answer)
    wanted = {"grant_type": "refresh_token", "refresh_token": "RT", **({"scope": asked} if asked else {})}
    refresh = posted(Operation.TOKEN, 9, wanted, {"access_token": "AT2"})
    assert judged("rfc6749-6-scope-not-widened", start, token, refresh) == holds


def test_what_a_record_does_not_show_is_not_judged():
    refresh = posted(Operation.TOKEN, 0, {"grant_type": "refresh_token", "refresh_token": "RT", "scope": "a"}, {})
    assert judged("rfc6749-6-scope-not-widened", refresh) == []
    assert judged("rfc6749-2.3.1-basic-encoding-client", refresh) == []
    assert judged("rfc8628-3.4-credentialed-client-authenticates", started(), polled(5)) == []


def test_a_redirect_that_is_followed_is_one_poll():
    requirement = "rfc8628-3.5-client-waits-before-each-request"
    story = [started(interval=5), polled(1, status=307), polled(1.1), polled(6.2, error="")]
    assert judged(requirement, *story) == [True]


def test_a_poll_that_may_have_been_delayed_is_no_proof():
    requirement = "rfc8628-3.3-client-stops-at-expiry"
    story = [started(interval=1, expires_in=4), polled(1), polled(7)]
    assert judged(requirement, *story, over=9) == [False]
    assert judged(requirement, *story, over=9, blur=2.5) == [None]
    assert judged(requirement, *story, polled(9), over=9, blur=2.5) == [False]


def test_a_json_body_is_not_read_as_a_form():
    content = b'{"client_id":"me","scope":"a=&a="}'
    request = Request("POST", "http://127.0.0.1/d", (), content, Operation.DEVICE_AUTHORIZATION)
    entry = Exchange(request, Response(200, (), b"{}"), Outcome(200, "ok", {}), 0.0, 0.0)
    assert judged("rfc8628-3.1-client-empty-param-not-relied-on", entry) == [True]
    assert judged("rfc8628-3.1-no-repeated-request-params", entry) == [True]


def test_polls_at_the_time_of_the_start_belong_to_it():
    requirement = "rfc8628-3.5-client-waits-before-each-request"
    assert judged(requirement, started(interval=5), polled(0), polled(0)) == [False]
    again = [started(interval=5), polled(0, "expired_token"), started(interval=9), polled(0), polled(8)]
    assert judged(requirement, *again) == [False]


PAIR = {"code_challenge": "c" * 43, "code_challenge_method": "S256"}


def authorized(at, code="AC", **members):
    asked = {"response_type": "code", "client_id": "me", "redirect_uri": "http://127.0.0.1:5/cb", **members}
    request = Request("GET", f"http://127.0.0.1/authorize?{urlencode(asked)}")
    answer = Response(302, (("Location", f"http://127.0.0.1:5/cb?code={code}"),), b"")
    return Exchange(request, answer, Outcome(302, "ok", {}), at, at)


def by_code(at, code="AC", **members):
    asked = {"grant_type": "authorization_code", "client_id": "me", "code": code, **members}
    return posted(Operation.TOKEN, at, asked, {"access_token": "AT"})


@pytest.mark.parametrize(
    ("requirement", "exchanges", "holds"),
    [
        ("rfc7636-4.3-challenge-sent", (authorized(0, **PAIR),), [True]),
        ("rfc7636-4.3-challenge-sent", (authorized(0), authorized(1, **PAIR)), [False, True]),
        ("rfc7636-4.3-challenge-sent", (authorized(0, code_challenge="a~" * 64),), [True]),
        ("rfc7636-4.3-challenge-sent", (authorized(0, code_challenge="a~" * 64 + "b"),), [False]),
        ("rfc7636-4.3-challenge-sent", (authorized(0, **{**PAIR, "code_challenge": "c" * 43 + "="}),), [False]),
        ("rfc7636-4.5-verifier-sent", (authorized(0, **PAIR), by_code(1, code_verifier="v" * 43)), [True]),
        ("rfc7636-4.5-verifier-sent", (authorized(0, **PAIR), by_code(1)), [False]),
        # The browser was not seen, or there was no challenge: a missing verifier shows nothing.
        ("rfc7636-4.5-verifier-sent", (by_code(1),), [None]),
        ("rfc7636-4.5-verifier-sent", (by_code(1, code_verifier="v" * 43),), [True]),
        ("rfc7636-4.5-verifier-sent", (authorized(0), by_code(1)), []),
        ("rfc7636-7.2-no-downgrade", (authorized(0, **PAIR),), []),
        ("rfc7636-7.2-no-downgrade", (authorized(0, **PAIR), authorized(1, **PAIR)), [True]),
        ("rfc7636-7.2-no-downgrade", (authorized(0), authorized(1, **PAIR)), []),
        ("rfc7636-7.2-no-downgrade", (authorized(0, **PAIR), authorized(1)), [False]),
        ("rfc7636-7.2-no-downgrade", (authorized(0, **PAIR), authorized(1, code_challenge="v" * 43)), [False]),
    ],
)
def test_the_challenge_of_a_code_and_its_verifier(requirement, exchanges, holds):
    assert judged(requirement, *exchanges) == holds
