"""Faults that help whoever sends somebody else's codes around (RFC 10027)."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault

UNMITIGATED = (
    "access_token_lives_a_year",
    "client_not_shown",
    "codes_live_a_day",
    "decision_reversible",
    "decline_is_fine_print",
    "no_unrequested_warning",
    "starts_unlimited",
)
"""What the fault `no_mitigation` is made of."""


@dataclass(frozen=True, kw_only=True)
class CrossDeviceFaults(Misbehaviour):
    """Faults of codes, pages and limits that phishing makes use of."""

    no_mitigation: bool = fault(
        "Codes live a day, user codes stay approvable, pages name nobody and hide the refusal, tokens live a year.",
        RFC,
    )
    link_location_unsigned: bool = fault(
        "verification_uri_complete has the device's address in a parameter, which the page believes as it comes back."
    )
    codes_live_two_hours: bool = fault("Device codes and user codes live two hours.")
    expired_link_approves: bool = fault("A typed code expires, and the link in verification_uri_complete does not.")
    second_approval_replaces_user: bool = fault("A later approval of the same user code replaces the user of a grant.")
    redeemed_user_code_accepted: bool = fault("The question is asked of a user code whose device has its tokens.")
    stale_page_overrules_denial: bool = fault(
        "An approval from a page that was loaded before the refusal still counts."
    )
    user_code_spent_on_entry: bool = fault("A user code is used up when it is entered, decision or not.")
    user_codes_recycled: bool = fault("User codes are drawn from a pool of eight, ended ones first.")
    access_token_lives_a_day: bool = fault("Access tokens live a day.")
    scope_silently_limited: bool = fault(
        "Tokens have the default scope alone, and the response repeats the scope that was asked for.", RFC
    )
    reuse_keeps_tokens_active: bool = fault(
        "A device code that comes twice ends the refresh token, and introspection calls the access token active.", RFC
    )
    refresh_token_endless: bool = fault("Refresh tokens have no end, and introspection names none.", RFC)
    device_grant_ignores_dpop: bool = fault("Proofs of possession bind no token of a device code.", RFC)
    starts_unlimited: bool = fault("Clients that nobody knows are given as many codes as they ask for.", RFC)
    start_limit_500: bool = fault("A device authorization beyond what a client may have is answered 500.", RFC)
    start_limit_drops_pending: bool = fault(
        "A client that asks for too many codes loses the oldest of those that it has.", RFC
    )
    decision_page_without_context: bool = fault("The confirmation asks whether to allow access, and says nothing else.")
    sign_in_without_context: bool = fault("The sign-in page does not say what signing in is for.")
    no_unrequested_warning: bool = fault("No page says what to do when one did not start this.")
    decline_does_nothing: bool = fault("The button that refuses shows the question again, and decides nothing.")
    decline_is_fine_print: bool = fault("To allow is a large button, to refuse tiny grey letters far below it.")
    approve_has_focus: bool = fault("The button that allows has the focus.")
    anyone_may_name_a_client: bool = fault(
        "The pages show the name of a client that anybody registered like that of a known one."
    )

    def __post_init__(self) -> None:
        if self.no_mitigation:
            for name in UNMITIGATED:
                object.__setattr__(self, name, True)
