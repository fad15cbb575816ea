"""What the server issues: codes, and in the RFC dialect besides keys, JWTs (RFC 9068), ID tokens, userinfo."""
