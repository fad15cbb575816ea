"""Faults of what ties a grant to its device, its resources and its certificate: RFC 7636, RFC 8707, RFC 8705."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class BindingFaults(Misbehaviour):
    """Faults of parameters that bind a device grant to more than a client."""

    # PKCE in the device grant.
    device_pkce_parameters_refused: bool = fault(
        "code_challenge in a device authorization request is answered invalid_request.", RFC
    )
    device_pkce_required_too_late: bool = fault("A missing code_challenge is noticed at redemption only.", RFC)
    device_pkce_not_compared: bool = fault("code_verifier of a device grant is not compared.", RFC)
    device_pkce_verifier_optional: bool = fault("A missing code_verifier of a device grant is accepted.", RFC)
    device_pkce_downgrade: bool = fault("code_verifier without a challenge before is ignored.", RFC)
    device_pkce_unknown_method_as_plain: bool = fault("Any other code_challenge_method is taken for plain.", RFC)
