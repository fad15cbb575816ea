"""Signing out by revocation (RFC 7009)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.client.scripted.steps import status
from device_grant.judging import Inconclusive, Untestable, check
from device_grant.protocol import Purpose
from device_grant.protocol.reading import basic, encoding, value_of

if TYPE_CHECKING:
    from device_grant.client.scripted.certificates import Certificate
    from device_grant.client.session.attempt import Attempt
    from device_grant.client.session.case import ClientUnderTest
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange, Request

BODY = "rfc7009-2.1-client-sends-token-in-body"
FORGETS = "rfc7009-2.1-client-forgets-after-200"
LATER = "rfc7009-2.2.1-client-503"
HTTPS = "rfc7009-2-client-checks-https"
CERTIFICATE = "rfc7009-5-client-checks-certificate"
PUBLIC = "http://login.example.com"
BAD: tuple[Certificate, ...] = ("untrusted", "wrong-name")
RETRY_AFTER = 1


@check(BODY, faults=("client_revokes_by_query",), needs=("revocation",))
def test_sign_out(client: ClientUnderTest, verify: Verify) -> None:
    """One sign-out. Accepted: a POST with the token in a form, and who the client is; nothing of it in the URL."""
    attempt = client.sign_out()
    for exchange in _revocations(attempt):
        wrong = _wrong(exchange.request, attempt)
        verify.that(BODY, not wrong, f"the revocation request {wrong}", exchange)


def _revocations(attempt: Attempt) -> list[Exchange]:
    """The requests; raises Untestable where there are none."""
    asked = attempt.of(Purpose.REVOCATION)
    if not asked:
        raise Untestable("the client never got to its revocation request")
    return asked


def _wrong(request: Request, attempt: Attempt) -> str:
    """What is wrong with the request, in words; empty: nothing."""
    known = [*attempt.invocation.authority.issued.get("refresh_token", ())]
    known += attempt.invocation.authority.issued.get("access_token", ())
    wrong = {
        "is no POST": request.method != "POST",
        "has a token in its URL": any(token in request.url for token in known),
        "is no form": encoding(request) != "form",
        "has no token": not value_of(request, "token"),
        "does not say who the client is": not (value_of(request, "client_id") or basic(request)),
    }
    return next((what for what, so in wrong.items() if so), "")


@check(FORGETS, faults=("client_keeps_revoked_token",), needs=("revocation", "keeps_tokens"))
def test_what_is_kept_after_signing_out(client: ClientUnderTest, verify: Verify) -> None:
    """Sign in, and out, which is answered 200. Accepted: the client keeps none of the tokens."""
    home = client.home()
    signed_in = client.redeem(home=home) if client.claims("login") else client.refresh(home=home)
    issued = signed_in.invocation.authority.issued
    tokens = [token for kind in ("access_token", "refresh_token") for token in issued.get(kind, ())]
    before = [token for token in tokens if any(token.encode() in file.content for file in home.files())]
    if not before:
        raise Inconclusive("no file of the client has a token that it was given: what it keeps cannot be seen")
    known = {kind: issued[kind][-1] for kind in ("access_token", "refresh_token") if issued.get(kind)}
    signed_out = client.sign_out(home=home, known=known)
    _revocations(signed_out)
    kept = [token for token in before if any(token.encode() in file.content for file in home.files())]
    verify.that(FORGETS, not kept, "a token is kept after it was revoked", signed_out)


@check(LATER, faults=("client_503_is_success",), needs=("revocation",), timed=True)
def test_sign_out_answered_503(client: ClientUnderTest, verify: Verify) -> None:
    """A revocation is answered 503 with Retry-After, the next one 200. Accepted: a second request, or no success."""
    later = status(503, Retry_After=str(RETRY_AFTER))
    attempt = client.sign_out(revocation=[later], wait=RETRY_AFTER + 15)
    asked = _revocations(attempt)
    noticed = attempt.failed or attempt.going_on or attempt.error is not None
    problem = "takes a revocation that was answered 503 for one"
    verify.that(LATER, len(asked) > 1 or noticed, problem, attempt)


@check(HTTPS, faults=("client_revokes_in_the_clear",), needs=("revocation", "metadata"))
def test_sign_out_in_the_clear(client: ClientUnderTest, verify: Verify) -> None:
    """The metadata names a revocation endpoint by http on a public host. Accepted: no request goes there.

    A sign-out by metadata that names a good one comes first.
    """
    if not client.shows_strangers:
        raise Untestable("requests to other hosts are not seen: the client is not led through a proxy of the suite")
    _revocations(client.sign_out("a sign-out by metadata", discover=True))
    attempt = client.sign_out(
        "an endpoint in the clear", discover=True, documents={"revocation_endpoint": f"{PUBLIC}/revoke"}
    )
    asked = [place for place in attempt.ended.refused_hosts if place.startswith(PUBLIC)]
    verify.that(HTTPS, not asked, "asks for a revocation at a plain http URL of a public host", attempt)


@check(CERTIFICATE, faults=("client_revokes_anywhere",), needs=("revocation", "tls"))
def test_sign_out_with_bad_certificates(client: ClientUnderTest, verify: Verify) -> None:
    """A certificate of an unknown authority, and one of another host. Accepted: no request arrives.

    A good certificate comes first: where that does not work, the others say nothing.
    """
    good = client.sign_out("a good certificate", certificate="good")
    if not good.exchanges:
        raise Untestable(f"the client does not accept a good certificate of the suite's authority: it {good.how}")
    for kind in BAD:
        attempt = client.sign_out(f"certificate: {kind}", certificate=kind, wait=4)
        problem = f"signs out at a server whose certificate is {kind.replace('-', ' ')}"
        verify.that(CERTIFICATE, not attempt.of(Purpose.REVOCATION), problem, attempt)
