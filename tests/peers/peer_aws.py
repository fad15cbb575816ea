"""An honest server of the AWS SSO OIDC dialect: the three operations as modelled."""

from __future__ import annotations

import json
import secrets
import time
import uuid
from dataclasses import replace
from urllib.parse import urlsplit

from peer_records import DEVICE, Client, Grant, Refresh, Refused, acceptable
from peer_rfc import Honest
from peer_wire import Answer, Request, json_answer

GRANTS = (DEVICE, "refresh_token", "authorization_code")
EXCEPTIONS = {
    "invalid_request": "InvalidRequestException",
    "invalid_client": "InvalidClientException",
    "invalid_grant": "InvalidGrantException",
    "unauthorized_client": "UnauthorizedClientException",
    "unsupported_grant_type": "UnsupportedGrantTypeException",
    "invalid_scope": "InvalidScopeException",
    "authorization_pending": "AuthorizationPendingException",
    "slow_down": "SlowDownException",
    "access_denied": "AccessDeniedException",
    "expired_token": "ExpiredTokenException",
    "invalid_client_metadata": "InvalidClientMetadataException",
    "invalid_redirect_uri": "InvalidRedirectUriException",
}
STRINGS = (
    *("clientId", "clientSecret", "startUrl", "grantType", "deviceCode", "refreshToken", "code", "redirectUri"),
    *("codeVerifier", "clientName", "clientType", "issuerUrl", "entitledApplicationArn"),
)
LISTS = ("scopes", "grantTypes", "redirectUris", "scope")
JSON = ("application/json", "application/x-amz-json-1.1", "application/x-amz-json-1.0", "")


class FrameworkError(Exception):
    """What restJson1 refuses before the operation is reached."""

    def __init__(self, status: int, name: str, *headers: tuple[str, str]) -> None:
        self.status, self.name, self.headers = status, name, headers


class HonestAws(Honest):
    dialect = "aws-sso-oidc"
    register_path = "/client/register"
    registered_for = 7_776_000
    interval = 1
    token_lifetime = 28800
    default_scope = "sso:account:access"
    scopes = ("sso:account:access", "codewhisperer:completions")

    def routes(self):
        operations = {
            self.register_path: self.register_client,
            self.start_path: self.start_device_authorization,
            self.token_path: self.create_token,
        }
        routes = self.page_routes()
        for path, operation in operations.items():
            routes[path] = routes[path + "/"] = (("POST",), self.operation(operation))
        return routes

    def operation(self, handler):
        def handle(request: Request) -> Answer:
            if request.path.rstrip("/") == self.token_path and request.asked("aws_iam") == "t":
                # CreateTokenWithIAM, which nobody here has a key to sign for.
                return self.framework(FrameworkError(403, "MissingAuthenticationTokenException"))
            try:
                return self.success(handler(self.members(request)))
            except FrameworkError as error:
                return self.framework(error)
            except Refused as refused:
                return self.refusal(refused)

        return handle

    def success(self, members: dict) -> Answer:
        return json_answer(200, members)

    def framework(self, error: FrameworkError) -> Answer:
        return json_answer(error.status, {}, ("x-amzn-ErrorType", error.name), *error.headers)

    def refusal(self, refused: Refused) -> Answer:
        status = 401 if refused.error == "invalid_client" else refused.status
        headers = list(refused.headers)
        if status == 401 and not headers:
            headers.append(("WWW-Authenticate", 'AWS-SSO realm="clients"'))
        body = self.error_members(refused)
        return json_answer(status, body, ("x-amzn-ErrorType", self.error_type(EXCEPTIONS[refused.error])), *headers)

    def error_members(self, refused: Refused) -> dict:
        return {"error": refused.error, "error_description": refused.why}

    def error_type(self, name: str) -> str:
        return name

    def not_found(self, request: Request) -> Answer:
        if request.method == "GET":
            return super().not_found(request)
        return self.framework(FrameworkError(404, "UnknownOperationException"))

    def not_allowed(self, request: Request, allowed: tuple[str, ...]) -> Answer:
        if request.path.rstrip("/") not in (self.register_path, self.start_path, self.token_path):
            return super().not_allowed(request, allowed)
        return self.framework(FrameworkError(405, "MethodNotAllowedException", ("Allow", ", ".join(allowed))))

    def too_large(self) -> Answer:
        return self.framework(FrameworkError(413, "RequestEntityTooLargeException"))

    def wire(self, answer: Answer) -> Answer:
        return answer.with_header("x-amzn-RequestId", str(uuid.uuid4()))

    # Requests

    def members(self, request: Request) -> dict:
        if request.media_type() not in JSON:
            raise FrameworkError(415, "UnsupportedMediaTypeException")
        accept = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "*/*").split(",")]
        if not {"*/*", "application/*", "application/json", "application/x-amz-json-1.1", ""} & set(accept):
            raise FrameworkError(406, "NotAcceptableException")
        try:
            given = json.loads(request.body.decode("utf-8") or "{}", parse_constant=self.no_number)
        except (ValueError, RecursionError):
            raise FrameworkError(400, "SerializationException") from None
        if not isinstance(given, dict):
            raise FrameworkError(400, "SerializationException")
        given = {name: value for name, value in given.items() if value is not None}
        for name, value in given.items():
            strings = isinstance(value, list) and all(isinstance(item, str) for item in value)
            if (name in STRINGS and not isinstance(value, str)) or (name in LISTS and not strings):
                raise FrameworkError(400, "SerializationException")
        return given

    def no_number(self, name: str) -> None:
        raise ValueError(name)

    def required(self, given: dict, *names: str) -> None:
        for name in names:
            if not given.get(name):
                raise self.missing(name)

    def missing(self, name: str) -> Exception:
        return Refused("invalid_request", f"{name} is missing")

    def known_client(self, given: dict) -> Client:
        client = self.clients.get(given["clientId"])
        if (
            client is None
            or client.ends <= time.time()
            or not self.proves(client, given["clientSecret"], client.method)
        ):
            raise Refused("invalid_client", "Invalid client provided")
        return client

    # Operations

    def register_client(self, given: dict) -> dict:
        self.required(given, "clientName", "clientType")
        if given["clientType"] != "public":
            raise Refused("invalid_client_metadata", "Invalid client type provided")
        grants = given.get("grantTypes", [DEVICE, "refresh_token"])
        if not set(grants) <= set(GRANTS):
            raise Refused("unsupported_grant_type", "Invalid grant type provided")
        scopes = given.get("scopes", [])
        if len(scopes) > 25 or not set(scopes) <= set(self.scopes):
            raise Refused("invalid_scope", "Invalid scope provided")
        if not all(acceptable(uri) for uri in given.get("redirectUris", [])):
            raise Refused("invalid_redirect_uri", "Invalid redirect URI provided")
        client = Client(
            self.new_client_id(),
            self.new_secret(),
            "client_secret_post",
            tuple(grants),
            " ".join(scopes),
            given["clientName"],
            int(time.time()) + self.registered_for,
        )
        self.clients[client.id] = client
        return self.registration_members(client)

    def registration_members(self, client: Client) -> dict:
        return {
            "authorizationEndpoint": None,
            "clientId": client.id,
            "clientIdIssuedAt": int(client.ends) - self.registered_for,
            "clientSecret": client.secret,
            "clientSecretExpiresAt": int(client.ends),
            "tokenEndpoint": None,
        }

    def start_device_authorization(self, given: dict) -> dict:
        self.required(given, "clientId", "clientSecret", "startUrl")
        client = self.known_client(given)
        if not self.portal(given["startUrl"]):
            raise Refused("invalid_request", "Invalid start url provided")
        if DEVICE not in client.grants:
            raise Refused("unauthorized_client", "Client is not authorized for the grant")
        code = self.new_device_code()
        grant = Grant(client, client.scope or self.default_scope, self.new_user_code(), time.time() + self.lifetime, 0)
        self.grants[code] = replace(grant, interval=self.interval)
        return self.start_members(code, self.grants[code])

    def portal(self, url: str) -> bool:
        try:
            parts = urlsplit(url)
        except ValueError:
            return False
        host = parts.hostname or ""
        if url != url.strip():
            return False  # urlsplit takes white space off
        return parts.scheme == "https" and host.endswith(".awsapps.com") and parts.path.rstrip("/") == "/start"

    def start_members(self, code: str, grant: Grant) -> dict:
        members = self.started(code, grant)
        names = {"device_code": "deviceCode", "user_code": "userCode", "verification_uri": "verificationUri"}
        names |= {"verification_uri_complete": "verificationUriComplete", "expires_in": "expiresIn"}
        return {names.get(name, name): value for name, value in members.items()}

    def create_token(self, given: dict) -> dict:
        self.required(given, "clientId", "clientSecret", "grantType")
        kind = given["grantType"]
        if kind not in GRANTS:
            raise Refused("unsupported_grant_type", "Unsupported grant type provided")
        member = {DEVICE: "deviceCode", "refresh_token": "refreshToken", "authorization_code": "code"}[kind]
        self.required(given, member)
        if kind == DEVICE and given["deviceCode"] not in self.grants:
            # The service looks at the device code before it looks at the client.
            raise Refused("invalid_grant", "Invalid device code provided")
        client = self.known_client(given)
        if kind not in client.grants:
            raise Refused("unauthorized_client", "Client is not authorized for the grant")
        if kind == DEVICE:
            return self.device_token(given, client)
        if kind == "refresh_token":
            return self.refreshed_token(given, client)
        raise Refused("invalid_grant", "Invalid grant provided")

    def device_token(self, given: dict, client: Client) -> dict:
        grant = self.grants[given["deviceCode"]]
        if grant.client is not client or grant.state == "redeemed":
            raise Refused("invalid_grant", "Invalid device code provided")
        now = time.time()
        if grant.state == "denied":
            raise self.denied(grant)
        if now >= grant.ends:
            raise self.expired(given["deviceCode"])
        if grant.state == "pending":
            raise self.waiting(grant, now)
        grant.state = "redeemed"
        return self.token_members(client, grant.handle)

    def refreshed_token(self, given: dict, client: Client) -> dict:
        known = self.refreshes.get(given["refreshToken"])
        if known is None or known.client is not client:
            raise Refused("invalid_grant", "Invalid refresh token provided")
        if known.used:
            self.revoke(known.family)
            raise Refused("invalid_grant", "Invalid refresh token provided")
        self.use(known)
        return self.token_members(client, known.family)

    def use(self, known: Refresh) -> None:
        known.used = True

    def token_members(self, client: Client, family: str) -> dict:
        refresh = None
        if client.scope and "refresh_token" in client.grants:
            refresh = secrets.token_urlsafe(32)
            self.refreshes[refresh] = Refresh(client, client.scope, family)
        return {
            "accessToken": self.new_token(client, client.scope),
            "expiresIn": self.token_lifetime,
            "idToken": None,
            "refreshToken": refresh,
            "tokenType": "Bearer",
        }
