"""Registration requests (RFC 7591 sections 2 and 3.1; AWS RegisterClient)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Judgement, rule
from device_grant.protocol.names import snake
from device_grant.protocol.reading import json_body, media_type

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession


@rule("rfc7591-3.1-client-json-object", faults=("registration_as_form",))
def registration_is_json(session: ClientSession) -> Iterator[Judgement]:
    """A registration is one JSON object by POST, labelled as JSON."""
    for entry in session.registrations:
        body, kind = json_body(entry.request), media_type(entry.request)
        labelled = session.dialect.labels_json(kind)
        holds = entry.request.method == "POST" and body is not None and labelled
        description = f"{entry.request.method}, {kind or 'no Content-Type'}"
        yield Judgement(
            "rfc7591-3.1-client-json-object",
            holds,
            "the registration is not a JSON object by POST",
            (entry,),
            description,
        )


@rule(
    "rfc7591-2-client-name-recommended",
    "rfc7591-2-client-uri-recommended",
    "rfc7591-2.2-untagged-name",
    faults=("client_name_missing", "client_uri_missing", "client_name_tagged_only"),
)
def registration_says_who(session: ClientSession) -> Iterator[Judgement]:
    """A registration has a name for people, untagged, and a page about the client."""
    for entry in session.registrations:
        members = {snake(name): value for name, value in (json_body(entry.request) or {}).items()}
        if not members:
            continue
        named = bool(members.get("client_name"))
        yield Judgement("rfc7591-2-client-name-recommended", named, "the registration has no client_name", (entry,))
        if not session.registers_as_told:
            page = bool(members.get("client_uri"))
            yield Judgement("rfc7591-2-client-uri-recommended", page, "the registration has no client_uri", (entry,))
        if any(name.startswith("client_name#") for name in members):
            problem = "client_name is there in one language only"
            yield Judgement("rfc7591-2.2-untagged-name", named, problem, (entry,))


@rule("rfc7591-2-redirect-clients-register-uris", faults=("redirect_uris_missing",))
def redirects_are_registered(session: ClientSession) -> Iterator[Judgement]:
    """A client that registers for the authorization code grant registers its redirect URIs."""
    for entry in session.registrations:
        members = {snake(name): value for name, value in (json_body(entry.request) or {}).items()}
        grants = members.get("grant_types")
        if isinstance(grants, list) and "authorization_code" in grants:
            problem = "registers for the authorization code grant without redirect URIs"
            holds = bool(members.get("redirect_uris"))
            yield Judgement("rfc7591-2-redirect-clients-register-uris", holds, problem, (entry,))
