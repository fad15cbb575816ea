"""How clients that register are to authenticate: by methods that the server has (RFC 7591 section 2, RFC 8414 2)."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from device_grant.protocol import Client
from device_grant.protocol.certificates import MUTUAL_TLS_METHODS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from device_grant.protocol import Exchange, Operation
    from device_grant.targets.config import KnownClient

METHOD = "token_endpoint_auth_method"
_SPARE = ("response_types", "scope")
"""Members that no client of the device grant needs to register, and that some servers refuse as they are."""
_WITH_SECRET = ("client_secret_basic", "client_secret_post")


class Methods:
    """What is known of a server's methods: those that its metadata lists, and whether it registers public clients."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        """`document`: the metadata, empty where there is none."""
        listed = document.get(f"{METHOD}s_supported")
        self._listed = tuple(one for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()
        self.nobody_public = False
        """Whether the metadata lists no public clients, and a registration of one was refused."""
        self.unwelcome: frozenset[str] = frozenset()
        """Members without which a registration was granted that had been refused for them."""
        self.names_itself: frozenset[Operation] = frozenset()
        """Where a client that authenticates by HTTP Basic was served with its client_id in the body alone."""
        self.tried = "none" in self._listed or not self._listed
        """Whether nothing is left to find out about public clients, as the metadata says, or by a registration."""

    def instead_of(self, usual: str | None) -> dict[str, str]:
        """A member with a listed method, where the usual one is not to be had; else nothing."""
        listed = [method for method in _WITH_SECRET if method in self._listed]
        unlisted = bool(listed) and usual in _WITH_SECRET and usual not in listed
        if unlisted or (usual == "none" and self.nobody_public):
            return {METHOD: listed[0] if listed else _WITH_SECRET[0]}
        return {}

    def complaint(self, registration: Exchange) -> frozenset[str]:
        """The members that the refusal of a registration names, of those that a client can do without."""
        said = registration.get("error_description")
        if registration.status != HTTPStatus.BAD_REQUEST or not isinstance(said, str):
            return frozenset()
        return frozenset(name for name in _SPARE if re.search(rf"\b{name}\b", said)) - self.unwelcome

    def spoken(self, client: Client) -> Client:
        """The client as it has to speak: with its client_id beside HTTP Basic where the server insists on that."""
        basic = client.authentication == _WITH_SECRET[0]
        return replace(client, names_itself=self.names_itself if basic else frozenset())

    def refused(self, registration: Exchange) -> bool:
        """Take note of the answer to a public client; whether it was refused, so that another kind is to be tried."""
        refused = registration.status == HTTPStatus.BAD_REQUEST and registration.code == "invalid_client_metadata"
        refused = refused and "none" not in self._listed
        self.nobody_public = self.nobody_public or refused
        return refused


def known_client(clients: Sequence[KnownClient], role: str) -> Client | None:
    """The client of target.toml in a role, as `Run.client` names them; None where there is none."""
    able = [
        known for known in clients if "device_code" in known.grants and known.authentication not in MUTUAL_TLS_METHODS
    ]
    public = [known for known in able if known.authentication == "none"]
    confidential = [known for known in able if known.authentication != "none"]
    choices: Mapping[str, list[KnownClient]] = {
        "primary": (public + confidential)[:1],
        "other": (public + confidential)[1:2],
        "confidential": confidential[:1],
        "without-grant": [known for known in clients if "device_code" not in known.grants][:1],
    }
    return next((Client(one.id, one.secret or None, one.authentication) for one in choices[role]), None)
