"""A token endpoint that does not read correct requests is accused of that, and of nothing that the codes do."""

from dataclasses import replace

import pytest
from support.proof import catalogue, judges

from device_grant.catalogue import Verdict
from device_grant.engine import BROKEN, run_check
from device_grant.protocol import AWS_SSO_OIDC, RFC8628, Operation, Response
from device_grant.reference.embedded import embedded
from device_grant.server.session.run import new_run

CHECKS, _ = judges()
PENDING = "polling::test_pending"
OF_THE_CODE = (
    "polling::test_polite_polling",
    "expiry::test_expiry",
    "user_decision::test_denial_is_final",
    "user_decision::test_loading_the_page_decides_nothing",
)
UNREAD = Response(415, (("Content-Type", "application/json"),), b'{"message":"send me something else"}')


def refusing(run):
    asked, decoded = run.exchange, run.dialect.decode(Operation.TOKEN, UNREAD)

    def exchange(request, *arguments, **options):
        answer = asked(request, *arguments, **options)
        token = request.operation is Operation.TOKEN
        return replace(answer, response=UNREAD, outcome=decoded) if token else answer

    return exchange


def verdicts(name, dialect):
    with embedded(dialect) as target:
        run = new_run(target, dialect, catalogue())
        run.exchange = refusing(run)
        said = run_check(run, name)
        run.close()
        return said.verdicts


@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
@pytest.mark.parametrize("name", OF_THE_CODE)
def test_the_codes_are_not_judged(name, dialect):
    result = verdicts(name, dialect)
    assert Verdict.UNTESTABLE in result.values()
    assert not set(BROKEN) & set(result.values())


def test_nor_by_what_comes_after_malformed_requests():
    result = verdicts("malformed_input::test_malformed_token_request", RFC8628)
    assert Verdict.FAIL in result.values()
    of_the_code = ("rfc8628-3.5-pending-is-not-terminal", "rfc8628-3.5-success-after-approval")
    assert not [name for name in of_the_code if result.get(name) in BROKEN]


@pytest.mark.parametrize(
    ("dialect", "requirement"), [(RFC8628, "rfc8628-3.4-server-accepts-grant"), (AWS_SSO_OIDC, "aws-token-pending")]
)
def test_the_endpoint_is(dialect, requirement):
    assert verdicts(PENDING, dialect)[requirement] is Verdict.FAIL
