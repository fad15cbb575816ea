"""What helps whoever sends somebody else's codes around (RFC 10027)."""
