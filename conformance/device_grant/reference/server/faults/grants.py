"""Faults of device authorization and of polling."""

from __future__ import annotations

from dataclasses import dataclass

from device_grant.reference.misbehaviour import RFC, Misbehaviour, fault


@dataclass(frozen=True, kw_only=True)
class GrantFaults(Misbehaviour):
    """Faults of device authorization and of polling."""

    # Polling: what the token endpoint says while the grant is pending, decided, redeemed or expired.
    pending_status_401: bool = fault("authorization_pending is answered with status 401.")
    pending_status_200: bool = fault("authorization_pending is answered with status 200.")
    pending_as_invalid_grant: bool = fault("A pending code is answered invalid_grant.")
    pending_misspelt: bool = fault("The error code of a pending grant is spelt authorizationPending.")
    pending_consumes_code: bool = fault("The first poll of a pending code makes the code unknown.")
    token_before_approval: bool = fault("A token is issued before the user has decided.")
    approval_ignored: bool = fault("The grant stays pending after the user has approved.")
    denial_ignored: bool = fault("The grant stays pending after the user has denied.")
    denial_as_invalid_grant: bool = fault("A denied code is answered invalid_grant from the first poll on.")
    denial_then_token: bool = fault("The second poll after a denial yields a token.")
    code_reusable: bool = fault("A redeemed device code yields further tokens.")
    redemption_race: bool = fault("Checking and marking a code are two steps: parallel polls all get tokens.")
    late_write: bool = fault(
        "A refused poll writes the record back as it read it, late: decisions and redemptions meanwhile are undone."
    )
    redemption_forgotten: bool = fault("Redemption is forgotten at the end of a code's life: it yields a token again.")
    foreign_client_redeems: bool = fault("Any registered client may poll and redeem another client's device code.")
    unknown_code_pending: bool = fault("A device code that was never issued is answered authorization_pending.")
    unknown_code_404: bool = fault("A device code that was never issued is answered 404 with an HTML page.")
    unknown_code_slow_down: bool = fault("A device code that was never issued is answered slow_down.")
    device_code_prefix_accepted: bool = fault("A device code is found by its first 16 characters.")
    device_code_case_ignored: bool = fault("Device codes are compared without regard to case.")
    user_code_as_device_code: bool = fault("The user code is accepted in place of the device code.")
    expired_still_pending: bool = fault("An expired, undecided code is answered authorization_pending.")
    expired_code_redeemable: bool = fault("An approved code yields a token after it has expired.")
    expires_early: bool = fault("Device codes expire after half of the advertised lifetime.")
    user_code_expires_early: bool = fault("User codes expire after half of the advertised lifetime.")
    slow_down_polite: bool = fault("Every second poll is answered slow_down, however patient the client is.")
    slow_down_ends_session: bool = fault("A poll that came too early makes the code unknown.")
    slow_down_adds_a_minute: bool = fault("slow_down raises the interval that is enforced by 60 seconds, not by 5.")
    early_poll_429: bool = fault("A poll that came too early is answered 429 with a text page.")
    slow_down_after_denial: bool = fault("Polls of a denied code are answered slow_down.")
    expired_code_approvable: bool = fault("A user may approve an expired code, which then lives on.")
    bad_request_spends_code: bool = fault("A request that is refused as invalid uses up the approved code in it.")
    foreign_poll_starves: bool = fault("After a poll by another client the code stays pending for ever.")
    foreign_poll_counts: bool = fault("A poll by another client counts as the last poll of the code's own client.")
    stranger_told_state: bool = fault("Another client is told whether a code is pending, approved or denied.")
    interval_exclusive: bool = fault("A poll has to come later than the interval, to the fraction of a second.")
    interval_per_client: bool = fault("The interval is counted for all codes of a client together.")
    slow_down_doubles: bool = fault("Each slow_down doubles the interval that is enforced.", RFC)
    slow_down_lowers_interval: bool = fault("slow_down comes with an interval of zero.")
    polls_limited: bool = fault("The twenty-first poll of a code, and every later one, is answered 500.")
    approval_ends_early: bool = fault("An approved code has to be redeemed within half of its lifetime.")
    redeemed_says_denied: bool = fault("A redeemed device code is answered access_denied.")
    codes_of_a_client_limited: bool = fault("Only the newest ten pending codes of a client live.")
    denial_after_approval_ignored: bool = fault(
        "A denial is taken for an approval where the user has allowed the client something before."
    )
    early_poll_discards_approval: bool = fault("A too early poll of an approved code answers slow_down and drops it.")

    # Device authorization: the response and the codes in it.
    device_code_repeated: bool = fault("Every device authorization gets the same device code.")
    device_code_short: bool = fault("Device codes have six characters.")
    user_code_repeated: bool = fault("Every device authorization gets the same user code.")
    user_code_counted: bool = fault("User codes count upwards in the letters of user codes.")
    user_code_short: bool = fault("User codes are numbers of four digits.")
    user_code_confusable: bool = fault("User codes mix upper and lower case and digits, 0 and O, 1 and l included.")
    user_code_in_verification_uri: bool = fault("verification_uri contains the user code.")
    verification_uri_relative: bool = fault("verification_uri is a path without scheme and host.")
    verification_uri_long: bool = fault("verification_uri has a long opaque tail that nobody can type.")
    verification_uri_elsewhere: bool = fault("verification_uri is a plain http address of an unrelated host.", RFC)
    verification_uri_fragment: bool = fault("verification_uri_complete has the user code in its fragment.")
    complete_uri_constant: bool = fault("verification_uri_complete is the same for every device authorization.")
    device_code_missing: bool = fault("The device authorization response lacks the device code.")
    user_code_missing: bool = fault("The device authorization response lacks the user code.")
    verification_uri_missing: bool = fault("The device authorization response lacks verification_uri.")
    expires_in_missing: bool = fault("The device authorization response lacks expires_in.")
    expires_in_string: bool = fault("expires_in of the device authorization response is a JSON string.")
    expires_in_negative: bool = fault("expires_in of the device authorization response is negative.")
    interval_string: bool = fault("interval is a JSON string.")
    interval_above_lifetime: bool = fault("interval is a second longer than the lifetime of the codes.")
    interval_negative: bool = fault("interval is negative.")
    codes_live_a_day: bool = fault("Device codes and user codes live a day.")
    device_code_in_complete_uri: bool = fault("verification_uri_complete holds the device code.")
    device_response_201: bool = fault("A device authorization is answered with status 201.")
    get_issues_codes: bool = fault("GET with parameters in the query issues a device code.")
    get_issues_tokens: bool = fault("GET with parameters in the query redeems a device code.")
    scope_required: bool = fault("A device authorization without scope is refused as invalid_request.", RFC)
