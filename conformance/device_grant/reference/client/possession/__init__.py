"""The key that the reference client proves to have (RFC 9449)."""

from device_grant.reference.client.possession.proving import Possession

__all__ = ["Possession"]
