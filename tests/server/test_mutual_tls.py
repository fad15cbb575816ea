"""Servers that take client certificates in odd and honest ways are accused of nothing."""

from __future__ import annotations

import secrets

import httpx
import pytest
from msgspec import structs
from support.certificate_servers import (
    ALIASES,
    BOUND,
    CLIENTS,
    FORGED,
    FORM,
    LOOKS,
    METHODS,
    REFRESH,
    TELLS,
    TOKENS,
    TWO,
    USES,
    WORKS,
    Answering,
    broken,
    judge,
    metadata,
    of,
)

from device_grant.catalogue import Verdict
from device_grant.reference.server.binding.known import PROTECTED_RESOURCES
from device_grant.reference.server.issued import jwts
from device_grant.reference.server.mutual_tls.connections import Connections
from device_grant.reference.server.settings import Settings
from device_grant.targets.certificates import authority, issued, self_signed
from device_grant.targets.config import IntrospectionSection, KnownClient


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
    issue = jwts.access_token
    known = {one.uri for one in PROTECTED_RESOURCES}
    monkeypatch.setattr(
        jwts,
        "access_token",
        lambda held, *further: issue(held, *further) if known & set(held.audience) else secrets.token_urlsafe(32),
    )
    assert of(judge(), Verdict.PASS) >= TOKENS
    assert "rfc8705-3.1-jwt-uses-cnf" in broken(judge(faults=["mtls_hash_at_top_level"]))
