"""Peers of the RFC dialect whose sessions at the pages are odd: begun late, ended early, or shown by an address."""

from __future__ import annotations

import html
import secrets
import time
from typing import TYPE_CHECKING

from peer_pages import ACCOUNTS
from peer_rfc import Honest

if TYPE_CHECKING:
    from peer_wire import Answer, Request


class SignInAfterCode(Honest):
    """The code is asked first, then who it is: RFC 8628 section 3.3 leaves the order open."""

    def code_page(self, request: Request) -> Answer:
        if self.person(request):
            return super().code_page(request)
        sid = request.cookies().get("sid", "")
        fresh = []
        if sid not in self.sessions:
            sid = secrets.token_urlsafe(24)
            self.sessions[sid] = ""
            fresh = [("Set-Cookie", self.cookie(sid))]
            request.headers["cookie"] = f"sid={sid}"
        code = request.asked("user_code")
        if request.method == "POST":
            form = self.page_form(request)
            if form is None or self.forged(request, form):
                return self.message(403, "forged")
            code = self.code_of(form)
        if code:
            return self.guarded(request, code, lambda grant: self.ask_who(request, grant, fresh))
        return self.page(200, self.words["code"], self.code_form(request), *fresh)

    def ask_who(self, request: Request, grant, fresh) -> Answer:
        return self.redirect(f"/login?back={self.verification}%3Fuser_code%3D{grant.user_code}", *fresh)


class StrictCookie(Honest):
    """SameSite=Strict, a lifetime, and a second cookie for the language."""

    def cookie(self, sid: str) -> str:
        return f"sid={sid}; path=/; httponly; samesite=strict; Max-Age=1800"

    def page(self, status: int, title: str, body: str, *headers: tuple[str, str]) -> Answer:
        return super().page(status, title, body, *headers, ("Set-Cookie", "lang=en; Path=/; HttpOnly; SameSite=Lax"))


class ShortSessions(Honest):
    """A browser is signed out after five minutes."""

    def sign_in(self, request: Request, back: str) -> Answer:
        answer = super().sign_in(request, back)
        self.since = getattr(self, "since", {})
        for sid in self.sessions:
            self.since.setdefault(sid, time.time())
        return answer

    def person(self, request: Request) -> str:
        since = getattr(self, "since", {}).get(request.cookies().get("sid", ""), 0)
        return super().person(request) if time.time() < since + 300 else ""


class SignedAddresses(Honest):
    """Keeps no cookies: whoever signs in is led to an address that shows it, good for that one request.

    Nothing is done in the name of another person by sending it, but whoever has it can send it.
    """

    deviations = {
        "rfc6749-10.12-csrf-on-consent": "the decision is not bound to the browser",
        "rfc8628-3.3-user-must-authenticate": "the decision is not bound to the browser",
    }

    def page_routes(self):
        return {
            self.verification: (("GET", "POST"), self.code_page),
            "/auth": (("GET", "POST"), self.auth_page),
            "/approval": (("GET", "POST"), self.approval_page),
        }

    def __init__(self) -> None:
        super().__init__()
        self.asked: dict[str, str] = {}
        """The user code by request."""
        self.signed: dict[str, str] = {}
        """Who signed in, by request."""

    def code_page(self, request: Request) -> Answer:
        if request.method == "POST":
            return self.guarded(request, self.code_of(self.page_form(request) or {}), self.begun)
        return self.page(200, self.words["code"], self.code_form(request, request.asked("user_code")))

    def begun(self, grant) -> Answer:
        name = secrets.token_hex(16)
        self.asked[name] = grant.user_code
        return self.redirect(f"/auth?req={name}")

    def code_form(self, request: Request, code: str = "") -> str:
        form = super().code_form(request).replace(self.proof_field(request), "")
        return form.replace('name="user_code"', f'name="user_code" value="{html.escape(code)}"')

    def auth_page(self, request: Request) -> Answer:
        name, form = request.asked("req"), self.page_form(request) or {}
        if name not in self.asked:
            return self.message(404, "wrong")
        if request.method == "POST" and ACCOUNTS.get(form.get("name", "")) == form.get("password", "-"):
            self.signed[name] = form["name"]
            return self.redirect(f"/approval?req={name}&hmac={self.proof(name)}")
        fields = (
            '<label>Name <input name="name"></label><label>Password <input name="password" type="password"></label>'
        )
        return self.page(200, self.words["sign in"], f'<form method="post">{fields}<button>Sign in</button></form>')

    def approval_page(self, request: Request) -> Answer:
        name = request.asked("req")
        if not self.shown(request, name):
            return self.message(401, "forged")
        form = self.page_form(request) or {}
        if request.method == "POST":
            return self.guarded(request, self.asked[name], lambda grant: self.decided(request, grant, form))
        return self.guarded(request, self.asked[name], lambda grant: self.question(request, grant))

    def shown(self, request: Request, name: str) -> bool:
        """Whether the address shows that somebody signed in for this request."""
        return name in self.signed and request.asked("hmac") == self.proof(name)

    def decision_form(self, request: Request, grant) -> str:
        allow, deny = (f'<button name="decision" value="{word}">{word}</button>' for word in ("allow", "deny"))
        # Nobody reads this one: a value beside those that count.
        return (
            f'<form method="post"><input type="hidden" name="seen" value="{secrets.token_hex(8)}">{allow}{deny}</form>'
        )


class CodeOfTheSession(Honest):
    """The code is checked and then kept by the session: the question neither shows it nor sends it back."""

    deviations = {
        "rfc8628-3.3.1-server-shows-code-for-comparison": "the code that the address brought is not shown",
        "rfc8628-5.4-confirm-possession": "asks for nothing but a yes",
        "rfc10027-6.1.14-warns-of-unrequested": "asks for nothing but a yes",
        "rfc8628-3.3-decision-for-its-code": "the question that was opened last is the one that is answered",
    }

    def page_routes(self):
        return super().page_routes() | {"/consent": (("GET",), self.consent)}

    def question(self, request: Request, grant) -> Answer:
        self.kept = getattr(self, "kept", {})
        self.kept[self.sid(request)] = grant.user_code
        return self.redirect("/consent")

    def sid(self, request: Request) -> str:
        return request.cookies().get("sid", "")

    def consent(self, request: Request) -> Answer:
        if not self.person(request):
            return self.message(403, "forged")
        return self.guarded(request, getattr(self, "kept", {}).get(self.sid(request), ""), self.asked_of(request))

    def asked_of(self, request: Request):
        def asked(grant) -> Answer:
            wants = self.words["wants"].format(client=grant.client.name, scope=grant.scope)
            form = (
                f'<form method="post" action="/decide">{self.proof_field(request)}'
                '<input type="submit" name="decision" value="No"><input type="submit" name="decision" value="Yes">'
            )
            return self.page(200, "Grant access to your device", f"<p>{html.escape(wants)}</p>{form}</form>")

        return asked

    def decide(self, request: Request) -> Answer:
        form = self.page_form(request)
        if not self.person(request) or form is None or self.forged(request, form):
            return self.message(403, "forged")
        decision = {"Yes": "allow", "No": "deny"}.get(form.get("decision", ""), "")
        code = getattr(self, "kept", {}).pop(self.sid(request), "")
        return self.guarded(request, code, lambda grant: self.decided(request, grant, {"decision": decision}))
