"""Scenarios for clients, one module a subject."""

PARTY = "client"
"""Whom the checks of this package judge."""
