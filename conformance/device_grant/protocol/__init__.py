"""Operations, errors and the two dialects; free of HTTP clients and of targets."""

from device_grant.protocol.dialects import AWS_SSO_OIDC, RFC8628, Dialect, dialect
from device_grant.protocol.exchange import (
    DEVICE_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    Client,
    Event,
    Exchange,
    Operation,
    Outcome,
    Request,
    Response,
    Transcript,
)
from device_grant.protocol.redaction import Secrets

__all__ = [
    "AWS_SSO_OIDC",
    "DEVICE_CODE_GRANT",
    "REFRESH_TOKEN_GRANT",
    "RFC8628",
    "Client",
    "Dialect",
    "Event",
    "Exchange",
    "Operation",
    "Outcome",
    "Request",
    "Response",
    "Secrets",
    "Transcript",
    "dialect",
]
