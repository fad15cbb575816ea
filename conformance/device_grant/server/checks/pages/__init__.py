"""The verification page."""
