"""One operation of AWS SSO OIDC by boto3, which has no polling loop of its own."""

from __future__ import annotations

import os

import boto3
from botocore.exceptions import ClientError

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


def given(name: str) -> str:
    return os.environ[f"DEVICE_GRANT_{name}"]


client = boto3.client("sso-oidc", region_name="us-east-1", endpoint_url=given("ENDPOINT"))


def register() -> None:
    answer = client.register_client(clientName="device-grant", clientType="public")
    print("device-grant: registered", answer["clientId"])


def start() -> None:
    answer = client.start_device_authorization(
        clientId=given("CLIENT_ID"), clientSecret=given("CLIENT_SECRET"), startUrl=given("START_URL")
    )
    print(f"You have {answer['expiresIn']} seconds.")
    print("device-grant: shows", answer["userCode"], answer["verificationUri"])
    print("device-grant: started", answer["deviceCode"])


def token() -> None:
    create(grantType=DEVICE_CODE, deviceCode=given("DEVICE_CODE"))


def refresh() -> None:
    create(grantType="refresh_token", refreshToken=given("REFRESH_TOKEN"))


def create(**grant: str) -> None:
    answer = client.create_token(clientId=given("CLIENT_ID"), clientSecret=given("CLIENT_SECRET"), **grant)
    print("device-grant: token", answer["accessToken"], answer.get("refreshToken", ""))


try:
    {"register": register, "start": start, "token": token, "refresh": refresh}[given("OPERATION")]()
except ClientError as error:
    print("device-grant: error", error.response["Error"]["Code"])
    raise
