"""Verification pages: sign in, type the code, decide. Honest; each step is a method that a variation replaces."""

from __future__ import annotations

import hashlib
import hmac
import html
import secrets
import time
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import quote

from peer_wire import Answer, Request, Server

if TYPE_CHECKING:
    from collections.abc import Callable

ACCOUNTS = {"maria": "correct horse battery staple", "joan": "staple battery horse correct"}
WINDOW = 60
"""Seconds in which wrong codes are counted."""
CLOSED = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
]


@lru_cache(100_000)
def of_alphabet(typed: str, alphabet: str) -> str:
    """The letters of the alphabet alone; remembered, since a code that is typed is compared with all that there are."""
    return "".join(letter for letter in typed if letter in alphabet)


class Pages(Server):
    """Needs `self.grants`: by device code, each with user_code, client, scope, state and ends."""

    verification = "/device"
    see_other = 303
    wrong_code_status = 400
    wrong_codes_allowed = 5
    window = WINDOW
    alphabet = "BCDFGHJKLMNPQRSTVWXZ"
    code_length = 8
    group = 4
    separator = "-"
    words = {
        "lang": "en",
        "sign in": "Sign in",
        "purpose": "To connect a device, tell who you are.",
        "code": "Connect a device",
        "type": "Type the code that your device shows",
        "next": "Continue",
        "confirm": "Is this your device?",
        "unasked": "If you did not start this yourself, deny it.",
        "compare": "Compare this code with the one on your device, and go on only if it is in front of you:",
        "wants": "A device with the program {client} wants access to your account with: {scope}.",
        "allow": "Allow",
        "deny": "Deny",
        "allowed": "Allowed. Go back to your device.",
        "denied": "Denied. Go back to your device.",
        "wrong": "This code is wrong or no longer valid.",
        "slower": "Too many wrong codes. Wait a minute.",
        "bad login": "Name or password is wrong.",
        "forged": "This form is not from here, or too old.",
    }

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        """Name of the person by session; empty before the sign-in."""
        self.key = secrets.token_bytes(32)
        self.wrong_codes: dict[str, list[float]] = {}
        self.wrong_logins: list[float] = []
        self.codes: set[str] = set()
        """The letters of all user codes so far."""

    def page_routes(self):
        return {
            self.verification: (("GET", "POST"), self.code_page),
            "/login": (("GET", "POST"), self.login_page),
            "/decide": (("POST",), self.decide),
        }

    # Codes

    def new_user_code(self) -> str:
        while True:
            letters = "".join(secrets.choice(self.alphabet) for _ in range(self.code_length))
            if letters not in self.codes:
                self.codes.add(letters)
                break
        parts = [letters[at : at + self.group] for at in range(0, len(letters), self.group)]
        return self.separator.join(parts)

    def plain(self, typed: str) -> str:
        """The code as it is compared: upper case, without what is not of its alphabet (RFC 8628 section 6.1)."""
        return of_alphabet(typed.upper(), self.alphabet)

    def pending(self, typed: str):
        """The undecided grant of a code that a person typed; None: there is none."""
        wanted, now = self.plain(typed), time.time()
        for grant in self.grants.values():
            if grant.state == "pending" and grant.ends > now and self.plain(grant.user_code) == wanted:
                return grant
        return None

    # Sessions

    def person(self, request: Request) -> str:
        return self.sessions.get(request.cookies().get("sid", ""), "")

    def proof(self, sid: str) -> str:
        """What forms of this session carry against forgery."""
        return hmac.new(self.key, sid.encode(), hashlib.sha256).hexdigest()

    def forged(self, request: Request, form: dict[str, str]) -> bool:
        sid = request.cookies().get("sid", "")
        return sid not in self.sessions or not hmac.compare_digest(self.proof(sid), form.get("proof", ""))

    def proof_field(self, request: Request) -> str:
        return f'<input type="hidden" name="proof" value="{self.proof(request.cookies().get("sid", ""))}">'

    def page(self, status: int, title: str, body: str, *headers: tuple[str, str]) -> Answer:
        text = (
            f'<!DOCTYPE html><html lang="{self.words["lang"]}">'
            f'<head><meta charset="utf-8"><title>{title}</title></head>'
            f"<body><main><h1>{title}</h1>{body}</main></body></html>"
        )
        return Answer(status, text.encode(), [("Content-Type", "text/html; charset=utf-8"), *CLOSED, *headers])

    def message(self, status: int, name: str, *headers: tuple[str, str]) -> Answer:
        return self.page(status, self.words["code"], f'<p role="alert">{self.words[name]}</p>', *headers)

    def redirect(self, place: str, *headers: tuple[str, str]) -> Answer:
        return self.page(self.see_other, self.words["code"], "", ("Location", place), *headers)

    # Signing in

    def login_page(self, request: Request) -> Answer:
        back = request.asked("back")
        if not back.startswith("/") or back.startswith(("//", "/\\")):
            back = self.verification
        if request.method == "POST":
            return self.sign_in(request, back)
        sid = request.cookies().get("sid", "")
        headers = []
        if sid not in self.sessions:
            sid = secrets.token_urlsafe(24)
            self.sessions[sid] = ""
            headers = [("Set-Cookie", self.cookie(sid))]
        body = (
            f'<form method="post" action="/login?back={quote(back, safe="/")}">'
            f'<input type="hidden" name="proof" value="{self.proof(sid)}">'
            '<label>Name <input name="name" autocomplete="username"></label>'
            '<label>Password <input name="password" type="password" autocomplete="current-password"></label>'
            f"<button>{self.words['sign in']}</button></form>"
        )
        return self.page(200, self.words["sign in"], f"<p>{self.words['purpose']}</p>{body}", *headers)

    def cookie(self, sid: str) -> str:
        return f"sid={sid}; Path=/; HttpOnly; SameSite=Lax"

    def sign_in(self, request: Request, back: str) -> Answer:
        form = self.page_form(request)
        if form is None or self.forged(request, form):
            return self.message(403, "forged")
        now = time.time()
        self.wrong_logins = [moment for moment in self.wrong_logins if moment > now - self.window]
        if len(self.wrong_logins) >= 50:
            return self.message(429, "slower", ("Retry-After", str(self.window)))
        if ACCOUNTS.get(form.get("name", "")) != form.get("password", "-"):
            self.wrong_logins.append(now)
            return self.message(403, "bad login")
        self.sessions.pop(request.cookies()["sid"])
        sid = secrets.token_urlsafe(24)
        self.sessions[sid] = form["name"]
        return self.redirect(back, ("Set-Cookie", self.cookie(sid)))

    def page_form(self, request: Request) -> dict[str, str] | None:
        """None: this is no form."""
        if request.media_type() != "application/x-www-form-urlencoded":
            return None
        try:
            return request.form()
        except ValueError:
            return None

    # Code and decision

    def code_page(self, request: Request) -> Answer:
        if not self.person(request):
            query = f"?{request.query}" if request.query and request.method != "POST" else ""
            return self.redirect("/login?back=" + quote(request.path + query, safe="/"))
        if request.method == "POST":
            form = self.page_form(request)
            if form is None or self.forged(request, form):
                return self.message(403, "forged")
            return self.typed(request, self.code_of(form))
        if request.asked("user_code"):
            return self.typed(request, request.asked("user_code"))
        return self.page(200, self.words["code"], self.code_form(request))

    def code_form(self, request: Request) -> str:
        return (
            f'<form method="post" action="{self.verification}">{self.proof_field(request)}'
            f'<label>{self.words["type"]} <input name="user_code" autocomplete="off"></label>'
            f"<button>{self.words['next']}</button></form>"
        )

    def code_of(self, form: dict[str, str]) -> str:
        return form.get("user_code", "")

    def typed(self, request: Request, code: str) -> Answer:
        """The answer to a code, typed or from verification_uri_complete: the question, or that it is wrong."""
        return self.guarded(request, code, lambda grant: self.question(request, grant))

    def guarded(self, request: Request, code: str, go_on: Callable[..., Answer]) -> Answer:
        """With the grant of that code; wrong codes are counted for the person (RFC 8628 section 5.1)."""
        person, now = self.person(request), time.time()
        wrong = [moment for moment in self.wrong_codes.get(person, []) if moment > now - self.window]
        self.wrong_codes[person] = wrong
        if len(wrong) >= self.wrong_codes_allowed:
            return self.throttled()
        grant = self.pending(code)
        if grant is None:
            wrong.append(now)
            return self.wrong_code(request)
        return go_on(grant)

    def throttled(self) -> Answer:
        return self.message(429, "slower", ("Retry-After", str(self.window)))

    def wrong_code(self, request: Request) -> Answer:
        body = f'<p role="alert">{self.words["wrong"]}</p>{self.code_form(request)}'
        return self.page(self.wrong_code_status, self.words["code"], body)

    def question(self, request: Request, grant) -> Answer:
        wants = self.words["wants"].format(client=grant.client.name, scope=grant.scope)
        body = (
            f"<p>{html.escape(wants)} {self.words['unasked']}</p>"
            f"<p>{self.words['compare']} <strong>{html.escape(grant.user_code)}</strong></p>"
            + self.decision_form(request, grant)
        )
        return self.page(200, self.words["confirm"], body)

    def decision_form(self, request: Request, grant) -> str:
        return (
            f'<form method="post" action="/decide">{self.proof_field(request)}'
            f'<input type="hidden" name="user_code" value="{html.escape(grant.user_code)}">'
            f'<button name="decision" value="allow">{self.words["allow"]}</button>'
            f'<button name="decision" value="deny">{self.words["deny"]}</button></form>'
        )

    def decide(self, request: Request) -> Answer:
        form = self.page_form(request)
        if not self.person(request) or form is None or self.forged(request, form):
            return self.message(403, "forged")
        return self.guarded(request, form.get("user_code", ""), lambda grant: self.decided(request, grant, form))

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        choice = form.get("decision", "")
        if choice not in ("allow", "deny"):
            return self.question(request, grant)
        self.settle(grant, allowed=choice == "allow", person=self.person(request))
        return self.message(200, "allowed" if choice == "allow" else "denied")

    def settle(self, grant, *, allowed: bool, person: str) -> None:
        grant.state = "approved" if allowed else "denied"
        grant.person = person
        grant.decided = time.time()
