"""How long a polite poller waits; apart from the run, so that reading the checks needs no HTTP client."""

MARGIN = 1.1
"""Seconds that a polite poller adds to the interval: servers compare arrival times in whole seconds."""
RENEWAL = 20 * 86_400.0
"""Seconds after which clients are registered anew: on a clock that jumps their registrations end too."""
