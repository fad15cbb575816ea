"""A dialect of the field: RFC 8628 but for what its description says."""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.protocol.dialects.bodies import FORM_TYPE, json_object, written
from device_grant.protocol.dialects.field.description import GivenState
from device_grant.protocol.dialects.field.plain import in_plain_terms, named_plainly, scope_in_words
from device_grant.protocol.dialects.rfc8628 import Rfc8628Dialect
from device_grant.protocol.exchange import DEVICE_CODE_GRANT, Operation, Outcome, Request

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol.dialects.base import RequestValues
    from device_grant.protocol.dialects.bodies import Encoding
    from device_grant.protocol.dialects.field.description import Description
    from device_grant.protocol.exchange import Client, Response

_CODE = re.compile(r"[a-z_]+")
_WHOLE = re.compile(r"-?\d{1,15}")
"""Forms know no numbers: what looks like one is one."""
_USUAL = GivenState()
_JSON = re.compile(r"[/+]json\b")
_OF_GRAPH = 31
"""Facebook's code of what a device login is not ready for."""


class FieldDialect(Rfc8628Dialect):
    """One description at work: what its servers take of clients, and how they answer."""

    def __init__(self, name: str, description: Description) -> None:
        self.name = name
        self.title = description.title
        self.description = description
        self.departures = description.departures
        asked, said, errors = description.requests, description.responses, description.errors
        self.paths = {
            Operation.DEVICE_AUTHORIZATION: description.device_authorization,
            Operation.TOKEN: description.token,
        }
        self.has_metadata = description.metadata
        self.public_clients_have_secrets = asked.secret
        self.token_type_is_optional = "token_type" in said.absent
        self.grant_types = asked.grant_types
        self.encodings = asked.encodings
        self.request_names = asked.names
        self.repeatable = asked.repeatable
        self.demands = asked.demands
        self.constants = tuple(name for name in ("start_url",) if name in asked.demands)
        self.nulls_are_usual = said.nulls
        self.refreshes_elsewhere = asked.refreshes_elsewhere
        self.starts_without_secret = asked.secret and not asked.secret_with_start
        self.slow_down_says_interval = errors.slow_down_says_interval
        own = {state.status for state in errors.states.values()} - {0}
        self.error_statuses_vary = errors.form == "oauth" and not own and errors.status == HTTPStatus.BAD_REQUEST
        self._parameters = {name: wire for wire, name in asked.names.items()}
        self._by_name = errors.others | {state.name: code for code, state in errors.states.items() if state.name}
        self._by_subcode = {state.subcode: code for code, state in errors.states.items() if state.subcode}
        self._by_status = {state.status: code for code, state in errors.states.items() if state.status}

    # What its servers take.

    def parameter(self, name: str) -> str:
        """As the description has it."""
        return self._parameters.get(name, name)

    def encoding(self, operation: Operation) -> Encoding:
        """The first one that its servers take."""
        if operation is Operation.REGISTRATION:
            return super().encoding(operation)
        return next((one for one in self.encodings if one != "query"), "form")

    def authorization_members(self, values: RequestValues) -> dict[str, Any]:
        """With what every request has at its servers."""
        named = {name: getattr(values, name) for name in self.constants}
        return {**self.description.requests.constants, **named, **super().authorization_members(values)}

    def registration_members(self, role: str, scope: str = "") -> dict[str, Any]:
        """With a secret for every client, where public ones have one."""
        body = super().registration_members(role, scope)
        if self.public_clients_have_secrets:
            body["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105 - the name of a method
        return body

    def encode(self, operation: Operation, url: str, members: Mapping[str, Any], client: Client | None) -> Request:
        """Names and grant type as its servers have them; the secret of a public client goes with polls alone."""
        if operation is Operation.REGISTRATION:
            return super().encode(operation, url, members, client)
        sent = {name: value for name, value in members.items() if value is not None}
        if client is not None:
            own, authorization = self.credentials(client)
            if operation is Operation.DEVICE_AUTHORIZATION and self.starts_without_secret:
                own.pop("client_secret", None)
            sent = {**own, **client.named(operation), **sent}
            sent = {name: value for name, value in sent.items() if members.get(name, value) is not None}
        else:
            authorization = ""
        if sent.get("grant_type") == DEVICE_CODE_GRANT:
            sent["grant_type"] = self.grant_types[0] or None
        named = {self.parameter(name): value for name, value in sent.items() if value is not None}
        request = super().encode(operation, url, named, None)
        headers = (*request.headers, ("Authorization", authorization)) if authorization else request.headers
        certificate = client.certificate if client is not None else None
        return replace(request, headers=headers, aliases=self.request_names, certificate=certificate)

    # What its servers say.

    def wire_name(self, name: str) -> str:
        """As the description has it."""
        return self.description.responses.names.get(name, name)

    def statuses_on_the_wire(self, code: str) -> tuple[int, ...]:
        """That of the state, else that of all errors, and 401 besides where the client is refused."""
        errors = self.description.errors
        own = errors.states.get(code, _USUAL).status or errors.status
        return (own, int(HTTPStatus.UNAUTHORIZED)) if code == "invalid_client" else (own,)

    def further_members(self, operation: Operation, scope: str) -> dict[str, Any]:
        """What the description adds and takes away, and the scope as its servers say it."""
        said = self.description.responses
        collected: dict[str, Any] = {self.wire_name(name): None for name in said.absent}
        if operation is Operation.DEVICE_AUTHORIZATION:
            return collected | said.device_authorization
        match said.scope:
            case "spaces":
                collected["scope"] = scope
            case "commas":
                collected["scope"] = ",".join(scope.split())
            case "list":
                collected["scope"] = scope.split()
        return collected | said.token

    def error_members(self, code: str, said: Mapping[str, Any], *, refresh: bool = False) -> dict[str, Any] | None:
        """In the form of its servers; None where the status says all."""
        errors = self.description.errors
        state = _USUAL if refresh else errors.states.get(code, _USUAL)
        name = state.name or code
        match errors.form:
            case "status":
                return None
            case "message":
                return {"status": self.statuses_on_the_wire(code)[0], "message": name, **errors.members}
            case "graph":
                words = str(said.get("error_description") or name)
                known = {"error_subcode": state.subcode, "code": _OF_GRAPH} if state.subcode else {"code": 100}
                return {"error": {"message": name, "type": "OAuthException", "error_user_msg": words, **known}}
            case "oauth":
                description = said.get("error_description")
                ended = {} if description is None else {"error_description": f"{description}{errors.ending}"}
                return {**said, "error": name, **ended, **errors.members}

    def enclosed(self, members: dict[str, Any]) -> dict[str, Any]:
        """Tokens nested, and numbers as texts, where the description says so."""
        said = self.description.responses
        if said.numbers_are_texts:
            members = {name: str(value) if type(value) is int else value for name, value in members.items()}
        nest = said.nested and self.wire_name("access_token") in members
        return {said.nested: members} if nest else members

    def written_answer(self, request: Request, members: Mapping[str, Any]) -> tuple[str, bytes]:
        """JSON, or a form where the client has not asked for JSON and the dialect's servers make that a condition."""
        if self.takes_forms_for(request):
            return FORM_TYPE, written("form", members)
        return super().written_answer(request, members)

    # How it is read.

    def read(self, request: Request, response: Response) -> tuple[Response, Outcome]:
        """Put into the RFC's terms first, so that what the description documents is judged by what it says."""
        plain = in_plain_terms(self, request, response)
        return plain, super().decode(request.operation, plain)

    def decode(self, operation: Operation, response: Response) -> Outcome:
        """Success as in the RFC, under canonical names; an error where this dialect has it."""
        given = self.description.responses
        sent = {name: value for name, value in self.answer(response).items() if value is not None}
        members = {name: value for name, value in named_plainly(sent, given, operation).items() if value is not None}
        if "scope" in members:
            members["scope"] = scope_in_words(members["scope"], given)
        code = self.error_of(operation, response, members)
        if code is None:
            code = self.succeeded(operation, response, members)
        return Outcome(response.status, code, members)

    def takes_forms_for(self, request: Request) -> bool:
        """Whether the answer to this request may be a form: its servers send some, and JSON was not asked for."""
        asked = self.description.responses.form_unless_json_is_accepted
        return asked and not _JSON.search((request.header("accept") or "").lower())

    def answer(self, response: Response) -> dict[str, Any]:
        """Members of a response as they were sent, of JSON or of a form."""
        if response.media_type == FORM_TYPE and self.description.responses.form_unless_json_is_accepted:
            pairs = parse_qsl(response.content.decode("latin-1"), keep_blank_values=True, encoding="utf-8")
            return {name: int(value) if _WHOLE.fullmatch(value) else value for name, value in pairs}
        return json_object(response) or {}

    def error_of(self, operation: Operation, response: Response, members: Mapping[str, Any]) -> str | None:
        """The error that a response says, by its name in the RFCs; None if it says none."""
        error = members.get("error")
        match self.description.errors.form:
            case "status":
                return self._by_the_status(operation, response, error)
            case "message" if response.status >= HTTPStatus.BAD_REQUEST:
                return self._named(members.get("message"))
            case "graph" if isinstance(error, dict):
                number = error.get("error_subcode")
                known = self._by_subcode.get(number) if isinstance(number, int) else None
                return known or self._named(error.get("message")) or "invalid_request"
            case "oauth" if isinstance(error, str) and error:
                return self._by_name.get(error, error)
            case "oauth" if self.description.errors.also_in and response.status >= HTTPStatus.BAD_REQUEST:
                return self._named(members.get(self.description.errors.also_in))
        return None

    def _by_the_status(self, operation: Operation, response: Response, said: Any) -> str | None:
        if response.status >= HTTPStatus.BAD_REQUEST and isinstance(said, str) and said:
            return said  # whoever names the error is taken at that word
        own = self._by_status.get(response.status) if operation is Operation.TOKEN else None
        if own or response.status < HTTPStatus.BAD_REQUEST or response.content:
            return own
        return self._by_name.get(str(response.status), "invalid_request")

    def _named(self, words: Any) -> str | None:
        if not isinstance(words, str) or not words:
            return None
        return self._by_name.get(words) or (words if _CODE.fullmatch(words) else None)
