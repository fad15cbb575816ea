"""A login by loctocat, which shows, waits and polls by itself."""

from __future__ import annotations

import os

from loctocat import Authenticator


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


authenticator = Authenticator(
    given("CLIENT_ID"),
    given("DEVICE_AUTHORIZATION_ENDPOINT"),
    given("TOKEN_ENDPOINT"),
    scopes=os.environ.get("DEVICE_GRANT_SCOPE", "").split(),
)
print("device-grant: token", authenticator.authenticate())
