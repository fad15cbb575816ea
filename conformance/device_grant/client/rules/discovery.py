"""How metadata is asked for (RFC 8414 sections 3.1 and 5)."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from device_grant.client.rules.session import path_of
from device_grant.judging import Judgement, rule

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.client.rules.session import ClientSession
    from device_grant.protocol import Exchange

WELL_KNOWN = "/.well-known/"
RFC_NAME = "oauth-authorization-server"
OPENID_NAME = "openid-configuration"


@rule("rfc8414-3.1-get", faults=("metadata_by_post",))
def metadata_is_asked_for_by_get(session: ClientSession) -> Iterator[Judgement]:
    """Metadata is asked for by GET."""
    for entry in _lookups(session):
        method = entry.request.method
        yield Judgement("rfc8414-3.1-get", method == "GET", "metadata is not asked for by GET", (entry,), method)


@rule("rfc8414-3.1-strip-trailing-slash", faults=("issuer_slash_kept",))
def issuer_slash_is_removed(session: ClientSession) -> Iterator[Judgement]:
    """A slash at the end of the issuer's path is not there in the path of RFC 8414."""
    path = urlsplit(session.issuer).path
    if not path.endswith("/") or path == "/":
        return
    for entry in _lookups(session):
        asked = path_of(entry)
        if asked.startswith(WELL_KNOWN) and asked.rstrip("/").endswith(path.rstrip("/")):
            problem = "the slash at the end of the issuer is kept in the path of the metadata"
            yield Judgement("rfc8414-3.1-strip-trailing-slash", not asked.endswith("/"), problem, (entry,), asked)


@rule("rfc8414-3.1-inserted", faults=("well_known_appended",))
def well_known_is_inserted(session: ClientSession) -> Iterator[Judgement]:
    """With an issuer that has a path, RFC 8414's well-known part stands between host and path.

    A client that asks at other places as well has not missed it.
    """
    path = urlsplit(session.issuer).path.rstrip("/")
    own = [entry for entry in _lookups(session) if RFC_NAME in path_of(entry)]
    if not path or not own:
        return
    inserted = any(path_of(entry).startswith(f"{WELL_KNOWN}{RFC_NAME}") for entry in own)
    problem = "the well-known part is not inserted between the issuer's host and its path"
    yield Judgement("rfc8414-3.1-inserted", inserted, problem, (own[0],), path_of(own[0]))


@rule("rfc8414-5-lookup-order", faults=("openid_location_first",))
def rfc_location_comes_first(session: ClientSession) -> Iterator[Judgement]:
    """With an issuer that has a path, the location of RFC 8414 is tried before that of OpenID Connect Discovery.

    A client that never asks there knows OpenID Connect Discovery alone, and does as that says.
    """
    path = urlsplit(session.issuer).path.rstrip("/")
    lookups = _lookups(session)
    if not path or not any(path_of(entry).startswith(WELL_KNOWN) for entry in lookups):
        return
    first = path_of(lookups[0])
    openid = first.endswith(f"{WELL_KNOWN}{OPENID_NAME}") and not first.startswith(WELL_KNOWN)
    problem = "the location of OpenID Connect Discovery is tried first"
    yield Judgement("rfc8414-5-lookup-order", not openid, problem, (lookups[0],), first)


def _lookups(session: ClientSession) -> list[Exchange]:
    return [entry for entry in session.exchanges if WELL_KNOWN in path_of(entry)]
