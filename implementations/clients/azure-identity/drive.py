"""A login by the DeviceCodeCredential of azure-identity at an authority of our own."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from azure.identity import DeviceCodeCredential

if TYPE_CHECKING:
    from datetime import datetime


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


def prompt(verification_uri: str, user_code: str, _expires_on: datetime) -> None:
    print("device-grant: shows", user_code, verification_uri)


credential = DeviceCodeCredential(
    given("CLIENT_ID"),
    authority=given("ENDPOINT"),
    tenant_id="tenant",
    disable_instance_discovery=True,
    prompt_callback=prompt,
)
print("device-grant: token", credential.get_token("https://example.org/.default").token)
