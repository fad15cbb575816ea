"""Faults of DPoP (RFC 9449), and of its extension to device codes."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class ProofFaults(Misbehaviour):
    """Faults of who judges proofs and gives nonces."""

    # What a proof has to be.
    dpop_ignored: bool = fault("DPoP headers are not looked at.", RFC)
    device_grant_refuses_dpop: bool = fault("A DPoP header on a poll is answered invalid_request.", RFC)
    dpop_algorithms_with_none: bool = fault("dpop_signing_alg_values_supported lists none and HS256.", RFC)
    dpop_algorithm_listed_only: bool = fault("RS256 is listed, and proofs signed with it are refused.", RFC)
    dpop_first_header_wins: bool = fault("Of several DPoP fields the first is used.", RFC)
    dpop_garbage_ignored: bool = fault("A DPoP value that does not parse is treated as absent.", RFC)
    dpop_jti_optional: bool = fault("A proof without jti is accepted.", RFC)
    dpop_typ_ignored: bool = fault("typ of a proof is not looked at.", RFC)
    dpop_none_accepted: bool = fault("Proofs of the algorithm none are accepted.", RFC)
    dpop_none_at_refresh: bool = fault("alg none is refused for device codes and accepted for refreshes.", RFC)
    dpop_signature_unchecked: bool = fault("Signatures of proofs are not verified.", RFC)
    dpop_private_jwk_accepted: bool = fault("A private key in jwk is accepted.", RFC)
    dpop_htm_ignored: bool = fault("htm is not compared.", RFC)
    dpop_htu_ignored: bool = fault("htu is not compared.", RFC)
    dpop_htu_with_query: bool = fault("htu is compared with the whole request URI, its query included.", RFC)
    dpop_htu_compared_as_text: bool = fault("htu is compared byte by byte.", RFC)
    dpop_iat_ignored: bool = fault("iat is not looked at, and no nonce is asked for.", RFC)
    dpop_jti_not_remembered: bool = fault("A proof may be sent any number of times.", RFC)
    dpop_long_jti_500: bool = fault("A jti of more than 255 characters is answered 500.", RFC)
    invalid_proof_as_invalid_grant: bool = fault("Every wrong proof is answered invalid_grant.", RFC)
    invalid_proof_spends_code: bool = fault("A wrong proof deletes the device code.", RFC)

    # Nonces.
    dpop_nonce_unchecked: bool = fault("Any nonce is accepted.", RFC)
    nonce_demanded_without_one: bool = fault("use_dpop_nonce comes without DPoP-Nonce.", RFC)
    nonce_header_twice: bool = fault("DPoP-Nonce comes twice, with two values.", RFC)
    nonce_is_the_time: bool = fault("The nonce is the Unix time.", RFC)
    nonce_with_spaces: bool = fault("The nonce holds a space and a quotation mark.", RFC)
    nonce_of_right_length_accepted: bool = fault("Any nonce of the right length is accepted.", RFC)
    nonce_optional_after_all: bool = fault("The nonce is demanded once and then forgotten.", RFC)
    nonce_never_accepted: bool = fault("Every nonce is stale when it comes back.", RFC)
    nonce_round_counts_as_poll: bool = fault("The retry with the nonce is answered slow_down.", RFC)
    nonce_demand_spends_code: bool = fault("use_dpop_nonce deletes the approved code.", RFC)
    nonce_from_200_refused: bool = fault("Nonces sent with 200 are not remembered.", RFC)


@dataclass(frozen=True, kw_only=True)
class KeyFaults(Misbehaviour):
    """Faults of who binds tokens to keys."""

    dpop_token_called_bearer: bool = fault("Bound tokens come with token_type Bearer.", RFC)
    bearer_poll_called_dpop: bool = fault("token_type is DPoP for everyone.", RFC)
    dpop_token_unbound: bool = fault("token_type is DPoP, and the token has no cnf.", RFC)
    dpop_thumbprint_hex: bool = fault("jkt of an access token is the thumbprint in hexadecimal.", RFC)
    dpop_bound_client_may_omit: bool = fault("dpop_bound_access_tokens is stored and never enforced.", RFC)
    dpop_bound_returned_as_text: bool = fault("dpop_bound_access_tokens comes back as a string.", RFC)
    dpop_refresh_unbound: bool = fault("A refresh token works with a proof of any key.", RFC)
    dpop_refresh_downgrades: bool = fault("Without a DPoP header a bound refresh token yields a bearer token.", RFC)
    dpop_rotation_drops_key: bool = fault("The refresh token issued at a refresh is not bound.", RFC)
    dpop_binds_confidential_refresh: bool = fault(
        "Refresh tokens of confidential clients are bound to the first key.", RFC
    )
    dpop_jkt_refused: bool = fault("dpop_jkt in a device authorization request is answered invalid_request.", RFC)

    # What resource servers see.
    dpop_introspection_without_cnf: bool = fault("Introspection does not mention cnf of a bound token.", RFC)
    dpop_introspected_as_bearer: bool = fault("token_type of a bound token is Bearer at introspection.", RFC)
    userinfo_ignores_ath: bool = fault("Proofs at userinfo are not compared with the token.", RFC)
    userinfo_knows_bearer_only: bool = fault("userinfo answers 401 to the DPoP scheme.", RFC)
    userinfo_takes_bound_token_as_bearer: bool = fault("userinfo accepts bound tokens with the Bearer scheme.", RFC)
    nonce_cacheable: bool = fault("userinfo responses with DPoP-Nonce have max-age.", RFC)

    # The extension to device codes.
    start_refuses_dpop_header: bool = fault("A DPoP header at the device authorization endpoint is answered 400.", RFC)
    start_proof_unchecked: bool = fault("jwk is taken from the proof of a start without verifying it.", RFC)
    start_proof_error_generic: bool = fault("A wrong proof at the start is answered invalid_request.", RFC)
    device_code_follows_last_key: bool = fault("A bound code is redeemed by any key.", RFC)
    bound_code_redeemed_without_proof: bool = fault(
        "A bound code yields a bearer token to a poll without a proof.", RFC
    )
    start_proof_good_for_poll: bool = fault("The proof of the start is accepted at the token endpoint.", RFC)
    bound_code_yields_bearer: bool = fault("A bound code yields a bearer token to the right key.", RFC)
    bound_code_refresh_unbound: bool = fault("The refresh token of a bound code works with any key.", RFC)
    bound_code_never_pending: bool = fault("Polls of bound codes are invalid_grant until approved.", RFC)
