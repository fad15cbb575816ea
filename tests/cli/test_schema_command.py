"""The JSON Schemas of the files that people write fit those files, and refuse what the suite refuses."""

from __future__ import annotations

import json
import tomllib

import jsonschema
import pytest
from support import ROOT
from support.commands import device_grant, one_line

from device_grant.cli.schema import KINDS, schema_of

FILES = [
    pytest.param(kind, path, id=str(path.relative_to(ROOT)))
    for kind in ("target", "client", "baseline")
    for path in sorted((ROOT / "implementations").rglob(f"{kind}.toml"))
]


def valid(kind, document):
    return jsonschema.Draft202012Validator(schema_of(kind)).is_valid(document)


@pytest.mark.parametrize(("kind", "path"), FILES)
def test_files_of_the_suite_fit(kind, path):
    jsonschema.validate(json.loads(json.dumps(tomllib.loads(path.read_text("utf-8")), default=str)), schema_of(kind))


@pytest.mark.parametrize("kind", KINDS)
def test_they_are_schemas_and_are_printed(kind):
    done = device_grant("schema", kind)
    assert done.returncode == 0, done.stderr
    printed = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(printed)
    assert printed == json.loads(json.dumps(schema_of(kind)))


@pytest.mark.parametrize(
    ("kind", "document"),
    [
        ("target", {}),
        ("target", {"name": "x", "servce": {}}),
        ("target", {"name": "x", "serve": {"comand": ["x"]}}),
        ("target", {"name": "x", "clock": {"kind": "sundial"}}),
        ("target", {"name": "x", "clients": [{"id": 1}]}),
        ("client", {"name": "x", "dialect": "rfc8628", "run": {"command": "one string"}}),
        ("client", {"name": "x", "dialect": "rfc8628", "run": {"command": ["x"]}, "claims": {"keepz": True}}),
        ("baseline", {"known": [{"requirement": "x", "reason": "y", "reasn": "z"}]}),
        ("baseline", {"known": [{"requirement": "x", "reason": "y", "kind": "z"}]}),
        ("baseline", {"withheld": ["everything"]}),
    ],
)
def test_what_the_suite_refuses_is_refused(kind, document):
    assert not valid(kind, document)


def test_keys_have_the_words_of_the_code():
    keys = schema_of("target")["$defs"]["EndpointsSection"]["properties"]
    assert "types the user code" in keys["verification"]["description"]
    assert "filled in" in schema_of("target")["$defs"]["Serve"]["properties"]["command"]["description"]


def test_unknown_kind():
    done = device_grant("schema", "targt")
    assert done.returncode == 2
    assert "baseline" in one_line(done)
