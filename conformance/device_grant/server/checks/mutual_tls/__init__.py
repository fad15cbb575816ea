"""What RFC 8705 asks of servers that take client certificates, where a device signs in."""
