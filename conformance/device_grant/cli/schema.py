"""`device-grant schema`: JSON Schemas of the files that people write, made from the types that read them."""

from __future__ import annotations

import ast
import inspect
import json
import textwrap
from itertools import pairwise
from typing import Any

import click

KINDS = ("target", "client", "baseline", "results")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_FILES = {"target": "target.toml", "client": "client.toml", "baseline": "baseline.toml"}


@click.command()
@click.argument("kind", type=click.Choice(KINDS))
def schema(kind: str) -> None:
    """Print the JSON Schema of target.toml, client.toml, baseline.toml, or of a line of results.jsonl.

    An editor that knows TOML completes and checks a file whose first line is, for example, #:schema
    ./target.schema.json, where that file holds what this prints.
    """
    click.echo(json.dumps(schema_of(kind), indent=2, ensure_ascii=False))


def schema_of(kind: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of one of KINDS, its keys described as they are in the code that reads them."""
    import msgspec

    from device_grant.client.drivers.config import ClientConfig
    from device_grant.results.baseline import BaselineFile
    from device_grant.results.schema import dedented
    from device_grant.results.schema import schema as schema_of_results
    from device_grant.targets.config import TargetConfig

    if kind == "results":
        return schema_of_results()
    of = {"target": TargetConfig, "client": ClientConfig, "baseline": BaselineFile}[kind]
    made: dict[str, Any] = dedented(msgspec.json.schema(of))
    for struct in structs_of(of):
        described = made["$defs"].get(struct.__name__, {}).get("properties", {})
        for name, note in notes(struct).items():
            if name in described:
                described[name] = {"description": note, **described[name]}
    for form in made["$defs"].values():
        # What reads these files refuses every key that it does not know.
        form["additionalProperties"] = form.get("additionalProperties") or False
    return {"$schema": _DIALECT, "title": _FILES[kind], **made}


def structs_of(kind: type) -> list[type]:
    """A Struct and those of its fields, however deep."""
    import msgspec

    collected: list[type] = []

    def look(info: Any) -> None:
        if isinstance(info, msgspec.inspect.StructType) and info.cls not in collected:
            collected.append(info.cls)
            for field in info.fields:
                look(field.type)
        for name in ("item_type", "value_type", "key_type"):
            if (inner := getattr(info, name, None)) is not None:
                look(inner)
        for inner in (*getattr(info, "types", ()), *getattr(info, "item_types", ())):
            look(inner)

    look(msgspec.inspect.type_info(kind))
    return collected


def notes(kind: type) -> dict[str, str]:
    """What stands under each attribute of a class, on one line, by the attribute's name."""
    body = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 - the source of a class
    described: dict[str, str] = {}
    for pair in pairwise(body.body):
        match pair:
            case (
                ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]),
                ast.Expr(value=ast.Constant(value=str(text))),
            ):
                described[name] = " ".join(text.split())
    return described
