"""A device that proves the possession of a key with each token request: DPoP (RFC 9449)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol import Operation, Request
from device_grant.protocol.dpop import HEADER, INVALID_PROOF, NONCE_HEADER, USE_NONCE
from device_grant.protocol.proofs import ALGORITHMS, ProofKey, ProofUse, new_key, proof
from device_grant.server.session.device import GONE, Device
from device_grant.server.session.jose.compact import read_jwt

if TYPE_CHECKING:
    from collections.abc import Callable

    from device_grant.protocol import Client, Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Grant

    Values = Callable[[ProofKey, ProofUse], tuple[str, ...]]

LISTED = "dpop_signing_alg_values_supported"
OF_PROOFS = (INVALID_PROOF, USE_NONCE)
"""Errors that speak of the proof and not of the code."""
REFUSALS = (*OF_PROOFS, "invalid_request", "authorization_pending", "slow_down")
"""What a wrong proof may be answered."""


def listed_algorithms(case: ServerCase) -> tuple[str, ...]:
    """Names in the metadata; empty where it lists none."""
    listed = case.run.endpoints.document.get(LISTED)
    return tuple(name for name in listed if isinstance(name, str)) if isinstance(listed, list) else ()


def algorithm_for(case: ServerCase) -> str:
    """The algorithm by which the suite signs at this server: ES256, unless it lists others only."""
    listed = listed_algorithms(case)
    if not listed:
        return ALGORITHMS[0]
    known = next((name for name in ALGORITHMS if name in listed), "")
    if not known:
        raise Untestable(f"the suite can sign by none of the listed algorithms: {', '.join(listed)[:200]}")
    return known


def key_for(case: ServerCase, number: int = 1, algorithm: str = "") -> ProofKey:
    """A key of this case; the same again where cases are drawn beforehand, which then protect nothing."""
    seed = None if case.run.target.sampler is None else f"{case.check.name} {number}".encode()
    return new_key(algorithm or algorithm_for(case), seed)


def right(key: ProofKey, use: ProofUse) -> tuple[str, ...]:
    """The one value of an honest request."""
    return (proof(key, use),)


def no_proof(_key: ProofKey, _use: ProofUse) -> tuple[str, ...]:
    """A request without the header field."""
    return ()


class ProvingDevice(Device):
    """Sends a proof with each token request, and the newest nonce in it; asks again where another nonce is wanted."""

    def __init__(self, case: ServerCase, client: Client, key: ProofKey | None = None) -> None:
        super().__init__(case, client)
        self.key = key or key_for(case)
        self.nonce = ""
        """The newest that the server has given."""
        self.nonces: list[str] = []
        """All that it has given, in order."""
        self.exchanges: list[Exchange] = []
        """All requests that had a proof, or should have had one."""
        self.values: Values = right
        """Makes the header values of the next requests."""
        self.retries = True
        """Whether a request is sent again with the nonce that its answer asks for."""
        self.asked_for_nonce = False
        """Whether the last request was answered by asking for one."""

    def polled(self, body: dict[str, Any], *, label: str, patient: bool) -> Exchange:
        """One poll with a proof; never one in another form, which would have none."""
        return self.token(label=label, patient=patient, **body)

    def token(
        self, *, client: Client | None = None, label: str = "token request", patient: bool = True, **members: Any
    ) -> Exchange:
        """One token request with these members and a proof."""
        run = self.case.run
        url = members.pop("_url", "") or run.url(Operation.TOKEN)
        request = run.dialect.encode(Operation.TOKEN, url, members, client or self.client)
        return self.proving(request, label, patient=patient)

    def proving(self, request: Request, label: str, *, patient: bool = True, access_token: str = "") -> Exchange:
        """Send a request with a proof, and once more where the answer asks for a nonce and gives one."""
        exchange = self._sent(request, label, patient=patient, access_token=access_token)
        self.asked_for_nonce = asks_for_nonce(exchange)
        if self.asked_for_nonce and self.retries and given_nonce(exchange):
            again = f"{label}, with the nonce that was asked for"
            exchange = self._sent(request, again, patient=patient, access_token=access_token)
        return exchange

    def _sent(self, request: Request, label: str, *, patient: bool, access_token: str) -> Exchange:
        use = ProofUse(request.method, request.url, self.case.run.target.clock.now(), self.nonce, access_token)
        fields = tuple((HEADER, value) for value in self.values(self.key, use))
        exchange = self.case.send(replace(request, headers=(*request.headers, *fields)), label, patient=patient)
        self.exchanges.append(exchange)
        nonce = given_nonce(exchange)
        if nonce:
            self.nonce = nonce
            self.nonces.append(nonce)
        return exchange

    def poll_with(self, grant: Grant, values: Values, label: str, **members: Any) -> Exchange:
        """One polite poll with these header values instead of a right proof."""
        return self.with_values(values, lambda: grant.ask(label=label, **members)[0])

    def refresh_with(self, refresh_token: str, values: Values, label: str) -> Exchange:
        """A refresh with these header values."""
        return self.with_values(values, lambda: self.refresh(refresh_token, label=label))

    def with_values(self, values: Values, send: Callable[[], Exchange]) -> Exchange:
        """What `send` returns while the device makes these header values."""
        before, self.values = self.values, values
        try:
            return send()
        finally:
            self.values = before

    def approved(self) -> Grant:
        """A grant that the user has approved; not polled yet."""
        grant = self.start()
        self.user.approve(grant)
        return grant

    def bound_start(self, values: Values = right, label: str = "start with a proof") -> Exchange:
        """A device authorization request with a proof for its endpoint."""
        run = self.case.run
        url = run.url(Operation.DEVICE_AUTHORIZATION)
        request = run.dialect.encode(Operation.DEVICE_AUTHORIZATION, url, self.authorization_members(), self.client)
        return self.with_values(values, lambda: self.proving(request, label))

    def with_key(self, key: ProofKey, send: Callable[[], Exchange]) -> Exchange:
        """What `send` returns while the device signs by another key."""
        before, self.key = self.key, key
        try:
            return send()
        finally:
            self.key = before

    def bound_tokens(self, grant: Grant | None = None, *, may_end: bool = False) -> Exchange:
        """The answer to a right proof for an approved grant, where its token is called bound.

        `may_end`: that grant may have come to its end before, so that one more is tried in its place.

        Raises NotApplicable where the server issues bearer tokens in spite of proofs, which it may (section 5), and
        Untestable where it issues none.
        """
        tried = grant or self.approved()
        tokens = self.with_values(right, lambda: tried.poll(label="control: poll with a right proof"))
        if grant is not None and may_end and tokens.code in GONE:
            return self.bound_tokens()
        if not tokens.outcome.ok:
            raise Untestable(f"an approved code with a right proof was answered {tokens.describe()}")
        if not is_dpop(tokens):
            raise NotApplicable("tokens are bearer tokens in spite of a proof, which is allowed: nothing is bound")
        return tokens


def proving_device(case: ServerCase, role: str = "primary") -> ProvingDevice:
    """A device of that role that sends proofs."""
    plain = case.device_of(role) if role != "confidential" else case.confidential
    plain.find_form()
    return ProvingDevice(case, plain.client)


def is_dpop(tokens: Exchange) -> bool:
    """Whether a token response calls its token bound."""
    return str(tokens.get("token_type")).lower() == "dpop"


def key_in(tokens: Exchange) -> str:
    """`cnf.jkt` of an access token that is a JWT (section 6.1), unverified; empty where there is none to be seen."""
    token = read_jwt(tokens.get("access_token"))
    confirmation = token.claims.get("cnf") if token else None
    said = confirmation.get("jkt") if isinstance(confirmation, dict) else None
    return said if isinstance(said, str) else ""


def given_nonce(exchange: Exchange) -> str:
    """What the answer gives in DPoP-Nonce; empty where that is nothing."""
    return (exchange.response.header(NONCE_HEADER) if exchange.response else None) or ""


def asks_for_nonce(exchange: Exchange) -> bool:
    """Whether an answer of any endpoint asks for a nonce: in its body, or at resources in WWW-Authenticate."""
    challenge = (exchange.response.header("www-authenticate") if exchange.response else None) or ""
    return exchange.code == USE_NONCE or (exchange.status == 401 and USE_NONCE in challenge)
