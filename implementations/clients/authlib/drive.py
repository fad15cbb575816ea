"""One operation by the OAuth2Session of Authlib, which has no polling loop.

Its token requests name the device grant as any other. It has no device authorization request: the application posts
one with the session, which authenticates a client that has a secret, and reads the answer itself.
"""

from __future__ import annotations

import os

from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


secret = os.environ.get("DEVICE_GRANT_CLIENT_SECRET")
session = OAuth2Session(given("CLIENT_ID"), secret)


def start() -> None:
    answer = session.post(
        given("DEVICE_AUTHORIZATION_ENDPOINT"),
        data={"client_id": given("CLIENT_ID"), "scope": os.environ.get("DEVICE_GRANT_SCOPE")},
        auth=session.client_auth(session.token_endpoint_auth_method) if secret else None,
        withhold_token=True,
    ).json()
    print(f"You have {answer['expires_in']} seconds.")
    print("device-grant: shows", answer["user_code"], answer["verification_uri"])
    print("device-grant: started", answer["device_code"])


def token() -> None:
    said(session.fetch_token(given("TOKEN_ENDPOINT"), grant_type=DEVICE_CODE, device_code=given("DEVICE_CODE")))


def refresh() -> None:
    said(session.refresh_token(given("TOKEN_ENDPOINT"), given("REFRESH_TOKEN")))


def said(tokens: dict[str, str]) -> None:
    print("device-grant: token", tokens["access_token"], tokens.get("refresh_token", ""))


try:
    {"start": start, "token": token, "refresh": refresh}[given("OPERATION")]()
except OAuthError as error:
    print("device-grant: error", error.error)
    raise
