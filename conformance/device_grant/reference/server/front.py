"""What a person needs who meets the reference server: its endpoints, an account, a client, the first requests.

`device-grant serve` prints it, and a page at `/` says the same. The page takes nothing and changes nothing.
"""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from device_grant.protocol import DEVICE_CODE_GRANT, Operation
from device_grant.protocol import dialect as known_dialect
from device_grant.reference.server.code_grant.authorize import AUTHORIZE_PATH
from device_grant.reference.server.http import Answer
from device_grant.reference.server.pages import HTML, page, policy
from device_grant.reference.server.verification import VERIFICATION_PATH

if TYPE_CHECKING:
    from device_grant.reference.server.http import Call, Handler
    from device_grant.reference.server.settings import Settings

_NAMES = {
    "metadata": "metadata",
    "registration": "registration",
    "device_authorization": "device authorization",
    "token": "token",
}


@dataclass(frozen=True)
class Front:
    """What is said of a server at `base`."""

    settings: Settings
    base: str
    """Where it listens, without a slash at the end."""

    def endpoints(self) -> dict[str, str]:
        """URLs by what is there."""
        paths = dict(self.settings.usual.paths)
        if not paths:
            own = known_dialect(self.settings.dialect).paths
            paths = {
                "registration": own[Operation.REGISTRATION],
                "device_authorization": own[Operation.DEVICE_AUTHORIZATION],
                "token": own[Operation.TOKEN],
            }
        collected = {_NAMES[name]: self.base + path for name, path in paths.items() if name in _NAMES}
        return collected | {"verification page": self.base + VERIFICATION_PATH}

    def facts(self) -> dict[str, str]:
        """Endpoints, the account, and the client that needs no registration."""
        name, password = next(iter(self.settings.users.items()))
        public = self._client()
        known = f"{public} (public)" if public else "register one: the first request below"
        facts = self.endpoints() | {"account": f"{name} / {password}", "client": known}
        if public:
            return facts
        signed = self.settings.signed
        return facts | {
            "sign-in by a browser": self.base + AUTHORIZE_PATH,
            "application": signed.application,
            "its keys": f"{signed.access_key} / {signed.secret_key}, region {signed.region}",
        }

    def environment(self) -> str:
        """What leads SDKs and the AWS CLI here, for a shell; empty where nothing does."""
        return " ".join(f"{name}={self.base}" for name in self.settings.usual.environment)

    def requests(self) -> list[tuple[str, str]]:
        """What each of the first requests does, and its curl command."""
        urls, public = self.endpoints(), self._client()
        start, token = urls["device authorization"], urls["token"]
        if public:
            members = {"grant_type": DEVICE_CODE_GRANT, "client_id": public, "device_code": "DEVICE_CODE"}
            return [
                ("Start a login", _curl(start, {"client_id": public})),
                ("Poll, with the device_code of the answer", _curl(token, members)),
            ]
        client = {"clientId": "CLIENT_ID", "clientSecret": "CLIENT_SECRET"}
        return [
            ("Register a client", _curl_json(urls["registration"], {"clientName": "me", "clientType": "public"})),
            (
                "Start a login, with the clientId and clientSecret of the answer",
                _curl_json(start, {**client, "startUrl": "https://example.awsapps.com/start"}),
            ),
            (
                "Poll, with its deviceCode",
                _curl_json(token, {**client, "grantType": DEVICE_CODE_GRANT, "deviceCode": "DEVICE_CODE"}),
            ),
        ]

    def handler(self) -> Handler:
        """Of `/`; other methods than GET and HEAD are refused."""
        html = page(
            "front",
            title=f"{self.settings.dialect} authorization server",
            facts=self.facts(),
            requests=self.requests(),
            environment=self.environment(),
        ).encode("utf-8", errors="replace")
        headers = {
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy(),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }

        async def answer(call: Call) -> Answer:
            if call.method not in ("GET", "HEAD"):
                return Answer(405, b"", HTML, {**headers, "Allow": "GET, HEAD"})
            return Answer(200, html, HTML, headers)

        return answer

    def _client(self) -> str:
        """A client that is known, may use the grant, and has no secret; empty if there is none."""
        fitting = (one.id for one in self.settings.known_clients if not one.secret and "device_code" in one.grants)
        return next(fitting, "")


def _curl(url: str, members: dict[str, str]) -> str:
    words = [word for name, value in members.items() for word in ("-d", f"{name}={value}")]
    return shlex.join(["curl", "-s", *words, url])


def _curl_json(url: str, members: dict[str, str]) -> str:
    return shlex.join(["curl", "-s", "-H", "Content-Type: application/json", "-d", json.dumps(members), url])
