"""What is published of a machine tells nothing of requirements on security, and the rest as it is."""

import os
from functools import cache
from itertools import product

import msgspec
import pytest
from lxml import html
from support.learned import SECURITY, recorded_reference
from support.proof import faults, judges

from device_grant.catalogue import load
from device_grant.errors import UsageError
from device_grant.learning.endings import NotLearnableError
from device_grant.learning.inputs import PUBLIC_INPUTS
from device_grant.learning.machine import dot
from device_grant.learning.protocol import KINDS, OTHER, WITHHELD, Colour, PublicMonitor, protocol_machine
from device_grant.learning.record import encoded, publishable, withheld
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.report.machines.drawing import marks
from device_grant.report.machines.page import render_page

DIALECTS = (RFC8628, AWS_SSO_OIDC)
SEEN = {
    "pending_misspelt": "rfc8628-3.5-authorization-pending",
    "pending_as_invalid_grant": "rfc8628-3.5-authorization-pending",
    "pending_consumes_code": "rfc8628-3.5-pending-is-not-terminal",
    "approval_ignored": "rfc8628-3.5-success-after-approval",
    "access_token_missing": "rfc8628-3.5-success-after-approval",
    "denial_ignored": "rfc8628-3.5-access-denied",
    "denial_as_invalid_grant": "rfc8628-3.5-access-denied",
    "slow_down_polite": "rfc8628-3.5-server-no-slow-down-when-polite",
    "slow_down_ends_session": "rfc8628-3.5-server-slow-down-keeps-session",
    "slow_down_adds_a_minute": "rfc8628-3.5-server-accepts-increased-interval",
    "slow_down_after_denial": "rfc8628-3.5-slow-down-only-while-pending",
    "early_poll_discards_approval": "rfc8628-3.5-approved-fast-poll",
}
"""Faults of other requirements, and what a published machine says of them."""
BROAD = {"error_member_missing"}
"""Faults of other requirements that a check of many requirements names, some of which are on security."""


@cache
def published(dialect, fault=""):
    """What would be written of the reference server if it were somebody else's."""
    record = withheld(recorded_reference(dialect, "public", *filter(None, [fault])))
    return msgspec.structs.replace(record, target="shop")


@cache
def nothing(dialect):
    """What is written of a machine that is not published."""
    return msgspec.structs.replace(withheld(recorded_reference(dialect, "public", requests=50)), target="shop")


def shown(record):
    """The text of its page."""
    return html.fromstring(render_page([record])).xpath("string(//main)")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_honest_machine_is_published(dialect):
    record = published(dialect)
    assert (record.complete, record.withheld, len(record.states), record.edges) == (True, False, 5, [])
    assert record.machine.answers(("poll_polite", "poll_now", "approve", "poll_polite", "poll_now")) == (
        ("pending", "slow_down", "ok", "token", WITHHELD)
    )
    assert record.machine.answers(("deny", "approve", "poll_polite", "poll_polite")) == (
        ("ok", WITHHELD, "denied", WITHHELD)
    )


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", SECURITY)
def test_a_fault_of_security_is_in_nothing_that_is_written(fault, dialect):
    if dialect in faults()[fault]:
        assert_untold(fault, dialect)


@pytest.mark.long
@pytest.mark.parametrize("dialect", DIALECTS)
def test_no_fault_of_security_is_in_anything_that_is_written(dialect):
    """Every fifth of them; all with DEVICE_GRANT_ALL_FAULTS=1."""
    checks, invariants = judges()
    catalogue = load()
    named = {
        fault
        for judge in (*checks.values(), *invariants.values())
        if any(catalogue.get(name).security for name in judge.requirements)
        for fault in judge.faults
        if dialect in faults().get(fault, ())
    }
    assert set(SECURITY) & {fault for fault in SECURITY if dialect in faults()[fault]} <= named
    rest = sorted(named - SEEN.keys() - BROAD - set(SECURITY))
    for fault in rest if os.environ.get("DEVICE_GRANT_ALL_FAULTS") else rest[::5]:
        assert_untold(fault, dialect)


def assert_untold(fault, dialect):
    try:
        record = published(dialect, fault)
    except NotLearnableError:
        return
    assert encoded(record) in {encoded(published(dialect)), encoded(nothing(dialect))}, fault


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize(("fault", "requirement"), SEEN.items())
def test_other_faults_stay_red(fault, requirement, dialect):
    record = published(dialect, fault)
    assert requirement in {edge.requirement for edge in record.red}
    assert not any(load().get(edge.requirement).security for edge in record.red)
    assert f"<code>{requirement}</code>" in render_page([record])


RAW = (
    "token",
    "http-200",
    "http-302",
    "http-400",
    "http-429",
    "http-503",
    "odd-error",
    "server_error",
    "invalid_request",
)


def test_no_answer_that_keeps_its_name_or_kind_breaks_a_requirement_on_security():
    protocol, catalogue = protocol_machine(), load()
    monitor = PublicMonitor(protocol, {}, catalogue)
    names = set()
    for values in product(*protocol.variables.values()):
        state = dict(zip(protocol.variables, values, strict=True))
        for letter in PUBLIC_INPUTS:
            if protocol.withholds(state, letter):
                continue
            for answer in (*protocol.shown, *RAW):
                colour, named = protocol.judge(state, letter, answer)
                secret = colour is Colour.RED and any(catalogue.get(name).security for name in named)
                said = monitor.said(state, letter, answer)
                names.add(said)
                assert not secret or said == OTHER
                if said in KINDS:
                    # The kind is judged as the answer is.
                    assert protocol.judge(state, letter, said) == (colour, named)
    assert names >= {OTHER, "error", "http-4xx", "http-5xx", "token", *protocol.shown}


def test_what_errors_are_called():
    monitor = PublicMonitor(protocol_machine(), {}, load())
    fresh = monitor.start()
    said = {answer: monitor.said(fresh, "poll_polite", answer) for answer in RAW}
    assert said == {
        "token": OTHER,
        "http-200": OTHER,
        "http-302": OTHER,
        "http-400": "http-4xx",
        "http-429": "http-4xx",
        "http-503": "http-5xx",
        "odd-error": "error",
        "server_error": "error",
        "invalid_request": "error",
    }
    assert monitor.said(fresh, "approve", "refused") == "refused"


@pytest.mark.parametrize(
    ("fault", "answer"),
    [("early_poll_429", "http-4xx"), ("error_member_missing", "http-4xx"), ("pending_misspelt", "error")],
)
def test_errors_that_break_nothing_on_security_are_published_by_kind(fault, answer):
    record = published(RFC8628, fault)
    assert answer in {step[0] for state in record.states for step in state.values()}
    assert record.red
    assert "authorizationPending" not in encoded(record)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_what_target_toml_leaves_out_is_no_reason_to_publish_nothing(dialect):
    record = without_denial(dialect)
    assert (record.inputs, list(record.left_out), record.declared) == (
        (["poll_polite", "poll_now", "approve"], ["deny"], ["deny"])
    )
    assert record.complete
    assert "deny is left out: there is no way" in shown(record)
    undeclared = msgspec.structs.replace(record, declared=msgspec.UNSET)
    assert not publishable(undeclared)
    assert not publishable(msgspec.structs.replace(record, left_out={"deny": "x", "approve": "y"}))


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("fault", SECURITY)
def test_a_fault_of_security_is_in_nothing_that_is_written_without_denials(fault, dialect):
    if dialect in faults()[fault]:
        try:
            record = without_denial(dialect, fault)
        except NotLearnableError:
            return
        assert encoded(record) in {encoded(without_denial(dialect)), encoded(nothing(dialect))}


@cache
def without_denial(dialect, *names):
    """What would be written of the reference server if nobody could refuse there, which target.toml says."""
    record = withheld(recorded_reference(dialect, "public", *names, left_out=["deny"]))
    return msgspec.structs.replace(record, target="shop")


def test_what_is_no_input_cannot_be_left_out():
    with pytest.raises(UsageError, match=r"\[learning\] left_out in target.toml: 'denny' is no input"):
        recorded_reference(RFC8628, "public", left_out=["denny"])


@pytest.mark.parametrize("fault", ["code_reusable", "denial_then_token", "denial_impossible"])
def test_why_nothing_is_published_does_not_show(fault):
    record = published(RFC8628, fault)
    if record.withheld:
        assert encoded(record) == encoded(nothing(RFC8628))
        assert record.machine is None
        text = encoded(record) + shown(record)
        for word in ("denial", "refused", "left out", "unfinished", "single-use"):
            assert word not in text.lower(), word


def test_what_is_drawn_and_written_has_no_more_than_the_record():
    record = published(RFC8628)
    text = dot(record.machine, "x", *marks(record)) + shown(record) + encoded(record)
    assert "withheld: not asked, of any server" in text
    assert text.count("refused") == 0
    assert (record.words, record.requests, record.seconds) == (0, 0, 0.0)


def test_a_machine_of_other_inputs_is_not_published_of_others_and_whole_of_the_reference():
    basic = recorded_reference(RFC8628, "basic", "code_reusable")
    assert not publishable(basic)
    assert withheld(basic).states == []
    assert "rfc8628-3.5-device-code-single-use" in {edge.requirement for edge in basic.red}


def test_an_edge_about_security_is_never_published():
    record = recorded_reference(RFC8628, "public", "denial_ignored")
    assert publishable(record)
    record.edges[0].security = True
    assert not publishable(record)
