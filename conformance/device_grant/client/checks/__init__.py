"""Scenarios for clients, one module a subject."""
