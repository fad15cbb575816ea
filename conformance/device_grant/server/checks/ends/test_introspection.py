"""What is said of a live token of a device grant: RFC 7662 sections 2.1 and 2.2."""

from __future__ import annotations

from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol.numbers import number
from device_grant.server.checks.ends.answers import ACTIVE, OBJECT, TYPES, verify_answers
from device_grant.server.checks.ends.chain import Chain
from device_grant.server.checks.ends.revoking import identity
from device_grant.server.pages.visitor import Visitor
from device_grant.server.session.asking import NOBODY, Asker, Introspected, asking, require_active
from device_grant.server.session.jose.compact import read_jwt
from device_grant.server.session.scopes import two_scopes, with_defaults

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Request
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

FORM = "rfc7662-2.1-form-post"
LIVE = "rfc7662-2.2-live-token-is-active"
SCOPE = "rfc7662-2.2-scope-agrees"
CLIENT = "rfc7662-2.2-client-agrees"
EXP = "rfc7662-2.2-exp-agrees"
USER = "rfc7662-2.2-user-agrees"
HINT = "rfc7662-2.1-wrong-hint-extends-search"
REFRESH = "rfc7662-2.2-refresh-token-is-no-access-token"
GET = "rfc7662-4-get"
NEAR = 10.0
"""Seconds by which exp may differ from what the token response says."""
_KINDS = ("token_type", "typ", "token_use")


@check(
    FORM,
    LIVE,
    OBJECT,
    ACTIVE,
    TYPES,
    SCOPE,
    CLIENT,
    EXP,
    USER,
    faults=(
        "introspection_reads_json",
        "introspection_knows_no_device_tokens",
        "introspection_html",
        "introspection_active_as_text",
        "introspection_scope_array",
        "introspection_scope_of_client",
        "introspection_client_is_caller",
        "introspection_exp_milliseconds",
        "introspection_sub_is_client",
    ),
    needs=("introspection",),
    timed=True,
)
def test_introspected_access_token(case: ServerCase, verify: Verify) -> None:
    """Introspect a fresh access token, and a made-up one.

    Accepted: JSON, active a boolean, true for the first; what else is said agrees with the token response.
    """
    device, asker = asking(case)
    chain = Chain(device, **asker.members)
    said = asker.ask(chain.access[-1])
    other = asker.ask("never-issued-token-52ab07", "introspect a made-up token")
    if asker.own and said.active is not True:
        require_active(said, asker)
    served = said.exchange.status == 200
    verify.that(FORM, served, "a form with a live token is not served", said.exchange)
    verify_answers(verify, (said, other))
    if not served:
        raise Untestable(f"the introspection of a live token was answered {said.exchange.describe()}")
    if said.active is None:
        raise Untestable("active says nothing of a live token")
    verify.that(LIVE, said.active, "a live access token is not active", said.exchange)
    require_active(said, asker)
    silent = [
        *_scope(verify, chain, said),
        *_client(verify, chain, said),
        *_exp(verify, chain, said),
        *_user(verify, asker, chain, said),
    ]
    if silent:
        raise NotApplicable(f"nothing is said, or known, of the {', '.join(silent)}")


def _scope(verify: Verify, chain: Chain, said: Introspected) -> list[str]:
    asked = chain.device.authorization_members().get("scope")
    granted, stated = chain.tokens.get("scope") or asked, said.members.get("scope")
    if not isinstance(granted, str) or not isinstance(stated, str):
        return ["scope"]
    more = sorted(set(stated.split()) - set(granted.split()))
    problem = "scope has more than was granted"
    verify.that(SCOPE, not more, problem, chain.tokens, said.exchange, got=" ".join(more))
    return []


def _client(verify: Verify, chain: Chain, said: Introspected) -> list[str]:
    stated = said.members.get("client_id")
    if not isinstance(stated, str):
        return ["client_id"]
    verify.that(
        CLIENT, stated == chain.device.client.id, "client_id is not that of the device", said.exchange, got=stated
    )
    return []


def _exp(verify: Verify, chain: Chain, said: Introspected) -> list[str]:
    lifetime, exp = number(chain.tokens.get("expires_in")), number(said.members.get("exp"))
    if lifetime is None or exp is None:
        return ["exp"]
    off = abs(exp - (_moment(chain) + lifetime))
    problem = "exp does not agree with expires_in"
    verify.that(EXP, off <= NEAR, problem, chain.tokens, said.exchange, measured={"seconds": min(off, 1e15)})
    return []


def _moment(chain: Chain) -> float:
    """When the tokens were issued, in seconds since the epoch: by the server's own clock, if it says what that is."""
    date = chain.tokens.response.header("date") if chain.tokens.response else None
    try:
        return parsedate_to_datetime(date or "").timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return chain.device.case.began + chain.tokens.ended


def _user(verify: Verify, asker: Asker, chain: Chain, said: Introspected) -> list[str]:
    stated = said.members.get("sub")
    if not isinstance(stated, str):
        return ["sub"]
    device, id_token = chain.device, read_jwt(chain.tokens.get("id_token"))
    problem = "sub is the client, and not the person who approved"
    verify.that(USER, stated != device.client.id, problem, said.exchange, got="the client_id")
    listed = device.case.run.endpoints.document.get("subject_types_supported")
    if isinstance(listed, list) and "pairwise" in listed:
        return []  # then each may know the person by another name (OpenID Connect Core 8)
    known = id_token.claims.get("sub") if id_token else identity(device, chain.access[-1])
    if not isinstance(known, str):
        return []
    right = stated == known or _names_the_user(asker, device, stated)
    if right is None:
        verify.unclear(USER, "resource servers know the person by another name than clients", said.exchange)
        return []
    problem = "sub is another person than the one whom the device knows"
    verify.that(USER, right, problem, chain.tokens, said.exchange, got="" if right else "another sub")
    return []


def _names_the_user(asker: Asker, device: Device, stated: str) -> bool | None:
    """Whether a sub that the device does not know is the person's all the same; None: nobody can tell.

    No text wants resource servers to know people by the names that clients know. It is one if it is the same for each
    grant of the person, and another one for a second person, where there is one.
    """
    again = asker.ask(Chain(device, **asker.members).access[-1], "control: introspect a token of the same person")
    if again.members.get("sub") != stated:
        return False
    second = device.case.run.target.second
    if second is None:
        return None
    grant = device.start(**asker.members)
    with Visitor(device.case, person=second) as browser:
        refused = browser.decide_on(grant, "approve")
    tokens = grant.poll(label="redeem what the second person approved")
    if refused or not tokens.outcome.ok:
        return None
    theirs = asker.ask(tokens.get("access_token"), "introspect the token of the second person").members.get("sub")
    return theirs != stated if isinstance(theirs, str) else None


@check(SCOPE, faults=("introspection_scope_of_grant",), needs=("introspection", "refresh_token"), timed=True)
def test_introspected_token_of_less_scope(case: ServerCase, verify: Verify) -> None:
    """Start for two scopes, refresh for one of them, introspect the access token that came. Accepted: not the other."""
    device, asker = asking(case)
    first, second = two_scopes(device)
    chain = Chain(device, scope=with_defaults(device, first, second), **asker.members)
    chain.require_refresh_token()
    less = device.refresh(chain.refreshes[-1], label="refresh for less scope", scope=with_defaults(device, first))
    granted = less.get("scope") if isinstance(less.get("scope"), str) else with_defaults(device, first)
    if not less.outcome.ok or second in granted.split():
        raise NotApplicable(f"the server narrows no scope at a refresh: {less.describe()}")
    said = asker.ask(less.get("access_token"), "introspect the token of less scope")
    require_active(said, asker)
    stated = said.members.get("scope")
    if not isinstance(stated, str):
        raise NotApplicable("nothing is said of the scope")
    more = sorted(set(stated.split()) - set(granted.split()))
    verify.that(SCOPE, not more, "scope has more than the token was issued for", less, said.exchange)


@check(
    HINT,
    REFRESH,
    GET,
    faults=("introspection_believes_hint", "introspection_refresh_looks_like_access", "introspection_by_get"),
    needs=("introspection",),
    timed=True,
)
def test_introspection_by_hints(case: ServerCase, verify: Verify) -> None:
    """Introspect a live access token by wrong and unknown hints, by GET; the refresh token likewise.

    Accepted: active as without a hint. GET may be served, and a refresh token may look like an access token: reported.
    """
    device, asker = asking(case)
    chain = Chain(device, **asker.members)
    token = chain.access[-1]
    plain = asker.ask(token)
    require_active(plain, asker)
    for hint in ("refresh_token", "banana"):
        hinted = asker.ask(token, f"introspect an access token by the hint {hint}", hint=hint)
        problem = f"a live access token is not active by the hint {hint}"
        verify.that(HINT, hinted.active is True, problem, plain.exchange, hinted.exchange)
    by_get = asker.send(_by_get(asker, token), "introspect by GET")
    problem = "an introspection by GET is served, with the token in the URL"
    verify.that(GET, by_get.active is not True, problem, by_get.exchange)
    if not chain.refreshes:
        raise NotApplicable("no refresh token was issued; none is owed")
    _refresh_token(verify, asker, chain.refreshes[-1], plain)


def _by_get(asker: Asker, token: str) -> Request:
    form = asker.request(token)
    client = asker.client
    own = client is not None and client.authentication == "client_secret_post"
    members = {"token": token} | (
        {"client_id": client.id, "client_secret": client.secret or ""} if own and client else {}
    )
    kept = tuple(header for header in form.headers if header[0] != "Content-Type")
    query = urlencode(members, errors="surrogatepass")
    url = f"{form.url}{'&' if '?' in form.url else '?'}{query}"
    return replace(form, method="GET", url=url, headers=kept, content=b"")


def _refresh_token(verify: Verify, asker: Asker, token: str, access: Introspected) -> None:
    """Judge what is said of a live refresh token; nothing may be."""
    said = asker.ask(token, "introspect the refresh token", hint="refresh_token")
    unhinted = asker.ask(token, "introspect the refresh token without a hint")
    if said.active is True or unhinted.active is True:
        hinted = asker.ask(token, "introspect the refresh token as an access token", hint="access_token")
        actives = {said.active, unhinted.active, hinted.active}
        problem = "a live refresh token is active or not as the hint has it"
        verify.that(HINT, actives == {True}, problem, said.exchange, unhinted.exchange, hinted.exchange)
    alike = said.active is True and all(said.members.get(name) == access.members.get(name) for name in _KINDS)
    problem = "what is said of a refresh token could be said of an access token"
    verify.that(REFRESH, not alike, problem, access.exchange, said.exchange)


UNKNOWN = "rfc7662-2.2-unknown-is-inactive"
MISSING = "rfc7662-2.1-token-required"


@check(
    UNKNOWN,
    MISSING,
    faults=("introspection_unknown_404", "introspection_without_token_500"),
    needs=("introspection",),
)
def test_introspection_of_nothing(case: ServerCase, verify: Verify) -> None:
    """Introspect made-up tokens, one by each hint, and none.

    Accepted: 200 with active false; invalid_request, or active false too, where there is no token.
    """
    _, asker = asking(case)
    made_up = {"": "never-issued-token-0b83", "access_token": "never-issued-1c", "refresh_token": "never-issued-2d"}
    for hint, token in made_up.items():
        said = asker.ask(token, "introspect a made-up token", hint=hint)
        if asker.own and said.exchange.status in (401, 403):
            raise NotApplicable(f"the device's own client may not ask; {NOBODY}")
        problem = "a token that does not exist is not answered 200 with active false"
        verify.that(UNKNOWN, said.active is False, problem, said.exchange)
    none = asker.ask(None, "introspect without a token")
    right = none.exchange.code == "invalid_request" or none.active is False
    problem = "an introspection without a token is answered neither invalid_request nor active false"
    verify.that(MISSING, right, problem, none.exchange, accepted=["invalid_request", "active false"])
