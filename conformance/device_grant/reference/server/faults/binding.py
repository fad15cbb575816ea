"""Faults of what ties a grant to its device, its resources and its certificate: RFC 7636, RFC 8707, RFC 8705."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class BindingFaults(Misbehaviour):
    """Faults of parameters that bind a device grant to more than a client."""

    # Resources.
    resource_repetition_refused: bool = fault("A second resource parameter is answered invalid_request.", RFC)
    malformed_resource_accepted: bool = fault("Any text is taken as resource and lands in aud.", RFC)
    unknown_resource_in_aud: bool = fault("aud repeats whatever resource was asked for.", RFC)
    invalid_target_misnamed: bool = fault("The error code invalid_target is spelt invalid_resource.", RFC)
    resource_without_effect: bool = fault("aud is the same whatever resource was asked for.", RFC)
    resource_of_start_forgotten: bool = fault("resource is read at the token endpoint only.", RFC)
    resource_not_shown: bool = fault("The decision page is the same for every resource.", RFC)
    resource_at_poll_ignored: bool = fault("resource in a poll is ignored.", RFC)
    resource_narrowing_sticks: bool = fault(
        "After a poll for one resource the refresh token is good for that one only.", RFC
    )
    resource_widened_at_poll: bool = fault("resource of a poll replaces that of the start.", RFC)
    resource_widened_at_refresh: bool = fault("A refresh may name any resource.", RFC)
    invalid_target_spends_code: bool = fault("invalid_target spends the approved code.", RFC)
    resource_cuts_scope_silently: bool = fault(
        "Scopes of other resources are missing in the token, and scope names them all the same.", RFC
    )
    scope_of_all_resources: bool = fault("Each token has all granted scopes, whatever its resource.", RFC)
    resource_host_only: bool = fault("aud is scheme and host of the resource.", RFC)
    resource_refused_as_unknown: bool = fault("resource is answered invalid_request.", RFC)

    # PKCE in the device grant.
    device_pkce_parameters_refused: bool = fault(
        "code_challenge in a device authorization request is answered invalid_request.", RFC
    )
    device_pkce_required_too_late: bool = fault("A missing code_challenge is noticed at redemption only.", RFC)
    device_pkce_not_compared: bool = fault("code_verifier of a device grant is not compared.", RFC)
    device_pkce_challenge_for_verifier: bool = fault("The challenge itself is taken for its verifier.", RFC)
    device_pkce_verifier_optional: bool = fault("A missing code_verifier of a device grant is accepted.", RFC)
    device_pkce_downgrade: bool = fault("code_verifier without a challenge before is ignored.", RFC)
    device_pkce_unknown_method_as_plain: bool = fault("Any other code_challenge_method is taken for plain.", RFC)
