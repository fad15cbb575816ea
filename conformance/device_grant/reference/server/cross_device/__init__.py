"""What makes it hard to have others approve somebody else's codes (RFC 10027)."""
