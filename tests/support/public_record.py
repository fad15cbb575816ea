"""The public record of AWS SSO OIDC (cassettes/aws-public-record): its files, and a service that answers from them."""

from __future__ import annotations

import json
import re
import secrets
import time
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING, Any

import msgspec
import yaml

from device_grant.protocol import AWS_SSO_OIDC, DEVICE_CODE_GRANT, Exchange, Request, Response, dialect, service_model
from device_grant.protocol.service_model import operation as modelled
from device_grant.targets.config import ClockSection, EndpointsSection, Located, Serve, TargetConfig
from device_grant.targets.transports.in_process import AsgiTarget
from support import ROOT

if TYPE_CHECKING:
    from device_grant.targets.ports import GrantView

FOLDER = ROOT / "cassettes" / "aws-public-record"
BASE = "https://oidc.us-east-1.test"
_BASE64URL = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_USER_CODE = "BCDF-GHJK"
_CONSONANTS = "BCDFGHJKLMNPQRSTVWXZ"
_OPERATIONS = {name: operation for operation, name in service_model.OPERATIONS.items()}


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file; README.md beside it says what the keys mean."""

    title: str
    sources: tuple[str, ...]
    operation: str
    request: dict[str, Any]
    status: int
    headers: dict[str, str]
    body: str
    made_up: tuple[str, ...]

    def exchange(self) -> Exchange:
        """The exchange as the suite would have seen it."""
        operation = _OPERATIONS[self.operation]
        shape = modelled(self.operation)
        content = json.dumps({name: _filled(value) for name, value in self.request.items()}).encode()
        request = Request(shape.method, BASE + shape.path, (("Content-Type", "application/json"),), content, operation)
        response = Response(self.status, tuple(self.headers.items()), filled(self.body).encode())
        outcome = dialect(AWS_SSO_OIDC).decode(operation, response)
        return Exchange(request, response, outcome, 0.0, 0.0, label=self.title)


@cache
def records() -> dict[str, Record]:
    """Every file by its name without the ending."""
    return {
        path.stem: msgspec.convert(yaml.safe_load(path.read_text("utf-8")), Record)
        for path in sorted(FOLDER.glob("*.yaml"))
    }


def filled(text: str) -> str:
    """Each `#` and number replaced by that many random base64url characters."""
    return re.sub(r"#(\d+)", lambda match: "".join(secrets.choice(_BASE64URL) for _ in range(int(match[1]))), text)


def _filled(value: Any) -> Any:
    return filled(value) if isinstance(value, str) else value


class NotRecordedError(Exception):
    """A request to which no published answer exists: the check that sends it cannot be tried here."""


@dataclass
class _Grant:
    user_code: str
    ends: float
    decision: str = ""


@dataclass
class Replay:
    """A service that gives the recorded answers, and the user who decides at it."""

    start: str = "start-device-authorization"
    tokens: str = "create-token-refreshable"
    pages = None
    _clients: dict[str, tuple[str, float]] = field(default_factory=dict)
    _grants: dict[str, _Grant] = field(default_factory=dict)
    _refresh: set[str] = field(default_factory=set)

    def approve(self, _http: object, grant: GrantView) -> None:
        self._decide(grant, self.tokens)

    def deny(self, _http: object, grant: GrantView) -> None:
        self._decide(grant, "create-token-access-denied")

    def _decide(self, grant: GrantView, decision: str) -> None:
        known = next(one for one in self._grants.values() if one.user_code == grant.user_code)
        # That a decision stands, and that AccessDenied is said again, nobody published: the mildest reading.
        known.decision = known.decision or decision

    def answer(self, path: str, members: dict[str, Any]) -> tuple[str, str]:
        """Name of the record and the body, with secrets of its own."""
        name = {"/client/register": self._register, "/device_authorization": self._start, "/token": self._token}[path](
            members
        )
        body = filled(records()[name].body)
        remember = {"/client/register": self._registered, "/device_authorization": self._started}
        if records()[name].status == 200:
            body = remember.get(path, self._issued)(body)
        return name, body

    def _register(self, members: dict[str, Any]) -> str:
        known = all(scope == "sso:account:access" for scope in members.get("scopes") or ())
        return "register-client" if known else "register-client-invalid-scope"

    def _registered(self, body: str) -> str:
        made = json.loads(body)
        lifetime = made["clientSecretExpiresAt"] - made["clientIdIssuedAt"]
        made["clientIdIssuedAt"] = int(time.time())
        made["clientSecretExpiresAt"] = made["clientIdIssuedAt"] + lifetime
        self._clients[made["clientId"]] = (made["clientSecret"], made["clientSecretExpiresAt"])
        return json.dumps(made)

    def _known(self, members: dict[str, Any]) -> bool:
        secret, ends = self._clients.get(members["clientId"], (None, 0.0))
        return secret == members["clientSecret"] and time.time() < ends

    def _start(self, members: dict[str, Any]) -> str:
        if not self._known(members):
            return "start-invalid-client"
        portal = re.fullmatch(r"https://[a-z0-9-]+\.awsapps\.com/start", members["startUrl"])
        return self.start if portal else "start-invalid-start-url"

    def _started(self, body: str) -> str:
        letters = [secrets.choice(_CONSONANTS) for _ in range(8)]
        code = "".join(letters[:4]) + "-" + "".join(letters[4:])
        made = json.loads(body.replace(_USER_CODE, code))
        self._grants[made["deviceCode"]] = _Grant(code, time.time() + made["expiresIn"])
        return json.dumps(made)

    def _token(self, members: dict[str, Any]) -> str:
        if members["grantType"] == "refresh_token":
            if not self._known(members):
                return "create-token-invalid-client"
            return self.tokens if members["refreshToken"] in self._refresh else "create-token-invalid-refresh-token"
        if members["grantType"] != DEVICE_CODE_GRANT:
            raise NotRecordedError(members["grantType"])
        grant = self._grants.get(members["deviceCode"])
        if grant is None or time.time() >= grant.ends:
            return "create-token-invalid-device-code"
        if not self._known(members):
            if members["clientId"] in self._clients:
                # Its registration is over or its secret wrong: as at every other operation.
                return "create-token-invalid-client"
            raise NotRecordedError("a live device code from a client that is not known")
        return grant.decision or "create-token-pending"

    def _issued(self, body: str) -> str:
        self._refresh.add(json.loads(body)["refreshToken"] or "")
        return body

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            raise ValueError(scope["type"])
        content = (await receive())["body"]
        if scope["method"] != "POST":
            raise NotRecordedError(scope["method"])
        name, body = self.answer(scope["path"], json.loads(content))
        headers = {key: value for key, value in records()[name].headers.items() if key != "Content-Length"}
        plain = [(key.lower().encode(), value.encode()) for key, value in headers.items()]
        await send({"type": "http.response.start", "status": records()[name].status, "headers": plain})
        await send({"type": "http.response.body", "body": body.encode()})


def replayed(replay: Replay) -> AsgiTarget:
    """The replaying service as a target."""
    config = TargetConfig(
        name="AWS SSO OIDC, replayed",
        dialect="aws-sso-oidc",
        serve=Serve(app="asgi:replayed:app"),
        endpoints=EndpointsSection(base=BASE),
        clock=ClockSection(kind="travel"),
    )
    return AsgiTarget(Located(config=config, folder=FOLDER, spec="asgi:replayed:app"), replay, app=replay)
