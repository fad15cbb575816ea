"""Faults of the authorization code grant that the command line of AWS uses."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import AWS, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class CodeGrantFaults(Misbehaviour):
    """Faults of RegisterClient, `/authorize` and CreateToken where a browser brings back a code."""

    # The authorization code grant of AWS SSO OIDC: registration.
    code_registration_refused: bool = fault("A registration for authorization_code is refused as invalid_request.", AWS)
    loopback_needs_port: bool = fault("A loopback redirect URI without a port is refused at registration.", AWS)
    unregistered_redirect_used: bool = fault("A client without redirect URIs may use any that is local.", AWS)
    both_grants_500: bool = fault("A registration for device grant and code grant at once is answered 500.", AWS)
    code_grant_for_all: bool = fault("Clients that are registered for other grants may use the code grant.", AWS)
    issuer_url_ignored: bool = fault("Any issuerUrl is accepted at registration.", AWS)
    registration_endpoints_relative: bool = fault("authorizationEndpoint of a registration is a path.", AWS)

    # The same: the browser's part.
    authorize_missing: bool = fault("There is nothing at /authorize.", AWS)
    authorize_wants_scope: bool = fault("/authorize demands scope, and ignores scopes.", AWS)
    authorize_order_matters: bool = fault("/authorize refuses a code_challenge that comes after scopes.", AWS)
    loopback_port_fixed: bool = fault("A loopback redirect URI must have the port that was registered.", AWS)
    redirect_prefix_match: bool = fault("redirect_uri has to begin as a registered one does, and no more.", AWS)
    authorize_unknown_client_redirected: bool = fault("/authorize redirects with an error for unknown clients.", AWS)
    authorize_without_consent: bool = fault("A signed-in browser is redirected with a code at once.", AWS)
    authorize_state_cut: bool = fault("state comes back cut at 64 characters.", AWS)
    authorize_refusal_dead_end: bool = fault("Who denies at /authorize sees a page and is redirected nowhere.", AWS)
    authorize_without_challenge: bool = fault("/authorize serves requests without code_challenge.", AWS)

    # The same: redeeming the code.
    code_grant_unsupported: bool = fault("CreateToken does not know authorization_code.", AWS)
    verifier_not_compared: bool = fault("codeVerifier is not compared with the challenge.", AWS)
    verifier_optional: bool = fault("A missing codeVerifier is accepted.", AWS)
    pkce_downgrade: bool = fault("PKCE is optional, and a verifier for a code without challenge is ignored.", AWS)
    challenge_of_client: bool = fault("The latest code_challenge of a client counts for all its codes.", AWS)
    code_holds_challenge: bool = fault("An authorization code is base64 of JSON with code_challenge in it.", AWS)
    verifier_compared_both_ways: bool = fault("codeVerifier is compared as it is and hashed.", AWS)
    verifier_tilde_escaped: bool = fault("A codeVerifier with a tilde does not match.", AWS)
    missing_method_as_s256: bool = fault("A missing code_challenge_method is taken for S256.", AWS)
    missing_challenge_server_error: bool = fault("A missing code_challenge is answered server_error.", AWS)
    unknown_method_as_plain: bool = fault("/authorize takes any other code_challenge_method for plain.", AWS)
    pkce_errors_unexplained: bool = fault("Errors of code_challenge have no error_description.", AWS)
    token_redirect_ignored: bool = fault("redirectUri of CreateToken is not compared with that of /authorize.", AWS)
    code_works_twice: bool = fault("An authorization code may be redeemed until it expires.", AWS)
    code_race: bool = fault("Checking and marking an authorization code are two steps.", AWS)
    code_for_any_client: bool = fault("Any client that has the verifier may redeem an authorization code.", AWS)
    code_grant_ignores_secret: bool = fault("CreateToken does not look at clientSecret for authorization_code.", AWS)
    code_lives_a_day: bool = fault("Authorization codes live a day.", AWS)
    unknown_authorization_code_500: bool = fault("An authorization code that was never issued is answered 500.", AWS)
    missing_authorization_code_pending: bool = fault("authorization_code without code is answered as pending.", AWS)
    code_as_device_code: bool = fault("Authorization codes are accepted as device codes, and the other way.", AWS)
    sign_in_ends_device_grants: bool = fault(
        "A sign-in by a browser ends the approved device codes of its client.", AWS
    )
    approved_device_blocks_codes: bool = fault(
        "An authorization code is refused while an approved device code of its client waits.", AWS
    )
    code_grant_refresh_refused: bool = fault("Refresh tokens of the code grant are refused.", AWS)
