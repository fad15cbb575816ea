"""Faults of the verification page."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class PageFaults(Misbehaviour):
    """Faults of the verification page."""

    # The verification page.
    approves_on_get: bool = fault("Opening verification_uri_complete while signed in approves the grant.")
    anyone_approves_on_get: bool = fault("Opening verification_uri_complete approves the grant, signed in or not.")
    sign_in_skipped: bool = fault("Nobody has to sign in before deciding.")
    csrf_unchecked: bool = fault("Forms are not bound to a session, and its cookie goes with cross-site requests.")
    user_code_unescaped: bool = fault("The page repeats what was typed as user code without escaping it.")
    client_name_unescaped: bool = fault("The page shows the client's name without escaping it.")
    guesses_unthrottled: bool = fault("User codes may be guessed without limit.")
    user_code_strict: bool = fault("A user code must be typed exactly as it is shown, capitals and dash included.")
    code_not_shown: bool = fault("The confirmation does not show the user code for comparison.")
    client_not_shown: bool = fault("The confirmation does not say which client asks.")
    possession_not_asked: bool = fault("The confirmation does not ask whether the device is the user's own.")
    denial_impossible: bool = fault("The confirmation offers no way to refuse.")
    approval_outlives_code: bool = fault(
        "Whether a code lives is looked at before its approval is stored: one that meets the end begins another life."
    )
    decision_race: bool = fault("Looking at a code and deciding it are two steps: approval and denial both succeed.")
    first_approvals_collide: bool = fault(
        "Approvals of a person for a client that meet before the first one is stored break all later ones, by a 500."
    )
    user_code_half_accepted: bool = fault("The first half of a user code is enough.")
    user_code_prefix_accepted: bool = fault("A user code is found by its first four letters.")
    decision_reversible: bool = fault("A decided code can be entered and decided again.")
    open_page_decides_again: bool = fault("A page that was open before the decision decides the code once more.")
    decision_of_the_session: bool = fault("A decision counts for the code that its browser has opened last.")
    dead_code_asks: bool = fault(
        "A code that is expired or decided still leads to the question; the answer is refused."
    )
    dead_code_named: bool = fault("The pages say of a code that it was used or has expired, and not of others.")
    form_taken_by_get: bool = fault("The deciding form decides when it is sent by GET too.")
    decision_form_gets: bool = fault("The deciding form is sent by GET, with all that binds it to its session.")
    known_client_approved_by_code: bool = fault(
        "Any form with a code approves it, in a browser whose person approved that client before."
    )
    code_field_too_short: bool = fault("The field for the code takes its letters, and not the dash between them.")
    secret_in_page_address: bool = fault("The address of the confirmation holds the client's secret.")
    tokens_age_with_session: bool = fault("Tokens live as long as the browser's session that approved them has left.")
    scopeless_unapprovable: bool = fault("A request that names no scope can be begun, and nobody can approve it.", RFC)
    token_of_the_last_user: bool = fault("A token is for whoever approved last, whatever code it was.", RFC)
    refresh_for_the_last_user: bool = fault("A refreshed token is for whoever approved last.", RFC)
    locked_person_redeems: bool = fault("What a person has approved is redeemed when their account is locked.")
    no_return_instruction: bool = fault("After the decision nothing tells the user to go back to the device.")
    device_unmentioned: bool = fault("The confirmation does not say that a device is being connected.")
    code_prompt_missing: bool = fault("verification_uri shows no place to type the user code.")
    confusables_refused: bool = fault("Look-alikes of the code's characters, 8 for B, are not taken for them.")
    known_client_approves_on_get: bool = fault("Opening a code of a client that the user approved before approves it.")
    client_pages_not_shown: bool = fault("The confirmation does not link to the client's own pages.", RFC)
    redirects_anywhere: bool = fault("A parameter `next` on the verification page is followed to any site.")
    sign_in_redirect_307: bool = fault("Signing in is answered 307, so that the browser sends the password on.")
    page_allows_cors: bool = fault("Pages let scripts of every origin read them.")
    wrong_code_500: bool = fault("A user code that nobody was given is answered 500.")
    wrong_password_500: bool = fault("A wrong name or password at the sign-in page is answered 500.")
    throttled_500: bool = fault("Too many wrong user codes are answered 500 instead of 429.")
    stale_form_500: bool = fault("A form that does not belong to the browser's session is answered 500.")
    page_frameable: bool = fault("Pages may be framed by other sites and have no content security policy.")
    page_writes_query: bool = fault("Script of the pages writes the query of their address into them as markup.")
    client_name_written_by_script: bool = fault("Script of the confirmation makes markup of the client's name.")
    page_approves_by_script: bool = fault("Script of the confirmation presses Allow after three seconds.")
