"""`/authorize`: a browser comes with a request of a client, a person signs in and decides, the browser goes back.

The path and its parameters are those that AWS CLI uses; the service model does not have them. RFC 6749 section 4.1 and
RFC 7636 say the rest. GET shows pages and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

from device_grant.reference.server.code_grant.challenges import served, taken_as_plain
from device_grant.reference.server.code_grant.codes import challenge_of
from device_grant.reference.server.code_grant.redirects import origin_of, redirect_allowed, with_answer
from device_grant.reference.server.grants import may_use
from device_grant.reference.server.http import Answer, Call, Handler
from device_grant.reference.server.pages import HTML, policy

if TYPE_CHECKING:
    from device_grant.reference.server.code_grant.codes import Codes
    from device_grant.reference.server.pages import VerificationPages
    from device_grant.reference.server.sessions import BrowserSession
    from device_grant.reference.server.store import RegisteredClient

AUTHORIZE_PATH = "/authorize"
AUTHORIZATION_CODE = "authorization_code"
_MOST_PARAMETERS = 50
_CUT = 64
"""Characters of state that the fault `authorize_state_cut` leaves."""


class _UnacceptableError(Exception):
    """A request whose answer must not go to the redirect URI in it: the person is shown why instead."""


_WORDS = {
    "invalid_request": "code_challenge must be there, 43 characters of base64url, and code_challenge_method S256",
    "invalid_scope": "A scope is not one of this application",
    "server_error": "Something went wrong",
    "unsupported_response_type": "response_type must be code",
}
"""Why the browser goes back at once."""


@dataclass(frozen=True)
class AuthorizationRequest:
    """What a client asks for."""

    client: RegisteredClient
    redirect_uri: str
    parameters: dict[str, str]
    query: str
    """As it came, for the form that decides."""

    def answer(self, members: dict[str, str]) -> str:
        """Where the browser goes with these members and the state of the request."""
        state = self.parameters.get("state")
        return with_answer(self.redirect_uri, members if state is None else members | {"state": state})


class AuthorizePages:
    """The handler of `/authorize`."""

    def __init__(self, pages: VerificationPages, codes: Codes) -> None:
        self.pages = pages
        self.codes = codes
        self.store = pages.store
        self.faults = pages.store.faults

    def handlers(self) -> dict[str, Handler]:
        """Handlers by path."""
        if self.faults.authorize_missing:
            return {}
        return {AUTHORIZE_PATH: self.pages.handle(self.show, self.decide)}

    async def show(self, call: Call, session: BrowserSession) -> Answer:
        """GET: sign in first, then the question."""
        try:
            asked = self._asked(call.query.decode("latin-1"))
        except _UnacceptableError as reason:
            return self._unacceptable(session, str(reason))
        if not session.user and not self.faults.sign_in_skipped:
            return self.pages.ask_to_sign_in(session, then=f"{AUTHORIZE_PATH}?{asked.query}")
        places = asked.query.find("scopes="), asked.query.find("code_challenge=")
        if self.faults.authorize_order_matters and 0 <= places[0] < places[1]:
            return self._unacceptable(session, "The parameters are not in their order.")
        problem = self._problem(asked)
        if problem:
            # Only now: a redirect for anyone's link would lend this server's name to wherever it leads.
            return self._redirect(session, asked.answer(self._error(problem)))
        if self.faults.authorize_without_consent:
            return self._allowed(session, asked)
        answer = self.pages.render(
            session,
            "authorize",
            title="An application asks for access",
            client=self.pages.shown_name(asked.client),
            scopes=self._scopes(asked),
            query=asked.query,
        )
        answer.headers["Content-Security-Policy"] = _policy(asked.redirect_uri)
        return answer

    async def decide(self, call: Call, session: BrowserSession) -> Answer:
        """POST: the person has pressed Allow or Deny."""
        form = dict(parse_qsl(call.body.decode("ascii", errors="replace"), keep_blank_values=True))
        if not session.owns(form.get("csrf_token", "")) or not session.user:
            return self._unacceptable(session, "This form is no longer valid. Start anew in your application.")
        try:
            asked = self._asked(form.get("request", ""))
        except _UnacceptableError as reason:
            return self._unacceptable(session, str(reason))
        problem = self._problem(asked)
        if problem:
            return self._redirect(session, asked.answer(self._error(problem)))
        if form.get("action") == "approve":
            return self._allowed(session, asked)
        if self.faults.authorize_refusal_dead_end:
            return self.pages.render(session, "message", title="Request refused", text="You can close this page.")
        return self._redirect(
            session, asked.answer({"error": "access_denied", "error_description": "The user refused"})
        )

    def _asked(self, query: str) -> AuthorizationRequest:
        """The request in a query; raises _UnacceptableError where nobody may be redirected."""
        try:
            pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=_MOST_PARAMETERS, errors="strict")
        except ValueError:
            raise _UnacceptableError("The address of this page is not well-formed.") from None
        parameters = dict(pairs)
        if len(parameters) != len(pairs):
            raise _UnacceptableError("A parameter in the address of this page is repeated.")
        uri = parameters.get("redirect_uri", "")
        if self.faults.authorize_state_cut and "state" in parameters:
            parameters["state"] = parameters["state"][:_CUT]
        client = self._client(parameters.get("client_id", ""))
        if client is None:
            if not self.faults.authorize_unknown_client_redirected or not origin_of(uri):
                raise _UnacceptableError("The application is not registered here, or no longer.")
            from device_grant.reference.server.store import RegisteredClient as Unknown

            client = Unknown(id="", redirect_uris=(uri,), grants=frozenset())
            return AuthorizationRequest(client, uri, parameters | {"response_type": "unknown"}, query)
        if not may_use(client, AUTHORIZATION_CODE) and not self.faults.code_grant_for_all:
            raise _UnacceptableError("The application is not registered to sign people in by a browser.")
        own = redirect_allowed(client, uri, self.faults) if uri else False
        if not own and not (self.faults.code_grant_for_all and not client.redirect_uris):
            raise _UnacceptableError("The application is not registered for the address to which you would go back.")
        return AuthorizationRequest(client, uri, parameters, query)

    def _client(self, client_id: str) -> RegisteredClient | None:
        client = self.store.clients.used(client_id) or self.store.applications.get(client_id)
        if client is None or client_id in self.store.disabled:
            return None
        return None if client.expires_at and self.store.clock() >= client.expires_at else client

    def _problem(self, asked: AuthorizationRequest) -> str:
        """The error with which the browser goes back at once; empty where there is a question to ask."""
        parameters, faults = asked.parameters, self.faults
        if parameters.get("response_type") != "code":
            return "unsupported_response_type"
        challenge = parameters.get("code_challenge")
        optional = faults.authorize_without_challenge or faults.pkce_downgrade
        if challenge is None and not optional:
            return "server_error" if faults.missing_challenge_server_error else "invalid_request"
        if challenge is not None and not served(parameters, faults):
            return "invalid_request"
        if faults.authorize_wants_scope and not parameters.get("scope"):
            return "invalid_scope"
        known = self.store.settings.known_scopes if asked.client.scopes is None else asked.client.scopes
        return "" if set(self._scopes(asked)) <= set(known) else "invalid_scope"

    def _error(self, problem: str) -> dict[str, str]:
        words = {} if self.faults.pkce_errors_unexplained else {"error_description": _WORDS[problem]}
        return {"error": problem} | words

    def _scopes(self, asked: AuthorizationRequest) -> tuple[str, ...]:
        wanted = asked.parameters.get("scopes", "").split()
        return tuple(dict.fromkeys(wanted)) or asked.client.scopes or ()

    def _allowed(self, session: BrowserSession, asked: AuthorizationRequest) -> Answer:
        challenge = asked.parameters.get("code_challenge", "")
        if taken_as_plain(asked.parameters, self.faults):
            challenge = challenge_of(challenge)
        code = self.codes.issue(asked.client, asked.redirect_uri, challenge, self._scopes(asked), session.user)
        return self._redirect(session, asked.answer({"code": code}))

    def _redirect(self, session: BrowserSession, location: str) -> Answer:
        # 303, so that a browser never sends the form on to the application (RFC 9700 section 4.12).
        return self.pages.finish(session, Answer(303, b"", HTML, {"Location": location}))

    def _unacceptable(self, session: BrowserSession, reason: str) -> Answer:
        return self.pages.render(session, "message", status=400, title="Not possible", text=reason)


def _policy(redirect_uri: str) -> str:
    """The policy of the page that asks: browsers apply form-action to where a form's answer redirects, too."""
    return policy().replace("form-action 'self'", f"form-action 'self' {origin_of(redirect_uri)}".rstrip())
