"""The control next to a check's own request: who answers everything alike is not accused of what the check is about."""

from __future__ import annotations

import json
from dataclasses import replace
from urllib.parse import parse_qsl, urlencode

import pytest
from support.broken_servers import REGISTER, START, TOKEN, Answer, behind, changed, error
from support.serving import said, serving

from device_grant.catalogue import Verdict, load
from device_grant.engine import run_check
from device_grant.protocol import RFC8628
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.settings import Settings
from device_grant.server.session.run import new_run
from device_grant.targets.config import Lifetimes, RequestDefaults

PASS, FAIL, INCONCLUSIVE, UNTESTABLE = Verdict.PASS, Verdict.FAIL, Verdict.INCONCLUSIVE, Verdict.UNTESTABLE
DEVICE_GRANT = "urn:ietf:params:oauth:grant-type:device_code"
INJECTION = "rfc6819-5.1.4.1.2-sql-injection"
SANITIZE = "rfc6749-10.14-sanitize-input"
UTF8 = "rfc6749-B-utf8-decode"
EMPTY = "rfc8628-3.1-empty-param-as-omitted"
CASE = "rfc6749-1.9-case-sensitive-values"
IN_QUERY = "rfc6749-2.3.1-uri-credentials-refused"
ANY_CODE = "any-code"


class Clients:
    """Remembers who registered, so that requests of anybody else can be answered in another way."""

    def __init__(self):
        self.ids = []

    def after(self, path, answer):
        if path == REGISTER and answer.status == 201:
            self.ids.append(json.loads(answer.body)["client_id"])
        return answer

    def knows(self, request):
        return request.form.get("client_id") in self.ids


def odd_at_start(answer_to_strangers):
    """Whoever is no client is answered at the device endpoint as the function says."""
    clients = Clients()

    def before(request):
        if request.path != START or clients.knows(request):
            return request
        return answer_to_strangers(request, clients)

    return behind(before, clients.after)


def any_client(request, clients):
    """The first client's codes, whoever asks."""
    return replace(request, body=urlencode(request.form | {"client_id": clients.ids[0]}).encode())


def broken_by_strangers(_request, _clients):
    return Answer(500, b"Internal Server Error", {"content-type": "text/plain"})


def denied(_request, _clients):
    return error("access_denied")


def broken_by_quotes(request, clients):
    return (
        broken_by_strangers(request, clients)
        if "'" in request.form.get("client_id", "")
        else error("invalid_client", 401)
    )


def test_a_server_that_breaks_for_every_stranger_shows_no_injection():
    assert said(odd_at_start(broken_by_strangers), "tokens::test_injected_queries").verdicts[INJECTION] is INCONCLUSIVE


def test_a_server_that_serves_every_stranger_shows_no_injection():
    assert said(odd_at_start(any_client), "tokens::test_injected_queries").verdicts[INJECTION] is INCONCLUSIVE


def test_a_server_that_a_quote_breaks_shows_one():
    assert said(odd_at_start(broken_by_quotes), "tokens::test_injected_queries").verdicts[INJECTION] is FAIL


MALFORMED = "malformed_input::test_malformed_device_authorization"


def test_any_refusal_of_odd_input_is_one():
    verdicts = said(odd_at_start(denied), MALFORMED).verdicts
    assert (verdicts[SANITIZE], verdicts[UTF8]) == (PASS, PASS)


def test_where_any_client_is_served_its_letters_show_nothing():
    verdicts = said(odd_at_start(any_client), MALFORMED).verdicts
    assert {verdicts[name] for name in (SANITIZE, UTF8, "rfc9110-15.5.14-too-large") if name in verdicts} == {PASS}
    assert CASE not in verdicts
    # An empty client_id is served as none at all is, which is what the rule asks.
    assert verdicts[EMPTY] is PASS
    assert verdicts["rfc8628-3.1-missing-client-id-rejected"] is FAIL


def test_letters_that_do_not_count_are_seen_where_clients_do():
    def in_any_case(request, clients):
        wanted = request.form.get("client_id", "").lower()
        known = next((name for name in clients.ids if name.lower() == wanted), None)
        if known is None:
            return request
        return replace(request, body=urlencode(request.form | {"client_id": known}).encode())

    assert said(odd_at_start(in_any_case), MALFORMED).verdicts[CASE] is FAIL


def query_read(request):
    """The query counts as the form does."""
    if request.path != START or not request.query:
        return request
    return replace(request, query="", body=urlencode(request.form | dict(parse_qsl(request.query))).encode())


def test_a_secret_in_the_query_is_accepted_only_where_a_wrong_one_is_not():
    check = "client_authentication::test_credentials_in_the_query"
    assert said(behind(query_read), check).verdicts[IN_QUERY] is FAIL
    lax = behind(query_read, faults=Faults(device_endpoint_skips_secret=True, secret_optional=True))
    assert said(lax, check).verdicts[IN_QUERY] is INCONCLUSIVE


def test_a_server_that_grants_starts_without_anything_reads_no_query():
    check = "encoding::test_parameters_in_the_query"
    assert said(odd_at_start(any_client), check).stop is not None
    assert said(behind(query_read), check).verdicts["rfc8628-3.1-params-in-body"] is not PASS


REFRESHES = {
    "scope::test_refresh_for_more_scope": UNTESTABLE,
    "refresh::test_refresh_by_another_client": UNTESTABLE,
    "refresh::test_refresh_by_another_authenticated_client": UNTESTABLE,
    "refresh::test_altered_refresh_token": UNTESTABLE,
    "refresh::test_reused_code_revokes": UNTESTABLE,
}


@pytest.mark.parametrize("check", REFRESHES)
def test_where_no_refresh_works_a_refusal_shows_nothing(check):
    def before(request):
        refuses = request.path == TOKEN and request.form.get("grant_type") == "refresh_token"
        return error("invalid_grant") if refuses else request

    assert set(said(behind(before), check).verdicts.values()) == {REFRESHES[check]}
    assert set(said(behind(), check).verdicts.values()) <= {PASS, Verdict.OBSERVED}


def test_the_same_tokens_several_times_are_one_set():
    kept, asked = {}, [""]

    def before(request):
        asked[0] = request.form.get("device_code", "") if request.path == TOKEN else ""
        return kept.get(asked[0], request)

    def after(path, answer):
        if path == TOKEN and b'"access_token"' in answer.body:
            kept[asked[0]] = answer
        return answer

    check, requirement = "races::test_simultaneous_redemption", "rfc8628-3.5-concurrent-redemption"
    assert said(behind(before, after), check).verdicts[requirement] is PASS
    assert said(behind(faults=Faults(redemption_race=True)), check).verdicts[requirement] is FAIL


EXPIRY = {
    "expiry::test_expiry": "rfc8628-3.5-no-pending-after-expiry",
    "expiry::test_approved_code_expires_too": "rfc8628-3.5-approved-then-expired",
    "expiry::test_expired_user_code_cannot_be_approved": "rfc8628-3.2-expires-in-covers-both-codes",
}


def untold(path, answer):
    """The lifetime of codes is not said."""
    return changed(answer, expires_in=None) if path == START and answer.status == 200 else answer


@pytest.mark.parametrize("check", EXPIRY)
def test_the_end_of_codes_is_tried_by_what_target_toml_declares(check):
    lifetimes, requirement = Lifetimes(device_code=600), EXPIRY[check]
    assert said(behind(after=untold), check).verdicts[requirement] is UNTESTABLE
    assert said(behind(after=untold), check, lifetimes=lifetimes).verdicts[requirement] is PASS
    endless = behind(after=untold, settings=Settings(expires_in=10**7))
    assert said(endless, check, lifetimes=lifetimes).verdicts[requirement] in {FAIL, Verdict.WARN}


def test_what_target_toml_declares_is_no_promise_of_the_server():
    check = "expiry::test_code_lives_as_long_as_promised"
    outcome = said(behind(after=untold), check, lifetimes=Lifetimes(device_code=600))
    assert set(outcome.verdicts.values()) == {UNTESTABLE}


CASE_OF_SCOPES = "rfc6749-3.3-scope-case-sensitive"


def scopes_of(granted):
    """The token endpoint says of each grant that it has the scope that the function makes of the one asked for."""
    asked, codes = [""], {}

    def before(request):
        if request.path == START:
            asked[0] = request.form.get("scope", "")
            return replace(request, body=urlencode(request.form | {"scope": ""}).encode())
        if request.path == TOKEN:
            asked[0] = codes.get(request.form.get("device_code", ""), "")
        return request

    def after(path, answer):
        if path == START and answer.status == 200:
            codes[json.loads(answer.body)["device_code"]] = asked[0]
        if path == TOKEN and b'"access_token"' in answer.body:
            return changed(answer, scope=granted(asked[0]))
        return answer

    return behind(before, after)


@pytest.mark.parametrize(
    ("granted", "verdict"),
    [
        (lambda _asked: "email profile", INCONCLUSIVE),
        (lambda asked: "email" if asked.lower() == "email" else "profile", Verdict.WARN),
        (lambda asked: "email" if asked == "email" else "other", PASS),
    ],
    ids=["given to all", "case ignored", "case counts"],
)
def test_scopes_that_every_start_gets_are_no_other_case(granted, verdict):
    request = RequestDefaults(scope="email")
    outcome = said(scopes_of(granted), "scope::test_case_of_scopes", request=request)
    assert outcome.verdicts[CASE_OF_SCOPES] is verdict


@pytest.mark.parametrize(("status", "verdict"), [(400, PASS), (501, PASS), (500, FAIL)])
def test_a_refusal_on_purpose_keeps_the_rules_on_odd_input(status, verdict):
    def before(request):
        known = request.path != TOKEN or request.form.get("grant_type") in {DEVICE_GRANT, "refresh_token", None}
        if known or request.form["grant_type"] == "no-such-grant-type":
            return request
        return error("unsupported_grant_type", status)

    verdicts = said(behind(before), "malformed_input::test_malformed_token_request").verdicts
    assert {verdicts[SANITIZE], verdicts[UTF8], verdicts[CASE]} == {verdict}


def test_a_server_that_breaks_for_every_stranger_is_not_accused_of_each_odd_value():
    verdicts = said(odd_at_start(broken_by_strangers), MALFORMED).verdicts
    assert {verdicts.get(name, PASS) for name in (SANITIZE, UTF8, CASE, "rfc9110-15.5.14-too-large")} == {PASS}
    assert said(odd_at_start(broken_by_quotes), MALFORMED).verdicts[SANITIZE] is FAIL


def unsupported_where_missing(request):
    if request.path == TOKEN and "grant_type" not in request.form:
        return error("unsupported_grant_type")
    return request


def test_a_name_in_another_case_is_refused_by_whatever_code():
    outcome = said(behind(unsupported_where_missing), "malformed_input::test_malformed_token_request")
    assert outcome.verdicts.get("rfc6749-1.9-case-sensitive-names", PASS) is PASS
    assert "rfc6749-1.9-case-sensitive-names" in outcome.verdicts


def silent_where_missing(request):
    if request.path == START and "client_id" not in request.form:
        return Answer(401, b"", {})
    return request


def first_client_where_missing(clients):
    def before(request):
        if request.path == START and "client_id" not in request.form:
            return replace(request, body=urlencode(request.form | {"client_id": clients.ids[0]}).encode())
        return request

    return before


def test_a_missing_client_that_is_refused_without_a_word_is_a_warning():
    name = "rfc8628-3.1-missing-client-id-rejected"
    assert said(behind(silent_where_missing), MALFORMED).verdicts[name] is Verdict.WARN
    clients = Clients()
    assert said(behind(first_client_where_missing(clients), clients.after), MALFORMED).verdicts[name] is FAIL


def test_a_poll_that_is_answered_after_the_end_shows_no_early_end():
    late = []

    def before(request):
        if request.path != TOKEN:
            return request
        for clock in late:
            clock.wait(3600)
        return error("invalid_grant")

    check, requirement = "polling::test_polite_polling", "rfc8628-3.4-repeat-polling-possible"
    with serving(behind(before)) as target:
        run = new_run(target, RFC8628, load())
        assert run_check(run, check).verdicts[requirement] is FAIL
        late.append(target.clock)
        assert run_check(run, check).verdicts[requirement] is INCONCLUSIVE
