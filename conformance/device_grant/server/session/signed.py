"""Requests of an application that are signed: CreateTokenWithIAM of AWS SSO OIDC, by botocore's own signer."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol import Exchange, Operation, Request
from device_grant.targets.ports import UserError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.server.session.case import ServerCase

SERVICE = "sso-oauth"
"""Signing name of the operation in the service model."""
SIGNED_BY_QUERY = "aws_iam=t"
JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105 - the name of a grant type
ACCESS_TOKEN = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105 - the name of a type
REFRESH_TOKEN = "urn:ietf:params:oauth:token-type:refresh_token"  # noqa: S105 - likewise
_TIMESTAMP = "%Y%m%dT%H%M%SZ"


@dataclass(frozen=True, kw_only=True)
class Signing:
    """How a request is signed; what is empty is as target.toml has it."""

    service: str = SERVICE
    region: str = ""
    access_key: str = ""
    secret_key: str = ""
    temporary: bool = False
    """Whether x-amz-security-token goes with it."""
    age: float = 0.0
    """Seconds by which the signature is old."""
    further: tuple[tuple[str, str], ...] = ()
    """Header fields that are signed besides."""


class SignedRequests:
    """The signed operation at the target of a case."""

    def __init__(self, case: ServerCase) -> None:
        """Raises NotApplicable where target.toml has no key or no application."""
        self.case = case
        self.config = case.run.target.config.iam
        if not self.config.access_key or not self.config.application:
            raise NotApplicable("target.toml has no [iam] with access_key and application")

    def assertion(self, kind: str = "good") -> str:
        """A new assertion of the trusted issuer; raises Untestable where nobody makes one of the kind."""
        make = self.case.run.target.assertion
        if make is None:
            raise Untestable("target.toml names no [iam] module that makes assertions")
        try:
            made = make(kind, time.time())
        except UserError as refused:
            raise Untestable(f"no assertion of the kind {kind}: {refused}") from None
        self.case.run.secrets.register("assertion", made)
        return made

    def bearer(self, **changes: Any) -> dict[str, Any]:
        """The members of a good request with an assertion; `changes` replace some, and None takes one away."""
        members: dict[str, Any] = {"client_id": self.config.application, "grant_type": JWT_BEARER}
        if "assertion" not in changes:
            members["assertion"] = self.assertion()
        return {name: value for name, value in (members | changes).items() if value is not None}

    def request(self, members: Mapping[str, Any], query: str = SIGNED_BY_QUERY) -> Request:
        """The request, not signed."""
        run = self.case.run
        url = run.url(Operation.TOKEN) + (f"?{query}" if query else "")
        request = run.dialect.encode(Operation.TOKEN, url, dict(members), None)
        # What holds of token responses in OAuth does not of these: scope, for one, is a list.
        return replace(request, operation=Operation.OTHER if query else Operation.TOKEN)

    def signed(self, request: Request, how: Signing = Signing()) -> Request:
        """The request with the header fields of its signature."""
        from botocore.auth import SigV4Auth  # only signed requests need it, and it is slow to import
        from botocore.awsrequest import AWSRequest
        from botocore.credentials import Credentials

        config = self.config
        stamp = time.strftime(_TIMESTAMP, time.gmtime(time.time() - how.age))
        headers = {"Content-Type": request.header("content-type") or "", "X-Amz-Date": stamp} | dict(how.further)
        if how.temporary:
            headers["X-Amz-Security-Token"] = config.session_token
        signing = AWSRequest(request.method, request.url, headers=headers, data=request.content)
        signing.context["timestamp"] = stamp
        keys = Credentials(how.access_key or config.access_key, how.secret_key or config.secret_key)
        signer = SigV4Auth(keys, how.service, how.region or config.region)
        signature = signer.signature(signer.string_to_sign(signing, signer.canonical_request(signing)), signing)
        names = signer.signed_headers(signer.headers_to_sign(signing))
        headers["Authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={signer.scope(signing)}, SignedHeaders={names}, Signature={signature}"
        )
        unsigned = tuple((name, value) for name, value in request.headers if name.lower() != "content-type")
        return replace(request, headers=(*unsigned, *headers.items()))

    def send(
        self,
        members: Mapping[str, Any],
        label: str,
        *,
        how: Signing | None = None,
        query: str = SIGNED_BY_QUERY,
        spoil: Callable[[Request], Request] = lambda request: request,
    ) -> Exchange:
        """One signed request; `spoil` changes it after it was signed."""
        return self.case.send(spoil(self.signed(self.request(members, query), how or Signing())), label)

    def served(self, **changes: Any) -> Exchange:
        """The control: a good request that yields tokens; raises Untestable where it does not."""
        exchange = self.send(self.bearer(**changes), "control: a good signed request")
        if not has_tokens(exchange):
            raise Untestable(f"a good signed request was answered {exchange.describe()}")
        return exchange


def has_tokens(exchange: Exchange) -> bool:
    """Whether an answer is a success with an access token."""
    return exchange.outcome.ok and isinstance(exchange.get("access_token"), str)


def claims_of(token: object) -> dict[str, Any]:
    """The payload of a JWT, unverified; empty where it is none."""
    import jwt

    try:
        claims = jwt.decode(token if isinstance(token, str) else "", options={"verify_signature": False})
    except (jwt.PyJWTError, ValueError, RecursionError):
        return {}
    return dict(claims)


def altered(content: bytes) -> bytes:
    """A JSON body with a member more than was signed."""
    return json.dumps(json.loads(content) | {"scope": ["openid"]}).encode()
