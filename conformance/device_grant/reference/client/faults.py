"""The misbehaviours of the reference client: one documented field each, all off in an honest client.

They prove that the checks on clients can fail. None of them belongs in a client that anybody uses.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from device_grant.reference.misbehaviour import AWS, RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class ClientFaults(Misbehaviour):
    """Which misbehaviours are on. `ClientFaults()` is the honest client."""

    kind: ClassVar[str] = "client fault"
    listing: ClassVar[str] = "docs/reference/client-faults.md"

    # Waiting.
    interval_halved: bool = fault("It waits half the interval.")
    interval_capped: bool = fault("It never waits longer than five seconds.")
    interval_truncated: bool = fault("A fraction of a second is cut off the interval.", RFC)
    polls_by_ticks: bool = fault("It polls by the ticks of a clock, of which one is kept while nobody waits for it.")
    interval_overflows: bool = fault("An interval of more than 2^31 milliseconds is taken for none at all.")
    interval_from_request: bool = fault("The interval is counted from the last request, however late its answer came.")
    odd_interval_taken_for_none: bool = fault("It does not wait at all for an interval that is no positive number.")
    odd_interval_stalls: bool = fault("It waits for ever for an interval that is no positive number.")
    default_interval_one: bool = fault("Without interval it waits one second.")
    polls_twice: bool = fault("The first poll is followed by another one at once.")
    slow_down_ignored: bool = fault("slow_down is taken for authorization_pending.")
    slow_down_once: bool = fault("slow_down lengthens one wait only.")
    slow_down_first_only: bool = fault("A second slow_down adds nothing to the first.")
    slow_down_doubles: bool = fault("slow_down doubles the interval instead of adding five seconds.")
    slow_down_fatal: bool = fault("slow_down ends the login.")
    slow_down_restarts: bool = fault("After slow_down it starts a new flow.")
    slow_down_capped: bool = fault("slow_down never makes it wait longer than half a minute.")
    timeout_same_pace: bool = fault("After a timeout it polls as often as before.")
    timeout_adds_a_second: bool = fault("Each timeout adds one second to the interval.")
    retries_at_once: bool = fault("A request whose connection was lost is sent again at once.")
    polls_overlap: bool = fault("It polls by a timer, whether the poll before has been answered or not.")
    retry_after_ignored: bool = fault("Retry-After is not looked at.")

    # Ending.
    gives_up_early: bool = fault("It gives up after two polls.")
    polls_after_success: bool = fault("It polls once more when it has the token.")
    pending_fatal: bool = fault("authorization_pending ends the login.")
    errors_retried: bool = fault("Every error is taken for authorization_pending.")
    unknown_errors_retried: bool = fault("An error code that it does not know is taken for authorization_pending.")
    denial_retried: bool = fault("access_denied is taken for authorization_pending.")
    expired_retried: bool = fault("expired_token is taken for authorization_pending.")
    grant_errors_retried: bool = fault("invalid_grant is taken for authorization_pending.")
    errors_unreported: bool = fault("An error ends it with the exit status of success and without a word.")
    expiry_ignored: bool = fault("It polls on when the codes have expired.")
    restarts_after_expiry: bool = fault("After expired_token it starts a new flow without asking anybody.")

    answers_awaited_for_ever: bool = fault("It waits for an answer without any limit.")
    trouble_fatal: bool = fault("One poll that is lost, or answered 5xx, ends the login.")
    other_statuses_retried: bool = fault(
        "An error with another status than 400 is taken for authorization_pending.", RFC
    )

    # Requests.
    start_by_get: bool = fault("The device authorization request is a GET with everything in the query.")
    token_by_get: bool = fault("The token request is a GET with everything in the query.")
    start_as_json: bool = fault("The parameters of the device authorization request are JSON.", RFC)
    token_as_json: bool = fault("The parameters of the token request are JSON.", RFC)
    form_in_latin_1: bool = fault("Forms are encoded in ISO 8859-1.", RFC)
    form_not_escaped: bool = fault("Forms are put together without escaping anything in them.", RFC)
    client_id_missing_at_start: bool = fault("The device authorization request does not name the client.")
    client_id_missing_in_polls: bool = fault("The token request does not name the client.")
    empty_parameter_sent: bool = fault("The device authorization request has an empty parameter, audience.", RFC)
    parameter_repeated_at_start: bool = fault("The device authorization request names the client twice.", RFC)
    parameter_repeated_in_polls: bool = fault("The token request has its grant type twice.", RFC)
    grant_type_short: bool = fault("The grant type is device_code.")
    device_code_decoded: bool = fault("The device code is form-decoded once before it is sent.")
    scope_with_commas: bool = fault("Scopes are separated by commas and spaces.", RFC)
    scope_always_sent: bool = fault("scope=openid is sent when no scope was asked for.", RFC)
    content_length_missing: bool = fault("A body is sent without Content-Length.")
    query_dropped: bool = fault("The query of an endpoint's URI is dropped.", RFC)
    null_members_sent: bool = fault("Members without a value are sent as null.", AWS)
    requests_signed: bool = fault("Requests are signed with Signature Version 4.", AWS)
    endpoint_ignored: bool = fault("The endpoint that it is told is ignored.", AWS)

    # Authentication.
    secret_in_query: bool = fault("The client secret goes into the URL.")
    secret_in_body: bool = fault("The client secret goes into the body although Basic is possible.", RFC)
    secret_twice: bool = fault("The client secret goes into the body and into the header.", RFC)
    secret_without_id: bool = fault("The client secret goes into the body without client_id.", RFC)
    basic_not_encoded: bool = fault("Identifier and secret are not form-encoded before Basic.", RFC)
    secret_withheld_at_start: bool = fault("The device authorization request does not authenticate.")
    secret_withheld_in_polls: bool = fault("Token requests do not authenticate.")
    empty_secret_sent: bool = fault("A public client sends client_secret without a value.", RFC)

    # Answers.
    complete_uri_required: bool = fault("It fails without verification_uri_complete.")
    interval_required: bool = fault("It fails without interval.", RFC)
    verification_url_refused: bool = fault("It takes verification_url for verification_uri, and fails on both.")
    unknown_members_refused: bool = fault("It fails on members that it does not know.")
    members_in_order: bool = fault("It reads members by their position.")
    token_type_spelling: bool = fault("Only Bearer in just this spelling is taken for a token type.")
    token_type_unchecked: bool = fault("A token of any type is used as a bearer token.")
    expires_in_required: bool = fault("It fails if the token response has no expires_in.", RFC)
    refresh_token_required: bool = fault("It fails if the token response has no refresh_token.")
    long_values_cut: bool = fault("Values are cut after 255 characters.")
    errors_by_status: bool = fault("Only status 400 is read as an OAuth error.")
    description_required: bool = fault("It fails on errors without a description.")
    incomplete_answer_polled: bool = fault("It polls although the device authorization response lacks members.")
    truncated_answer_used: bool = fault("An answer shorter than its Content-Length is used.")
    null_members_used: bool = fault("Members that are null are taken for the text None.", AWS)
    exception_name_whole: bool = fault("An exception's name is compared with all that follows it.", AWS)
    exception_only_in_header: bool = fault("An exception is looked for in the header alone.", AWS)
    exception_not_in_code: bool = fault("The member code of an error is not looked at.", AWS)
    unreadable_answer_polled_at_once: bool = fault(
        "After an answer that is neither a token nor an error it polls again at once."
    )
    unreadable_answer_unreported: bool = fault(
        "An answer that is neither a token nor an error ends it with the exit status of success and without a word."
    )
    empty_answer_taken_for_success: bool = fault("An answer 200 without members ends it as if it had a token.")
    redirects_followed: bool = fault("Redirects are followed to any origin, with the whole request.")
    redirects_become_get: bool = fault("A redirected POST is repeated as GET.")
    certificates_unchecked: bool = fault("Any certificate is accepted.")

    # ID tokens.
    id_token_issuer_unchecked: bool = fault("An ID token of any issuer is taken.", RFC)
    id_token_audience_unchecked: bool = fault("An ID token for any client is taken.", RFC)
    id_token_audience_must_be_text: bool = fault("An array of audiences in an ID token is not looked into.", RFC)
    id_token_expiry_unchecked: bool = fault("An ID token that has expired is taken.", RFC)
    id_token_signature_unchecked: bool = fault("Signatures of ID tokens are not checked.", RFC)
    unsigned_id_token_taken: bool = fault("An ID token whose algorithm is none is taken without a signature.", RFC)
    id_token_of_unknown_key_taken: bool = fault("The signature of a key that it does not know is not checked.", RFC)
    id_token_hash_unchecked: bool = fault("at_hash in an ID token is not compared with the access token.", RFC)
    id_token_claims_unknown_refused: bool = fault("It fails on claims of an ID token that it does not know.", RFC)
    id_token_indexed: bool = fault("It fails without a word if the token response has no ID token.", RFC)
    userinfo_subject_unchecked: bool = fault("Userinfo of another person than the ID token's is taken.", RFC)
    access_token_looked_into: bool = fault("It decodes the access token and goes by what that says.", RFC)

    # The person and the files.
    user_code_not_shown: bool = fault("It shows the verification URI alone.")
    code_only_in_complete_uri: bool = fault("It shows verification_uri_complete alone, if there is one.")
    device_code_shown: bool = fault("It shows the device code.")
    server_text_shown_raw: bool = fault("It shows the server's texts as they are, with what a terminal obeys.")
    any_address_opened: bool = fault("It opens whatever address the server names in the browser.")
    address_opened_by_shell: bool = fault("The command that opens the browser goes through a shell.")
    answers_logged: bool = fault("It writes every answer to its output.")
    requests_logged: bool = fault("It writes every request to its output, with the credentials in it.")
    files_open_for_a_moment: bool = fault(
        "What it keeps may be read by everybody until it is written, and is closed then."
    )
    files_for_everyone: bool = fault("What it keeps may be read by everybody on the machine.")

    # Signing in by a browser.
    other_path_registered: bool = fault("The browser is sent back to another path than the registered one.", AWS)
    state_unchecked: bool = fault("A way back with any state is taken.", AWS)
    missing_state_taken: bool = fault("A way back without state is taken.", AWS)
    state_constant: bool = fault("state is the same in every sign-in.", AWS)
    unknown_parameters_refused: bool = fault("It fails on parameters beside the code that it does not know.", AWS)
    error_callback_ignored: bool = fault("A way back with an error is taken for nothing, and it waits on.", AWS)
    redirect_without_port: bool = fault("A code is redeemed with the redirect URI as it was registered.", AWS)
    listens_everywhere: bool = fault("Its listener can be reached from the network.", AWS)
    listener_stays: bool = fault("Its listener goes on when it has the code.", AWS)
    second_callback_taken: bool = fault("Of two ways back it takes the second.", AWS)
    any_request_ends_the_wait: bool = fault("Any request to its listener ends its wait for the code.", AWS)
    verifier_constant: bool = fault("The code verifier is the same in every sign-in.", AWS)
    verifier_short: bool = fault("The code verifier has thirty characters.", AWS)
    challenge_plain: bool = fault("The code challenge is the verifier itself.", AWS)
    client_without_challenge: bool = fault("It sends the browser to sign in without a code challenge.", AWS)
    client_without_verifier: bool = fault("A code is redeemed without its code verifier.", AWS)
    client_pkce_on_request_only: bool = fault("It uses PKCE only where the metadata announce it.", AWS)
    client_falls_back_to_plain: bool = fault("After an error it signs in with a plain challenge.", AWS)
    client_falls_back_to_no_challenge: bool = fault("After an error it signs in without a challenge.", AWS)
    client_plain_next_time: bool = fault("After an error its next run has a plain challenge.", AWS)
    refused_code_sent_again: bool = fault("A code whose redemption was refused is sent once more.", AWS)
    registrations_mixed: bool = fault("A registration for one grant is used for the other one.", AWS)
    start_url_followed: bool = fault("It looks its start URL up, and follows redirects from there anywhere.", AWS)

    # PKCE in the device grant, and resources.
    client_device_pkce_new_verifier: bool = fault("Each poll has another code_verifier than the challenge.", RFC)
    client_device_pkce_plain: bool = fault("The code challenge of a device grant is the verifier itself.", RFC)
    client_resource_relative: bool = fault("resource is a path.", RFC)
    client_resource_fragment: bool = fault("resource has a fragment.", RFC)
    client_resource_query: bool = fault("resource has a query.", RFC)
    client_asks_for_all_resources: bool = fault("Each poll names more than one resource.", RFC)

    # Proofs of possession (DPoP).
    client_proof_typ_jwt: bool = fault("The proofs of DPoP have typ JWT.", RFC)
    client_sends_private_jwk: bool = fault("The key in its DPoP proofs is the private one.", RFC)
    client_htu_with_query: bool = fault("htu of a DPoP proof has the query of the endpoint.", RFC)
    client_reuses_proof: bool = fault("One DPoP proof serves for all polls.", RFC)
    client_proof_on_first_poll_only: bool = fault("Only its first token request has a DPoP proof.", RFC)
    client_refreshes_without_proof: bool = fault("Its refreshes have no DPoP proof.", RFC)
    client_takes_bearer_for_bound: bool = fault("A bearer token is taken where it asked for a bound one.", RFC)
    client_new_key_after_restart: bool = fault("Each run has a new DPoP key.", RFC)
    client_gives_up_on_nonce: bool = fault("use_dpop_nonce ends the login.", RFC)
    client_keeps_first_nonce: bool = fault("The first nonce of a server is used for ever.", RFC)
    client_nonce_loop: bool = fault("It asks again at once, and for ever, as long as it is asked for a nonce.", RFC)
    client_binds_at_poll_only: bool = fault("The device authorization request has no DPoP proof.", RFC)
    client_polls_with_other_key: bool = fault("Each poll has a DPoP proof of another key.", RFC)

    # Mutual TLS.
    client_mtls_without_client_id: bool = fault("client_id is left out where it has a certificate.", RFC)
    client_ignores_aliases: bool = fault("Endpoints are used that have an alias for mutual TLS.", RFC)

    # Refreshing.
    refresh_as_json: bool = fault("The refresh request is JSON.", RFC)
    refresh_grant_misspelt: bool = fault("The grant type of a refresh is refresh.")
    refresh_token_missing: bool = fault("The refresh request has no refresh token.")
    refresh_scope_widened: bool = fault("The refresh asks for the scope admin as well.", RFC)
    refresh_unauthenticated: bool = fault("The refresh request does not authenticate.")
    refresh_token_never_replaced: bool = fault("A new refresh token is thrown away.")
    refresh_token_forgotten: bool = fault("Without a new refresh token the old one is thrown away.")

    refused_refresh_ignored: bool = fault("When a refresh is refused it goes on with the token that has expired.")

    dead_refresh_token_kept: bool = fault("When its refresh token is refused, it does not sign in anew.")

    # Signing out.
    client_revokes_by_query: bool = fault("A token is revoked by the query of a GET.", RFC)
    client_revokes_in_the_clear: bool = fault("A token is revoked at a plain http URL of a public host.", RFC)
    client_revokes_anywhere: bool = fault("The certificate of the revocation endpoint is not checked.", RFC)
    client_keeps_revoked_token: bool = fault("Tokens stay on the disk when they were revoked.", RFC)
    client_503_is_success: bool = fault("A revocation that was answered 503 counts as one.", RFC)

    # Registering.
    registers_each_time: bool = fault("It registers again for every login.", AWS)
    expired_registration_used: bool = fault("It goes on using a registration that has expired.")
    refused_registration_kept: bool = fault("A registration that the server refuses is kept and used again.")
    registration_as_form: bool = fault("The registration request is a form.")
    client_name_missing: bool = fault("It registers without a name.")
    client_name_tagged_only: bool = fault("It registers a name in German only.", RFC)
    client_uri_missing: bool = fault("It registers without client_uri.", RFC)
    software_id_random: bool = fault("software_id is another one each time.", RFC)
    redirect_uris_missing: bool = fault("It registers for the code grant without redirect URIs.")
    registration_result_ignored: bool = fault("It goes on as it asked to be registered, not as it was.", RFC)
    registration_error_strict: bool = fault("An unknown member in a refused registration makes it crash.")

    # Metadata.
    metadata_by_post: bool = fault("Metadata is asked for by POST.", RFC)
    issuer_slash_kept: bool = fault("A slash at the end of the issuer's path is kept in the metadata's path.", RFC)
    well_known_appended: bool = fault("The well-known part of RFC 8414 is appended to the issuer's path.", RFC)
    issuer_unchecked: bool = fault("The issuer in the metadata is not compared.", RFC)
    openid_location_first: bool = fault("The path of OpenID Connect Discovery is tried first.", RFC)
    client_chokes_on_aliases: bool = fault("An alias that it does not know makes metadata useless to it.", RFC)
    endpoints_guessed: bool = fault("Endpoints are guessed below the issuer, whatever the metadata says.", RFC)
