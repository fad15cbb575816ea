"""Operations, errors and dialects; free of HTTP clients and of targets."""

from device_grant.catalogue.model import AWS_SSO_OIDC, RFC8628
from device_grant.protocol.dialects import (
    DEFAULT_INTERVAL,
    Dialect,
    FieldDialect,
    Situation,
    any_dialect,
    default_dialect,
    dialect,
    field_dialects,
    known_dialects,
    register,
    spoken,
)
from device_grant.protocol.events import Event
from device_grant.protocol.exchange import (
    DEVICE_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    Client,
    Exchange,
    Operation,
    Outcome,
    Request,
    Response,
    Transcript,
)
from device_grant.protocol.purpose import Purpose
from device_grant.protocol.redaction import Secrets

__all__ = [
    "AWS_SSO_OIDC",
    "DEFAULT_INTERVAL",
    "DEVICE_CODE_GRANT",
    "REFRESH_TOKEN_GRANT",
    "RFC8628",
    "Client",
    "Dialect",
    "Event",
    "Exchange",
    "FieldDialect",
    "Operation",
    "Outcome",
    "Purpose",
    "Request",
    "Response",
    "Secrets",
    "Situation",
    "Transcript",
    "any_dialect",
    "default_dialect",
    "dialect",
    "field_dialects",
    "known_dialects",
    "register",
    "spoken",
]
