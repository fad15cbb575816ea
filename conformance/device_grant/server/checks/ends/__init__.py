"""How tokens end, and who is told what they are good for: revocation (RFC 7009) and introspection (RFC 7662)."""
