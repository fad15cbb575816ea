"""JSON Schema of the catalogue files, for editors; `python -m device_grant.catalogue.schema` writes schema.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec

from device_grant.catalogue.loader import BROKEN, FILLED_IN, REPORT, TAGS, SourceHead
from device_grant.catalogue.model import DIALECTS, Requirement

_PATH = Path(__file__).with_name("schema.json")


def file_schema() -> dict[str, Any]:
    """Derive the schema from the types that the loader converts to."""
    (head, entry), definitions = msgspec.json.schema_components(
        [SourceHead, Requirement], ref_template="#/$defs/{name}"
    )
    requirement = definitions["Requirement"]
    properties = requirement["properties"]
    for name in FILLED_IN:
        del properties[name]
    properties["broken"] = {"enum": list(BROKEN)}
    dialects = _list_of(DIALECTS) | {"minItems": 1}
    properties["dialects"] = dialects
    # An entry that lists none has those of the head.
    requirement["required"].remove("dialects")
    properties["seen_in"] = {
        "type": "array",
        "items": {"type": "string", "format": "uri", "pattern": f"^{REPORT}$"},
        "uniqueItems": True,
    }
    properties["tags"] = _list_of(TAGS)
    for name in ("section", "statement"):
        properties[name] = {"type": "string", "minLength": 1}
    requirement["if"] = {"properties": {"level": {"const": "IMPLIED"}}}
    requirement["then"] = {"required": ["broken"]}
    requirement["else"] = {"properties": {"broken": False}}
    file = definitions.pop("SourceHead")
    file["title"] = "Catalogue file"
    file["properties"]["dialects"] = dialects
    file["properties"]["requirements"] = {"type": "array", "minItems": 1, "items": entry}
    file["required"].append("requirements")
    assert head == {"$ref": "#/$defs/SourceHead"}, head  # noqa: S101 - the popped definition must not be referred to
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **file, "$defs": definitions}


def text() -> str:
    """Return the content of schema.json."""
    return json.dumps(file_schema(), indent=2) + "\n"


def _list_of(words: tuple[str, ...]) -> dict[str, Any]:
    return {"type": "array", "items": {"enum": list(words)}}


if __name__ == "__main__":
    _PATH.write_text(text(), encoding="utf-8")
