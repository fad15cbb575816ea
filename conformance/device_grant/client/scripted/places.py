"""Where the endpoints of the scripted server are, and what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.client.scripted.code_grant import AUTHORIZATION_CODE, AUTHORIZE
from device_grant.client.scripted.members import metadata_places
from device_grant.client.scripted.mutual_tls import PREFIX
from device_grant.protocol import REFRESH_TOKEN_GRANT, Operation, Purpose, any_dialect
from device_grant.protocol.reading import is_poll, members_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from device_grant.client.drivers.config import ClientConfig
    from device_grant.client.scripted.authority import Authority
    from device_grant.client.scripted.steps import Channel
    from device_grant.protocol import Dialect, Request

OPERATIONS: Mapping[Channel, Operation] = {
    "start": Operation.DEVICE_AUTHORIZATION,
    "token": Operation.TOKEN,
    "refresh": Operation.TOKEN,
    "registration": Operation.REGISTRATION,
    "redeem": Operation.TOKEN,
}
"""Operations by channel."""
PURPOSES: Mapping[Channel, Purpose] = {
    "start": Purpose.START,
    "token": Purpose.POLL,
    "refresh": Purpose.REFRESH,
    "registration": Purpose.REGISTRATION,
    "metadata": Purpose.METADATA,
    "authorize": Purpose.AUTHORIZATION,
    "redeem": Purpose.TOKEN_REQUEST,
    "revocation": Purpose.REVOCATION,
}
"""Purposes by channel."""


def usual_paths(config: ClientConfig, dialect: Dialect) -> dict[str, str]:
    """Path of each endpoint, by channel: as client.toml has it, else as the dialect does.

    A client keeps the paths of the dialect that it speaks, whatever it is judged by.
    """
    endpoints = config.endpoints
    own = any_dialect(config.speaks.dialect).paths if config.speaks.dialect else dialect.paths
    return {
        "start": endpoints.device_authorization or own.get(Operation.DEVICE_AUTHORIZATION, "/device_authorization"),
        "token": endpoints.token or own.get(Operation.TOKEN, "/token"),
        "registration": endpoints.registration or own.get(Operation.REGISTRATION, "/register"),
        "revocation": "/revoke",
    }


class Channels:
    """Tells what the requests to one server are for, by their paths and by what they carry."""

    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def of(self, request: Request) -> Channel | None:
        """What the request is for; None: nothing of the protocol."""
        path, paths = self._path_of(request), self._authority.paths
        result: Channel | None = None
        if path == paths["start"]:
            # Some servers have one path for both endpoints.
            asked = self._token_channel(request) if path == paths["token"] else None
            result = asked or "start"
        elif path == paths["token"]:
            result = self._token_channel(request)
        elif path == paths["registration"]:
            result = "registration"
        elif path == paths["revocation"] and self._authority.config.claims.revocation:
            result = "revocation"
        elif path in self._metadata_paths():
            result = "metadata"
        elif path == AUTHORIZE and self._authority.dialect.code_grant_is_tested:
            result = "authorize"
        return result

    def _token_channel(self, request: Request) -> Channel | None:
        """A poll or a refresh, by what the request names; None: it names nothing that either has.

        A code of ours makes it a poll, whatever its grant type is and however it calls the code: the script answers,
        and the rules judge the request.
        """
        members = members_of(request)
        names = {name for name, value in members if value not in (None, "")}
        grants = [value for name, value in members if name == "grant_type"]
        if grants == [REFRESH_TOKEN_GRANT]:
            return "refresh"
        if grants == [AUTHORIZATION_CODE] and self._authority.dialect.code_grant_is_tested:
            return "redeem"
        if self.code_in(members):
            return "token"
        if "refresh_token" in names and "device_code" not in names:
            return "refresh"
        paths = self._authority.paths
        begun = bool(self._authority.issued.get("device_code")) and paths["start"] != paths["token"]
        return "token" if begun or names & {"grant_type", "device_code"} else None

    def code_in(self, members: Iterable[tuple[str, Any]]) -> str:
        """The device code of ours that the request carries under any name; empty if it has none."""
        known = self._authority.issued.get("device_code", ())
        return next((value for _, value in members if isinstance(value, str) and value and value in known), "")

    def operation(self, request: Request) -> Operation:
        """The operation of a request, by its path."""
        channel = self.of(request)
        if channel is None and self.is_at_token_endpoint(request):
            return Operation.TOKEN
        return OPERATIONS.get(channel, Operation.OTHER) if channel else Operation.OTHER

    def is_at_token_endpoint(self, request: Request) -> bool:
        """Whether it goes to the path of the token endpoint, whatever it carries."""
        return self._path_of(request) == self._authority.paths["token"]

    def purpose(self, channel: Channel | None, request: Request) -> Purpose:
        """The purpose of a request on that channel; a token request without a code of ours is no poll."""
        if channel == "token" and not (is_poll(request) or self.code_in(members_of(request))):
            return Purpose.TOKEN_REQUEST
        if channel is None:
            return Purpose.TOKEN_REQUEST if self.is_at_token_endpoint(request) else Purpose.OTHER
        return PURPOSES[channel]

    def _metadata_paths(self) -> tuple[str, ...]:
        if self._authority.metadata_at is not None:
            return self._authority.metadata_at
        further = self._authority.config.endpoints.metadata
        return metadata_places(self._authority.issuer_path) + ((further,) if further else ())

    def _path_of(self, request: Request) -> str:
        """Path of the request; of one to an alias that of its endpoint."""
        path = urlsplit(request.url).path
        return path if self._authority.mutual is None else path.removeprefix(PREFIX)
