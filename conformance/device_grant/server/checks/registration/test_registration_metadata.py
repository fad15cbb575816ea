"""Client metadata at registration: RFC 7591 sections 2 and 3.2.1."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import NotApplicable, Untestable, check
from device_grant.protocol import DEVICE_CODE_GRANT
from device_grant.server.session.device import Device
from device_grant.server.session.registering import (
    REDIRECT_URI,
    attempt,
    redirecting,
    refused,
    register,
    register_public,
    states_secret,
    strings,
    with_secret,
)

if TYPE_CHECKING:
    from device_grant.judging import Verify
    from device_grant.server.session.case import ServerCase

NEEDS = ("registration",)
SECRET_METHODS = ("client_secret_basic", "client_secret_post")


@check(
    "rfc7591-2-auth-method-none",
    "rfc6819-5.2.3.1-no-inappropriate-secrets",
    needs=NEEDS,
    faults=("registration_public_secret",),
)
def test_public_client_gets_no_secret(case: ServerCase, verify: Verify) -> None:
    """Register with token_endpoint_auth_method none. Accepted: no client_secret, or another method that is stated."""
    exchange = register_public(case)
    secretless = exchange.get("client_secret") is None
    # By what the server answered the client is confidential then.
    replaced = states_secret(exchange.outcome.members)
    problem = "a client secret was issued to a public client"
    for requirement in ("rfc7591-2-auth-method-none", "rfc6819-5.2.3.1-no-inappropriate-secrets"):
        verify.that(requirement, secretless or replaced, problem, exchange)


@check("rfc8252-8.5-no-shared-secret-auth", faults=("public_secret_required",))
def test_public_client_needs_no_secret(case: ServerCase, verify: Verify) -> None:
    """A public client, known or registered, starts with its client_id alone. Accepted: codes, no invalid_client."""
    client = case.run.client("primary")
    if client is None or client.confidential:
        if not case.run.endpoints.registration:
            raise Untestable("no public client: none in target.toml, and none can be registered")
        exchange = register_public(case)
        client = case.run.client_of(exchange)
        if states_secret(client.registered):
            raise NotApplicable("a client that asks to be public is registered as confidential")
    device = Device(case, client)
    bare = type(client)(client.id, None, "none")
    exchange = device.request(client=bare, label="start with client_id alone")
    problem = f"a public client without a secret was answered {exchange.describe()}"
    verify.that("rfc8252-8.5-no-shared-secret-auth", exchange.code != "invalid_client", problem, exchange)


@check("rfc7591-2-auth-method-default", needs=NEEDS, faults=("auth_method_default_public",))
def test_default_authentication_method(case: ServerCase, verify: Verify) -> None:
    """Register without token_endpoint_auth_method. Accepted: a secret, or another method that is stated."""
    exchange = register(case, "register without token_endpoint_auth_method", token_endpoint_auth_method=None)
    stated = exchange.get("token_endpoint_auth_method")
    needs_secret = stated is None or stated in SECRET_METHODS
    problem = "the client is to authenticate with a secret, stated or by default, and got none"
    has_secret = isinstance(exchange.get("client_secret"), str)
    verify.that("rfc7591-2-auth-method-default", has_secret or not needs_secret, problem, exchange)


@check("rfc7591-2-grant-types-exact", needs=NEEDS, faults=("grant_types_renamed",))
def test_grant_type_is_the_urn(case: ServerCase, verify: Verify) -> None:
    """Register for the device grant by its URN, then start. Accepted: the URN comes back, and the client may start."""
    exchange = with_secret(case)
    returned = strings(exchange, "grant_types")
    kept = returned is None or DEVICE_CODE_GRANT in returned
    verify.that("rfc7591-2-grant-types-exact", kept, "grant_types lost the URN of the device grant", exchange)
    started = Device(case, case.run.client_of(exchange)).request()
    problem = "a client registered for the URN of the device grant was answered unauthorized_client"
    verify.that("rfc7591-2-grant-types-exact", started.code != "unauthorized_client", problem, exchange, started)


@check("rfc7591-2-grant-types-default", needs=NEEDS, faults=("grant_not_checked",))
def test_default_grant_types(case: ServerCase, verify: Verify) -> None:
    """Register without grant_types, then start. Accepted: a refusal, unless the response states the device grant."""
    exchange = attempt(case, "register without grant_types", **redirecting(case, grant_types=None))
    grants = case.run.endpoints.document.get("grant_types_supported")
    if exchange.status == 400 and isinstance(grants, list) and "authorization_code" not in grants:
        raise NotApplicable("the grant that is meant by default is neither listed in the metadata nor registered")
    if not exchange.outcome.ok:
        raise refused(exchange)
    stated = DEVICE_CODE_GRANT in (strings(exchange, "grant_types") or ())
    started = Device(case, case.run.client_of(exchange)).request()
    problem = "a client that did not register for the device grant was given codes"
    verify.that("rfc7591-2-grant-types-default", stated or not started.outcome.ok, problem, exchange, started)


@check("rfc7591-2-scope-string", needs=NEEDS, faults=("scope_as_array",))
def test_scope_is_one_string(case: ServerCase, verify: Verify) -> None:
    """Register with a scope. Accepted: the response has it, if at all, as one string."""
    supported = case.run.endpoints.document.get("scopes_supported")
    known = next((one for one in supported if isinstance(one, str)), "") if isinstance(supported, list) else ""
    exchange = register(case, "register with a scope", scope=case.run.target.config.request.scope or known or "openid")
    if exchange.get("scope") is None:
        raise NotApplicable("the response has no scope")
    text = isinstance(exchange.get("scope"), str)
    verify.that("rfc7591-2-scope-string", text, "scope in the registration response is no string", exchange)


@check("rfc7591-2-jwks-exclusive", needs=NEEDS, faults=("jwks_conflict_accepted",))
def test_keys_are_given_in_one_way(case: ServerCase, verify: Verify) -> None:
    """Register with jwks and jwks_uri. Accepted: a refusal, or a response that has at most one of them.

    A refusal shows something only where keys that are given in one way are no reason for it.
    """
    register(case, "register")
    exchange = attempt(
        case,
        "register with jwks and jwks_uri",
        jwks={"keys": []},
        jwks_uri="https://client.example.org/jwks.json",
    )
    if not exchange.outcome.ok:
        alone = attempt(case, "control: register with jwks alone", jwks={"keys": []})
        problem = "jwks alone is refused too"
        verify.that("rfc7591-2-jwks-exclusive", alone.outcome.ok or None, problem, exchange, alone)
        return
    both = exchange.get("jwks") is not None and exchange.get("jwks_uri") is not None
    verify.that("rfc7591-2-jwks-exclusive", not both, "jwks and jwks_uri were both registered", exchange)


@check(
    "rfc7591-3.2.1-return-all-metadata",
    needs=NEEDS,
    faults=("registration_metadata_dropped", "auth_method_default_public"),
)
def test_metadata_is_returned(case: ServerCase, verify: Verify) -> None:
    """Register, then without an authentication method. Accepted: grant_types and the method each time, the name too."""
    given = register(case, "register")
    defaulted = register(case, "register without token_endpoint_auth_method", token_endpoint_auth_method=None)
    for exchange in (given, defaulted):
        missing = [name for name in ("grant_types", "token_endpoint_auth_method") if exchange.get(name) is None]
        problem = f"the registration response lacks {', '.join(missing)}"
        verify.that("rfc7591-3.2.1-return-all-metadata", not missing, problem, exchange)
    # A server may have no use for names and not register them: that cannot be told from forgetting to return them.
    named = given.get("client_name") is not None
    problem = "the registration response lacks client_name"
    verify.that("rfc7591-3.2.1-return-all-metadata", named, problem, given, tolerated=True)


@check(
    "rfc7591-3.1.1-software-statement-optional",
    "rfc7591-3.2.2-software-statement-errors",
    "rfc7591-3.2.1-software-statement-returned",
    needs=NEEDS,
    faults=("software_statement_refused", "software_statement_altered"),
)
def test_software_statement(case: ServerCase, verify: Verify) -> None:
    """Register with an unsigned software statement. Accepted: ignored, or kept as it is, or its own two errors."""
    register(case, "register")
    # {"alg":"none"}.{"software_id":"device-grant-conformance"}. : no server has a reason to believe it.
    statement = "eyJhbGciOiJub25lIn0.eyJzb2Z0d2FyZV9pZCI6ImRldmljZS1ncmFudC1jb25mb3JtYW5jZSJ9."
    exchange = attempt(case, "register with a software statement", software_statement=statement)
    errors = ("invalid_software_statement", "unapproved_software_statement")
    for requirement in ("rfc7591-3.1.1-software-statement-optional", "rfc7591-3.2.2-software-statement-errors"):
        verify(requirement, exchange, accepted=["ok", *errors])
    if not exchange.outcome.ok:
        raise NotApplicable("a software statement that nobody signed is refused")
    if exchange.get("software_statement") is None:
        raise NotApplicable("software statements are ignored")
    same = exchange.get("software_statement") == statement
    problem = "the software statement did not come back as it was sent"
    verify.that("rfc7591-3.2.1-software-statement-returned", same, problem, exchange)


@check("rfc7591-2-device-client-needs-no-redirect", needs=NEEDS, faults=("redirect_uris_required",))
def test_device_client_without_redirect_uris(case: ServerCase, verify: Verify) -> None:
    """Register for the device grant without redirect_uris. Accepted: success; insisting on them is reported."""
    exchange = attempt(case, "register without redirect_uris", redirect_uris=None)
    if not exchange.outcome.ok:
        with_uris = attempt(case, "register with redirect_uris", redirect_uris=[REDIRECT_URI])
        if not with_uris.outcome.ok:
            raise Untestable(f"registration was refused with {with_uris.describe()}")
    verify("rfc7591-2-device-client-needs-no-redirect", exchange, accepted=["ok"])
