"""One grammar of judging: what is registered, what a check may ask for, and what becomes of what it says."""

from __future__ import annotations

from types import ModuleType

import pytest
from support.proof import catalogue

from device_grant.catalogue import Verdict
from device_grant.client.session.case import ClientCase
from device_grant.errors import SuiteError
from device_grant.judging import (
    PARAMETERS,
    Inconclusive,
    Judgement,
    Ledger,
    Verify,
    all_checks,
    check,
    invariant,
    rule,
    throwaway_registry,
)
from device_grant.judging.loading import import_checks
from device_grant.judging.verify import UNDECIDED
from device_grant.protocol import RFC8628, Exchange, Outcome, Request, Response, dialect
from device_grant.protocol.exchange import RAW
from device_grant.server.session.case import ServerCase

REQUIREMENT = "rfc8628-3.5-access-denied"
SERVER = "device_grant.server.checks.test_made_up"
CLIENT = "device_grant.client.checks.test_made_up"
CASES = {"server": ServerCase, "client": ClientCase}


def made_up(source="def test_it(verify): ...", *, module=SERVER, file="a.py", line=1):
    """A function that says it comes from that module, file and line."""
    code = compile("\n" * (line - 1) + source, file, "exec", dont_inherit=True)
    namespace = ModuleType(module).__dict__
    exec(code, namespace)
    return namespace["test_it"]


# Registering.


@pytest.mark.parametrize(("judge", "name"), [(check, "made_up"), (invariant, "invariants"), (rule, "rules")])
def test_second_judge_of_a_name_is_refused_with_both_places(judge, name):
    import_checks("server", "client")
    with throwaway_registry():
        judge(REQUIREMENT)(made_up(file="first.py", line=7))
        with pytest.raises(SuiteError, match=rf"^{name}::test_it is there twice: first.py:7 and second.py:9;"):
            judge(REQUIREMENT)(made_up(file="second.py", line=9))


def test_party_is_what_the_package_says():
    import_checks("server", "client")
    with throwaway_registry() as registry:
        check(REQUIREMENT)(made_up())
        assert registry.checks["made_up::test_it"].party == "server"
    with throwaway_registry() as registry:
        check(REQUIREMENT)(made_up(module=CLIENT))
        assert registry.checks["made_up::test_it"].party == "client"


def test_check_of_nobody_is_refused():
    with throwaway_registry(), pytest.raises(SuiteError, match=r'a\.py:1: no package .* give one PARTY = "server"'):
        check(REQUIREMENT)(made_up(module="elsewhere.test_made_up"))


# What a check may ask for.


@pytest.mark.parametrize(
    ("module", "asked", "message"),
    [
        (
            SERVER,
            "devise",
            r"^made_up::test_it asks for 'devise' \(did you mean device\?\); a check",
        ),
        (
            SERVER,
            "client",
            r"a check of a server may ask for device, other, confidential, verify, fuzz, case$",
        ),
        (CLIENT, "device", r"a check of a client may ask for client, verify$"),
    ],
)
def test_unknown_parameter_is_refused_with_what_there_is(module, asked, message):
    import_checks("server", "client")
    with throwaway_registry() as registry:
        with pytest.raises(SuiteError, match=message):
            check(REQUIREMENT)(made_up(f"def test_it({asked}): ...", module=module))
        assert not registry.checks


@pytest.mark.parametrize("party", PARAMETERS)
def test_case_has_what_the_table_offers_and_some_check_asks_for_it(party):
    import_checks("server", "client")
    assert all(isinstance(getattr(CASES[party], name), property) for name in PARAMETERS[party])
    asked = {name for entry in all_checks() if entry.party == party for name in entry.parameters}
    assert asked == set(PARAMETERS[party])


# Saying.


def answer(code="authorization_pending", *, lost=False, method="POST"):
    response = None if lost else Response(400)
    outcome = Outcome(0, "no-response") if lost else Outcome(400, code)
    request = Request(method, "http://127.0.0.1/")
    return Exchange(request, response, outcome, 0, 0, error="connection reset: by peer" if lost else "")


@pytest.fixture
def ledger():
    return Ledger("made_up::test_it", catalogue().get, dialect(RFC8628), (REQUIREMENT,), lambda *_: False)


def worst(ledger):
    return ledger.tallies[REQUIREMENT].worst


def test_outcome_that_is_accepted_holds(ledger):
    Verify(ledger)(REQUIREMENT, answer("access_denied"), accepted=["access_denied"])
    assert (worst(ledger).verdict, worst(ledger).message, worst(ledger).exchanges) == (Verdict.PASS, "", ())


def test_outcome_that_is_not_accepted_is_the_evidence(ledger):
    exchange = answer()
    Verify(ledger)(REQUIREMENT, exchange, accepted=["access_denied"], tolerated=["expired_token"])
    claim = worst(ledger)
    assert (claim.verdict, claim.exchanges) == (Verdict.FAIL, (exchange,))
    assert claim.message == "answered 400 authorization_pending instead of access_denied"
    assert claim.accepted == ("access_denied", "expired_token (with a warning)")


def test_tolerated_outcome_is_a_warning(ledger):
    Verify(ledger)(REQUIREMENT, answer("expired_token"), accepted=["access_denied"], tolerated=["expired_token"])
    assert worst(ledger).verdict is Verdict.WARN


def test_lost_connection_says_nothing_unless_that_is_accepted(ledger):
    lost = answer(lost=True)
    Verify(ledger)(REQUIREMENT, lost, accepted=["access_denied"])
    assert (worst(ledger).verdict, worst(ledger).got) == (Verdict.INCONCLUSIVE, "no response (connection reset)")
    holds = False
    Verify(ledger).that(REQUIREMENT, holds, "wrong", lost, accepted=["no-response"])
    assert worst(ledger).verdict is Verdict.FAIL


@pytest.mark.parametrize("doubt_first", [True, False])
def test_a_sure_warning_outranks_a_doubt(ledger, doubt_first):
    """One wait that is too close to call does not undo another that was certainly too short."""
    sure = Judgement(REQUIREMENT, holds=False, problem="polled at once", tolerated=True)
    doubt = Judgement(REQUIREMENT, holds=None, problem="too close to call")
    for judgement in (doubt, sure) if doubt_first else (sure, doubt):
        ledger.settle(judgement)
    assert (worst(ledger).verdict, worst(ledger).message) == (Verdict.WARN, "polled at once")


def test_connection_closed_on_raw_octets_is_an_answer(ledger):
    Verify(ledger)(REQUIREMENT, answer(lost=True, method=RAW), accepted=["access_denied"])
    assert worst(ledger).verdict is Verdict.FAIL


def test_measured_values_are_kept_as_values(ledger):
    holds = False
    Verify(ledger).that(REQUIREMENT, holds, "too late", answer(), got="6.0 s", measured={"waited": 6.0})
    assert (worst(ledger).measured, worst(ledger).got) == ({"waited": 6.0}, "6.0 s")


def test_requirement_that_the_decorator_does_not_name_is_an_error(ledger):
    with pytest.raises(SuiteError, match=r"judges rfc8628-3\.2-no-store, which its decorator does not name"):
        ledger.settle(Judgement("rfc8628-3.2-no-store", holds=True))


class Run:
    """A run of a client of which the rules say this."""

    entries = ()
    unanswered = False
    how = "ended with success"
    seen = "it sent one poll"

    def __init__(self, *said):
        self.said = list(said)

    def describe(self, _holds=None):
        return self.how

    def judgements(self, _requirements):
        return self.said


def test_what_cannot_be_told_is_said_to_be_so(ledger):
    Verify(ledger).that(REQUIREMENT, None, "did not end")
    assert (worst(ledger).verdict, worst(ledger).message) == (Verdict.INCONCLUSIVE, f"{UNDECIDED}: did not end")


def test_a_reason_why_nothing_can_be_told_is_given_as_it_is(ledger):
    Verify(ledger).unclear(REQUIREMENT, "the code is spent")
    assert (worst(ledger).verdict, worst(ledger).message) == (Verdict.INCONCLUSIVE, "the code is spent")


def test_what_rules_say_is_what_the_check_says(ledger):
    Verify(ledger).by_rules(Run(Judgement(REQUIREMENT, holds=False, problem="polled again")), REQUIREMENT)
    assert (worst(ledger).verdict, worst(ledger).message) == (Verdict.FAIL, "polled again")


def test_silence_of_the_rules_is_inconclusive_or_the_default(ledger):
    with pytest.raises(
        Inconclusive, match="the client ended with success, and nothing in its run showed this: it sent one poll"
    ):
        Verify(ledger).by_rules(Run(), REQUIREMENT)
    Verify(ledger).by_rules(Run(), REQUIREMENT, default=True)
    assert worst(ledger).verdict is Verdict.PASS
