"""What a dialect of the device grant answers: how calls look on the wire, and in what its servers differ.

A check asks the dialect of its run, and never which one it is: a dialect that is registered from outside is then
served like those that come with the suite.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, Protocol

from device_grant.protocol.dialects.bodies import FORM_TYPE, JSON_TYPE, Encoding, written
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, Client, Operation, Outcome, Request, Response

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.catalogue import Requirement

DEFAULT_INTERVAL = 5.0
"""Seconds between polls where the device authorization response names none (RFC 8628 section 3.2)."""

_SUCCESSFUL = range(200, 300)
_NEEDED_ON_SUCCESS = {
    Operation.REGISTRATION: "client_id",
    Operation.DEVICE_AUTHORIZATION: "device_code",
    Operation.TOKEN: "access_token",
}


class Situation(StrEnum):
    """Where a dialect's servers may answer otherwise than the RFCs' servers."""

    DISALLOWED_METHOD = "a method other than POST at an endpoint"
    CREDENTIALS_REFUSED = "a token request whose client does not prove itself"
    MEMBER_MISSING = "a request without a member that it needs"


class RequestValues(Protocol):
    """What the operator of a target says that valid requests hold."""

    @property
    def scope(self) -> str:
        """Scope that is asked for; empty: none."""

    @property
    def start_url(self) -> str:
        """AWS SSO OIDC: the URL at which people begin to sign in."""


class Dialect(ABC):
    """One dialect. Members have canonical names, the RFCs' snake_case ones, everywhere outside of it."""

    name: str
    """Under which it is registered, chosen on the command line, and shown."""
    title: str
    """The document that defines it, for people."""
    entries: str
    """Under which of its dialects the catalogue lists the requirements that bind this one."""
    departures: Mapping[str, str] = MappingProxyType({})
    """Requirements of the catalogue that do not bind it after all, by id, with the reason or its source."""

    # In what its servers and clients differ.

    http_authentication: bool
    """Whether clients authenticate as RFC 6749 section 2.3 has it, by HTTP or by parameters of the body.

    Otherwise credentials are members of every request, and nothing is said of the Authorization header."""
    public_clients_have_secrets: bool
    """Whether every registration brings a secret that each request carries, though the client is a public one."""
    starts_without_secret: bool = False
    """Whether a client shows its secret at the token endpoint alone, so that a start proves nothing."""
    refreshes_elsewhere: bool = False
    """Whether refresh tokens are not for the endpoint that is polled."""
    clients_register: bool
    """Whether every client registers itself, for a limited time, so that a server knows none beforehand."""
    registration_needs_members: bool
    """Whether a registration without members is refused; RFC 7591 section 2 requires none."""
    registration_is_echoed: bool
    """Whether the response repeats what was registered, and may differ from what was asked (RFC 7591 3.2.1)."""
    scopes_are_registered: bool
    """Whether scopes are a list in the registration; else a string in the device authorization."""
    has_metadata: bool
    """Whether servers can describe themselves (RFC 8414, OpenID Connect discovery)."""
    endpoints_are_shared: bool
    """Whether the endpoints serve OAuth's other grants too, so that what is seen there may be none of the device's."""
    redirect_clients_exist: bool
    """Whether the server has an authorization endpoint in the same dialect, at which registered clients redirect."""
    nulls_are_usual: bool
    """Whether servers send members without a value as null."""
    token_type_is_optional: bool
    """Whether a token response may lack token_type, which is then Bearer."""
    code_comes_before_client: bool
    """Whether a server may look at the device code before it asks whether the client has the grant at all."""
    code_grant_is_tested: bool = False
    """Whether its clients are tested for the authorization code grant with PKCE too (RFC 7636)."""
    interval_may_have_fraction: bool = True
    """Whether the interval need not be a whole number of seconds."""
    error_member_is_owed: bool = True
    """Whether an error of RFC 8628 section 3.5 stands in the member `error`; else other requirements say where."""
    refusal_status: int = 400
    """Status of the token endpoint's errors, but for invalid_client (RFC 6749 section 5.2)."""
    registration_error: str = "invalid_client_metadata"
    """Error of a registration whose values cannot be granted (RFC 7591 section 3.2.2)."""
    default_interval: float = DEFAULT_INTERVAL
    """Seconds between polls where the response names none."""
    constants: tuple[str, ...] = ()
    """Members of every device authorization request that the target's operator names, as in RequestValues."""
    paths: Mapping[Operation, str] = MappingProxyType({})
    """Where the endpoints are below the server's base; empty: discovery or the operator says it."""
    latitude: Mapping[Situation, tuple[str, ...]] = MappingProxyType({})
    """What may be answered besides in a situation, as `verify` names answers."""

    # What its servers take of clients.

    grant_types: tuple[str, ...] = (DEVICE_CODE_GRANT,)
    """Values of grant_type in a poll; among them an empty one where a poll need have none."""
    encodings: tuple[Encoding | Literal["query"], ...] = ("form",)
    """How the parameters of device authorizations and token requests may be sent; `query`: in the URL."""
    request_names: Mapping[str, str] = MappingProxyType({})
    """Canonical names of parameters by the other names that they may have."""
    repeatable: tuple[str, ...] = ()
    """Parameters of its own that may come twice."""
    demands: tuple[str, ...] = ()
    """Parameters, canonical names, without which a device authorization request is refused."""

    # What its servers answer.

    error_statuses_vary: bool = True
    """Whether an error may come with another status than the usual one, and is known by its code all the same."""
    providers_differ: bool = True
    """Whether providers speak it each in their own way, see `device_grant.protocol.dialects.field`."""
    slow_down_says_interval: bool = False
    """Whether slow_down comes with the interval that holds from then on."""

    # On the wire.

    @abstractmethod
    def encode(self, operation: Operation, url: str, members: Mapping[str, Any], client: Client | None) -> Request:
        """Build the request of an operation.

        `members` have canonical names; a member whose value is None is left out. `client` adds its identification
        and authentication; None sends neither.
        """

    @abstractmethod
    def decode(self, operation: Operation, response: Response) -> Outcome:
        """Read the response of an operation; never raises, whatever the server sent."""

    def read(self, request: Request, response: Response) -> tuple[Response, Outcome]:
        """The answer to a request in the terms of the RFCs, and its outcome.

        The response is the very object that was given unless the dialect's servers are known to say in another way
        what it says. Never raises.
        """
        return response, self.decode(request.operation, response)

    @abstractmethod
    def wire_name(self, name: str) -> str:
        """A canonical member name of an answer as this dialect spells it; of requests too, but see `parameter`."""

    def parameter(self, name: str) -> str:
        """A canonical name of a request's parameter as this dialect spells it."""
        return self.wire_name(name)

    @abstractmethod
    def encoding(self, operation: Operation) -> Encoding:
        """How the request of that operation is encoded."""

    @abstractmethod
    def credentials(self, client: Client) -> tuple[dict[str, str], str]:
        """Members and value of the Authorization header by which a client identifies and authenticates itself."""

    def media_type(self, operation: Operation) -> str:
        """Content-Type of the request of that operation."""
        return JSON_TYPE if self.encoding(operation) == "json" else FORM_TYPE

    def body(self, operation: Operation, members: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> bytes:
        """A request's body of members that have their names on the wire."""
        return written(self.encoding(operation), members)

    @property
    def sends_forms(self) -> bool:
        """Whether device authorizations and polls are forms (RFC 8628 sections 3.1 and 3.4)."""
        return self.encoding(Operation.TOKEN) == "form"

    def labels_json(self, media_type: str) -> bool:
        """Whether a request with this media type says that its body is JSON."""
        return media_type == JSON_TYPE

    # Valid requests.

    @abstractmethod
    def registration_members(self, role: str, scope: str = "") -> dict[str, Any]:
        """Members of a valid registration of a client in that role, see `Run.client`."""

    @abstractmethod
    def authorization_members(self, values: RequestValues) -> dict[str, Any]:
        """Members of a valid device authorization request, client authentication aside."""

    @abstractmethod
    def redirecting_members(self, redirect_uri: str, loopback_uri: str, values: RequestValues) -> dict[str, Any]:
        """Members that register a client of the authorization code flow.

        `redirect_uri` is that of a web application, `loopback_uri` one at the user's own machine; a dialect takes
        the kind that its clients have.
        """

    @abstractmethod
    def impossible_registration(self) -> dict[str, Any]:
        """Members of a registration that no server can grant: a value that nobody defined."""

    @abstractmethod
    def authentication_of(self, registered: Mapping[str, Any]) -> str:
        """How a client authenticates that a registration with these members made."""

    def client_of(self, registered: Mapping[str, Any]) -> Client:
        """The client that a successful registration made."""
        secret = registered.get("client_secret")
        return Client(
            str(registered.get("client_id")),
            secret if isinstance(secret, str) else None,
            self.authentication_of(registered),
            dict(registered),
        )

    def proves_identity(self, client: Client) -> bool:
        """Whether this is a confidential client, whose secret nobody else has (RFC 6749 section 2.1)."""
        return client.confidential and not self.public_clients_have_secrets

    # Answers.

    @abstractmethod
    def error_statuses(self, code: str) -> tuple[int, ...]:
        """Statuses with which the token endpoint may send an error; empty: another requirement's business."""

    def statuses_on_the_wire(self, code: str) -> tuple[int, ...]:
        """The same as its servers send them, where `read` puts an answer into the RFC's terms."""
        return self.error_statuses(code)

    def further_members(self, operation: Operation, scope: str) -> dict[str, Any]:
        """Members of a success, names as on the wire, that its servers send besides; None takes one away.

        `scope` is what was asked for. Their text may have the placeholders of client.toml's `[response]`.
        """
        del operation, scope
        return {}

    def error_members(self, code: str, said: Mapping[str, Any], *, refresh: bool = False) -> dict[str, Any] | None:
        """An error as its servers say it, names as on the wire; None: they say it by the status alone.

        `said` are the members of RFC 6749 section 5.2 with what else the server wants to say, `refresh` is whether a
        refresh is refused, for which no device code is to blame.
        """
        del code, refresh
        return dict(said)

    def enclosed(self, members: dict[str, Any]) -> dict[str, Any]:
        """Members of an answer, names as on the wire, within what its servers put them, as the last thing of all."""
        return members

    def written_answer(self, request: Request, members: Mapping[str, Any]) -> tuple[str, bytes]:
        """Media type and body of the answer to this request, of members that have their names on the wire."""
        del request
        return JSON_TYPE, written("json", members)

    def is_framework_error(self, outcome: Outcome) -> bool:
        """Whether a layer below OAuth refused the request in its own way, and owes no OAuth error."""
        del outcome
        return False

    def knows_error(self, code: str) -> bool:
        """Whether the dialect itself defines this error code, beyond those registered for OAuth."""
        del code
        return False

    def accepts(self, situation: Situation, *usual: str) -> list[str]:
        """The usual answers in a situation, and those that this dialect adds."""
        return [*usual, *self.latitude.get(situation, ())]

    def succeeded(self, operation: Operation, response: Response, members: Mapping[str, Any]) -> str:
        """The code of an outcome that names no error: `ok`, or `http-` with the status."""
        wanted = _NEEDED_ON_SUCCESS.get(operation)
        ok = response.status in _SUCCESSFUL and (wanted is None or wanted in members)
        return "ok" if ok else f"http-{response.status}"

    # What is written about it.

    @abstractmethod
    def openapi(self, endpoints: Mapping[str, str] | None, base: str) -> dict[str, Any]:
        """The OpenAPI document, see `device_grant.protocol.openapi.document`."""

    def binds(self, requirement: Requirement) -> bool:
        """Whether a requirement of the catalogue applies in this dialect."""
        return self.entries in requirement.dialects and requirement.id not in self.departures
