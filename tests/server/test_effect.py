"""A user module that reports success without doing anything: the server is not accused of it."""

from __future__ import annotations

import pytest
from support.proof import applies, catalogue, judges

from device_grant.catalogue import Verdict
from device_grant.engine import BROKEN, run_check
from device_grant.protocol import AWS_SSO_OIDC, RFC8628
from device_grant.reference.embedded import embedded
from device_grant.reference.server import user as honest
from device_grant.server.session.run import new_run
from device_grant.targets.ports import Pages, UserError

pytestmark = pytest.mark.long

CHECKS, _ = judges()
REASON = "the user module reported success but nothing was decided"
APPROVAL, DENIAL = "user_decision::test_approval", "user_decision::test_denial_is_final"


class Person:
    """A user of the reference server who takes only some decisions, and says nothing of the others."""

    pages = None

    def __init__(self, *able, refused=()):
        self.able, self.refused, self.asked = able, refused, 0

    def approve(self, http, grant):
        self._decide("approve", http, grant)

    def deny(self, http, grant):
        self._decide("deny", http, grant)

    def _decide(self, action, http, grant):
        self.asked += 1
        if action in self.refused:
            raise UserError("not today")
        if action in self.able:
            honest.decide(http, grant, action)


class Reader(Person):
    """The same, who reads the pages up to the decision and presses nothing."""

    pages = Pages(sign_in=honest.sign_in, confirmation=honest.confirmation, enter=honest.enter)

    def _decide(self, action, http, grant):
        honest.confirmation(http, grant)
        super()._decide(action, http, grant)


def settled(names, person, dialect=RFC8628, faults=()):
    """Verdict and message of each requirement of the checks, all in one run."""
    collected = {}
    with embedded(dialect, faults, user=person) as target:
        run = new_run(target, dialect, catalogue())
        for name in names:
            for requirement, claim in run_check(run, name).claims.items():
                collected[name, requirement] = (claim.verdict, claim.message)
        run.close()
    return collected


@pytest.mark.parametrize("person", [Person, Reader])
@pytest.mark.parametrize("dialect", [RFC8628, AWS_SSO_OIDC])
def test_a_user_who_does_nothing_makes_no_server_wrong(dialect, person):
    names = [name for name, entry in CHECKS.items() if applies(entry, dialect) and not entry.sampled]
    result = settled(names, person(), dialect)
    assert not {key: message for key, (verdict, message) in result.items() if verdict in BROKEN}
    assert result[APPROVAL, "rfc8628-3.5-success-after-approval"] == (Verdict.UNTESTABLE, REASON)
    assert result[DENIAL, "rfc8628-3.5-access-denied"] == (Verdict.UNTESTABLE, REASON)


def test_generated_requests_accuse_nobody_after_decisions_without_effect():
    result = settled(["malformed_input::test_malformed_token_request"], Reader())
    assert not {key: message for key, (verdict, message) in result.items() if verdict in BROKEN}


@pytest.mark.parametrize(
    ("able", "check", "requirement"),
    [
        (["approve"], DENIAL, "rfc8628-3.5-access-denied"),
        (["deny"], APPROVAL, "rfc8628-3.5-success-after-approval"),
    ],
)
def test_one_decision_that_works_makes_the_other_one_the_servers(able, check, requirement):
    assert settled([check], Person(*able))[check, requirement][0] is Verdict.FAIL


@pytest.mark.parametrize(("fault", "check"), [("approval_ignored", APPROVAL), ("denial_ignored", DENIAL)])
def test_a_server_that_ignores_one_decision_fails(fault, check):
    result = settled([check], Person("approve", "deny"), faults=[fault])
    assert Verdict.FAIL in {verdict for verdict, _ in result.values()}


def test_the_user_is_tried_once():
    person = Person()
    settled([APPROVAL, APPROVAL, APPROVAL], person)
    assert person.asked == 3 + len(("approve", "deny"))


def test_a_refusal_of_the_page_is_no_effect():
    person = Person(refused=["deny"])
    assert set(settled([APPROVAL], person).values()) == {(Verdict.UNTESTABLE, REASON)}


def test_a_user_who_is_known_to_work_is_not_tried():
    person = Person("approve", "deny")
    settled([APPROVAL, DENIAL], person)
    before = person.asked
    again = Person("approve", "deny")
    settled([APPROVAL], again)
    assert (before, again.asked) == (3, 1)
