"""The main path, walked before all checks: a client, a start, pending, an approval, a token, a denial.

What it finds broken is one finding, and what rests on it is blocked by that finding instead of failing as well.
"""

from device_grant.server.preflight.causes import Blocked, Cause, Preflight, Stage

PARTY = "server"
"""Whom the check of this package judges."""

__all__ = ["Blocked", "Cause", "Preflight", "Stage"]
