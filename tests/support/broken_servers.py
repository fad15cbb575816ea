"""Servers that are wrong in one place of the main path: the reference behind something that changes what passes by.

Each is called by an application of its own, as `asgi:support.broken_servers:NAME()` in target.toml.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from device_grant.reference.server.app import create_app
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

START, TOKEN, REGISTER = "/device_authorization", "/token", "/register"
METADATA = "/.well-known/oauth-authorization-server"


@dataclass(frozen=True)
class Passing:
    """A request on its way to the reference."""

    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode("latin-1"), keep_blank_values=True))


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


def error(code: str, status: int = 400) -> Answer:
    return Answer(status, json.dumps({"error": code}).encode())


def behind(
    before: Callable[[Passing], Passing | Answer] = lambda request: request,
    after: Callable[[str, Answer], Answer] = lambda _path, answer: answer,
    settings: Settings | None = None,
    faults: Faults | None = None,
):
    """An application that hands requests on as `before` changes them, and answers as `after` does."""
    # Its clock does not jump, so that nobody could wait for more codes.
    inner = create_app(settings or Settings(undecided_codes=10_000), faults)

    async def application(scope, receive, send):
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        passing = before(Passing(scope["path"], scope["query_string"].decode("latin-1"), headers, body))
        answer = passing if isinstance(passing, Answer) else await _asked(inner, scope, passing)
        answer = after(scope["path"], answer)
        raw = [(name.encode(), value.encode("latin-1")) for name, value in answer.headers.items()]
        await send({"type": "http.response.start", "status": answer.status, "headers": raw})
        await send({"type": "http.response.body", "body": answer.body})

    return application


async def _asked(inner, scope, passing):
    headers = passing.headers | ({"content-length": str(len(passing.body))} if passing.body else {})
    scope = scope | {
        "path": passing.path,
        "raw_path": passing.path.encode(),
        "query_string": passing.query.encode("latin-1"),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers.items()],
    }
    collected = {"status": 500, "headers": {}, "body": b""}

    async def receive():
        return {"type": "http.request", "body": passing.body}

    async def send(message):
        if message["type"] == "http.response.start":
            collected["status"] = message["status"]
            # Cookies may come several times; the reference sets one at a time.
            collected["headers"] = {
                name.decode("latin-1"): value.decode("latin-1")
                for name, value in message["headers"]
                if name != b"content-length"
            }
        else:
            collected["body"] += message.get("body", b"")

    await inner(scope, receive, send)
    return Answer(collected["status"], collected["body"], collected["headers"])


def changed(answer: Answer, **members) -> Answer:
    """The JSON answer with other members; None takes one away."""
    data = json.loads(answer.body) | members
    return replace(answer, body=json.dumps({name: value for name, value in data.items() if value is not None}).encode())


def token_elsewhere():
    """The metadata names a token endpoint that is not there; tokens are to be had at another path."""

    def before(request):
        if request.path == TOKEN:
            return Answer(404, b"<h1>Not found</h1>", {"content-type": "text/html"})
        return replace(request, path=TOKEN) if request.path == "/oauth/token" else request

    return behind(before)


def query_only():
    """client_id is read from the query, and from nowhere else."""

    def before(request):
        if request.path not in (START, TOKEN):
            return request
        query = dict(parse_qsl(request.query))
        if "client_id" not in query:
            return error("invalid_request")
        return replace(request, query="", body=urlencode(request.form | query).encode())

    return behind(before)


def json_only():
    """Both endpoints take JSON and no forms."""

    def before(request):
        if request.path not in (START, TOKEN):
            return request
        try:
            members = json.loads(request.body)
        except ValueError:
            return error("invalid_request")
        form = {"content-type": "application/x-www-form-urlencoded"}
        return replace(request, headers=request.headers | form, body=urlencode(members).encode())

    return behind(before)


def scope_at_token():
    """A token request without scope is refused."""

    def before(request):
        lacking = request.path == TOKEN and not request.form.get("scope")
        return error("invalid_scope") if lacking else request

    return behind(before)


def secret_unknown():
    """The token endpoint knows no client."""
    return behind(lambda request: error("invalid_client", 401) if request.path == TOKEN else request)


def start_breaks():
    """Every start ends in an error of the server."""
    return behind(
        lambda request: (
            Answer(500, b"Internal Server Error", {"content-type": "text/plain"}) if request.path == START else request
        )
    )


def no_device_code():
    """A start is answered without its device_code."""
    return behind(after=lambda path, answer: changed(answer, device_code=None) if path == START else answer)


def dead_codes():
    """expires_in is 0, and the codes are as dead as it says."""
    return behind(
        lambda request: error("expired_token") if request.path == TOKEN and "device_code" in request.form else request,
        lambda path, answer: changed(answer, expires_in=0) if path == START and answer.status == 200 else answer,
    )


def slow_clock():
    """The interval is longer than the lifetime."""
    return behind(faults=Faults(interval_above_lifetime=True))


def nobody_registers():
    """Registration is closed, and no client is named."""
    return behind(faults=Faults(registration_closed=True))


def other_dialect():
    """A server of AWS SSO OIDC, taken for one of the RFC."""
    return behind(settings=Settings(dialect="aws-sso-oidc"))


def approval_lost():
    """An approval changes nothing; a denial does."""
    return behind(faults=Faults(approval_ignored=True))


def token_refused():
    """An approved code is refused with server_error."""

    def after(path, answer):
        got_one = path == TOKEN and b'"access_token"' in answer.body
        return error("server_error", 500) if got_one else answer

    return behind(after=after)


def plain():
    """The reference as it is."""
    return behind()
