"""Faults of how secrets are compared, and of codes and scopes in places where they mean nothing."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class SecretFaults(Misbehaviour):
    """Faults of how secrets are compared, and of codes and scopes in places where they mean nothing."""

    # Whose secret it is.
    client_id_over_basic: bool = fault("Whoever authenticates by HTTP Basic is then taken for client_id's client.", RFC)

    # Client secrets that are nearly right.
    secret_prefix_accepted: bool = fault("A client secret is compared as far as it was sent, if anything was.")
    secret_tail_ignored: bool = fault("What follows behind the right client secret is not looked at.")
    secret_case_ignored: bool = fault("Client secrets are compared without regard to case.")
    secret_trimmed: bool = fault("White space around a client secret is taken away.")
    secret_of_any_client: bool = fault("The secret of any client authenticates every client.")
    empty_secret_accepted: bool = fault("A client secret that is sent empty is not compared.")
    wrong_secret_spends_code: bool = fault("A device code that comes with a wrong client secret is forgotten.")

    # Scopes on the way from the start to the tokens.
    token_scope_widens: bool = fault("A scope in the token request replaces that of the grant.", RFC)
    scope_of_newest_grant: bool = fault("Tokens have the scope of the client's newest grant.", RFC)
    charset_loses_scope: bool = fault("A start whose Content-Type has a parameter is taken for one without scope.", RFC)
    openid_breaks_tokens: bool = fault("A token response for the scope openid is answered 500.", RFC)
    refresh_scope_refused: bool = fault("A refresh that names a scope is refused, whichever it is.", RFC)
    scope_beyond_registration: bool = fault("A client may ask for scopes that its registration leaves out.", RFC)

    # Codes and secrets where they mean nothing.
    right_secret_disclosed: bool = fault("The error for a wrong client secret says what the right one is.")
    device_code_in_cookie: bool = fault("The device authorization response has the device code in a cookie, too.")
    device_code_elsewhere: bool = fault("A device code in the query or in a cookie counts where the body has none.")
    device_code_under_other_grants: bool = fault("authorization_code and refresh_token redeem a device code too.")
    device_code_tail_ignored: bool = fault("What follows behind a device code is not looked at.")
    device_code_trimmed: bool = fault("Spaces around a device code are taken away once its redemption was looked up.")
    tokens_as_device_codes: bool = fault("Access and refresh tokens are taken for device codes that were approved.")
    head_redeems: bool = fault("HEAD redeems the device code in the query of the token endpoint.")
