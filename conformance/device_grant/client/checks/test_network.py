"""Broken connections, incomplete answers and redirects (RFC 9110, RFC 9112)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import (
    Script,
    change,
    error,
    fails,
    framed,
    half,
    lost,
    pending,
    redirect,
    status,
    truncated,
)
from device_grant.judging import Untestable, check
from device_grant.protocol import Purpose

if TYPE_CHECKING:
    from device_grant.client.scripted.steps import Step
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange

SURVIVES = "rfc8628-3.5-client-survives-trouble"
RETRIES = "rfc9110-9.2.2-no-blind-retry"
REDIRECTS = "rfc9110-15.4-client-redirects"
INCOMPLETE = "rfc9112-6.3-client-incomplete"


@check(RETRIES, faults=("retries_at_once",), timed=True)
def test_lost_connections(client: ClientUnderTest, verify: Verify) -> None:
    """The connection is reset: at the device authorization, at a poll, after a poll that was carried out.

    Accepted: the same POST does not come again at once; whether it comes later, or the client fails, is its own affair.
    """
    started = client.redeem("reset at the device authorization", start=[fails("reset")], wait=8)
    started.need(Purpose.START)
    verify.by_rules(started, RETRIES, default=True)
    polled = client.poll("reset at a poll", fails("reset"), interval=2, wait=10)
    polled.need(Purpose.POLL)
    verify.by_rules(polled, RETRIES, default=True)
    redeemed = client.poll("answer lost", lost(), error("invalid_grant"), interval=2, forever=["token"], wait=10)
    redeemed.need(Purpose.POLL)
    verify.by_rules(redeemed, RETRIES, default=True)


@check(SURVIVES, faults=("trouble_fatal",), needs=("flow",), timed=True)
def test_one_lost_poll(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 1; one poll is reset, one is pending, then the token. Accepted: the login works; an end is noted."""
    _survives(client, verify, "a connection that was reset", fails("reset"))


@check(SURVIVES, faults=("trouble_fatal",), needs=("flow",), timed=True)
def test_one_poll_without_service(client: ClientUnderTest, verify: Verify) -> None:
    """Interval 1; one poll is answered 503, one is pending, then the token. Accepted: the login works, or is noted."""
    _survives(client, verify, "one answer 503", status(503))


def _survives(client: ClientUnderTest, verify: Verify, what: str, step: Step) -> None:
    login = client.login(what, start=[change(interval=1)], token=[step, pending()], wait=24)
    login.need(Purpose.POLL)
    verify.that(SURVIVES, login.succeeded, f"{what} ends the login", login)


@check(INCOMPLETE, faults=("truncated_answer_used",), timed=True)
def test_truncated_answers(client: ClientUnderTest, verify: Verify) -> None:
    """A token response with fewer octets than its Content-Length, its JSON whole or cut; then invalid_grant.

    Accepted: the client ends without the token. A response in chunks, and one that ends with the connection, are whole.
    """
    for what, step in (("the JSON whole", truncated()), ("the JSON cut", half())):
        login = client.ask(what, step, error("invalid_grant"), forever=True, most=3, wait=6)
        login.need(Purpose.POLL)
        unused = None if login.succeeded is None else not login.succeeded
        verify.that(INCOMPLETE, unused, "uses an answer that was cut short", login)
    for framing in ("chunked", "close"):
        login = client.ask(f"framed by {framing}", framed(framing))
        login.need(Purpose.POLL)
        verify.that(INCOMPLETE, login.succeeded, f"cannot read a whole answer framed by {framing}", login)


@check(REDIRECTS, faults=("redirects_followed", "redirects_become_get"), timed=True)
def test_redirects(client: ClientUnderTest, verify: Verify) -> None:
    """The token request is answered 307 to another origin, and to its own path.

    Accepted: it is not sent to the other origin, and no GET is made of it.
    """
    login = client.ask(
        "to another origin",
        redirect(307, "{elsewhere}{path}"),
        forever=True,
        elsewhere=Script(),
        most=3,
        wait=6,
    )
    login.need(Purpose.POLL)
    sent = [entry for entry in login.elsewhere if _carries_secrets(entry, login)]
    verify.that(REDIRECTS, not sent, "sends its request, with the secrets in it, to another origin", login)
    same = client.ask("to the same path", redirect(307, "{base}{path}{query}"), most=3, wait=6)
    same.need(Purpose.POLL)
    # A client that polls by GET from the first has made none of a POST.
    asked = same.session.token_requests
    changed = asked[0].request.method == "POST" and any(entry.request.method == "GET" for entry in asked)
    verify.that(REDIRECTS, not changed, "makes a GET of a redirected POST", same)


@check("rfc8628-3.1-tls-required", faults=("redirects_followed",), needs=("tls",), timed=True)
def test_no_downgrade(client: ClientUnderTest, verify: Verify) -> None:
    """An HTTPS endpoint answers 307 to plain HTTP. Accepted: nothing of the request goes there."""
    login = client.ask(
        "to plain HTTP",
        redirect(307, "{elsewhere}{path}"),
        forever=True,
        elsewhere=Script(),
        certificate="good",
        most=3,
        wait=6,
    )
    if not login.exchanges:
        raise Untestable("the client does not reach an HTTPS endpoint on loopback")
    login.need(Purpose.POLL)
    sent = [entry for entry in login.elsewhere if _carries_secrets(entry, login)]
    verify.that("rfc8628-3.1-tls-required", not sent, "goes from HTTPS to plain HTTP with its secrets", login)


def _carries_secrets(entry: Exchange, login: Attempt) -> bool:
    issued = login.invocation.authority.issued
    secrets = [value for kind in ("device_code", "refresh_token", "client_secret") for value in issued.get(kind, ())]
    headers = " ".join(value for _, value in entry.request.headers)
    text = f"{entry.request.url} {entry.request.content.decode('latin-1')} {headers}"
    return bool(entry.request.header("authorization")) or any(secret in text for secret in secrets)
