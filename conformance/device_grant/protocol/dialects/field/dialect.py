"""A dialect of the field: RFC 8628 but for what its description says."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from device_grant.protocol.dialects.bodies import FORM_TYPE, json_object, written
from device_grant.protocol.dialects.field.description import GivenState
from device_grant.protocol.dialects.rfc8628 import Rfc8628Dialect
from device_grant.protocol.exchange import Operation, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol.dialects.field.description import Description
    from device_grant.protocol.exchange import Request, Response

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
        self.refusal_status = errors.status
        self.slow_down_says_interval = errors.slow_down_says_interval
        own = {state.status for state in errors.states.values()} - {0}
        self.error_statuses_vary = errors.form == "oauth" and not own and errors.status == HTTPStatus.BAD_REQUEST
        self._canonical = {wire: name for name, wire in said.names.items()}
        self._by_name = {state.name: code for code, state in errors.states.items() if state.name}
        self._by_subcode = {state.subcode: code for code, state in errors.states.items() if state.subcode}
        self._by_status = {state.status: code for code, state in errors.states.items() if state.status}

    # What its servers say.

    def wire_name(self, name: str) -> str:
        """As the description has it."""
        return self.description.responses.names.get(name, name)

    def error_statuses(self, code: str) -> tuple[int, ...]:
        """That of the state, else that of all errors."""
        own = self.description.errors.states.get(code, _USUAL).status
        return (own,) if own else super().error_statuses(code)

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
                return {"status": self.error_statuses(code)[0], "message": name, **errors.members}
            case "graph":
                words = str(said.get("error_description") or name)
                known = {"error_subcode": state.subcode, "code": _OF_GRAPH} if state.subcode else {"code": 100}
                return {"error": {"message": name, "type": "OAuthException", "error_user_msg": words, **known}}
            case "oauth":
                description = said.get("error_description")
                ended = {} if description is None else {"error_description": f"{description}{errors.ending}"}
                return {**said, "error": name, **ended, **errors.members}

    def written_answer(self, request: Request, members: Mapping[str, Any]) -> tuple[str, bytes]:
        """JSON, or a form where the client has not asked for JSON and the dialect's servers make that a condition."""
        asked = self.description.responses.form_unless_json_is_accepted
        if asked and not _JSON.search((request.header("accept") or "").lower()):
            return FORM_TYPE, written("form", members)
        return super().written_answer(request, members)

    # How it is read.

    def decode(self, operation: Operation, response: Response) -> Outcome:
        """Success as in the RFC, under canonical names; an error where this dialect has it."""
        sent = self.answer(response)
        members = {self._canonical.get(name, name): value for name, value in sent.items() if value is not None}
        scope = members.get("scope")
        if isinstance(scope, list):
            members["scope"] = " ".join(str(one) for one in scope)
        elif isinstance(scope, str) and self.description.responses.scope == "commas":
            members["scope"] = " ".join(scope.replace(",", " ").split())
        code = self._error(operation, response, members)
        if code is None:
            code = self.succeeded(operation, response, members)
        return Outcome(response.status, code, members)

    def answer(self, response: Response) -> dict[str, Any]:
        """Members of a response as they were sent, of JSON or of a form."""
        if response.media_type == FORM_TYPE and self.description.responses.form_unless_json_is_accepted:
            pairs = parse_qsl(response.content.decode("latin-1"), keep_blank_values=True, encoding="utf-8")
            return {name: int(value) if _WHOLE.fullmatch(value) else value for name, value in pairs}
        return json_object(response) or {}

    def _error(self, operation: Operation, response: Response, members: Mapping[str, Any]) -> str | None:
        """The error that a response says, by its name in the RFCs; None if it says none."""
        error = members.get("error")
        match self.description.errors.form:
            case "status":
                return self._by_status.get(response.status) if operation is Operation.TOKEN else None
            case "message" if response.status >= HTTPStatus.BAD_REQUEST:
                return self._named(members.get("message"))
            case "graph" if isinstance(error, dict):
                known = self._by_subcode.get(error.get("error_subcode") or 0)
                return known or self._named(error.get("message")) or "invalid_request"
            case "oauth" if isinstance(error, str) and error:
                return self._by_name.get(error, error)
        return None

    def _named(self, words: Any) -> str | None:
        if not isinstance(words, str) or not words:
            return None
        return self._by_name.get(words) or (words if _CODE.fullmatch(words) else None)
