"""The verification page: sign in, type the code, see who asks, allow or deny (RFC 8628 3.3, 3.3.1, 5.1, 5.4, 6.1).

Rendered on the server, without script unless a fault adds some. GET shows pages and never decides anything.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections import Counter
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote, urlencode

from jinja2 import DictLoader, Environment, StrictUndefined
from markupsafe import Markup

from device_grant.reference.server.faults import Faults
from device_grant.reference.server.http import Answer, Call, Handler, crash
from device_grant.reference.server.rfc8628 import FORM
from device_grant.reference.server.scripts import allow_script, script
from device_grant.reference.server.sessions import COOKIE, BrowserSession, Sessions
from device_grant.reference.server.store import race_window
from device_grant.reference.server.verification import SIGN_IN_PATH, VERIFICATION_PATH

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from device_grant.reference.server.store import RegisteredClient, Store

HTML = "text/html; charset=utf-8"
_LONGEST_SHOWN = 120
"""Characters of a client's own name that are shown: a longer one could push the question off the screen."""
_TEMPLATES = ("base", "sign_in", "code", "confirm", "authorize", "result", "message", "front")


class VerificationPages:
    """Handlers of the page's two paths."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.settings = store.settings
        self.faults = store.faults
        self.sessions = Sessions(store)
        self._consents: set[tuple[str, str]] = set()
        self._stored: Counter[tuple[str, str]] = Counter()
        """Rows of consents, where there should be one for each person and client."""

    def handlers(self) -> dict[str, Handler]:
        """Handlers by path."""
        return {
            VERIFICATION_PATH: self.handle(self.show, self.post),
            SIGN_IN_PATH: self.handle(self.show_sign_in, self.sign_in),
        }

    async def show(self, call: Call, session: BrowserSession) -> Answer:
        """GET: sign in first; with a code, the confirmation; without, the place to type it."""
        query = dict(_pairs(call.query))
        if query.get("action") and (self.faults.form_taken_by_get or self.faults.decision_form_gets):
            call.body = call.query
            return await self.post(call, session)
        return self._shown(call, session, query)

    def _shown(self, call: Call, session: BrowserSession, query: dict[str, str]) -> Answer:
        typed = query.get("user_code", "")
        if typed and self.faults.expired_link_approves:
            self.store.revive(typed)
        if self.faults.redirects_anywhere and query.get("next"):
            return self.finish(session, Answer(303, b"", HTML, {"Location": quote(query["next"], safe=":/?=&")}))
        if self.faults.anyone_approves_on_get and self.store.decide(typed, approve=True, subject="nobody"):
            return self._result(session, approved=True)
        if not self._signed_in(session):
            return self._sign_in_form(session, typed)
        if not typed:
            return self._code_form(session)
        if self.faults.approves_on_get and self.store.decide(typed, approve=True, subject=session.user):
            return self._result(session, approved=True)
        return self._confirmation(call, session, typed)

    async def post(self, call: Call, session: BrowserSession) -> Answer:
        """POST: a typed code leads to the confirmation, an action decides."""
        form = dict(_pairs(call.body))
        if not self._own_form(session, form):
            return self._stale_form(session)
        typed = form.get("user_code", "")
        if not self._signed_in(session):
            return self._sign_in_form(session, typed)
        action = form.get("action", "")
        if action not in ("approve", "deny") or (action == "deny" and self.faults.decline_does_nothing):
            return self._confirmation(call, session, typed)
        if self.faults.decision_of_the_session:
            typed = session.opened
        return await self._decide(call, session, typed, approve=action == "approve")

    async def _decide(self, call: Call, session: BrowserSession, typed: str, *, approve: bool) -> Answer:
        blocked = self._blocked(call, session)
        if self.faults.scopeless_unapprovable and self._scopeless(typed):
            return self._wrong_code(call, session, typed)
        if not blocked and approve and self.faults.first_approvals_collide:
            blocked = await self._collision(session.user, typed)
        if blocked:
            return blocked
        if self.faults.decision_race:
            grant = await self.store.decide_late(typed, approve=approve, subject=session.user)
        elif self.faults.approval_outlives_code:
            grant = await self.store.decide_outliving(typed, approve=approve, subject=session.user)
        else:
            grant = self.store.decide(typed, approve=approve, subject=session.user)
        if grant is None:
            return self._wrong_code(call, session, typed)
        if approve and (self.faults.known_client_approves_on_get or self.faults.known_client_approved_by_code):
            self._consents.add((session.user, grant.client.id))
        if self.faults.tokens_age_with_session:
            grant.spent = int(self.store.clock() - session.since)
        return self._result(session, approved=approve)

    def _scopeless(self, typed: str) -> bool:
        grant = self.store.grant_by_user_code(typed)
        return grant is not None and not grant.scope

    async def _collision(self, user: str, typed: str) -> Answer | None:
        """A crash where there are several rows for the person and the client; the first approval makes one, late."""
        grant = self.store.grant_by_user_code(typed)
        if grant is None:
            return None
        row = (user, grant.client.id)
        if not self._stored[row]:
            await race_window()
            self._stored[row] += 1
        return crash().answer if self._stored[row] > 1 else None

    async def show_sign_in(self, call: Call, session: BrowserSession) -> Answer:
        """GET on the sign-in page, for people who come back to it."""
        return self._sign_in_form(session, dict(_pairs(call.query)).get("user_code", ""))

    async def sign_in(self, call: Call, session: BrowserSession) -> Answer:
        """POST: check name and password; on to the code by 303, so that none is sent again (RFC 9700 4.12)."""
        form = dict(_pairs(call.body))
        if not self._own_form(session, form):
            return self._stale_form(session)
        blocked = self._blocked(call, session)
        if blocked:
            return blocked
        user, typed = form.get("username", "").strip(), form.get("user_code", "")
        expected = self.settings.users.get(user)
        given = form.get("password", "")
        if expected is None or not hmac.compare_digest(expected.encode(), given.encode()):
            self.sessions.count_guess(session, call.address)
            if self.faults.wrong_password_500:
                return crash().answer
            problem = "Name or password is not right."
            return self._sign_in_form(session, typed, status=403, problem=problem, resume=form.get("resume", ""))
        fresh = self.sessions.sign_in(session, user)
        target = VERIFICATION_PATH + (f"?user_code={quote(typed, safe='')}" if typed else "")
        if form.get("resume") and session.wanted:
            target = session.wanted
        status = 307 if self.faults.sign_in_redirect_307 else 303
        return self.finish(fresh, Answer(status, b"", HTML, {"Location": target}))

    def _signed_in(self, session: BrowserSession) -> bool:
        return bool(session.user) or self.faults.sign_in_skipped

    def _own_form(self, session: BrowserSession, form: dict[str, str]) -> bool:
        unchecked = self.faults.known_client_approved_by_code and "action" not in form
        return unchecked or self.faults.csrf_unchecked or session.owns(form.get("csrf_token", ""))

    def _blocked(self, call: Call, session: BrowserSession) -> Answer | None:
        seconds = self.sessions.seconds_blocked(session, call.address)
        if not seconds:
            return None
        if self.faults.throttled_500:
            return crash().answer
        answer = self.render(
            session,
            "message",
            status=429,
            title="Too many attempts",
            text=f"Several codes in a row did not match. Wait {seconds} seconds, then try again.",
        )
        answer.headers["Retry-After"] = str(seconds)
        return answer

    def _confirmation(self, call: Call, session: BrowserSession, typed: str) -> Answer:
        blocked = self._blocked(call, session)
        if blocked:
            return blocked
        if self.faults.decision_of_the_session:
            session.opened = typed
        grant = self.store.grant_by_user_code(typed, dead=self.faults.dead_code_asks)
        if grant is None:
            return self._wrong_code(call, session, typed)
        skips = self.faults.known_client_approves_on_get or (
            self.faults.known_client_approved_by_code and call.method == "POST"
        )
        if skips and (session.user, grant.client.id) in self._consents:
            self.store.decide(typed, approve=True, subject=session.user)
            return self._result(session, approved=True)
        if self.faults.secret_in_page_address and b"client_secret" not in call.query:
            query = urlencode({"user_code": typed, "client_secret": grant.client.secret or ""})
            return self.finish(session, Answer(303, b"", HTML, {"Location": f"{VERIFICATION_PATH}?{query}"}))
        if self.faults.user_code_spent_on_entry:
            if grant.entered:
                return self._wrong_code(call, session, typed)
            grant.entered = True
        title = "Access" if self.faults.device_unmentioned else "Connect a device"
        location = dict(_pairs(call.query)).get("ip", "") if self.faults.link_location_unsigned else ""
        return self.render(
            session,
            "confirm",
            title=title,
            grant=grant,
            client=self.shown_name(grant.client),
            vouched=self.store.clients.known_beforehand(grant.client.id) or self.faults.anyone_may_name_a_client,
            location=location,
        )

    def _wrong_code(self, call: Call, session: BrowserSession, typed: str) -> Answer:
        self.sessions.count_guess(session, call.address)
        if self.faults.wrong_code_500:
            return crash().answer
        problem = "This code is not valid, or no longer. Compare it with the one on your device."
        if self.faults.dead_code_named and self.store.grant_by_user_code(typed, dead=True) is not None:
            problem = "This code was used before, or has expired. Start anew on your device."
        return self._code_form(session, typed, status=400, problem=problem)

    def shown_name(self, client: RegisteredClient) -> str:
        """What a page calls a client."""
        name = client.name or client.id or "An unknown client"
        if self.faults.client_name_unescaped:
            return Markup(name)  # noqa: S704 - the misbehaviour itself
        return name if len(name) <= _LONGEST_SHOWN else name[:_LONGEST_SHOWN] + "…"

    def _code_form(self, session: BrowserSession, typed: str = "", *, status: int = 200, problem: str = "") -> Answer:
        shown = Markup(typed) if self.faults.user_code_unescaped else typed  # noqa: S704 - likewise
        return self.render(session, "code", status=status, title="Connect a device", typed=shown, problem=problem)

    def _sign_in_form(
        self, session: BrowserSession, typed: str, *, status: int = 200, problem: str = "", resume: str = ""
    ) -> Answer:
        demo = next(iter(self.settings.users.items())) if self.settings.show_demo_account else None
        return self.render(
            session, "sign_in", status=status, title="Sign in", typed=typed, demo=demo, problem=problem, resume=resume
        )

    def ask_to_sign_in(self, session: BrowserSession, then: str) -> Answer:
        """The sign-in page, from which the browser goes on to a path of this server."""
        session.wanted = then
        return self._sign_in_form(session, "", resume="1")

    def _result(self, session: BrowserSession, *, approved: bool) -> Answer:
        title = "Device connected" if approved else "Request refused"
        return self.render(session, "result", title=title, approved=approved)

    def _stale_form(self, session: BrowserSession) -> Answer:
        if self.faults.stale_form_500:
            return crash().answer
        text = "This form is no longer valid. Open the page again and start over."
        return self.render(session, "message", status=403, title="Start over", text=text)

    def render(self, session: BrowserSession, template: str, *, status: int = 200, **values: Any) -> Answer:
        """A page for the browser of that session."""
        html = page(template, csrf_token=session.csrf, user=session.user, faults=self.faults, **values)
        return self.finish(session, Answer(status, html.encode("utf-8", errors="replace"), HTML))

    def finish(self, session: BrowserSession, answer: Answer) -> Answer:
        """The answer with the header fields that every page has, and the session's cookie."""
        secure = "; Secure" if self.settings.base.startswith("https:") else ""
        unbound = self.faults.csrf_unchecked or self.faults.known_client_approved_by_code
        same_site = "" if unbound else "; SameSite=Lax"
        answer.headers |= {
            "Cache-Control": "no-store",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Set-Cookie": f"{COOKIE}={session.id}; Path=/; HttpOnly{same_site}{secure}",
        }
        if self.faults.page_allows_cors:
            answer.headers["Access-Control-Allow-Origin"] = "*"
        if not self.faults.page_frameable:
            answer.headers |= {"Content-Security-Policy": self._policy(), "X-Frame-Options": "DENY"}
        return answer

    def _policy(self) -> str:
        return allow_script(policy(), self.faults)

    def handle(
        self,
        get: Callable[[Call, BrowserSession], Awaitable[Answer]],
        post: Callable[[Call, BrowserSession], Awaitable[Answer]],
    ) -> Handler:
        """A handler of pages: sessions, forms and methods are the same for all of them."""

        async def answer(call: Call) -> Answer:
            session = self.sessions.of(call)
            if call.method in ("GET", "HEAD"):
                return await get(call, session)
            if call.method != "POST":
                refused = self.render(
                    session, "message", status=405, title="Not possible", text="Open this page in a browser."
                )
                refused.headers["Allow"] = "GET, HEAD, POST"
                return refused
            if call.too_large or call.media_type != FORM:
                status = 413 if call.too_large else 415
                return self.render(
                    session, "message", status=status, title="Not possible", text="The form could not be read."
                )
            return await post(call, session)

        return answer


def page(template: str, **values: Any) -> str:
    """A template filled in, everything in it escaped."""
    return _environment().get_template(template).render({"user": "", "faults": Faults()} | values)


def policy() -> str:
    """The Content-Security-Policy of a page without script."""
    return (
        f"default-src 'none'; style-src 'sha256-{_style_digest()}'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _pairs(encoded: bytes) -> list[tuple[str, str]]:
    # People and browsers get the lenient reading: what cannot be decoded simply matches nothing.
    try:
        return parse_qsl(encoded.decode("ascii", errors="replace"), keep_blank_values=True, max_num_fields=100)
    except ValueError:
        return []


@cache
def _environment() -> Environment:
    folder = resources.files("device_grant.reference.server") / "templates"
    sources = {name: (folder / f"{name}.html").read_text(encoding="utf-8") for name in _TEMPLATES}
    environment = Environment(
        loader=DictLoader(sources),
        autoescape=True,
        undefined=StrictUndefined,
        auto_reload=False,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["script_of"] = script
    environment.globals["style"] = Markup(_style())  # noqa: S704 - our own style sheet, read from the package
    return environment


@cache
def _style() -> str:
    folder = resources.files("device_grant.reference.server") / "templates"
    return (folder / "style.css").read_text(encoding="utf-8")


@cache
def _style_digest() -> str:
    return base64.b64encode(hashlib.sha256(_style().encode()).digest()).decode()
