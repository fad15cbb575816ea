"""Events keep what is known in fields, every kind has its own name, and results say all of it in members."""

from __future__ import annotations

import pytest
from support import ROOT

from device_grant.protocol import AWS_SSO_OIDC, RFC8628, Event, Operation, Purpose, Request, Secrets, dialect
from device_grant.protocol.events import (
    OF_USER,
    ClientEnded,
    ClientStarted,
    ConnectionDropped,
    Decided,
    DecisionRefused,
    HistoryDrawn,
    Mistyped,
    Noted,
    OverlapTried,
    PageLoaded,
    RoundBegan,
    Waited,
)
from device_grant.protocol.exchange import DEVICE_CODE_GRANT
from device_grant.protocol.reading import purpose_of, value_of
from device_grant.results.lines import step
from device_grant.results.model import LEFT_OUT
from device_grant.results.schema import schema

EVENTS = [
    (Waited(1.0, 5.5), "wait 5.5 s", {"seconds": 5.5}),
    (Decided(1.0, "approve", "grant 3"), "user approves grant 3", {"action": "approve", "grant": "grant 3"}),
    (Decided(1.0, "deny"), "user denies", {"action": "deny", "grant": ""}),
    (Mistyped(1.0), "user mistypes the code of the grant and approves", {"grant": ""}),
    (
        DecisionRefused(1.0, "deny", "wrong password"),
        "the page did not let the user deny: wrong password",
        {"action": "deny", "complaint": "wrong password"},
    ),
    (PageLoaded(1.0, "GET", "http://a.test/d", 200), "page: GET http://a.test/d: 200", {"status": 200}),
    (PageLoaded(1.0, "GET", "http://a.test/d", 404, real=True), "browser: GET http://a.test/d: 404", {"status": 404}),
    (ConnectionDropped(1.0, "half a poll"), "half a poll: connection closed by us", {}),
    (
        OverlapTried(1.0, overlapping=True, seconds=2),
        "a request was answered beside an unfinished one: connections are served side by side",
        {"seconds": 0.0},
    ),
    (
        OverlapTried(1.0, overlapping=False, seconds=2.5),
        "a request was not answered for 2.5 s beside an unfinished one on another connection",
        {"seconds": 0.0},
    ),
    (RoundBegan(1.0, 2, ("deny", "approve")), "round 2: deny and approve at the same moment", {}),
    (
        HistoryDrawn(1.0, (), explained=False),
        "0 operations on one grant: no order explains their answers",
        {"bars": [], "explained": False},
    ),
    (ClientStarted(1.0, "a login"), "the client runs: a login", {}),
    (ClientEnded(1.0, None, "was still going on"), "the client was still going on", {"status": None}),
    (ClientEnded(1.0, -9, "ended with status -9"), "the client ended with status -9", {"status": -9}),
    (Noted(1.0, "tokens in each round: 1, 1"), "tokens in each round: 1, 1", {}),
]


@pytest.mark.parametrize(("event", "words", "members"), EVENTS, ids=lambda value: getattr(value, "kind", ""))
def test_an_event_is_said_to_people_and_to_programs(event, words, members):
    result = step(event, Secrets())
    assert (result.at, result.label, result.event) == (1.0, words, event.kind)
    assert {name: getattr(result, name) for name in members} == members
    assert (result.request, result.purpose) == (None, "")


def test_every_kind_has_a_name_of_its_own_which_the_documentation_lists():
    kinds = [one.kind for one in Event.__subclasses__()]
    assert len(set(kinds)) == len(kinds)
    assert {type(event) for event, _, _ in EVENTS} == set(Event.__subclasses__())
    assert {"decided", "mistyped", "round-began"} == OF_USER
    source = (ROOT / "docs" / "reference" / "results.md").read_text("utf-8")
    assert {kind for kind in (*kinds, LEFT_OUT) if f"`{kind}`" not in source} == set()
    assert {purpose for purpose in Purpose if f"`{purpose}`" not in source} == set()
    assert "event" not in schema()["$defs"]["Step"]["required"]


@pytest.mark.parametrize("name", [RFC8628, AWS_SSO_OIDC])
@pytest.mark.parametrize(
    ("operation", "members", "purpose"),
    [
        (Operation.REGISTRATION, {"client_name": "n"}, Purpose.REGISTRATION),
        (Operation.DEVICE_AUTHORIZATION, {}, Purpose.START),
        (Operation.TOKEN, {"grant_type": DEVICE_CODE_GRANT, "device_code": "x"}, Purpose.POLL),
        (Operation.TOKEN, {"grant_type": "refresh_token"}, Purpose.REFRESH),
        (Operation.TOKEN, {"grant_type": "password"}, Purpose.TOKEN_REQUEST),
        (Operation.TOKEN, {"device_code": "x"}, Purpose.TOKEN_REQUEST),
    ],
)
def test_a_request_says_what_it_is_for(name, operation, members, purpose):
    assert purpose_of(dialect(name).encode(operation, "https://a.test/x", members, None)) is purpose


@pytest.mark.parametrize("content", [b"", b"[1]", b'{"grant_type": 1}', b'{"grantType": ["x"]}', b"\xff\x00=&&"])
def test_a_token_request_that_says_nothing_readable_is_one_all_the_same(content):
    assert purpose_of(Request("POST", "https://a.test/t", (), content, Operation.TOKEN)) is Purpose.TOKEN_REQUEST
    assert purpose_of(Request("GET", "https://a.test/device", (), content)) is Purpose.OTHER


@pytest.mark.parametrize(
    ("query", "content", "purpose"),
    [
        ("", b"&a&%67rant%5Ftype=refresh%5Ftoken", Purpose.REFRESH),
        ("", b"grant_type=refresh_token&grant_type=password", Purpose.REFRESH),
        ("", b"grant_type=&grant_type=refresh_token", Purpose.TOKEN_REQUEST),
        ("", b"grantType=refresh_token&grant+type=refresh_token", Purpose.TOKEN_REQUEST),
        ("?grantType=refresh_token", b"a=b", Purpose.REFRESH),
        ("?grant_type=refresh_token", b"grant_type&a=b", Purpose.TOKEN_REQUEST),
        ("?grant_type=password", b"grant_type=refresh_token&" + b"%41" * 100_000 + b"=x", Purpose.REFRESH),
    ],
)
def test_the_first_grant_type_of_a_form_says_what_it_is_for(query, content, purpose):
    request = Request("POST", f"https://a.test/t{query}", (), content, Operation.TOKEN)
    assert purpose_of(request) is purpose
    expected = {"refresh_token": Purpose.REFRESH}.get(value_of(request, "grant_type"), Purpose.TOKEN_REQUEST)
    assert purpose is expected
