"""Peers of the RFC dialect that take decisions in another way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from typing import TYPE_CHECKING

from odd_pages import CodeRedirects
from peer_records import Refused
from peer_rfc import Honest
from peer_wire import Answer, json_answer

if TYPE_CHECKING:
    from peer_records import Client
    from peer_wire import Request


class TakesBack(Honest):
    """Lets people take an approval back, by a page that is still open, until the device has its token."""

    deviations = {"rfc8628-3.3-first-decision-counts": "an approval may be taken back"}

    def guarded(self, request: Request, code: str, go_on) -> Answer:
        form = self.page_form(request) or {}
        if request.path == "/decide" and form.get("decision") == "deny":
            for grant in self.grants.values():
                if grant.state == "approved" and self.plain(grant.user_code) == self.plain(code):
                    return go_on(grant)
        return super().guarded(request, code, go_on)


class StoredAfterwards(Honest):
    """A decision is stored where its answer leads: all of that is one request of the person's."""

    def __init__(self) -> None:
        super().__init__()
        self.taken = {}

    def page_routes(self):
        return super().page_routes() | {"/store": (("GET",), self.store)}

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        if form.get("decision", "") not in ("allow", "deny"):
            return self.question(request, grant)
        name = secrets.token_urlsafe(16)
        self.taken[name] = (request.cookies().get("sid", ""), grant.user_code, form)
        return self.redirect(f"/store?taken={name}")

    def store(self, request: Request) -> Answer:
        sid, code, form = self.taken.pop(request.asked("taken"), ("", "", {}))
        if not sid or sid != request.cookies().get("sid", ""):
            return self.message(403, "forged")
        return self.guarded(request, code, lambda grant: super(StoredAfterwards, self).decided(request, grant, form))


class LinkAfterwards(Honest):
    """What follows a decision has a link, which people press."""

    target = {"user": {"module": "person_further.py"}}

    def decided(self, request: Request, grant, form: dict[str, str]) -> Answer:
        answer = super().decided(request, grant, form)
        answer.body = answer.body.replace(b"</main>", b'<a href="/device">Another device</a></main>')
        return answer


class CodeByGet(Honest):
    """The form for the code is sent by GET: it only asks for a page."""

    def code_form(self, request: Request) -> str:
        return super().code_form(request).replace('method="post"', 'method="get"')


class QuestionByLink(CodeRedirects):
    """A code leads to a page whose link leads to the question."""

    target = {"user": {"module": "person_further.py"}}

    def question(self, request: Request, grant) -> Answer:
        body = f'<p>{grant.user_code}</p><a href="/consent?request={grant.handle}">See what it asks for</a>'
        return self.page(200, self.words["code"], body)


class ProofsForOnce(Honest):
    """What binds the form of the question to its session is good for one attempt, whatever becomes of it."""

    def __init__(self) -> None:
        super().__init__()
        self.good = {}

    def page_routes(self):
        return super().page_routes() | {"/decide": (("GET", "POST"), self.decide)}

    def decision_form(self, request: Request, grant) -> str:
        name = secrets.token_urlsafe(16)
        self.good[name] = request.cookies().get("sid", "")
        field = f'<input type="hidden" name="once" value="{name}">'
        return super().decision_form(request, grant).replace("<button", field + "<button", 1)

    def decide(self, request: Request) -> Answer:
        form = (self.page_form(request) if request.method == "POST" else None) or {}
        sid = self.good.pop(form.get("once") or request.asked("once"), "")
        if request.method == "GET" or not sid or sid != request.cookies().get("sid", ""):
            return self.message(403, "forged")
        return super().decide(request)


class SaysWhatBecameOfIt(Honest):
    """Says of a code that is over that it is, and has a form to begin anew with it filled in."""

    def wrong_code(self, request: Request) -> Answer:
        code = self.plain((self.page_form(request) or {}).get("user_code", ""))
        known = any(self.plain(grant.user_code) == code for grant in self.grants.values())
        if not known:
            return super().wrong_code(request)
        form = f'<form method="post" action="{self.verification}">{self.proof_field(request)}'
        fields = f'<input name="user_code" value="{code}"><button>Try another one</button></form>'
        return self.page(410, "This code was used", form + fields)


class SaysWhoseTokenItIs(Honest):
    """Sends an ID token whose subject is one that only the client knows the person by."""

    target = {"user": {"second": "person_second.py"}}

    def redeem(self, form, client) -> Answer:
        grant = self.grants.get(form.get("device_code", ""))
        answer = super().redeem(form, client)
        return self.with_id_token(answer, self.whose(grant), client)

    def with_id_token(self, answer: Answer, person: str, client: Client) -> Answer:
        subject = hmac.new(self.key, f"{person} {client.id}".encode(), hashlib.sha256).hexdigest()
        parts = ({"alg": "HS256"}, {"sub": subject}, {"signature": "none of ours"})
        texts = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
        return json_answer(200, json.loads(answer.body) | {"id_token": ".".join(texts)}, *answer.headers[1:])

    def whose(self, grant) -> str:
        return grant.person


class SaysItAtEachRefresh(SaysWhoseTokenItIs):
    """Sends an ID token with each refresh too."""

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[str, str] = {}

    def with_id_token(self, answer, person, client):
        self.people[json.loads(answer.body)["refresh_token"]] = person
        return super().with_id_token(answer, person, client)

    def refresh(self, form, client) -> Answer:
        answer = super().refresh(form, client)
        return self.with_id_token(answer, self.refreshed_for(form), client)

    def refreshed_for(self, form) -> str:
        return self.people[form["refresh_token"]]


class DeletesClients(Honest):
    """Lets clients delete their registration, each by a token of its own (RFC 7592 section 3)."""

    managed = "/managed"

    def routes(self):
        return super().routes() | {self.managed: (("DELETE",), self.delete)}

    def registered(self, client, wanted: dict) -> dict:
        uri = f"{self.url(self.managed)}?client={client.id}"
        return super().registered(client, wanted) | {
            "registration_client_uri": uri,
            "registration_access_token": self.proof(client.id),
        }

    def delete(self, request: Request) -> Answer:
        name = request.asked("client")
        if request.headers.get("authorization", "") != f"Bearer {self.proof(name)}":
            return Answer(401, b"", [("WWW-Authenticate", "Bearer")])
        self.forget(name)
        return Answer(204, b"", [("Cache-Control", "no-store")])

    def forget(self, name: str) -> None:
        self.clients.pop(name, None)


class HidesClientsFromStrangers(DeletesClients):
    """Says of a client that somebody else asks about that there is none."""

    def delete(self, request):
        answer = super().delete(request)
        return answer if answer.status == 204 else Answer(404, b"", [])


class DisablesClients(Honest):
    """Its operator can disable a client, which is then told that it may not do this."""

    def __init__(self) -> None:
        super().__init__()
        self.disabled: set[str] = set()

    def switch(self, name: str, action: str) -> None:
        (self.disabled.add if action == "disable" else self.disabled.discard)(name)

    def client(self, request: Request, form: dict[str, str]) -> Client:
        client = super().client(request, form)
        if client.id in self.disabled:
            raise Refused("unauthorized_client", status=403)
        return client


class ForgetsGrantsOfDisabledClients(DisablesClients):
    """What a client had begun is lost when it is disabled, and stays lost."""

    def switch(self, name, action):
        self.grants = {code: grant for code, grant in self.grants.items() if grant.client.id != name}


class ForgetsGrantsOfDeletedClients(DeletesClients):
    """Takes a client that is gone for one that never was, and its codes too: each by an error of its own."""

    def forget(self, name: str) -> None:
        self.grants = {code: grant for code, grant in self.grants.items() if grant.client.id != name}


class FieldFits(Honest):
    """Says how long a code is, and what it is made of, and takes it with and without its dash."""

    def code_form(self, request: Request) -> str:
        limits = 'minlength="8" maxlength="24" pattern="[ ]*[A-Za-z]{4}[- ]?[A-Za-z]{4}[ ]*" inputmode="text"'
        return super().code_form(request).replace('name="user_code"', f'name="user_code" {limits}')
