"""The tree of a page, no larger than what a person could use: nothing that reads it takes time without end.

What somebody reads of a page takes the time of its elements, their depth and their attributes multiplied. A page that
goes beyond these bounds is read without what is beyond them, as a browser's person would see no more of it either.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lxml import etree

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.etree import _Element

MOST_ELEMENTS = 10_000
MOST_CONTROLS = 1_000
"""Of forms, and of what is in them to fill in and press."""
DEEPEST = 200
"""Elements around an element."""
MOST_ATTRIBUTES = 500
"""Of one element; libxml2 compares each with all before it."""
_CONTROLS = frozenset({"form", "input", "button", "select", "textarea"})
_OPENING = re.compile(r"<(?:!--|[a-zA-Z][^\s/>]*+)")
_COMMENT_ENDS = re.compile("--!?>")
_RAW_ENDS = {f"<{name}": re.compile(f"</{name}", re.IGNORECASE) for name in ("script", "style")}
"""What is in these is no markup, whatever it looks like."""
_ATTRIBUTE = re.compile(r"""[\s/]*+=?[^\s/>=]*+(?:\s*+=\s*+(?:"[^"]*+"?|'[^']*+'?|[^\s>]*+))?+""")
"""One attribute as HTML reads it (13.2.5.32 and what follows); quotes mean something after an equals sign alone."""


def tree_of(html: str) -> _Element | None:
    """The root of a page; None if there is nothing in it."""
    # As octets: a text that declares an encoding would be refused. Huge: deep nesting is cut off otherwise.
    parser = etree.HTMLParser(encoding="utf-8", huge_tree=True, no_network=True)
    try:
        root = etree.fromstring(_with_few_attributes(html).encode("utf-8", errors="replace"), parser)
    except etree.XMLSyntaxError:
        return None
    if root is not None and html.count("<") > DEEPEST:
        for element in list(_beyond(root)):
            parent = element.getparent()
            if parent is not None:
                parent.remove(element)
    return root


def _with_few_attributes(html: str) -> str:
    """The page, its elements having no more attributes than are read."""
    if len(html) < MOST_ATTRIBUTES * 2:
        return html
    kept, start, place = [], 0, 0
    while (opening := _OPENING.search(html, place)) is not None:
        if opening[0] == "<!--":
            place = _after(_COMMENT_ENDS, html, opening.start() + 2)
            continue
        place, many, enough = opening.end(), 0, 0
        while (attribute := _ATTRIBUTE.match(html, place)) is not None and attribute.end() > place:
            place, many = attribute.end(), many + 1
            if many == MOST_ATTRIBUTES:
                enough = place
        if many > MOST_ATTRIBUTES:
            kept.append(html[start:enough])
            start = place
        raw = _RAW_ENDS.get(opening[0].lower())
        if raw is not None:
            place = _after(raw, html, place)
    return "".join([*kept, html[start:]])


def _after(end: re.Pattern[str], html: str, place: int) -> int:
    result = end.search(html, place)
    return len(html) if result is None else result.end()


def _beyond(root: _Element) -> Iterator[_Element]:
    """The elements that are left out with all that is in them."""
    depth = elements = controls = 0
    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        if event == "end":
            depth -= 1
            continue
        control = element.tag in _CONTROLS
        if depth > DEEPEST or elements >= MOST_ELEMENTS or (control and controls >= MOST_CONTROLS):
            yield element
            walk.skip_subtree()
        elements, controls, depth = elements + 1, controls + control, depth + 1
