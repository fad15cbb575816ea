"""What the client makes of the device authorization response (RFC 8628 sections 3.2 and 3.3)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import change, pending, shuffled, text
from device_grant.client.session.case import shows
from device_grant.judging import NotApplicable, check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.scripted.steps import Step
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify

INCOMPLETE = "rfc8628-3.2-client-rejects-incomplete-response"
OPTIONALS = "rfc8628-3.2-client-accepts-missing-optionals"
REQUIRED = ("device_code", "user_code", "verification_uri", "expires_in")
SPECIAL_CODE = "DC.a+b/c=d%25e&f~g-%41_h"
"""A device code of characters that forms and JSON have to escape, and of escapes that are none."""


@check(OPTIONALS, "aws-client-without-complete-uri", faults=("complete_uri_required",))
def test_no_complete_uri(client: ClientUnderTest, verify: Verify) -> None:
    """No verification_uri_complete. Accepted: the login works."""
    client.free("device_authorization", "verification_uri_complete")
    login = client.redeem(start=[change(verification_uri_complete=...)])
    problem = "cannot do without verification_uri_complete"
    verify.that(OPTIONALS, login.succeeded, problem, login)
    verify.that("aws-client-without-complete-uri", login.succeeded, problem, login)


@check(
    OPTIONALS,
    "rfc6749-5.1-client-ignores-unknown-members",
    faults=("unknown_members_refused",),
)
def test_optional_and_unknown_members(client: ClientUnderTest, verify: Verify) -> None:
    """Members that nobody knows, in the first answer alone, then in the token response alone. Accepted: logins work."""
    first = client.redeem("in the first answer", start=[change(x_vendor={"nested": [1, None]})])
    problem = "cannot do with members that it does not know in the device authorization response"
    verify.that(OPTIONALS, first.succeeded, problem, first)
    second = client.poll("in the token response", change(x_vendor={"nested": [1, None]}, issued_for="you"))
    second.need(Purpose.POLL)
    problem = "cannot do with members that it does not know in the token response"
    verify.that("rfc6749-5.1-client-ignores-unknown-members", second.succeeded, problem, second)


@check("rfc8628-3.2-client-verification-url", faults=("verification_url_refused",))
def test_verification_url_beside_it(client: ClientUnderTest, verify: Verify) -> None:
    """verification_url beside verification_uri, with the same and with another value. Accepted: the login works."""
    client.free("device_authorization", "verification_url")
    for what, url in (("the same", "{base}/device"), ("another", "https://elsewhere.example/")):
        login = client.redeem(f"verification_url, {what} URL", start=[change(verification_url=url)])
        problem = "cannot do with verification_url, the name of drafts, beside verification_uri"
        verify.that("rfc8628-3.2-client-verification-url", login.succeeded, problem, login)


@check(INCOMPLETE, faults=("incomplete_answer_polled",))
def test_required_members_missing(client: ClientUnderTest, verify: Verify) -> None:
    """The response lacks device_code, user_code, verification_uri, or expires_in. Accepted: a failure, and no poll."""
    insisted = client.insisted("device_authorization")
    names = [name for name in REQUIRED if client.dialect.wire_name(name) not in insisted]
    if not names:
        raise NotApplicable("client.toml says that the client insists on members of its own")
    for name in names:
        _judge_unusable(client, verify, f"a response without {name}", change(**{name: ...}))


@check(INCOMPLETE, faults=("incomplete_answer_polled",))
def test_response_is_no_json_object(client: ClientUnderTest, verify: Verify) -> None:
    """Status 200 with a page, nothing, a JSON array, half a JSON object. Accepted: a failure, and no poll."""
    for what, answer in (
        ("a page", text("<!doctype html><title>Sign in</title>")),
        ("an empty body", text("", "application/json")),
        ("a JSON array", text('["device_code", "user_code"]', "application/json")),
        ("half a JSON object", text('{"device_code": "DC.half", "user', "application/json")),
    ):
        _judge_unusable(client, verify, what, answer)


def _judge_unusable(client: ClientUnderTest, verify: Verify, what: str, answer: Step) -> None:
    operation = "flow" if client.flows else "start"
    attempt = client.once(operation, what, start=[answer], forever=["start"], wait=7, until=7)
    attempt.need(Purpose.START)
    refused = not attempt.polls and attempt.ended.status != attempt.config.exit.success
    # One that neither polls nor ends may still be about to do either.
    verify.that(INCOMPLETE, None if refused and attempt.going_on else refused, f"goes on with {what}", attempt)


@check("rfc8628-3.4-device-code-sent", faults=("device_code_decoded",))
def test_special_device_code(client: ClientUnderTest, verify: Verify) -> None:
    """A device code with characters that have to be escaped. Accepted: it comes back as it was."""
    client.free("device_authorization", "device_code")
    login = client.redeem(start=[change(device_code=SPECIAL_CODE)])
    login.need(Purpose.POLL)
    verify.by_rules(login, "rfc8628-3.4-device-code-sent")


@check("rfc6749-5.1-member-order", faults=("members_in_order",))
def test_member_order(client: ClientUnderTest, verify: Verify) -> None:
    """Both answers with their members in another order and white space between them. Accepted: the login works."""
    login = client.redeem(start=[shuffled()], token=[shuffled()])
    verify.that("rfc6749-5.1-member-order", login.succeeded, "depends on the order of members", login)


@check("aws-client-null-members", faults=("null_members_used",), timed=True)
def test_null_members(client: ClientUnderTest, verify: Verify) -> None:
    """Members that the service may leave out are null. Accepted: the login works, and null is kept nowhere as text."""
    login = client.redeem(
        start=[change(interval=None)],
        token=[pending(), change(id_token=None, refresh_token=None, issued_token_type=None)]
        if client.flows
        else [change(id_token=None, refresh_token=None)],
        wait=14,
    )
    kept = any(re.search(rb'"(?:None|null|undefined)"', file.content) for file in login.files)
    works = login.succeeded and not kept
    verify.that("aws-client-null-members", works, "takes null for a value", login)


@check(
    "rfc8628-3.3-client-shows-code-and-uri",
    "rfc8628-3.3.1-still-show-user-code",
    "rfc8628-3.3.1-still-show-verification-uri",
    "rfc8628-3.3-device-code-not-displayed",
    faults=("user_code_not_shown", "code_only_in_complete_uri", "device_code_shown"),
    needs=("flow", "shows"),
)
def test_what_the_person_sees(client: ClientUnderTest, verify: Verify) -> None:
    """Logins with and without verification_uri_complete. Accepted: user code and URI are shown; no device code."""
    with_both = client.login("with verification_uri_complete", token=[pending()])
    with_both.need(Purpose.START)
    code, uri = _shown(with_both)
    problem = "does not show the user code"
    verify.that("rfc8628-3.3.1-still-show-user-code", code, problem + " by itself", with_both)
    problem = "does not show verification_uri beside verification_uri_complete"
    verify.that("rfc8628-3.3.1-still-show-verification-uri", uri, problem, with_both)
    simple = client.login("without it", start=[change(verification_uri_complete=...)], token=[pending()])
    code, uri = _shown(simple)
    problem = "does not show both user code and verification URI"
    # Who takes the answer for unusable shows nothing of it: starting::test_no_complete_uri says what is wrong then.
    given_up = simple.failed and not simple.polls
    shown = None if given_up and not (code and uri) else code and uri
    verify.that("rfc8628-3.3-client-shows-code-and-uri", shown, problem, simple)
    for login in (with_both, simple):
        device_code = login.invocation.authority.last("device_code")
        hidden = not device_code or device_code not in login.ended.shown
        verify.that("rfc8628-3.3-device-code-not-displayed", hidden, "shows the device code", login)


def _shown(login: Attempt) -> tuple[bool | None, bool | None]:
    """Whether user code and URI are shown, each by itself; terminals may break a long URI over lines.

    None where the deadline passed before: it may just not have come so far.
    """
    authority = login.invocation.authority
    user_code, uri = authority.last("user_code"), authority.last("verification_uri")
    # A URI with more behind it is verification_uri_complete, or what the client makes of it.
    without = re.sub(re.escape(uri) + r"[?#][^\s]+", " ", login.ended.shown)
    compact = re.sub(r"\s+", "", without)
    not_yet = None if login.ended.overdue else False
    return shows(without, user_code) or not_yet, (uri != "" and uri in compact) or not_yet
