"""Dialects of the field: how large providers speak the device grant, as data, and the one registry of them.

Each is a file in `data/`, and its name is that of the file. What its servers take and say otherwise than RFC 8628 has
it stands there with where it is written; everything about the device grant that it does not name is as in the RFC.
"""

from device_grant.protocol.dialects.field.description import (
    Description,
    GivenAnswers,
    GivenErrors,
    GivenState,
    TakenRequests,
)
from device_grant.protocol.dialects.field.dialect import FieldDialect
from device_grant.protocol.dialects.field.registry import field_dialects

__all__ = [
    "Description",
    "FieldDialect",
    "GivenAnswers",
    "GivenErrors",
    "GivenState",
    "TakenRequests",
    "field_dialects",
]
