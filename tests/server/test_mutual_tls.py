"""Servers that take client certificates: odd honest ones are accused of nothing, and broken ones of what they break."""

from __future__ import annotations

import json
import secrets
from dataclasses import replace

import httpx
import pytest
from msgspec import structs
from support.proof import judged

from device_grant.catalogue import Verdict
from device_grant.protocol.certificates import CONFIRMATION, thumbprint
from device_grant.reference.embedded import embedded
from device_grant.reference.server import grants
from device_grant.reference.server.binding.known import PROTECTED_RESOURCES
from device_grant.reference.server.http import Answer
from device_grant.reference.server.issued import jwts
from device_grant.reference.server.mutual_tls import connections
from device_grant.reference.server.mutual_tls.connections import Connections
from device_grant.reference.server.settings import Settings
from device_grant.targets.certificates import authority, issued, self_signed
from device_grant.targets.config import IntrospectionSection, KnownClient

ALIASES = "mtls_endpoint_aliases"
METHODS = "token_endpoint_auth_methods_supported"
BOUND = "tls_client_certificate_bound_access_tokens"
CHECKS = (
    "mutual_tls_metadata::test_binding_is_announced_by_a_boolean",
    "mutual_tls_metadata::test_aliases_are_endpoints",
    "aliases::test_codes_of_the_alias",
    "certificate_bound_tokens::test_access_token_is_bound",
    "certificate_bound_tokens::test_refresh_token_of_a_public_client_is_bound",
    "certificate_bound_uses::test_introspection_of_a_bound_token",
    "certificate_bound_uses::test_userinfo_with_the_certificate_of_somebody_else",
    "certificate_clients::test_start_with_the_certificate_of_somebody_else",
    "certificate_clients::test_poll_with_the_certificate_of_somebody_else",
    "certificate_clients::test_two_kinds_of_subject",
)
TOKENS = {"rfc8705-3-poll-binds-token", "rfc8705-3.1-thumbprint", "rfc8705-3.1-jwt-uses-cnf"}
TELLS, LOOKS = "rfc8705-3.2-introspection", "rfc8705-3-userinfo-checks-certificate"
USES = {TELLS, LOOKS}
REFRESH = "rfc8705-4-public-refresh-bound"
AUTHENTICATION = {"rfc8705-2-device-endpoint-authenticates", "rfc8705-2-binding-enforced", "rfc8705-2-invalid-client"}
FORGED = "rfc8705-6.5-forged-certificate-header"
TWO = "rfc8705-2.1-single-subject"
CLIENTS = {*AUTHENTICATION, FORGED}
WORKS = "rfc8705-5-device-alias-works"
FORM = "rfc8705-5-aliases-form"


class Answering:
    """An application whose JSON answers at a path are changed."""

    def __init__(self, app, path, change):
        self.app, self.path, self.change = app, path, change

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http" or self.path not in scope["path"]:
            await self.app(scope, receive, send)
            return
        messages = []

        async def keep(message):
            messages.append(message)

        await self.app(scope, receive, keep)
        start, body = messages
        members = json.loads(body["body"])
        self.change(members)
        changed = json.dumps(members).encode()
        headers = [pair for pair in start["headers"] if pair[0] != b"content-length"]
        await send({**start, "headers": [*headers, (b"content-length", str(len(changed)).encode())]})
        await send({**body, "body": changed})


def metadata(change):
    return lambda target: setattr(target, "_app", Answering(target._app, "/.well-known/", change))


def judge(*changes, faults=(), settings=None):
    """The verdicts by requirement."""
    target = embedded("rfc8628", faults, settings=settings)
    for change in changes:
        change(target)
    with target:
        outcomes = judged(target, CHECKS, 5)
        return {name: verdict for outcome in outcomes for name, verdict in outcome.verdicts.items()}


def broken(verdicts):
    return {name for name, verdict in verdicts.items() if verdict in (Verdict.FAIL, Verdict.WARN)}


def of(verdicts, verdict):
    return {name for name, one in verdicts.items() if one is verdict}


def test_the_usual_one_passes_all():
    verdicts = judge()
    assert set(verdicts.values()) == {Verdict.PASS}
    assert len(verdicts) == 14


# Odd and honest.


def one_host():
    everywhere = "https://target.test"
    return Settings(issuer=everywhere, mutual_tls=everywhere, client_authorities=(authority(),))


def test_one_host_that_asks_everybody_for_a_certificate_needs_no_aliases():
    verdicts = judge(metadata(lambda members: members.pop(ALIASES)), settings=one_host())
    assert of(verdicts, Verdict.NOT_APPLICABLE) == {WORKS, FORM}
    assert of(verdicts, Verdict.PASS) == {*TOKENS, *CLIENTS, *USES, TWO, REFRESH, "rfc8705-3.3-metadata"}


def test_aliases_may_be_there_for_some_endpoints_alone():
    verdicts = judge(metadata(lambda members: members[ALIASES].pop("device_authorization_endpoint")))
    assert of(verdicts, Verdict.NOT_APPLICABLE) == {WORKS}
    assert not broken(verdicts)
    verdicts = judge(metadata(lambda members: members[ALIASES].pop("token_endpoint")), settings=one_host())
    assert not broken(verdicts)
    assert verdicts[WORKS] is Verdict.PASS


def test_what_is_no_endpoint_among_the_aliases_is_nobodys_business():
    def add(members):
        members[ALIASES] |= {"note": "see the manual", "jwks_uri": None}

    assert not broken(judge(metadata(add)))


def test_a_member_that_is_null_is_not_there():
    verdicts = judge(metadata(lambda members: members.update({ALIASES: None, BOUND: None})))
    assert "rfc8705-3.3-metadata" in of(verdicts, Verdict.NOT_APPLICABLE)
    assert not broken(verdicts)


def unasked(target):
    """A server of which target.toml says that it has no introspection."""
    target.config = structs.replace(target.config, claims={**target.config.claims, "introspection": False})


def test_opaque_tokens_show_nothing_but_what_introspection_tells():
    verdicts = judge(faults=["access_token_guessable"])
    assert of(verdicts, Verdict.NOT_APPLICABLE) == {"rfc8705-3.1-jwt-uses-cnf"}
    assert not broken(verdicts)
    verdicts = judge(unasked, faults=["access_token_guessable"])
    assert of(verdicts, Verdict.NOT_APPLICABLE) == {*TOKENS, TELLS}
    assert {verdicts[REFRESH], verdicts[LOOKS]} == {Verdict.PASS}


def test_a_confidential_client_may_ask_of_its_own_tokens_where_no_resource_server_is_known():
    def alone(target):
        target.config = structs.replace(target.config, introspection=IntrospectionSection())

    assert judge(alone)[TELLS] is Verdict.PASS
    verdicts = judge(alone, faults=["mtls_introspection_without_cnf", "access_token_guessable"])
    assert of(verdicts, Verdict.FAIL) == {TELLS}


def without_cnf(monkeypatch):
    usual = jwts.access_claims

    def bare(*arguments, **named):
        return {name: said for name, said in usual(*arguments, **named).items() if name != "cnf"}

    monkeypatch.setattr(jwts, "access_claims", bare)


def test_what_a_jwt_leaves_out_introspection_may_tell(monkeypatch):
    without_cnf(monkeypatch)
    verdicts = judge()
    assert broken(verdicts) == {"rfc8705-3.1-jwt-uses-cnf"}, "which is a warning, and no fault of the binding"
    assert of(verdicts, Verdict.FAIL) == set()
    assert verdicts[TELLS] is Verdict.PASS


def test_what_a_jwt_tells_itself_is_a_warning_where_introspection_does_not():
    verdicts = judge(faults=["mtls_introspection_without_cnf"])
    assert broken(verdicts) == {TELLS} == of(verdicts, Verdict.WARN)


def test_userinfo_elsewhere_that_asks_for_no_certificates_is_named():
    verdicts = judge(
        metadata(lambda members: members[ALIASES].pop("userinfo_endpoint")), faults=["userinfo_ignores_certificate"]
    )
    assert broken(verdicts) == {LOOKS} == of(verdicts, Verdict.WARN)


def test_userinfo_elsewhere_may_refuse_all_bound_tokens():
    verdicts = judge(metadata(lambda members: members[ALIASES].pop("userinfo_endpoint")))
    assert verdicts[LOOKS] is Verdict.UNTESTABLE


def test_a_client_that_is_not_registered_for_it_may_have_unbound_tokens_that_say_nothing():
    def silent(target):
        target._app = Answering(target._app, "/register", lambda members: members.pop(BOUND, None))

    verdicts = judge(silent, faults=["access_token_guessable", "mtls_token_unbound"])
    assert not broken(verdicts)
    assert of(verdicts, Verdict.INCONCLUSIVE) >= {TELLS, LOOKS, REFRESH}


def test_a_server_may_bind_for_clients_alone_that_are_registered_for_it():
    def decline(target):
        target._app = Answering(target._app, "/register", lambda members: members.update({BOUND: False}))

    verdicts = judge(decline, faults=["mtls_token_unbound"])
    assert not broken(verdicts)
    assert of(verdicts, Verdict.INCONCLUSIVE) == {*TOKENS, REFRESH}


def cutting(certificates):
    """A target whose TLS cuts connections that show one of these certificates; None: none."""

    def change(target):
        usual = target.http

        def http(*, timeout=10.0, certificate=None):
            client = usual(timeout=timeout, certificate=certificate)

            def cut(request):
                if request.url.scheme == "https" and certificate in certificates:
                    raise httpx.ReadError("[SSL: TLSV1_ALERT_UNKNOWN_CA] tlsv1 alert unknown ca", request=request)

            client.event_hooks["request"].append(cut)
            return client

        target.http = http

    return change


def test_a_handshake_that_fails_is_a_refusal_too():
    verdicts = judge(cutting([issued("somebody else"), self_signed("somebody else"), None]))
    assert of(verdicts, Verdict.INCONCLUSIVE) == set()
    assert not broken(verdicts)


def test_one_method_alone_is_enough():
    for method in ("tls_client_auth", "self_signed_tls_client_auth"):
        verdicts = judge(metadata(lambda members, method=method: members[METHODS].remove(method)))
        assert of(verdicts, Verdict.PASS) >= CLIENTS
    assert TWO in of(
        judge(metadata(lambda members: members[METHODS].remove("tls_client_auth"))), Verdict.NOT_APPLICABLE
    )


def test_a_server_that_has_no_such_clients():
    verdicts = judge(metadata(lambda members: members.update({METHODS: ["none"]})))
    assert of(verdicts, Verdict.NOT_APPLICABLE) == {*CLIENTS, TWO}


def test_a_server_may_register_another_method_than_is_asked_for():
    def replaced(members):
        if "tls" in str(members.get("token_endpoint_auth_method")):
            members["token_endpoint_auth_method"] = "none"

    verdicts = judge(lambda target: setattr(target, "_app", Answering(target._app, "/register", replaced)))
    assert of(verdicts, Verdict.UNTESTABLE) == CLIENTS
    assert not broken(verdicts)


def test_what_is_ignored_where_grants_start_is_no_belief_in_headers():
    verdicts = judge(faults=["mtls_not_at_device_endpoint"])
    assert broken(verdicts) == {"rfc8705-2-device-endpoint-authenticates"}
    assert verdicts[FORGED] is Verdict.PASS


def test_a_server_that_does_not_know_our_authority_is_not_blamed():
    verdicts = judge(cutting([issued("device")]))
    assert of(verdicts, Verdict.UNTESTABLE) == {*TOKENS, *USES, REFRESH, WORKS}
    assert of(verdicts, Verdict.PASS) >= CLIENTS, "the self-made one is known"
    assert not broken(verdicts)


def test_a_stranger_may_be_the_end_of_a_refresh_token(monkeypatch):
    usual = Connections.refresh

    def strict(self, client, token, call):
        try:
            usual(self, client, token, call)
        except Exception:
            self._store.revoked_families[self._store.refresh_tokens[token].family] = None
            raise

    monkeypatch.setattr(Connections, "refresh", strict)
    assert judge()[REFRESH] is Verdict.PASS


# Broken.


@pytest.mark.parametrize(
    "aliases",
    [
        [],
        "https://mtls.target.test",
        {"token_endpoint": "/token"},
        {"token_endpoint": ["https://mtls.target.test/token"]},
        {"token_endpoint": "http://login.example.com/token"},
    ],
)
def test_aliases_that_nobody_can_use(aliases):
    assert FORM in broken(judge(metadata(lambda members: members.update({ALIASES: aliases}))))


@pytest.mark.parametrize("value", ["true", 1, [True], {}])
def test_binding_that_is_no_boolean(value):
    assert "rfc8705-3.3-metadata" in broken(judge(metadata(lambda members: members.update({BOUND: value}))))


def test_an_alias_at_which_nothing_is():
    def misplace(members):
        members[ALIASES]["device_authorization_endpoint"] += "/moved"

    assert broken(judge(metadata(misplace))) == {WORKS}


def test_an_alias_for_tokens_at_which_codes_are_unknown():
    def misplace(members):
        members[ALIASES]["token_endpoint"] = "https://mtls.target.test/moved"

    assert WORKS in broken(judge(metadata(misplace)))


def test_another_hash_than_that_of_the_certificate(monkeypatch):
    monkeypatch.setattr(connections, "thumbprint", lambda der: thumbprint(der + b"\n"))
    assert broken(judge()) == {"rfc8705-3.1-thumbprint", TELLS}


def test_a_refresh_token_that_is_taken_without_a_certificate_alone(monkeypatch):
    usual = Connections.refresh

    def lax(self, client, token, call):
        if self._shown(call) is not None:
            usual(self, client, token, call)

    monkeypatch.setattr(Connections, "refresh", lax)
    assert broken(judge()) == {REFRESH}


def test_tokens_that_are_bound_for_some_polls_alone(monkeypatch):
    def never(self, client, grant, call):
        """Of the poll nothing is bound; a refresh would be."""

    monkeypatch.setattr(Connections, "poll", never)
    assert broken(judge()) == {"rfc8705-3-poll-binds-token", REFRESH}


def test_a_hash_that_is_no_text(monkeypatch):
    usual = Connections._bound

    def spoilt(self, terms, call):
        bound = usual(self, terms, call)
        named = bound.confirmation.get(CONFIRMATION)
        return replace(bound, confirmation={CONFIRMATION: [named]}) if named else bound

    monkeypatch.setattr(Connections, "_bound", spoilt)
    assert "rfc8705-3-poll-binds-token" in broken(judge())


def test_a_client_that_is_looked_at_over_tls_alone(monkeypatch):
    usual = Connections.authenticate

    def lax(self, client, call):
        return client.credential is not None if call.scope["scheme"] == "http" else usual(self, client, call)

    monkeypatch.setattr(Connections, "authenticate", lax)
    assert {"rfc8705-2-device-endpoint-authenticates", "rfc8705-2-binding-enforced"} <= broken(judge())


def test_a_client_that_is_looked_at_where_grants_start_alone(monkeypatch):
    usual = Connections.authenticate

    def lax(self, client, call):
        return client.credential is not None if call.path == "/token" else usual(self, client, call)

    monkeypatch.setattr(Connections, "authenticate", lax)
    assert broken(judge()) == {"rfc8705-2-binding-enforced"}


def test_an_opaque_token_of_which_nobody_tells_a_certificate():
    verdicts = judge(faults=["access_token_guessable", "mtls_introspection_without_cnf"])
    assert of(verdicts, Verdict.FAIL) == {TELLS}


def lenient(monkeypatch, when):
    """Userinfo that looks at no certificate for calls of which that is true."""
    usual = Connections.at_resource

    async def lax(self, handle, call):
        return await (handle(call) if when(self, call) else usual(self, handle, call))

    monkeypatch.setattr(Connections, "at_resource", lax)


@pytest.mark.parametrize(
    "when",
    [
        lambda connections, call: connections._shown(call) is None,
        lambda connections, call: connections._shown(call) is not None,
        lambda _connections, call: call.scope["scheme"] == "http",
    ],
)
def test_userinfo_that_does_not_always_look(monkeypatch, when):
    lenient(monkeypatch, when)
    assert of(judge(), Verdict.FAIL) == {LOOKS}


def test_userinfo_that_refuses_its_own_devices_is_not_taken_for_careful(monkeypatch):
    async def closed(_self, _handle, _call):
        return Answer(401, b"", "application/json", {"WWW-Authenticate": "Bearer"})

    monkeypatch.setattr(Connections, "at_resource", closed)
    assert judge()[LOOKS] is Verdict.UNTESTABLE


# Clients that target.toml names, which nobody has registered for certificates.


def named_clients(*, registration):
    def change(target):
        target.config = structs.replace(target.config, clients=(KnownClient(id="device-client"),))
        target.config.claims.update(registration=registration, mtls=None)

    return change


def test_clients_are_registered_beside_those_of_target_toml_where_it_claims_registration():
    verdicts = judge(named_clients(registration=True))
    assert of(verdicts, Verdict.PASS) >= {*TOKENS, *CLIENTS, *USES, TWO, REFRESH}
    unbound = judge(named_clients(registration=True), faults=["mtls_token_unbound"])
    assert "rfc8705-3-poll-binds-token" in broken(unbound)


@pytest.mark.parametrize("registration", [None, False])
def test_none_is_registered_where_it_does_not(registration):
    verdicts = judge(named_clients(registration=registration))
    assert broken(verdicts) == set()
    assert not of(verdicts, Verdict.PASS) & CLIENTS


def test_tokens_that_are_jwts_for_resources_alone(monkeypatch):
    """Their hash is in the JWT, which one more grant shows."""
    issue = grants.jwts.access_token
    known = {one.uri for one in PROTECTED_RESOURCES}
    monkeypatch.setattr(
        grants.jwts,
        "access_token",
        lambda held, *further: issue(held, *further) if known & set(held.audience) else secrets.token_urlsafe(32),
    )
    assert of(judge(), Verdict.PASS) >= TOKENS
    assert "rfc8705-3.1-jwt-uses-cnf" in broken(judge(faults=["mtls_hash_at_top_level"]))
