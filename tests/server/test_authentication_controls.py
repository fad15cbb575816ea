"""The control next to what a check says of clients that authenticate: does their secret count, and in which form?"""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from urllib.parse import urlencode

import pytest
from support.broken_servers import START, TOKEN, Answer, behind, error
from support.serving import said, serving

from device_grant.catalogue import Verdict, load
from device_grant.engine import run_check
from device_grant.protocol import RFC8628
from device_grant.reference.server.faults import Faults
from device_grant.server.session.run import new_run

PASS, FAIL, UNTESTABLE = Verdict.PASS, Verdict.FAIL, Verdict.UNTESTABLE


def basic_ignored(request):
    """Basic is not looked at; who is named in it is a public client."""
    scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
    if request.path != START or scheme.lower() != "basic":
        return request
    name = base64.b64decode(encoded).decode().partition(":")[0]
    headers = {key: value for key, value in request.headers.items() if key != "authorization"}
    return replace(request, headers=headers, body=urlencode(request.form | {"client_id": name}).encode())


@pytest.mark.parametrize(
    "check",
    [
        "client_authentication::test_basic_authentication",
        "client_authentication::test_form_encoded_basic_credentials",
        "client_authentication::test_two_authentication_methods",
    ],
)
def test_where_any_secret_is_taken_nothing_shows_that_basic_is_read(check):
    lax = behind(basic_ignored, faults=Faults(device_endpoint_skips_secret=True, secret_optional=True))
    assert set(said(lax, check).verdicts.values()) == {UNTESTABLE}
    assert set(said(behind(), check).verdicts.values()) == {PASS}


def test_listed_methods_are_judged_where_secrets_count():
    check, requirement = "metadata_promises::test_listed_authentication_methods_work", "rfc8414-2-auth-methods-honoured"
    lax = behind(faults=Faults(device_endpoint_skips_secret=True, token_endpoint_skips_secret=True))
    assert said(lax, check).verdicts[requirement] is UNTESTABLE
    assert said(behind(), check).verdicts[requirement] is PASS


def client_id_beside_basic(request):
    """Who authenticates by Basic has to repeat its client_id in the body; an error without a code says so."""
    lacking = "authorization" in request.headers and "client_id" not in request.form
    return Answer(405, b"", {"allow": "GET, HEAD"}) if request.path in {START, TOKEN} and lacking else request


BEHIND_BASIC = {
    "client_authentication::test_wrong_secret_at_start": "rfc8628-3.1-bad-secret-rejected",
    "client_authentication::test_confidential_client_without_authentication_at_start": (
        "rfc8628-3.1-confidential-unauthenticated-rejected"
    ),
    "client_authentication::test_approved_code_needs_the_secret": "rfc8628-3.4-credentialed-client-enforced",
    "client_authentication::test_basic_authentication": "rfc6749-2.3.1-server-supports-basic",
}
DEMANDED = "rfc8628-3.1-client-id-optional-when-authenticated"


def test_a_client_id_that_has_to_stand_beside_basic_hides_nothing_else():
    with serving(behind(client_id_beside_basic)) as target:
        run = new_run(target, RFC8628, load())
        for check, requirement in BEHIND_BASIC.items():
            assert run_check(run, check).verdicts[requirement] is PASS, check
        demanded = run_check(run, "grant_names::test_authenticated_client_need_not_repeat_its_id")
        assert demanded.verdicts[DEMANDED] is FAIL
        assert run.remarks.keys() == {"basic at device_authorization"}


def test_a_secret_that_is_not_looked_at_shows_where_client_id_is_demanded():
    lax = Faults(device_endpoint_skips_secret=True, secret_optional=True, token_endpoint_skips_secret=True)
    with serving(behind(client_id_beside_basic, faults=lax)) as target:
        run = new_run(target, RFC8628, load())
        for check, requirement in list(BEHIND_BASIC.items())[:3]:
            assert run_check(run, check).verdicts[requirement] is FAIL, check


def client_id_at(path, wanted):
    """At that endpoint who authenticates by Basic has to repeat its client_id in the body, or must not."""

    def before(request):
        basic = request.path == path and "authorization" in request.headers
        return error("invalid_client", 401) if basic and ("client_id" in request.form) is not wanted else request

    return before


@pytest.mark.parametrize(
    ("refuses", "remark"),
    [
        ((client_id_at(TOKEN, wanted=True),), "the token endpoint serves .* only with client_id"),
        (
            (client_id_at(START, wanted=True), client_id_at(TOKEN, wanted=False)),
            "the token endpoint serves .* only without client_id",
        ),
    ],
)
def test_each_endpoint_is_sent_the_form_that_it_takes(refuses, remark):
    def before(request):
        for refusing in refuses:
            if isinstance(request, Answer):
                break
            request = refusing(request)
        return request

    check = "client_authentication::test_approved_code_needs_the_secret"
    for faults, verdict in ((Faults(), PASS), (Faults(token_endpoint_skips_secret=True), FAIL)):
        with serving(behind(before, faults=faults)) as target:
            run = new_run(target, RFC8628, load())
            run_check(run, "main_path::test_main_path")
            assert run_check(run, check).verdicts[BEHIND_BASIC[check]] is verdict
            assert re.search(remark, " ".join(run.remarks.values()))


def test_a_start_that_was_refused_once_is_no_demand():
    refusals = iter([error("invalid_client", 401)])

    def before(request):
        once = request.path == START and "authorization" in request.headers
        return next(refusals, request) if once else request

    with serving(behind(before)) as target:
        run = new_run(target, RFC8628, load())
        run_check(run, "client_authentication::test_wrong_secret_at_start")
        assert not run.remarks


def test_an_honest_server_is_sent_no_client_id_beside_basic():
    with serving(behind()) as target:
        run = new_run(target, RFC8628, load())
        outcome = run_check(run, "client_authentication::test_wrong_secret_at_start")
        assert not run.remarks
        assert not [sent for sent in outcome.transcript.exchanges if b"client_id" in sent.request.content][1:]
