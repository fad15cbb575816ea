"""One cause is one finding: rules speak of the answers that they are about, and of no others."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qsl

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.broken_servers import METADATA, REGISTER, START, TOKEN, Answer, behind, changed
from support.serving import said

from device_grant.catalogue import Verdict
from device_grant.protocol import dialect
from device_grant.protocol.exchange import Operation, Response
from device_grant_strategies import malformed

PASS, WARN, FAIL = Verdict.PASS, Verdict.WARN, Verdict.FAIL
PAGE = {"timestamp": "2026-01-01T00:00:00Z", "status": 400, "error": "Bad Request", "path": TOKEN}
CODES = (
    "rfc6749-8.5-extension-error-registered",
    "rfc6749-5.2-error-registered",
    "rfc8628-7.3-registered-error-codes",
)
SYNTAX = ("rfc6749-5.2-error-charset", "rfc6749-8.5-error-abnf", "rfc6749-A.7-error-syntax")
MEMBERS = ("device-code", "user-code", "verification-uri", "expires-in")


def of_invariants(outcome):
    """The worst verdict of each requirement that the invariants judged."""
    worst = {}
    for own in outcome.invariants.values():
        for requirement, verdict in own.items():
            worst[requirement] = max(verdict, worst.get(requirement, PASS))
    return worst


@pytest.mark.parametrize("spoken", ["rfc8628", "aws-sso-oidc"])
@pytest.mark.parametrize(
    ("status", "members", "code"),
    [
        (400, PAGE, "http-400"),
        (400, {"statusCode": 400, "error": "bad request", "message": "broken escape"}, "http-400"),
        (413, {"status": "413", "error": "Payload Too Large"}, "http-413"),
        (500, {"error": "Internal Server Error"}, "http-500"),
        (400, PAGE | {"error": "invalid_request"}, "invalid_request"),
        (400, PAGE | {"error": "Http Status 400"}, "http-400"),
        (400, {"error": "Bad Client"}, "Bad Client"),
        (400, {"statusCode": 400, "error": "Authorization Pending"}, "Authorization Pending"),
        (400, {"error": "bad_request"}, "bad_request"),
    ],
)
def test_the_error_page_of_a_framework_has_no_code(spoken, status, members, code):
    answer = Response(status, (("Content-Type", "application/json"),), json.dumps(members).encode())
    outcome = dialect(spoken).decode(Operation.TOKEN, answer)
    assert outcome.code == code
    assert ("error" in outcome.members) is not code.startswith("http-")


def with_page(error):
    """Broken escapes are refused by the framework, before anything of ours sees them."""

    def before(request):
        broken = request.path == TOKEN and (b"%zz" in request.body or not request.body)
        page = json.dumps(PAGE | {"error": error}).encode()
        return Answer(400, page) if broken else request

    return behind(before)


def test_a_page_of_the_framework_is_one_finding():
    check = "encoding::test_malformed_bodies"
    worst = of_invariants(said(with_page("Bad Request"), check))
    assert worst["rfc6749-5.2-error-member"] is FAIL
    assert not {name for name in CODES if worst.get(name, PASS) is not PASS}
    coined = of_invariants(said(with_page("bad_escape"), check))
    assert coined["rfc6749-5.2-error-registered"] is not PASS


def page_for_pages(request):
    """Whoever asks for a page alone gets one."""
    if request.path == START and request.headers.get("accept") == "text/html":
        return Answer(200, b"<p>Sign in.</p>", {"content-type": "text/html"})
    return request


def test_an_accept_without_json_explains_an_answer_without_members():
    outcome = said(behind(page_for_pages), "http::test_accept")
    assert outcome.broken == {"rfc9110-12.5.1-accept"}
    assert not outcome.broken_invariants


def page_at_all(path, answer):
    """Every start is answered by a page, whatever was asked for."""
    return Answer(200, b"<p>Sign in.</p>", {"content-type": "text/html"}) if path == START else answer


def test_a_page_in_the_place_of_json_is_no_json_and_lacks_no_member():
    worst = of_invariants(said(behind(after=page_at_all), "scope::test_omitted_scope"))
    assert worst["rfc8628-3.2-json-body"] is FAIL
    assert not {f"rfc8628-3.2-{name}-present" for name in MEMBERS} & worst.keys()
    lacking = behind(after=lambda path, answer: changed(answer, expires_in=None) if path == START else answer)
    assert of_invariants(said(lacking, "scope::test_omitted_scope"))["rfc8628-3.2-expires-in-present"] is FAIL


def registration_says(error):
    def after(path, answer):
        return changed(answer, error=error) if path == REGISTER and answer.status == 400 else answer

    return behind(after=after)


@pytest.mark.parametrize(
    ("error", "verdict"),
    [
        ("invalid_client_metadata", PASS),
        ('Invalid json representation "x"', WARN),
        ("Ung\u00fcltig", FAIL),
    ],
)
def test_errors_of_registrations_are_judged_by_their_own_rule(error, verdict):
    worst = of_invariants(said(registration_says(error), "registration::test_refused_registrations"))
    assert worst["rfc7591-3.2.2-error-code"] is verdict
    assert not worst.keys() & set(SYNTAX)


def issuer_is(issuer):
    return behind(after=lambda path, answer: changed(answer, issuer=issuer) if path == METADATA else answer)


@pytest.mark.parametrize(
    ("issuer", "verdict"),
    [("http://target.test", PASS), ("http://target.test/", PASS), ("http://target.test/other", FAIL)],
)
def test_both_issuers_that_make_the_same_url_are_right(issuer, verdict):
    outcome = said(issuer_is(issuer), "metadata_location::test_issuer_is_the_one_that_was_asked")
    assert outcome.verdicts["rfc8414-3.3-issuer-identical"] is verdict


@given(st.sampled_from([Operation.REGISTRATION, Operation.DEVICE_AUTHORIZATION]), st.data())
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
def test_a_huge_scope_is_a_scope(operation, data):
    base = {"client_id": "c"} if operation is Operation.DEVICE_AUTHORIZATION else {"client_name": "c"}
    body = data.draw(malformed(operation, dialect="rfc8628", base=base, kinds=["huge"], members=["scope"])).body
    json_sent = operation is Operation.REGISTRATION
    scope = json.loads(body)["scope"] if json_sent else dict(parse_qsl(body.decode()))["scope"]
    assert re.fullmatch(r"[ab]( [ab])*|A+", scope)
