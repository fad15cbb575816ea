"""Answers of a dialect of the field in the terms of the RFCs, so that they are judged by what they say.

Only what the description documents is put into those terms: an answer that is neither the RFC's nor the provider's
stays as it is, and is judged so.
"""

from __future__ import annotations

import re
from dataclasses import replace
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from device_grant.protocol.dialects.bodies import FORM_TYPE, JSON_TYPE, json_object, written
from device_grant.protocol.exchange import Operation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from device_grant.protocol.dialects.field.description import GivenAnswers
    from device_grant.protocol.dialects.field.dialect import FieldDialect
    from device_grant.protocol.exchange import Request, Response

_SPOKEN = (Operation.DEVICE_AUTHORIZATION, Operation.TOKEN)
_NUMBERS = ("expires_in", "interval")
_DIGITS = re.compile(r"\d{1,12}")
_SUCCESSFUL = range(200, 300)


def in_plain_terms(dialect: FieldDialect, request: Request, response: Response) -> Response:
    """What the answer to a request says, as the RFC has it; the same object where nothing is said otherwise."""
    if request.operation not in _SPOKEN or response.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return response
    as_form = response.media_type == FORM_TYPE and dialect.takes_forms_for(request)
    if response.media_type == FORM_TYPE and not as_form:
        return response  # JSON was asked for, and is owed
    sent = dialect.answer(response)
    code = dialect.error_of(request.operation, response, sent)
    if code is None:
        said = _success(dialect.description.responses, request.operation, response, sent)
        status = response.status
    else:
        said = _refusal(dialect, code, sent)
        by_status = dialect.description.errors.form == "status"
        documented = by_status or response.status in dialect.statuses_on_the_wire(code)
        unproved = response.status == HTTPStatus.UNAUTHORIZED and code == "invalid_client"
        usual = HTTPStatus.UNAUTHORIZED if unproved else HTTPStatus.BAD_REQUEST
        status = usual if documented else response.status
    if (status, said) == (response.status, json_object(response)):
        return response
    if said is None:
        return response
    headers = tuple(pair for pair in response.headers if pair[0].lower() not in ("content-type", "content-length"))
    if json_object(response) is not None and response.media_type != JSON_TYPE:
        label = response.header("content-type")  # a wrong label stays wrong
    else:
        label = JSON_TYPE
    labelled = () if label is None else (("Content-Type", label),)
    return replace(response, status=int(status), headers=(*headers, *labelled), content=written("json", said))


def scope_in_words(scope: Any, given: GivenAnswers) -> Any:
    """A scope in the dialect's form as words with spaces between; what has another form is left as it is."""
    if given.scope == "list" and isinstance(scope, list) and all(isinstance(one, str) for one in scope):
        return " ".join(scope)
    if given.scope == "commas" and isinstance(scope, str):
        return " ".join(scope.replace(",", " ").split())
    return scope


def named_plainly(members: Mapping[str, Any], given: GivenAnswers, operation: Operation) -> dict[str, Any]:
    """The members of a success under canonical names, out of what they are nested in."""
    inner = members.get(given.nested) if given.nested and operation is Operation.TOKEN else None
    if isinstance(inner, dict):
        members = {name: value for name, value in members.items() if name != given.nested} | inner
    canonical = {wire: name for name, wire in given.names.items()}
    if given.nulls:
        members = {name: value for name, value in members.items() if value is not None}
    # Whoever has the RFC's member too says it by that.
    own = {canonical[wire]: members[wire] for wire in canonical if wire in members and canonical[wire] not in members}
    kept = {name: value for name, value in members.items() if not (name in canonical and canonical[name] in own)}
    said = kept | own
    if given.numbers_are_texts:
        for name in _NUMBERS:
            value = said.get(name)
            if isinstance(value, str) and _DIGITS.fullmatch(value):
                said[name] = int(value)
    return said


def _success(
    given: GivenAnswers, operation: Operation, response: Response, sent: Mapping[str, Any]
) -> dict[str, Any] | None:
    if response.status not in _SUCCESSFUL or not sent:
        return json_object(response)
    said = named_plainly(sent, given, operation)
    if "scope" in said:
        said["scope"] = scope_in_words(said["scope"], given)
    return said


def _refusal(dialect: FieldDialect, code: str, sent: Mapping[str, Any]) -> dict[str, Any]:
    errors = dialect.description.errors
    match errors.form:
        case "status":
            return {**sent, "error": code}
        case "message":
            words = sent.get("message")
            rest = {name: value for name, value in sent.items() if name not in ("status", "message", "error")}
            return {"error": code, **({} if words == code else {"error_description": words}), **rest}
        case "graph":
            inner = sent.get("error")
            words = inner.get("error_user_msg") or inner.get("message") if isinstance(inner, dict) else None
            return {"error": code, **({"error_description": words} if isinstance(words, str) and words else {})}
        case "oauth":
            said = {**sent, "error": code}
            if errors.also_in:
                said.pop(errors.also_in, None)
            words = said.get("error_description")
            if errors.ending and isinstance(words, str):
                # What goes before the lines that its servers append, whatever numbers are in those.
                said["error_description"] = words.partition(errors.ending[:2])[0]
            return said
