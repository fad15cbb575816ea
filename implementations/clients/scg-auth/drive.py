"""A login, or a refresh, by scg-auth."""

from __future__ import annotations

import os

from scg_auth import OAuthError, SCGAuth


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


client = SCGAuth(
    client_id=given("CLIENT_ID"),
    client_secret=os.environ.get("DEVICE_GRANT_CLIENT_SECRET"),
    authorization_url=given("ISSUER") + "/authorize",
    token_url=given("TOKEN_ENDPOINT"),
    device_authorization_url=given("DEVICE_AUTHORIZATION_ENDPOINT"),
    scopes=os.environ.get("DEVICE_GRANT_SCOPE", "").split(),
)


def flow() -> dict[str, str]:
    started = client.device_code()
    print("device-grant: shows", started["user_code"], started["verification_uri"])
    return client.poll_device_token(started)


try:
    tokens = client.refresh_token(given("REFRESH_TOKEN")) if given("OPERATION") == "refresh" else flow()
except OAuthError as error:
    print("device-grant: error", error.oauth_error)
    raise
print("device-grant: token", tokens["access_token"], tokens.get("refresh_token", ""))
