"""Schemathesis's cases as texts, for samplers: written as they are sent, read back without any generator."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from device_grant.targets.ports import NotHeld

if TYPE_CHECKING:
    import schemathesis

    from device_grant.server.generation.generated import Generated

BEGIN = '"begin"'
"""In place of a case: a story begins."""
START = '"start"'
"""In place of a case: a device authorization, whose code the polls that follow share."""


def retrace(generated: Generated, texts: list[str]) -> None:
    """Send given cases, each judged; stories with what time and the user did in them. Raises NotHeld as `read` does."""
    stories = BEGIN in texts
    for text in texts:
        if text == BEGIN:
            generated.begin_story()
        elif text == START:
            generated.start_pending()
        else:
            take(generated, text, story=stories)


def take(generated: Generated, text: str, *, story: bool = False) -> None:
    """Send one given case and judge the answer."""
    case = read(generated, text)
    answer = generated.take_step(case) if story else generated.send(case)
    if answer is not None:
        generated.judge(case, answer)


def read(generated: Generated, text: str) -> schemathesis.Case[Any]:
    """A case that was written; raises NotHeld for another text."""
    try:
        data = json.loads(text)
        operation = generated.schema.find_operation_by_id(data["operation"])
    except (ValueError, KeyError, TypeError, LookupError) as error:
        raise NotHeld(f"a generated case cannot be read ({error}): record the run again") from None
    case: schemathesis.Case[Any] = operation.Case(
        body=data["octets"].encode("latin-1") if "octets" in data else data.get("body", _not_set()),
        media_type=data.get("media_type"),
        query=data.get("query"),
        headers=data.get("headers"),
    )
    if data.get("forbidden"):
        generated.forbidden.add(case.id)
    return case


def written(generated: schemathesis.Case[Any], *, forbidden: bool = False) -> str:
    """A case as JSON, as it is sent; empty if it holds what JSON has not."""
    collected: dict[str, Any] = {"operation": operation_id(generated)}
    if isinstance(generated.body, bytes):
        collected["octets"] = generated.body.decode("latin-1")
    elif generated.body is not _not_set():
        collected["body"] = generated.body
    collected |= {"media_type": generated.media_type, "query": generated.query, "headers": dict(generated.headers)}
    collected["forbidden"] = forbidden
    try:
        return json.dumps({name: value for name, value in collected.items() if value or name in ("body", "octets")})
    except (TypeError, ValueError):
        return ""


def is_forbidden(generated: schemathesis.Case[Any]) -> bool:
    """Whether schemathesis would object if the case were accepted."""
    import requests
    import schemathesis
    from schemathesis.core.failures import AcceptedNegativeData

    prepared = requests.Request(**generated.as_transport_kwargs(base_url="http://target.test")).prepare()
    accepted = schemathesis.Response(
        status_code=200, headers={}, content=b"", request=prepared, elapsed=0.0, verify=False, encoding="utf-8"
    )
    return any(isinstance(failure, AcceptedNegativeData) for failure in failures_of(generated, accepted))


def _not_set() -> Any:
    from schemathesis.core import NOT_SET

    return NOT_SET


def operation_id(generated: schemathesis.Case[Any]) -> str:
    """Which operation of the document the case is for."""
    return str(generated.operation.definition.raw["operationId"])


def failures_of(generated: schemathesis.Case[Any], answer: schemathesis.Response) -> list[Any]:
    """What schemathesis's checks say; docs/explanation/schemathesis.md tells why the others are not asked."""
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.failures import FailureGroup
    from schemathesis.specs.openapi import checks

    try:
        generated.validate_response(
            answer,
            checks=[
                not_a_server_error,
                checks.status_code_conformance,
                checks.content_type_conformance,
                checks.response_headers_conformance,
                checks.response_schema_conformance,
                checks.negative_data_rejection,
            ],
        )
    except FailureGroup as group:
        return list(group.exceptions)
    return []
