"""Requests and answers of the peers, and the ASGI that is between them and a server."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl

LONGEST_BODY = 65536
"""Octets of a request body that are read; more is answered 413."""


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    query: str
    headers: dict[str, str]
    """By lower-case name; fields that came more than once are joined by a comma."""
    body: bytes

    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def asked(self, name: str) -> str:
        """A parameter of the query; empty if it is absent."""
        return dict(parse_qsl(self.query)).get(name, "")

    def form(self) -> dict[str, str]:
        """Parameters of the body by RFC 6749: empty ones are left out, repeated ones are an error."""
        text = self.body.decode("utf-8")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=1000, errors="strict")
        given: dict[str, str] = {}
        for name, value in pairs:
            if name in given:
                raise ValueError(f"{name} is repeated")
            given[name] = value
        return {name: value for name, value in given.items() if value}

    def cookies(self) -> dict[str, str]:
        parts = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in parts}


@dataclass
class Answer:
    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)

    def with_header(self, name: str, value: str) -> Answer:
        """The same with one header more."""
        self.headers.append((name, value))
        return self


def json_answer(status: int, content: object, *headers: tuple[str, str]) -> Answer:
    return Answer(status, json.dumps(content).encode(), [("Content-Type", "application/json"), *headers])


NO_STORE = (("Cache-Control", "no-store"), ("Pragma", "no-cache"))


class Server:
    """An ASGI application whose every request is one call of `answer`."""

    async def __call__(self, scope, receive, send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
            return
        body = b""
        more = True
        while more:
            message = await receive()
            body = (body + message.get("body", b""))[: LONGEST_BODY + 1]
            more = message.get("more_body", False)
        answer = self.wire(self.receive(scope, body))
        content = b"" if scope["method"] == "HEAD" else answer.body
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers]
        if answer.status != 204:
            headers.append((b"Content-Length", str(len(answer.body)).encode()))
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def receive(self, scope, body: bytes) -> Answer:
        headers: dict[str, str] = {}
        for raw, value in scope["headers"]:
            name, text = raw.decode("latin-1").lower(), value.decode("latin-1")
            headers[name] = f"{headers[name]}, {text}" if name in headers else text
        request = Request(scope["method"], scope["path"], scope["query_string"].decode("latin-1"), headers, body)
        if "content-length" in headers and "transfer-encoding" in headers:
            # RFC 9112 section 6.1: whoever frames a request in two ways gets no second one on the connection.
            return Answer(400, b"Framed twice.\n", [("Content-Type", "text/plain"), ("Connection", "close")])
        if len(body) > LONGEST_BODY:
            return self.too_large()
        return self.answer(request)

    def answer(self, request: Request) -> Answer:
        """What the server says; `routes` has a method for each path."""
        routes = self.routes()
        route = routes.get(request.path)
        if route is None:
            return self.not_found(request)
        allowed, handler = route
        method = "GET" if request.method == "HEAD" else request.method
        if method not in allowed:
            return self.not_allowed(request, allowed)
        return handler(request)

    def routes(self):
        """Path to (methods, handler)."""
        raise NotImplementedError

    def not_found(self, request: Request) -> Answer:
        return Answer(404, b"Nothing is here.\n", [("Content-Type", "text/plain; charset=utf-8")])

    def not_allowed(self, request: Request, allowed: tuple[str, ...]) -> Answer:
        known = ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "HEAD")
        names = ", ".join((*allowed, "HEAD") if "GET" in allowed else allowed)
        if request.method not in known:
            return Answer(501, b"This method is unknown.\n", [("Content-Type", "text/plain; charset=utf-8")])
        text = [("Content-Type", "text/plain; charset=utf-8"), ("Allow", names)]
        return Answer(405, f"Use {names}.\n".encode(), text)

    def too_large(self) -> Answer:
        return Answer(413, b"The body is too large.\n", [("Content-Type", "text/plain; charset=utf-8")])

    def wire(self, answer: Answer) -> Answer:
        """The answer as it is written; variations dress it up."""
        return answer

    async def _live(self, receive, send) -> None:
        while True:
            message = await receive()
            await send({"type": message["type"] + ".complete"})
            if message["type"] == "lifespan.shutdown":
                return
