"""Rules for every exchange: what they leave alone."""

import json

import pytest

from device_grant.protocol import Operation, Outcome, Request, Response, dialect
from device_grant.protocol.exchange import Exchange
from device_grant.server.invariants.json_texts import json_literals_are_lower_case, json_parses
from device_grant.server.invariants.syntax import member_names_are_well_formed, scope_of_responses_is_well_formed

RFC = dialect("rfc8628")
AT = "http://127.0.0.1/"
JSON = (("Content-Type", "application/json"),)


def answered(operation, sent, received):
    body = received if isinstance(received, bytes) else json.dumps(received).encode()
    request = Request("POST", AT, JSON, json.dumps(sent).encode(), operation)
    members = {} if isinstance(received, bytes) else received
    return Exchange(request, Response(200, JSON, body), Outcome(200, "ok", members), 0, 0)


def verdicts(rule, exchange):
    """Whether the requirements hold, of all that the invariant says of this exchange."""
    return {judgement.holds for judgement in rule(exchange, RFC)}


@pytest.mark.parametrize(
    ("rule", "odd", "other"),
    [
        (member_names_are_well_formed, {"$ref": "1"}, {"$id": "1"}),
        (scope_of_responses_is_well_formed, {"scope": "a b "}, {"scope": "a  b"}),
    ],
)
def test_what_a_registration_repeats_is_the_writing_of_the_client(rule, odd, other):
    assert False not in verdicts(rule, answered(Operation.REGISTRATION, odd, odd))
    assert verdicts(rule, answered(Operation.REGISTRATION, odd, odd | other)) == {False}
    assert verdicts(rule, answered(Operation.TOKEN, odd, odd)) == {False}


def test_json_beyond_the_depth_of_our_parser_is_not_judged():
    deep = b"[" * 100_000 + b"]" * 100_000
    assert verdicts(json_parses, answered(Operation.REGISTRATION, {}, deep)) == set()
    assert verdicts(json_parses, answered(Operation.REGISTRATION, {}, b"[1,]")) == {False}


@pytest.mark.parametrize(
    ("body", "holds"),
    [
        (b'{"c', True),
        (b'{"a": "x y', True),
        (b'{"a": "x\\', True),
        (b'{"a": "x\\"y", "b": fal', True),
        (b'{"a": tru', True),
        (b'{"a": True', False),
        (b'{"a": None, "b": "c', False),
        (b'{"a": fal}', False),
        (b'{"a": nul, "b": 1}', False),
    ],
)
def test_a_body_that_is_cut_off_has_no_bare_word_for_that(body, holds):
    exchange = answered(Operation.TOKEN, {}, body)
    assert verdicts(json_literals_are_lower_case, exchange) == {holds}
