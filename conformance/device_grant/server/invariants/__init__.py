"""Rules that every exchange of the run must keep, whatever the check that caused it was about.

Each function gets one exchange and its dialect, and yields a `Judgement` for each requirement of which the exchange
shows something: whether it holds, and what is wrong if not, in words that stay the same so that a baseline can match
them. The exchange itself is added as the evidence. Of an exchange that shows nothing it yields nothing.
"""

from device_grant.server.invariants import aws, device_authorization, errors, http, json_texts, syntax, token, uris

__all__ = ["aws", "device_authorization", "errors", "http", "json_texts", "syntax", "token", "uris"]
