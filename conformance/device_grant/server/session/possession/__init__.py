"""A device that proves to have a key, and judges of what the server makes of it (RFC 9449)."""
