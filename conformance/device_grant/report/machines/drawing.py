"""Learned machines as drawings: laid out by Graphviz, which pygraphviz brings, as SVG that takes our own styles.

Every state of the drawing is a link to its row in the table beside it, which has all that the drawing has.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lxml import etree
from markupsafe import Markup

from device_grant.learning.machine import SIGNS, dot

if TYPE_CHECKING:
    from collections.abc import Iterator

    from device_grant.learning.record import MachineRecord

MISSING = "pip install 'device-grant-conformance[learn]' brings what draws machines"
_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_KEPT = frozenset(
    {"class", "id", "viewBox", "transform", "points", "d", "cx", "cy", "rx", "ry", "x", "y", "text-anchor", "href"}
)
"""Attributes of Graphviz that are geometry; colours and fonts are the page's."""


def drawn(record: MachineRecord, prefix: str = "") -> Markup | None:
    """The machine as an inline SVG; None where pygraphviz is not installed, or there is no machine.

    `prefix` begins the ids of its rows; empty: the name of its set.
    """
    machine = record.machine
    try:
        import pygraphviz
    except ImportError:
        return None
    if machine is None:
        return None
    text = dot(machine, record.set, *marks(record), links=True)
    with _quiet():
        svg = pygraphviz.AGraph(string=text).draw(format="svg", prog="dot")
    root = etree.fromstring(svg, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    return Markup(etree.tostring(_plain(root, record, prefix or record.set), encoding="unicode"))  # noqa: S704 - each attribute is one of ours


def marks(record: MachineRecord) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    """Edges by state and input: those that are red in some word, and those that are open and never red."""
    red = {(edge.state, edge.word[-1]) for edge in record.red}
    return red, {(edge.state, edge.word[-1]) for edge in record.edges} - red


def row(prefix: str, state: int) -> str:
    """The id of a state's row in the table."""
    return f"{prefix}-s{state}"


def _plain(root: Any, record: MachineRecord, prefix: str) -> Any:
    """Graphviz's drawing without its colours, fonts and tips, in place."""
    width = root.get("viewBox", "0 0 400 300").split()[2]
    for element in [*root.iter()]:
        if isinstance(element.tag, str) and element.tag != f"{_SVG}title":
            _bare(element, prefix)
        else:
            element.getparent().remove(element)
    graph = root.find(f"{_SVG}g")
    background = graph.find(f"{_SVG}polygon")
    if background is not None:
        graph.remove(background)
    for text in graph.iter(f"{_SVG}text"):
        kind = next((kind for kind, sign in SIGNS.items() if sign and (text.text or "").startswith(sign)), "")
        if kind:
            text.set("class", kind)
    etree.cleanup_namespaces(root)
    root.set("width", str(round(float(width))))
    root.set("role", "group")
    root.set("aria-label", f"Drawing of the {len(record.states)} states; the table below has all that it has")
    return root


def _bare(element: Any, prefix: str) -> None:
    target = element.get(_LINK)
    for name in set(element.attrib) - _KEPT:
        del element.attrib[name]
    if target is not None:
        element.set("href", f"#{prefix}-{target.removeprefix('#')}")
    if "id" in element.attrib:
        element.set("id", f"{prefix}-drawn-{element.get('id')}")


@contextmanager
def _quiet() -> Iterator[None]:
    """Within: the fonts of the machine that this runs on are nobody's concern, and what is said of them is lost."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
