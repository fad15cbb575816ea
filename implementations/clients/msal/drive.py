"""A login by MSAL for Python, which finds its endpoints from the issuer."""

from __future__ import annotations

import os

import msal

OWN_SCOPES = {"openid", "profile", "offline_access"}
"""MSAL sends these by itself and refuses to be told them."""


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


scopes = sorted({*os.environ.get("DEVICE_GRANT_SCOPE", "").split()} - OWN_SCOPES)
app = msal.PublicClientApplication(given("CLIENT_ID"), oidc_authority=given("ISSUER"))
flow = app.initiate_device_flow(scopes)
if "user_code" not in flow:
    # What else the answer has may be secret.
    raise SystemExit(f"no device flow: {flow.get('error')}")
print("device-grant: shows", flow["user_code"], flow["verification_uri"])
result = app.acquire_token_by_device_flow(flow)
if "access_token" not in result:
    print("device-grant: error", result["error"])
    raise SystemExit(f"no token: {result['error']}")
print("device-grant: token", result["access_token"], result.get("refresh_token", ""))
