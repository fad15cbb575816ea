"""The scripted authorization server without its sockets: a request comes in, the script's next answer goes out."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.client.scripted.bound_tokens import ALGORITHMS, BoundTokens
from device_grant.client.scripted.code_grant import CodeGrant
from device_grant.client.scripted.device_pkce import Challenges
from device_grant.client.scripted.identity import HONEST, IdTokenLie, id_token, key_set
from device_grant.client.scripted.members import (
    ISSUED,
    JWKS,
    USERINFO,
    codes,
    metadata,
    registration,
    tokens,
)
from device_grant.client.scripted.pace import StatedPace
from device_grant.client.scripted.placeholders import ID_TOKEN, OF_THE_ANSWER, Words, filled, filled_text, named, wants
from device_grant.client.scripted.places import Channels, usual_paths
from device_grant.client.scripted.replies import Reply, json_reply, reply_in
from device_grant.client.scripted.steps import Moment, Script, error
from device_grant.client.scripted.values import Values
from device_grant.protocol import (
    DEVICE_CODE_GRANT,
    Dialect,
    Exchange,
    Operation,
    Outcome,
    Request,
)
from device_grant.protocol.dpop import INVALID_PROOF
from device_grant.protocol.reading import members_of, value_of
from device_grant.protocol.redaction import SECRET_MEMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from device_grant.client.drivers.config import ClientConfig
    from device_grant.client.scripted.mutual_tls import CertificateRequests
    from device_grant.client.scripted.steps import Channel
    from device_grant.protocol import Secrets

MOST_REQUESTS = 400
"""Requests of one run after which a client that does not wait at all is cut off."""


@dataclass
class Authority:
    """One server with one script; honest wherever the script is silent. Its methods may be called from any thread."""

    dialect: Dialect
    """In which it answers."""
    config: ClientConfig
    secrets: Secrets
    script: Script = field(default_factory=Script)
    base: str = ""
    """Where clients reach it, without a slash at the end."""
    values: Values = field(default_factory=Values)
    """Draws the codes and tokens."""
    issuer_path: str = ""
    documents: dict[str, Any] = field(default_factory=dict)
    """Members that the metadata has besides the honest ones; None removes one, `{base}` is filled in."""
    moved: dict[str, str] = field(default_factory=dict)
    """Other paths of the endpoints, by channel, with a query that clients have to keep."""
    userinfo: dict[str, Any] | None = None
    """What userinfo tells of a person to whoever has an access token; None: there is no such endpoint."""
    mutual: CertificateRequests | None = None
    """Certificates of the client and where they are asked for; None: nowhere."""
    metadata_at: tuple[str, ...] | None = None
    """Paths at which there is metadata; None: at every well-known place of the issuer."""
    exchanges: list[Exchange] = field(default_factory=list)
    answered: list[tuple[Request, Reply]] = field(default_factory=list)
    """Every request and what was said to it, in the order of the answers; those that nobody awaited too."""
    noted: dict[int, Exchange] = field(default_factory=dict)
    """What was taken note of, by the identity of the request among those."""
    issued: dict[str, list[str]] = field(default_factory=dict)
    """Values by kind: device_code, user_code, verification_uri, access_token, refresh_token, client_id …"""
    most: int = 40
    """Token requests after which there is nothing more to be learned, and the run is ended."""
    elsewhere: str = ""
    """Base URL of another origin, for redirects."""
    enough: bool = False
    """Whether the run should be ended."""
    judged_as: Dialect | None = None
    """By which the client is judged; None: the dialect of the answers."""
    flooded: bool = False
    """Whether the client was cut off because it does not wait at all."""

    def __post_init__(self) -> None:
        self._lock = threading.RLock()
        self._counts: dict[str, int] = {}
        self._redeemed: set[str] = set()
        self.channels = Channels(self)
        self.code_grant = CodeGrant()
        self.challenges = Challenges(self.config.claims.device_pkce or "code_challenge" in self.dialect.demands)
        self.bound = BoundTokens(self.config.claims.dpop, self.config.claims.dpop_device_code)
        self._pace, self._scope = StatedPace(self.dialect), ""
        self._asked: dict[str, str] = {}
        self._signs = self.config.claims.id_token or wants(self.config.response.token, ID_TOKEN)
        self.issuer_path = self.issuer_path or self.config.endpoints.issuer

    @property
    def issuer(self) -> str:
        """Issuer identifier."""
        return self.base + self.issuer_path

    @property
    def paths(self) -> dict[str, str]:
        """Path of each endpoint."""
        usual = usual_paths(self.config, self.dialect)
        return {**usual, **{name: place.partition("?")[0] for name, place in self.moved.items()}}

    def last(self, kind: str) -> str:
        """The value of that kind that was issued last; empty if none was."""
        return (self.issued.get(kind) or [""])[-1]

    # A request on its way through.

    def channel(self, request: Request) -> Channel | None:
        """What the request is for; None: nothing of the protocol."""
        return self.channels.of(request)

    def operation(self, request: Request) -> Operation:
        """The operation of a request, by its path."""
        return self.channels.operation(request)

    def answer(self, request: Request) -> Reply:
        """The script's next answer to this request."""
        with self._lock:
            reply = self._answer(request)
            self.answered.append((request, reply))
            return reply

    def _answer(self, request: Request) -> Reply:
        channel = self.channel(request)
        total = self._counts.get("", 0)
        self._counts[""] = total + 1
        if total >= MOST_REQUESTS:
            self.flooded = self.enough = True
            return Reply(fate="closed")
        self._asked |= named(request)
        if channel is None:
            return self._static(request)
        number = self._counts.get(channel, 0)
        self._counts[channel] = number + 1
        if channel in ("token", "refresh", "redeem") and number + 1 >= self.most:
            self.enough = True
        moment = self._moment(request, lambda: self._honest(channel, request), channel)
        reply = self._filled_in(self.script.step(channel, number)(moment), request)
        self._note_issued(channel, reply)
        if channel == "start":
            self._pace.begin(reply)
        if channel in ("token", "redeem"):
            self._note_redeemed(request, reply)
        return (self._pace.after_poll(reply) if channel == "token" else reply).as_sent(self.dialect)

    def record(self, request: Request, reply: Reply, started: float, ended: float, connection: str) -> Exchange:
        """Keep the exchange; times are seconds of the client's clock since the run began."""
        sent, request = request, replace(request, aliases=(self.judged_as or self.dialect).request_names)
        response = reply.as_response()
        outcome = self.dialect.decode(request.operation, response) if response else Outcome(0, "no-response")
        if response is not None and reply.cut:
            outcome = Outcome(response.status, "no-response")
        channel = self.channel(request)
        exchange = Exchange(
            request,
            response,
            outcome,
            started,
            ended,
            max(0.0, ended - started),
            reply.error,
            channel or "other",
            connection,
            self.channels.purpose(channel, request),
        )
        with self._lock:
            self.exchanges.append(exchange)
            self.noted[id(sent)] = exchange
        return exchange

    def _moment(self, request: Request, honest: Callable[[], Reply], channel: Channel | None = None) -> Moment:
        said = self.config.response
        insisted: dict[Channel, dict[str, Any]] = {
            "start": said.device_authorization,
            "token": said.token,
            "refresh": said.token,
            "redeem": said.token,
            "registration": said.registration,
        }
        own = insisted.get(channel, {}) if channel else {}
        return Moment(
            self.dialect,
            request,
            self.base,
            self.elsewhere,
            honest,
            said.error,
            own,
            error_status=said.error_status,
            id_token=partial(self._id_token, request),
        )

    # What an honest server says.

    def _honest(self, channel: Channel, request: Request) -> Reply:
        match channel:
            case "start":
                return self._start(request)
            case "token":
                return self._token(request)
            case "refresh":
                return self._refresh(request)
            case "redeem" | "authorize":
                return self._by_code(channel, request)
            case "registration":
                return self._registration(request)
            case "metadata" | "revocation":
                return json_reply(self.metadata()) if channel == "metadata" else Reply(200, (), b"")

    def _by_code(self, channel: Channel, request: Request) -> Reply:
        if channel == "authorize":
            return self.code_grant.authorize(request, self.issue("code", self.values.token("AC")))
        refusal = self.code_grant.refusal(request)
        return self._refused(request, refusal) if refusal else self._tokens(request)

    def _start(self, request: Request) -> Reply:
        judge = self.judged_as or self.dialect
        own = replace(request, aliases=self.dialect.request_names)
        scope = value_of(own, "scope")
        self._scope = scope if isinstance(scope, str) else ""
        missing = [name for name in judge.demands if value_of(own, name) in (None, "")]
        why = f"{judge.title} wants the parameter {missing[0]}." if missing else self.challenges.malformed(own)
        if self.bound.unreadable(own, starts=True):
            return self._refused(request, INVALID_PROOF)
        if why:
            return error("invalid_request", error_description=why)(self._moment(request, Reply))
        extra = self.dialect.further_members(Operation.DEVICE_AUTHORIZATION, self._scope)
        said = codes(self.base, self.values)
        self.challenges.begin(own, str(said["device_code"]))
        self.bound.begin(own, str(said["device_code"]))
        return self._success(request, said, extra | self.config.response.device_authorization)

    def _token(self, request: Request) -> Reply:
        members = members_of(request)
        code = self.channels.code_in(members)
        if not code and dict(members).get("grant_type") != DEVICE_CODE_GRANT:
            return self._refused(request, "unsupported_grant_type")
        wrong = self.challenges.refused(request, code) or self.bound.other_key(request, code)
        if not code or code in self._redeemed or wrong:
            return self._refused(request, "invalid_grant")
        return self._tokens(request)

    def _refresh(self, request: Request) -> Reply:
        if value_of(request, "refresh_token") not in self.issued.get("refresh_token", ()):
            return self._refused(request, "invalid_grant")
        return self._tokens(request)

    def _tokens(self, request: Request) -> Reply:
        if self.bound.unreadable(request):
            return self._refused(request, INVALID_PROOF)
        own = self.bound.token_type(request) | ({"id_token": ID_TOKEN} if self.config.claims.id_token else {})
        extra = self.dialect.further_members(Operation.TOKEN, self._scope)
        return self._success(request, tokens(self.values) | own, extra | self.config.response.token)

    def _registration(self, request: Request) -> Reply:
        status = 201 if self.dialect.registration_is_echoed else 200
        members = registration(self.dialect, dict(members_of(request)), self.values)
        return self._success(request, members, self.config.response.registration, status)

    def _success(self, request: Request, members: dict[str, Any], extra: dict[str, Any], status: int = 200) -> Reply:
        named = {self.dialect.wire_name(name): value for name, value in members.items()}
        named |= extra
        said = {name: value for name, value in named.items() if value is not None}
        return reply_in(self.dialect, request, said, status)

    def _refused(self, request: Request, code: str) -> Reply:
        return error(code)(self._moment(request, Reply))

    def metadata(self) -> dict[str, Any]:
        """RFC 8414 metadata of this server."""
        paths = {**self.paths, **self.moved}
        endpoints = {name: self.base + path for name, path in paths.items()}
        collected = metadata(self.issuer, self.base, endpoints)
        if self.config.claims.revocation:
            collected["revocation_endpoint"] = endpoints["revocation"]
        if self.config.signs_in_by_code:
            collected |= self.code_grant.announced
        if self.config.claims.dpop:
            collected["dpop_signing_alg_values_supported"] = list(ALGORITHMS)
        if self.mutual is not None:
            collected |= self.mutual.metadata(self.paths)
        for name, value in {**self.config.response.metadata, **self.documents}.items():
            if value is None:
                collected.pop(name, None)
            else:
                collected[name] = value.replace("{base}", self.base) if isinstance(value, str) else value
        return collected

    def _static(self, request: Request) -> Reply:
        if self.channels.is_at_token_endpoint(request):
            return self._refused(request, "invalid_request")
        path = urlsplit(request.url).path
        for entry in self.config.answers:
            place = entry.path.replace("{issuer}", self.issuer_path)
            if place == path and entry.method.upper() == request.method:
                words = self._words(request, {})
                headers = {"Content-Type": entry.content_type} | entry.headers
                said = tuple((name, filled_text(value, words)) for name, value in headers.items())
                return Reply(entry.status, said, filled_text(entry.body, words).encode())
        if path == USERINFO and self.userinfo is not None:
            known = (request.header("authorization") or "").partition(" ")[2] in self.issued.get("access_token", ())
            return json_reply(self.userinfo) if known else json_reply({"error": "invalid_token"}, 401)
        if path == JWKS:
            return json_reply(key_set() if self._signs else {"keys": []})
        return json_reply({"error": "not_found"}, 404)

    def _filled_in(self, reply: Reply, request: Request) -> Reply:
        """With the placeholders of client.toml's members replaced by what this very answer, or an earlier one, says."""
        content = filled(reply.content, self._words(request, reply.members))
        return reply if content == reply.content else replace(reply, content=content)

    def _words(self, request: Request, members: Mapping[str, Any]) -> Words:
        """What stands for each placeholder in an answer to this request that has these members."""
        words: Words = {name: partial(self._said, members, name) for name in OF_THE_ANSWER}
        uri = words["verification_uri"]
        return words | {
            "verification_uri_complete": lambda: self._said(members, "verification_uri_complete") or uri(),
            "endpoint": lambda: self.base,
            "issuer": lambda: self.issuer,
            "client_id": lambda: self._client_of(request),
            "scope": lambda: self._asked.get("scope", ""),
            "id_token": lambda: self._id_token(request, self._said(members, "access_token"), HONEST),
        }

    def _id_token(self, request: Request, access_token: str, lie: IdTokenLie) -> str:
        return id_token(self.issuer, self._client_of(request), access_token, lie, self.config.response.id_token)

    def _client_of(self, request: Request) -> str:
        """Whose request it is; where it names nobody, the client of the request before it."""
        return named(request).get("client_id") or self._asked.get("client_id") or self.last("client_id")

    def _said(self, members: Mapping[str, Any], name: str) -> str:
        """A text of this answer under its canonical name; else the one that was said last."""
        value = members.get(self.dialect.wire_name(name))
        # A placeholder stands for what was said before it.
        return value if isinstance(value, str) and value != f"{{{name}}}" else self.last(name)

    def _note_redeemed(self, request: Request, reply: Reply) -> None:
        """A code whose token went out is worth nothing more; one whose answer was lost or late can be sent again."""
        arrives = reply.fate == "answered" and not reply.cut and not reply.delay
        token = reply.members.get(self.dialect.wire_name("access_token"))
        if arrives and reply.status == HTTPStatus.OK and isinstance(token, str) and token:
            self._redeemed.add(self.channels.code_in(members_of(request)))
            self.code_grant.spent.add(str(value_of(request, "code")))

    def _note_issued(self, channel: Channel, reply: Reply) -> None:
        if channel in ("metadata", "authorize"):
            return
        members = reply.members
        by_wire = {self.dialect.wire_name(name): name for name in ISSUED}
        for wire, value in members.items():
            name = by_wire.get(wire)
            if name is not None and isinstance(value, str):
                self.issued.setdefault(name, []).append(value)
                if name in SECRET_MEMBERS:
                    self.secrets.register(name, value)

    def issue(self, kind: str, value: str) -> str:
        """Make a value known that a run is given beforehand, for example a device code or a refresh token."""
        with self._lock:
            self.issued.setdefault(kind, []).append(value)
            self.secrets.register(kind, value)
        return value
