"""What a grant is tied to beyond its client: a verifier (RFC 7636), resources (RFC 8707), certificates (RFC 8705)."""
