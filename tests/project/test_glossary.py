"""The glossary: every class that it names is there, and is the only one of its name."""

import ast
import importlib
import re
from collections import Counter
from functools import cache

import pytest
from support import ROOT

PAGE = (ROOT / "docs" / "explanation" / "glossary.md").read_text("utf-8")
NAMED = re.findall(r"`(device_grant[\w.]*)\.([A-Z]\w*)`", PAGE)


@cache
def defined():
    """How often each class name is defined at the top of a module of the packages."""
    return Counter(
        node.name
        for root in ("conformance", "strategies")
        for path in (ROOT / root).rglob("*.py")
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ClassDef)
    )


def test_it_names_classes():
    assert len(NAMED) > 20
    assert len({name for _, name in NAMED}) == len(NAMED)


@pytest.mark.parametrize(("module", "name"), NAMED, ids=[name for _, name in NAMED])
def test_a_class_of_the_glossary_is_the_only_one_of_its_name(module, name):
    assert isinstance(getattr(importlib.import_module(module), name), type)
    assert defined()[name] == 1


def test_words_are_explained_once():
    words = re.findall(r"^\| ([a-z, ]+?) \|", PAGE, re.MULTILINE)
    single = [word for row in words if row != "word" for word in row.split(", ")]
    assert len(single) > 40
    assert [word for word, count in Counter(single).items() if count > 1] == []
