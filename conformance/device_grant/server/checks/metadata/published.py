"""The metadata that a server publishes about itself, for checks that judge it (RFC 8414)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

from device_grant.browser.page import split
from device_grant.judging import NotApplicable, Untestable
from device_grant.protocol import Purpose, Request
from device_grant.protocol.dialects import json_object
from device_grant.targets.addresses import is_test_rig

if TYPE_CHECKING:
    from device_grant.protocol import Exchange
    from device_grant.server.session.case import ServerCase

WELL_KNOWN = "/.well-known"
NAMES = ("oauth-authorization-server", "openid-configuration")
"""Names of the document: RFC 8414 section 7.3, OpenID Connect Discovery."""


def fetch_metadata(case: ServerCase) -> tuple[Exchange, dict[str, Any] | None]:
    """The document as it comes, None if it is no JSON object; raises NotApplicable where there is none."""
    if not case.run.endpoints.metadata:
        raise NotApplicable("the target publishes no metadata")
    return fetch(case, case.run.endpoints.metadata, "metadata")


def metadata_of(case: ServerCase) -> tuple[Exchange, dict[str, Any]]:
    """The document; raises NotApplicable where there is none, Untestable where it is no JSON object."""
    exchange, document = fetch_metadata(case)
    if document is None:
        raise Untestable("the metadata is no JSON object")
    return exchange, document


def fetch(case: ServerCase, url: str, label: str) -> tuple[Exchange, dict[str, Any] | None]:
    """GET a URL; the body if it is a JSON object."""
    exchange = case.send(Request("GET", url, (("Accept", "application/json"),)), label, purpose=Purpose.METADATA)
    return exchange, json_object(exchange.response) if exchange.response else None


def is_metadata(exchange: Exchange, document: dict[str, Any] | None) -> bool:
    """Whether an answer is a metadata document: 200, and an object that names its issuer."""
    return exchange.status == 200 and document is not None and isinstance(document.get("issuer"), str)


def listed(document: dict[str, Any], name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The strings of an array member; `default` where it is absent, nothing where it is no array."""
    value = document.get(name)
    if value is None:
        return default
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def is_absolute(url: object) -> bool:
    """Whether a member is an absolute http or https URL."""
    if not isinstance(url, str):
        return False
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


def issuer_of(url: str) -> str | None:
    """The issuer from which a metadata URL was made; None if it lies at no well-known path.

    RFC 8414 section 3.1 puts the well-known part before the issuer's path, OpenID Connect Discovery after it.
    """
    parts = urlsplit(url)
    for name in NAMES:
        marker = f"{WELL_KNOWN}/{name}"
        if parts.path == marker or parts.path.startswith(f"{marker}/"):
            path = parts.path.removeprefix(marker)
        elif parts.path.endswith(marker):
            path = parts.path.removesuffix(marker)
        else:
            continue
        return urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    return None


def places(base: str, path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Where the metadata of an issuer with that path belongs (RFC 8414 3.1), and where only OpenID Connect has it."""
    parts = urlsplit(base)
    origin = urlunsplit((parts.scheme, parts.netloc, "", "", ""))
    path = path.rstrip("/")
    inserted = tuple(f"{origin}{WELL_KNOWN}/{name}{path}" for name in NAMES)
    appended = tuple(f"{origin}{path}{WELL_KNOWN}/{name}" for name in NAMES)
    return inserted, tuple(url for url in appended if url not in inserted)


def reachable(case: ServerCase, url: str) -> str:
    """The URL to ask for an advertised one: a test rig is asked under the address that the target has.

    A server on loopback may call itself by a public name; nothing may be sent there because of that.
    """
    base = urlsplit(case.run.target.base)
    if not is_test_rig(case.run.target.base):
        return url
    return urlunsplit((base.scheme, base.netloc, *split(url)[2:]))
