"""The checks whose exchanges, together, show every kind of answer that an invariant speaks of.

Invariants judge what all checks exchange. Where only some requirements are asked for, these few checks stand for all;
a test proves that with them every fault of an invariant is found, and that its verdicts on an honest server are those
of a whole run.
"""

TOUR = (
    "assertions::test_unknown_application",
    "client_authentication::test_wrong_secret_at_start",
    "device_authorization::test_get_starts_nothing",
    "http::test_media_types",
    "polling::test_missing_device_code",
    "polling::test_unknown_device_code",
    "refresh::test_refresh",
    "registration::test_refused_registrations",
    "registration::test_register_a_client",
    "registration::test_secret_of_a_registered_client",
    "restjson::test_bodies_that_are_no_structure",
    "user_decision::test_approval",
    "user_decision::test_denial_is_final",
)
"""Names of checks; what of them a dialect or a target does not have is left out."""
