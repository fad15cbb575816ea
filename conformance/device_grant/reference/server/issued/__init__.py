"""What the RFC dialect issues besides: signing keys, JWTs as access tokens (RFC 9068), ID tokens, userinfo."""
