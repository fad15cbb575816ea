"""Applications that are honest and yet unlike the embedded one; run as `asgi:varieties:NAME`."""

from __future__ import annotations

import json
import time
from urllib.parse import parse_qsl, urlencode

from device_grant.reference import create_app

honest = create_app()


def limited(per_second: int):
    """The honest server behind a limit on the rate of requests."""
    window = {"second": 0, "count": 0}

    async def app(scope, receive, send):
        if scope["type"] != "http":
            await honest(scope, receive, send)
            return
        second = int(time.time())
        if window["second"] != second:
            window.update(second=second, count=0)
        window["count"] += 1
        if window["count"] <= per_second:
            await honest(scope, receive, send)
            return
        headers = [(b"retry-after", b"1"), (b"content-type", b"text/plain")]
        await send({"type": "http.response.start", "status": 429, "headers": headers})
        await send({"type": "http.response.body", "body": b"slower, please"})

    return app


async def closed(scope, receive, send):
    """The honest server, which registers nobody without a token."""
    if scope["type"] == "http" and scope["path"] == "/register":
        headers = [(b"www-authenticate", b"Bearer"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b'{"error":"invalid_token"}'})
        return
    await honest(scope, receive, send)


async def own_error_codes(scope, receive, send):
    """The honest server, with a code and a status of its own for unknown device codes, and none for grant types."""
    held = []

    async def renamed(message):
        held.append(message)
        if message["type"] != "http.response.body" or message.get("more_body"):
            return
        body = b"".join(part["body"] for part in held[1:])
        start = held[0]
        unknown_code, unknown_grant = b'"invalid_grant"' in body, b'"unsupported_grant_type"' in body
        if unknown_code or unknown_grant:
            body = b'{"error": "device_not_found"}' if unknown_code else b""
            kept = [(name, value) for name, value in start["headers"] if name != b"content-length"]
            start = {**start, "status": 404 if unknown_code else 400, "headers": kept}
        await send(start)
        await send({"type": "http.response.body", "body": body})

    await honest(scope, receive, renamed if scope["type"] == "http" and scope["path"] == "/token" else send)


async def anybody_polls(scope, receive, send):
    """The honest server, to which every poll seems to come from the client that the code was issued to."""
    if scope["type"] != "http" or scope["path"] not in ("/device_authorization", "/token"):
        await honest(scope, receive, send)
        return
    body, more = b"", True
    while more:
        message = await receive()
        body, more = body + message.get("body", b""), message.get("more_body", False)
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    owner = OWNERS.get(dict(pairs).get("device_code", ""))
    if scope["path"] == "/token" and owner:
        body = urlencode([pair for pair in pairs if pair[0] != "client_id"] + [("client_id", owner)]).encode()
        kept = [(name, value) for name, value in scope["headers"] if name != b"content-length"]
        scope = {**scope, "headers": [*kept, (b"content-length", str(len(body)).encode())]}

    async def replayed():
        return {"type": "http.request", "body": body, "more_body": False}

    async def noted(message):
        if message["type"] == "http.response.body" and b'"device_code"' in message.get("body", b""):
            OWNERS[json.loads(message["body"])["device_code"]] = dict(pairs).get("client_id", "")
        await send(message)

    await honest(scope, replayed, noted)


OWNERS: dict[str, str] = {}
rate_limited = limited(10)
