"""The names that docs/reference/python-api.md lets other people import."""

from __future__ import annotations

import importlib
import re

import pytest
from support import ROOT

import device_grant_strategies
from device_grant.protocol.dialects import registry

PAGE = (ROOT / "docs" / "reference" / "python-api.md").read_text("utf-8")
MODULES = re.findall(r"^## (device_grant\S*)$", PAGE, re.MULTILINE)


def listed(module):
    section = re.split(r"^## ", PAGE.split(f"\n## {module}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]
    cells = re.findall(r"^\| (`.*?`) \|", section, re.MULTILINE)
    return re.findall(r"`(\w+)`", " ".join(cells))


@pytest.mark.parametrize(("module", "name"), [(module, name) for module in MODULES for name in listed(module)])
def test_each_name_can_be_imported(module, name):
    result = importlib.import_module(module)
    assert name in result.__all__
    assert hasattr(result, name)


def test_all_rooms_that_are_public_are_listed():
    assert MODULES == [
        "device_grant.targets",
        "device_grant.engine",
        "device_grant.protocol.dialects",
        "device_grant.reference",
        "device_grant_strategies",
    ]
    assert sorted(listed("device_grant_strategies")) == sorted(device_grant_strategies.__all__)


@pytest.mark.parametrize("example", re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL))
def test_the_examples_do_what_they_say(example, monkeypatch):
    # What an example registers must not meet other tests.
    monkeypatch.setattr(registry, "_DIALECTS", dict(registry._DIALECTS))
    exec(example, {})
