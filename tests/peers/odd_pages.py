"""Peers of the RFC dialect whose verification pages are built in another way."""

from __future__ import annotations

import html
import json
import secrets
import time

from peer_pages import ACCOUNTS, CLOSED
from peer_rfc import Honest
from peer_wire import Answer, Request


class German(Honest):
    """Pages in German: RFC 8628 says nothing of languages."""

    words = {
        "lang": "de",
        "sign in": "Anmelden",
        "purpose": "Um ein Gerät zu verbinden, melden Sie sich an.",
        "unasked": "Wenn Sie das nicht selbst begonnen haben, lehnen Sie ab.",
        "code": "Gerät verbinden",
        "type": "Geben Sie den Code ein, den Ihr Gerät anzeigt",
        "next": "Weiter",
        "confirm": "Ist das Ihr Gerät?",
        "compare": "Vergleichen Sie diesen Code mit dem auf Ihrem Gerät; es muss vor Ihnen stehen:",
        "wants": "Ein Gerät mit dem Programm {client} möchte auf Ihr Konto zugreifen: {scope}.",
        "allow": "Zulassen",
        "deny": "Ablehnen",
        "allowed": "Zugelassen. Kehren Sie zu Ihrem Gerät zurück.",
        "denied": "Abgelehnt. Kehren Sie zu Ihrem Gerät zurück.",
        "wrong": "Dieser Code ist falsch oder nicht mehr gültig.",
        "slower": "Zu viele falsche Codes. Warten Sie eine Minute.",
        "bad login": "Name oder Passwort ist falsch.",
        "forged": "Dieses Formular ist nicht von hier oder zu alt.",
    }


class OtherWording(Honest):
    """Asks for possession in words of its own (RFC 8628 section 5.4 gives none)."""

    words = Honest.words | {
        "confirm": "Is this your device?",
        "unasked": "",
        "compare": "Compare this code with the one on the screen, and go on only if you hold the device in your hands:",
    }


class FormPerButton(Honest):
    """A form for each of the two decisions."""

    def decision_form(self, request: Request, grant) -> str:
        return "".join(
            f'<form method="post" action="/decide">{self.proof_field(request)}'
            f'<input type="hidden" name="user_code" value="{html.escape(grant.user_code)}">'
            f'<input type="submit" name="decision" value="{value}"></form>'
            for value in ("allow", "deny")
        )


class Selects(Honest):
    """The decision is chosen from a list."""

    def decision_form(self, request: Request, grant) -> str:
        return (
            f'<form method="post" action="/decide">{self.proof_field(request)}'
            f'<input type="hidden" name="user_code" value="{html.escape(grant.user_code)}">'
            '<select name="decision"><option value="">Please choose</option><option value="allow">Allow</option>'
            '<option value="deny">Deny</option></select><button>Continue</button></form>'
        )


class Radios(Honest):
    """The decision is one of two radio buttons, neither of them chosen."""

    def decision_form(self, request: Request, grant) -> str:
        return (
            f'<form method="post" action="/decide">{self.proof_field(request)}'
            f'<input type="hidden" name="user_code" value="{html.escape(grant.user_code)}">'
            '<label><input type="radio" name="decision" value="allow"> Allow</label>'
            '<label><input type="radio" name="decision" value="deny"> Deny</label><button>Send</button></form>'
        )


class Checkboxes(Honest):
    """Each scope has a box; what is not ticked is not granted (RFC 6749 section 3.3)."""

    def decision_form(self, request: Request, grant) -> str:
        boxes = "".join(
            f'<label><input type="checkbox" name="scope.{word}" value="1"> {word}</label>'
            for word in map(html.escape, grant.scope.split())
        )
        return super().decision_form(request, grant).replace("<button", boxes + "<button", 1)

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        ticked = [word for word in grant.scope.split() if f"scope.{word}" in form]
        if form.get("decision") == "allow":
            if not ticked:
                return self.question(request, grant)
            grant.scope = " ".join(ticked)
        return super().decided(request, grant, form)


class SplitCode(Honest):
    """Two fields for the two halves of the code."""

    def code_form(self, request: Request) -> str:
        return (
            f'<form method="post" action="{self.verification}">{self.proof_field(request)}'
            f"<fieldset><legend>{self.words['type']}</legend>"
            '<input name="first" aria-label="first half"> - <input name="second" aria-label="second half"></fieldset>'
            f"<button>{self.words['next']}</button></form>"
        )

    def code_of(self, form: dict[str, str]) -> str:
        return form.get("first", "") + form.get("second", "")


class TwoSteps(Honest):
    """First whether it is the person's device, then what it may do: two pages after the code."""

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        if form.get("decision") == "allow" and form.get("step") != "2":
            fields = self.decision_form(request, grant).replace(
                "<button", '<input type="hidden" name="step" value="2"><button', 1
            )
            return self.page(200, "What may it do?", f"<p>It asks for: {html.escape(grant.scope)}</p>{fields}")
        return super().decided(request, grant, form)


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


class PasswordWithDecision(Honest):
    """The password is asked once more, together with the decision."""

    def decision_form(self, request: Request, grant) -> str:
        fields = (
            '<label>Name <input name="name"></label><label>Password <input type="password" name="password"></label>'
        )
        return super().decision_form(request, grant).replace("<button", fields + "<button", 1)

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        name = form.get("name", "")
        if name != self.person(request) or ACCOUNTS.get(name) != form.get("password"):
            return self.page(403, self.words["confirm"], f"<p>{self.words['bad login']}</p>")
        return super().decided(request, grant, form)


class RedirectsAfterwards(Honest):
    """A decision leads by 303 to a page that says so."""

    def page_routes(self):
        done = {
            f"/done/{name}": (("GET",), lambda _, name=name: self.message(200, name)) for name in ("allowed", "denied")
        }
        return super().page_routes() | done

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        answer = super().decided(request, grant, form)
        return (
            self.redirect("/done/allowed" if form["decision"] == "allow" else "/done/denied")
            if grant.decided
            else answer
        )


class CodeRedirects(Honest):
    """A code that is right leads by 303 to a page of its own, under a handle."""

    def page_routes(self):
        return super().page_routes() | {"/consent": (("GET",), self.consent)}

    def question(self, request: Request, grant) -> Answer:
        return self.redirect(f"/consent?request={grant.handle}")

    def consent(self, request: Request) -> Answer:
        for grant in self.grants.values():
            if self.person(request) and grant.handle == request.asked("request") and grant.state == "pending":
                return super().question(request, grant)
        return self.message(404, "wrong")


class FoundRedirects(Honest):
    """Redirects by 302 before the sign-in, 303 after it (RFC 9700 section 4.12 speaks of credentials)."""

    def code_page(self, request: Request) -> Answer:
        answer = super().code_page(request)
        if answer.status == 303:
            answer.status = 302
        return answer


class NotFoundForWrongCode(Honest):
    """A wrong code is answered 404."""

    wrong_code_status = 404


class OkForWrongCode(Honest):
    """A wrong code is answered 200 with the form again, as many web applications do."""

    wrong_code_status = 200


class ErrorPageForWrongCode(Honest):
    """A wrong code is answered with a page of errors, without the form."""

    def wrong_code(self, request: Request) -> Answer:
        return self.page(400, "Bad Request", "<p>This request cannot be understood.</p>")


class RemembersScopes(Honest):
    """Remembers what a person once allowed and says so; it still asks (RFC 6749 section 10.2)."""

    def question(self, request: Request, grant) -> Answer:
        known = getattr(self, "known", set())
        answer = super().question(request, grant)
        if (self.person(request), grant.client.id) in known:
            answer.body = answer.body.replace(b"wants access", b"again wants access")
        return answer

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        if form.get("decision") == "allow":
            self.known = {*getattr(self, "known", set()), (self.person(request), grant.client.id)}
        return super().decided(request, grant, form)


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


class PlainPages(Honest):
    """Errors of the pages are plain text."""

    def message(self, status: int, name: str, *headers: tuple[str, str]) -> Answer:
        if status < 400:
            return super().message(status, name, *headers)
        text = [("Content-Type", "text/plain; charset=utf-8"), *CLOSED, *headers]
        return Answer(status, f"{self.words[name]}\n".encode(), text)


class ApiPages(Honest):
    """An application of scripts: the page is a shell, and the steps are JSON under /api, with a proof in a header.

    RFC 8628 section 3.3 does not say how pages are made. Decisions come as JSON, which no form of others can send.
    """

    target = {"user": {"module": "person_api.py"}}

    def routes(self):
        return super().routes() | {
            "/api/session": (("POST",), self.api(self.api_session, signed_in=False)),
            "/api/device": (("POST",), self.api(self.api_device)),
            "/api/decision": (("POST",), self.api(self.api_decision)),
        }

    def page_routes(self):
        return {self.verification: (("GET",), self.shell)}

    def shell(self, request: Request) -> Answer:
        answer = self.page(200, self.words["code"], '<div id="app">Loading …</div><script src="/app.js"></script>')
        answer.headers = [
            (name, value.replace("default-src 'none'", "default-src 'self'")) for name, value in answer.headers
        ]
        return answer

    def api(self, step, *, signed_in: bool = True):
        def handle(request: Request) -> Answer:
            if request.media_type() != "application/json" or request.headers.get("x-peer") != "1":
                return self.said(403, {"message": "not from here"})
            if signed_in and not self.person(request):
                return self.said(403, {"message": "sign in first"})
            try:
                given = json.loads(request.body)
                return step(request, {name: str(given[name]) for name in given})
            except (ValueError, TypeError):
                return self.said(400, {"message": "not understood"})

        return handle

    def said(self, status: int, content: dict, *headers: tuple[str, str]) -> Answer:
        return Answer(status, json.dumps(content).encode(), [("Content-Type", "application/json"), *CLOSED, *headers])

    def api_session(self, request: Request, given: dict[str, str]) -> Answer:
        if ACCOUNTS.get(given.get("name", "")) != given.get("password", "-"):
            return self.said(403, {"message": self.words["bad login"]})
        sid = secrets.token_urlsafe(24)
        self.sessions[sid] = given["name"]
        return self.said(200, {"signed_in": given["name"]}, ("Set-Cookie", self.cookie(sid)))

    def api_device(self, request: Request, given: dict[str, str]) -> Answer:
        return self.guarded(request, given.get("user_code", ""), lambda grant: self.question(request, grant))

    def question(self, request: Request, grant) -> Answer:
        wants = self.words["wants"].format(client=grant.client.name, scope=grant.scope)
        question = f"{self.words['confirm']} {wants} {self.words['compare']} {grant.user_code}"
        return self.said(200, {"question": question, "answers": ["allow", "deny"], "user_code": grant.user_code})

    def api_decision(self, request: Request, given: dict[str, str]) -> Answer:
        return self.guarded(request, given.get("user_code", ""), lambda grant: self.decided(request, grant, given))

    def message(self, status: int, name: str, *headers: tuple[str, str]) -> Answer:
        return self.said(status, {"message": self.words[name]}, *headers)

    def wrong_code(self, request: Request) -> Answer:
        return self.said(404, {"message": self.words["wrong"]})


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
