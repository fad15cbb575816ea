"""The suite accuses the real AWS SSO OIDC of nothing that its published answers show (cassettes/aws-public-record)."""

from __future__ import annotations

import re

import pytest
from support.proof import catalogue, judges
from support.public_record import NotRecordedError, Record, Replay, records, replayed

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.protocol import AWS_SSO_OIDC
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import Run, new_run

CHECKS, _ = judges()
HEADER = "smithy-restjson1-error-header-bare"
LONG_LIVED = "rfc6819-5.1.5.2-tokens-expire"
SHORT = "rfc8628-3.2-verification-uri-short"
FRAGMENT = "rfc3986-3.5-fragment"
EXPIRED = "rfc8628-3.5-expired-token"
ACCEPTABLE = (Verdict.PASS, Verdict.NOT_APPLICABLE)

CHECKED = {
    "aws_registration::test_operations_are_unsigned_posts": {},
    "aws_registration::test_register_client_members": {},
    "aws_registration::test_register_client_null_members": {},
    "aws_registration::test_register_client_scopes": {},
    "client_authentication::test_token_request_without_the_grant": {},
    "client_authentication::test_wrong_secret_at_start": {},
    "device_authorization::test_codes_are_unique": {},
    "device_authorization::test_start": {},
    "device_authorization::test_start_by_unknown_client": {},
    "device_authorization::test_start_response_members": {},
    "device_authorization::test_start_url_is_validated": {},
    "device_authorization::test_unknown_parameter_is_ignored": {},
    "entropy::test_client_secrets_cannot_be_guessed": {},
    "entropy::test_device_codes_cannot_be_guessed": {},
    "entropy::test_tokens_cannot_be_guessed": {},
    "entropy::test_user_codes_suit_people": {},
    "expiry::test_approved_code_expires_too": {},
    "expiry::test_code_lives_as_long_as_promised": {},
    "expiry::test_expiry": {EXPIRED: Verdict.WARN},
    "grant_names::test_registered_names": {},
    "grant_names::test_scope_that_does_not_exist": {},
    "polling::test_impolite_polling": {},
    "polling::test_other_codes_are_no_device_code": {},
    "polling::test_pending": {},
    "polling::test_polite_polling": {},
    "polling::test_slow_down_is_survived": {},
    "polling::test_unknown_device_code": {},
    "polling::test_unknown_token_parameter_is_ignored": {},
    "refresh::test_altered_refresh_token": {},
    "refresh::test_refresh": {},
    "registration::test_expired_registration_is_refused": {},
    "registration::test_register_a_client": {},
    "registration::test_registrations_are_distinct": {},
    "registration::test_secret_of_a_registered_client": {},
    "registration::test_time_of_registration": {},
    "restjson::test_members_that_mean_nothing": {},
    "scope::test_malformed_scope": {},
    "tokens::test_each_login_asks_the_user": {},
    "tokens::test_slow_down_of_create_token": {},
    "user_decision::test_approval": {},
    "user_decision::test_denial_is_final": {},
    "user_decision::test_only_the_right_code_is_approved": {},
    "user_decision::test_slow_down_means_pending": {},
    "verification_page::test_address_is_short": {},
    "verification_page::test_addresses_have_no_fragment": {},
    "verification_page::test_complete_address_names_the_session": {},
}
"""Checks that the record can answer, and what they say of the service beyond pass and not-applicable."""

WARNED = {
    # Their x-amzn-ErrorType goes on after a colon, as only old services are excused for.
    HEADER: {name for name, record in records().items() if record.status >= 400},
    # A Builder ID token lives a week.
    LONG_LIVED: {"create-token-success"},
}
"""Requirements of which the published answers earn a warning, and which answers."""


@pytest.fixture(scope="module")
def run():
    with replayed(Replay()) as target:
        yield new_run(target, AWS_SSO_OIDC, catalogue())


def _case(run: Run, check: str = "device_authorization::test_start") -> ServerCase:
    return ServerCase(run, CHECKS[check])


def _judged(case: ServerCase) -> dict[str, Verdict]:
    """The worst verdict of the invariants on each requirement, passes left out."""
    collected: dict[str, Verdict] = {}
    for ledger in case.invariants.values():
        for requirement, tally in ledger.tallies.items():
            if tally.verdict is not Verdict.PASS:
                collected[requirement] = max(tally.verdict, collected.get(requirement, tally.verdict))
    return collected


@pytest.mark.parametrize("name", records())
def test_no_invariant_accuses_a_published_answer(run, name):
    case = _case(run)
    case.take(records()[name].exchange())
    expected = {requirement: Verdict.WARN for requirement, names in WARNED.items() if name in names}
    assert _judged(case) == expected


@pytest.mark.parametrize("name", CHECKED)
def test_no_check_accuses_the_replayed_service(name):
    assert _replay(name) == CHECKED[name]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        ("start-device-authorization", {}),
        ("start-device-authorization-fragment", {SHORT: Verdict.WARN, FRAGMENT: Verdict.OBSERVED}),
        ("start-device-authorization-request-uri", {}),
    ],
)
def test_every_form_of_address_is_let_be(start, expected):
    collected: dict[str, Verdict] = {}
    for check in (
        "device_authorization::test_codes_are_unique",
        "device_authorization::test_start_response_members",
        "user_decision::test_approval",
        "verification_page::test_address_is_short",
        "verification_page::test_addresses_have_no_fragment",
        "verification_page::test_complete_address_names_the_session",
    ):
        collected |= _replay(check, start=start)
    assert collected == expected


@pytest.mark.parametrize("tokens", ["create-token-success", "create-token-portal", "create-token-refreshable"])
def test_every_form_of_token_response_is_let_be(tokens):
    for check in (
        "user_decision::test_approval",
        "refresh::test_refresh",
        "polling::test_hasty_poll_does_not_lose_the_token",
    ):
        assert _replay(check, tokens=tokens) == {}


def _replay(name: str, **answers: str) -> dict[str, Verdict]:
    """What a check says against the replayed service; the warnings of the invariants are known."""
    with replayed(Replay(**answers)) as target:
        said = run_check(target, name)
    assert not target.app_errors, target.app_errors[-1]
    assert said.transcript.exchanges
    assert {requirement for entry in said.broken_invariants.values() for requirement in entry} <= set(WARNED)
    return {requirement: verdict for requirement, verdict in said.verdicts.items() if verdict not in ACCEPTABLE}


def test_warnings_have_their_reason_in_the_catalogue():
    for requirement in (HEADER, LONG_LIVED, SHORT, FRAGMENT, EXPIRED):
        entry = catalogue().get(requirement)
        assert entry.caveat or entry.aws_note, requirement
        assert entry.verdict_if_broken < Verdict.FAIL or "warning" in entry.caveat, requirement


def test_a_wrong_answer_would_be_noticed(run):
    pending = records()["create-token-pending"]
    case = _case(run)
    case.take(_changed(pending, body='{"error_description":"not yet"}').exchange())
    assert _judged(case)["aws-error-body-members"] > Verdict.PASS
    case = _case(run)
    # No description was ever published of some exceptions.
    case.take(_changed(pending, body='{"error":"authorization_pending"}').exchange())
    assert _judged(case) == {HEADER: Verdict.WARN}
    case = _case(run)
    case.take(_changed(pending, status=401).exchange())
    assert _judged(case)["aws-error-status-table"] is Verdict.FAIL


def _changed(record: Record, **changes: object) -> Record:
    values = {name: getattr(record, name) for name in Record.__struct_fields__}
    return Record(**(values | changes))


@pytest.mark.parametrize("name", records())
def test_records_are_plain_and_sourced(name):
    record = records()[name]
    assert all(re.fullmatch(r"https://\S+|public source code of .+", source) for source in record.sources)
    assert record.made_up
    length = record.headers.get("Content-Length")
    exchange = record.exchange()
    assert length is None or int(length) == len(exchange.response.content)
    assert exchange.outcome.ok == (record.status == 200)


def test_the_record_shows_each_kind_of_answer():
    codes = {record.exchange().code for record in records().values()}
    assert codes == {
        "ok",
        "authorization_pending",
        "access_denied",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
    }


def test_what_nobody_published_is_not_answered():
    with pytest.raises(NotRecordedError):
        Replay().answer("/token", {"grantType": "password"})
