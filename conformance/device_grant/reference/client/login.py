"""The reference client: registration, device authorization, polling (RFC 8628 section 3), refreshing."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TextIO
from urllib.parse import urlsplit

from device_grant.protocol import DEFAULT_INTERVAL, Client, Operation, Outcome, Request, dialect
from device_grant.protocol.dialects import json_object
from device_grant.reference.client.answers import AnswerReader, Failed
from device_grant.reference.client.challenges import ChallengeMethods
from device_grant.reference.client.discovery import discover
from device_grant.reference.client.identity import IdTokenCheck, require_life, require_same_person
from device_grant.reference.client.messages import Messages
from device_grant.reference.client.pace import Pace
from device_grant.reference.client.possession import Possession
from device_grant.reference.client.sign_in import SignIn
from device_grant.reference.client.sign_out import SignOut
from device_grant.reference.client.store import ClientStore
from device_grant.reference.client.transport import Broken, Transport, Untrusted

if TYPE_CHECKING:
    from device_grant.protocol import Response
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.network import Surroundings
    from device_grant.reference.client.settings import ClientSettings

EXPIRING = 900
"""Seconds before its end from which on a registration counts as expired."""


@dataclass
class PendingGrant:
    """A started flow."""

    device_code: str
    interval: float
    ends: float


class Login:
    """One run of the client; `run` returns its exit status."""

    def __init__(self, settings: ClientSettings, network: Surroundings, faults: ClientFaults, out: TextIO) -> None:
        self._settings = settings
        self._network = network
        self._faults = faults
        self._out = out
        self._dialect = dialect(settings.dialect)
        self._messages = Messages(self._dialect, settings, faults)
        self._answers = AnswerReader(self._dialect, faults)
        self._transport = Transport(network, faults, settings.certificate)
        self._store = ClientStore(
            settings.home, for_everyone=faults.files_for_everyone, for_a_moment=faults.files_open_for_a_moment
        )
        self._possession = Possession(settings, network, self._store, faults)
        self._endpoints, self._keys = dict(settings.endpoints), settings.jwks_uri
        self._revocation = settings.revocation
        self._kept: Client | None = None
        """The client that an earlier run has registered, where this one uses it."""

    def run(self) -> int:
        """Do the operation that the environment names."""
        work = {
            "flow": self._flow,
            "code": self._sign_in,
            "refresh": self._refresh,
            "register": self._only_register,
            "start": self._only_start,
            "token": self._only_token,
            "logout": self._sign_out,
        }
        try:
            if not self._endpoints:
                mutual = self._settings.certificate is not None
                place = discover(self._settings.issuer, self._transport, self._faults, mutual=mutual)
                self._endpoints, self._keys, self._revocation = place.endpoints, place.jwks_uri, place.revocation
            if self._faults.endpoint_ignored:
                self._endpoints = {
                    name: url.replace(self._settings.endpoint, "https://oidc.us-east-1.amazonaws.invalid")
                    for name, url in self._endpoints.items()
                }
            work[self._settings.operation]()
        except Failed as failure:
            if self._faults.errors_unreported or (
                self._faults.unreadable_answer_unreported and failure.code.startswith("http-")
            ):
                return 0
            self._say(f"device-grant: error {failure.code}")
            self._say(f"Signing in failed: {failure.code}")
            return 1
        except (Broken, Untrusted) as trouble:
            self._say(f"Signing in failed: {trouble}")
            return 1
        self._say("device-grant: done")
        return 0

    # Operations.

    def _flow(self) -> None:
        client = self._client()
        if self._faults.dead_refresh_token_kept and self._store.read("tokens").get("refresh_token"):
            self._refresh()
            return
        while True:
            client, grant = self._started(client)
            outcome = self._poll(client, grant)
            if outcome is not None:
                break
        if outcome.ok:
            self._got(outcome, client)

    def _sign_in(self) -> None:
        settings, faults = self._settings, self._faults
        if not (urlsplit(settings.start_url).hostname or "").endswith(".awsapps.com"):
            # What is not known to be of AWS is asked once where it leads.
            self._transport.look_up(settings.start_url, follow=faults.start_url_followed)
        client = self._client(by_code=True)
        methods = ChallengeMethods(settings.endpoint, self._transport, self._store, faults)
        sign_in = SignIn(settings.endpoint, self._network, faults, self._say, client, methods)
        url = self._endpoints[Operation.TOKEN]
        outcome = sign_in.run(lambda ticket, code: self._call(self._messages.redeem(url, client, ticket, code)))
        if not outcome.ok:
            raise Failed(outcome.code)
        self._got(outcome, client)

    def _refresh(self) -> None:
        kept = self._store.read("tokens")
        token = self._settings.refresh_token or str(kept.get("refresh_token") or "")
        if not token:
            raise Failed("no_refresh_token")
        client = self._client()
        outcome = self._call(self._messages.refresh(self._endpoints[Operation.TOKEN], client, token))
        if outcome.ok:
            self._got(outcome, client, token)
        elif self._faults.refused_refresh_ignored and kept.get("access_token"):
            self._say(f"device-grant: token {kept['access_token']}")
        else:
            raise Failed(outcome.code)

    def _sign_out(self) -> None:
        kept = self._store.read("tokens")
        token = self._settings.refresh_token or str(kept.get("refresh_token") or kept.get("access_token") or "")
        if not token or not self._revocation:
            raise Failed("nothing to sign out of, or nowhere to")
        SignOut(self._dialect, self._network, self._transport, self._faults).run(
            self._revocation, self._client(), token
        )
        if not self._faults.client_keeps_revoked_token:
            self._store.forget("tokens")

    def _only_register(self) -> None:
        self._say(f"device-grant: registered {self._register().id}")

    def _only_start(self) -> None:
        self._say(f"device-grant: started {self._start(self._client()).device_code}")

    def _only_token(self) -> None:
        url = self._endpoints[Operation.TOKEN]
        client = self._client()
        outcome = self._call(self._messages.poll(url, client, self._settings.device_code))
        if not outcome.ok:
            raise Failed(outcome.code)
        self._got(outcome, client)

    def _got(self, outcome: Outcome, client: Client, old_refresh: str = "") -> None:
        self._possession.check(outcome.members.get("token_type"))
        token = self._answers.token(outcome, refreshed=bool(old_refresh), wanted=self._possession.token_type)
        if self._faults.access_token_looked_into:
            require_life(token, self._network.time())
        self._check_identity(outcome, client, token)
        refresh = outcome.members.get("refresh_token")
        kept = {"access_token": token, "refresh_token": refresh}
        if old_refresh and (not refresh or self._faults.refresh_token_never_replaced):
            kept["refresh_token"] = "" if self._faults.refresh_token_forgotten else old_refresh
        self._store.write("tokens", kept)
        self._say(f"device-grant: token {token} {kept['refresh_token'] or ''}".rstrip())
        self._use(token, outcome.members.get("id_token") if self._keys else None)

    def _check_identity(self, outcome: Outcome, client: Client, token: str) -> None:
        """Check the ID token, if there is one and the issuer's keys are known; raises Failed if it is not good."""
        identity = outcome.members.get("id_token")
        if not self._keys:
            return
        if self._faults.id_token_indexed:
            identity = outcome.members["id_token"]
        if not isinstance(identity, str):
            return
        keys = json_object(self._transport.send(Request("GET", self._keys, (("Accept", "application/json"),)))) or {}
        now = self._network.time()
        IdTokenCheck(self._settings.issuer, client.id, token, keys, now, self._faults).judge(identity)

    def _use(self, token: str, identity: Any) -> None:
        """Ask for user information once; raises Failed where it is of another person than the ID token.

        What comes of it otherwise is of no importance.
        """
        request = self._possession.with_token(f"{self._settings.endpoint}/userinfo", token)
        try:
            response = self._transport.send(request)
        except (Broken, Untrusted):
            return
        person = json_object(response) if response.status == HTTPStatus.OK else None
        if person is None or not isinstance(identity, str):
            return
        if not self._faults.userinfo_subject_unchecked:
            require_same_person(identity, person)
        if isinstance(person.get("name"), str):
            self._say(f"Signed in as {person['name']}.")

    # Steps.

    def _client(self, *, by_code: bool = False) -> Client:
        settings = self._settings
        if settings.client_id:
            method = "client_secret_basic" if settings.client_secret else "none"
            return Client(settings.client_id, settings.client_secret or None, method)
        kept = self._store.read(self._registration_file(by_code=by_code))
        if kept and not self._faults.registers_each_time:
            ends = kept.get("expires_at") or 0
            if not ends or ends > self._network.time() + EXPIRING or self._faults.expired_registration_used:
                self._kept = Client(kept["id"], kept["secret"], kept["authentication"])
                return self._kept
        return self._register(by_code=by_code)

    def _registration_file(self, *, by_code: bool) -> str:
        """Each grant has a registration of its own."""
        return "registration-code" if by_code and not self._faults.registrations_mixed else "registration"

    def _register(self, *, by_code: bool = False) -> Client:
        url = self._endpoints[Operation.REGISTRATION]
        messages = self._messages
        outcome = self._call(messages.registration_by_code(url) if by_code else messages.registration(url))
        if not outcome.ok:
            if self._faults.registration_error_strict and set(outcome.members) - {"error", "error_description"}:
                raise AssertionError("an error with members that nobody expects")
            raise Failed(outcome.code)
        client = self._answers.client(outcome)
        self._store.write(
            self._registration_file(by_code=by_code),
            {
                "id": client.id,
                "secret": client.secret,
                "authentication": client.authentication,
                "expires_at": outcome.members.get("client_secret_expires_at"),
            },
        )
        return client

    def _started(self, client: Client) -> tuple[Client, PendingGrant]:
        """Start a flow; with a new registration where the server refuses the one that was kept."""
        try:
            return client, self._start(client)
        except Failed as failure:
            kept = client == self._kept and not self._faults.refused_registration_kept
            if failure.code != "invalid_client" or not kept:
                raise
        client = self._register()
        return client, self._start(client)

    def _start(self, client: Client) -> PendingGrant:
        outcome = self._call(self._messages.start(self._endpoints[Operation.DEVICE_AUTHORIZATION], client))
        if not outcome.ok and not (self._faults.incomplete_answer_polled and outcome.code == "http-200"):
            raise Failed(outcome.code)
        result = self._answers.authorization(outcome)
        self._show(result)
        interval = result.get("interval")
        if interval is None:
            if self._faults.interval_required:
                raise Failed("interval is missing")
            interval = 1.0 if self._faults.default_interval_one else DEFAULT_INTERVAL
        return PendingGrant(
            str(result.get("device_code")), interval, self._network.now() + result.get("expires_in", 600)
        )

    def _show(self, result: dict[str, Any]) -> None:
        user_code, uri, complete = (
            self._shown(result.get(name)) for name in ("user_code", "verification_uri", "verification_uri_complete")
        )
        faults = self._faults
        if complete and faults.code_only_in_complete_uri:
            self._say(f"Open {complete}")
        elif faults.user_code_not_shown:
            self._say(f"Open {uri}")
        else:
            self._say(f"Open {uri} and enter the code {user_code}")
            self._say(f"device-grant: shows {user_code} {uri}")
        if complete and not faults.user_code_not_shown:
            self._say(f"or open {complete}, which shows the same code")
        if faults.device_code_shown:
            self._say(f"Waiting for {result.get('device_code')}")
        self._open(result.get("verification_uri_complete") or result.get("verification_uri"))

    def _shown(self, text: Any) -> str:
        """A text of the server's as it is shown: without what a terminal obeys."""
        if self._faults.server_text_shown_raw:
            return str(text or "")
        return "".join(character if character.isprintable() else "?" for character in str(text or ""))

    def _open(self, address: Any) -> None:
        faults = self._faults
        if isinstance(address, str) and (address.startswith(("https://", "http://")) or faults.any_address_opened):
            self._network.open(address, by_shell=faults.address_opened_by_shell)

    def _poll(self, client: Client, grant: PendingGrant) -> Outcome | None:
        """Poll to the end; None where a faulty client begins anew."""
        request = self._messages.poll(self._endpoints[Operation.TOKEN], client, grant.device_code)
        pace = Pace(self._faults, grant.interval)
        asked = self._network.now()
        while True:
            since = asked if self._faults.interval_from_request else self._network.now()
            self._network.sleep(pace.left(since, self._network.now()))
            asked = self._network.now()
            if self._network.now() > grant.ends and not self._faults.expiry_ignored:
                raise Failed("expired_token")
            if self._faults.gives_up_early and pace.polls > 2:  # noqa: PLR2004 - the fault says how many
                raise Failed("tired")
            try:
                response = self._ask(request, grant.interval)
            except Broken as broken:
                if not pace.lost(timeout=broken.timeout):
                    raise
                continue
            outcome = self._answers.decoded(Operation.TOKEN, response)
            taken = self._faults.empty_answer_taken_for_success and outcome.code == "http-200"
            if outcome.ok or taken:
                if self._faults.polls_after_success:
                    self._network.sleep(pace.wait())
                    self._send(request)
                return outcome
            if not self._goes_on(outcome, response, pace):
                return None

    def _ask(self, request: Request, interval: float) -> Response:
        if self._faults.polls_overlap:
            return self._transport.send_by_timer(request, interval)
        return self._send(request)

    def _goes_on(self, outcome: Outcome, response: Response, pace: Pace) -> bool:
        """What a refused poll means: go on, or (a faulty client alone) begin anew; raises Failed at the end."""
        match self._answers.means(outcome, response):
            case "pending":
                pace.pending()
            case "slow-down":
                pace.slow_down()
                return not self._faults.slow_down_restarts
            case "trouble":
                if not pace.trouble(_seconds(response.header("retry-after"))):
                    raise Failed(outcome.code)
            case "hurry":
                if not pace.hurry():
                    raise Failed(outcome.code)
            case "restart":
                return False
            case _:
                if self._faults.server_text_shown_raw:
                    self._say(str(outcome.members.get("error_description")))
                raise Failed(outcome.code)
        return True

    def _call(self, request: Request) -> Outcome:
        return self._answers.decoded(request.operation, self._send(request))

    def _send(self, request: Request) -> Response:
        return self._possession.send(request, self._send_as_it_is)

    def _send_as_it_is(self, request: Request) -> Response:
        if self._faults.requests_logged:
            self._say(f"Debug: sending {request.method} {request.url} {request.headers} {request.content!r}")
        try:
            response = self._transport.send(request)
        except Broken as broken:
            if not self._faults.retries_at_once or broken.timeout:
                raise
            response = self._transport.send(request)
        if self._faults.answers_logged:
            self._say(f"Debug: answer {response.status} to {request.url}: {response.content!r}")
        return response

    def _say(self, line: str) -> None:
        print(line, file=self._out, flush=True)


def _seconds(value: str | None) -> float:
    return float(value) if value and value.isdecimal() else 0.0
