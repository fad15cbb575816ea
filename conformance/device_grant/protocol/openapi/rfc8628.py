"""The RFC dialect: RFC 8628, with RFC 6749, RFC 7591 and RFC 8414 as far as the grant needs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.protocol.exchange import DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT, Operation
from device_grant.protocol.openapi.parts import (
    JSON,
    METADATA,
    Json,
    header,
    put,
    ref,
    refusals,
    response,
    ruled,
    statuses,
    structure,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_FORM = "application/x-www-form-urlencoded"
_TYPES = "rfc6749-5.1-json-types"
_ERROR_JSON = "rfc6749-5.2-error-json"
_METADATA_VALUE = "rfc7591-3.2.2-invalid-client-metadata"
_ASCII = r"^[\x00-\x7F]+$"
_NQSCHAR = r"^[\x20\x21\x23-\x5B\x5D-\x7E]+$"
_WEB_URI = r"^[Hh][Tt][Tt][Pp][Ss]?://[^/?#]"

_TEXT: Json = {"type": "string"}
_NON_EMPTY: Json = {"type": "string", "minLength": 1}
_TEXTS: Json = {"type": "array", "items": {"type": "string"}}
_SECONDS: Json = {"type": "integer", "minimum": 1}

_ABOUT = (
    "Device authorization and token endpoint of RFC 8628, with client registration (RFC 7591) and metadata (RFC 8414) "
    "where the server has them. A device starts an authorization, shows the user code, and polls the token endpoint "
    "until the user has decided."
)


def paths() -> dict[str, str]:
    """The embedded server's endpoints."""
    return {
        Operation.REGISTRATION: "/register",
        Operation.DEVICE_AUTHORIZATION: "/device_authorization",
        Operation.TOKEN: "/token",
        METADATA: "/.well-known/oauth-authorization-server",
    }


def document(endpoints: Mapping[str, str], base: str) -> Json:
    """The document; raises UsageError for URLs that are not http or https."""
    described = {name: endpoints[name] for name in (*Operation, METADATA) if endpoints.get(name)}
    collected: Json = {}
    if METADATA in described:
        put(collected, base, described[METADATA], "get", _metadata())
    if Operation.REGISTRATION in described:
        put(collected, base, described[Operation.REGISTRATION], "post", _registration(described))
    if Operation.DEVICE_AUTHORIZATION in described:
        put(collected, base, described[Operation.DEVICE_AUTHORIZATION], "post", _device_authorization(described))
    if Operation.TOKEN in described:
        put(collected, base, described[Operation.TOKEN], "post", _token())
    return whole(
        ("OAuth 2.0 Device Authorization Grant", _ABOUT),
        base,
        collected,
        {"schemas": _schemas(), "securitySchemes": _security_schemes()},
    )


def _registration(described: Mapping[str, str]) -> Json:
    links: Json = {}
    if Operation.DEVICE_AUTHORIZATION in described:
        links["startDeviceAuthorization"] = {
            "operationId": Operation.DEVICE_AUTHORIZATION.value,
            "description": "The new client asks for codes.",
            "requestBody": {"client_id": "$response.body#/client_id"},
        }
    return {
        "operationId": Operation.REGISTRATION.value,
        "summary": "Register a client",
        "description": "RFC 7591 section 3. Whether anyone may register is the server's choice.",
        "requestBody": _body(JSON, "RegistrationRequest"),
        "responses": {
            "201": response("The client is registered.", "RegistrationResponse", links=links),
            "400": response("The registration is refused (section 3.2.2).", "RegistrationError"),
            "401": {"description": "Registering needs an initial access token."},
            "403": {"description": "This caller may not register clients."},
            **refusals(),
        },
        "x-requirements": statuses(
            "rfc7591-3.2-status-201",
            "rfc7591-3.2.2-status-400-json",
            "rfc7591-3.2-status-201",
            "rfc7591-3.2.2-status-400-json",
        ),
    }


def _device_authorization(described: Mapping[str, str]) -> Json:
    links: Json = {}
    if Operation.TOKEN in described:
        links["pollForToken"] = {
            "operationId": Operation.TOKEN.value,
            "description": "The device polls, at least `interval` seconds apart.",
            "requestBody": {
                "grant_type": DEVICE_CODE_GRANT,
                "device_code": "$response.body#/device_code",
                "client_id": "$request.body#/client_id",
            },
        }
    return {
        "operationId": Operation.DEVICE_AUTHORIZATION.value,
        "summary": "Start a device authorization",
        "description": "RFC 8628 section 3.1.",
        "security": _security(),
        "requestBody": _body(_FORM, "DeviceAuthorizationRequest"),
        "responses": {
            "200": response(
                "The codes, and where the user takes theirs.",
                "DeviceAuthorizationResponse",
                {"Cache-Control": header("no-store: the codes are credentials.", "rfc8628-3.2-no-store")},
                links,
            ),
            "400": response("The request is refused.", "DeviceAuthorizationError"),
            "401": response("The client failed to authenticate.", "DeviceAuthorizationError", _challenge()),
            **refusals(),
        },
        "x-requirements": statuses(
            "rfc8628-3.2-status-200", "rfc8628-3.2-error-format", "rfc8628-3.2-json-body", "rfc8628-3.2-error-format"
        ),
    }


def _token() -> Json:
    refresh = {
        "operationId": Operation.TOKEN.value,
        "description": "A refresh token is exchanged for new tokens.",
        "requestBody": {
            "grant_type": REFRESH_TOKEN_GRANT,
            "refresh_token": "$response.body#/refresh_token",
            "client_id": "$request.body#/client_id",
        },
    }
    headers = {"Cache-Control": header("no-store: tokens must not be kept by caches.", "rfc6749-5.1-no-store")}
    return {
        "operationId": Operation.TOKEN.value,
        "summary": "Poll for a token, or refresh one",
        "description": "RFC 8628 section 3.4 and RFC 6749 section 6.",
        "security": _security(),
        "requestBody": _body(_FORM, "TokenRequest"),
        "responses": {
            "200": response("Tokens.", "TokenResponse", headers, {"refresh": refresh}),
            "400": response("Not yet, or not at all: the code says which.", "TokenError"),
            "401": response("The client failed to authenticate.", "AuthenticationError", _challenge()),
            **refusals(),
        },
        "x-requirements": statuses(
            "rfc6749-5.1-status-200", "rfc6749-5.2-status-400", "rfc6749-5.1-json-media-type", _ERROR_JSON
        ),
    }


def _metadata() -> Json:
    rule = "rfc8414-3.2-status-and-type"
    return {
        "operationId": METADATA,
        "summary": "Authorization server metadata",
        "description": "RFC 8414 section 3.",
        "responses": {"200": response("The metadata.", "Metadata"), **refusals()},
        "x-requirements": statuses(rule, "", rule, ""),
    }


def _body(media_type: str, schema: str) -> Json:
    return {"required": True, "content": {media_type: {"schema": ref("schemas", schema)}}}


def _challenge() -> Json:
    return {"WWW-Authenticate": header("The scheme that the client used, if it used the Authorization header.")}


def _security() -> list[Json]:
    # Public clients send their client_id alone; client_secret_post is two parameters of the form.
    return [{"client_secret_basic": []}, {}]


def _security_schemes() -> Json:
    return {
        "client_secret_basic": {
            "type": "http",
            "scheme": "basic",
            "description": "client_id and client_secret, each form-encoded first (RFC 6749 section 2.3.1). The "
            "alternative, client_secret_post, is the parameters client_id and client_secret in the form.",
        }
    }


def _schemas() -> Json:
    return {
        **_request_schemas(),
        "RegistrationResponse": _registration_response(),
        "DeviceAuthorizationResponse": _device_authorization_response(),
        "TokenResponse": _token_response(),
        "Metadata": _metadata_document(),
        "RegistrationError": _error(
            "rfc7591-3.2.2-error-member",
            "rfc7591-3.2.2-status-400-json",
            # Quotation marks and backslashes, which RFC 6749 forbids, are ASCII, and that is all RFC 7591 asks for.
            pattern=_ASCII,
            characters="rfc7591-3.2.2-error-code",
        ),
        "DeviceAuthorizationError": _error("rfc8628-3.2-error-format", "rfc8628-3.2-error-format"),
        "TokenError": _error("rfc6749-5.2-error-member", _ERROR_JSON),
        "AuthenticationError": _error("rfc6749-5.2-error-member", _ERROR_JSON, "invalid_client"),
    }


def _request_schemas() -> Json:
    client = {
        "client_id": ruled(_NON_EMPTY, required="rfc8628-3.1-missing-client-id-rejected"),
        "client_secret": {**_NON_EMPTY, "description": "Authenticates the client by client_secret_post."},
    }
    scope = {**_TEXT, "description": "Scope tokens, separated by single spaces (RFC 6749 section 3.3)."}
    metadata_text, metadata_texts = ruled(_TEXT, type=_METADATA_VALUE), ruled(_TEXTS, type=_METADATA_VALUE)
    return {
        "RegistrationRequest": structure(
            "Client metadata (RFC 7591 section 2); all of it is optional.",
            {
                "client_name": metadata_text,
                "redirect_uris": metadata_texts,
                "grant_types": metadata_texts,
                "response_types": metadata_texts,
                "token_endpoint_auth_method": metadata_text,
                "scope": ruled(scope, type=_METADATA_VALUE),
                "contacts": metadata_texts,
                "software_version": metadata_text,
            },
        ),
        "DeviceAuthorizationRequest": structure(
            "Parameters of RFC 8628 section 3.1. A client that authenticates by HTTP may leave client_id out.",
            {**client, "scope": scope},
            ["client_id"],
        ),
        "TokenRequest": {"oneOf": [ref("schemas", "DeviceTokenRequest"), ref("schemas", "RefreshRequest")]},
        "DeviceTokenRequest": structure(
            "A poll (RFC 8628 section 3.4).",
            {
                "grant_type": {"type": "string", "const": DEVICE_CODE_GRANT},
                "device_code": _NON_EMPTY,
                "client_id": _NON_EMPTY,
                "client_secret": client["client_secret"],
            },
            ["grant_type", "device_code", "client_id"],
        ),
        "RefreshRequest": structure(
            "A refresh (RFC 6749 section 6).",
            {
                "grant_type": {"type": "string", "const": REFRESH_TOKEN_GRANT},
                "refresh_token": _NON_EMPTY,
                "scope": scope,
                "client_id": _NON_EMPTY,
                "client_secret": client["client_secret"],
            },
            ["grant_type", "refresh_token", "client_id"],
        ),
    }


def _registration_response() -> Json:
    expiry = "rfc7591-3.2.1-secret-expires-at"
    return structure(
        "The client as it is registered (RFC 7591 section 3.2.1), with all of its metadata.",
        {
            "client_id": ruled(_NON_EMPTY, required="rfc7591-3.2.1-client-id", type="rfc7591-3.2.1-client-id"),
            "client_secret": _TEXT,
            "client_id_issued_at": {"type": "integer", "description": "Seconds since the epoch."},
            "client_secret_expires_at": ruled(
                {"type": "integer", "minimum": 0, "description": "Seconds since the epoch; 0: never."},
                required=expiry,
                type=expiry,
            ),
            "client_name": _TEXT,
            "scope": _TEXT,
            "grant_types": _TEXTS,
            "response_types": _TEXTS,
            "redirect_uris": _TEXTS,
            "token_endpoint_auth_method": _TEXT,
        },
        ["client_id"],
        dependentRequired={"client_secret": ["client_secret_expires_at"]},
    )


def _device_authorization_response() -> Json:
    uri, expires = "rfc8628-3.2-verification-uri-is-uri", "rfc8628-3.2-expires-in-seconds"
    return structure(
        "The device authorization response (RFC 8628 section 3.2).",
        {
            "device_code": ruled(_NON_EMPTY, required="rfc8628-3.2-device-code-present", type=_TYPES),
            "user_code": ruled(_NON_EMPTY, required="rfc8628-3.2-user-code-present", type=_TYPES),
            "verification_uri": ruled(
                {**_TEXT, "pattern": _WEB_URI}, required="rfc8628-3.2-verification-uri-present", type=uri
            ),
            "verification_uri_complete": ruled(_TEXT, type=_TYPES),
            "expires_in": ruled(
                {**_SECONDS, "description": "Lifetime of both codes in seconds."},
                required="rfc8628-3.2-expires-in-present",
                type=expires,
            ),
            "interval": ruled(
                {"type": "number", "minimum": 0, "default": 5, "description": "Seconds between polls."},
                type="rfc8628-3.2-interval-type",
            ),
        },
        ["device_code", "user_code", "verification_uri", "expires_in"],
    )


def _token_response() -> Json:
    return structure(
        "The token response (RFC 6749 section 5.1).",
        {
            "access_token": ruled(_NON_EMPTY, required="rfc6749-5.1-access-token", type=_TYPES),
            "token_type": ruled(_NON_EMPTY, required="rfc6749-5.1-token-type", type=_TYPES),
            "expires_in": ruled(
                {**_SECONDS, "description": "Lifetime of the access token in seconds."},
                type="rfc6749-5.1-expires-in-value",
            ),
            "refresh_token": ruled(_TEXT, type=_TYPES),
            "scope": ruled(_TEXT, type=_TYPES),
            "id_token": ruled(_TEXT, type=_TYPES),
        },
        ["access_token", "token_type"],
    )


def _error(
    present: str,
    form: str,
    *codes: str,
    pattern: str = _NQSCHAR,
    characters: str = "rfc6749-5.2-error-charset",
) -> Json:
    """`codes` are the only ones that go with the status of the response; none: any."""
    code: Json = {**_TEXT, "pattern": pattern}
    if codes:
        code["enum"] = list(codes)
    return structure(
        "An error (RFC 6749 section 5.2).",
        {
            "error": ruled(
                code,
                required=present,
                type=form,
                pattern=characters,
                enum="rfc6749-5.2-status-400" if codes else "",
            ),
            # Its characters are left open: texts in people's own languages are common and harmless.
            "error_description": ruled(_TEXT, type=form),
            "error_uri": ruled(_TEXT, type=form),
        },
        ["error"],
    )


def _metadata_document() -> Json:
    arrays = ruled(_TEXTS, type="rfc8414-3.2-arrays")
    types = "rfc8414-2-response-types-supported"
    return structure(
        "Authorization server metadata (RFC 8414 section 2, RFC 8628 section 4).",
        {
            "issuer": {**_TEXT, "pattern": _WEB_URI},
            "token_endpoint": {"description": "Where tokens are issued."},
            "device_authorization_endpoint": {"description": "Where device authorizations start."},
            "registration_endpoint": {"description": "Where clients register."},
            "response_types_supported": ruled(_TEXTS, required=types, type="rfc8414-3.2-arrays"),
            "grant_types_supported": arrays,
            "scopes_supported": arrays,
            "token_endpoint_auth_methods_supported": arrays,
            "code_challenge_methods_supported": arrays,
        },
        ["issuer", "response_types_supported"],
    )
