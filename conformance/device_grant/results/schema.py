"""The published JSON Schema of a line of results.jsonl: `python -m device_grant.results.schema > schema.json`."""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import msgspec

from device_grant.results.model import FORMAT, Line


def schema() -> dict[str, Any]:
    """Generate the JSON Schema (2020-12) of one line; unknown members are allowed, for later versions may add some."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"A line of results.jsonl, format {FORMAT}",
        **dedented(msgspec.json.schema(Line)),
    }


def dedented(node: Any) -> Any:
    """The same document on every version of Python."""
    # Python 3.13 takes the indent off a docstring when it compiles it, and 3.11 and 3.12 keep it.
    match node:
        case dict():
            return {
                name: inspect.cleandoc(value) if name == "description" and isinstance(value, str) else dedented(value)
                for name, value in node.items()
            }
        case list():
            return [dedented(value) for value in node]
        case _:
            return node


def text() -> str:
    """Write the file's text, the same for the same Structs."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
