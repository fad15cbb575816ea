"""Where a target's operations are: what target.toml says, else what the server advertises about itself."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import httpx

from device_grant.browser.unreadable import UNREADABLE, address
from device_grant.errors import TargetUnreachableError, UsageError
from device_grant.protocol import Dialect, Operation, Request, Response, any_dialect
from device_grant.protocol.dialects import json_object
from device_grant.targets.addresses import is_loopback
from device_grant.targets.transports.limits import TooLarge
from device_grant.targets.transports.live import unreachable
from device_grant.targets.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from device_grant.targets.ports import Target

_ADVERTISED = {
    "registration": "registration_endpoint",
    "device_authorization": "device_authorization_endpoint",
    "token": "token_endpoint",
    "authorization": "authorization_endpoint",
    "revocation": "revocation_endpoint",
    "introspection": "introspection_endpoint",
    "userinfo": "userinfo_endpoint",
    "jwks": "jwks_uri",
}
"""Our names, and the metadata members of RFC 8414 section 2, RFC 8628 section 4 and OpenID Connect Discovery 3."""
_NEEDED = ("device_authorization", "token")


@dataclass(frozen=True)
class Endpoints:
    """Resolved endpoints of a started target: absolute URLs; what it does not have is empty."""

    device_authorization: str
    token: str
    registration: str = ""
    authorization: str = ""
    """RFC 6749 section 3.1; only advertised, never configured."""
    metadata: str = ""
    """Where the document came from."""
    revocation: str = ""
    """RFC 7009 section 2."""
    introspection: str = ""
    """RFC 7662 section 2."""
    userinfo: str = ""
    """OpenID Connect Core 5.3."""
    jwks: str = ""
    """Where the server's public keys are (RFC 8414 section 2)."""
    verification: str = ""
    """From target.toml alone; otherwise only a device authorization response tells it."""
    document: Mapping[str, Any] = field(default_factory=dict)
    """The raw metadata, as the server sent it; empty if there is none."""
    exchanges: tuple[tuple[Request, Response], ...] = ()
    """Every request that discovery made, for checks that judge metadata."""
    moved: tuple[str, ...] = ()
    """Advertised URLs that nothing listens at, so that the target's base is used instead, one sentence each."""

    def url(self, operation: Operation) -> str:
        """The endpoint of an operation; empty if the target has none."""
        match operation:
            case Operation.REGISTRATION:
                return self.registration
            case Operation.DEVICE_AUTHORIZATION:
                return self.device_authorization
            case Operation.TOKEN:
                return self.token
            case Operation.OTHER:
                return ""


def discover(target: Target, http: httpx.Client, dialect: Dialect | None = None) -> Endpoints:
    """Find the endpoints of a started target.

    Paths of target.toml win; then, where the dialect has no metadata, its own ones, and nothing is asked; then RFC
    8414 metadata, then OpenID Connect discovery, then paths that the dialect has besides. `dialect` overrides the
    configured one. Raises UsageError naming the keys to write, or TargetUnreachableError.
    """
    configured = target.config.endpoints
    explicit = {name: _absolute(target.base, getattr(configured, name, "")) for name in _ADVERTISED}
    verification = _absolute(target.base, configured.verification)
    spoken = dialect or any_dialect(target.config.dialect)
    found_at = {operation: _absolute(target.base, path) for operation, path in spoken.paths.items()}
    if found_at and not spoken.has_metadata:
        return Endpoints(
            registration=explicit["registration"] or found_at.get(Operation.REGISTRATION, ""),
            device_authorization=explicit["device_authorization"] or found_at[Operation.DEVICE_AUTHORIZATION],
            token=explicit["token"] or found_at[Operation.TOKEN],
            metadata=_absolute(target.base, configured.metadata),
            verification=verification,
        )
    result = _advertised(target, http)
    usual = {operation.value: url for operation, url in found_at.items()}
    urls = {name: url or result.urls.get(name) or usual.get(name, "") for name, url in explicit.items()}
    missing = [name for name in _NEEDED if not urls[name]]
    if missing:
        raise UsageError(_incomplete(target, result, missing))
    # An address that target.toml gives is the user's word; only advertised ones are looked after.
    moved: list[str] = []
    for name, url in urls.items():
        if url and not explicit[name]:
            urls[name] = _reachable(target, name, url, moved)
    _ask_before_secrets_go(target, result.source, {name: url for name, url in urls.items() if not explicit[name]})
    return Endpoints(
        **urls,
        metadata=result.source,
        verification=verification,
        document=result.document,
        exchanges=result.exchanges,
        moved=tuple(moved),
    )


@dataclass(frozen=True)
class _Advertised:
    source: str = ""
    document: Mapping[str, Any] = field(default_factory=dict)
    urls: Mapping[str, str] = field(default_factory=dict)
    exchanges: tuple[tuple[Request, Response], ...] = ()
    unread: tuple[str, ...] = ()
    """Why documents were not read, one sentence each."""


def _advertised(target: Target, http: httpx.Client) -> _Advertised:
    """Ask the well-known places in turn, until one document names everything needed; one that is too large is none.

    The first document that names the device authorization endpoint is the metadata, else the first one at all; some
    servers leave the endpoint out of one of the two documents, so the later one fills gaps.
    """
    configured = target.config.endpoints
    result = _Advertised()
    if target.config.claims.get("metadata") is False and not configured.metadata:
        return result
    for url in _places(target.base, configured.metadata):
        request = Request("GET", url, (("Accept", "application/json"),))
        try:
            response = _ask(http, request)
        except TooLarge as error:
            result = replace(result, unread=(*result.unread, f"{url}: {error}"))
            continue
        result = replace(result, exchanges=(*result.exchanges, (request, response)))
        document = json_object(response) if response.status == httpx.codes.OK else None
        if document is None:
            continue
        urls = {
            name: value
            for name, member in _ADVERTISED.items()
            if isinstance(value := document.get(member), str) and value and is_sendable(value)
        }
        if not result.source or ("device_authorization" in urls and "device_authorization" not in result.urls):
            result = replace(result, source=url, document=document)
        result = replace(result, urls={**urls, **result.urls})
        if all(name in result.urls for name in _NEEDED):
            break
    return result


def _places(base: str, configured: str) -> Iterator[str]:
    if configured:
        yield _absolute(base, configured)
        return
    parts = urlsplit(base)
    # RFC 8414 section 3.1 inserts the well-known part before the issuer's path, OpenID Connect appends it.
    path = f"/.well-known/oauth-authorization-server{parts.path}"
    yield urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    yield f"{base}/.well-known/openid-configuration"


def _ask(http: httpx.Client, request: Request) -> Response:
    try:
        answer = http.request(request.method, request.url, headers=list(request.headers))
    except TooLarge:
        raise
    except UNREADABLE as error:
        raise TargetUnreachableError(unreachable(request.url, error)) from error
    headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in answer.headers.raw)
    return Response(answer.status_code, headers, answer.content)


def _absolute(base: str, path: str) -> str:
    if not path or path.startswith(("http://", "https://")):
        return path
    return f"{base}/{path.removeprefix('/')}"


def _incomplete(target: Target, result: _Advertised, missing: list[str]) -> str:
    keys = ", ".join(f'{name} = "/path"' for name in missing)
    if result.source:
        members = " and ".join(_ADVERTISED[name] for name in missing)
        stated = any(result.document.get(_ADVERTISED[name]) for name in missing)
        what = f"its metadata ({result.source}) names no {members}{' that can be asked' if stated else ''}"
    elif result.exchanges:
        tried = " and ".join(f"{request.url} ({response.status})" for request, response in result.exchanges)
        what = f"there is no metadata at {tried}"
    else:
        what = "its endpoints are unknown and claims.metadata is false"
    if result.unread:
        what = f"its metadata was not read ({'; '.join(result.unread)})"
    return f"{target.spec}: {what}: write {keys} under [endpoints] in target.toml"


def _ask_before_secrets_go(target: Target, source: str, advertised: Mapping[str, str]) -> None:
    """Raise UsageError where metadata leads requests with secrets of target.toml to a host that nobody named."""
    trust = Trust.of(target)
    for name, secret in trust.secrets.items():
        url = advertised.get(name, "")
        if not url or trust.allows(url):
            continue
        host = urlsplit(url).hostname or url
        raise UsageError(
            f"{target.spec}: its metadata ({source}) has {url} as {_ADVERTISED[name]}: {secret}, which is for "
            f"{target.base}, does not go there unasked. If it is right, write trust = [{json.dumps(host)}] under "
            f"[endpoints] in target.toml, or give --trust {host}"
        )


def is_sendable(url: str) -> bool:
    """Whether a request can be sent to what a server calls an address at all; a relative one is below its base."""
    try:
        port = urlsplit(url).port
    except ValueError:
        return False
    return port != 0 and address(url) is not None


def is_address(url: str) -> bool:
    """Whether that is an absolute http or https URL besides."""
    if not is_sendable(url):
        return False
    parts = urlsplit(url)
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _reachable(target: Target, name: str, url: str, moved: list[str]) -> str:
    """The advertised URL, or the same path at the target's base if nothing listens at another local address.

    A server behind a port mapping often advertises a name or port that only it can reach. Remote targets are taken at
    their word: a proxy may reach what a socket of ours cannot.
    """
    parts, base = urlsplit(url), urlsplit(target.base)
    if target.in_process or (parts.scheme, parts.netloc) == (base.scheme, base.netloc) or not is_loopback(target.base):
        return url
    try:
        listens = target.listens(parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80))
    except ValueError:
        listens = False
    if listens:
        return url
    here = urlunsplit((base.scheme, base.netloc, parts.path, parts.query, ""))
    moved.append(f"{name}: advertised as {url}, where nothing listens; {here} is used")
    return here
