"""Starts a server on oauthlib's endpoints of RFC 8628, 7009 and 7662, with Flask around it; its argument is the port.

oauthlib parses, validates and answers; storage, clients and pages are the integrator's, here in memory. The validator
does what the docstrings of RequestValidator ask for, and a code is spent when its token is saved. All settings of
DeviceApplicationServer that have a default keep it. Environment: POLLING_INTERVAL, in seconds.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import os
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from flask import Flask, Response, request
from oauthlib.oauth2 import DeviceApplicationServer, DeviceCodeGrant, OAuth2Error, RequestValidator, Server
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from pages import Pages, Waiting

if TYPE_CHECKING:
    from collections.abc import Callable

    from oauthlib.common import Request

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
SCOPES = ["profile", "email"]
PORT = int(sys.argv[1])
INTERVAL = int(os.environ["POLLING_INTERVAL"])


@dataclass(frozen=True)
class Client:
    client_id: str
    secret: str = ""
    grants: tuple[str, ...] = (DEVICE_CODE, "refresh_token")


@dataclass
class Device:
    """A device authorization."""

    client_id: str
    user_code: str
    scopes: list[str]
    expires_at: float
    polled_at: float = 0.0
    decision: tuple[str, bool] | None = None
    """User and whether they allow."""


@dataclass(frozen=True)
class Token:
    client_id: str
    user: str
    scopes: list[str]
    family: list[str]
    """Access tokens of the same grant."""
    issued_at: float
    expires_at: float | None = None
    """None: of a refresh token, which has no end."""


CLIENTS = {
    client.client_id: client
    for client in (
        Client("pub"),
        Client("other"),
        Client("conf", "conf-secret"),
        Client("api", "api-secret", ()),
        Client("nogrant", "nogrant-secret", ("refresh_token",)),
    )
}
DEVICES: dict[str, Device] = {}
"""By device code, until its token is saved."""
USER_CODES: dict[str, Device] = {}
REFRESH_TOKENS: dict[str, Token] = {}
ACCESS_TOKENS: dict[str, Token] = {}


class Validator(RequestValidator):
    """Clients with a secret authenticate by HTTP Basic or in the body, the others by their client_id."""

    def client_authentication_required(self, request: Request, *_: object) -> bool:
        client = CLIENTS.get(request.client_id)
        return "Authorization" in request.headers or (client is not None and bool(client.secret))

    def authenticate_client(self, request: Request, *_: object) -> bool:
        client_id, secret = request.client_id, request.client_secret or ""
        authorization = request.headers.get("Authorization", "")
        if authorization and secret:  # one way to authenticate is enough (RFC 6749 2.3)
            return False
        if authorization:
            client_id, secret = basic_credentials(authorization)
        client = CLIENTS.get(client_id)
        if client is None or not client.secret or not hmac.compare_digest(client.secret.encode(), secret.encode()):
            return False
        request.client = client
        return True

    def authenticate_client_id(self, client_id: str, request: Request, *_: object) -> bool:
        client = CLIENTS.get(client_id)
        if client is None or client.secret:
            return False
        request.client = client
        return True

    def validate_client_id(self, client_id: str, request: Request, *_: object) -> bool:
        request.client = CLIENTS.get(client_id)
        return request.client is not None

    def validate_grant_type(self, _client_id: str, grant_type: str, client: Client, *_: object) -> bool:
        return grant_type in client.grants

    def get_default_scopes(self, *_: object) -> list[str]:
        return SCOPES

    def validate_scopes(self, _client_id: str, scopes: list[str], *_: object) -> bool:
        return set(scopes) <= set(SCOPES)

    def validate_device_code(self, client_id: str, code: str, request: Request, *_: object) -> str | None:
        device = DEVICES.get(code)
        if device is None or device.client_id != client_id:
            return None
        now = time.time()
        if now >= device.expires_at:
            return DeviceCodeGrant.DEVICE_CODE_EXPIRED
        if device.decision is None:
            last, device.polled_at = device.polled_at, now
            hasty = now - last < INTERVAL
            return DeviceCodeGrant.DEVICE_CODE_SLOW_DOWN if hasty else DeviceCodeGrant.DEVICE_CODE_PENDING
        user, allowed = device.decision
        if not allowed:
            return DeviceCodeGrant.DEVICE_CODE_DENIED
        request.user, request.scopes = user, device.scopes
        return DeviceCodeGrant.DEVICE_CODE_AUTHORIZED

    def validate_user(self, *_: object) -> bool:
        return False  # Server brings the password grant along, which nobody may use here

    def validate_refresh_token(self, refresh_token: str, client: Client, request: Request, *_: object) -> bool:
        known = REFRESH_TOKENS.get(refresh_token)
        if known is None or known.client_id != client.client_id:
            return False
        request.user, request.original = known.user, known
        return True

    def get_original_scopes(self, _refresh_token: str, request: Request, *_: object) -> list[str]:
        return request.original.scopes

    def save_bearer_token(self, token: dict[str, str], request: Request, *_: object) -> None:
        scopes = request.scopes
        if request.grant_type == DEVICE_CODE:
            spent = DEVICES.pop(request.device_code, None)
        else:
            spent = REFRESH_TOKENS.pop(request.refresh_token, None)
            scopes = request.original.scopes
        if spent is None:
            raise InvalidGrantError(request=request)
        family = spent.family if isinstance(spent, Token) else []
        family.append(token["access_token"])
        client_id, now = request.client.client_id, time.time()
        REFRESH_TOKENS[token["refresh_token"]] = Token(client_id, request.user, scopes, family, now)
        expires_at = now + float(token["expires_in"])
        ACCESS_TOKENS[token["access_token"]] = Token(client_id, request.user, request.scopes, family, now, expires_at)

    def revoke_token(self, token: str, _hint: str | None, request: Request, *_: object) -> None:
        known = REFRESH_TOKENS.get(token) or ACCESS_TOKENS.get(token)
        if known is None or known.client_id != request.client.client_id:
            return
        # With a refresh token its access tokens end (RFC 7009 2.1).
        for one in [token, *known.family] if REFRESH_TOKENS.pop(token, None) else [token]:
            ACCESS_TOKENS.pop(one, None)

    def introspect_token(self, token: str, _hint: str | None, request: Request, *_: object) -> dict[str, object] | None:
        known = REFRESH_TOKENS.get(token) or ACCESS_TOKENS.get(token)
        ended = known is None or (known.expires_at is not None and time.time() >= known.expires_at)
        if ended or request.client.client_id != "api":
            return None
        said = {"client_id": known.client_id, "username": known.user, "scope": " ".join(known.scopes)}
        said["iat"] = int(known.issued_at)
        return said if known.expires_at is None else said | {"token_type": "Bearer", "exp": int(known.expires_at)}


def basic_credentials(authorization: str) -> tuple[str, str]:
    """Client identifier and secret, empty if there are none; percent-encoded as a form (RFC 6749 2.3.1)."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return "", ""
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def answered(call: Callable[..., tuple[dict[str, str], object, int]]) -> Response:
    """What oauthlib says to the current request; its errors know their own status, headers and body."""
    query = request.query_string.decode("latin-1")
    url = f"{request.base_url}?{query}" if query else request.base_url
    try:
        headers, body, status = call(url, request.method, request.get_data(as_text=True), dict(request.headers))
    except OAuth2Error as error:
        headers, body, status = error.headers, error.json, error.status_code
    if isinstance(body, dict):
        remember(body)
        body = json.dumps(body)
    return Response(body, status, headers, mimetype="application/json" if body else None)


def remember(answer: dict[str, object]) -> None:
    """Keep the device authorization that an answer announces; the client is the one that oauthlib has let through."""
    device = Device(
        client_id=request.values["client_id"],
        user_code=str(answer["user_code"]),
        scopes=str(answer["scope"]).split(),
        expires_at=time.time() + float(str(answer["expires_in"])),
    )
    DEVICES[str(answer["device_code"])] = USER_CODES[device.user_code] = device


def find(typed: str) -> Waiting | None:
    # Codes differ in case alone.
    device = USER_CODES.get("".join(one for one in typed if one.isalnum()))
    if device is None or device.decision is not None or time.time() >= device.expires_at:
        return None
    return Waiting(device.user_code, device.client_id, " ".join(device.scopes))


DECIDING = threading.Lock()


def decide(waiting: Waiting, user: str, allow: bool) -> bool:  # noqa: FBT001 - the decision itself
    device = USER_CODES[waiting.user_code]
    with DECIDING:
        if device.decision is not None:
            return False
        device.decision = (user, allow)
    return True


validator = Validator()
server = Server(validator)
devices = DeviceApplicationServer(
    validator,
    verification_uri=f"http://127.0.0.1:{PORT}/device",
    verification_uri_complete=f"http://127.0.0.1:{PORT}/device?user_code={{user_code}}",
    interval=INTERVAL,
)
app = Flask(__name__)
Pages(find, decide).serve(app)


@app.post("/device_authorization")
def device_authorization() -> Response:
    return answered(devices.create_device_authorization_response)


@app.post("/token")
def token() -> Response:
    return answered(server.create_token_response)


@app.post("/revoke")
def revoke() -> Response:
    return answered(server.create_revocation_response)


@app.post("/introspect")
def introspect() -> Response:
    return answered(server.create_introspect_response)


app.run("127.0.0.1", PORT, threaded=True)
