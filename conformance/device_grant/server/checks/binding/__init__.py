"""Checks of what binds a grant beyond its client: RFC 7636 at the device endpoint, RFC 8707, RFC 8705."""
