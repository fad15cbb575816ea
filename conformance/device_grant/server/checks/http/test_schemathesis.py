"""Requests that schemathesis generates from the OpenAPI document of the target, and what it says of the answers.

docs/explanation/schemathesis.md tells how its checks are mapped to requirements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from device_grant.judging import check
from device_grant.server.generation.fuzz import drawn, settings_for
from device_grant.server.generation.generated import Generated
from device_grant.server.generation.written import START, is_forbidden, retrace, take, written

if TYPE_CHECKING:
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import Case
    from device_grant.targets.ports import Tape

SHARE = 0.15
"""Of the profile's examples, for each operation, once with valid and once with invalid requests."""
STORIES = 5
"""Stories of the profile for each story along the links: its steps are requests, each of them judged in full."""
FEWEST_RECORDED = 4
STEPS = 8
"""Requests of one story: registration, start, polls and a refresh fit into it."""

DOCUMENTED = (
    "aws-error-body-members",
    "aws-error-status-table",
    "aws-numbers-not-strings",
    "aws-register-client-type-public",
    "aws-register-path",
    "aws-register-required",
    "aws-register-response-members",
    "aws-register-scopes-array",
    "aws-request-id",
    "aws-start-required",
    "aws-start-response-members",
    "aws-token-success",
    "rfc6749-5.1-access-token",
    "rfc6749-5.1-expires-in-value",
    "rfc6749-5.1-json-media-type",
    "rfc6749-5.1-json-types",
    "rfc6749-5.1-no-store",
    "rfc6749-5.1-status-200",
    "rfc6749-5.1-token-type",
    "rfc6749-5.2-error-charset",
    "rfc6749-5.2-error-json",
    "rfc6749-5.2-error-member",
    "rfc6749-5.2-status-400",
    "rfc7591-3.2-status-201",
    "rfc7591-3.2.1-client-id",
    "rfc7591-3.2.1-secret-expires-at",
    "rfc7591-3.2.2-error-member",
    "rfc7591-3.2.2-invalid-client-metadata",
    "rfc7591-3.2.2-status-400-json",
    "rfc8414-2-response-types-supported",
    "rfc8414-3.2-arrays",
    "rfc8414-3.2-status-and-type",
    "rfc8628-3.1-missing-client-id-rejected",
    "rfc8628-3.2-device-code-present",
    "rfc8628-3.2-error-format",
    "rfc8628-3.2-expires-in-present",
    "rfc8628-3.2-expires-in-seconds",
    "rfc8628-3.2-interval-type",
    "rfc8628-3.2-json-body",
    "rfc8628-3.2-no-store",
    "rfc8628-3.2-status-200",
    "rfc8628-3.2-user-code-present",
    "rfc8628-3.2-verification-uri-is-uri",
    "rfc8628-3.2-verification-uri-present",
    "rfc9110-15.6-no-5xx-on-client-error",
    "smithy-restjson1-content-type",
    "smithy-restjson1-error-header",
    "smithy-restjson1-error-status-default",
    "smithy-restjson1-string-type",
)
"""Every requirement that the documents of the two dialects name."""


@check(
    *DOCUMENTED,
    faults=(
        "error_member_missing",
        "expires_in_string",
        "json_as_html",
        "missing_client_accepted",
    ),
    sampled=True,
)
def test_documented_requests(case: Case, fuzz: Fuzz) -> None:
    """Requests that fit the OpenAPI document and requests that do not. Accepted: the documented answers alone."""
    from hypothesis import strategies as st

    generated = Generated(case)
    if case.run.tape is not None:
        _recorded_requests(generated, case, case.run.tape)
        return

    def judge(example: tuple[Any, bool]) -> None:
        request, genuine = example
        generated.try_out(request, genuine=genuine)

    for requests in generated.strategies():
        with generated.exploring():
            fuzz(st.tuples(requests, st.sampled_from([True, True, False])), judge, share=SHARE)


def _recorded_requests(generated: Generated, case: Case, tape: Tape) -> None:
    """The same in a recorded run, where each request is written down as it is sent: with genuine values filled in."""
    from hypothesis import strategies as st

    generated.batch = "requests"
    texts = tape.noted(generated.batch)
    if texts is not None:
        case.examples += len(texts) - texts.count(START)
        retrace(generated, texts)
        return
    settings = settings_for(case.run.profile, max(1, int(case.run.profile.examples * SHARE)))
    for requests in generated.strategies():
        for request, genuine in drawn(st.tuples(requests, st.sampled_from([True, True, False])), settings):
            if genuine:
                generated.fill(request, credentials=True)
            text = written(request, forbidden=is_forbidden(request))
            if text:
                case.examples += 1
                generated.note(text)
                take(generated, text)


@check(
    *DOCUMENTED,
    faults=("access_token_missing", "token_response_201"),
    sampled=True,
)
def test_linked_requests(case: Case, fuzz: Fuzz) -> None:
    """Stories along the document's links: register, start, poll, refresh. Accepted: the documented answers alone."""
    generated = Generated(case)
    generated.batch = "stories"
    steps = case.run.tape.noted(generated.batch) if case.run.tape else None
    if steps is not None:
        retrace(generated, steps)
        return
    workflow: Any = generated.workflow()
    profile = case.run.profile
    # The first stories are the simplest ones: of few in a recording none would come to a token.
    stories = max(FEWEST_RECORDED if case.recorded else 1, profile.stories // STORIES)
    with generated.exploring():
        fuzz.stories(workflow, stories, STEPS, batch=generated.batch)
