"""Tokens, proofs and people: no odd server is accused, and each defect is seen where it should be."""

from __future__ import annotations

import broken_consents
import broken_proofs
import broken_trusted
import odd_consents
import odd_trusted
import pytest
from peer_room import of
from peer_trusted import Trusted
from peer_verdicts import verdicts
from support.proof import judges

from device_grant.catalogue import Verdict

OBSERVED, PASSED, UNTOLD = Verdict.OBSERVED, Verdict.PASS, Verdict.INCONCLUSIVE
ACCUSED = (Verdict.WARN, Verdict.FAIL)
TOKENS = (".checks.dpop.", ".checks.ends.", ".checks.issued.", ".checks.binding.")
PAGES = (".checks.pages.", ".checks.cross_device.", ".checks.grant.test_user_")
ODD = {"Trusted": Trusted, **of(odd_trusted)}
CONSENTS = of(odd_consents)
BROKEN = {**of(broken_trusted), **of(broken_proofs), **of(broken_consents)}


def checks_of(rooms):
    modules = {name: check.function.__module__ for name, check in judges()[0].items()}
    return sorted(name for name, module in modules.items() if any(room in module for room in rooms))


def accused(peer, rooms, folder):
    said = [(check, *entry) for check in checks_of(rooms) for entry in verdicts(peer, check, folder).items()]
    return {(check, requirement) for check, requirement, verdict in said if verdict in ACCUSED} - {
        (check, requirement) for check, requirement, _ in said if requirement in peer.deviations
    }


@pytest.mark.parametrize("name", ODD)
def test_no_odd_server_is_accused_for_its_tokens(name, tmp_path):
    assert accused(ODD[name], TOKENS, tmp_path) == set()


@pytest.mark.parametrize("name", CONSENTS)
def test_no_odd_page_is_accused(name, tmp_path):
    assert accused(CONSENTS[name], PAGES, tmp_path) == set()


SEEN = [
    ("Replica", "revoked_tokens::test_revoked_refresh_token_again_and_again", "rfc7009-2-refresh-tokens-revocable"),
    ("LateRevocation", "introspected_ends::test_introspected_when_revoked", "rfc7662-4-revoked-is-inactive"),
    ("Skew", "introspected_ends::test_introspected_when_expired", "rfc7662-4-expired-is-inactive"),
    ("EndUnsaid", "introspected_ends::test_introspected_when_expired", "rfc7662-4-expired-is-inactive"),
    (
        "AudienceUnchecked",
        "introspection_callers::test_introspection_by_another_resource_server",
        "rfc7662-4-audience-checked",
    ),
    ("StrangersToldAll", "introspection_callers::test_introspection_by_a_mere_client", "rfc7662-4-caller-authorized"),
    ("DecodesOnly", "introspected_ends::test_introspected_when_changed", "rfc7662-4-signature-checked"),
    (
        "ReplacedIsActive",
        "introspected_ends::test_introspected_when_replaced",
        "rfc7662-4-replaced-refresh-token-is-inactive",
    ),
    ("WholeScope", "introspection::test_introspected_token_of_less_scope", "rfc7662-2.2-scope-agrees"),
    ("NamesByToken", "introspection::test_introspected_access_token", "rfc7662-2.2-user-agrees"),
    ("AudienceOfIssuer", "id_token_refresh::test_id_token_of_a_refresh", "oidc-core-12.2-same-identity"),
    ("AlwaysSha256", "id_tokens::test_id_token", "oidc-core-3.1.3.6-at-hash"),
    ("NullHash", "id_tokens::test_id_token", "oidc-core-3.1.3.6-at-hash"),
    (
        "NullHashAfterRefresh",
        "id_token_refresh::test_id_token_of_a_refresh",
        "oidc-core-3.1.3.6-at-hash-after-refresh",
    ),
    ("AuthTimeOfRefresh", "id_token_refresh::test_id_token_of_a_refresh", "oidc-core-12.2-old-auth-time"),
    ("NullClaims", "id_tokens::test_claims_without_value", "oidc-core-2-no-null-claims"),
    ("NullClaims", "userinfo::test_userinfo_without_value", "oidc-core-5.3.2-no-nulls"),
    ("Unasked", "id_tokens::test_without_openid", "oidc-core-3.1.2.1-no-id-token-without-openid"),
    ("Unasked", "userinfo::test_userinfo_without_openid", "oidc-core-5.3-openid-needed"),
    ("OtherSubject", "userinfo::test_userinfo", "oidc-core-5.3.2-sub"),
    ("SecretMac", "id_tokens::test_id_token", "oidc-core-10.1-no-mac-for-public-clients"),
    ("SignedElsewhere", "id_tokens::test_id_token", "oidc-core-10.1-signature-verifies"),
    ("IdTokenAsAccess", "userinfo::test_other_tokens", "oidc-core-5.3.3-other-tokens-refused"),
    ("SameJti", "access_token_jwts::test_refreshed_jwt_access_token", "rfc9068-2.2-jti-unique"),
    (
        "ForeignRevocation",
        "revocation_strangers::test_revocation_by_another_client",
        "rfc7009-2.1-foreign-token-survives",
    ),
    ("HintBelieved", "revoked_tokens::test_token_type_hints", "rfc7009-2.1-wrong-hint-extends-search"),
    ("RevokesLastOnly", "revoked_tokens::test_revoked_refresh_token", "rfc7009-2.1-replaced-token-stays-dead"),
    (
        "AnonymousRevocation",
        "revocation_strangers::test_revocation_needs_the_secret",
        "rfc7009-2.1-confidential-client-authenticates",
    ),
    ("WidensAtRefresh", "resource_audiences::test_refresh_for_another_resource", "rfc8707-2.2-refresh-does-not-widen"),
    ("HostIsEnough", "resource_audiences::test_each_resource_has_its_tokens", "rfc8707-3-path-distinguishes"),
    ("NarrowedForEver", "resource_audiences::test_part_of_the_resources", "rfc8707-2.2-narrowing-is-for-the-token"),
    ("VerifierMayLack", "device_pkce::test_device_verifiers", "rfc7636-device-4.5-missing-verifier"),
    (
        "ChallengeForVerifier",
        "device_pkce::test_challenge_in_place_of_the_verifier",
        "rfc7636-device-4.6-wrong-verifier",
    ),
    (
        "AnyBearerAsks",
        "introspection_callers::test_introspection_by_a_made_up_bearer_token",
        "rfc7662-2.1-authorization-required",
    ),
    ("UnknownMethodIsPlain", "device_pkce::test_challenge_methods", "rfc7636-device-4.2-s256"),
    ("SilentOfKeys", "confirmation::test_introspected_tokens", "rfc9449-6.2-introspection-thumbprint"),
    ("AnyKeyRefreshes", "bound_refreshes::test_refresh_by_another_key", "rfc9449-5-refresh-bound-public"),
    ("BindingLostAtRefresh", "bound_refreshes::test_refresh_without_a_proof", "rfc9449-5-refresh-needs-proof"),
    ("RotatedUnbound", "bound_refreshes::test_refreshed_tokens", "rfc9449-5-refresh-stays-bound"),
    ("NonceForShow", "nonces::test_wrong_nonces", "rfc9449-4.3-nonce"),
    ("NonceForgotten", "nonces::test_wrong_nonces", "rfc9449-11.3-no-nonce-downgrade"),
    ("NonceOfAll", "nonces::test_nonces_as_they_come", "rfc9449-8-nonce-unpredictable"),
    ("HtuByPrefix", "wrong_proofs::test_method_and_uri", "rfc9449-4.3-htu"),
    ("HtuBeginning", "wrong_proofs::test_method_and_uri", "rfc9449-4.3-htu"),
    ("HtuPathOnly", "wrong_proofs::test_method_and_uri", "rfc9449-4.3-htu"),
    ("HtuHostOnly", "wrong_proofs::test_method_and_uri", "rfc9449-4.3-htu"),
    ("OldProofs", "wrong_proofs::test_times", "rfc9449-4.3-time"),
    ("FutureProofs", "wrong_proofs::test_times", "rfc9449-4.3-time"),
    ("AthUnchecked", "presented_tokens::test_userinfo_with_wrong_proofs", "rfc9449-7.1-userinfo-needs-proof"),
    ("AnyKeyAtUserinfo", "presented_tokens::test_userinfo_with_wrong_proofs", "rfc9449-7.1-userinfo-needs-proof"),
    ("BearerDowngrade", "presented_tokens::test_bound_token_as_a_bearer_token", "rfc9449-7.2-no-bearer-downgrade"),
    ("TypUnchecked", "wrong_proofs::test_types_and_signatures", "rfc9449-4.3-typ"),
    ("PrivateKeyTaken", "wrong_proofs::test_algorithms_and_keys", "rfc9449-4.3-no-private-key"),
    ("ProofSpends", "wrong_proofs::test_a_wrong_proof_spends_nothing", "rfc9449-5-invalid-proof-spends-nothing"),
    ("HalfACode", "user_codes::test_half_a_code", "rfc8628-5.1-user-code-entropy"),
    ("UnboundDecision", "page_security::test_forged_approval", "rfc6749-10.12-csrf-on-consent"),
    ("DecidesByGet", "deciding_requests::test_deciding_form_sent_by_get", "rfc9110-9.2.1-safe-get"),
    ("LinkApproves", "verification_page::test_looking_decides_nothing", "rfc9110-9.2.1-safe-get"),
    ("DecidedTwice", "decisions::test_code_that_was_decided", "rfc10027-6.1.3-no-second-approval"),
    ("RedeemedCodeAsks", "decisions::test_code_that_was_decided", "rfc10027-6.1.3-redeemed-code-is-dead"),
    ("ExpiredLinkAsks", "lives::test_expired_link", "rfc10027-6.1.2-link-dies-with-code"),
    ("ApprovedByTheFirst", "two_people::test_second_decider", "rfc8628-3.3-token-for-its-user"),
    ("Namesake", "page_security::test_script_in_the_client_name", "rfc6749-10.14-sanitize-input"),
]


@pytest.mark.parametrize(("name", "check", "requirement"), SEEN)
def test_broken_servers_are_caught(name, check, requirement, tmp_path):
    assert verdicts(BROKEN[name], check, tmp_path)[requirement] in (*ACCUSED, OBSERVED)


def test_every_broken_server_is_met():
    assert {name for name, _, _ in SEEN} == set(BROKEN)


HONEST = [
    ("OtherNames", "introspection::test_introspected_access_token", "rfc7662-2.2-user-agrees", UNTOLD),
    ("OtherNamesOfTwo", "introspection::test_introspected_access_token", "rfc7662-2.2-user-agrees", PASSED),
    ("OneBareKey", "introspected_ends::test_introspected_when_expired", "rfc7662-4-expired-is-inactive", PASSED),
    ("OneBareKey", "id_tokens::test_id_token", "oidc-core-3.1.3.6-at-hash", PASSED),
    ("SecureCookies", "user_decision::test_approval", "rfc8628-3.5-success-after-approval", PASSED),
    ("Trusted", "id_tokens::test_without_openid", "oidc-core-3.1.2.1-no-id-token-without-openid", PASSED),
    ("Trusted", "id_tokens::test_claims_without_value", "oidc-core-2-no-null-claims", PASSED),
    ("Trusted", "userinfo::test_userinfo_without_openid", "oidc-core-5.3-openid-needed", PASSED),
    ("Trusted", "userinfo::test_userinfo_without_value", "oidc-core-5.3.2-no-nulls", PASSED),
    (
        "Trusted",
        "introspected_ends::test_introspected_when_replaced",
        "rfc7662-4-replaced-refresh-token-is-inactive",
        PASSED,
    ),
    (
        "Grace",
        "introspected_ends::test_introspected_when_replaced",
        "rfc7662-4-replaced-refresh-token-is-inactive",
        PASSED,
    ),
    (
        "Stateless",
        "revoked_tokens::test_revoked_refresh_token_again_and_again",
        "rfc7009-2-refresh-tokens-revocable",
        PASSED,
    ),
    ("Grace", "introspection::test_introspected_token_of_less_scope", "rfc7662-2.2-scope-agrees", PASSED),
    (
        "VerifierAtEachPoll",
        "device_pkce::test_challenge_in_place_of_the_verifier",
        "rfc7636-device-4.6-wrong-verifier",
        PASSED,
    ),
    (
        "Stateless",
        "introspection_callers::test_introspection_by_a_made_up_bearer_token",
        "rfc7662-2.1-authorization-required",
        PASSED,
    ),
    ("Trusted", "user_codes::test_half_a_code", "rfc8628-5.1-user-code-entropy", PASSED),
    (
        "NonceOnce",
        "wrong_proofs::test_a_wrong_proof_spends_nothing",
        "rfc9449-5-invalid-proof-spends-nothing",
        PASSED,
    ),
    (
        "LeanAnswers",
        "confirmation::test_introspected_tokens",
        "rfc9449-6.2-introspection-thumbprint",
        Verdict.NOT_APPLICABLE,
    ),
]


@pytest.mark.parametrize(("name", "check", "requirement", "verdict"), HONEST)
def test_what_an_honest_server_leaves_unsaid_is_looked_for(name, check, requirement, verdict, tmp_path):
    assert verdicts(ODD[name], check, tmp_path)[requirement] is verdict
