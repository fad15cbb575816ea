"""A whole login, or a refresh, with requests_oauth2client: the loop is the one of its documentation."""

from __future__ import annotations

import os
import sys

from requests_oauth2client import BearerToken, DeviceAuthorizationPollingJob, OAuth2Client
from requests_oauth2client.exceptions import EndpointError


def given(name: str) -> str | None:
    return os.environ.get(f"DEVICE_GRANT_{name}")


# Plain HTTP has to be asked for.
loopback = {"testing": True}
auth = (given("CLIENT_ID"), given("CLIENT_SECRET")) if given("CLIENT_SECRET") else given("CLIENT_ID")


def client() -> OAuth2Client:
    if given("DISCOVER"):
        return OAuth2Client.from_discovery_endpoint(issuer=given("ISSUER"), auth=auth, **loopback)
    return OAuth2Client(
        token_endpoint=given("TOKEN_ENDPOINT"),
        device_authorization_endpoint=given("DEVICE_AUTHORIZATION_ENDPOINT"),
        auth=auth,
        **loopback,
    )


def login() -> BearerToken:
    oauth = client()
    device = oauth.authorize_device(**({"scope": given("SCOPE")} if given("SCOPE") else {}))
    print("device-grant: shows", device.user_code, device.verification_uri)
    # What the client is told of DPoP by default does not reach its device grant.
    job = DeviceAuthorizationPollingJob(oauth, device, **({"dpop": True} if given("DPOP") else {}))
    token = None
    while token is None:
        token = job()
    return token


try:
    token = client().refresh_token(given("REFRESH_TOKEN")) if given("OPERATION") == "refresh" else login()
except EndpointError as error:
    print("device-grant: error", error.error)
    sys.exit(1)
print("device-grant: token", token.access_token, token.refresh_token or "")
