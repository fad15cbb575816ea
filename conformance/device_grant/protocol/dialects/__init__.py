"""Dialects of the device grant: a call becomes an HTTP request, an HTTP response becomes an outcome.

Everywhere else in the suite members have the RFC's snake_case names; a dialect alone knows how they look on the wire.
"""

from device_grant.protocol.dialects.aws_sso_oidc import AwsSsoOidcDialect
from device_grant.protocol.dialects.base import DEFAULT_INTERVAL, Dialect, RequestValues, Situation
from device_grant.protocol.dialects.bodies import FORM_TYPE, JSON_TYPE, duplicate_members, json_object
from device_grant.protocol.dialects.field import FieldDialect, field_dialects
from device_grant.protocol.dialects.registry import (
    any_dialect,
    default_dialect,
    dialect,
    known_dialects,
    register,
    spoken,
)
from device_grant.protocol.dialects.rfc8628 import Rfc8628Dialect, basic_authorization

__all__ = [
    "DEFAULT_INTERVAL",
    "FORM_TYPE",
    "JSON_TYPE",
    "AwsSsoOidcDialect",
    "Dialect",
    "FieldDialect",
    "RequestValues",
    "Rfc8628Dialect",
    "Situation",
    "any_dialect",
    "basic_authorization",
    "default_dialect",
    "dialect",
    "duplicate_members",
    "field_dialects",
    "json_object",
    "known_dialects",
    "register",
    "spoken",
]
