"""The reference server in process, without a target around it: calls in canonical names, a clock to turn by hand."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from device_grant.protocol import (
    AWS_SSO_OIDC,
    DEVICE_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    RFC8628,
    Client,
    Operation,
    Outcome,
    Response,
    dialect,
)
from device_grant.reference import Faults, Settings, create_app
from device_grant.reference.server import user
from device_grant.targets.ports import GrantView

BASE = "http://target.test"
FORM = "application/x-www-form-urlencoded"
PATHS = {
    RFC8628: {Operation.REGISTRATION: "/register"},
    AWS_SSO_OIDC: {Operation.REGISTRATION: "/client/register"},
}
START = 1_700_000_000.0
DEVICE_CLIENT = Client("device-client")
OTHER_CLIENT = Client("other-client")
BASIC_CLIENT = Client("confidential-client", "correct horse/battery+staple", "client_secret_basic")
POST_CLIENT = Client("posting-client", "posted-secret", "client_secret_post")


@dataclass
class Clock:
    now: float = START

    def __call__(self) -> float:
        return self.now


class Bridge(httpx.BaseTransport):
    """ASGI behind the synchronous client; `together` sends requests as concurrent tasks."""

    def __init__(self, app):
        self.inner = httpx.ASGITransport(app, client=("127.0.0.1", 5000))

    def handle_request(self, request):
        return asyncio.run(self.one(request))

    async def one(self, request):
        response = await self.inner.handle_async_request(request)
        content = await response.aread()
        return httpx.Response(response.status_code, headers=response.headers, content=content)

    def together(self, requests):
        async def all_of_them():
            return await asyncio.gather(*(self.one(request) for request in requests))

        return asyncio.run(all_of_them())


@dataclass
class Server:
    dialect: str = RFC8628
    faults: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        self.clock = Clock()
        settings = Settings(dialect=self.dialect, **self.settings)
        self.app = create_app(settings, Faults.named(*self.faults), self.clock)
        self.store = self.app.state.store
        self.bridge = Bridge(self.app)
        self.http = self.browser()
        self.last: httpx.Response | None = None

    @property
    def aws(self):
        return self.dialect == AWS_SSO_OIDC

    def browser(self):
        return httpx.Client(transport=self.bridge, base_url=BASE)

    def request(self, operation, members, client=None, **changes):
        path = PATHS[self.dialect].get(operation, f"/{operation}")
        encoded = dialect(self.dialect).encode(operation, BASE + path, members, client)
        arguments = {"headers": list(encoded.headers), "content": encoded.content} | changes
        return self.http.build_request(encoded.method, encoded.url, **arguments)

    def outcome(self, operation, response):
        self.last = response
        pairs = tuple(response.headers.multi_items())
        return dialect(self.dialect).decode(operation, Response(response.status_code, pairs, response.content))

    def call(self, operation, members, client=None, **changes) -> Outcome:
        return self.outcome(operation, self.http.send(self.request(operation, members, client, **changes)))

    def raw(self, operation, content, content_type=None, path=None):
        content_type = content_type or ("application/json" if self.aws else "application/x-www-form-urlencoded")
        path = path or PATHS[self.dialect].get(operation, f"/{operation}")
        headers = {"Content-Type": content_type}
        return self.outcome(operation, self.http.post(path, content=content, headers=headers))

    def register(self, **members) -> Client:
        if self.aws:
            defaults = {"client_name": "Lounge TV", "client_type": "public", "scopes": ["sso:account:access"]}
        else:
            defaults = {
                "client_name": "Lounge TV",
                "grant_types": [DEVICE_CODE_GRANT, REFRESH_TOKEN_GRANT],
                "token_endpoint_auth_method": "none",
            }
        outcome = self.call(Operation.REGISTRATION, defaults | members)
        assert outcome.ok, outcome
        method = outcome.members.get("token_endpoint_auth_method", "none")
        return Client(outcome.members["client_id"], outcome.members.get("client_secret"), method, outcome.members)

    def client(self) -> Client:
        return self.register() if self.aws else DEVICE_CLIENT

    def try_start(self, client, **members) -> Outcome:
        defaults = {"start_url": "https://example.awsapps.com/start"} if self.aws else {}
        return self.call(Operation.DEVICE_AUTHORIZATION, defaults | members, client)

    def start(self, client=None, **members) -> Grant:
        client = client or self.client()
        outcome = self.try_start(client, **members)
        assert outcome.ok, outcome
        return Grant(self, client, outcome)

    def token(self, client, **members) -> Outcome:
        return self.call(Operation.TOKEN, members, client)

    def body(self):
        return json.loads(self.last.content)


@dataclass
class Grant:
    server: Server
    client: Client
    outcome: Outcome

    def __getattr__(self, name):
        return self.outcome.members[name]

    @property
    def view(self):
        return GrantView(self.user_code, self.verification_uri, self.verification_uri_complete)

    def members(self, code=None):
        return {"grant_type": DEVICE_CODE_GRANT, "device_code": self.device_code if code is None else code}

    def poll(self, *, after=None, client=None, code=None) -> Outcome:
        self.server.clock.now += self.interval if after is None else after
        return self.server.token(client or self.client, **self.members(code))

    def polls(self, count, **kwargs):
        return [self.poll(**kwargs).code for _ in range(count)]

    def approve(self):
        user.approve(self.server.browser(), self.view)

    def deny(self):
        user.deny(self.server.browser(), self.view)

    def refresh(self, token, client=None, **members) -> Outcome:
        return self.server.token(client or self.client, grant_type=REFRESH_TOKEN_GRANT, refresh_token=token, **members)


def described(outcome):
    return outcome.status, outcome.code
