"""Servers whose pages look like an honest peer's, and decide what they must not, or tell what they must not."""

from __future__ import annotations

import html
from dataclasses import replace

from odd_decisions import (
    DeletesClients,
    DisablesClients,
    ForgetsGrantsOfDeletedClients,
    ForgetsGrantsOfDisabledClients,
    HidesClientsFromStrangers,
    SaysItAtEachRefresh,
    SaysWhoseTokenItIs,
)
from odd_pages import ApiPages, Checkboxes, CodeRedirects, RemembersScopes, Selects, TwoSteps
from peer_rfc import Honest
from peer_wire import Answer


class DenialOfAnOpenPage(Honest):
    """Looks at the state of a code when it is typed, and not when the question is answered."""

    def guarded(self, request, code, go_on):
        if request.path == "/decide":
            for grant in self.grants.values():
                if grant.state in ("approved", "denied") and self.plain(grant.user_code) == self.plain(code):
                    return go_on(grant)
        return super().guarded(request, code, go_on)


class DenialOfAnOpenList(DenialOfAnOpenPage, Selects):
    """The same with a list to choose from."""


class DenialOfOpenSteps(DenialOfAnOpenPage, TwoSteps):
    """The same by two pages."""


class DenialOfOpenScript(DenialOfAnOpenPage, ApiPages):
    """The same by JSON."""

    def guarded(self, request, code, go_on):
        path = "/decide" if request.path == "/api/decision" else request.path
        return super().guarded(replace(request, path=path), code, go_on)


class DecidedByLinks(Honest):
    """The question has links for its answers, good in any session."""

    def page_routes(self):
        return super().page_routes() | {"/decide": (("GET",), self.decide)}

    def decision_form(self, request, grant):
        address = f"/decide?user_code={html.escape(grant.user_code)}&amp;decision="
        return f'<p><a href="{address}allow">Allow</a> <a href="{address}deny">Deny</a></p>'

    def decide(self, request):
        form = {name: request.asked(name) for name in ("user_code", "decision")}
        if not self.person(request):
            return self.message(403, "forged")
        return self.guarded(request, form["user_code"], lambda grant: self.decided(request, grant, form))

    target = {"user": {"module": "person_links.py"}}


class DecidedByScriptedButtons(DecidedByLinks):
    """The same by buttons that set the location."""

    def decision_form(self, request, grant):
        return "".join(
            f"<button onclick=\"location.href='./decide?user_code={html.escape(grant.user_code)}&amp;decision={one}'\">"
            f"{one}</button>"
            for one in ("allow", "deny")
        )


class DecidedByBoundLinks(DecidedByLinks):
    """The same, each good in one session alone."""

    def decision_form(self, request, grant):
        proof = self.proof(request.cookies().get("sid", ""))
        return super().decision_form(request, grant).replace("decide?", f"decide?proof={proof}&amp;")

    def decide(self, request):
        if self.forged(request, {"proof": request.asked("proof")}):
            return self.message(403, "forged")
        return super().decide(request)


class FormByGet(Honest):
    """Reads the fields of its forms from the address too."""

    def page_routes(self):
        return super().page_routes() | {"/decide": (("GET", "POST"), self.decide)}

    def page_form(self, request):
        if request.method == "GET":
            return {name: request.asked(name) for name in ("proof", "user_code", "decision")}
        return super().page_form(request)


class BoxesByGet(FormByGet, Checkboxes):
    """The same with boxes to tick."""

    def page_form(self, request):
        form = super().page_form(request)
        ticked = [f"scope.{word}" for word in self.default_scope.split() if request.asked(f"scope.{word}")]
        return form | dict.fromkeys(ticked, "1") if request.method == "GET" else form


class RemembersForAnybody(RemembersScopes):
    """Asks nothing the second time, and takes the code from any site."""

    def cookie(self, sid):
        return f"sid={sid}; Path=/; HttpOnly"

    def forged(self, request, form):
        return request.path == "/decide" and super().forged(request, form)

    def question(self, request, grant):
        if request.method == "POST" and (self.person(request), grant.client.id) in getattr(self, "known", set()):
            return self.decided(request, grant, {"decision": "allow"})
        return super().question(request, grant)


class RemembersByLink(RemembersForAnybody):
    """The same by links alone, with a cookie that goes with those only."""

    cookie = Honest.cookie
    forged = Honest.forged

    def question(self, request, grant):
        method = "POST" if request.method == "GET" else "GET"
        return super().question(replace(request, method=method), grant)


class DeadCodesAsk(CodeRedirects):
    """Shows the question of codes that are over under their handle."""

    def pending(self, typed):
        own = super().pending(typed)
        return own or next((g for g in self.grants.values() if self.plain(g.user_code) == self.plain(typed)), None)

    def consent(self, request):
        for grant in self.grants.values():
            if self.person(request) and grant.handle == request.asked("request"):
                return Honest.question(self, request, grant)
        return self.message(404, "wrong")

    def decide(self, request):
        own = super().pending((self.page_form(request) or {}).get("user_code", ""))
        return super().decide(request) if own else self.message(400, "wrong")


class SecretInAddress(CodeRedirects):
    """Tells its pages the client's secret, in the address of the question."""

    def question(self, request, grant):
        return self.redirect(f"/consent?request={grant.handle}&client={grant.client.secret}")


class DeviceCodeInPage(Honest):
    """Has the device code in a field of the question."""

    def decision_form(self, request, grant):
        code = next(code for code, one in self.grants.items() if one is grant)
        field = f'<input type="hidden" name="request" value="{code}">'
        return super().decision_form(request, grant).replace("<button", field + "<button", 1)


class FieldTooShort(Honest):
    """Takes as many characters as the code has letters."""

    limits = f'maxlength="{Honest.code_length}"'

    def code_form(self, request):
        return super().code_form(request).replace('name="user_code"', f'name="user_code" {self.limits}')


class FieldOfLetters(FieldTooShort):
    """Takes letters alone."""

    limits = 'pattern="[A-Za-z]+"'


class FieldTooLong(FieldTooShort):
    """Wants more than a code has."""

    limits = 'minlength="12"'


class FieldOfNumbers(FieldTooShort):
    """Takes numbers alone."""

    limits = 'type="number"'


class ScopelessInvisible(Honest):
    """Begins requests without scope and finds none of them again."""

    def scope(self, asked, client):
        return super().scope(asked, client) if asked else ""

    def pending(self, typed):
        own = super().pending(typed)
        return own if own and own.scope else None


class TokenOfTheLastPerson(SaysWhoseTokenItIs):
    """A token is for whoever decided last."""

    def settle(self, grant, *, allowed, person):
        super().settle(grant, allowed=allowed, person=person)
        self.last = person

    def whose(self, grant):
        return self.last


class RefreshForTheLastPerson(SaysItAtEachRefresh):
    """A refreshed token is for whoever approved last."""

    def settle(self, grant, *, allowed, person):
        super().settle(grant, allowed=allowed, person=person)
        self.last = person

    def refreshed_for(self, form):
        return self.last


class TokenOfTheSecond(DenialOfAnOpenPage, SaysWhoseTokenItIs):
    """A token is for the last who approved its code."""


class TokenOfNobody(SaysWhoseTokenItIs):
    """Says the same of everybody's tokens."""

    def whose(self, grant):
        return "somebody"


class DeletedClientsRedeem(DeletesClients):
    """Says that a client is deleted, and goes on with it."""

    def forget(self, name):
        pass


class DeletedByAnybody(DeletesClients):
    """Takes each client's token for any client."""

    def delete(self, request):
        tokens = {f"Bearer {self.proof(name)}" for name in self.clients}
        if request.headers.get("authorization", "") not in tokens:
            return Answer(401, b"", [("WWW-Authenticate", "Bearer")])
        self.forget(request.asked("client"))
        return Answer(204, b"", [])


class DeletedWithoutToken(DeletesClients):
    """Asks nobody for a token."""

    def delete(self, request):
        self.forget(request.asked("client"))
        return Answer(204, b"", [])


class DeletesNobody(DeletesClients):
    """Says where clients are managed, and lets none of them be deleted."""

    def delete(self, request):
        return Answer(403, b"", [])


class DisabledClientsRedeem(DisablesClients):
    """Asks whether a client is disabled where a device begins, and not again."""

    def client(self, request, form):
        served = self.disabled if request.path == "/token" else set()
        kept, self.disabled = self.disabled, self.disabled - served
        try:
            return super().client(request, form)
        finally:
            self.disabled = kept


class StaysDisabled(DisablesClients):
    """A client that was disabled once is never served again."""

    def switch(self, name, action):
        super().switch(name, "disable")


DENIAL = ("open_pages::test_open_pages_decide_no_more", "rfc8628-3.5-access-denied-terminal")
LINK = ("deciding_requests::test_no_link_approves", "rfc9110-9.2.1-safe-get")
BY_GET = ("deciding_requests::test_deciding_form_sent_by_get", "rfc9110-9.2.1-safe-get")
KNOWN = ("deciding_requests::test_forged_code_of_a_known_client", "rfc6749-10.12-csrf-on-consent")
SECRETS = ("deciding_requests::test_pages_hold_no_secret_of_the_client", "rfc6749-2.3.1-secret-not-in-pages")
DEAD = ("open_pages::test_dead_codes_ask_nothing", "rfc8628-3.3-dead-code-asks-nothing")
FIELD = ("verification_page::test_page_asks_for_the_code", "rfc8628-3.3-user-code-prompt")
AGAIN = ("verification_page::test_second_request_is_asked_again", "rfc8628-5.4-confirm-possession")
SCOPELESS = ("deciding_requests::test_request_without_scope_can_be_approved", "rfc8628-3.1-scope-absent-handled")
PEOPLE = ("two_people::test_tokens_of_two_people", "rfc8628-3.3-token-for-its-user")
RENEWED = ("two_people::test_refresh_after_another_person", "rfc8628-3.3-token-for-its-user")
DECIDERS = ("two_people::test_second_decider", "rfc8628-3.3-token-for-its-user")
DELETED = ("deleted_clients::test_approved_code_of_a_deleted_client", "rfc8628-3.4-deleted-client-refused")
TOKEN = ("deleted_clients::test_deletion_with_tokens_of_others", "rfc7592-2.3-token-required")
DISABLED = ("deleted_clients::test_approved_code_of_a_disabled_client", "rfc8628-3.4-disabled-client-refused")
FAILING = [
    (DeletedClientsRedeem, *DELETED),
    (DisabledClientsRedeem, *DISABLED),
    *((peer, *TOKEN) for peer in (DeletedByAnybody, DeletedWithoutToken)),
    (TokenOfTheLastPerson, *PEOPLE),
    (RefreshForTheLastPerson, *RENEWED),
    (TokenOfTheSecond, *DECIDERS),
    *((peer, *DENIAL) for peer in (DenialOfAnOpenPage, DenialOfAnOpenList, DenialOfOpenSteps, DenialOfOpenScript)),
    *((peer, *LINK) for peer in (DecidedByLinks, DecidedByScriptedButtons, DecidedByBoundLinks)),
    (DecidedByLinks, "page_security::test_forged_approval", "rfc6749-10.12-csrf-on-consent"),
    *((peer, *BY_GET) for peer in (FormByGet, BoxesByGet)),
    *((peer, *KNOWN) for peer in (RemembersForAnybody, RemembersByLink)),
    *((peer, *SECRETS) for peer in (SecretInAddress, DeviceCodeInPage)),
]
WARNED = [
    (HidesClientsFromStrangers, *TOKEN),
    (DeadCodesAsk, *DEAD),
    *((peer, *FIELD) for peer in (FieldTooShort, FieldOfLetters, FieldTooLong, FieldOfNumbers)),
    (ScopelessInvisible, *SCOPELESS),
    (RemembersForAnybody, *AGAIN),
]
UNTOLD = [(TokenOfNobody, *PEOPLE)]
UNTESTABLE = [
    (SaysWhoseTokenItIs, *RENEWED),
    (DeletesNobody, *TOKEN),
    (StaysDisabled, *DISABLED),
    (DeletesClients, *DISABLED),
]
PASSING = [
    (DisablesClients, *DISABLED),
    (ForgetsGrantsOfDisabledClients, *DISABLED),
    (DeletesClients, *DELETED),
    (DeletesClients, *TOKEN),
    (ForgetsGrantsOfDeletedClients, *DELETED),
    (SaysWhoseTokenItIs, *PEOPLE),
    (SaysItAtEachRefresh, *RENEWED),
    (SaysWhoseTokenItIs, *DECIDERS),
    (DecidedByBoundLinks, "page_security::test_forged_approval", "rfc6749-10.12-csrf-on-consent"),
]
