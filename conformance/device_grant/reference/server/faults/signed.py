"""Faults of CreateTokenWithIAM."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import AWS, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class SignedFaults(Misbehaviour):
    """Faults of the one operation that is signed."""

    # CreateTokenWithIAM: the signature.
    iam_query_any_value: bool = fault("Any value of aws_iam selects CreateTokenWithIAM.", AWS)
    iam_unsigned_served: bool = fault("CreateTokenWithIAM serves requests that are not signed.", AWS)
    iam_signature_unchecked: bool = fault("CreateTokenWithIAM takes any signature of a known key.", AWS)
    iam_service_name_ignored: bool = fault("CreateTokenWithIAM takes signatures for any service and region.", AWS)
    iam_old_signature_served: bool = fault("CreateTokenWithIAM takes signatures of any age.", AWS)
    iam_wants_content_hash: bool = fault("CreateTokenWithIAM demands x-amz-content-sha256.", AWS)

    # The same: members and grants.
    iam_grant_type_optional: bool = fault("CreateTokenWithIAM takes a missing grantType for jwt-bearer.", AWS)
    iam_unknown_application_500: bool = fault("CreateTokenWithIAM answers 500 to an unknown application.", AWS)
    iam_assignment_ignored: bool = fault("CreateTokenWithIAM serves people who are not assigned.", AWS)
    iam_jwt_bearer_unsupported: bool = fault("CreateTokenWithIAM does not know the jwt-bearer grant.", AWS)
    iam_scope_as_string: bool = fault("scope of CreateTokenWithIAM's answer is one string.", AWS)
    iam_context_in_token_only: bool = fault("CreateTokenWithIAM's answer has no awsAdditionalDetails.", AWS)
    iam_context_differs: bool = fault("The identity context is another one in idToken than beside it.", AWS)
    iam_assertion_unverified: bool = fault("CreateTokenWithIAM decodes assertions and verifies nothing.", AWS)
    iam_assertion_reusable: bool = fault("CreateTokenWithIAM takes an assertion as often as it comes.", AWS)
    iam_missing_assertion_500: bool = fault("CreateTokenWithIAM answers 500 to jwt-bearer without assertion.", AWS)
    iam_device_grant_served: bool = fault("CreateTokenWithIAM takes any unknown grant for jwt-bearer.", AWS)
    iam_scope_ignored: bool = fault("scope of CreateTokenWithIAM has no effect.", AWS)
    iam_exchange_type_ignored: bool = fault("requestedTokenType of a token exchange has no effect.", AWS)
    iam_refresh_unsupported: bool = fault("CreateTokenWithIAM refuses refresh tokens of its own.", AWS)
    iam_errors_untyped: bool = fault("Errors of CreateTokenWithIAM come without x-amzn-ErrorType.", AWS)
