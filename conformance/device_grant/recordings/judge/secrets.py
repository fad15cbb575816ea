"""What of a capture must not be written: registered before anything is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from device_grant.protocol.names import snake
from device_grant.protocol.reading import basic, members_of
from device_grant.protocol.redaction import SECRET_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from device_grant.protocol import Secrets
    from device_grant.recordings.judge.finding import RecognisedExchange

_SECRET_NAME = re.compile(r"(token|secret|password|passwd|assertion|session_id|verifier|api_key|credential)$")
_CREDENTIALS = re.compile(r"authorization|api-?key|token|secret|session|signature|credential", re.IGNORECASE)
_PUBLIC_HEADERS = frozenset({"www-authenticate", "access-control-allow-credentials", "access-control-allow-headers"})
_PLACEHOLDER = re.compile(
    r"\W*(redacted|filtered|removed|masked|hidden|scrubbed|omitted|sanitized|placeholder|[*xX.…-]+)\W*", re.IGNORECASE
)
"""What stands where somebody took a secret out already: it is none, and occurs in ordinary prose."""


def learn(result: Iterable[RecognisedExchange], secrets: Secrets) -> None:
    """Register every secret of the exchanges: in members of either side, in headers and in URLs."""
    for one in result:
        request, response = one.exchange.request, one.exchange.response
        for name, value in (*members_of(request), *one.exchange.outcome.members.items()):
            if snake(name) in SECRET_MEMBERS or _SECRET_NAME.search(snake(name)):
                _register(secrets, snake(name), value)
        credentials = basic(request)
        if credentials is not None:
            _register(secrets, "client_secret", credentials.password)
            _register(secrets, "client_secret", credentials.raw_password)
        for name, value in (*request.headers, *(response.headers if response else ())):
            if not _CREDENTIALS.search(name) or name.lower() in _PUBLIC_HEADERS:
                continue
            scheme, _, rest = value.partition(" ")
            _register(secrets, "authorization", rest or scheme)
    for one in result:
        # Only now: what a request makes of a secret is told from the secret.
        secrets.register_variants(one.exchange.request.content.decode("latin-1"))


def _register(secrets: Secrets, kind: str, value: object) -> None:
    if isinstance(value, str) and not _PLACEHOLDER.fullmatch(value):
        secrets.register(kind, value)
