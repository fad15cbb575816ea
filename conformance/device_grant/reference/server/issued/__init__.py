"""What the server issues: codes, tokens, and in the RFC dialect keys, JWTs (RFC 9068), ID tokens, userinfo."""
