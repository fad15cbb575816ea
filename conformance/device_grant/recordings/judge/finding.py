"""Finds the exchanges of the device grant among everything that was captured, by their shape."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from device_grant.protocol import (
    DEVICE_CODE_GRANT,
    REFRESH_TOKEN_GRANT,
    Exchange,
    Operation,
    Outcome,
    Purpose,
    Request,
    Response,
    any_dialect,
    default_dialect,
    field_dialects,
    known_dialects,
)
from device_grant.protocol.dialects import FORM_TYPE, AwsSsoOidcDialect, Rfc8628Dialect, json_object
from device_grant.protocol.names import snake
from device_grant.protocol.reading import basic, json_body, members_of, query_pairs, value_of
from device_grant.recordings.formats.placeholders import is_put_there
from device_grant.recordings.judge.providers import spoken_in

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from device_grant.protocol.exchange import Headers
    from device_grant.recordings.formats.capture import Capture, Captured

_AWS_PATHS = {
    "/client/register": (Operation.REGISTRATION, frozenset({"clientName", "clientType"})),
    "/device_authorization": (Operation.DEVICE_AUTHORIZATION, frozenset({"startUrl", "clientId", "clientSecret"})),
    "/token": (Operation.TOKEN, frozenset({"grantType"})),
}
"""Ends of paths, and members of which a request has at least one."""
_DEVICE_GRANT = (DEVICE_CODE_GRANT, "device_code")
"""The grant type, and how it is misspelt."""
_START_PATH = re.compile(r"/device([_-]?authoriz\w+|[_-]?code|/code|/auth\w*|/init\w*)/?$", re.IGNORECASE)
_ADVERTISED = {
    "device_authorization_endpoint": Operation.DEVICE_AUTHORIZATION,
    "token_endpoint": Operation.TOKEN,
    "registration_endpoint": Operation.REGISTRATION,
}
_NUMBERS, _DIGITS = frozenset({"expires_in", "interval"}), 12
"""Members of a form that are numbers in JSON, and how long they may be."""
_DECISIVE = frozenset({"device_code", "access_token", "error"})
"""Members of which an answer of the device grant has one."""
_CAMEL = frozenset({"deviceCode", "accessToken", "clientSecretExpiresAt"})
"""Members as AWS spells them, of which each of its answers has one."""
_GO_ON = frozenset({"authorization_pending", "slow_down"})
"""Errors that polls alone earn."""
_WELL_KNOWN = "/.well-known/"
_UNKEPT = frozenset({"cookie", "set-cookie"})
"""Headers that no rule looks at, and whose values nobody should see."""
_PURPOSES = {
    Operation.REGISTRATION: Purpose.REGISTRATION,
    Operation.DEVICE_AUTHORIZATION: Purpose.START,
    Operation.OTHER: Purpose.METADATA,
}


@dataclass(frozen=True)
class RecognisedExchange:
    """An entry that belongs to the device grant."""

    entry: Captured
    dialect: str
    exchange: Exchange
    """With all times zero: what is known of them is in the entry."""

    @property
    def operation(self) -> Operation:
        """What it is for."""
        return self.exchange.request.operation

    @property
    def origin(self) -> str:
        """Scheme, host and port of the server."""
        parts = urlsplit(self.entry.request.url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def client_id(self) -> str:
        """Whom the request says that it comes from; empty if it does not say."""
        named = self.asked("client_id")
        credentials = basic(self.exchange.request)
        return named or (credentials.user if credentials else "")

    def asked(self, name: str) -> str:
        """A parameter of the request by canonical name; empty if it is absent or no text."""
        value = value_of(self.exchange.request, name)
        return value if isinstance(value, str) else ""

    def said(self, name: str) -> str:
        """A member of the response by canonical name; empty if it is absent or no text."""
        value = self.exchange.get(name)
        return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class Findings:
    """What was found in a capture."""

    capture: Capture
    exchanges: tuple[RecognisedExchange, ...]

    @property
    def ignored(self) -> int:
        """Entries that are none of the device grant."""
        return len(self.capture.entries) - len(self.exchanges)

    @property
    def dialects(self) -> tuple[str, ...]:
        """Those that occur, in the order of the suite."""
        present = {one.dialect for one in self.exchanges}
        known = (*(one.name for one in known_dialects()), *field_dialects())
        return tuple(name for name in known if name in present)


def find(capture: Capture, forced: str = "") -> Findings:
    """The exchanges of the device grant, in the order in which they began; `forced` is the dialect of all of them."""
    entries = _ordered(capture.entries)
    plain = [(entry, _request(entry), _response(entry)) for entry in entries]
    known = _learned(capture, plain)
    own = {} if capture.endpoints else spoken_in([(asked, said) for _, asked, said in plain], forced or capture.dialect)
    collected: list[RecognisedExchange] = []
    for number, (entry, request, response) in enumerate(plain):
        if number in own:
            collected.append(settled(entry, *own[number]))
            continue
        unsent = entry.unsent and not capture.endpoints
        url = known.get(_bare(request.url), frozenset())
        shape = _unsent_shape(request, response, url) if unsent else _shape(capture, request, response, known)
        if shape is None:
            continue
        operation, name = shape
        collected.append(settled(entry, operation, forced or capture.dialect or name))
    kept = collected if capture.endpoints else _related(collected)
    return Findings(capture, tuple(kept))


def settled(entry: Captured, operation: Operation, name: str) -> RecognisedExchange:
    """An entry of which operation and dialect are known already."""
    return _recognised(entry, _request(entry), _response(entry), operation, name)


def _ordered(entries: Iterable[Captured]) -> list[Captured]:
    listed = list(entries)
    if all(entry.started is not None for entry in listed):
        listed.sort(key=lambda entry: (entry.started or 0.0, entry.number))
    return listed


def _request(entry: Captured) -> Request:
    return replace(entry.request, headers=_seen(entry.request.headers))


def _response(entry: Captured) -> Response | None:
    return entry.response and replace(entry.response, headers=_seen(entry.response.headers))


def _seen(headers: Headers) -> Headers:
    return tuple(pair for pair in headers if pair[0].lower() not in _UNKEPT)


def _recognised(
    entry: Captured, request: Request, response: Response | None, operation: Operation, name: str
) -> RecognisedExchange:
    spoken, came = any_dialect(name), response
    request = replace(request, operation=operation, aliases=spoken.request_names)
    outcome = Outcome(0, "no-response")
    if came is not None:
        response, outcome = spoken.read(request, came)
        if response is came:
            came, outcome = None, spoken.decode(operation, _as_json(response))
    purpose = _PURPOSES.get(operation) or _of_token_request(request)
    label = "device authorization" if purpose is Purpose.START else purpose.value
    exchange = Exchange(
        request, response, outcome, 0.0, 0.0, error=entry.error, label=label, purpose=purpose, came=came
    )
    return RecognisedExchange(entry, name, exchange)


def _of_token_request(request: Request) -> Purpose:
    # Whatever else a client of the device grant writes into grant_type, it is polling.
    return Purpose.REFRESH if value_of(request, "grant_type") == REFRESH_TOKEN_GRANT else Purpose.POLL


# By shape.


def _learned(
    capture: Capture, plain: Iterable[tuple[Captured, Request, Response | None]]
) -> Mapping[str, frozenset[Operation]]:
    """Operations by URL, as far as successes and metadata tell them; one URL may serve several."""
    collected: dict[str, set[Operation]] = {url: {operation} for url, operation in capture.endpoints.items()}
    for _, request, response in plain:
        body = _members(response)
        if {"device_code", "user_code"} <= body.keys():
            collected.setdefault(_bare(request.url), set()).add(Operation.DEVICE_AUTHORIZATION)
        if str(body.get("error")) in _GO_ON:
            collected.setdefault(_bare(request.url), set()).add(Operation.TOKEN)
        if _WELL_KNOWN in request.url:
            for name, operation in _ADVERTISED.items():
                if isinstance(body.get(name), str) and "device_authorization_endpoint" in body:
                    collected.setdefault(_bare(body[name]), set()).add(operation)
    return {url: frozenset(operations) for url, operations in collected.items()}


def _shape(
    capture: Capture, request: Request, response: Response | None, known: Mapping[str, frozenset[Operation]]
) -> tuple[Operation, str] | None:
    url = _bare(request.url)
    if capture.endpoints:
        # Every request of a test suite to an endpoint is one of its operation, malformed as it may be.
        operation = next(iter(known.get(url, ())), None)
        return (operation, default_dialect().name) if operation else None
    if request.method not in ("GET", "POST"):
        return None
    for name, recognised in _RECOGNISED.items():
        operation = recognised(request, response, known.get(url, frozenset()))
        if operation is not None:
            return operation, name
    return None


def _unsent_shape(
    request: Request, response: Response | None, known: frozenset[Operation]
) -> tuple[Operation, str] | None:
    """What a request is for whose body is not in the file: by its answer, and by what is known of its URL."""
    said, wire = _members(response), (json_object(response) or {}) if response is not None else {}
    path = urlsplit(request.url).path
    aws = bool(response is not None and response.header("x-amzn-errortype")) or bool(_CAMEL & wire.keys())
    name = AwsSsoOidcDialect.name if aws else Rfc8628Dialect.name
    if {"device_code", "user_code"} <= said.keys():
        return Operation.DEVICE_AUTHORIZATION, name
    if aws and path.endswith("/client/register") and "client_id" in said:
        return Operation.REGISTRATION, name
    refused = response is None or response.status >= HTTPStatus.BAD_REQUEST or "error" in said
    if Operation.TOKEN in known and (refused or "access_token" in said):
        return Operation.TOKEN, name
    return None


def _aws(request: Request, _response: Response | None, _known: frozenset[Operation]) -> Operation | None:
    body = json_body(request)
    if request.method != "POST" or body is None:
        return None
    path = urlsplit(request.url).path
    for end, (operation, members) in _AWS_PATHS.items():
        if path.endswith(end) and members & body.keys():
            # CreateTokenWithIAM has the same path, and other rules.
            iam = any(name == "aws_iam" for name, _ in query_pairs(request))
            grant = body.get("grantType")
            taken = is_put_there(grant) and "deviceCode" in body
            other = operation is Operation.TOKEN and not taken and not _of_the_grant(grant)
            return None if iam or other else operation
    return None


def _of_the_grant(grant: Any) -> bool:
    return grant in _DEVICE_GRANT or grant == REFRESH_TOKEN_GRANT


def _rfc(request: Request, response: Response | None, known: frozenset[Operation]) -> Operation | None:
    asked = {name for name, value in members_of(request) if value not in (None, "")}
    said = _members(response)
    grant = value_of(request, "grant_type")
    coded = "device_code" in asked and (Operation.TOKEN in known or "grant_type" in asked)
    result: Operation | None = None
    if coded or _of_the_grant(grant):
        result = Operation.TOKEN
    elif {"device_code", "user_code"} <= said.keys() or _refused_start(request, response, asked, known):
        result = Operation.DEVICE_AUTHORIZATION
    elif _registers(request, said, known):
        result = Operation.REGISTRATION
    elif _WELL_KNOWN in request.url and "device_authorization_endpoint" in said:
        result = Operation.OTHER
    return result


_RECOGNISED: Mapping[str, Callable[[Request, Response | None, frozenset[Operation]], Operation | None]] = {
    AwsSsoOidcDialect.name: _aws,
    Rfc8628Dialect.name: _rfc,
}
"""What a request and its answer look like in each dialect, the more particular one first."""


def _refused_start(
    request: Request, response: Response | None, asked: Collection[str], known: frozenset[Operation]
) -> bool:
    """Whether this is a device authorization request that brought no code."""
    if "grant_type" in asked or not ("client_id" in asked or basic(request)):
        return False
    error = response is None or "error" in _members(response)
    if Operation.DEVICE_AUTHORIZATION in known:
        return error or (response is not None and response.status >= 400)  # noqa: PLR2004 - client and server errors
    return error and request.method == "POST" and bool(_START_PATH.search(urlsplit(request.url).path))


def _registers(request: Request, said: Mapping[str, Any], known: frozenset[Operation]) -> bool:
    body = json_body(request)
    if request.method != "POST" or body is None:
        return False
    grants = body.get("grant_types")
    named = isinstance(grants, list) and DEVICE_CODE_GRANT in grants
    metadata = {"client_name", "redirect_uris", "grant_types", "token_endpoint_auth_method"} & body.keys()
    return named or bool(metadata and ("client_id" in said or Operation.REGISTRATION in known))


def _as_json(response: Response) -> Response:
    """An answer that is a form, as some servers send where no JSON was asked for, as the JSON object that it means.

    That it is none is said by whoever looks at the answer itself.
    """
    members = form_members(response)
    return replace(response, content=json.dumps(members).encode()) if members else response


def form_members(response: Response) -> dict[str, Any]:
    """Members of an answer that is a form with members of the device grant; empty if it is anything else."""
    if response.media_type != FORM_TYPE and (json_object(response) is not None or b"<" in response.content):
        return {}
    try:
        pairs = parse_qsl(response.content.decode(), keep_blank_values=True)
    except (UnicodeDecodeError, ValueError):
        return {}
    members: dict[str, Any] = {
        name: int(value) if name in _NUMBERS and value.isdecimal() and len(value) <= _DIGITS else value
        for name, value in pairs
    }
    return members if _DECISIVE & members.keys() else {}


def _members(response: Response | None) -> dict[str, Any]:
    body = None if response is None else json_object(response) or form_members(response)
    return {snake(name): value for name, value in (body or {}).items() if value is not None}


def _bare(url: str) -> str:
    return urlsplit(url)._replace(query="", fragment="").geturl()


def _related(result: list[RecognisedExchange]) -> list[RecognisedExchange]:
    """Without what belongs to other grants: refreshes of their tokens, and their clients' registrations."""
    tokens = {
        one.said("refresh_token")
        for one in result
        if one.operation is Operation.TOKEN and one.exchange.purpose is Purpose.POLL and one.exchange.outcome.ok
    }
    clients = {one.client_id for one in result if one.operation is not Operation.REGISTRATION and not _refresh(one)}
    kept: list[RecognisedExchange] = []
    for one in result:
        shared = any_dialect(one.dialect).endpoints_are_shared
        if shared and _refresh(one):
            if one.asked("refresh_token") not in tokens:
                continue
            # A refresh may bring the next token.
            tokens.add(one.said("refresh_token"))
        if shared and one.operation is Operation.REGISTRATION:
            grants = (json_body(one.exchange.request) or {}).get("grant_types")
            named = isinstance(grants, list) and DEVICE_CODE_GRANT in grants
            if not named and one.said("client_id") not in clients:
                continue
        kept.append(one)
    return kept


def _refresh(one: RecognisedExchange) -> bool:
    return one.operation is Operation.TOKEN and one.exchange.purpose is Purpose.REFRESH
