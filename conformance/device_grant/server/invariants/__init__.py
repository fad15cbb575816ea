"""Rules that every exchange of the run must keep, whatever the check that caused it was about.

Each function gets one exchange and its dialect and answers True (the rule holds), a text (what is wrong; stable, so
that a baseline can match it) or None (the rule has nothing to say of this exchange). A text that is `Tolerated` is a
warning at most.
"""

from device_grant.server.invariants import aws, device_authorization, errors, http, json_texts, syntax, token, uris

__all__ = ["aws", "device_authorization", "errors", "http", "json_texts", "syntax", "token", "uris"]
