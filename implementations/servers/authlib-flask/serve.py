"""Starts Authlib's RFC 8628 server under Flask; its argument is the port.

The endpoint and the two grants are subclassed with just the methods that their documentation asks for, on storage in
memory. Environment: DEVICE_CODE_LIFETIME and POLLING_INTERVAL, in seconds.
"""

from __future__ import annotations

import hmac
import os
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, TokenMixin, list_to_scope, scope_to_list
from authlib.oauth2.rfc6749.grants import RefreshTokenGrant as BaseRefreshTokenGrant
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


@dataclass(frozen=True)
class Token(TokenMixin):
    """A refresh token: nothing here takes access tokens, so those are not kept."""

    value: str
    client_id: str
    scope: str
    user: str

    def check_client(self, client: Client) -> bool:
        return client.client_id == self.client_id

    def get_scope(self) -> str:
        return self.scope


CLIENTS = {
    client.client_id: client
    for client in (
        Client("pub"),
        Client("other"),
        Client("conf", "client_secret_basic", "conf-secret"),
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
REFRESH_TOKENS: dict[str, Token] = {}


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
        return REFRESH_TOKENS.get(refresh_token)

    def authenticate_user(self, refresh_token: Token) -> str:
        return refresh_token.user

    def revoke_old_credential(self, refresh_token: Token) -> None:
        REFRESH_TOKENS.pop(refresh_token.value, None)


def save_token(token: dict[str, str], request: OAuth2Request) -> None:
    value = token.get("refresh_token")
    if value:
        REFRESH_TOKENS[value] = Token(value, request.client.client_id, token.get("scope", ""), request.user)


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
server.register_grant(DeviceCodeGrant)
server.register_grant(RefreshTokenGrant)
Pages(find, decide).serve(app)


@app.post("/device_authorization")
def device_authorization() -> Response:
    return server.create_endpoint_response("device_authorization")


@app.post("/token")
def token() -> Response:
    return server.create_token_response()


app.run("127.0.0.1", PORT, threaded=True)
