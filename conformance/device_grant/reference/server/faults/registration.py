"""Faults of registration, metadata, and best current practice."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class RegistrationFaults(Misbehaviour):
    """Faults of registration, metadata, and best current practice."""

    # Registration.
    registration_status_wrong: bool = fault("Registration is answered with the other dialect's status.")
    registration_secret_repeated: bool = fault("Every client gets the same secret.")
    registration_takes_client_id: bool = fault("The client chooses its client_id.", RFC)
    registration_public_secret: bool = fault("Public clients are given a secret.", RFC)
    registration_metadata_dropped: bool = fault("The registration response does not repeat the metadata.", RFC)
    registration_types_unchecked: bool = fault("Metadata of a wrong type is accepted.", RFC)
    redirect_uri_unchecked: bool = fault("Any string is accepted as redirect URI.")
    secret_expiry_missing: bool = fault("A secret comes without the time at which it expires.")
    registration_closed: bool = fault("Every registration is refused with 403.", RFC)
    registration_reads_forms: bool = fault("Registration takes forms only and answers JSON with 415.", RFC)
    registration_cacheable: bool = fault("Registration responses may be cached.", RFC)
    registration_error_422: bool = fault("Refused registrations have status 422.")
    registration_error_sentence: bool = fault("The error of a refused registration is a sentence beyond ASCII.")
    registration_ends_grants: bool = fault("A new registration ends the pending grants of every client.")
    registration_repeated: bool = fault("Every registration gets the same client_id and the same secret.")
    registration_secret_missing: bool = fault("Clients that have to authenticate get no secret.")
    client_id_missing: bool = fault("The registration response lacks the client_id.")
    issued_at_milliseconds: bool = fault("The time of registration is given in milliseconds.", RFC)
    public_secret_required: bool = fault("Public clients are given a secret and have to send it.", RFC)
    auth_method_default_public: bool = fault("Without token_endpoint_auth_method a client is silently public.", RFC)
    grant_types_renamed: bool = fault("Registration knows the device grant as device_code only.")
    scope_as_array: bool = fault("The scope in registration responses is an array.", RFC)
    jwks_conflict_accepted: bool = fault("jwks and jwks_uri are both registered.", RFC)
    redirect_uris_required: bool = fault("A registration without redirect URIs is refused.", RFC)
    redirect_uris_altered: bool = fault("Redirect URIs come back with a slash appended.", RFC)
    page_uris_unchecked: bool = fault("Pages of a client may have any scheme, javascript included.", RFC)
    page_hosts_unchecked: bool = fault("Pages of a client may be on other hosts than its redirect URIs.", RFC)
    software_statement_refused: bool = fault("Software statements are refused as invalid_request.", RFC)
    software_statement_altered: bool = fault("Software statements come back cut short.", RFC)
    identifiers_normalised: bool = fault("client_id is compared after Unicode normalisation.", RFC)
    deleted_client_redeems: bool = fault("A client that is deleted goes on redeeming its codes.", RFC)
    management_token_unchecked: bool = fault("Any token deletes a client's registration.", RFC)
    deletion_answered_200: bool = fault("The deletion of a registration is answered with status 200.", RFC)
    disabled_client_redeems: bool = fault("A client that is disabled goes on redeeming its codes.", RFC)

    # Metadata (RFC 8414).
    metadata_lacks_device_endpoint: bool = fault("Metadata lacks device_authorization_endpoint.", RFC)
    metadata_device_endpoint_misnamed: bool = fault("Metadata calls it device_code_endpoint.", RFC)
    metadata_lacks_grant: bool = fault("grant_types_supported lacks the device grant.", RFC)
    metadata_issuer_differs: bool = fault("The issuer in the metadata has a path that its URL lacks.", RFC)
    authorization_redirects_anywhere: bool = fault(
        "An authorization endpoint is announced that sends everyone on to the redirect_uri in the request.", RFC
    )
    forwarded_host_trusted: bool = fault("URLs in responses are made from X-Forwarded-Host.")
    metadata_empty_array: bool = fault("Metadata holds an empty array.", RFC)
    metadata_absent: bool = fault("There is no metadata: its paths are answered 404.", RFC)
    metadata_error_page_200: bool = fault("Unknown well-known paths are answered 200 with an HTML page.", RFC)
    metadata_sparse: bool = fault("Metadata has no member that ends in _supported.", RFC)
    metadata_issuer_query: bool = fault("The issuer in the metadata has a query.", RFC)
    metadata_urls_relative: bool = fault("Endpoints in the metadata are paths without scheme and host.", RFC)
    metadata_urls_dead: bool = fault("Metadata names URLs at which there is nothing.", RFC)
    metadata_jwt_unsigned: bool = fault("Metadata offers private_key_jwt with the algorithm none.", RFC)
    metadata_jwks_http: bool = fault("jwks_uri is a plain http URL on a public host.", RFC)
    metadata_signature_missing: bool = fault("signed_metadata has the algorithm none and no iss.", RFC)
    metadata_code_without_endpoint: bool = fault(
        "Metadata lists the authorization code grant without an authorization endpoint.", RFC
    )
    metadata_code_without_pkce: bool = fault("Metadata offers the authorization code grant without PKCE.", RFC)
    metadata_pkce_as_string: bool = fault("code_challenge_methods_supported is a string.", RFC)

    # Best current practice (RFC 9700).
    preflight_500: bool = fault("OPTIONS is answered 500.")
    public_http: bool = fault("The server calls itself by a public name, on plain http.")
    host_header_trusted: bool = fault("URLs in responses are made from the Host header.")
