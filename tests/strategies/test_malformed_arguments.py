"""What malformed() may be asked for: an operation by two names, a base or none, members and kinds; or is refused."""

import pytest
from hypothesis import Phase, find, given, settings
from hypothesis.errors import InvalidArgument
from support.malformations import AWS, BASES, CODE, RFC, profile

from device_grant.protocol import dialects
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, Operation
from device_grant_strategies import MALFORMATIONS, malformed


@pytest.mark.parametrize(("dialect", "operation"), BASES)
def test_all_kinds_turn_up_without_a_choice(dialect, operation):
    drawn = set()

    @settings(profile, max_examples=450)
    @given(malformed(operation, dialect=dialect, base=BASES[dialect, operation]))
    def collect(wrong):
        drawn.add(wrong.kind)

    collect()
    claimed = {kind for kind, entry in MALFORMATIONS.items() if entry.where(dialects.dialect(dialect), operation)}
    assert drawn == claimed


@pytest.mark.parametrize(("dialect", "operation"), BASES)
def test_a_base_is_drawn_where_none_is_given(dialect, operation):
    @settings(profile, max_examples=100)
    @given(malformed(operation, dialect=dialect))
    def check(wrong):
        if operation is not Operation.REGISTRATION:
            assert "invalid_client" in wrong.accepted

    check()


def test_the_operation_has_two_names_and_members_can_be_chosen():
    strategy = malformed("CreateToken", base=BASES[AWS, Operation.TOKEN], members=["deviceCode"])

    @settings(profile, max_examples=200)
    @given(strategy)
    def check(wrong):
        assert wrong.operation is Operation.TOKEN
        assert wrong.member == "deviceCode"

    check()
    assert find(strategy, lambda _: True, settings=settings(profile, phases=list(Phase))).kind == "member-missing"


def test_a_client_that_authenticates_by_header_is_not_attacked():
    poll = {"grant_type": DEVICE_CODE_GRANT, "device_code": CODE}

    @settings(profile, max_examples=200)
    @given(malformed("token", dialect=RFC, base=poll))
    def check(wrong):
        assert wrong.member in ("", "grant_type", "device_code", "x_unknown")
        assert b"client_id" not in wrong.body

    check()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"operation": "tokens"}, "no 'tokens'; did you mean token"),
        ({"operation": "token", "dialect": "aws"}, "no 'aws'"),
        ({"operation": "token", "kinds": ["trunkated"]}, "did you mean truncated"),
        ({"operation": "token", "dialect": RFC, "kinds": ["truncated"]}, "none of the kinds applies"),
        ({"operation": "token", "base": {"clientId": "x"}}, "give it clientSecret, grantType"),
        ({"operation": "token", "dialect": RFC, "base": {"grant_type": DEVICE_CODE_GRANT}}, "give it device_code"),
        ({"operation": "registration", "base": {"clientName": "x", "clientType": "public", "y": 1}}, "has no y"),
        ({"operation": "token", "members": ["nope"], "base": BASES[AWS, Operation.TOKEN]}, "no member to which"),
    ],
)
def test_bad_arguments_are_refused_at_once(arguments, message):
    with pytest.raises(InvalidArgument, match=message):
        malformed(**arguments)


@pytest.mark.parametrize("base", [{}, {"scope": "openid"}])
def test_a_form_that_may_be_empty_is_not_attacked_by_emptying_or_mislabelling_it(base):
    """A client that authenticates by a header needs no parameter (RFC 8628 3.1)."""
    drawn = []

    @settings(profile, max_examples=300)
    @given(malformed("device_authorization", dialect=RFC, base=base))
    def collect(wrong):
        drawn.append(wrong)

    collect()
    valid = dialects.dialect(RFC).encode(Operation.DEVICE_AUTHORIZATION, "http://as.test", base, None)
    for wrong in drawn:
        # A server that makes nothing of such a body is left with a valid request.
        unread = wrong.content_type is None or not wrong.content_type.lower().startswith(valid.header("content-type"))
        assert wrong.harmless or not unread, wrong
        assert wrong.harmless or wrong.member == "scope", wrong
        assert wrong.harmless or wrong.body.strip() not in (b"", valid.content)
    assert len({wrong.kind for wrong in drawn}) > 10
