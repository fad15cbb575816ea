"""Peers of the RFC dialect whose verification pages are built in another way."""

from __future__ import annotations

import html
import json
import secrets

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
