"""The exchanges of one client with one server, told apart by what they are for."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from device_grant.client.scripted.code_grant import AUTHORIZATION_CODE, is_authorization
from device_grant.protocol import DEFAULT_INTERVAL, REFRESH_TOKEN_GRANT, Operation
from device_grant.protocol.numbers import number
from device_grant.protocol.reading import basic, is_poll, members_of, value_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol import Dialect, Exchange


@dataclass(frozen=True)
class ObservedGrant:
    """One device authorization response and the polls for it, in order."""

    start: Exchange | None
    """None where the device code was obtained elsewhere."""
    device_code: str
    polls: tuple[Exchange, ...]
    default_interval: float = DEFAULT_INTERVAL
    """Seconds between polls where the response names none."""

    @property
    def stated_interval(self) -> Any:
        """The member `interval` as it was sent; None if absent or null."""
        return self.start.get("interval") if self.start else None

    @property
    def interval(self) -> float | None:
        """Seconds that the client has to wait; None if the response says nothing that can be used."""
        stated = self.stated_interval
        if self.start is None or isinstance(stated, bool):
            return None
        if stated is None:
            return self.default_interval
        seconds = number(stated)
        return seconds if seconds is not None and seconds >= 0 else None

    @property
    def expires_in(self) -> float | None:
        """Seconds that the codes live; None if the response does not say."""
        return number(self.start.get("expires_in")) if self.start else None


@dataclass(frozen=True)
class ClientSession:
    """What one client did, and what is known of it; an empty string is unknown."""

    dialect: Dialect
    exchanges: tuple[Exchange, ...]
    client_id: str = ""
    """Identifier that the client was given."""
    client_secret: str = ""
    scope: str = ""
    issuer: str = ""
    """Issuer from which the client had to find its endpoints."""
    device_code: str = ""
    refresh_token: str = ""
    registers_as_told: bool = False
    """Whether the metadata of its registration is that of an application, or of our adapter, around it."""
    over: float | None = None
    """When the client ended, or the record does; on the clock of the exchanges."""
    loopback: bool = False
    """Whether this is a test rig, in which plain HTTP says nothing."""
    blur: float = 0.0
    """Seconds by which a request may be late through no fault of the client."""
    began: float | None = None
    """Seconds since the epoch, by the client's clock, at nought on that of the exchanges; None: not known."""
    written: Mapping[str, str] = field(default_factory=dict)
    """What the client itself has written for people and into logs, by place; empty where that was not recorded."""
    secrets: tuple[tuple[str, str], ...] = ()
    """Values that it was given or got, each with its kind, for example `access_token`."""

    @cached_property
    def starts(self) -> tuple[Exchange, ...]:
        """Device authorization requests."""
        return self._of(Operation.DEVICE_AUTHORIZATION)

    @cached_property
    def registrations(self) -> tuple[Exchange, ...]:
        """Client registrations."""
        return self._of(Operation.REGISTRATION)

    @cached_property
    def token_requests(self) -> tuple[Exchange, ...]:
        """All requests to the token endpoint."""
        begun = bool(self.device_code or self.refresh_token)
        collected = []
        for entry in self.exchanges:
            begun = begun or entry.request.operation is Operation.DEVICE_AUTHORIZATION
            # What names no grant and no code, before anything was begun, is neither a poll nor a refresh: some clients
            # send their device authorization request there.
            if entry.request.operation is Operation.TOKEN and (begun or _named(entry) & _OF_TOKEN_REQUESTS):
                collected.append(entry)
        return tuple(collected)

    @cached_property
    def refreshes(self) -> tuple[Exchange, ...]:
        """Token requests that name no device code, and are or should be refreshes."""
        return tuple(entry for entry in self.token_requests if self._is_refresh(entry))

    @cached_property
    def authorizations(self) -> tuple[Exchange, ...]:
        """Authorization requests of the code grant, which a browser has sent for the client."""
        return tuple(entry for entry in self.exchanges if is_authorization(entry.request))

    @cached_property
    def redemptions(self) -> tuple[tuple[Exchange, Exchange | None], ...]:
        """Token requests of the code grant, each with the authorization request that it belongs to.

        None where the record does not show which: it was sent elsewhere, or there are several.
        """
        collected: list[tuple[Exchange, Exchange | None]] = []
        asked: list[Exchange] = []
        for entry in self.exchanges:
            if is_authorization(entry.request):
                asked.append(entry)
            elif entry.request.operation is Operation.TOKEN and _grant_type(entry) == AUTHORIZATION_CODE:
                answered = [one for one in asked if value_of(entry.request, "code") == _code_of(one)]
                collected.append((entry, (answered or asked)[-1] if answered or len(asked) == 1 else None))
        return tuple(collected)

    @cached_property
    def polls(self) -> tuple[Exchange, ...]:
        """Token requests for the tokens of a device authorization."""
        return tuple(entry for entry in self.token_requests if self._is_poll(entry))

    @cached_property
    def protocol(self) -> tuple[Exchange, ...]:
        """Everything but metadata and what is none of the protocol's."""
        return tuple(entry for entry in self.exchanges if entry.request.operation is not Operation.OTHER)

    @cached_property
    def grants(self) -> tuple[ObservedGrant, ...]:
        """Each flow with its polls; polls belong to the flow that was started last before them."""
        collected: list[tuple[Exchange, list[Exchange]]] = []
        polls = {id(entry) for entry in self.polls}
        # By their order, not by their times: a clock that is simulated or coarse gives several the same.
        for entry in self.exchanges:
            if entry.request.operation is Operation.DEVICE_AUTHORIZATION:
                if entry.outcome.ok and isinstance(entry.get("device_code"), str):
                    collected.append((entry, []))
            elif collected and id(entry) in polls:
                collected[-1][1].append(entry)
        default = self.dialect.default_interval
        if not collected:
            return (
                (ObservedGrant(None, self.device_code, self.polls, default),) if self.device_code and self.polls else ()
            )
        return tuple(
            ObservedGrant(start, str(start.get("device_code")), tuple(polls), default) for start, polls in collected
        )

    @cached_property
    def registered(self) -> Exchange | None:
        """The last successful registration."""
        return next((entry for entry in reversed(self.registrations) if entry.outcome.ok), None)

    def as_registered(self, *entries: Exchange) -> tuple[Exchange, ...]:
        """Those that the client sent as whom `known_id` and `known_secret` name.

        What came before the last registration may be of an earlier one, of which the record shows nothing.
        """
        if self.client_id or self.registered is None:
            return entries
        order = {id(entry): place for place, entry in enumerate(self.exchanges)}
        since = order[id(self.registered)]
        return tuple(entry for entry in entries if order.get(id(entry), since) >= since)

    @property
    def known_id(self) -> str:
        """The identifier that the client has to use, if one is known."""
        return self.client_id or str((self.registered and self.registered.get("client_id")) or "")

    @property
    def known_secret(self) -> str:
        """The secret that the client has to authenticate with, if one is known."""
        if self.client_id:
            return self.client_secret
        return str((self.registered and self.registered.get("client_secret")) or "")

    def _of(self, operation: Operation) -> tuple[Exchange, ...]:
        return tuple(entry for entry in self.exchanges if entry.request.operation is operation)

    def _is_poll(self, entry: Exchange) -> bool:
        # A POST that has lost its body, or has other names for all that is in it, is still meant as one.
        meant = entry.request.method == "POST" and not _named(entry) & _OF_TOKEN_REQUESTS
        return (is_poll(entry.request) or meant) and not self._is_refresh(entry)

    def _is_refresh(self, entry: Exchange) -> bool:
        names = _named(entry)
        if value_of(entry.request, "grant_type") == REFRESH_TOKEN_GRANT:
            return True
        return "device_code" not in names and ("refresh_token" in names or bool(self.refresh_token))


def _grant_type(entry: Exchange) -> Any:
    return value_of(entry.request, "grant_type")


def _code_of(authorization: Exchange) -> str:
    """The code that its answer sends back to the client; empty if it sends none."""
    location = (authorization.response.header("location") if authorization.response else "") or ""
    try:
        return dict(parse_qsl(urlsplit(location).query)).get("code", "")
    except ValueError:
        return ""


_OF_TOKEN_REQUESTS = frozenset({"grant_type", "device_code", "refresh_token"})


def _named(entry: Exchange) -> set[str]:
    return {name for name, value in members_of(entry.request) if value not in (None, "")}


def authenticates(entry: Exchange) -> bool:
    """Whether the request carries credentials: Basic or another scheme, a secret, or an assertion."""
    names = {name for name, value in members_of(entry.request) if value not in (None, "")}
    header = entry.request.header("authorization") or ""
    return bool(names & {"client_secret", "client_assertion"}) or (bool(header) and not header.startswith("AWS4-"))


def identifies(entry: Exchange) -> bool:
    """Whether the request names its client, in the body or by Basic."""
    named = value_of(entry.request, "client_id")
    credentials = basic(entry.request)
    return (isinstance(named, str) and named != "") or (credentials is not None and credentials.user != "")


def path_of(entry: Exchange) -> str:
    """Path of the request."""
    return urlsplit(entry.request.url).path
