"""Requests that no HTTP library would send: exact octets, requests released together, transport security."""
