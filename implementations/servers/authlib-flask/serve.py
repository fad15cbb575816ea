"""Starts Authlib's RFC 8628 server under Flask; its argument is the port.

The endpoints and the two grants are subclassed with just the methods that their documentation asks for, on storage in
memory. Environment: DEVICE_CODE_LIFETIME and POLLING_INTERVAL, in seconds.
"""

from __future__ import annotations

import hmac
import os
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, list_to_scope, scope_to_list
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as BaseRefreshTokenGrant
from authlib.oauth2.rfc7009 import RevocationEndpoint as BaseRevocationEndpoint
from authlib.oauth2.rfc7662 import IntrospectionEndpoint as BaseIntrospectionEndpoint
from authlib.oauth2.rfc8628 import DEVICE_CODE_GRANT_TYPE, DeviceCredentialDict
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint as BaseDeviceAuthorizationEndpoint
from authlib.oauth2.rfc8628 import DeviceCodeGrant as BaseDeviceCodeGrant
from flask import Flask, Response
from pages import Pages, Waiting

if TYPE_CHECKING:
    from authlib.oauth2.rfc6749 import OAuth2Request

PORT = int(sys.argv[1])
SCOPES = ["profile", "email"]


@dataclass(frozen=True)
class Client(ClientMixin):
    client_id: str
    method: str = "none"
    secret: str = ""
    grants: tuple[str, ...] = (DEVICE_CODE_GRANT_TYPE, "refresh_token")

    def get_client_id(self) -> str:
        return self.client_id

    def get_allowed_scope(self, scope: str | None) -> str:
        return list_to_scope([one for one in scope_to_list(scope or "") if one in SCOPES])

    def check_client_secret(self, client_secret: str) -> bool:
        return hmac.compare_digest(self.secret.encode(), client_secret.encode())

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:  # noqa: ARG002 - alike at every endpoint
        return method == self.method

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in self.grants


@dataclass
class Token(TokenMixin):
    """An access token or a refresh token."""

    kind: str
    client_id: str
    scope: str
    user: str
    family: list[Token]
    """All tokens of the grant."""
    lifetime: float | None = None
    """In seconds; None: it has no end."""
    issued_at: float = field(default_factory=time.time)
    revoked: bool = False

    def check_client(self, client: Client) -> bool:
        return client.client_id == self.client_id

    def get_scope(self) -> str:
        return self.scope

    def is_expired(self) -> bool:
        return self.lifetime is not None and time.time() >= self.issued_at + self.lifetime

    def is_revoked(self) -> bool:
        return self.revoked


CLIENTS = {
    client.client_id: client
    for client in (
        Client("pub"),
        Client("other"),
        Client("conf", "client_secret_basic", "conf-secret"),
        Client("api", "client_secret_basic", "api-secret", ()),
        Client("nogrant", "client_secret_basic", "nogrant-secret", ("refresh_token",)),
    )
}
CREDENTIALS: dict[str, DeviceCredentialDict] = {}
"""By device code."""
USER_CODES: dict[str, DeviceCredentialDict] = {}
DECISIONS: dict[str, tuple[str, bool]] = {}
"""User and whether they allow, by user code."""
POLLED: dict[str, float] = {}
"""Time of the last poll, by device code."""
TOKENS: dict[str, Token] = {}
"""By their text."""


class DeviceAuthorizationEndpoint(BaseDeviceAuthorizationEndpoint):
    EXPIRES_IN = int(os.environ["DEVICE_CODE_LIFETIME"])
    INTERVAL = int(os.environ["POLLING_INTERVAL"])

    def get_verification_uri(self) -> str:
        return f"http://127.0.0.1:{PORT}/device"

    def save_device_credential(self, client_id: str, scope: str, data: dict[str, object]) -> None:
        expires_at = time.time() + self.EXPIRES_IN
        credential = DeviceCredentialDict(client_id=client_id, scope=scope, expires_at=expires_at, **data)
        CREDENTIALS[credential["device_code"]] = USER_CODES[credential["user_code"]] = credential


class DeviceCodeGrant(BaseDeviceCodeGrant):
    def query_device_credential(self, device_code: str) -> DeviceCredentialDict | None:
        return CREDENTIALS.get(device_code)

    def query_user_grant(self, user_code: str) -> tuple[str, bool] | None:
        return DECISIONS.get(user_code)

    def should_slow_down(self, credential: DeviceCredentialDict) -> bool:
        now, code = time.time(), credential["device_code"]
        last, POLLED[code] = POLLED.get(code, 0.0), now
        return now - last < credential["interval"]


class RefreshTokenGrant(BaseRefreshTokenGrant):
    # Its default is confidential clients alone.
    TOKEN_ENDPOINT_AUTH_METHODS = BaseDeviceCodeGrant.TOKEN_ENDPOINT_AUTH_METHODS
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token: str) -> Token | None:
        token = TOKENS.get(refresh_token)
        return token if token and token.kind == "refresh_token" and not token.revoked else None

    def authenticate_user(self, refresh_token: Token) -> str:
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Token) -> None:
        refresh_token.revoked = True


class RevocationEndpoint(BaseRevocationEndpoint):
    # Its default is HTTP Basic alone.
    CLIENT_AUTH_METHODS = BaseDeviceCodeGrant.TOKEN_ENDPOINT_AUTH_METHODS

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:  # noqa: ARG002 - one search
        return TOKENS.get(token_string)

    def revoke_token(self, token: Token, request: OAuth2Request) -> None:  # noqa: ARG002 - the token says it
        for one in token.family if token.kind == "refresh_token" else [token]:
            one.revoked = True


class IntrospectionEndpoint(BaseIntrospectionEndpoint):
    def check_permission(self, token: Token, client: Client, request: OAuth2Request) -> bool:  # noqa: ARG002 - all
        return client.client_id == "api"

    def query_token(self, token_string: str, token_type_hint: str | None) -> Token | None:  # noqa: ARG002 - one search
        return TOKENS.get(token_string)

    def introspect_token(self, token: Token) -> dict[str, object]:
        said = {"client_id": token.client_id, "scope": token.scope, "username": token.user, "iat": int(token.issued_at)}
        if token.kind == "access_token":
            said |= {"token_type": "Bearer", "exp": int(token.issued_at + token.lifetime)}
        return said


def save_token(token: dict[str, str], request: OAuth2Request) -> None:
    family = request.refresh_token.family if request.refresh_token else []
    for kind, lifetime in (("access_token", float(token["expires_in"])), ("refresh_token", None)):
        if token.get(kind):
            made = Token(kind, request.client.client_id, token.get("scope", ""), request.user, family, lifetime)
            family.append(made)
            TOKENS[token[kind]] = made


def find(typed: str) -> Waiting | None:
    letters = "".join(one for one in typed.upper() if one.isalnum())
    credential = USER_CODES.get(f"{letters[:4]}-{letters[4:]}")
    if credential is None or credential.is_expired() or credential["user_code"] in DECISIONS:
        return None
    return Waiting(credential["user_code"], credential["client_id"], credential["scope"] or "")


def decide(waiting: Waiting, user: str, allow: bool) -> bool:  # noqa: FBT001 - the decision itself
    decision = (user, allow)
    # The first one counts: two browsers may decide at the same moment.
    return DECISIONS.setdefault(waiting.user_code, decision) is decision


app = Flask(__name__)
app.config["OAUTH2_SCOPES_SUPPORTED"] = SCOPES
app.config["OAUTH2_REFRESH_TOKEN_GENERATOR"] = True
server = AuthorizationServer(app, query_client=CLIENTS.get, save_token=save_token)
server.register_endpoint(DeviceAuthorizationEndpoint)
server.register_endpoint(RevocationEndpoint)
server.register_endpoint(IntrospectionEndpoint)
server.register_grant(DeviceCodeGrant)
server.register_grant(RefreshTokenGrant)
Pages(find, decide).serve(app)


@app.post("/device_authorization")
def device_authorization() -> Response:
    return server.create_endpoint_response("device_authorization")


@app.post("/token")
def token() -> Response:
    return server.create_token_response()


@app.post("/revoke")
def revoke() -> Response:
    return server.create_endpoint_response("revocation")


@app.post("/introspect")
def introspect() -> Response:
    return server.create_endpoint_response("introspection")


app.run("127.0.0.1", PORT, threaded=True)
