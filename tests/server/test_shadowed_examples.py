"""A rule that every answer breaks hides nothing else: generated examples are judged for what they were made to show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import strategies as st
from support.broken_servers import START, TOKEN, behind, error
from support.drawing import Drawing
from support.proof import catalogue, judges
from support.samples import report
from support.serving import said, serving

from device_grant.catalogue import Verdict
from device_grant.engine import run_check
from device_grant.judging import Judgement
from device_grant.protocol import RFC8628
from device_grant.reference.embedded import embedded
from device_grant.reference.server import user
from device_grant.report.view import View
from device_grant.results.lines import case_line
from device_grant.server.generation.fuzz import Fuzz
from device_grant.server.session.case import ServerCase
from device_grant.server.session.run import new_run
from device_grant.targets.users import ModuleUser

JSON = "rfc8628-3.2-json-body"
STATUS = "rfc6749-5.2-status-400"
EMPTY = "rfc8628-3.1-empty-param-as-omitted"
REPEATED = "rfc6749-3.2-repeated-params-rejected"


def labelled_as_text(path, answer):
    """The device answer is no JSON by its label, which its every success breaks."""
    if path == START and answer.status == 200:
        return replace(answer, headers=answer.headers | {"content-type": "text/plain"})
    return answer


def empty_is_refused(request):
    """A form with an empty parameter is refused, whatever the parameter."""
    empty = request.path == START and b"" in (pair.partition(b"=")[2] for pair in request.body.split(b"&"))
    return error("invalid_request") if empty else request


def refusals_as_403(path, answer):
    """Whatever the token endpoint refuses has a status of its own."""
    return replace(answer, status=403) if path == TOKEN and answer.status == 400 else answer


def repeats_are_taken(request):
    """The last of several parameters of one name counts."""
    if request.path != TOKEN:
        return request
    pairs = dict(pair.partition(b"=")[::2] for pair in request.body.split(b"&") if pair)
    return replace(request, body=b"&".join(name + b"=" + value for name, value in pairs.items()))


@pytest.mark.parametrize("check", ["test_malformed_device_authorization", "test_malformed_token_request"])
def test_what_fails_on_the_valid_request_leaves_the_examples_to_be_judged(check):
    check = f"malformed_input::{check}"
    honest, odd = said(behind(), check), said(behind(after=labelled_as_text), check)
    assert odd.broken_invariants == {"invariants::device_success_is_json": {JSON}}
    assert odd.verdicts.keys() == honest.verdicts.keys()
    assert not odd.broken
    assert len(odd.verdicts) > 5


def test_a_second_fault_shows_behind_one_that_is_always_there():
    outcome = said(behind(empty_is_refused, labelled_as_text), "malformed_input::test_malformed_device_authorization")
    assert outcome.verdicts[EMPTY] is Verdict.FAIL
    assert outcome.invariants["invariants::device_success_is_json"][JSON] is Verdict.FAIL


def test_a_second_fault_shows_behind_one_of_every_refusal():
    outcome = said(behind(repeats_are_taken, refusals_as_403), "malformed_input::test_malformed_token_request")
    assert outcome.verdicts[REPEATED] is Verdict.WARN
    assert outcome.invariants["invariants::token_error_status"][STATUS] is Verdict.FAIL


def test_documented_requests_and_stories_go_on_too():
    for check in ("schemathesis::test_documented_requests", "state::test_interleaved_grants"):
        honest, odd = said(behind(), check), said(behind(after=labelled_as_text), check)
        assert JSON in odd.broken_invariants["invariants::device_success_is_json"]
        # In the documented answer JSON is what is asked for, so that the check finds it too.
        assert odd.verdicts.keys() >= honest.verdicts.keys()
        assert odd.broken <= {JSON}


def test_nor_does_it_hide_anything_where_cases_are_drawn_beforehand():
    check, verdicts = "malformed_input::test_malformed_device_authorization", []
    for app in (behind(empty_is_refused), behind(empty_is_refused, labelled_as_text)):
        with serving(app) as target:
            target.sampler = Drawing()
            verdicts.append(run_check(target, check).verdicts)
    assert verdicts[0] == verdicts[1]
    assert verdicts[0][EMPTY] is Verdict.FAIL


def test_an_invariant_that_breaks_inside_alone_is_taken_out_and_the_batch_run_again():
    with embedded(RFC8628, user=ModuleUser(Path(user.__file__))) as target, target.clock:
        run = new_run(target, RFC8628, catalogue())
        case = ServerCase(run, judges()[0]["polling::test_pending"])
        seen = []

        def one(number):
            exchange = case.device.token(grant_type="x")
            case.take(
                replace(
                    exchange,
                    response=replace(exchange.response, status=403),
                    outcome=replace(exchange.outcome, status=403),
                )
            )
            seen.append(number)
            case.ledger.settle(Judgement("rfc8628-3.5-authorization-pending", holds=True))

        Fuzz(case)(st.integers(0, 9), one)
        assert len(seen) >= 5
        assert case.invariants["invariants::token_error_status"].tallies[STATUS].worst.verdict is Verdict.FAIL


def test_a_sampled_check_that_judged_nothing_says_so():
    """Of a server that limits whatever comes, no example can be judged; of an honest one all are."""
    with embedded(RFC8628, user=ModuleUser(Path(user.__file__))) as target:
        run = new_run(target, RFC8628, catalogue())
        check = judges()[0]["malformed_input::test_malformed_device_authorization"]

        def nothing(fuzz):
            fuzz(st.integers(0, 9), str)

        outcome = run_check(run, replace(check, function=nothing, parameters=("fuzz",)))
        assert str(outcome.stop) == "none of 10 generated examples came to what it was made to show"
        assert outcome.trial.ledger.spare.keys() >= {EMPTY}
        remark = remarks(outcome, check.name)
        assert remark == f"1 check that generates requests judged nothing: {check.name} ({outcome.stop})."
        assert not remarks(run_check(run, check), check.name)


def remarks(outcome, check):
    line = case_line(outcome.trial, check, 1.0)
    view = View(replace(report(suite_error=False), cases=(line,)))
    return "".join(remark for remark in view.remarks if "judged nothing" in remark)
