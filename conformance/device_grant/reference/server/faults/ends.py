"""Faults of revocation and introspection."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class EndFaults(Misbehaviour):
    """Faults of how tokens end, and of who is told of it."""

    # Revocation (RFC 7009): the token.
    revocation_without_effect: bool = fault("Revocation is answered 200 and does nothing.", RFC)
    revocation_lags: bool = fault("A revoked refresh token, and what hangs on it, lives on for three seconds.", RFC)
    revocation_misses_a_replica: bool = fault("Every second refresh does not know that its token was revoked.", RFC)
    revocation_leaves_access_tokens: bool = fault("Access tokens outlive the revocation of their refresh token.", RFC)
    revocation_spares_predecessor: bool = fault("A replaced refresh token works after its successor's end.", RFC)
    revocation_reopens_code: bool = fault("The device code of revoked tokens can be redeemed again.", RFC)
    revocation_believes_hint: bool = fault("Only the kind of token that the hint names is revoked.", RFC)
    access_token_not_revocable: bool = fault("Access tokens are answered unsupported_token_type.", RFC)
    access_revocation_pretended: bool = fault("The revocation of an access token is answered 200 for nothing.", RFC)
    access_revocation_ends_grant: bool = fault("Revoking an access token ends the refresh token too.", RFC)

    # The same: requests and answers.
    revocation_204: bool = fault("Revocation is answered 204.", RFC)
    revocation_unknown_token_400: bool = fault("The revocation of an unknown token is answered invalid_grant.", RFC)
    revocation_twice_400: bool = fault("The second revocation of a token is answered invalid_grant.", RFC)
    revocation_unknown_hint_refused: bool = fault("An unknown token_type_hint is invalid_request.", RFC)
    revocation_without_token_500: bool = fault("A revocation without token is answered 500.", RFC)
    revocation_reads_query: bool = fault("Revocation reads its parameters from the query too.", RFC)
    revocation_by_get: bool = fault("Revocation works by GET.", RFC)
    revocation_errors_as_text: bool = fault("Errors of the revocation endpoint are plain text.", RFC)
    revocation_takes_user_codes: bool = fault("A user code that is given as token ends its flow.", RFC)
    revocation_endpoint_fragment: bool = fault("The advertised revocation_endpoint has a fragment.", RFC)
    revocation_endpoint_http: bool = fault("The advertised revocation_endpoint is plain http on a public host.", RFC)

    # The same: who may.
    revocation_without_secret: bool = fault("A confidential client may revoke without its secret.", RFC)
    revocation_of_foreign_tokens: bool = fault("Any client may revoke any token.", RFC)
    revocation_by_anyone: bool = fault("A revocation needs no client_id.", RFC)

    # Introspection (RFC 7662): what is said.
    introspection_knows_no_device_tokens: bool = fault("Tokens of the device grant are inactive.", RFC)
    introspection_active_as_text: bool = fault('active is the text "false" in place of false.', RFC)
    introspection_html: bool = fault("Answers of the introspection endpoint are labelled text/html.", RFC)
    introspection_scope_array: bool = fault("scope of an introspection is an array.", RFC)
    introspection_scope_of_client: bool = fault("scope of an introspection is all that the client may ask for.", RFC)
    introspection_scope_of_grant: bool = fault("scope of an introspection is that of the grant.", RFC)
    introspection_client_is_caller: bool = fault("client_id of an introspection is that of the caller.", RFC)
    introspection_exp_milliseconds: bool = fault("exp of an introspection counts milliseconds.", RFC)
    introspection_sub_is_client: bool = fault("sub of an introspection is the client's id.", RFC)
    introspection_tells_of_the_dead: bool = fault("An introspection says whose a dead token was.", RFC)
    introspection_unknown_404: bool = fault("The introspection of an unknown token is answered 404.", RFC)
    introspection_believes_hint: bool = fault("Only the kind of token that the hint names is introspected.", RFC)
    introspection_refresh_looks_like_access: bool = fault("A refresh token is introspected as a Bearer token.", RFC)

    # The same: what is looked at.
    introspection_ignores_expiry: bool = fault("Expired tokens are active.", RFC)
    introspection_ignores_revocation: bool = fault("Revoked tokens are active until they expire.", RFC)
    introspection_old_refresh_active: bool = fault("Replaced refresh tokens are active.", RFC)
    introspection_decodes_only: bool = fault("JWTs are decoded for an introspection, and not verified.", RFC)
    introspection_device_code_active: bool = fault("The device code of an approved grant is active.", RFC)

    # The same: who may ask, and how.
    introspection_open: bool = fault("An introspection needs no credentials.", RFC)
    introspection_takes_any_bearer: bool = fault("Whoever sends a Bearer token may introspect.", RFC)
    introspection_bad_secret_inactive: bool = fault("Wrong credentials are answered that the token is inactive.", RFC)
    introspection_for_every_client: bool = fault("Any client may introspect any token.", RFC)
    introspection_same_for_all: bool = fault("Resource servers are told of tokens that are for others.", RFC)
    introspection_by_get: bool = fault("Introspection works by GET.", RFC)
    introspection_reads_json: bool = fault("The introspection endpoint reads JSON bodies alone.", RFC)
    introspection_without_token_500: bool = fault("An introspection without token is answered 500.", RFC)
    introspection_endpoint_http: bool = fault("The advertised introspection_endpoint is http on a public host.", RFC)
