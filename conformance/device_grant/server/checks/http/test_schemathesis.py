"""Requests that schemathesis generates from the OpenAPI document of the target, and what it says of the answers.

docs/explanation/schemathesis.md tells how its checks are mapped to requirements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import check
from device_grant.server.generation.exploring import tell_stories, try_requests
from device_grant.server.generation.generated import Generated
from device_grant.server.generation.rehearsal import rehearse_everything

if TYPE_CHECKING:
    from device_grant.server.generation.fuzz import Fuzz
    from device_grant.server.session.case import ServerCase

SHARE = 0.15
"""Of the profile's examples, for each operation, once with valid and once with invalid requests."""
STORIES = 5
"""Stories of the profile for each story along the links: its steps are requests, each of them judged in full."""
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
    "rfc7591-3.2.2-error-code",
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
def test_documented_requests(case: ServerCase, fuzz: Fuzz) -> None:
    """Requests that fit the OpenAPI document and requests that do not. Accepted: the documented answers alone."""
    rehearse_everything(case)
    try_requests(Generated(case), fuzz, SHARE)


@check(
    *DOCUMENTED,
    faults=("access_token_missing", "token_response_201"),
    sampled=True,
)
def test_linked_requests(case: ServerCase, fuzz: Fuzz) -> None:
    """Stories along the document's links: register, start, poll, refresh. Accepted: the documented answers alone."""
    rehearse_everything(case)
    tell_stories(Generated(case), fuzz, case.run.profile.stories // STORIES, STEPS)
