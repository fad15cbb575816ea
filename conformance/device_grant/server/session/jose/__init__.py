"""JWTs that a server issues, read and verified as whoever gets them would (RFC 7515, RFC 7517, RFC 7519)."""
