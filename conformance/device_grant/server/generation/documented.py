"""What schemathesis reports, in terms of requirements: the OpenAPI document says which one each constraint rests on.

docs/explanation/schemathesis.md explains the mapping, and which reports of schemathesis are no findings here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from device_grant.judging import Judgement
from device_grant.protocol import Operation, Response, service_model
from device_grant.protocol.dialects import json_object
from device_grant.protocol.openapi import REQUIREMENTS, operation_of, schema_of
from device_grant.protocol.openapi.parts import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from device_grant.protocol import Dialect, Exchange

NO_SERVER_ERROR = "rfc9110-15.6-no-5xx-on-client-error"
OUT_OF_SERVICE = (501, 503)
"""Server errors that may be right; the invariant on server errors looks at them more closely."""

_JSON_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "array": list,
    "object": dict,
    "null": type(None),
}


@dataclass(frozen=True)
class DocumentViolation:
    """One way in which a request breaks the document."""

    requirement: str
    """Empty where no requirement obliges the server to refuse it."""
    member: str
    absent: bool


class Documented:
    """One response before the document: its operation, and the definition of its status if there is one."""

    def __init__(self, document: dict[str, Any], dialect: Dialect, name: str, exchange: Exchange) -> None:
        assert exchange.response is not None
        self.name = name
        self.exchange = exchange
        self._response = exchange.response
        self._dialect = dialect
        operation = operation_of(document, name)
        assert operation is not None
        self._rules: Mapping[str, str] = operation[REQUIREMENTS]
        self._definition: dict[str, Any] | None = operation["responses"].get(str(exchange.status))
        self._schema = schema_of(document, self._definition or {}) or {}
        self._kind = "success" if exchange.status // 100 == 2 else "error"

    @property
    def _framework(self) -> bool:
        """Whether this is an exception outside the service model, whose body restJson1 leaves open."""
        return self._kind != "success" and self._dialect.is_framework_error(self.exchange.outcome)

    def examined(self) -> set[str]:
        """Requirements of which this response says something."""
        collected = {NO_SERVER_ERROR}
        if self.exchange.status // 100 == 5:
            return collected
        if self._definition is None or self._schema:
            collected.add(self._rules[self._kind])
        if self._schema and self._response.content:
            collected.add(self._rules[f"{self._kind}-type"])
        if not self._framework:
            collected |= set(self._rules_of_members())
        for header in (self._definition or {}).get("headers", {}).values():
            collected |= set(header.get(REQUIREMENTS, {}).values())
        return collected - {""}

    def _rules_of_members(self) -> Iterator[str]:
        body = json_object(self._response)
        if body is None:
            return
        required = self._needed()
        for member, schema in self._schema.get("properties", {}).items():
            rules = schema.get(REQUIREMENTS, {})
            if member in required:
                yield rules.get("required", "")
            if body.get(member) is not None:
                unjudged = {"required"} if _modelled(body[member]) else {"required", "enum"}
                yield from (name for keyword, name in rules.items() if keyword not in unjudged)

    def judgements(self, failure: Any) -> Iterator[Judgement]:
        """What a failure of schemathesis breaks; nothing for those that break nothing."""
        from schemathesis.core import failures as core
        from schemathesis.openapi import checks as specific

        status = self.exchange.status
        match failure:
            case core.ServerError():
                if status not in OUT_OF_SERVICE:
                    # In the words of the invariant, so that one entry of a baseline speaks of both.
                    yield Judgement(NO_SERVER_ERROR, holds=False, problem=f"{self.name} answered {status}")
            case specific.UndefinedStatusCode():
                if status // 100 != 5:
                    yield self._by_rule(self._kind, f"{self.name} answered with the undocumented status {status}")
            case (
                specific.UndefinedContentType()
                | specific.MissingContentType()
                | specific.MalformedMediaType()
                | specific.ContentDeserializationError()
                | core.MalformedJson()
            ):
                if self._response.content:
                    problem = f"the {self._kind} response of {self.name} is not application/json"
                    yield self._by_rule(f"{self._kind}-type", problem)
            case specific.MissingHeaders():
                yield from self._missing(failure.missing_headers)
            case specific.JsonSchemaError():
                if not self._framework:
                    yield from self._against_schema(failure)

    def _by_rule(self, rule: str, problem: str) -> Judgement:
        return Judgement(self._rules[rule], holds=False, problem=problem)

    def _missing(self, names: Iterable[str]) -> Iterator[Judgement]:
        defined = (self._definition or {}).get("headers", {})
        for name in names:
            # SDKs also read the exception from the body, and a response without an OAuth error names none.
            if name == "x-amzn-ErrorType" and (self.exchange.outcome.error_type or not self.exchange.get("error")):
                continue
            yield Judgement(
                defined[name][REQUIREMENTS]["required"], holds=False, problem=f"a response of {self.name} lacks {name}"
            )

    def _lacking(self, members: Mapping[str, Any]) -> Iterator[Judgement]:
        properties = self._schema.get("properties", {})
        for member in self._needed():
            if member in members:
                continue
            rule = properties[member].get(REQUIREMENTS, {}).get("required", "")
            # An empty list may not be sent and yet the member is required: RFC 8414 contradicts itself, and who has no
            # authorization endpoint has no response types to list.
            tolerated = rule == "rfc8414-2-response-types-supported"
            if tolerated and "authorization_endpoint" not in members:
                continue
            problem = f"the {self._kind} response of {self.name} lacks {member}"
            yield Judgement(rule, holds=False, problem=problem, tolerated=tolerated)

    def _against_schema(self, failure: Any) -> Iterator[Judgement]:
        properties = self._schema.get("properties", {})
        path = [step for step in failure.instance_path if isinstance(step, str)]
        keyword = next((step for step in reversed(failure.schema_path) if isinstance(step, str)), "")
        if not path:
            if not isinstance(failure.instance, dict):
                problem = f"the {self._kind} response of {self.name} is not a JSON object"
                yield self._by_rule(f"{self._kind}-type", problem)
                return
            yield from self._lacking(failure.instance)
            return
        member = path[0]
        if self._echoed(member):
            return
        rules: Mapping[str, str] = properties.get(member, {}).get(REQUIREMENTS, {})
        if keyword == "enum" and not _modelled(failure.instance):
            # A code of another specification: the invariants on registered codes judge it.
            return
        if failure.instance is None and "required" in rules:
            if member in self._needed():
                yield Judgement(
                    rules["required"],
                    holds=False,
                    problem=f"{member} of the {self._kind} response of {self.name} is null",
                )
            return
        requirement = rules.get(keyword) or rules.get("type", "")
        if requirement:
            # RFC 6749 says nothing of null: it is a warning at most.
            problem = f"{member} of the {self._kind} response of {self.name} is not as documented ({keyword})"
            yield Judgement(requirement, holds=False, problem=problem, tolerated=failure.instance is None)

    def _echoed(self, member: str) -> bool:
        """Whether a registration repeats what it was sent: then it was wrong to grant it, not to repeat it."""
        if self.name != Operation.REGISTRATION:
            return False
        sent = json_object(Response(0, (), self.exchange.request.content)) or {}
        return member in sent and sent[member] == self.exchange.get(member)

    def _needed(self) -> list[str]:
        """Members that this body must have: some only beside others."""
        body = json_object(self._response) or {}
        dependent: Mapping[str, list[str]] = self._schema.get("dependentRequired", {})
        beside = [member for present, needed in dependent.items() if body.get(present) is not None for member in needed]
        return [*self._schema.get("required", ()), *beside]


def request_violations(document: dict[str, Any], operation_id: str, body: object) -> list[DocumentViolation]:
    """How a generated request breaks the document: members that are absent, of another type, or outside an enumeration.

    Schemathesis says that a body is invalid but not, in a stable form, why. Lengths and patterns are left out: no
    requirement obliges a server to check them.
    """
    operation = operation_of(document, operation_id)
    if operation is None or not isinstance(body, dict) or "requestBody" not in operation:
        return []
    schema = schema_of(document, operation["requestBody"]) or {}
    schema = _alternative(document, schema, body)
    form = "application/x-www-form-urlencoded" in operation["requestBody"]["content"]
    collected: list[DocumentViolation] = []
    for member, described in schema.get("properties", {}).items():
        rules: Mapping[str, str] = described.get(REQUIREMENTS, {})
        value = body.get(member)
        # In a form everything is text, and a parameter without a value counts as omitted (RFC 6749 section 3.2).
        if value is None or (form and value in ("", [], {})):
            if member in schema.get("required", ()):
                collected.append(DocumentViolation(rules.get("required", ""), member, absent=True))
        elif not form and not _has_type(value, described):
            collected.append(DocumentViolation(rules.get("type", ""), member, absent=False))
        elif "enum" in described and value not in described["enum"]:
            collected.append(DocumentViolation(rules.get("enum", ""), member, absent=False))
    return collected


def _modelled(code: object) -> bool:
    """Whether this is one of the error codes that the documents know by their status."""
    return isinstance(code, str) and code in service_model.errors_by_code()


def _alternative(document: dict[str, Any], schema: dict[str, Any], body: Mapping[str, Any]) -> dict[str, Any]:
    """Of several alternatives the one whose constant members the body has, else the first."""
    alternatives = [resolve(document, entry) for entry in schema.get("oneOf", ())]
    for entry in alternatives:
        constants = {name: member["const"] for name, member in entry["properties"].items() if "const" in member}
        if all(body.get(name) == value for name, value in constants.items()):
            return entry
    return alternatives[0] if alternatives else schema


def _has_type(value: object, schema: Mapping[str, Any]) -> bool:
    declared = schema.get("type")
    names = declared if isinstance(declared, list) else [declared]
    if not any(_is(value, name) for name in names if name):
        return False
    if isinstance(value, list) and "items" in schema:
        return all(_has_type(item, schema["items"]) for item in value)
    return True


def _is(value: object, name: str) -> bool:
    if isinstance(value, bool):
        return False  # the documents have no booleans, and Python's are integers
    return isinstance(value, _JSON_TYPES[name])
