"""The misbehaviours of the reference client: one documented field each, all off in an honest client.

They prove that the checks on clients can fail. None of them belongs in a client that anybody uses.
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
class ClientFaults:
    """Which misbehaviours are on. `ClientFaults()` is the honest client."""

    # Waiting.
    interval_halved: bool = _fault("It waits half the interval.")
    interval_capped: bool = _fault("It never waits longer than five seconds.")
    default_interval_one: bool = _fault("Without interval it waits one second.")
    polls_twice: bool = _fault("The first poll is followed by another one at once.")
    slow_down_ignored: bool = _fault("slow_down is taken for authorization_pending.")
    slow_down_once: bool = _fault("slow_down lengthens one wait only.")
    slow_down_first_only: bool = _fault("A second slow_down adds nothing to the first.")
    slow_down_doubles: bool = _fault("slow_down doubles the interval instead of adding five seconds.")
    slow_down_fatal: bool = _fault("slow_down ends the login.")
    slow_down_restarts: bool = _fault("After slow_down it starts a new flow.")
    timeout_same_pace: bool = _fault("After a timeout it polls as often as before.")
    timeout_adds_a_second: bool = _fault("Each timeout adds one second to the interval.")
    retries_at_once: bool = _fault("A request whose connection was lost is sent again at once.")
    retry_after_ignored: bool = _fault("Retry-After is not looked at.")

    # Ending.
    gives_up_early: bool = _fault("It gives up after two polls.")
    pending_fatal: bool = _fault("authorization_pending ends the login.")
    errors_retried: bool = _fault("Every error is taken for authorization_pending.")
    unknown_errors_retried: bool = _fault("An error code that it does not know is taken for authorization_pending.")
    denial_retried: bool = _fault("access_denied is taken for authorization_pending.")
    expired_retried: bool = _fault("expired_token is taken for authorization_pending.")
    grant_errors_retried: bool = _fault("invalid_grant is taken for authorization_pending.")
    errors_unreported: bool = _fault("An error ends it with the exit status of success and without a word.")
    expiry_ignored: bool = _fault("It polls on when the codes have expired.")
    restarts_after_expiry: bool = _fault("After expired_token it starts a new flow without asking anybody.")

    # Requests.
    start_by_get: bool = _fault("The device authorization request is a GET with everything in the query.")
    token_by_get: bool = _fault("The token request is a GET with everything in the query.")
    start_as_json: bool = _fault("The parameters of the device authorization request are JSON.", _RFC)
    token_as_json: bool = _fault("The parameters of the token request are JSON.", _RFC)
    form_in_latin_1: bool = _fault("Forms are encoded in ISO 8859-1.", _RFC)
    client_id_missing_at_start: bool = _fault("The device authorization request does not name the client.")
    client_id_missing_in_polls: bool = _fault("The token request does not name the client.")
    empty_parameter_sent: bool = _fault("The device authorization request has an empty parameter, audience.", _RFC)
    parameter_repeated_at_start: bool = _fault("The device authorization request names the client twice.", _RFC)
    parameter_repeated_in_polls: bool = _fault("The token request has its grant type twice.", _RFC)
    grant_type_short: bool = _fault("The grant type is device_code.")
    device_code_decoded: bool = _fault("The device code is form-decoded once before it is sent.")
    scope_with_commas: bool = _fault("Scopes are separated by commas and spaces.", _RFC)
    scope_always_sent: bool = _fault("scope=openid is sent when no scope was asked for.", _RFC)
    content_length_missing: bool = _fault("A body is sent without Content-Length.")
    query_dropped: bool = _fault("The query of an endpoint's URI is dropped.", _RFC)
    null_members_sent: bool = _fault("Members without a value are sent as null.", _AWS)
    requests_signed: bool = _fault("Requests are signed with Signature Version 4.", _AWS)
    endpoint_ignored: bool = _fault("The endpoint that it is told is ignored.", _AWS)

    # Authentication.
    secret_in_query: bool = _fault("The client secret goes into the URL.")
    secret_in_body: bool = _fault("The client secret goes into the body although Basic is possible.", _RFC)
    secret_twice: bool = _fault("The client secret goes into the body and into the header.", _RFC)
    secret_without_id: bool = _fault("The client secret goes into the body without client_id.", _RFC)
    basic_not_encoded: bool = _fault("Identifier and secret are not form-encoded before Basic.", _RFC)
    secret_withheld_at_start: bool = _fault("The device authorization request does not authenticate.")
    secret_withheld_in_polls: bool = _fault("Token requests do not authenticate.")
    empty_secret_sent: bool = _fault("A public client sends client_secret without a value.", _RFC)

    # Answers.
    complete_uri_required: bool = _fault("It fails without verification_uri_complete.", _RFC)
    interval_required: bool = _fault("It fails without interval.", _RFC)
    unknown_members_refused: bool = _fault("It fails on members that it does not know.")
    members_in_order: bool = _fault("It reads members by their position.")
    token_type_spelling: bool = _fault("Only Bearer in just this spelling is taken for a token type.")
    token_type_unchecked: bool = _fault("A token of any type is used as a bearer token.")
    expires_in_required: bool = _fault("It fails if the token response has no expires_in.", _RFC)
    long_values_cut: bool = _fault("Values are cut after 255 characters.")
    errors_by_status: bool = _fault("Only status 400 is read as an OAuth error.")
    description_required: bool = _fault("It fails on errors without a description.")
    incomplete_answer_polled: bool = _fault("It polls although the device authorization response lacks members.")
    truncated_answer_used: bool = _fault("An answer shorter than its Content-Length is used.")
    null_members_used: bool = _fault("Members that are null are taken for the text None.", _AWS)
    exception_name_whole: bool = _fault("An exception's name is compared with all that follows it.", _AWS)
    exception_only_in_header: bool = _fault("An exception is looked for in the header alone.", _AWS)
    exception_not_in_code: bool = _fault("The member code of an error is not looked at.", _AWS)
    redirects_followed: bool = _fault("Redirects are followed to any origin, with the whole request.")
    redirects_become_get: bool = _fault("A redirected POST is repeated as GET.")
    certificates_unchecked: bool = _fault("Any certificate is accepted.")

    # The person and the files.
    user_code_not_shown: bool = _fault("It shows the verification URI alone.")
    code_only_in_complete_uri: bool = _fault("It shows verification_uri_complete alone, if there is one.")
    device_code_shown: bool = _fault("It shows the device code.")
    files_for_everyone: bool = _fault("What it keeps may be read by everybody on the machine.")

    # Refreshing.
    refresh_as_json: bool = _fault("The refresh request is JSON.", _RFC)
    refresh_grant_misspelt: bool = _fault("The grant type of a refresh is refresh.")
    refresh_token_missing: bool = _fault("The refresh request has no refresh token.")
    refresh_scope_widened: bool = _fault("The refresh asks for the scope admin as well.", _RFC)
    refresh_unauthenticated: bool = _fault("The refresh request does not authenticate.")
    refresh_token_never_replaced: bool = _fault("A new refresh token is thrown away.")
    refresh_token_forgotten: bool = _fault("Without a new refresh token the old one is thrown away.")

    # Registering.
    registers_each_time: bool = _fault("It registers again for every login.", _AWS)
    expired_registration_used: bool = _fault("It goes on using a registration that has expired.")
    registration_as_form: bool = _fault("The registration request is a form.")
    client_name_missing: bool = _fault("It registers without a name.")
    client_name_tagged_only: bool = _fault("It registers a name in German only.", _RFC)
    client_uri_missing: bool = _fault("It registers without client_uri.", _RFC)
    software_id_random: bool = _fault("software_id is another one each time.", _RFC)
    redirect_uris_missing: bool = _fault("It registers for the code grant without redirect URIs.")
    registration_result_ignored: bool = _fault("It goes on as it asked to be registered, not as it was.", _RFC)
    registration_error_strict: bool = _fault("An unknown member in a refused registration makes it crash.")

    # Metadata.
    metadata_by_post: bool = _fault("Metadata is asked for by POST.", _RFC)
    issuer_slash_kept: bool = _fault("A slash at the end of the issuer's path is kept in the metadata's path.", _RFC)
    issuer_unchecked: bool = _fault("The issuer in the metadata is not compared.", _RFC)
    openid_location_first: bool = _fault("The path of OpenID Connect Discovery is tried first.", _RFC)
    endpoints_guessed: bool = _fault("Endpoints are guessed below the issuer, whatever the metadata says.", _RFC)

    @classmethod
    def named(cls, *names: str) -> ClientFaults:
        """The client that has just these faults; raises UsageError for a name that does not exist."""
        known = {entry.name for entry in fields(cls)}
        for name in names:
            if name not in known:
                close = difflib.get_close_matches(name, sorted(known), n=3, cutoff=0.4)
                hint = (
                    f"did you mean {', '.join(close)}?" if close else "docs/reference/client-faults.md lists them all"
                )
                raise UsageError(f"unknown client fault {name!r}: {hint}")
        return cls(**dict.fromkeys(names, True))

    @classmethod
    def catalogue(cls) -> list[tuple[str, tuple[str, ...], str]]:
        """Every fault: name, dialects in which it shows, documentation."""
        return [(entry.name, entry.metadata["dialects"], entry.metadata["documentation"]) for entry in fields(cls)]

    @property
    def active(self) -> tuple[str, ...]:
        """Names of the faults that are on."""
        return tuple(entry.name for entry in fields(self) if getattr(self, entry.name))
