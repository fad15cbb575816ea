"""The reference server with its requests counted: when each came, and what was in it. By the server's own account."""

from __future__ import annotations

import json
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import Message
from urllib.parse import parse_qsl

from device_grant.reference.embedded import embedded
from device_grant.reference.server.app import create_app
from device_grant.reference.server.faults import Faults
from device_grant.reference.server.serve import listen, server_of
from device_grant.reference.server.settings import Settings

OVERSIZED = 8192


@dataclass
class Arrival:
    at: float
    method: str
    path: str
    media_type: str
    body: bytes

    @property
    def registers(self):
        return self.method == "POST" and "regist" in self.path

    @property
    def malformed(self):
        """By the model of the operation: no form, no JSON object of strings and lists of strings, or too long."""
        if self.method != "POST" or not self.body:
            return False
        if len(self.body) > OVERSIZED:
            return True
        message = Message()
        message["Content-Type"] = self.media_type
        reads = {"application/json": _is_structure, "application/x-www-form-urlencoded": _is_form}
        return not reads.get(message.get_content_type(), lambda _body: False)(self.body)


def _is_structure(body):
    try:
        members = json.loads(body)
    except ValueError:
        return False
    if not isinstance(members, dict):
        return False
    texts = [one for value in members.values() for one in (value if isinstance(value, list) else [value])]
    return all(isinstance(one, str) for one in texts)


def _is_form(body):
    try:
        names = [name for name, _ in parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)]
    except ValueError:
        return False
    return len(names) == len(set(names))


class Counted:
    """An ASGI application that keeps what comes; `refuse(number)` may answer in its place: status and headers."""

    def __init__(self, app, now, refuse=lambda _number: None):
        self._app, self.now, self._refuse = app, now, refuse
        self.arrivals = []
        self.at_once = self.most_at_once = 0

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message.get("body", b""), message.get("more_body", False)
        headers = {name.decode(): value.decode("latin-1") for name, value in scope["headers"]}
        self.arrivals.append(Arrival(self.now(), scope["method"], scope["path"], headers.get("content-type", ""), body))
        refusal = self._refuse(len(self.arrivals))
        if refusal is not None:
            status, fields = refusal
            start = [(name.encode(), value.encode()) for name, value in fields.items()]
            await send({"type": "http.response.start", "status": status, "headers": start})
            await send({"type": "http.response.body", "body": b""})
            return

        async def again():
            return {"type": "http.request", "body": body, "more_body": False}

        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self._app(scope, again, send)
        finally:
            self.at_once -= 1

    @property
    def most_in_a_second(self):
        times = [one.at for one in self.arrivals]
        return max(sum(start <= at < start + 1 for at in times) for start in times)


def counted(dialect, *faults, refuse=lambda _number: None, user=None):
    """The embedded server, not yet started, and its counter."""
    target = embedded(dialect, faults, user=user)
    counter = Counted(target._app, target.clock.now, refuse)
    target._app = counter
    return target, counter


@contextmanager
def listening(dialect):
    """The same server at a port, in real time: its URL and its counter."""
    listener = listen("127.0.0.1", 0)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    counter = Counted(create_app(Settings(dialect=dialect, issuer=url, interval=1), Faults()), time.time)
    server = server_of(counter)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield url, counter
    finally:
        server.should_exit = True
        thread.join(10)
