"""How long a polite poller waits, and the longest waits; apart from the run: listing checks needs no HTTP client."""

MARGIN = 1.1
"""Seconds that a polite poller adds to the interval: servers compare arrival times in whole seconds."""
SEEN_WITHIN = 3
"""Intervals in which the token endpoint may come to know of a decision: no text says when it has to."""
RENEWAL = 20 * 86_400.0
"""Seconds after which clients are registered anew: on a clock that jumps their registrations end too."""
LATITUDE = 30.0
"""Seconds that a wait may be longer than `longest_wait`: margins, and what a check waits of its own."""
FARTHEST = 100 * 366 * 86400.0
"""Seconds of the longest wait on a clock that jumps: a century."""
END_OF_TIME = 220_000_000_000.0
"""Seconds since the epoch up to which clocks are moved: not long after it, dates of Python end."""
