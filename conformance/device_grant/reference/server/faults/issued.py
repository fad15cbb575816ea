"""Faults of ID tokens, of access tokens that are JWTs, of the published keys and of userinfo."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class IssuedFaults(Misbehaviour):
    """Faults of what is signed, and of whom userinfo serves."""

    # ID tokens: when they come.
    id_token_missing: bool = fault("openid is granted, and no ID token comes.", RFC)
    id_token_unasked: bool = fault("Every grant yields an ID token, also without openid in its scope.", RFC)
    id_token_is_access_token: bool = fault("id_token and access_token are the same JWT.", RFC)
    offline_access_granted_without_token: bool = fault("offline_access is granted and no refresh token comes.", RFC)

    # ID tokens: their claims.
    id_token_without_iat: bool = fault("ID tokens have no iat.", RFC)
    id_token_iss_slash: bool = fault("iss of ID tokens has a slash at its end that issuer does not have.", RFC)
    id_token_aud_issuer: bool = fault("aud of ID tokens is the issuer.", RFC)
    id_token_azp_other: bool = fault("azp of ID tokens is no client_id.", RFC)
    id_token_sub_number: bool = fault("sub of ID tokens is a JSON number.", RFC)
    id_token_sub_per_grant: bool = fault("sub of ID tokens is another one in each grant.", RFC)
    id_token_sub_for_all: bool = fault("sub of ID tokens is the same for all people.", RFC)
    id_token_expired_at_birth: bool = fault("exp of ID tokens is the time of their issue.", RFC)
    id_token_iat_text: bool = fault("iat of ID tokens is a date in words.", RFC)
    id_token_auth_time_later: bool = fault("auth_time of ID tokens is an hour after their issue.", RFC)
    id_token_nonce_invented: bool = fault("ID tokens have a nonce that nobody sent.", RFC)
    id_token_nonce_altered: bool = fault("ID tokens have the nonce of the request in lower case.", RFC)
    id_token_amr_string: bool = fault("amr of ID tokens is one string.", RFC)
    id_token_null_claims: bool = fault("ID tokens have claims that are null.", RFC)
    at_hash_of_whole_digest: bool = fault("at_hash is the whole digest instead of its left half.", RFC)

    # ID tokens: their signature.
    id_token_unsigned: bool = fault("ID tokens have the algorithm none.", RFC)
    id_token_jku: bool = fault("The header of ID tokens names an address of keys.", RFC)
    id_token_alg_unlisted: bool = fault("ID tokens are signed by an algorithm that the metadata does not list.", RFC)
    id_token_hs256_public: bool = fault("Public clients get ID tokens with a MAC, whose key is empty.", RFC)
    id_token_signed_by_unknown_key: bool = fault("ID tokens are signed with a key that is not published.", RFC)
    id_token_kid_missing: bool = fault("ID tokens name no key, though two that are published may be it.", RFC)

    # ID tokens that come by a refresh.
    at_hash_stale: bool = fault("at_hash after a refresh is that of the first access token.", RFC)
    refresh_id_token_other_aud: bool = fault("aud of ID tokens after a refresh is the issuer.", RFC)
    refresh_id_token_old_iat: bool = fault("iat of ID tokens after a refresh is that of the first one.", RFC)
    refresh_id_token_new_auth_time: bool = fault("auth_time of ID tokens after a refresh is when that was.", RFC)
    refresh_id_token_new_nonce: bool = fault("ID tokens after a refresh have a nonce of their own.", RFC)

    # Keys.
    jwks_keys_missing: bool = fault("The document at jwks_uri has no keys.", RFC)
    jwks_private_key: bool = fault("A key at jwks_uri has its private part.", RFC)

    # Userinfo.
    userinfo_post_405: bool = fault("Userinfo answers POST with 405.", RFC)
    userinfo_other_sub: bool = fault("sub of userinfo is another one than in the ID token.", RFC)
    userinfo_as_text: bool = fault("Userinfo is labelled text/plain.", RFC)
    userinfo_null_claims: bool = fault("Claims that userinfo does not know of a person are null.", RFC)
    userinfo_bad_token_200: bool = fault("Userinfo answers a token that nobody issued with 200.", RFC)
    userinfo_accepts_id_token: bool = fault("Userinfo takes any JWT that this server has signed.", RFC)
    userinfo_accepts_refresh_token: bool = fault("Userinfo takes refresh tokens.", RFC)
    userinfo_without_openid: bool = fault("Userinfo tells all of a person to tokens without openid.", RFC)
    userinfo_all_claims: bool = fault("Userinfo tells all of a person to tokens with openid alone.", RFC)
    userinfo_altered_jwt_400: bool = fault("Userinfo answers a JWT of a wrong signature with 400 alone.", RFC)

    # Access tokens that are JWTs: header and signature.
    at_jwt_unsigned: bool = fault("Access tokens have no signature.", RFC)
    at_jwt_alg_none: bool = fault("Access tokens have the algorithm none.", RFC)
    at_jwt_typ_jwt: bool = fault("typ of access tokens is JWT.", RFC)
    at_jwt_typ_long: bool = fault("typ of access tokens is application/at+jwt.", RFC)
    at_jwt_hs256: bool = fault("Access tokens are signed with HS256.", RFC)
    at_jwt_key_unpublished: bool = fault("Access tokens are signed with a key that is not published.", RFC)
    at_jwt_signature_wrong: bool = fault("Access tokens are signed with another key than they name.", RFC)
    openid_configuration_other_keys: bool = fault("The OpenID configuration names another jwks_uri.", RFC)

    # Access tokens that are JWTs: their claims.
    at_jwt_iss_host: bool = fault("iss of access tokens is the host without a scheme.", RFC)
    at_jwt_exp_text: bool = fault("exp of access tokens is a string.", RFC)
    at_jwt_exp_other_than_expires_in: bool = fault("exp of access tokens is a day later than expires_in says.", RFC)
    at_jwt_without_sub: bool = fault("Access tokens have no sub.", RFC)
    at_jwt_sub_is_client: bool = fault("sub of access tokens is the client_id.", RFC)
    at_jwt_cid: bool = fault("Access tokens have cid in place of client_id.", RFC)
    at_jwt_iat_missing: bool = fault("Access tokens have no iat.", RFC)
    at_jwt_jti_missing: bool = fault("Access tokens have no jti.", RFC)
    at_jwt_jti_per_grant: bool = fault("jti of access tokens is that of the grant, also after a refresh.", RFC)
    at_jwt_auth_time_renewed: bool = fault("auth_time of access tokens is the time of their issue.", RFC)
    at_jwt_scp: bool = fault("Access tokens have scp in place of scope.", RFC)
    at_jwt_scope_array: bool = fault("scope of access tokens is an array.", RFC)
    at_jwt_scope_of_client: bool = fault("scope of access tokens is all that the client may ask for.", RFC)
    at_jwt_aud_empty: bool = fault("aud of access tokens is an empty array.", RFC)
    at_jwt_aud_is_client: bool = fault("aud of access tokens is the client_id.", RFC)
    at_jwt_full_profile: bool = fault("Access tokens tell the person's name and address.", RFC)
