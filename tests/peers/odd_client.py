"""Honest clients of the device grant, each odd in one way: `python odd_client.py MODE`; MODES says what is odd.

Endpoints and client come from the variables that a run is given. Ends with 0 if there is a token.
"""

from __future__ import annotations

import base64
import json
import os
import random
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import quote_plus, urlencode

DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
MODES = {
    "plain": "Nothing: what the others differ from.",
    "ticker": "Counts the interval from the last request, not from its answer.",
    "patient": "Waits a second and a half longer than it has to.",
    "eager": "Polls at once after the start, before the first interval; afterwards waits as it must.",
    "jitter": "Waits up to a second longer, at random.",
    "doubling": "Doubles the interval at slow_down, by five seconds at least.",
    "stubborn": "Tries again after 503 and after a connection that broke, waiting twice as long each time.",
    "registers": "Registers itself anew for each login.",
    "scoped": "Asks for the scope that it is told, and says so again with nothing at all when there is none.",
    "resigns": "Stops at the first slow_down and says so to its user.",
    "extras": "Sends parameters that only its own server knows.",
    "basic": "Authenticates by Basic (RFC 6749 section 2.3.1).",
    "body": "Authenticates in the body.",
    "discovers": "Finds its endpoints by RFC 8414 from the issuer alone.",
    "watches": "Stops by its own clock when the code has expired, and never asks after that.",
    "quiet": "Shows the address for typing only, never the complete one, and the code apart.",
    "closes": "Opens a connection for each request, sends no User-Agent, and takes anything for an answer.",
    "helper": "Is a credential helper: its product is the token, as JSON on standard output.",
    "opens": "Opens the complete address in the browser, if it is one of the web.",
    "reuses": "Tries its refresh token first, and signs in anew where that is refused.",
    "refreshes": "Keeps its refresh token in a file and can refresh.",
}


class Client:
    def __init__(self, mode: str) -> None:
        self.mode = mode
        self.description = {name.removeprefix("DEVICE_GRANT_"): value for name, value in os.environ.items()}
        self.id, self.secret = self.description.get("CLIENT_ID", ""), self.description.get("CLIENT_SECRET", "")
        self.later = 0
        """Seconds of the last Retry-After."""
        self.start_url = self.description.get("DEVICE_AUTHORIZATION_ENDPOINT", "")
        self.token_url = self.description.get("TOKEN_ENDPOINT", "")

    def ask(self, url: str, data: bytes | None, kind: str, **headers: str) -> tuple[int, dict]:
        request = urllib.request.Request(url, data, {"Accept": "application/json", **headers})
        if data is not None:
            request.add_header("Content-Type", kind)
        if self.mode == "closes":
            request.add_header("User-Agent", "")
            request.add_header("Accept", "*/*")
        try:
            with self.opener().open(request, timeout=10) as answer:
                return answer.status, members(answer.read())
        except urllib.error.HTTPError as answer:
            later = answer.headers.get("Retry-After", "")
            self.later = int(later) if later.isascii() and later.isdigit() else 0
            with answer:
                return answer.code, members(answer.read())
        except OSError as problem:
            return 0, {"error": "unreachable", "error_description": str(problem)}

    def opener(self) -> urllib.request.OpenerDirector:
        # A redirect of a request with credentials is not followed: it would carry them somewhere else.
        class Stay(urllib.request.HTTPRedirectHandler):
            def redirect_request(self, *_: object) -> None:
                return None

        return urllib.request.build_opener(Stay)

    def post(self, url: str, form: dict[str, str]) -> tuple[int, dict]:
        headers = {}
        if self.mode == "basic" and self.secret:
            pair = f"{quote_plus(self.id)}:{quote_plus(self.secret)}"
            headers["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        else:
            form = {"client_id": self.id, **form}
            if self.secret:
                form["client_secret"] = self.secret
        if self.mode == "extras":
            form = {"x_vendor": "peer", **form, "device_name": "Küche & Bad"}
        return self.ask(url, urlencode(form).encode(), "application/x-www-form-urlencoded", **headers)

    def discover(self) -> None:
        issuer = self.description["ISSUER"]
        scheme, _, rest = issuer.partition("://")
        host, _, path = rest.partition("/")
        where = f"{scheme}://{host}/.well-known/oauth-authorization-server" + (f"/{path}" if path else "").rstrip("/")
        status, result = self.ask(where, None, "")
        if status != 200 or result.get("issuer") != issuer:
            raise SystemExit("no metadata of this issuer")
        try:
            self.start_url, self.token_url = result["device_authorization_endpoint"], result["token_endpoint"]
        except KeyError as missing:
            raise SystemExit(f"the metadata has no {missing}") from None

    def register(self) -> None:
        wanted = {
            "client_name": "odd",
            "client_uri": "https://odd.test/",
            "grant_types": [DEVICE],
            "token_endpoint_auth_method": "none",
        }
        url = self.description["REGISTRATION_ENDPOINT"]
        status, given = self.ask(url, json.dumps(wanted).encode(), "application/json")
        if status not in (200, 201) or not isinstance(given.get("client_id"), str):
            raise SystemExit(f"registration was answered {status}")
        self.id = given["client_id"]
        secret = given.get("client_secret")
        self.secret = secret if isinstance(secret, str) else ""

    def login(self) -> int:
        if self.mode == "discovers" and self.description.get("DISCOVER"):
            self.discover()
        if self.mode == "registers" and self.description.get("REGISTRATION_ENDPOINT"):
            self.register()
        scope = self.description.get("SCOPE", "")
        status, started = self.post(self.start_url, {"scope": scope} if scope else {})
        if status != 200:
            return failed("start", status, started)
        try:
            code, user_code, page = (text(started[name]) for name in ("device_code", "user_code", "verification_uri"))
            left, interval = number(started["expires_in"]), number(started.get("interval", 5))
        except (KeyError, TypeError):
            print("the server's answer is incomplete", file=sys.stderr)
            return 1
        self.show(started, user_code, page)
        # An interval of 0 is no leave to ask without a pause.
        return self.poll(code, time.monotonic() + left, max(interval, 1))

    def show(self, started: dict, user_code: str, page: str) -> None:
        complete = started.get("verification_uri_complete")
        if self.mode != "quiet" and isinstance(complete, str) and complete.startswith(("https://", "http://")):
            print(f"Open {complete}")
        print(
            f"Open {page}\nand type\n    {user_code}",
            file=sys.stderr if self.mode == "helper" else sys.stdout,
            flush=True,
        )
        address = complete if isinstance(complete, str) else page
        if self.mode == "opens" and address.startswith(("https://", "http://")):
            subprocess.run([os.environ["BROWSER"], address], check=False)

    def poll(self, code: str, end: float, interval: float) -> int:
        due, backoff = time.monotonic() + (0 if self.mode == "eager" else interval), interval
        while True:
            if due > end:
                print("the code has expired", file=sys.stderr)
                return 1
            extra = {"patient": 1.5, "jitter": random.random()}.get(self.mode, 0.05)
            time.sleep(max(0.0, due - time.monotonic()) + extra)
            if time.monotonic() >= end and self.mode == "watches":
                return 1
            asked = time.monotonic()
            status, said = self.post(self.token_url, {"grant_type": DEVICE, "device_code": code})
            now = time.monotonic()
            error = said.get("error") if 400 <= status < 500 or not status else None
            if status == 200:
                return self.keep(said)
            if error == "authorization_pending":
                due = (asked if self.mode == "ticker" else now) + interval
            elif error == "slow_down":
                if self.mode == "resigns":
                    print("The server is busy. Try again later.", file=sys.stderr)
                    return 1
                interval = max(interval + 5, 2 * interval) if self.mode == "doubling" else interval + 5
                due = now + interval
            elif not status or (self.mode == "stubborn" and status == 503):
                backoff = 2 * max(backoff, interval)
                due = now + max(backoff, self.later)
            else:
                return failed("token", status, said)

    def keep(self, said: dict) -> int:
        token, kind = said.get("access_token"), said.get("token_type")
        if not isinstance(token, str) or not token or not isinstance(kind, str) or kind.lower() != "bearer":
            print("the answer has no token that can be used", file=sys.stderr)
            return 1
        refresh = said.get("refresh_token")
        if self.mode in ("refreshes", "reuses") and isinstance(refresh, str):
            keep = os.open("refresh", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(keep, "w") as file:
                file.write(refresh)
        print(json.dumps(said) if self.mode == "helper" else "Signed in.")
        print(f"device-grant: token {token}{f' {refresh}' if isinstance(refresh, str) else ''}")
        return 0

    def refresh(self) -> int:
        token = self.description.get("REFRESH_TOKEN", "")
        kept = Path("refresh")
        if not token and kept.exists():
            token = kept.read_text(encoding="utf-8")
        status, said = self.post(self.token_url, {"grant_type": "refresh_token", "refresh_token": token})
        if status != 200:
            return failed("refresh", status, said)
        said.setdefault("refresh_token", token)
        return self.keep(said)


def members(body: bytes) -> dict:
    try:
        content = json.loads(body)
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def text(value: object) -> str:
    if not isinstance(value, str) or not value or not value.isprintable():
        raise TypeError(value)
    return value


def number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value < 0:
        raise TypeError(value)
    return value


def failed(what: str, status: int, said: dict) -> int:
    error = said.get("error")
    known = error if isinstance(error, str) and error.isprintable() else "no error code"
    print(f"{what}: {status} {known[:80]}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    client = Client(sys.argv[1])
    if os.environ.get("DEVICE_GRANT_OPERATION") == "refresh":
        sys.exit(client.refresh())
    again = client.mode == "reuses" and Path("refresh").exists()
    sys.exit(0 if again and client.refresh() == 0 else client.login())
