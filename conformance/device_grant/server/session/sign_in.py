"""Sign-in by a browser: authorization requests of a client, what brings the browser back, and the code's redemption.

As RFC 6749 section 4.1 and RFC 7636 have it, with the path and the parameters that AWS CLI uses.
"""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import parse_qsl, quote, urlsplit

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol import REFRESH_TOKEN_GRANT, Client, Exchange, Operation
from device_grant.protocol.base64url import base64url
from device_grant.protocol.events import Decided, DecisionRefused
from device_grant.server.session.browsing import browser_at
from device_grant.server.session.person import page_loaded
from device_grant.server.session.pkce import challenge_of
from device_grant.server.session.registering import register
from device_grant.targets.ports import UserError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import httpx

    from device_grant.protocol.events import PageLoaded
    from device_grant.server.session.case import ServerCase
    from device_grant.targets.ports import Pages
    from device_grant.targets.users.browser import Browser

AUTHORIZATION_CODE = "authorization_code"
REGISTERED = "http://127.0.0.1/oauth/callback"
"""What AWS CLI registers; the port is that of the moment."""
CALLBACK = "http://127.0.0.1:49152/oauth/callback"
"""Where nothing listens: the browser is not let go there."""
PORTAL = "sso:account:access"
CLAIM = "authorization_code"


def require_offer(case: ServerCase) -> None:
    """Raise NotApplicable where nothing says that the target has the grant: most servers do not."""
    if case.run.claims(CLAIM) is None and not _pages(case).authorize:
        raise NotApplicable("the target does not claim authorization_code, and its user module has no authorize")


def _pages(case: ServerCase) -> Pages:
    from device_grant.targets.ports import Pages as NoPages

    user = case.decider
    return (user.pages if user else None) or NoPages()


class NotAllowedError(Untestable):
    """The pages did not let the user decide."""


@dataclass(frozen=True)
class AskedSignIn:
    """One authorization request."""

    url: str
    client: Client
    redirect_uri: str
    state: str
    verifier: str


@dataclass(frozen=True)
class Landing:
    """Where the browser was when it had no more to ask."""

    asked: AskedSignIn
    page: PageLoaded
    """What came last, for reports."""
    status: int
    location: str
    """Where it is sent; empty where it stays."""

    @property
    def returned(self) -> bool:
        """Whether it goes back to the client, at the redirect URI of the request."""
        return self.location.partition("?")[0].partition("#")[0] == self.asked.redirect_uri.partition("?")[0]

    @property
    def answer(self) -> dict[str, str]:
        """The members in the query of the redirect; empty where there is none."""
        try:
            return dict(parse_qsl(urlsplit(self.location).query, keep_blank_values=True)) if self.location else {}
        except ValueError:
            return {}

    @property
    def gives_code(self) -> bool:
        """Whether it brings a code to the redirect URI."""
        return self.returned and bool(self.answer.get("code"))

    # As the evidence of a judgement.

    unanswered: ClassVar[bool] = False

    @property
    def entries(self) -> tuple[PageLoaded]:
        """What a result shows of it."""
        return (self.page,)

    def describe(self, _holds: bool | None = None) -> str:  # noqa: FBT001 - of a judgement, which changes nothing here
        """The same in words."""
        return self.words

    @property
    def words(self) -> str:
        """The same for reports: without the values, which are secrets."""
        if not self.location:
            return f"a page with status {self.status}"
        error = self.answer.get("error", "")
        return f"{self.status} to the redirect URI, with {', '.join(self.answer) or 'nothing'}{error and f' ({error})'}"


class SignIns:
    """The sign-ins of one check, in one browser, whose person signs in once."""

    def __init__(self, case: ServerCase, browser: Browser) -> None:
        self.case = case
        self.browser = browser
        self._number = 0
        self._seen: list[httpx.Response] = []
        browser.saw = self._saw

    def _saw(self, response: httpx.Response) -> None:
        self._seen.append(response)
        code = dict(parse_qsl(urlsplit(response.headers.get("location", "")).query)).get("code")
        self.case.run.secrets.register("code", code)

    # Clients.

    def client(self, label: str = "register for authorization_code", **members: Any) -> Client:
        """A client of the grant, as AWS CLI registers one; raises Untestable where it is refused."""
        return self.case.run.client_of(register(self.case, label, **code_client(self.case, **members)))

    # Requests.

    def ask(self, client: Client, **changes: str | None) -> AskedSignIn:
        """An authorization request as AWS CLI makes it; None takes a parameter away."""
        self._number += 1
        name = f"{self.case.check.name} {self._number}"
        # The same in every run, so that what is sent does not differ; nobody but this check has the code.
        secret = (_text(f"{name} verifier") + _text(f"{name} further"))[:64]
        usual: dict[str, str | None] = {
            "response_type": "code",
            "client_id": client.id,
            "redirect_uri": CALLBACK,
            "state": _text(f"{name} state")[:36],
            "code_challenge_method": "S256",
            "scopes": PORTAL,
            "code_challenge": challenge_of(secret),
        }
        parameters = usual | changes
        return AskedSignIn(
            f"{origin(self.case)}/authorize?{query_of(parameters)}",
            client,
            parameters["redirect_uri"] or "",
            parameters["state"] or "",
            secret,
        )

    # The browser.

    def allow(self, asked: AskedSignIn) -> Landing:
        """Open it, sign in where that is asked, and allow it; raises Untestable where no user can."""
        return self._decide("authorize", "approve", asked)

    def tempt(self, asked: AskedSignIn) -> Landing | None:
        """As `allow`, of a request that should lead nowhere; None where the pages did not let the user allow it."""
        try:
            return self.allow(asked)
        except NotAllowedError:
            return None

    def refuse(self, asked: AskedSignIn) -> Landing:
        """The same, refusing."""
        return self._decide("refuse", "deny", asked)

    def sign_in(self) -> None:
        """Make the browser that of somebody who has signed in; raises Untestable where no user can."""
        step = _pages(self.case).sign_in
        if step is None:
            raise Untestable("the user module has no function sign_in(http)")
        try:
            with self.case.with_user():
                step(self.browser)
        except UserError as refused:
            raise Untestable(f"the user could not sign in: {refused}") from None

    def open(self, asked: AskedSignIn, *, browser: Browser | None = None) -> Landing:
        """GET it and no more: no form is filled in, no redirect followed."""
        from device_grant.browser.page import answering

        with answering():
            response = (browser or self.browser).get(asked.url, follow_redirects=False)
        return self._landing(asked, response)

    def follow(self, landing: Landing, browser: Browser) -> Landing:
        """Go on to where a redirect within the server leads; stays where it leads elsewhere."""
        from device_grant.browser.page import answering

        target = landing.location
        if urlsplit(target).netloc not in ("", urlsplit(landing.asked.url).netloc):
            return Landing(landing.asked, landing.page, landing.status, "")
        with answering():
            return self._landing(landing.asked, browser.get(target, follow_redirects=False))

    def code(self, client: Client, **changes: str | None) -> tuple[AskedSignIn, str]:
        """A request and the code that was given for it; raises Untestable where there is none."""
        asked = self.ask(client, **changes)
        landing = self.allow(asked)
        if not landing.gives_code:
            raise Untestable(f"the sign-in by the browser ended with {landing.words} instead of a code")
        return asked, landing.answer["code"]

    def _decide(self, step: str, action: str, asked: AskedSignIn) -> Landing:
        function = getattr(_pages(self.case), step)
        if function is None:
            raise Untestable(f"the user module has no function {step}(http, url)")
        case = self.case
        case.transcript.append(Decided(case.now(), action, "the authorization request"))
        try:
            with case.with_user():
                response = function(self.browser, asked.url)
        except UserError as refused:
            case.transcript.append(DecisionRefused(case.now(), action, str(refused)))
            raise NotAllowedError(f"the user could not {action} the authorization request: {refused}") from None
        return self._landing(asked, response)

    def _landing(self, asked: AskedSignIn, response: httpx.Response) -> Landing:
        loaded = page_loaded(self.case.now(), response)
        self.case.transcript.append(loaded)
        location = response.headers.get("location", "") if response.has_redirect_location else ""
        return Landing(asked, loaded, response.status_code, location)

    # Codes.

    def redeem(
        self, asked: AskedSignIn, code: str | None, *, label: str, client: Client | None = None, **changes: Any
    ) -> Exchange:
        """CreateToken for a code; `changes` replace members, and None takes one away."""
        return self.case.call(
            Operation.TOKEN, redemption(asked, code) | changes, client or asked.client, label, patient=False
        )

    def refresh(self, client: Client, token: object, label: str = "refresh") -> Exchange:
        """A refresh as botocore sends it."""
        members = {"grant_type": REFRESH_TOKEN_GRANT, "refresh_token": token}
        return self.case.call(Operation.TOKEN, members, client, label)


def redemption(asked: AskedSignIn, code: str | None) -> dict[str, Any]:
    """The members of a token request for a code, client authentication aside."""
    return {
        "grant_type": AUTHORIZATION_CODE,
        "redirect_uri": asked.redirect_uri,
        "code_verifier": asked.verifier,
        "code": code,
    }


def code_client(case: ServerCase, **members: Any) -> dict[str, Any]:
    """Members of a registration as AWS CLI sends it; None takes one away."""
    return {
        "grant_types": [AUTHORIZATION_CODE, REFRESH_TOKEN_GRANT],
        "redirect_uris": [REGISTERED],
        "issuer_url": case.run.target.config.request.start_url,
        "scopes": [PORTAL],
    } | members


@contextmanager
def signing_in(case: ServerCase) -> Iterator[SignIns]:
    """Within: sign-ins by a browser. Raises NotApplicable where the target does not offer them."""
    require_offer(case)
    with browser_at(case.run) as browser:
        yield SignIns(case, browser)


def origin(case: ServerCase) -> str:
    """Scheme and host of the API, where the browser's part begins."""
    parts = urlsplit(case.run.url(Operation.REGISTRATION))
    return f"{parts.scheme}://{parts.netloc}"


def query_of(parameters: Mapping[str, str | None]) -> str:
    """The query of an authorization request, escaped as AWS CLI does it: a space is `%20`."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items() if value is not None)


def _text(seed: str) -> str:
    return base64url(hashlib.sha256(seed.encode()).digest())
