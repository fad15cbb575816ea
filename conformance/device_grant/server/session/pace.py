"""How long a polite poller waits; apart from the run, so that reading the checks needs no HTTP client."""

MARGIN = 1.1
"""Seconds that a polite poller adds to the interval: servers compare arrival times in whole seconds."""
