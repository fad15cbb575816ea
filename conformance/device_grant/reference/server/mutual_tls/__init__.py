"""Mutual TLS at the reference server (RFC 8705): clients by certificates, and tokens bound to them."""
