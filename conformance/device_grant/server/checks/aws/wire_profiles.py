"""How public clients of AWS SSO OIDC write their requests: header fields, member order, white space, escapes.

Taken down from the clients themselves; only values that a machine or a moment gives (versions of an operating system,
identifiers of an invocation) are made up.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from device_grant.protocol import Request

JSON = "application/json"
AMZ_JSON = "application/x-amz-json-1.1"
_INVOCATION = "2f1a7c0e-5b0d-4c53-9a54-0d3c7a1f6b21"
_SPACED, _COMPACT = (", ", ": "), (",", ":")


@dataclass(frozen=True)
class WireProfile:
    """One client: what it says about itself, and how it writes JSON."""

    name: str
    headers: tuple[tuple[str, str], ...]
    """`{sha256}` stands for the digest of the body, as some clients send it, `{host}` for what Host says."""
    order: tuple[str, ...] = ()
    """Members that come first, in this order; the others follow as they are."""
    is_sorted: bool = False
    """Whether members are in alphabetical order."""
    separators: tuple[str, str] = _COMPACT
    escapes_slashes: bool = False
    names_port: bool = True
    """Whether its Host has the port."""
    signs_first: bool = False
    """Whether a signature stands before what it covers, its parts without spaces between them."""

    def write(self, request: Request) -> Request:
        """A valid request of the suite with the same members, as this client writes it."""
        members: dict[str, Any] = json.loads(request.content)
        first = sorted(members) if self.is_sorted else [name for name in self.order if name in members]
        ordered = {name: members[name] for name in (*first, *members)}
        text = json.dumps(ordered, separators=self.separators)
        content = (text.replace("/", r"\/") if self.escapes_slashes else text).encode()
        digest = hashlib.sha256(content).hexdigest()
        host = urlsplit(request.url).netloc if self.names_port else _without_port(request)
        headers = tuple(
            (name, value.replace("{sha256}", digest).replace("{host}", host)) for name, value in self.headers
        )
        return replace(request, headers=headers, content=content)

    def with_port(self) -> WireProfile:
        """The same client, if it named the port."""
        return replace(self, names_port=True)


AWS_CLI = WireProfile(
    "AWS CLI 2.9",
    (
        ("Accept-Encoding", "identity"),
        ("Content-Type", JSON),
        ("User-Agent", "aws-cli/2.9.19 Python/3.11.2 Linux/6.1.0 source/x86_64.debian.12 prompt/off command/sso.login"),
    ),
    order=("grantType", "clientId", "clientSecret", "deviceCode"),
    separators=_SPACED,
)
AWS_CLI_OF_2026 = WireProfile(
    "AWS CLI 2.36",
    (
        ("Accept-Encoding", "identity"),
        ("Content-Type", JSON),
        (
            "User-Agent",
            "aws-cli/2.36.12 md/awscrt#0.36.0 ua/2.1 os/linux#6.1.0 md/arch#x86_64 lang/python#3.14.6 m/Z,E,N,b",
        ),
        ("amz-sdk-invocation-id", _INVOCATION),
        ("amz-sdk-request", "attempt=1; max=3"),
    ),
    order=("grantType", "clientId", "clientSecret", "deviceCode"),
    separators=_SPACED,
)
BOTO3 = WireProfile(
    "boto3 1.43",
    (
        ("Accept-Encoding", "identity"),
        ("Content-Type", JSON),
        (
            "User-Agent",
            "Boto3/1.43.11 md/Botocore#1.43.11 ua/2.1 os/linux#6.1.0 lang/python#3.11.2",
        ),
        ("amz-sdk-invocation-id", _INVOCATION),
        ("amz-sdk-request", "attempt=1; max=3"),
    ),
    order=("clientId", "clientSecret", "grantType", "deviceCode"),
    separators=_SPACED,
)
BOTO3_OF_2020 = WireProfile(
    "boto3 1.16",
    (
        ("Accept-Encoding", "identity"),
        ("User-Agent", "Boto3/1.16.63 Python/3.8.20 Linux/6.1.0 Botocore/1.19.63"),
    ),
    order=("clientId", "clientSecret", "grantType", "deviceCode"),
    separators=_SPACED,
)
JAVASCRIPT_2 = WireProfile(
    "AWS SDK for JavaScript 2",
    (
        ("User-Agent", "aws-sdk-nodejs/2.1693.0 linux/v20.20.2 promise"),
        ("Content-Type", JSON),
        ("X-Amz-Content-Sha256", "{sha256}"),
        ("Connection", "close"),
    ),
    order=("clientId", "clientSecret", "grantType", "deviceCode"),
)
JAVASCRIPT_3 = WireProfile(
    "AWS SDK for JavaScript 3",
    (
        ("content-type", JSON),
        ("x-amz-user-agent", "aws-sdk-js/3.1161.0"),
        (
            "user-agent",
            "aws-sdk-js/3.1161.0 ua/2.1 os/linux#6.1.0 lang/js md/nodejs#20.20.2 m/N,E",
        ),
        ("amz-sdk-invocation-id", _INVOCATION),
        ("amz-sdk-request", "attempt=1; max=3"),
    ),
    order=("clientId", "clientSecret", "grantType", "deviceCode"),
)
SOTO = WireProfile(
    "Soto 7",
    (
        ("user-agent", "Soto/7.0"),
        ("content-type", JSON),
        ("host", "{host}"),
        ("Accept-Encoding", "deflate, gzip"),
    ),
    # Swift's dictionaries have another order in each process: this is one that no other client uses.
    order=("deviceCode", "startUrl", "scopes", "clientSecret", "grantType", "clientType"),
    escapes_slashes=True,
)
AWS_ELIXIR = WireProfile(
    "aws-elixir 1.0",
    # Its usual HTTP client, hackney; the other one, Finch, writes the same names in lower case.
    (("Content-Type", AMZ_JSON), ("Host", "{host}"), ("User-Agent", "hackney/4.5.2")),
    is_sorted=True,
    names_port=False,
    signs_first=True,
)


def signed(profile: WireProfile) -> WireProfile:
    """The client on a machine that has credentials; their key is made up, so the signature is by nobody's key."""
    credential = "AKIAIOSFODNN7EXAMPLE/20260101/us-east-1/sso-oauth/aws4_request"
    covered = "content-type;host;x-amz-content-sha256;x-amz-date"
    signature = hashlib.sha256(credential.encode()).hexdigest()
    comma = "," if profile.signs_first else ", "
    parts = (f"Credential={credential}", f"SignedHeaders={covered}", f"Signature={signature}")
    value = f"AWS4-HMAC-SHA256 {comma.join(parts)}"
    more: tuple[tuple[str, str], ...] = (
        ("x-amz-date", "20260101T000000Z"),
        ("x-amz-content-sha256", "{sha256}"),
        ("authorization", value),
    )
    if profile.signs_first:
        names = ("Authorization", "X-Amz-Content-SHA256", "X-Amz-Date")
        more = tuple((name, said) for name, (_, said) in zip(names, more[::-1], strict=True))
    return replace(profile, name=f"{profile.name}, signed", headers=profile.headers + more)


def _without_port(request: Request) -> str:
    host = urlsplit(request.url).hostname or ""
    return f"[{host}]" if ":" in host else host
