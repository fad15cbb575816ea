"""Faults of restJson1 as AWS SSO OIDC speaks it."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import AWS, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class RestJsonFaults(Misbehaviour):
    """Faults of restJson1 as AWS SSO OIDC speaks it."""

    # restJson1 as AWS SSO OIDC speaks it.
    error_type_missing: bool = fault("Errors come without x-amzn-ErrorType.", AWS)
    error_type_disagrees: bool = fault("x-amzn-ErrorType always names InvalidRequestException.", AWS)
    request_id_missing: bool = fault("Responses come without x-amzn-RequestId.", AWS)
    invalid_client_400: bool = fault("InvalidClientException has status 400.", AWS)
    snake_case_members: bool = fault("Members of responses are spelt in snake_case.", AWS)
    numbers_as_strings: bool = fault("All numbers in responses are JSON strings.", AWS)
    error_description_camel_case: bool = fault("Errors spell error_description errorDescription.", AWS)
    expired_registration_redeems: bool = fault("CreateToken serves a client whose registration has expired.", AWS)
    expired_registration_accepted: bool = fault("A client may go on after its registration has expired.", AWS)
    client_type_ignored: bool = fault("Any clientType is accepted.", AWS)
    iam_query_ignored: bool = fault("The query that selects CreateTokenWithIAM is ignored.", AWS)
    token_scope_refused: bool = fault("CreateToken refuses the member scope.", AWS)
    start_url_ignored: bool = fault("Any startUrl is accepted.", AWS)
    unknown_scopes_accepted: bool = fault("RegisterClient accepts scopes that do not exist.", AWS)
    member_case_ignored: bool = fault("Names of members are matched without regard to case.", AWS)
    types_coerced: bool = fault("Numbers and booleans are accepted where strings are modelled.", AWS)
    null_as_text: bool = fault("A null member is taken for the text null.", AWS)
    list_nulls_dropped: bool = fault("null in a list is dropped.", AWS)
    null_refused: bool = fault("A null member is refused instead of being taken as unset.", AWS)
    error_type_with_uri: bool = fault("x-amzn-ErrorType goes on after a colon, as in old services.", AWS)
    framework_status_wrong: bool = fault("SerializationException has status 422.", AWS)
    framework_error_html: bool = fault("Errors outside the service model have an HTML page as body.", AWS)
    timestamps_in_milliseconds: bool = fault("Timestamps of a registration count milliseconds.", AWS)
    trailing_slash_refused: bool = fault("A path with a trailing slash is not found.", AWS)
    unknown_operation_500: bool = fault("Unknown paths are answered 500.", AWS)
    required_members_optional: bool = fault("RegisterClient works without clientName and clientType.", AWS)
    grant_types_unchecked: bool = fault("RegisterClient accepts any grantTypes.", AWS)
    signature_required: bool = fault("Requests that are not signed are answered 403.", AWS)
