"""Whose an access token is, where the server says it (OpenID Connect Core 2 and 5.3, RFC 7662)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from device_grant.judging import Untestable
from device_grant.protocol import Request
from device_grant.protocol.dialects import json_object
from device_grant.server.session.jose.compact import read_jwt

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.device import Device


def subjects_of(device: Device, tokens: Exchange) -> dict[str, str]:
    """The `sub` of the ID token that came with it, and what the userinfo endpoint says, by source.

    Raises Untestable where neither tells.
    """
    id_token = read_jwt(tokens.get("id_token"))
    said = {"id_token": id_token.claims.get("sub") if id_token else None}
    address = device.case.run.endpoints.userinfo
    if address and device.case.run.trust.allows(address):
        headers = (("Authorization", f"Bearer {tokens.get('access_token')}"), ("Accept", "application/json"))
        answer = device.case.send(Request("GET", address, headers), "whose token it is")
        body = json_object(answer.response) if answer.response is not None else None
        said["userinfo"] = (body or {}).get("sub")
    subjects = {source: subject for source, subject in said.items() if isinstance(subject, str)}
    if not subjects:
        raise Untestable("nothing says whose a token is: no id_token comes with it, and no userinfo endpoint tells")
    return subjects


def same_subject(one: dict[str, str], other: dict[str, str]) -> bool:
    """Whether two tokens are for one person; only the same source may be compared: each may name a person its own way.

    Raises Untestable where no source told of both.
    """
    shared = one.keys() & other.keys()
    if not shared:
        raise Untestable("whose the tokens are is said by the ID token of one and by userinfo for the other")
    return all(one[source] == other[source] for source in shared)
