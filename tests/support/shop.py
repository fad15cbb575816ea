"""An authorization server that the suite has never met, as its author would have written it: sessions, CSRF, consent.

Nobody is registered at runtime. It is an application (`asgi:shop:app`), and a server on a port of its own.
"""

from __future__ import annotations

import hmac
import html
import secrets
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from starlette.requests import Request

LIFETIME, INTERVAL, TOKEN = 600, 5, 3_600
"""Seconds; the first two of a program are given to it behind its port."""
ALPHABET = "BCDFGHJKLMNPQRSTVWXZ"
CLIENTS = {"tv": "Living room", "radio": "Kitchen radio"}
PEOPLE = {"alice": "correct horse"}
GRANT = "urn:ietf:params:oauth:grant-type:device_code"
HEADERS = {"Cache-Control": "no-store", "Pragma": "no-cache"}
PAGE = {
    "Content-Security-Policy": "default-src 'none'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass
class Login:
    client: str
    scope: str
    user_code: str
    born: float
    interval: float
    polled: float = 0.0
    decision: str = ""
    spent: bool = False


@dataclass
class Session:
    csrf: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    name: str = ""
    wrong: list[float] = field(default_factory=list)


LOGINS: dict[str, Login] = {}
SESSIONS: dict[str, Session] = {}
ISSUED: dict[str, tuple[str, str]] = {}


def refusal(error: str, status: int = 400) -> JSONResponse:
    return JSONResponse({"error": error}, status, HEADERS)


async def form_of(request: Request) -> dict[str, str] | None:
    """The form; None where it is none, or says a thing twice."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        return None
    try:
        pairs = parse_qsl((await request.body()).decode(), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return None
    form = dict(pairs)
    return form if len(form) == len(pairs) else None


async def start(request: Request) -> Response:
    form = await form_of(request)
    if form is None or not form.get("client_id"):
        return refusal("invalid_request")
    if form["client_id"] not in CLIENTS:
        return refusal("invalid_client", 401)
    if set(form.get("scope", "").split()) - {"watch", "buy"}:
        return refusal("invalid_scope")
    device = secrets.token_urlsafe(32)
    letters = "".join(secrets.choice(ALPHABET) for _ in range(8))
    code, scope = f"{letters[:4]}-{letters[4:]}", form.get("scope") or "watch"
    LOGINS[device] = Login(form["client_id"], scope, code, time.time(), INTERVAL)
    page = f"{str(request.base_url).rstrip('/')}/activate"
    return JSONResponse(
        {
            "device_code": device,
            "user_code": LOGINS[device].user_code,
            "verification_uri": page,
            "verification_uri_complete": f"{page}?user_code={LOGINS[device].user_code}",
            "expires_in": LIFETIME,
            "interval": INTERVAL,
        },
        headers=HEADERS,
    )


async def token(request: Request) -> Response:
    form = await form_of(request)
    if form is None or not form.get("grant_type"):
        return refusal("invalid_request")
    if form["grant_type"] not in (GRANT, "refresh_token"):
        return refusal("unsupported_grant_type")
    if not form.get("client_id"):
        return refusal("invalid_request")
    if form["client_id"] not in CLIENTS:
        return refusal("invalid_client", 401)
    return refresh(form) if form["grant_type"] == "refresh_token" else poll(form)


def poll(form: dict[str, str]) -> Response:  # noqa: PLR0911 - one for each answer of the protocol
    if not form.get("device_code"):
        return refusal("invalid_request")
    login, now = LOGINS.get(form["device_code"]), time.time()
    if login is None or login.client != form["client_id"] or login.spent:
        return refusal("invalid_grant")
    if now - login.born > LIFETIME:
        return refusal("expired_token")
    if login.decision == "deny":
        return refusal("access_denied")
    if login.decision == "allow":
        login.spent = True
        return tokens(login.client, login.scope)
    hasty, login.polled = now - login.polled < login.interval, now
    if hasty:
        login.interval += 5
        return refusal("slow_down")
    return refusal("authorization_pending")


def refresh(form: dict[str, str]) -> Response:
    held = ISSUED.get(form.get("refresh_token", ""))
    if not form.get("refresh_token"):
        return refusal("invalid_request")
    if held is None or held[0] != form["client_id"]:
        return refusal("invalid_grant")
    if set(form.get("scope", held[1]).split()) - set(held[1].split()):
        return refusal("invalid_scope")
    del ISSUED[form["refresh_token"]]
    return tokens(*held)


def tokens(client: str, scope: str) -> JSONResponse:
    again = secrets.token_urlsafe(32)
    ISSUED[again] = (client, scope)
    members = {"access_token": secrets.token_urlsafe(32), "token_type": "Bearer", "expires_in": TOKEN}
    return JSONResponse(members | {"refresh_token": again, "scope": scope}, headers=HEADERS)


async def metadata(request: Request) -> Response:
    base = str(request.base_url).rstrip("/")
    return JSONResponse(
        {
            "issuer": base,
            "device_authorization_endpoint": f"{base}/device",
            "token_endpoint": f"{base}/token",
            "grant_types_supported": [GRANT, "refresh_token"],
            "response_types_supported": ["none"],
            "token_endpoint_auth_methods_supported": ["none"],
            "scopes_supported": ["watch", "buy"],
        }
    )


def page(session: Session, title: str, *inside: str, status: int = 200) -> HTMLResponse:
    hidden = f'<input type="hidden" name="csrf_token" value="{session.csrf}">'
    body = "".join(inside).replace("<form>", f'<form method="post" action="/activate">{hidden}')
    text = f'<!doctype html><html lang="en"><title>{title} · Shop</title><main><h1>{title}</h1>{body}</main></html>'
    return HTMLResponse(text, status, PAGE)


SIGN_IN = (
    '<form><label>E-mail or name <input name="email" autocomplete="username"></label>'
    '<label>Password <input type="password" name="password" autocomplete="current-password"></label>{typed}'
    "<button>Sign in</button></form>"
)
ASK_CODE = '<form><label>Code on your television <input name="code" required></label><button>Continue</button></form>'


async def activate(request: Request) -> Response:
    """One address for everything, as single-file servers have it."""
    sid = request.cookies.get("shop", "")
    fresh = sid not in SESSIONS
    sid = secrets.token_urlsafe(24) if fresh else sid
    session = SESSIONS.setdefault(sid, Session())
    answer = await answered(request, session)
    if session.name and fresh is False and request.method == "POST" and answer.headers.get("x-renew"):
        # A new session for whoever signs in: nobody else can have planted it.
        del answer.headers["x-renew"]
        SESSIONS[sid := secrets.token_urlsafe(24)] = SESSIONS.pop(request.cookies["shop"])
    answer.set_cookie("shop", sid, httponly=True, samesite="lax")
    return answer


async def answered(request: Request, session: Session) -> Response:  # noqa: PLR0911 - one for each page
    typed = request.query_params.get("user_code", "")
    if request.method == "GET":
        return question(session, typed) if session.name and typed else opening(session, typed)
    form = await form_of(request) or {}
    if not hmac.compare_digest(form.get("csrf_token", "").encode(), session.csrf.encode()):
        return page(session, "Start over", "<p>This page is too old.</p>", status=403)
    if "password" in form:
        return signed_in(session, form)
    if not session.name:
        return opening(session, typed)
    if "decision" not in form:
        return question(session, form.get("code", ""))
    login = known(form.get("code", ""))
    if login is None or form["decision"] not in ("allow", "deny"):
        return page(session, "Unknown code", "<p>This code is wrong or too old.</p>", ASK_CODE, status=400)
    login.decision = form["decision"]
    done = "Your device is connected" if login.decision == "allow" else "Request denied"
    return page(session, done, "<p>You can close this page and return to your device.</p>")


def opening(session: Session, typed: str) -> Response:
    if session.name:
        return page(session, "Connect a device", ASK_CODE)
    kept = f'<input type="hidden" name="typed" value="{html.escape(typed)}">' if typed else ""
    return page(session, "Sign in", SIGN_IN.format(typed=kept))


def signed_in(session: Session, form: dict[str, str]) -> Response:
    right = PEOPLE.get(form.get("email", ""), secrets.token_urlsafe(8))
    if not hmac.compare_digest(right.encode(), form["password"].encode()):
        return page(session, "Sign in", "<p>Wrong name or password.</p>", SIGN_IN.format(typed=""), status=401)
    session.name, session.csrf = form["email"], secrets.token_urlsafe(16)
    query = f"?user_code={known_text(form['typed'])}" if form.get("typed") else ""
    return RedirectResponse(f"/activate{query}", 303, {**PAGE, "X-Renew": "1"})


def known_text(typed: str) -> str:
    return "".join(character for character in typed if character.isalnum() or character == "-")[:20]


def known(typed: str) -> Login | None:
    letters = "".join(character for character in typed.upper() if character.isalnum())
    for login in LOGINS.values():
        same = hmac.compare_digest(login.user_code.replace("-", "").encode(), letters.encode())
        if same and not login.decision and time.time() - login.born <= LIFETIME:
            return login
    return None


def question(session: Session, typed: str) -> Response:
    now = time.time()
    session.wrong = [at for at in session.wrong if now - at < 60]
    if len(session.wrong) >= 5:
        answer = page(session, "Too many attempts", "<p>Try again in a minute.</p>", status=429)
        answer.headers["Retry-After"] = "60"
        return answer
    login = known(typed)
    if login is None:
        session.wrong.append(now)
        return page(session, "Unknown code", "<p>This code is wrong or too old.</p>", ASK_CODE, status=400)
    return page(
        session,
        f"Allow {CLIENTS[login.client]}?",
        f"<p>The device shows the code <b>{login.user_code}</b>. It asks for: {html.escape(login.scope)}.</p>",
        "<p>Allow this only if you started it yourself, with a device in your hands.</p>",
        f'<form><input type="hidden" name="code" value="{login.user_code}">',
        '<button name="decision" value="allow">Allow</button><button name="decision" value="deny">Deny</button></form>',
    )


async def nothing(_: Request) -> Response:
    return Response("Not found", 404)


app = Starlette(
    routes=[
        Route("/.well-known/oauth-authorization-server", metadata),
        Route("/device", start, methods=["POST"]),
        Route("/token", token, methods=["POST"]),
        Route("/activate", activate, methods=["GET", "POST"]),
        Route("/", nothing),
    ]
)

if __name__ == "__main__":
    import uvicorn

    LIFETIME, INTERVAL = (int(word) for word in (sys.argv[2:] or (LIFETIME, INTERVAL)))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
