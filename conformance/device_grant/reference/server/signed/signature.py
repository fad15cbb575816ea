"""AWS Signature Version 4 of a request, computed again by botocore's own signer and compared."""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.reference.server.restjson import FrameworkError

if TYPE_CHECKING:
    from device_grant.reference.server.faults import Faults
    from device_grant.reference.server.http import Call
    from device_grant.reference.server.signed.settings import SignedSettings

SERVICE = "sso-oauth"
"""Signing name of the operation in the service model."""
_ALGORITHM = "AWS4-HMAC-SHA256"
_FORM = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<date>\d{8})/(?P<region>[^/,\s]+)/(?P<service>[^/,\s]+)"
    r"/aws4_request\s*,\s*SignedHeaders=(?P<headers>[a-z0-9;_-]+)\s*,\s*Signature=(?P<signature>[0-9a-f]{64})"
)
_TIMESTAMP = "%Y%m%dT%H%M%SZ"
_SKEW = 300
"""Seconds by which the time of a signature may differ from the server's."""
_ENOUGH = frozenset({"host", "x-amz-date"})
"""What has to be signed at least."""


def require_signature(call: Call, settings: SignedSettings, faults: Faults, now: float) -> None:
    """Raise FrameworkError, 403, unless the request was signed for this service with the key that is known."""
    header = call.header(b"authorization")
    if header is None or not header.startswith(_ALGORITHM):
        if faults.iam_unsigned_served:
            return
        raise FrameworkError("MissingAuthenticationTokenException", 403, "The request is not signed")
    parts = _FORM.fullmatch(header.strip())
    if parts is None:
        raise FrameworkError("IncompleteSignatureException", 403, "The Authorization header is not well-formed")
    signed = parts["headers"].split(";")
    timestamp = call.header(b"x-amz-date") or ""
    if not set(signed) >= _ENOUGH or timestamp[:8] != parts["date"]:
        raise FrameworkError("IncompleteSignatureException", 403, "Host and X-Amz-Date have to be signed")
    if parts["key"] != settings.access_key:
        raise FrameworkError("UnrecognizedClientException", 403, "The security token in the request is not valid")
    scope = (parts["region"], parts["service"])
    if scope != (settings.region, SERVICE) and not faults.iam_service_name_ignored:
        raise _invalid(f"Credential should be scoped to {settings.region} and {SERVICE}")
    if not _fresh(timestamp, now) and not faults.iam_old_signature_served:
        raise _invalid("Signature expired")
    _require_token(call, settings)
    _require_content(call, faults)
    expected = _signature_of(call, settings, signed, scope)
    if not hmac.compare_digest(expected, parts["signature"]) and not faults.iam_signature_unchecked:
        raise _invalid("The signature does not match the request")


def _require_token(call: Call, settings: SignedSettings) -> None:
    token = call.header(b"x-amz-security-token")
    if token is not None and not hmac.compare_digest(token.encode(), settings.session_token.encode()):
        raise FrameworkError("UnrecognizedClientException", 403, "The security token in the request is not valid")


def _require_content(call: Call, faults: Faults) -> None:
    """The digest in the header, where it is, has to be that of the body: it is what the signature is over."""
    stated = call.header(b"x-amz-content-sha256")
    if stated is None and faults.iam_wants_content_hash:
        raise _invalid("x-amz-content-sha256 is missing")
    if stated is not None and not hmac.compare_digest(stated, hashlib.sha256(call.body).hexdigest()):
        if faults.iam_signature_unchecked:
            return
        raise _invalid("x-amz-content-sha256 is not that of the body")


def _signature_of(call: Call, settings: SignedSettings, signed: list[str], scope: tuple[str, str]) -> str:
    from botocore.awsrequest import AWSRequest  # only signed requests need it, and it is slow to import
    from botocore.credentials import Credentials

    headers = {name: ",".join(call.headers(name.encode())) for name in signed}
    query = parse_qsl(call.query.decode("latin-1"), keep_blank_values=True)
    # The scheme is plain, whatever it was: only so the signer always looks at the body.
    url = f"http://{call.header(b'host') or ''}{call.path}"
    request = AWSRequest(call.method, url, headers=headers, data=call.body, params=query)
    request.context["timestamp"] = call.header(b"x-amz-date")
    signer = _signer()(Credentials(settings.access_key, settings.secret_key), scope[1], scope[0])
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))


@cache
def _signer() -> Any:
    from botocore.auth import SigV4Auth

    class Signer(SigV4Auth):  # type: ignore[misc]  # botocore ships no types
        """Over the header fields that were signed, whichever they are."""

        def headers_to_sign(self, request: Any) -> Any:
            return request.headers

    return Signer


def _fresh(timestamp: str, now: float) -> bool:
    try:
        signed_at = datetime.strptime(timestamp, _TIMESTAMP).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return False
    return abs(now - signed_at) <= _SKEW


def _invalid(message: str) -> FrameworkError:
    return FrameworkError("InvalidSignatureException", 403, message)
