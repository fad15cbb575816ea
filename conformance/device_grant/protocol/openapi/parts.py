"""What both documents are built from, and how a document is read back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from device_grant.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Json = dict[str, Any]

METADATA = "metadata"
"""Name of the metadata endpoint (RFC 8414 section 3) beside those of `Operation`."""
REQUIREMENTS = "x-requirements"
"""Extension: requirement ids. On a schema by JSON Schema keyword, `type` standing for all that are not named; on a
header under `required`; on an operation under the four names of `statuses`."""
JSON = "application/json"

REFUSALS: Mapping[str, str] = {
    "404": "Nothing is served here, for example for an unknown tenant.",
    "405": "Only POST is served here.",
    "406": "No media type of Accept can be served.",
    "408": "The request came too slowly.",
    "411": "Content-Length is missing.",
    "413": "The request is too large.",
    "414": "The URL is too long.",
    "415": "The media type or the content coding is not supported.",
    "417": "Expect cannot be met.",
    "421": "The request was sent to the wrong server.",
    "426": "Another protocol is needed.",
    "429": "Too many requests.",
    "431": "The header fields are too large.",
    "501": "The method is unknown.",
    "503": "Out of service for a while.",
}
"""Statuses by which HTTP itself refuses a request before OAuth looks at it; their content is nobody's business here."""


def ref(kind: str, name: str) -> Json:
    """A reference to a component."""
    return {"$ref": f"#/components/{kind}/{name}"}


def ruled(schema: Json, /, **requirements: str) -> Json:
    """The schema with the requirements behind its keywords, for example `type="rfc6749-5.1-json-types"`.

    `required` is what the absence of the member breaks, wherever an object requires it.
    """
    return {**schema, REQUIREMENTS: {keyword: name for keyword, name in requirements.items() if name}}


def structure(description: str, properties: Json, required: Iterable[str] = (), **more: Any) -> Json:
    """An object; members beyond the described ones are allowed, as both dialects demand."""
    schema: Json = {"type": "object", "description": description, "properties": properties, **more}
    names = list(required)
    return {**schema, "required": names} if names else schema


def response(description: str, schema: str, headers: Json | None = None, links: Json | None = None) -> Json:
    """A JSON response whose schema is a component."""
    collected: Json = {"description": description, "content": {JSON: {"schema": ref("schemas", schema)}}}
    if headers:
        collected["headers"] = headers
    if links:
        collected["links"] = links
    return collected


def header(description: str, requirement: str = "") -> Json:
    """A response header; required if a requirement says so."""
    collected: Json = {"description": description, "required": bool(requirement), "schema": {"type": "string"}}
    return {**collected, REQUIREMENTS: {"required": requirement}} if requirement else collected


def refusals(*without: str) -> Json:
    """The responses of REFUSALS but for some statuses."""
    return {status: {"description": text} for status, text in REFUSALS.items() if status not in without}


def statuses(success: str, error: str, success_type: str, error_type: str) -> Json:
    """For an operation: what an undocumented status or media type breaks, by success and error."""
    return {"success": success, "error": error, "success-type": success_type, "error-type": error_type}


def put(paths: Json, base: str, url: str, method: str, operation: Json) -> None:
    """Describe an operation at a path or absolute URL.

    One on another origin than the base brings its own server. Raises UsageError for URLs that are not http or https.
    """
    parts = urlsplit(url)
    if not parts.scheme and not parts.netloc:
        path, server = parts.path, ""
    else:
        require_web(url)
        own = urlsplit(base).path.rstrip("/")
        origin = f"{parts.scheme}://{parts.netloc}"
        inside = f"{origin}{own}" == base.rstrip("/") and parts.path.startswith(f"{own}/")
        path, server = (parts.path.removeprefix(own), "") if inside else (parts.path, origin)
    item = paths.setdefault(path if path.startswith("/") else f"/{path}", {})
    item[method] = {**operation, "responses": dict(sorted(operation["responses"].items()))}
    if server:
        item[method]["servers"] = [{"url": server}]


def require_web(url: str) -> None:
    """Raise UsageError unless the URL is absolute, on http or https, without query and fragment."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise UsageError(
            f"OpenAPI document: {url!r} must be an absolute http or https URL without query and fragment, "
            "for example https://id.example.com"
        )


def whole(info: tuple[str, str], base: str, paths: Json, components: Json) -> Json:
    """The document of that title and description; raises UsageError for a base that is no web address."""
    require_web(base)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": info[0],
            "version": "1",
            "description": info[1],
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": base.rstrip("/")}],
        "paths": paths,
        "components": components,
    }


def operation_of(document: Json, operation_id: str) -> Json | None:
    """The operation of that id; None if the document does not describe it."""
    for item in document["paths"].values():
        for operation in item.values():
            if operation["operationId"] == operation_id:
                result: Json = operation
                return result
    return None


def schema_of(document: Json, described: Json) -> Json | None:
    """The JSON schema of a described request or response, references followed; None where its content is open."""
    content = described.get("content") or {}
    if not content:
        return None
    schema: Json = next(iter(content.values()))["schema"]
    return resolve(document, schema)


def resolve(document: Json, schema: Json) -> Json:
    """The schema itself, or what it refers to."""
    while "$ref" in schema:
        result: Any = document
        for step in schema["$ref"].removeprefix("#/").split("/"):
            result = result[step]
        schema = result
    return schema
