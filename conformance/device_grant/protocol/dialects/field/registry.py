"""The one registry of the dialects of the field."""

from __future__ import annotations

from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TYPE_CHECKING

import msgspec

from device_grant.protocol.dialects.field.description import Description
from device_grant.protocol.dialects.field.dialect import FieldDialect

if TYPE_CHECKING:
    from collections.abc import Mapping

_ENDING = ".toml"


@cache
def field_dialects() -> Mapping[str, FieldDialect]:
    """All of them by name, in alphabetical order."""
    folder = resources.files(__package__) / "data"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(_ENDING)), key=lambda file: file.name)
    collected = {}
    for file in files:
        name = file.name.removesuffix(_ENDING)
        collected[name] = FieldDialect(name, msgspec.toml.decode(file.read_bytes(), type=Description))
    return MappingProxyType(collected)
