"""What the client makes of token responses and of errors (RFC 6749 section 5, Smithy restJson1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import change, changed, error, honest, pending, text
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.reading import basic, value_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.client.scripted.replies import Reply
    from device_grant.client.scripted.steps import ErrorForm, Moment, Step
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify
    from device_grant.protocol import Request

LONG = 4096
"""Octets of a long value: beyond every field that somebody thought large enough, within every limit of a header."""
PAGE = "<!doctype html><title>Please wait</title><p>Somebody will be with you in a moment."
EMPTY = ("{}", "[]", "null")
"""JSON texts that say nothing."""
UNREADABLE = "rfc8628-3.5-client-unreadable-answer"
SOURCES = "smithy-restjson1-client-error-sources"
SANITISES = "smithy-restjson1-client-sanitises"


@check("rfc8628-3.2-client-understands-answers", faults=("pending_fatal",), timed=True)
def test_answers_to_the_letter(client: ClientUnderTest, verify: Verify) -> None:
    """A login at a server that answers to the letter; a client with a loop meets one pending. Accepted: it works."""
    login = client.redeem(token=[pending()] if client.flows else (), wait=10, to_the_letter=True)
    problem = "does not understand answers as the specification has them"
    verify.that("rfc8628-3.2-client-understands-answers", login.succeeded, problem, login)


@check("rfc6749-5.1-token-type-case-insensitive", faults=("token_type_spelling",))
def test_token_type_spelling(client: ClientUnderTest, verify: Verify) -> None:
    """token_type is bearer, and BEARER, or for a request with a proof dpop, and DPOP. Accepted: the login works.

    Everywhere else it is Bearer, and DPoP.
    """
    client.free("token", "token_type")
    for label, step in (("in small letters", _spelt(str.lower)), ("in capitals", _spelt(str.upper))):
        login = client.ask(f"token_type {label}", step)
        login.need(Purpose.POLL)
        problem = "the spelling of the token type matters to it"
        verify.that("rfc6749-5.1-token-type-case-insensitive", login.succeeded, problem, login)


@check("rfc6749-7.1-unknown-token-type", faults=("token_type_unchecked",))
def test_unknown_token_type(client: ClientUnderTest, verify: Verify) -> None:
    """token_type is mac. Accepted: the client fails, or at least does not use the token as a bearer token."""
    client.free("token", "token_type")
    login = client.ask("token_type mac", change(token_type="mac"))  # noqa: S106 - a token type, no password
    login.need(Purpose.POLL)
    bearer = f"Bearer {login.invocation.authority.last('access_token')}"
    used = any(entry.request.header("authorization") == bearer for entry in login.exchanges)
    if not used and not login.failed:
        raise Inconclusive("the client keeps the token; whether it would use it cannot be seen")
    verify.that("rfc6749-7.1-unknown-token-type", not used, "uses a token of type mac as a bearer token", login)


@check("rfc6749-5.1-client-without-expires-in", faults=("expires_in_required",))
def test_only_required_members(client: ClientUnderTest, verify: Verify) -> None:
    """A token response without expires_in. Accepted: the login works."""
    client.free("token", "expires_in")
    login = client.poll("no expires_in", change(expires_in=...))
    login.need(Purpose.POLL)
    problem = "cannot do without expires_in in the token response"
    verify.that("rfc6749-5.1-client-without-expires-in", login.succeeded, problem, login)


@check("rfc6749-5.1-client-without-refresh-token", faults=("refresh_token_required",))
def test_no_refresh_token(client: ClientUnderTest, verify: Verify) -> None:
    """A token response without refresh_token. Accepted: the login works."""
    client.free("token", "refresh_token")
    login = client.poll("no refresh_token", change(refresh_token=...))
    login.need(Purpose.POLL)
    problem = "cannot do without refresh_token in the token response"
    verify.that("rfc6749-5.1-client-without-refresh-token", login.succeeded, problem, login)


@check("rfc6749-5.1-client-no-size-assumption", faults=("long_values_cut",))
def test_long_values(client: ClientUnderTest, verify: Verify) -> None:
    """Device code and access token of 4 KiB. Accepted: the login works, and both come whole.

    An access token that client.toml has stays as it is there: what checks it would not know another one.
    """
    token = str(client.insisted("token").get(client.dialect.wire_name("access_token")) or "AT." + "t" * LONG)
    login = client.redeem(start=[change(device_code="DC." + "d" * LONG)], token=[change(access_token=token)])
    login.need(Purpose.POLL)
    whole = login.succeeded and login.token in (None, token)
    verify.that("rfc6749-5.1-client-no-size-assumption", whole, "does not handle values of 4 KiB", login)


@check("rfc6749-2.2-client-no-size-assumption", faults=("long_values_cut",), needs=("registration",))
def test_long_client_identifier(client: ClientUnderTest, verify: Verify) -> None:
    """Registration yields a client identifier of 2 KiB. Accepted: it comes back whole."""
    identifier = "CID." + "i" * (LONG // 2)
    if not client.flows:
        raise NotApplicable("single operations are given their identifier")
    client.free("registration", "client_id")
    login = client.login(registration=[change(client_id=identifier)])
    sent = [value for entry in login.starts if (value := _identifier(entry.request))]
    if not sent:
        raise Untestable("the client never got to its device authorization request")
    problem = "does not handle a client identifier of 2 KiB"
    verify.that("rfc6749-2.2-client-no-size-assumption", set(sent) == {identifier}, problem, login)


def _spelt(way: Callable[[str], str]) -> Step:
    """The honest answer with its token type, which is another one where a token is bound, in another spelling."""

    def reply(moment: Moment) -> Reply:
        before = moment.honest()
        kind = before.members.get(moment.dialect.wire_name("token_type"), "Bearer")
        return changed(lambda _moment: before, token_type=way(str(kind)))(moment)

    return reply


def _identifier(request: Request) -> str:
    credentials = basic(request)
    return credentials.user if credentials else str(value_of(request, "client_id") or "")


@check("rfc6749-5.2-client-handles-error-status", faults=("errors_by_status", "description_required"), timed=True)
def test_error_statuses(client: ClientUnderTest, verify: Verify) -> None:
    """authorization_pending with status 401, 403 and 428, without description. Accepted: it is read as such."""
    requirement = "rfc6749-5.2-client-handles-error-status"
    steps = [error("authorization_pending", status=code, description=False) for code in (401, 403, 428)]
    _same(client, verify, requirement, steps, "does not read an error by its code alone")


@check(SOURCES, faults=("exception_only_in_header", "exception_not_in_code"), timed=True)
def test_sources_of_exception_names(client: ClientUnderTest, verify: Verify) -> None:
    """AuthorizationPendingException in the header alone, in __type, in code. Accepted: it is read as such."""
    _same_forms(client, verify, SOURCES, ("header", "type", "code"), "does not find the exception's name")


@check(SANITISES, faults=("exception_name_whole",), timed=True)
def test_decorated_exception_names(client: ClientUnderTest, verify: Verify) -> None:
    """The name with a URI behind a colon, and with a namespace before a hash. Accepted: it is read as such."""
    _same_forms(client, verify, SANITISES, ("suffix", "namespace"), "does not strip the exception's name")


def _same_forms(
    client: ClientUnderTest, verify: Verify, requirement: str, forms: tuple[ErrorForm, ...], problem: str
) -> None:
    _same(client, verify, requirement, [error("authorization_pending", form=form) for form in forms], problem)


def _same(client: ClientUnderTest, verify: Verify, requirement: str, steps: list[Step], problem: str) -> None:
    """A loop must poll on after each of these; a single operation must name them as it names the usual form."""
    if client.flows:
        login = client.login(start=[change(interval=1)], token=steps, wait=len(steps) + 4.0)
        login.need(Purpose.POLL)
        verify.that(requirement, login.succeeded, problem, login)
        return
    usual = client.poll("the usual form", error("authorization_pending", form="both"))
    if usual.error is None:
        raise Untestable("the adapter does not name the error by its marker")
    for step in steps:
        attempt = client.poll("another form", step)
        verify.that(requirement, attempt.error == usual.error, problem, attempt)


@check(UNREADABLE, faults=("unreadable_answer_unreported",), timed=True)
def test_unreadable_answers(client: ClientUnderTest, verify: Verify) -> None:
    """At a poll a page with status 200, with 400, with 502, and status 200 without a body; then the honest answers.

    Accepted: the client goes on to the token, or ends as a failure. One that goes on meets the next of them in the
    same login.
    """
    left: list[tuple[str, Step]] = [
        ("a page with status 200", text(PAGE)),
        ("a page with status 400", text(PAGE, status=400)),
        ("a page with status 502", text(PAGE, status=502)),
        ("status 200 without a body", text("", "application/json")),
    ]
    _go_on_or_fail(client, verify, left)


@check(UNREADABLE, faults=("unreadable_answer_unreported", "empty_answer_taken_for_success"), timed=True)
def test_answers_without_members(client: ClientUnderTest, verify: Verify) -> None:
    """At a poll status 200 with {}, with [] and with null; then the honest answers.

    Accepted: the client goes on to the token, or ends as a failure. One that goes on meets the next of them in the
    same login.
    """
    _go_on_or_fail(client, verify, [(f"status 200 with {body}", text(body, "application/json")) for body in EMPTY])


def _go_on_or_fail(client: ClientUnderTest, verify: Verify, left: list[tuple[str, Step]]) -> None:
    while left:
        login = client.poll(left[0][0], *(step for _, step in left), wait=20)
        login.need(Purpose.POLL)
        last = min(len(login.polls), len(left)) - 1
        problem = f"neither works nor tells of a failure after {left[last][0]}"
        verify.that(UNREADABLE, login.settled, problem, login)
        left = left[last + 1 :]


@check("rfc6749-2.3.1-no-credentials-in-uri", faults=("secret_in_query",))
def test_nothing_in_urls(client: ClientUnderTest, verify: Verify) -> None:
    """A plain login. Accepted: no credential in the URL of a request."""
    login = client.redeem(token=[honest()], confidential=client.claims("confidential"))
    login.need(Purpose.START)
    verify.by_rules(login, "rfc6749-2.3.1-no-credentials-in-uri")
