"""Signing in by the authorization code grant with PKCE, as AWS CLI does it (RFC 7636, RFC 8252); and its faults."""

from __future__ import annotations

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, quote, urlsplit

from device_grant.reference.client.answers import Failed

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.protocol import Client, Outcome
    from device_grant.reference.client.challenges import ChallengeMethods, Method
    from device_grant.reference.client.faults import ClientFaults
    from device_grant.reference.client.listening import CallbackListener
    from device_grant.reference.client.network import Surroundings

AUTHORIZATION_CODE = "authorization_code"
PATH = "/oauth/callback"
REGISTERED = f"http://127.0.0.1{PATH}"
SCOPE = "sso:account:access"
PATIENCE = 600.0
"""Seconds for the person at the browser."""
LINGERS = 3.0
"""Seconds of the fault second_callback_taken, in which it waits for another answer."""
_OK, _NOT_FOUND = 200, 404


@dataclass(frozen=True)
class Ticket:
    """What one sign-in is known by."""

    state: str
    verifier: str
    port: int
    path: str

    @property
    def redirect_uri(self) -> str:
        """Where the browser brings the code."""
        return f"http://127.0.0.1:{self.port}{self.path}"


class SignIn:
    """One sign-in; `redeem` gets a token for a code."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a sign-in works with
        self,
        base: str,
        network: Surroundings,
        faults: ClientFaults,
        say: Callable[[str], None],
        client: Client,
        methods: ChallengeMethods,
    ) -> None:
        self._base, self._network, self._faults, self._say, self._client = base, network, faults, say, client
        self._methods = methods

    def run(self, redeem: Callable[[Ticket, str], Outcome]) -> Outcome:
        """Send the person to the browser, wait for the code, redeem it; raises Failed."""
        faults = self._faults
        listener = self._network.listen(everywhere=faults.listens_everywhere)
        try:
            ticket = self._sent(listener, self._methods.first())
            try:
                code = self._awaited(listener, ticket)
            except Failed:
                method = self._methods.after_error()
                if method is None:
                    raise
                ticket = self._sent(listener, method)
                code = self._awaited(listener, ticket)
            if faults.second_callback_taken:
                code = self._another(listener) or code
            elif not faults.listener_stays:
                listener.close()
            outcome = redeem(ticket, code)
            if faults.listener_stays:
                while listener.next(LINGERS) is not None:
                    listener.answer(_OK, "Still here.")
            if not outcome.ok:
                self._methods.after_error()
            if not outcome.ok and faults.refused_code_sent_again:
                outcome = redeem(ticket, code)
            return outcome
        finally:
            listener.close()

    def _sent(self, listener: CallbackListener, method: Method) -> Ticket:
        """Send the person to the browser."""
        ticket = self._ticket(listener.port)
        address = self._address(ticket, method)
        self._say(f"Open {address}")
        self._network.open(address, by_shell=False)
        return ticket

    def _ticket(self, port: int) -> Ticket:
        faults = self._faults
        state = "state-of-every-sign-in" if faults.state_constant else secrets.token_urlsafe(24)
        verifier = secrets.token_urlsafe(48)
        if faults.verifier_constant:
            verifier = "v" * 64
        if faults.verifier_short:
            verifier = verifier[:30]
        return Ticket(state, verifier, port, "/" if faults.other_path_registered else PATH)

    def _address(self, ticket: Ticket, method: Method) -> str:
        digest = urlsafe_b64encode(hashlib.sha256(ticket.verifier.encode()).digest()).decode()
        asked = {
            "response_type": "code",
            "client_id": self._client.id,
            "redirect_uri": ticket.redirect_uri,
            "state": ticket.state,
            "scopes": SCOPE,
        }
        if method:
            challenge = ticket.verifier if method == "plain" else digest.rstrip("=")
            asked |= {"code_challenge_method": method, "code_challenge": challenge}
        query = "&".join(f"{name}={quote(value, safe='')}" for name, value in asked.items())
        return f"{self._base}/authorize?{query}"

    def _awaited(self, listener: CallbackListener, ticket: Ticket) -> str:
        """The code that the browser brings; raises Failed."""
        faults = self._faults
        ends = self._network.now() + PATIENCE
        while (left := ends - self._network.now()) > 0 and (target := listener.next(left)) is not None:
            parts = urlsplit(target)
            said = {name: values[0] for name, values in parse_qs(parts.query).items()}
            if faults.unknown_parameters_refused and said.keys() - {"code", "state", "error", "error_description"}:
                raise Failed("unknown parameters")
            if faults.any_request_ends_the_wait and not said:
                listener.answer(_OK, "You may close this window.")
                raise Failed("no code")
            if parts.path != ticket.path or not {"code", "error"} & said.keys():
                listener.answer(_NOT_FOUND, "Nothing is here.")
                continue
            if said.get("state") != ticket.state and not (
                faults.state_unchecked or (faults.missing_state_taken and "state" not in said)
            ):
                listener.answer(400, "This is no answer to the sign-in of this machine.")
                raise Failed("another state")
            listener.answer(_OK, "You may close this window.")
            if "error" in said:
                if faults.error_callback_ignored:
                    continue
                raise Failed(said["error"])
            return said["code"]
        raise Failed("expired_token")

    def _another(self, listener: CallbackListener) -> str:
        target = listener.next(LINGERS)
        if target is None:
            return ""
        listener.answer(_OK, "You may close this window.")
        return parse_qs(urlsplit(target).query).get("code", [""])[0]
