"""Client registration in both dialects: RFC 7591 section 3, RegisterClient of AWS SSO OIDC."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT, Operation
from device_grant.protocol.dialects import json_object
from device_grant.protocol.exchange import REFUSED
from device_grant.server.invariants.common import NOT_OAUTH, no_store
from device_grant.server.session.device import Device
from device_grant.server.session.registering import attempt, epoch, register, require_endpoint, with_secret
from device_grant.server.sockets.transport import in_clear, require_tls_matters, tls_versions

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

NEEDS = ("registration",)
EXPIRY = "rfc7591-3.2.1-secret-expiry-enforced"
SHORTLY = 60
"""Seconds before the end of a secret at which codes are asked for that are used after it."""
OVER = ("invalid_client", "invalid_grant", "expired_token")
"""What is accepted where the secret is over and a code or a token may be: which of the two is named is a choice."""
UNSERVED = frozenset({0, 404, 405, 406, 415, 501})
"""Statuses by which a server shows that it does not take what was sent at all; 0 is no response."""
CLOCK_TOLERANCE = 300
"""Seconds by which the server's clock may differ from ours."""
_VISIBLE = re.compile(r"[\x20-\x7e]+")
"""VSCHAR of RFC 6749 appendix A."""


@check(
    "rfc7591-3-post-json",
    "rfc7591-3.2.1-client-id",
    "rfc7591-3.2-status-201",
    needs=NEEDS,
    faults=("registration_reads_forms", "client_id_missing", "registration_status_wrong"),
)
def test_register_a_client(case: ServerCase, verify: Verify) -> None:
    """Register a client by a JSON POST. Accepted: 201 (RFC 7591) with a client_id; 200 is a warning there."""
    exchange = attempt(case, "register")
    unserved = exchange.status in UNSERVED or exchange.status >= 500
    if exchange.status // 100 != 2 and not unserved:
        raise Untestable(f"registration was refused with {exchange.describe()}")
    verify.that("rfc7591-3-post-json", not unserved, f"a JSON POST was answered {exchange.describe()}", exchange)
    if unserved:
        raise Untestable("the registration endpoint does not answer")
    client_id = exchange.get("client_id")
    named = isinstance(client_id, str) and bool(_VISIBLE.fullmatch(client_id))
    verify.that("rfc7591-3.2.1-client-id", named, "client_id is missing or no printable ASCII string", exchange)
    created = exchange.status == 201 and exchange.response is not None
    created = created and exchange.response is not None and exchange.response.media_type == "application/json"
    verify.that("rfc7591-3.2-status-201", created, "a registration is not answered 201 with application/json", exchange)


@check(
    "rfc7591-3.2.1-client-secret-optional",
    "rfc7591-3.2.1-secret-expires-at",
    "rfc7591-3.2.1-no-store",
    needs=NEEDS,
    faults=("registration_secret_missing", "secret_expiry_missing", "registration_cacheable"),
)
def test_secret_of_a_registered_client(case: ServerCase, verify: Verify) -> None:
    """Register a client that authenticates. Accepted: a secret, its end (0: never) and Cache-Control: no-store."""
    exchange = with_secret(case)
    method = exchange.get("token_endpoint_auth_method")
    if method == "none":
        raise NotApplicable("only public clients are registered")
    owed = case.run.dialect.public_clients_have_secrets or method in (None, "client_secret_basic", "client_secret_post")
    issued = isinstance(exchange.get("client_secret"), str)
    problem = "a client that has to authenticate got no client_secret"
    verify.that("rfc7591-3.2.1-client-secret-optional", issued or not owed, problem, exchange)
    if not issued:
        raise NotApplicable("no secret was issued")
    ends = epoch(exchange, "client_secret_expires_at")
    dated = ends == 0 or (ends is not None and 10**9 < ends < 10**11)  # milliseconds would lie far in the future
    problem = "a secret was issued without client_secret_expires_at in seconds since the epoch"
    verify.that("rfc7591-3.2.1-secret-expires-at", dated, problem, exchange)
    problem = "the response with the secret lacks Cache-Control: no-store"
    verify.that("rfc7591-3.2.1-no-store", no_store(exchange), problem, exchange)


@check("rfc7591-3.2.1-issued-at", needs=NEEDS, faults=("issued_at_milliseconds", "timestamps_in_milliseconds"))
def test_time_of_registration(case: ServerCase, verify: Verify) -> None:
    """Register a client. Accepted: client_id_issued_at, if it is sent, is now, in seconds since the epoch."""
    exchange = register(case, "register")
    if "client_id_issued_at" not in exchange.outcome.members:
        raise NotApplicable("client_id_issued_at is not sent")
    issued, null = epoch(exchange, "client_id_issued_at"), exchange.get("client_id_issued_at") is None
    now = issued is not None and abs(issued - case.run.target.clock.now()) <= CLOCK_TOLERANCE
    problem = f"client_id_issued_at is {'null' if null else 'not now in whole seconds'}"
    # What is null many readers take for absent, which it may be.
    verify.that("rfc7591-3.2.1-issued-at", now, problem, exchange, tolerated=null)


@check(
    "rfc7591-3.2.1-client-id-not-shared",
    "rfc6749-2.2-client-id-unique",
    "rfc7591-3.2.1-client-secret-unique",
    "rfc7591-5-no-shared-secret",
    "rfc7591-3.2.1-client-secret-unique-instance",
    needs=NEEDS,
    faults=("registration_repeated", "registration_secret_repeated"),
)
def test_registrations_are_distinct(case: ServerCase, verify: Verify) -> None:
    """Register twice with the same metadata. Accepted: two different client ids and two different secrets."""
    first, second = with_secret(case), with_secret(case, "register a client with a secret again")
    different = first.get("client_id") != second.get("client_id")
    for requirement in ("rfc7591-3.2.1-client-id-not-shared", "rfc6749-2.2-client-id-unique"):
        verify.that(requirement, different, "two registrations got the same client_id", first, second)
    secrets = first.get("client_secret"), second.get("client_secret")
    if None in secrets:
        raise NotApplicable("no secret was issued")
    own = secrets[0] != secrets[1]
    for requirement in ("rfc7591-3.2.1-client-secret-unique", "rfc7591-5-no-shared-secret"):
        verify.that(requirement, own, "two registrations got the same client_secret", first, second)
    if different:
        raise NotApplicable("every registration gets a client_id of its own: no two instances share one")
    problem = "two instances with one client_id got the same client_secret"
    verify.that("rfc7591-3.2.1-client-secret-unique-instance", own, problem, first, second)


@check("rfc7591-2-ignore-unknown-metadata", needs=NEEDS, faults=("unknown_parameters_refused",))
def test_unknown_metadata_is_ignored(case: ServerCase, verify: Verify) -> None:
    """Register with a member that no specification defines. Accepted: success."""
    register(case, "register")
    exchange = attempt(case, "register with an unknown member", x_conformance_probe="ignored")
    verify("rfc7591-2-ignore-unknown-metadata", exchange, accepted=["ok"])


@check(
    "rfc7591-3.1-client-id-assigned-by-server",
    "rfc9700-2.6-client-id-not-influenced",
    needs=NEEDS,
    faults=("registration_takes_client_id",),
)
def test_client_does_not_choose_its_id(case: ServerCase, verify: Verify) -> None:
    """Register with a client_id of one's own. Accepted: another client_id, or a refusal."""
    register(case, "register")
    chosen = "device-grant-conformance-chosen-id"
    exchange = attempt(case, "register with a client_id", client_id=chosen)
    own = exchange.get("client_id") != chosen
    for requirement in ("rfc7591-3.1-client-id-assigned-by-server", "rfc9700-2.6-client-id-not-influenced"):
        verify.that(requirement, own, "the client chose its own client_id", exchange)


@check(
    "rfc7591-3.2.2-status-400-json",
    "rfc7591-3.2.2-error-description",
    needs=NEEDS,
    faults=("registration_error_422", "error_description_not_ascii", "json_as_html"),
)
def test_refused_registrations(case: ServerCase, verify: Verify) -> None:
    """Registrations that cannot be granted. Accepted: 400 with a JSON object, error_description in ASCII."""
    impossible = case.run.dialect.impossible_registration()
    answers = [
        attempt(case, "register with an impossible value", **impossible),
        attempt(case, "register with grant_types that is a number", grant_types=7),
        attempt(case, "register for an impossible grant", grant_types=["urn:example:impossible"]),
    ]
    refused = [one for one in answers if one.status // 100 == 4 and one.status not in NOT_OAUTH | {401, 403}]
    if not refused:
        raise Untestable("nothing that should be refused was refused")
    for exchange in refused:
        assert exchange.response is not None
        right = exchange.status == 400 and exchange.response.media_type == "application/json"
        right = right and json_object(exchange.response) is not None
        problem = "a refused registration is no 400 with an application/json object"
        verify.that("rfc7591-3.2.2-status-400-json", right, problem, exchange)
        description = exchange.get("error_description") or ""
        plain = isinstance(description, str) and description.isascii()
        verify.that("rfc7591-3.2.2-error-description", plain, "error_description is no ASCII text", exchange)


@check(
    "rfc7591-3-open-registration",
    "rfc7591-3.2.2-bad-token-error",
    needs=NEEDS,
    faults=("registration_closed",),
)
def test_registration_is_open(case: ServerCase, verify: Verify) -> None:
    """Register without a token; where one is wanted, with a wrong one. Accepted: success; 401 with a challenge."""
    require_endpoint(case)
    request = case.run.registration_request()
    if case.run.target.config.registration.initial_access_token:
        # As a plain request: a registration would be sent with the token.
        request = replace(request, operation=Operation.OTHER)
    exchange = case.send(request, "register without a token")
    wanted = exchange.status in (401, 403)
    verify.that("rfc7591-3-open-registration", not wanted, "registration without a token is refused", exchange)
    if not wanted:
        raise NotApplicable("registration needs no token")
    request = replace(request, headers=(*request.headers, ("Authorization", "Bearer conformance-wrong-token")))
    answer = case.send(request, "register with a wrong token")
    challenge = (answer.response.header("www-authenticate") or "") if answer.response else ""
    right = answer.status == 401 and "bearer" in challenge.lower()
    problem = "a wrong token is not answered 401 with a Bearer challenge"
    verify.that("rfc7591-3.2.2-bad-token-error", right, problem, answer)


@check(
    EXPIRY,
    timed=True,
    needs=NEEDS,
    faults=("expired_registration_accepted", "expired_registration_redeems"),
    # On a clock that jumps it may wait for months, in which more ends than this secret.
    order="last",
)
def test_expired_registration_is_refused(case: ServerCase, verify: Verify) -> None:
    """Register a client with a secret; wait past client_secret_expires_at; start, redeem and refresh.

    What is redeemed and refreshed then was begun shortly before. Accepted: invalid_client.
    """
    registration = with_secret(case)
    lives = _lifetime_of_secret(case, registration)
    device = Device(case, case.run.client_of(registration))
    case.wait(lives - SHORTLY)
    begun = _begun(device)
    case.wait(min(SHORTLY, lives) + 5)
    exchange = device.request(client=device.client, label="start with an expired secret")
    verify(EXPIRY, exchange, accepted=["invalid_client"], tolerated=[REFUSED])
    for late in begun:
        exchange = case.call(Operation.TOKEN, late, device.client, "token request with an expired secret")
        verify(EXPIRY, exchange, accepted=OVER, tolerated=[REFUSED])


def _lifetime_of_secret(case: ServerCase, registration: Exchange) -> int:
    """Whole seconds; ends the check where nothing says how many, or where they are too many to wait."""
    if registration.get("client_secret") is None:
        raise Untestable("no secret was issued")
    issued = epoch(registration, "client_id_issued_at")
    ends = epoch(registration, "client_secret_expires_at")
    if not ends:
        raise Untestable("the secret that was issued never expires, or does not say when")
    if issued is None or ends <= issued:
        # The server's clock need not be ours: only the difference of its own two times is a lifetime.
        raise Untestable("how long the secret lives is not known: client_id_issued_at is missing or not before its end")
    if ends - issued > case.longest_wait:
        raise Untestable(
            f"the secret lives longer than {case.longest_wait:.0f} s, too long to wait for on a real clock: raise "
            "[clock] longest_wait in target.toml"
        )
    return ends - issued


def _begun(device: Device) -> list[dict[str, str]]:
    """Members of the token requests that the client could make now: with an approved code, and with a refresh token.

    Fewer where nobody approves, or no refresh token is issued.
    """
    requests: list[dict[str, str]] = []
    try:
        approved = device.start()
        device.user.approve(approved)
        requests.append({"grant_type": DEVICE_CODE_GRANT, "device_code": approved.device_code})
        token = device.refreshable_tokens().get("refresh_token")
        requests.append({"grant_type": "refresh_token", "refresh_token": token})
    except (NotApplicable, Untestable) as reason:
        device.case.note(f"nothing more is begun before the secret ends: {reason}")
    return requests


@check("rfc7591-3-transport-security", "rfc7591-5-tls", needs=NEEDS, faults=("public_http",))
def test_registration_needs_tls(case: ServerCase, verify: Verify) -> None:
    """Register over plain http, then shake hands. Accepted: no registration in clear; TLS 1.2, 1.3 alone warns."""
    require_endpoint(case)
    request = case.run.registration_request()
    require_tls_matters(case, request.url)
    exchange = case.send(in_clear(request), "register over plain http")
    problem = "a client was registered over plain http"
    verify.that("rfc7591-3-transport-security", not exchange.outcome.ok, problem, exchange)
    spoken = tls_versions(request.url) if request.url.startswith("https:") else ()
    problem = "the registration endpoint does not speak TLS 1.2"
    verify.that("rfc7591-5-tls", "TLS 1.2" in spoken, problem, exchange, tolerated="TLS 1.3" in spoken)
