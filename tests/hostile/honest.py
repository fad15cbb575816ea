"""An honest server of both dialects, small enough to lie in any place: what it would answer before it is sent."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
LETTERS = "BCDFGHJKLMNPQRSTVWXZ"


@dataclass
class Request:
    """One request as it was read: names of header fields in lower case, members of a form or of JSON as text."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def members(self) -> dict[str, Any]:
        text = self.body.decode("utf-8", "replace")
        if "json" in self.headers.get("content-type", ""):
            try:
                read = json.loads(text)
            except (ValueError, RecursionError):
                return {}
            return read if isinstance(read, dict) else {}
        query = urlsplit(self.target).query if self.method == "GET" else ""
        return {name: values[0] for name, values in parse_qs(text or query).items()}


@dataclass
class Answer:
    """What the honest server answers: `members` become JSON, `body` is sent as it is."""

    place: str
    status: int = 200
    members: dict[str, Any] | None = None
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def replaced(self, **changes: Any) -> Answer:
        return Answer(**{**vars(self), **changes})

    def octets(self) -> bytes:
        return json.dumps(self.members).encode() if self.members is not None else self.body


@dataclass
class Grant:
    user_code: str
    state: str = "pending"


class Honest:
    """Keeps clients, grants and tokens in memory; no lock is needed, since each step is one operation of a dict."""

    def __init__(self, dialect: str, base: str) -> None:
        self.aws = dialect == "aws-sso-oidc"
        self.base = base
        self.clients: dict[str, str] = {}
        self.grants: dict[str, Grant] = {}
        self.sessions: set[str] = set()
        self.refresh: dict[str, bool] = {}
        self.count: dict[str, int] = {}

    def answer(self, request: Request) -> Answer:
        place, work = {
            "/client/register" if self.aws else "/register": ("registration", self._register),
            "/device_authorization": ("start", self._start),
            "/token": ("token", self._token),
            "/.well-known/oauth-authorization-server": ("metadata", self._metadata),
            "/device": ("page", self._page),
            "/login": ("page", self._login),
            "/decide": ("page", self._decide),
        }.get(request.path, ("other", self._nothing))
        if self.aws and place == "metadata":
            place, work = "other", self._nothing
        self.count[place] = self.count.get(place, 0) + 1
        if place in ("registration", "start", "token") and request.method != "POST":
            return Answer(place, 405, {"error": "invalid_request"}, headers=[("Allow", "POST")])
        answer = work(request.members, request)
        answer.place = place
        if place in ("registration", "start", "token"):
            answer.headers += [("Cache-Control", "no-store"), ("Pragma", "no-cache")]
        return answer

    def learn(self, honest: Answer, sent: Answer) -> None:
        """Stand by what was sent in place of the honest answer, so that the login goes on with a lie in it."""
        if not honest.members or not sent.members or honest.members is sent.members:
            return
        stores = {"client_id": self.clients, "device_code": self.grants, "refresh_token": self.refresh}
        for name, kept in self._named(stores).items():
            old, new = honest.members.get(name), sent.members.get(name)
            if isinstance(old, str) and isinstance(new, str) and old in kept:
                kept[new] = kept[old]
                if name in ("device_code", "deviceCode"):
                    code = sent.members.get("userCode" if self.aws else "user_code")
                    kept[new].user_code = code

    def _named(self, members: dict[str, Any]) -> dict[str, Any]:
        # The AWS dialect writes the same members in camelCase.
        return {camel(name): value for name, value in members.items()} if self.aws else members

    def _error(self, code: str, status: int = 400) -> Answer:
        headers = []
        if self.aws:
            name = "".join(part.capitalize() for part in code.split("_")) + "Exception"
            headers = [("x-amzn-ErrorType", name)]
        return Answer("", status, {"error": code, "error_description": f"the answer is {code}"}, headers=headers)

    def _register(self, _members: dict[str, Any], _request: Request) -> Answer:
        client, secret = secrets.token_urlsafe(16), secrets.token_urlsafe(24)
        self.clients[client] = secret
        now = int(time.time())
        given = {
            "client_id": client,
            "client_secret": secret,
            "client_id_issued_at": now,
            "client_secret_expires_at": now + 7_776_000,
        }
        if not self.aws:
            given |= {"grant_types": [GRANT, "refresh_token"], "token_endpoint_auth_method": "client_secret_post"}
        return Answer("", 200 if self.aws else 201, self._named(given))

    def _client(self, members: dict[str, Any], request: Request) -> bool:
        if "authorization" in request.headers:
            return True
        client = members.get(camel("client_id") if self.aws else "client_id")
        return isinstance(client, str) and client in self.clients | {"known": ""}

    def _start(self, members: dict[str, Any], request: Request) -> Answer:
        if not self._client(members, request):
            return self._error("invalid_client", 401)
        code = "".join(secrets.choice(LETTERS) for _ in range(4)), "".join(secrets.choice(LETTERS) for _ in range(4))
        user_code, device_code = "-".join(code), secrets.token_urlsafe(32)
        self.grants[device_code] = Grant(user_code)
        given = {
            "device_code": device_code,
            "user_code": user_code,
            "verification_uri": f"{self.base}/device",
            "verification_uri_complete": f"{self.base}/device?user_code={user_code}",
            "expires_in": 600,
            "interval": 1,
        }
        return Answer("", 200, self._named(given))

    def _token(self, members: dict[str, Any], request: Request) -> Answer:  # noqa: PLR0911 - one for each outcome
        if not self._client(members, request):
            return self._error("invalid_client", 401)
        kind = members.get(camel("grant_type") if self.aws else "grant_type")
        if kind == "refresh_token":
            given = members.get(camel("refresh_token") if self.aws else "refresh_token")
            return self._tokens() if given in self.refresh else self._error("invalid_grant")
        if kind != GRANT:
            return self._error("unsupported_grant_type" if kind else "invalid_request")
        code = members.get(camel("device_code") if self.aws else "device_code")
        grant = self.grants.get(code) if isinstance(code, str) else None
        if grant is None:
            return self._error("invalid_grant" if code else "invalid_request")
        if grant.state == "pending":
            return self._error("authorization_pending")
        if grant.state == "denied":
            return self._error("access_denied")
        if grant.state == "used":
            return self._error("invalid_grant")
        grant.state = "used"
        return self._tokens()

    def _tokens(self) -> Answer:
        refresh = secrets.token_urlsafe(32)
        self.refresh[refresh] = True
        given = {
            "access_token": secrets.token_urlsafe(32),
            "token_type": "Bearer",
            "expires_in": 3600,
            "refresh_token": refresh,
        }
        return Answer("", 200, self._named(given))

    def _metadata(self, _members: dict[str, Any], _request: Request) -> Answer:
        given = {
            "issuer": self.base,
            "token_endpoint": f"{self.base}/token",
            "device_authorization_endpoint": f"{self.base}/device_authorization",
            "registration_endpoint": f"{self.base}/register",
            "grant_types_supported": [GRANT, "refresh_token"],
            "response_types_supported": ["code"],
            "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic", "none"],
        }
        return Answer("", 200, given)

    def _page(self, members: dict[str, Any], request: Request) -> Answer:
        if not any(session in request.headers.get("cookie", "") for session in self.sessions):
            return _form("/login", "<input name=username><input name=password type=password>", "Sign in")
        code = members.get("user_code", "")
        if request.method == "POST":
            hidden = f'<input type=hidden name=user_code value="{_safe(code)}">'
            return _form("/decide", hidden, "Approve", "Deny")
        return _form("/device", f'<input name=user_code value="{_safe(code)}">', "Continue")

    def _login(self, _members: dict[str, Any], _request: Request) -> Answer:
        session = secrets.token_urlsafe(16)
        self.sessions.add(session)
        return Answer("", 303, headers=[("Location", "/device"), ("Set-Cookie", f"session={session}; HttpOnly")])

    def _decide(self, members: dict[str, Any], _request: Request) -> Answer:
        for grant in list(self.grants.values()):
            if grant.user_code == members.get("user_code") and grant.state == "pending":
                grant.state = "denied" if members.get("decision") == "deny" else "approved"
        return Answer("", 200, body=b"<!doctype html><p>You may close this window.", headers=[_HTML])

    def _nothing(self, _members: dict[str, Any], _request: Request) -> Answer:
        return Answer("", 404, {"error": "invalid_request"})


_HTML = ("Content-Type", "text/html; charset=utf-8")


def _form(action: str, fields: str, *buttons: str) -> Answer:
    made = "".join(f"<button name=decision value={word.split()[0].lower()}>{word}</button>" for word in buttons)
    page = f"<!doctype html><title>Device</title><form method=post action={action}>{fields}{made}</form>"
    return Answer("", 200, body=page.encode(), headers=[_HTML])


def _safe(text: Any) -> str:
    return "".join(letter for letter in str(text) if letter.isalnum() or letter == "-")


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)
