"""How tokens end and who is told of it: revocation (RFC 7009) and introspection (RFC 7662)."""
