"""Registration by the client itself (RFC 7591; AWS RegisterClient)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import change, error, honest
from device_grant.judging import Inconclusive, NotApplicable, Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.reading import basic, json_body, value_of

if TYPE_CHECKING:
    from device_grant.client.scripted.replies import Reply
    from device_grant.client.scripted.steps import Moment, Step
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify
    from device_grant.protocol import Request

REGISTERS = {"CLIENT_ID": "", "CLIENT_SECRET": ""}
"""No client is given: the client has to register."""
DAYS = 86400
EXPIRES = "rfc7591-3.2.1-client-reregisters-on-expiry"
REFUSED = "rfc7591-3.2.1-client-drops-refused-registration"
MOST_STARTS = 6
"""Device authorization requests of one login that are answered by the script."""


@check(
    "aws-register-client-caches", faults=("registers_each_time",), needs=("flow", "registration", "keeps_registrations")
)
def test_registration_is_kept(client: ClientUnderTest, verify: Verify) -> None:
    """Two logins of the same person; the registration is good for 90 days. Accepted: one registration."""
    home = client.home()
    first = client.login("the first login", home=home)
    _must_have_worked(first)
    second = client.login("the second login", home=home)
    again = second.of(Purpose.REGISTRATION)
    verify.that("aws-register-client-caches", not again, "registers again although its registration is good", second)


@check(
    "rfc7591-3.2.1-client-reregisters-on-expiry",
    faults=("expired_registration_used",),
    needs=("flow", "registration", "keeps_registrations"),
)
def test_expired_registration(client: ClientUnderTest, verify: Verify) -> None:
    """A registration that has expired since, then a second login. Accepted: it registers again."""
    home = client.home()
    past = int(time.time()) - DAYS
    first = client.login(
        "the first login",
        home=home,
        given=REGISTERS,
        registration=[change(client_id_issued_at=past - DAYS, client_secret_expires_at=past)],
    )
    _must_have_worked(first)
    second = client.login("the second login", home=home, given=REGISTERS)
    if not second.exchanges:
        raise Untestable("the second login asked for nothing: the client had no need to sign in again")
    again = second.of(Purpose.REGISTRATION)
    problem = "goes on using a registration that has expired"
    verify.that("rfc7591-3.2.1-client-reregisters-on-expiry", bool(again), problem, second)


@check(
    EXPIRES,
    faults=("expired_registration_used",),
    needs=("flow", "registration", "keeps_registrations", "keeps_tokens", "refresh"),
    timed=True,
)
def test_refresh_by_an_expired_registration(client: ClientUnderTest, verify: Verify) -> None:
    """A registration that has expired since, and a token that has ended; then a refresh.

    Accepted: no refresh as the client whose registration has expired.
    """
    client.free("token", "refresh_token", "expires_in")
    home = client.home()
    past = int(time.time()) - DAYS
    first = client.login(
        "the login",
        home=home,
        given=REGISTERS,
        registration=[change(client_id_issued_at=past - DAYS, client_secret_expires_at=past)],
        token=[change(expires_in=1)],
    )
    _must_have_worked(first)
    client.rest(2.2, first)
    expired, token = (first.invocation.authority.last(kind) for kind in ("client_id", "refresh_token"))
    second = client.refresh(
        "the refresh", home=home, given={**REGISTERS, "REFRESH_TOKEN": ""}, known={"refresh_token": token}
    )
    refreshes = second.of(Purpose.REFRESH)
    if not second.exchanges and not second.failed:
        raise Untestable(f"the client asked for nothing, though its token had ended: it {second.how}")
    used = any(_client_of(entry.request) == expired for entry in refreshes)
    verify.that(EXPIRES, not used, "refreshes with a registration that has expired", second)


@check(
    REFUSED,
    faults=("refused_registration_kept",),
    needs=("flow", "registration", "keeps_registrations"),
)
def test_refused_client(client: ClientUnderTest, verify: Verify) -> None:
    """A login works; then the server knows that client no more: invalid_client at the start, in two further logins.

    Accepted: one of them registers again, or does not use what was kept in the first place.
    """
    home = client.home()
    first = client.login("the first login", home=home, given=REGISTERS)
    _must_have_worked(first)
    known = first.invocation.authority.last("client_id")
    for label in ("the second login", "the third login"):
        later = client.login(label, home=home, given=REGISTERS, start=[_unless_registered(known)] * MOST_STARTS)
        if later.of(Purpose.REGISTRATION):
            break
    again = bool(later.of(Purpose.REGISTRATION))
    if not later.starts and not again:
        raise Untestable(f"the third login began no device authorization: the client {later.how}")
    verify.that(
        REFUSED,
        again or (None if later.ended.overdue else False),
        "goes on using a registration that the server has refused",
        later,
    )


def _unless_registered(known: str) -> Step:
    """invalid_client for the client of that identifier, the honest answer for any other one."""

    def reply(moment: Moment) -> Reply:
        return (error("invalid_client") if _client_of(moment.request) == known else honest())(moment)

    return reply


def _client_of(request: Request) -> str:
    credentials = basic(request)
    return str(value_of(request, "client_id") or (credentials.user if credentials else ""))


@check("rfc7591-2-software-id-stable", faults=("software_id_random",), needs=("registration",))
def test_software_id(client: ClientUnderTest, verify: Verify) -> None:
    """Two registrations on two machines. Accepted: software_id, where there is one, is the same."""
    operation = "flow" if client.flows else "register"
    attempts = [client.once(operation, f"machine {number}", given=REGISTERS) for number in (1, 2)]
    bodies = [json_body(entry.request) or {} for one in attempts for entry in one.of(Purpose.REGISTRATION)]
    collected = [body.get("software_id") for body in bodies]
    if len(collected) < 2 or None in collected:  # noqa: PLR2004 - two are compared
        raise NotApplicable("the client registers without software_id")
    problem = "software_id is another one each time"
    verify.that("rfc7591-2-software-id-stable", all(one == collected[0] for one in collected), problem, attempts[-1])


@check("rfc7591-3.2.1-client-checks-result", faults=("registration_result_ignored",), needs=("flow", "registration"))
def test_registered_otherwise(client: ClientUnderTest, verify: Verify) -> None:
    """The response registers client_secret_post. Accepted: the secret comes in the body, or no request comes."""
    login = client.login(
        given=REGISTERS,
        registration=[change(token_endpoint_auth_method="client_secret_post", client_secret="CS.by-post")],  # noqa: S106 - made up
    )
    login.need(Purpose.REGISTRATION)
    requests = [entry.request for entry in (*login.starts, *login.polls)]
    by_post = all(value_of(request, "client_secret") and basic(request) is None for request in requests)
    if not requests and login.ended.overdue:
        raise Inconclusive("the deadline passed after the registration")
    problem = "does not authenticate as the registration response says"
    verify.that("rfc7591-3.2.1-client-checks-result", by_post, problem, login)


@check("rfc7591-3.2.2-client-ignores-unknown", faults=("registration_error_strict",), needs=("registration",))
def test_refused_registration(client: ClientUnderTest, verify: Verify) -> None:
    """A registration is refused, once plainly and once with members that nobody knows. Accepted: the same end."""
    operation = "flow" if client.flows else "register"
    code = client.dialect.registration_error
    refused = [error(code)]
    plain = client.once(operation, "plainly", given=REGISTERS, registration=refused, forever=["registration"])
    plain.need(Purpose.REGISTRATION)
    extra = error(code, x_policy={"reasons": [17, None]}, trace="0-1-2")
    more = client.once(operation, "with more members", given=REGISTERS, registration=[extra], forever=["registration"])
    cut_off = plain.ended.overdue or more.ended.overdue
    same = None if cut_off else (more.ended.status, more.error) == (plain.ended.status, plain.error)
    problem = "an error with members that it does not know ends it in another way"
    verify.that("rfc7591-3.2.2-client-ignores-unknown", same, problem, more)


def _must_have_worked(first: Attempt) -> None:
    if not first.of(Purpose.REGISTRATION):
        raise Untestable("the client did not register in its first login")
    if not first.succeeded:
        raise Untestable(f"the first login did not work: the client {first.how}")
