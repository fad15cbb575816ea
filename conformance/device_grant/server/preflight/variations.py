"""Why a request of the main path is refused: the same request in other forms, until one is taken.

Servers of the field read client_id from the query only, take JSON only, demand a scope, know another method of client
authentication, or live at another path. The form that is taken names the cause, and what to write into target.toml.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from device_grant.protocol import Client, Operation, Purpose, Request
from device_grant.protocol.dialects import FORM_TYPE, JSON_TYPE, known_dialects
from device_grant.server.session.scopes import known_scopes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.protocol import Dialect, Exchange
    from device_grant.server.session.case import ServerCase
    from device_grant.server.session.device import Device

METHODS = ("client_secret_basic", "client_secret_post", "none")
USUAL_PATHS = {
    Operation.DEVICE_AUTHORIZATION: (
        "/device_authorization",
        "/oauth/device_authorization",
        "/oauth2/device_authorization",
        "/oauth2/v1/device/authorize",
        "/oauth/device/code",
        "/oauth2/device/code",
        "/device/code",
        "/device/auth",
        "/oauth2/device/auth",
    ),
    Operation.TOKEN: ("/token", "/oauth/token", "/oauth2/token", "/oauth2/v1/token", "/access_token", "/connect/token"),
}
"""Where servers of the field have these endpoints, below their base."""
KEYS = {Operation.DEVICE_AUTHORIZATION: "device_authorization", Operation.TOKEN: "token"}
"""The keys of target.toml."""
_NAMES = {
    Operation.DEVICE_AUTHORIZATION: "the device authorization endpoint",
    Operation.TOKEN: "the token endpoint",
}
_ELSEWHERE = (404, 405, 501)
"""Statuses of a place where such an endpoint is not."""


@dataclass(frozen=True)
class Variation:
    """The request in another form."""

    request: Request
    title: str
    """What is so if this form is taken."""
    advice: str
    """What to write into target.toml; a sentence where nothing helps."""
    of_server: bool
    """Whether the server is wrong then; otherwise target.toml says too little."""
    spoken: Dialect | None = None
    """The dialect in which the answer is read; None: that of the run."""


def name_of(operation: Operation) -> str:
    """The endpoint, for people."""
    return _NAMES[operation]


def diagnose(case: ServerCase, device: Device, refused: Exchange, members: dict[str, str]) -> Variation | None:
    """The first other form of a refused request that is taken; None if none is.

    `members` are those of the refused request.
    """
    for variation in _variations(case, device, refused, members):
        if not _taken(case, variation.request, variation.spoken, f"tried: {variation.title}"):
            continue
        # The control: the request as it was is refused still, so that it is the form that makes the difference.
        if not _taken(case, refused.request, None, "control: the refused request once more"):
            return variation
        return None
    return None


def _taken(case: ServerCase, request: Request, spoken: Dialect | None, label: str) -> bool:
    # Not by `case.send`: no invariant has to judge what an address answers that is no endpoint perhaps.
    exchange = case.run.exchange(request, case.began, label)
    exchange = replace(exchange, purpose=Purpose.CONTROL)
    case.transcript.append(exchange)
    outcome = exchange.outcome
    if spoken is not None and exchange.response is not None:
        _, outcome = spoken.read(request, exchange.came or exchange.response)
    # slow_down may be said to whatever comes in a hurry.
    return outcome.ok or outcome.code == "authorization_pending"


def _variations(case: ServerCase, device: Device, refused: Exchange, members: dict[str, str]) -> Iterator[Variation]:
    operation = refused.request.operation
    if refused.status in _ELSEWHERE or refused.response is None or not refused.outcome.members:
        yield from _elsewhere(case, device, operation, members)
    spoken = case.run.dialect
    if spoken.http_authentication:
        yield from _forms(case, device, operation, members)
    yield from _dialects(case, device, operation)


def _elsewhere(case: ServerCase, device: Device, operation: Operation, members: dict[str, str]) -> Iterator[Variation]:
    run, key = case.run, KEYS[operation]
    here = run.url(operation)
    configured = bool(getattr(run.target.config.endpoints, key))
    advertised = run.endpoints.document.get(f"{key}_endpoint")
    urls: list[str] = [advertised] if isinstance(advertised, str) else []
    parts = urlsplit(here)
    base = urlsplit(run.target.base)
    roots = dict.fromkeys((run.target.base, urlunsplit((base.scheme, base.netloc, "", "", "")), here.rsplit("/", 1)[0]))
    usual = run.dialect.paths.get(operation)
    paths = (f"/{usual.removeprefix('/')}",) if usual else USUAL_PATHS[operation]
    urls += [here.rstrip("/") if parts.path.endswith("/") else f"{here}/"]
    urls += [f"{root.rstrip('/')}{path}" for root in roots for path in paths]
    for url in dict.fromkeys(urls):
        if url == here or not url.startswith(("http://", "https://")) or not run.trust.allows(url, key):
            continue
        yield Variation(
            run.dialect.encode(operation, url, members, device.client),
            f"{name_of(operation)} is not where it was looked for",
            f"[endpoints]\n{key} = {_quoted(_relative(url, run.target.base))}",
            # Where target.toml sends the suite elsewhere than the metadata does, the file is what has to change.
            of_server=not configured and advertised is not None,
        )


def _forms(case: ServerCase, device: Device, operation: Operation, members: dict[str, str]) -> Iterator[Variation]:
    run, client, name = case.run, device.client, name_of(operation)
    url = run.url(operation)
    request = run.dialect.encode(operation, url, members, client)
    content = (request.content or b"").decode("latin-1")
    if client.authentication == "none":
        pairs = [pair for pair in parse_qsl(content) if pair[0] != "client_id"]
        query = urlencode([("client_id", client.id)])
        yield Variation(
            replace(request, url=f"{url}{'&' if '?' in url else '?'}{query}", content=urlencode(pairs).encode()),
            f"{name} reads client_id from the query only, not from the form",
            "read the parameters of the form (RFC 8628 sections 3.1 and 3.4): nothing in target.toml helps",
            of_server=True,
        )
    sent = dict(parse_qsl(content, keep_blank_values=True))
    headers = tuple((key, JSON_TYPE if value == FORM_TYPE else value) for key, value in request.headers)
    yield Variation(
        replace(request, headers=headers, content=json.dumps(sent).encode()),
        f"{name} reads JSON only, not forms",
        "read forms (RFC 8628 sections 3.1 and 3.4): nothing in target.toml helps",
        of_server=True,
    )
    for scope in _scopes(device):
        yield Variation(
            run.dialect.encode(operation, url, members | {"scope": scope}, client),
            f"{name} demands a scope",
            f"[request]\nscope = {_quoted(scope)}",
            # An authorization server may have no default (RFC 6749 section 3.3); a token request of the device grant
            # has no scope at all (RFC 8628 section 3.4).
            of_server=operation is Operation.TOKEN,
        )
    if case.run.target.config.request.scope and operation is Operation.DEVICE_AUTHORIZATION:
        asked = {key: value for key, value in members.items() if key != "scope"}
        yield Variation(
            run.dialect.encode(operation, url, asked, client),
            f"{name} refuses the scope that target.toml names",
            '[request]\nscope = ""',
            of_server=False,
        )
    for method in METHODS:
        if method == client.authentication or (client.secret is None and method != "none"):
            continue
        other = Client(client.id, client.secret if method != "none" else None, method)
        yield Variation(
            run.dialect.encode(operation, url, members, other),
            f"{name} takes the client by {method}, not by {client.authentication}",
            f'[[clients]]\nid = {_quoted(client.id)}\nauthentication = "{method}"',
            of_server=bool(client.registered) and client.registered.get("token_endpoint_auth_method") != method,
        )


def _scopes(device: Device) -> list[str]:
    known = known_scopes(device)
    return list(dict.fromkeys([*known[:1], " ".join(known), "openid"])) if known else ["openid", "profile"]


def _dialects(case: ServerCase, device: Device, operation: Operation) -> Iterator[Variation]:
    """The same start in the words of every other dialect; a token request would need a code of that dialect first."""
    if operation is not Operation.DEVICE_AUTHORIZATION:
        return
    run = case.run
    for other in known_dialects():
        if type(other) is type(run.dialect):
            continue
        members = other.authorization_members(run.target.config.request)
        yield Variation(
            other.encode(operation, run.url(operation), members, device.client),
            f"the server speaks {other.title}, not {run.dialect.title}",
            f'dialect = "{other.name}"',
            of_server=False,
            spoken=other,
        )


def _relative(url: str, base: str) -> str:
    return url.removeprefix(base) if url.startswith(f"{base}/") else url


def _quoted(text: str) -> str:
    """A string of TOML: what a server says may hold quotation marks, and JSON's escapes are among TOML's."""
    return json.dumps(text)
