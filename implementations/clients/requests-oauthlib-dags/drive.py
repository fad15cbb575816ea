"""A login by the session of requests-oauthlib-dags, which shows, waits and polls by itself."""

from __future__ import annotations

import os

from requests_oauthlib_dags import DeviceAuthorizationGrantSession


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


session = DeviceAuthorizationGrantSession(
    given("CLIENT_ID"), scope=os.environ.get("DEVICE_GRANT_SCOPE", "").split() or None
)
token = session.start_flow(device_auth_url=given("DEVICE_AUTHORIZATION_ENDPOINT"), token_url=given("TOKEN_ENDPOINT"))
print("device-grant: token", token["access_token"], token.get("refresh_token", ""))
