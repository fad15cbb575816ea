"""The misbehaviours of the reference server: one documented field each, all off in an honest server.

They prove that the suite's checks can fail. None of them belongs in a server that protects anything.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field, fields
from typing import Any

from conformance.errors import UsageError
from conformance.protocol import AWS_SSO_OIDC, RFC8628

_BOTH = (RFC8628, AWS_SSO_OIDC)
_RFC = (RFC8628,)
_AWS = (AWS_SSO_OIDC,)


def _fault(documentation: str, dialects: tuple[str, ...] = _BOTH) -> Any:
    # Documentation as data: it is shown on the command line too, and must survive python -OO.
    return field(default=False, metadata={"documentation": documentation, "dialects": dialects})


@dataclass(frozen=True, kw_only=True)
class Faults:
    """Which misbehaviours are on. `Faults()` is the honest server."""

    # Polling: what the token endpoint says while the grant is pending, decided, redeemed or expired.
    pending_status_401: bool = _fault("authorization_pending is answered with status 401.")
    pending_status_200: bool = _fault("authorization_pending is answered with status 200.")
    pending_as_invalid_grant: bool = _fault("A pending code is answered invalid_grant.")
    pending_misspelt: bool = _fault("The error code of a pending grant is spelt authorizationPending.")
    pending_consumes_code: bool = _fault("The first poll of a pending code makes the code unknown.")
    token_before_approval: bool = _fault("A token is issued before the user has decided.")
    approval_ignored: bool = _fault("The grant stays pending after the user has approved.")
    denial_ignored: bool = _fault("The grant stays pending after the user has denied.")
    denial_as_invalid_grant: bool = _fault("A denied code is answered invalid_grant from the first poll on.")
    denial_then_token: bool = _fault("The second poll after a denial yields a token.")
    code_reusable: bool = _fault("A redeemed device code yields further tokens.")
    redemption_race: bool = _fault("Checking and marking a code are two steps: parallel polls all get tokens.")
    redemption_forgotten: bool = _fault("Redemption is forgotten at the end of a code's life: it yields a token again.")
    foreign_client_redeems: bool = _fault("Any registered client may poll and redeem another client's device code.")
    unknown_code_pending: bool = _fault("A device code that was never issued is answered authorization_pending.")
    unknown_code_404: bool = _fault("A device code that was never issued is answered 404 with an HTML page.")
    unknown_code_slow_down: bool = _fault("A device code that was never issued is answered slow_down.")
    device_code_prefix_accepted: bool = _fault("A device code is found by its first 16 characters.")
    device_code_case_ignored: bool = _fault("Device codes are compared without regard to case.")
    user_code_as_device_code: bool = _fault("The user code is accepted in place of the device code.")
    expired_still_pending: bool = _fault("An expired, undecided code is answered authorization_pending.")
    expired_code_redeemable: bool = _fault("An approved code yields a token after it has expired.")
    expires_early: bool = _fault("Device codes expire after half of the advertised lifetime.")
    user_code_expires_early: bool = _fault("User codes expire after half of the advertised lifetime.")
    slow_down_polite: bool = _fault("Every second poll is answered slow_down, however patient the client is.")
    slow_down_ends_session: bool = _fault("A poll that came too early makes the code unknown.")
    slow_down_adds_a_minute: bool = _fault("slow_down raises the interval that is enforced by 60 seconds, not by 5.")
    early_poll_429: bool = _fault("A poll that came too early is answered 429 with a text page.")
    slow_down_after_denial: bool = _fault("Polls of a denied code are answered slow_down.")
    expired_code_approvable: bool = _fault("A user may approve an expired code, which then lives on.")
    bad_request_spends_code: bool = _fault("A request that is refused as invalid uses up the approved code in it.")
    early_poll_discards_approval: bool = _fault("A too early poll of an approved code answers slow_down and drops it.")

    # Device authorization: the response and the codes in it.
    device_code_repeated: bool = _fault("Every device authorization gets the same device code.")
    device_code_short: bool = _fault("Device codes have six characters.")
    user_code_repeated: bool = _fault("Every device authorization gets the same user code.")
    user_code_short: bool = _fault("User codes are numbers of four digits.")
    user_code_confusable: bool = _fault("User codes mix upper and lower case and digits, 0 and O, 1 and l included.")
    user_code_in_verification_uri: bool = _fault("verification_uri contains the user code.")
    verification_uri_relative: bool = _fault("verification_uri is a path without scheme and host.")
    verification_uri_long: bool = _fault("verification_uri has a long opaque tail that nobody can type.")
    verification_uri_elsewhere: bool = _fault("verification_uri is a plain http address of an unrelated host.", _RFC)
    verification_uri_fragment: bool = _fault("verification_uri_complete has the user code in its fragment.")
    complete_uri_constant: bool = _fault("verification_uri_complete is the same for every device authorization.")
    device_code_missing: bool = _fault("The device authorization response lacks the device code.")
    user_code_missing: bool = _fault("The device authorization response lacks the user code.")
    verification_uri_missing: bool = _fault("The device authorization response lacks verification_uri.")
    expires_in_missing: bool = _fault("The device authorization response lacks expires_in.")
    expires_in_string: bool = _fault("expires_in of the device authorization response is a JSON string.")
    expires_in_negative: bool = _fault("expires_in of the device authorization response is negative.")
    interval_string: bool = _fault("interval is a JSON string.")
    interval_negative: bool = _fault("interval is negative.")
    codes_live_a_day: bool = _fault("Device codes and user codes live a day.")
    device_code_in_complete_uri: bool = _fault("verification_uri_complete holds the device code.")
    device_response_201: bool = _fault("A device authorization is answered with status 201.")
    get_issues_codes: bool = _fault("GET with parameters in the query issues a device code.")
    get_issues_tokens: bool = _fault("GET with parameters in the query redeems a device code.")
    scope_required: bool = _fault("A device authorization without scope is refused as invalid_request.", _RFC)

    # Requests: how parameters, members and bodies are read.
    json_as_html: bool = _fault("JSON is labelled text/html.")
    duplicate_members: bool = _fault("JSON objects in responses hold their first member twice.")
    null_members: bool = _fault("Token responses hold members that are null.", _RFC)
    error_member_missing: bool = _fault("Error responses have a message but no error member.")
    error_description_newline: bool = _fault("error_description holds a quotation mark and a line feed.")
    error_description_not_ascii: bool = _fault("error_description holds characters beyond ASCII.")
    secrets_reflected: bool = _fault("error_description repeats the credentials and codes that were sent.")
    allow_missing: bool = _fault("405 comes without Allow.")
    malformed_body_500: bool = _fault("A body that cannot be parsed is answered 500.")
    wrong_content_type_500: bool = _fault("A body of another media type is answered 500.")
    content_type_parameter_refused: bool = _fault("A charset parameter on Content-Type is answered 415.")
    missing_device_code_500: bool = _fault("A device grant without device code is answered 500.")
    missing_grant_type_accepted: bool = _fault("A token request without grant type is taken for the device grant.")
    unknown_grant_type_accepted: bool = _fault("A token request of any grant type is taken for the device grant.")
    unknown_parameters_refused: bool = _fault("A parameter or member that the server does not know is refused.")
    duplicates_accepted: bool = _fault("Of a repeated parameter the last one wins.", _RFC)
    empty_parameters_kept: bool = _fault("A parameter without value is not treated as omitted.", _RFC)
    query_parameters_read: bool = _fault("Parameters in the query are merged into the body's.", _RFC)
    parameter_case_ignored: bool = _fault("Names of parameters are matched without regard to case.", _RFC)
    form_not_decoded: bool = _fault("Percent-escapes in the names of a form are not decoded.", _RFC)
    plus_kept: bool = _fault("A plus sign in a form is not read as a space.", _RFC)
    form_decoded_twice: bool = _fault("Values of a form are percent-decoded twice.", _RFC)
    device_code_not_read: bool = _fault("The parameter device_code is not known under that name.", _RFC)
    grant_urn_misspelt: bool = _fault("The device grant is known as device_code alone, not by its URN.")
    error_code_unregistered: bool = _fault("invalid_grant is spelt bad_device_code.")
    error_code_quoted: bool = _fault("The error code of a bad grant holds quotation marks.")
    scope_error_as_invalid_request: bool = _fault("A scope that is not acceptable is answered invalid_request.")

    # HTTP and JSON: what lies between the endpoints and the wire.
    methods_ignored: bool = _fault("PUT, DELETE and methods that nobody knows are served like POST.")
    options_without_allow: bool = _fault("OPTIONS is answered 204 without Allow.")
    unknown_headers_refused: bool = _fault("A request with a header that begins with X- is refused.")
    accept_compared_literally: bool = _fault("Any Accept but exactly application/json is answered 406.")
    accept_ignored: bool = _fault("JSON is served to clients whose Accept excludes it.", _AWS)
    content_type_case_sensitive: bool = _fault("A media type with capitals is answered 415.")
    content_encoding_ignored: bool = _fault("Content-Encoding is not looked at.")
    oversized_body_500: bool = _fault("A body that is too large is answered 500.")
    content_type_missing: bool = _fault("Responses come without Content-Type.")
    content_type_twice: bool = _fault("Responses have Content-Type twice.")
    server_header_detailed: bool = _fault("Server names the versions of everything.")
    accept_encoding_in_415: bool = _fault("A 415 about a media type has Accept-Encoding.")
    pragma_alone: bool = _fault("Caching is forbidden by Pragma instead of Cache-Control.", _RFC)
    error_body_empty: bool = _fault("Errors have no body.")
    json_bom: bool = _fault("JSON begins with a byte order mark.")
    json_utf16: bool = _fault("JSON is encoded in UTF-16.")
    json_python_literals: bool = _fault("JSON holds None where null is meant.")
    json_by_hand: bool = _fault("JSON of errors repeats what was sent without escaping it.")
    json_escapes_refused: bool = _fault("JSON with escaped characters in it is refused.")
    empty_body_500: bool = _fault("A request without a body is answered 500.")
    integers_unsafe: bool = _fault("JSON holds an integer that a double cannot represent.")
    member_names_odd: bool = _fault("JSON objects have a member whose name holds a space.")
    unregistered_member: bool = _fault("The token response has a member that is not registered, without prefix.", _RFC)
    error_uri_malformed: bool = _fault("error_uri is no URI.", _RFC)
    registration_beyond_ascii: bool = _fault("client_id and client_secret come with a letter beyond ASCII.")
    complete_uri_unencoded: bool = _fault("verification_uri_complete holds a bare percent sign and a space.")
    complete_uri_encoded_twice: bool = _fault("The query of verification_uri_complete is percent-encoded twice.")
    uri_case_sensitive: bool = _fault("Scheme and host of a URI must be in small letters.")
    uri_userinfo: bool = _fault("verification_uri holds a user name and a password.")
    token_endpoint_fragment: bool = _fault("token_endpoint in the metadata has a fragment.", _RFC)
    metadata_endpoints_equal: bool = _fault("authorization_endpoint is the device authorization endpoint.", _RFC)

    # Client authentication and authorization.
    client_id_demanded: bool = _fault("A client that authenticates by HTTP Basic must repeat its client_id.", _RFC)
    device_endpoint_skips_secret: bool = _fault("The device authorization endpoint accepts a wrong client secret.")
    token_endpoint_skips_secret: bool = _fault("The token endpoint accepts a wrong client secret.")
    secret_optional: bool = _fault("A confidential client may leave its secret out.")
    unknown_client_accepted: bool = _fault("A device authorization is given to clients that are not registered.")
    missing_client_accepted: bool = _fault("A device authorization is given without any client_id.")
    grant_not_checked: bool = _fault("A client that is not registered for the device grant may use it.")
    challenge_missing: bool = _fault("401 comes without WWW-Authenticate.", _RFC)
    broken_basic_500: bool = _fault("An Authorization header that is no well-formed HTTP Basic is answered 500.", _RFC)
    basic_failure_400: bool = _fault("Failed HTTP Basic authentication is answered 400.", _RFC)
    basic_unsupported: bool = _fault("The Authorization header is not read.", _RFC)
    basic_not_decoded: bool = _fault("User name and password of HTTP Basic are not form-decoded.", _RFC)
    basic_scheme_case_sensitive: bool = _fault("Only the spelling Basic of the scheme is known.", _RFC)
    two_methods_accepted: bool = _fault("Two ways of client authentication in one request are accepted.", _RFC)
    body_secret_refused: bool = _fault("Clients that send client_secret in the body are refused.", _RFC)
    public_clients_refused: bool = _fault("Clients that have no secret are refused.", _RFC)
    missing_client_polls: bool = _fault("A poll needs no client: the device code alone is enough.")
    quote_in_code_500: bool = _fault("A device code with a quotation mark is answered 500.")
    approval_for_all_devices: bool = _fault("Once a client is approved, all its later devices are approved.")
    password_grant_offered: bool = _fault("The token endpoint takes user names and passwords.")

    # Tokens and refresh.
    token_response_cacheable: bool = _fault("Token responses may be cached.", _RFC)
    device_response_cacheable: bool = _fault("Device authorization responses may be cached.", _RFC)
    access_token_missing: bool = _fault("The token response lacks the access token.")
    token_type_missing: bool = _fault("The token response lacks the token type.")
    token_expires_in_string: bool = _fault("expires_in of the token response is a JSON string.")
    token_response_201: bool = _fault("A token is sent with status 201.")
    token_expires_in_missing: bool = _fault("The token response lacks expires_in.")
    token_expires_in_fraction: bool = _fault("expires_in of the token response is written with a fraction.")
    token_type_number: bool = _fault("token_type is a JSON number.")
    token_type_unknown: bool = _fault("token_type is MAC, which no client of this protocol knows.", _AWS)
    token_type_malformed: bool = _fault("token_type has a space in it.")
    tokens_not_ascii: bool = _fault("Access and refresh tokens have letters beyond ASCII.")
    tokens_wrapped: bool = _fault("The token response has its members in an inner object.")
    pragma_missing: bool = _fault("Token responses come without Pragma: no-cache.", _RFC)
    access_token_lives_a_year: bool = _fault("Access tokens live a year.")
    access_token_without_audience: bool = _fault("Access tokens are JWTs that do not say for whom they are.")
    access_token_guessable: bool = _fault("Access tokens are consecutive numbers.")
    access_token_repeated: bool = _fault("Every access token is the same.")
    scope_unreported: bool = _fault("Unknown scopes are dropped and the response does not say so.", _RFC)
    malformed_scope_accepted: bool = _fault("Scopes that break the syntax of RFC 6749 3.3 are accepted.", _RFC)
    scope_padded: bool = _fault("scope of the token response begins with a space.", _RFC)
    scope_order_matters: bool = _fault("Scopes are accepted in alphabetical order only.", _RFC)
    scope_case_ignored: bool = _fault("Scopes are compared without regard to case.")
    refresh_refused: bool = _fault("No refresh token is accepted.")
    refresh_family_survives: bool = _fault("Replaying a refresh token does not revoke its successors.")
    refresh_race: bool = _fault("Checking and replacing a refresh token are two steps: parallel refreshes all win.")
    reuse_keeps_tokens: bool = _fault("Reuse of a redeemed device code does not revoke what it yielded.", _RFC)
    refresh_token_reusable: bool = _fault("A refresh token stays valid after it was replaced.")
    refresh_foreign_client: bool = _fault("A refresh token may be used by another client.")
    refresh_unknown_accepted: bool = _fault("Any string is accepted as refresh token.")
    refresh_widens_scope: bool = _fault("A refresh may ask for scopes that were not granted.", _RFC)
    refresh_narrowing_sticks: bool = _fault("A refresh for less scope narrows the refresh token for ever.", _RFC)
    missing_refresh_token_500: bool = _fault("A refresh without refresh token is answered 500.")

    # Registration.
    registration_status_wrong: bool = _fault("Registration is answered with the other dialect's status.")
    registration_secret_repeated: bool = _fault("Every client gets the same secret.")
    registration_takes_client_id: bool = _fault("The client chooses its client_id.", _RFC)
    registration_public_secret: bool = _fault("Public clients are given a secret.", _RFC)
    registration_metadata_dropped: bool = _fault("The registration response does not repeat the metadata.", _RFC)
    registration_types_unchecked: bool = _fault("Metadata of a wrong type is accepted.", _RFC)
    redirect_uri_unchecked: bool = _fault("Any string is accepted as redirect URI.")
    secret_expiry_missing: bool = _fault("A secret comes without the time at which it expires.")
    registration_closed: bool = _fault("Every registration is refused with 403.", _RFC)
    registration_reads_forms: bool = _fault("Registration takes forms only and answers JSON with 415.", _RFC)
    registration_cacheable: bool = _fault("Registration responses may be cached.", _RFC)
    registration_error_422: bool = _fault("Refused registrations have status 422.")
    registration_ends_grants: bool = _fault("A new registration ends the pending grants of every client.")
    registration_repeated: bool = _fault("Every registration gets the same client_id and the same secret.")
    registration_secret_missing: bool = _fault("Clients that have to authenticate get no secret.")
    client_id_missing: bool = _fault("The registration response lacks the client_id.")
    issued_at_milliseconds: bool = _fault("The time of registration is given in milliseconds.", _RFC)
    public_secret_required: bool = _fault("Public clients are given a secret and have to send it.", _RFC)
    auth_method_default_public: bool = _fault("Without token_endpoint_auth_method a client is silently public.", _RFC)
    grant_types_renamed: bool = _fault("Registration knows the device grant as device_code only.")
    scope_as_array: bool = _fault("The scope in registration responses is an array.", _RFC)
    jwks_conflict_accepted: bool = _fault("jwks and jwks_uri are both registered.", _RFC)
    redirect_uris_required: bool = _fault("A registration without redirect URIs is refused.", _RFC)
    redirect_uris_altered: bool = _fault("Redirect URIs come back with a slash appended.", _RFC)
    page_uris_unchecked: bool = _fault("Pages of a client may have any scheme, javascript included.", _RFC)
    page_hosts_unchecked: bool = _fault("Pages of a client may be on other hosts than its redirect URIs.", _RFC)
    software_statement_refused: bool = _fault("Software statements are refused as invalid_request.", _RFC)
    software_statement_altered: bool = _fault("Software statements come back cut short.", _RFC)
    identifiers_normalised: bool = _fault("client_id is compared after Unicode normalisation.", _RFC)

    # Metadata (RFC 8414).
    metadata_lacks_device_endpoint: bool = _fault("Metadata lacks device_authorization_endpoint.", _RFC)
    metadata_device_endpoint_misnamed: bool = _fault("Metadata calls it device_code_endpoint.", _RFC)
    metadata_lacks_grant: bool = _fault("grant_types_supported lacks the device grant.", _RFC)
    metadata_issuer_differs: bool = _fault("The issuer in the metadata has a trailing slash.", _RFC)
    authorization_redirects_anywhere: bool = _fault(
        "An authorization endpoint is announced that sends everyone on to the redirect_uri in the request.", _RFC
    )
    forwarded_host_trusted: bool = _fault("URLs in responses are made from X-Forwarded-Host.")
    metadata_empty_array: bool = _fault("Metadata holds an empty array.", _RFC)
    metadata_absent: bool = _fault("There is no metadata: its paths are answered 404.", _RFC)
    metadata_error_page_200: bool = _fault("Unknown well-known paths are answered 200 with an HTML page.", _RFC)
    metadata_sparse: bool = _fault("Metadata has no member that ends in _supported.", _RFC)
    metadata_issuer_query: bool = _fault("The issuer in the metadata has a query.", _RFC)
    metadata_urls_relative: bool = _fault("Endpoints in the metadata are paths without scheme and host.", _RFC)
    metadata_urls_dead: bool = _fault("Metadata names URLs at which there is nothing.", _RFC)
    metadata_jwt_unsigned: bool = _fault("Metadata offers private_key_jwt with the algorithm none.", _RFC)
    metadata_jwks_http: bool = _fault("jwks_uri is a plain http URL on a public host.", _RFC)
    metadata_signature_missing: bool = _fault("signed_metadata has the algorithm none and no iss.", _RFC)
    metadata_code_without_endpoint: bool = _fault(
        "Metadata lists the authorization code grant without an authorization endpoint.", _RFC
    )
    metadata_code_without_pkce: bool = _fault("Metadata offers the authorization code grant without PKCE.", _RFC)
    metadata_pkce_as_string: bool = _fault("code_challenge_methods_supported is a string.", _RFC)

    # Best current practice (RFC 9700).
    preflight_500: bool = _fault("OPTIONS is answered 500.")
    public_http: bool = _fault("The server calls itself by a public name, on plain http.")
    host_header_trusted: bool = _fault("URLs in responses are made from the Host header.")

    # restJson1 as AWS SSO OIDC speaks it.
    error_type_missing: bool = _fault("Errors come without x-amzn-ErrorType.", _AWS)
    error_type_disagrees: bool = _fault("x-amzn-ErrorType always names InvalidRequestException.", _AWS)
    request_id_missing: bool = _fault("Responses come without x-amzn-RequestId.", _AWS)
    invalid_client_400: bool = _fault("InvalidClientException has status 400.", _AWS)
    snake_case_members: bool = _fault("Members of responses are spelt in snake_case.", _AWS)
    numbers_as_strings: bool = _fault("All numbers in responses are JSON strings.", _AWS)
    error_description_camel_case: bool = _fault("Errors spell error_description errorDescription.", _AWS)
    expired_registration_accepted: bool = _fault("A client may go on after its registration has expired.", _AWS)
    client_type_ignored: bool = _fault("Any clientType is accepted.", _AWS)
    iam_query_ignored: bool = _fault("The query that selects CreateTokenWithIAM is ignored.", _AWS)
    token_scope_refused: bool = _fault("CreateToken refuses the member scope.", _AWS)
    start_url_ignored: bool = _fault("Any startUrl is accepted.", _AWS)
    unknown_scopes_accepted: bool = _fault("RegisterClient accepts scopes that do not exist.", _AWS)
    member_case_ignored: bool = _fault("Names of members are matched without regard to case.", _AWS)
    types_coerced: bool = _fault("Numbers and booleans are accepted where strings are modelled.", _AWS)
    null_as_text: bool = _fault("A null member is taken for the text null.", _AWS)
    list_nulls_dropped: bool = _fault("null in a list is dropped.", _AWS)
    null_refused: bool = _fault("A null member is refused instead of being taken as unset.", _AWS)
    error_type_with_uri: bool = _fault("x-amzn-ErrorType goes on after a colon, as in old services.", _AWS)
    framework_status_wrong: bool = _fault("SerializationException has status 422.", _AWS)
    framework_error_html: bool = _fault("Errors outside the service model have an HTML page as body.", _AWS)
    timestamps_in_milliseconds: bool = _fault("Timestamps of a registration count milliseconds.", _AWS)
    trailing_slash_refused: bool = _fault("A path with a trailing slash is not found.", _AWS)
    unknown_operation_500: bool = _fault("Unknown paths are answered 500.", _AWS)
    required_members_optional: bool = _fault("RegisterClient works without clientName and clientType.", _AWS)
    grant_types_unchecked: bool = _fault("RegisterClient accepts any grantTypes.", _AWS)
    signature_required: bool = _fault("Requests that are not signed are answered 403.", _AWS)

    # The verification page.
    approves_on_get: bool = _fault("Opening verification_uri_complete while signed in approves the grant.")
    sign_in_skipped: bool = _fault("Nobody has to sign in before deciding.")
    csrf_unchecked: bool = _fault("Forms are not bound to a session, and its cookie goes with cross-site requests.")
    user_code_unescaped: bool = _fault("The page repeats what was typed as user code without escaping it.")
    client_name_unescaped: bool = _fault("The page shows the client's name without escaping it.")
    guesses_unthrottled: bool = _fault("User codes may be guessed without limit.")
    user_code_strict: bool = _fault("A user code must be typed exactly as it is shown, capitals and dash included.")
    code_not_shown: bool = _fault("The confirmation does not show the user code for comparison.")
    client_not_shown: bool = _fault("The confirmation does not say which client asks.")
    possession_not_asked: bool = _fault("The confirmation does not ask whether the device is the user's own.")
    denial_impossible: bool = _fault("The confirmation offers no way to refuse.")
    decision_race: bool = _fault("Looking at a code and deciding it are two steps: approval and denial both succeed.")
    user_code_prefix_accepted: bool = _fault("A user code is found by its first four letters.")
    decision_reversible: bool = _fault("A decided code can be entered and decided again.")
    no_return_instruction: bool = _fault("After the decision nothing tells the user to go back to the device.")
    device_unmentioned: bool = _fault("The confirmation does not say that a device is being connected.")
    code_prompt_missing: bool = _fault("verification_uri shows no place to type the user code.")
    confusables_refused: bool = _fault("Look-alikes of the code's characters, 8 for B, are not taken for them.")
    known_client_approves_on_get: bool = _fault("Opening a code of a client that the user approved before approves it.")
    client_pages_not_shown: bool = _fault("The confirmation does not link to the client's own pages.", _RFC)
    redirects_anywhere: bool = _fault("A parameter `next` on the verification page is followed to any site.")
    sign_in_redirect_307: bool = _fault("Signing in is answered 307, so that the browser sends the password on.")
    page_allows_cors: bool = _fault("Pages let scripts of every origin read them.")
    wrong_code_500: bool = _fault("A user code that nobody was given is answered 500.")
    wrong_password_500: bool = _fault("A wrong name or password at the sign-in page is answered 500.")
    throttled_500: bool = _fault("Too many wrong user codes are answered 500 instead of 429.")
    stale_form_500: bool = _fault("A form that does not belong to the browser's session is answered 500.")
    page_frameable: bool = _fault("Pages may be framed by other sites and have no content security policy.")

    @classmethod
    def named(cls, *names: str) -> Faults:
        """The server that has just these faults; raises UsageError for a name that does not exist."""
        known = {entry.name for entry in fields(cls)}
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.4)
                everything = "device-grant serve --faults lists them all (in Python: Faults.catalogue())"
                hint = f"did you mean {', '.join(close)}?" if close else everything
                raise UsageError(f"unknown fault {name!r}: {hint}")
        return cls(**dict.fromkeys(names, True))

    @classmethod
    def catalogue(cls) -> list[tuple[str, tuple[str, ...], str]]:
        """Every fault: name, dialects in which it shows, documentation."""
        return [(entry.name, entry.metadata["dialects"], entry.metadata["documentation"]) for entry in fields(cls)]

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the faults that are on."""
        return tuple(entry.name for entry in fields(self) if getattr(self, entry.name))

    def require_dialect(self, dialect: str) -> None:
        """Raise UsageError if a fault is on that cannot show in this dialect."""
        for name, dialects, _ in self.catalogue():
            if getattr(self, name) and dialect not in dialects:
                raise UsageError(f"fault {name!r} does not exist in dialect {dialect}: it belongs to {dialects[0]}")
