"""A third dialect, as a user of the suite would add it: what GitHub documents, in one class, and a server of the kind.

Source: docs.github.com, "Authorizing OAuth apps", section on the device flow. Errors come with status 200, answers are
forms unless JSON is asked for, some errors have names of their own, and slow_down says the new interval.
"""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode

from starlette.applications import Starlette
from starlette.responses import Response as Answer
from starlette.routing import Route

from device_grant.protocol import DEVICE_CODE_GRANT, Operation, Response, dialect
from device_grant.protocol.dialects import FORM_TYPE, JSON_TYPE, Rfc8628Dialect, json_object
from device_grant.targets import UserError
from device_grant.targets.config import (
    ClockSection,
    EndpointsSection,
    KnownClient,
    Lifetimes,
    Located,
    Serve,
    TargetConfig,
)
from device_grant.targets.transports.in_process import AsgiTarget

DEVICE_PATH, TOKEN_PATH, PAGE_PATH = "/login/device/code", "/login/oauth/access_token", "/login/device"
EXPIRES_IN, INTERVAL = 900, 5
CLIENT = "Iv1.8a61f9b3a7aba766"


class GitHubDialect(Rfc8628Dialect):
    """RFC 8628 as GitHub documents it."""

    name = "github"
    title = "GitHub"
    has_metadata = False
    redirect_clients_exist = False
    refusal_status = 200
    paths: ClassVar = {Operation.DEVICE_AUTHORIZATION: DEVICE_PATH, Operation.TOKEN: TOKEN_PATH}
    departures: ClassVar = {"rfc6749-5.1-expires-in": "documented: tokens of OAuth apps do not expire"}

    names: ClassVar = {
        "incorrect_device_code": "invalid_grant",
        "incorrect_client_credentials": "invalid_client",
        "token_expired": "expired_token",
        "device_flow_disabled": "unauthorized_client",
    }
    """What errors are called that RFC 6749 and RFC 8628 call otherwise."""

    def answer(self, response: Response) -> dict:
        """A form, unless JSON was asked for."""
        if response.media_type == FORM_TYPE:
            return dict(parse_qsl(response.text, keep_blank_values=True))
        return json_object(response) or {}

    def decode(self, operation, response):
        """Errors by the names of the RFCs."""
        outcome = super().decode(operation, response)
        return outcome if outcome.code not in self.names else replace(outcome, code=self.names[outcome.code])

    def error_statuses(self, code):
        """200, whatever the error is."""
        del code
        return (self.refusal_status,)

    def knows_error(self, code):
        """Names of its own."""
        return code in self.names


@dataclass
class Issued:
    """A device code with what has become of it."""

    user_code: str
    ends: float
    interval: int = INTERVAL
    decision: str = ""
    polled: float | None = None
    redeemed: bool = False


@dataclass
class GitHub:
    """The server; `fault` is `pending_is_empty`, `denial_ignored`, or nothing."""

    fault: str = ""
    codes: dict[str, Issued] = field(default_factory=dict)

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route(DEVICE_PATH, self.start, methods=["POST"]),
                Route(TOKEN_PATH, self.token, methods=["POST"]),
                Route(PAGE_PATH, self.page, methods=["POST"]),
            ]
        )

    async def start(self, request):
        members = await _members(request)
        if members.get("client_id") != CLIENT:
            return _answer(request, {"error": "incorrect_client_credentials"})
        code = secrets.token_hex(20)
        letters = "".join(secrets.choice("BCDFGHJKLMNPQRSTVWXZ") for _ in range(8))
        issued = self.codes[code] = Issued(f"{letters[:4]}-{letters[4:]}", time.time() + EXPIRES_IN)
        said = {"device_code": code, "user_code": issued.user_code, "expires_in": EXPIRES_IN, "interval": INTERVAL}
        return _answer(request, said | {"verification_uri": str(request.url.replace(path=PAGE_PATH, query=""))})

    async def token(self, request):
        members = await _members(request)
        if members.get("client_id") != CLIENT:
            return _answer(request, {"error": "incorrect_client_credentials"})
        if members.get("grant_type") != DEVICE_CODE_GRANT:
            return _answer(request, {"error": "unsupported_grant_type"})
        if not members.get("device_code"):
            return _answer(request, {"error": "invalid_request"})
        issued = self.codes.get(members["device_code"])
        if issued is None or issued.redeemed:
            return _answer(request, {"error": "incorrect_device_code"})
        return _answer(request, self._poll(issued))

    def _poll(self, issued: Issued) -> dict:
        now = time.time()
        early = issued.polled is not None and now - issued.polled < issued.interval
        issued.polled = now
        if now >= issued.ends:
            return {"error": "expired_token"}
        if issued.decision == "deny" and self.fault != "denial_ignored":
            return {"error": "access_denied", "error_description": "The authorization request was denied."}
        if issued.decision == "approve":
            issued.redeemed = True
            return {"access_token": f"gho_{secrets.token_hex(18)}", "token_type": "bearer", "scope": "repo,gist"}
        if early:
            issued.interval += 5
            return {"error": "slow_down", "interval": issued.interval}
        return {} if self.fault == "pending_is_empty" else {"error": "authorization_pending"}

    async def page(self, request):
        members = await _members(request)
        collected = [one for one in self.codes.values() if one.user_code == members.get("user_code")]
        if not collected:
            return Answer("no such code", 404)
        collected[0].decision = members["action"]
        return Answer("thank you")


class Person:
    """Types the code and decides."""

    pages = None

    def approve(self, http, grant):
        self._decide(http, grant, "approve")

    def deny(self, http, grant):
        self._decide(http, grant, "deny")

    def _decide(self, http, grant, action):
        answer = http.post(grant.verification_uri, data={"user_code": grant.user_code, "action": action})
        if not answer.is_success:
            raise UserError(answer.text)


def github(fault: str = "", *, judged_as: str = GitHubDialect.name) -> AsgiTarget:
    """The server as a target, honest but for the fault; the dialect has to be registered."""
    # The dialect itself knows where its endpoints are.
    stated = {} if dialect(judged_as).paths else {"device_authorization": DEVICE_PATH, "token": TOKEN_PATH}
    config = TargetConfig(
        name="github",
        dialect=judged_as,
        serve=Serve(app="asgi:tests.support.github:GitHub"),
        endpoints=EndpointsSection(base="http://github.test", **stated),
        clients=(KnownClient(id=CLIENT),),
        clock=ClockSection(kind="travel"),
        lifetimes=Lifetimes(device_code=EXPIRES_IN, interval=INTERVAL),
        claims={"registration": False, "metadata": False, "slow_down": True, "refresh_token": False},
    )
    located = Located(config=config, folder=Path(__file__).parent, spec="asgi:github")
    return AsgiTarget(located, Person(), app=GitHub(fault).application())


async def _members(request) -> dict[str, str]:
    return dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))


def _answer(request, members) -> Answer:
    plain = {"cache-control": "no-store"}
    if JSON_TYPE in request.headers.get("accept", ""):
        return Answer(json.dumps(members), 200, plain, media_type=JSON_TYPE)
    return Answer(urlencode(members), 200, plain, media_type=FORM_TYPE)
