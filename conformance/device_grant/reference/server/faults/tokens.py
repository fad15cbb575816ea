"""Faults of client authentication, tokens and refresh."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import AWS, RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class TokenFaults(Misbehaviour):
    """Faults of client authentication, tokens and refresh."""

    # Client authentication and authorization.
    client_id_demanded: bool = fault("A client that authenticates by HTTP Basic must repeat its client_id.", RFC)
    device_endpoint_skips_secret: bool = fault("The device authorization endpoint accepts a wrong client secret.")
    token_endpoint_skips_secret: bool = fault("The token endpoint accepts a wrong client secret.")
    secret_optional: bool = fault("A confidential client may leave its secret out.")
    unknown_client_accepted: bool = fault("A device authorization is given to clients that are not registered.")
    missing_client_accepted: bool = fault("A device authorization is given without any client_id.")
    grant_not_checked: bool = fault("A client that is not registered for the device grant may use it.")
    challenge_missing: bool = fault("401 comes without WWW-Authenticate.", RFC)
    broken_basic_500: bool = fault("An Authorization header that is no well-formed HTTP Basic is answered 500.", RFC)
    basic_failure_400: bool = fault("Failed HTTP Basic authentication is answered 400.", RFC)
    basic_unsupported: bool = fault("The Authorization header is not read.", RFC)
    basic_not_decoded: bool = fault("User name and password of HTTP Basic are not form-decoded.", RFC)
    basic_scheme_case_sensitive: bool = fault("Only the spelling Basic of the scheme is known.", RFC)
    two_methods_accepted: bool = fault("Two ways of client authentication in one request are accepted.", RFC)
    body_secret_refused: bool = fault("Clients that send client_secret in the body are refused.", RFC)
    public_clients_refused: bool = fault("Clients that have no secret are refused.", RFC)
    missing_client_polls: bool = fault("A poll needs no client: the device code alone is enough.")
    quote_in_code_500: bool = fault("A device code with a quotation mark is answered 500.")
    approval_for_all_devices: bool = fault("Once a client is approved, all its later devices are approved.")
    password_grant_offered: bool = fault("The token endpoint takes user names and passwords.")

    # Tokens and refresh.
    token_response_cacheable: bool = fault("Token responses may be cached.", RFC)
    device_response_cacheable: bool = fault("Device authorization responses may be cached.", RFC)
    access_token_missing: bool = fault("The token response lacks the access token.")
    token_type_missing: bool = fault("The token response lacks the token type.")
    token_expires_in_string: bool = fault("expires_in of the token response is a JSON string.")
    token_response_201: bool = fault("A token is sent with status 201.")
    token_expires_in_missing: bool = fault("The token response lacks expires_in.")
    token_expires_in_fraction: bool = fault("expires_in of the token response is written with a fraction.")
    token_type_number: bool = fault("token_type is a JSON number.")
    token_type_unknown: bool = fault("token_type is MAC, which no client of this protocol knows.", AWS)
    token_type_malformed: bool = fault("token_type has a space in it.")
    tokens_not_ascii: bool = fault("Access and refresh tokens have letters beyond ASCII.")
    tokens_wrapped: bool = fault("The token response has its members in an inner object.")
    pragma_missing: bool = fault("Token responses come without Pragma: no-cache.", RFC)
    access_token_lives_a_year: bool = fault("Access tokens live a year.")
    access_token_without_audience: bool = fault("Access tokens are JWTs that do not say for whom they are.")
    access_token_guessable: bool = fault("Access tokens are consecutive numbers.")
    access_token_repeated: bool = fault("Every access token is the same.")
    scope_unreported: bool = fault("Unknown scopes are dropped and the response does not say so.", RFC)
    malformed_scope_accepted: bool = fault("Scopes that break the syntax of RFC 6749 3.3 are accepted.", RFC)
    scope_padded: bool = fault("scope of the token response begins with a space.", RFC)
    scope_order_matters: bool = fault("Scopes are accepted in alphabetical order only.", RFC)
    scope_case_ignored: bool = fault("Scopes are compared without regard to case.")
    refresh_ends_with_access_token: bool = fault("A refresh token ends together with the access token beside it.")
    one_refresh_token_a_user: bool = fault("A new sign-in ends the earlier refresh tokens of the user and the client.")
    refresh_refused: bool = fault("No refresh token is accepted.")
    refresh_family_survives: bool = fault("Replaying a refresh token does not revoke its successors.")
    refresh_race: bool = fault("Checking and replacing a refresh token are two steps: parallel refreshes all win.")
    lost_refresh_repeats: bool = fault(
        "A refresh token whose client has hung up before its answer came is not replaced: it works on for good."
    )
    reuse_keeps_tokens: bool = fault("Reuse of a redeemed device code does not revoke what it yielded.", RFC)
    refresh_token_reusable: bool = fault("A refresh token stays valid after it was replaced.")
    refresh_foreign_client: bool = fault("A refresh token may be used by another client.")
    refresh_unknown_accepted: bool = fault("Any string is accepted as refresh token.")
    refresh_widens_scope: bool = fault("A refresh may ask for scopes that were not granted.", RFC)
    refresh_narrowing_sticks: bool = fault("A refresh for less scope narrows the refresh token for ever.", RFC)
    missing_refresh_token_500: bool = fault("A refresh without refresh token is answered 500.")
