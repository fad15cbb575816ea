"""One operation by the DeviceClient of oauthlib in a session of requests-oauthlib; neither has a polling loop.

The device authorization request is the URI that DeviceClient prepares for it; the application reads the answer itself.
"""

from __future__ import annotations

import os

from oauthlib.oauth2 import DeviceClient, OAuth2Error
from requests_oauthlib import OAuth2Session


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


client = DeviceClient(given("CLIENT_ID"), scope=os.environ.get("DEVICE_GRANT_SCOPE", "").split())
session = OAuth2Session(client=client)


def start() -> None:
    answer = session.post(
        client.prepare_request_uri(given("DEVICE_AUTHORIZATION_ENDPOINT")), withhold_token=True
    ).json()
    print(f"You have {answer['expires_in']} seconds.")
    print("device-grant: shows", answer["user_code"], answer["verification_uri"])
    print("device-grant: started", answer["device_code"])


def token() -> None:
    said(session.fetch_token(given("TOKEN_ENDPOINT"), device_code=given("DEVICE_CODE"), include_client_id=True))


def refresh() -> None:
    said(session.refresh_token(given("TOKEN_ENDPOINT"), given("REFRESH_TOKEN"), client_id=given("CLIENT_ID")))


def said(tokens: dict[str, str]) -> None:
    print("device-grant: token", tokens["access_token"], tokens.get("refresh_token", ""))


try:
    {"start": start, "token": token, "refresh": refresh}[given("OPERATION")]()
except OAuth2Error as error:
    print("device-grant: error", error.error)
    raise
