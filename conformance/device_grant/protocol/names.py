"""Names of members: snake_case, which the suite uses everywhere, and the camelCase of AWS's service models."""

from __future__ import annotations

import re


def snake(name: str) -> str:
    """`deviceCode` becomes `device_code`; snake_case stays."""
    return re.sub(r"(?<=[a-z0-9])([A-Z])", lambda match: "_" + match.group(1).lower(), name)


def camel(name: str) -> str:
    """`device_code` becomes `deviceCode`; a name without underscore stays."""
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)
