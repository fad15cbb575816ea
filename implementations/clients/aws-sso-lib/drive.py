"""A login by aws-sso-lib, which shows, waits, polls and keeps what it gets by itself."""

from __future__ import annotations

import os

from aws_sso_lib import login

token = login(os.environ["DEVICE_GRANT_START_URL"], "us-east-1", force_refresh=True, disable_browser=True)
print("device-grant: token", token["accessToken"])
