"""Pages at which a person signs in, types a user code, sees who asks, and allows or denies (RFC 8628 3.3).

Authlib and oauthlib leave them to whoever uses the library, so they are written here once for both launchers.
"""

from __future__ import annotations

import hmac
import secrets
import time
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from flask import Response, make_response, redirect, render_template, request, session
from jinja2 import DictLoader

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

USER, PASSWORD = "alice", "wonderland"
WINDOW = 60.0
"""Seconds in which wrong codes and passwords are counted."""
MOST_WRONG = 10

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{{ title }}</title></head>
<body>
<h1>{{ title }}</h1>
{% if problem %}<p role="alert">{{ problem }}</p>{% endif %}
{% if step == "sign-in" %}
<form method="post" action="/login">
<input type="hidden" name="csrf_token" value="{{ session.csrf }}">
<input type="hidden" name="user_code" value="{{ typed }}">
<label>Name <input name="username" autocomplete="username"></label>
<label>Password <input name="password" type="password" autocomplete="current-password"></label>
<button>Sign in</button>
</form>
{% elif step == "code" %}
<form method="post" action="/device">
<input type="hidden" name="csrf_token" value="{{ session.csrf }}">
<label>The code that your device shows <input name="user_code" autocomplete="off"></label>
<button>Continue</button>
</form>
{% elif step == "confirm" %}
<p>Is this device in your possession, and did you start this yourself?</p>
<p>It must show the code {{ waiting.user_code }}.</p>
<p>The application {{ waiting.client }} asks for: {{ waiting.scope or "nothing in particular" }}.</p>
<form method="post" action="/device">
<input type="hidden" name="csrf_token" value="{{ session.csrf }}">
<input type="hidden" name="user_code" value="{{ waiting.user_code }}">
<button name="action" value="deny">Deny</button>
<button name="action" value="allow">Allow</button>
</form>
{% elif step == "done" %}
<p>You can close this page and return to your device.</p>
{% endif %}
</body>
</html>
"""


@dataclass(frozen=True)
class Waiting:
    """A device authorization that waits for the person's decision."""

    user_code: str
    client: str
    scope: str


class Pages:
    """`/login` and `/device`, to be given to an application with `serve`."""

    def __init__(self, find: Callable[[str], Waiting | None], decide: Callable[[Waiting, str, bool], bool]) -> None:
        """`find` takes what was typed, `decide` the user and whether they allow; it says whether that counted."""
        self._find = find
        self._decide = decide
        self._wrong: deque[float] = deque()

    def serve(self, app: Flask) -> None:
        """Add the routes."""
        app.secret_key = secrets.token_bytes(32)
        app.config["SESSION_COOKIE_SAMESITE"] = "Lax"
        app.jinja_loader = DictLoader({"page.html": _PAGE})
        for path, post in (("/login", self._sign_in), ("/device", self._device)):
            app.add_url_rule(path, f"show {path}", self._show)
            app.add_url_rule(path, f"post {path}", lambda post=post: self._refused() or post(), methods=["POST"])

    def _show(self) -> Response:
        typed = request.args.get("user_code", "")
        if "user" not in session:
            return _page(200, "Sign in", "sign-in", typed=typed)
        return self._confirmation(typed) if typed else _page(200, "Connect a device", "code")

    def _sign_in(self) -> Response:
        typed = request.form.get("user_code", "")
        if (request.form.get("username"), request.form.get("password")) != (USER, PASSWORD):
            self._wrong.append(time.time())
            return _page(403, "Sign in", "sign-in", typed=typed, problem="Name or password is not right.")
        session.clear()
        session["user"] = USER
        return redirect("/device" + (f"?{urlencode({'user_code': typed})}" if typed else ""), 303)

    def _device(self) -> Response:
        typed, action = request.form.get("user_code", ""), request.form.get("action", "")
        if "user" not in session:
            return _page(200, "Sign in", "sign-in", typed=typed)
        waiting = self._find(typed)
        if waiting is None or action not in ("allow", "deny"):
            return self._confirmation(typed)
        if not self._decide(waiting, session["user"], action == "allow"):
            return _page(400, "This code was decided already")
        return _page(200, "Device connected" if action == "allow" else "Request refused", "done")

    def _confirmation(self, typed: str) -> Response:
        waiting = self._find(typed)
        if waiting is None:
            self._wrong.append(time.time())
            return _page(400, "Connect a device", "code", problem="This code is not valid, or no longer.")
        return _page(200, "A device asks for access", "confirm", waiting=waiting)

    def _refused(self) -> Response | None:
        """Why a form is not looked at: it is not this browser's, or there were too many wrong ones."""
        token = session.get("csrf", "")
        if not token or not hmac.compare_digest(token.encode(), request.form.get("csrf_token", "").encode()):
            return _page(403, "This form is no longer valid: open the page again")
        while self._wrong and time.time() - self._wrong[0] >= WINDOW:
            self._wrong.popleft()
        if len(self._wrong) < MOST_WRONG:
            return None
        answer = _page(429, "Too many wrong attempts: wait a minute")
        answer.headers["Retry-After"] = str(int(WINDOW))
        return answer


def _page(status: int, title: str, step: str = "", **values: object) -> Response:
    session.setdefault("csrf", secrets.token_urlsafe(24))
    answer = make_response(render_template("page.html", title=title, step=step, **values), status)
    answer.headers["Content-Security-Policy"] = "default-src 'none'; form-action 'self'; frame-ancestors 'none'"
    answer.headers["Cache-Control"] = "no-store"
    return answer
