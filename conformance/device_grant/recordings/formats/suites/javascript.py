"""Chains of calls in a JavaScript module, with their arguments as far as those are literals; nothing of it is run."""

from __future__ import annotations

import json
import re
from importlib import import_module
from typing import Any, Final

_ESCAPE = re.compile(r"\\(?:u\{([0-9a-fA-F]{1,6})\}|u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|(\r\n|[\s\S]))")
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f", "v": "\v", "0": "\0", "\n": "", "\r\n": ""}
_LAST = 0x10FFFF
_DEEPEST = 60
"""Lists and objects in each other."""


class _Unknown:
    """What only running the module would show."""


UNKNOWN: Final = _Unknown()


def calls_of(source: bytes, language: object) -> list[list[tuple[str, list[Any]]]]:
    """Each chain of calls that begins with `nock(…)`, in order: names with their arguments; `UNKNOWN` is no literal."""
    sitter: Any = import_module("tree_sitter")
    tree = sitter.Parser(sitter.Language(language)).parse(source)
    collected: list[tuple[int, list[tuple[str, list[Any]]]]] = []
    pending = [tree.root_node]
    while pending:
        node = pending.pop()
        chain = _chain(node) if node.type == "call_expression" else []
        if chain:
            collected.append((node.start_byte, chain))
        else:
            pending += node.children
    return [chain for _, chain in sorted(collected, key=lambda one: one[0])]


def _chain(node: Any) -> list[tuple[str, list[Any]]]:
    """The calls from the first to the last; empty: it does not begin with nock."""
    calls: list[tuple[str, list[Any]]] = []
    while node is not None and node.type == "call_expression":
        function = node.child_by_field_name("function")
        given = node.child_by_field_name("arguments")
        arguments = (
            [value_of(one) for one in given.named_children if one.type != "comment"] if given is not None else []
        )
        if function is None:
            return []
        if function.type == "identifier":
            calls.append((_text(function), arguments))
            return calls[::-1] if calls[-1][0] == "nock" else []
        name = function.child_by_field_name("property")
        if function.type != "member_expression" or name is None:
            return []
        calls.append((_text(name), arguments))
        node = function.child_by_field_name("object")
    return []


def value_of(node: Any, depth: int = 0) -> Any:  # noqa: C901, PLR0911 - a literal has as many kinds
    """The value of a literal; UNKNOWN of anything else."""
    if depth > _DEEPEST:
        return UNKNOWN
    match node.type:
        case "string":
            return _string(_text(node)[1:-1])
        case "template_string" if not any(one.type == "template_substitution" for one in node.children):
            return _string(_text(node)[1:-1])
        case "number":
            return _number(_text(node))
        case "true" | "false":
            return node.type == "true"
        case "null" | "undefined":
            return None
        case "array":
            return [value_of(one, depth + 1) for one in node.named_children if one.type != "comment"]
        case "object":
            return _object(node, depth)
        case "unary_expression" if _text(node).startswith("-"):
            inner = node.child_by_field_name("argument")
            value = value_of(inner, depth + 1) if inner is not None else UNKNOWN
            return -value if isinstance(value, int | float) and not isinstance(value, bool) else UNKNOWN
        case "parenthesized_expression" if node.named_child_count == 1:
            return value_of(node.named_children[0], depth + 1)
        case _:
            return UNKNOWN


def _object(node: Any, depth: int) -> Any:
    collected: dict[str, Any] = {}
    for pair in node.named_children:
        if pair.type == "comment":
            continue
        key, value = pair.child_by_field_name("key"), pair.child_by_field_name("value")
        if pair.type != "pair" or key is None or value is None or key.type == "computed_property_name":
            return UNKNOWN
        name = _string(_text(key)[1:-1]) if key.type == "string" else _text(key)
        collected[name] = value_of(value, depth + 1)
    return collected


def _text(node: Any) -> str:
    return str(node.text.decode("utf-8", errors="replace"))


def _string(text: str) -> str:
    # Half a surrogate pair each, as JSON and JavaScript escape what is beyond the first plane.
    made = _ESCAPE.sub(_unescaped, text)
    return made.encode("utf-16", errors="surrogatepass").decode("utf-16", errors="replace")


def _unescaped(match: re.Match[str]) -> str:
    digits = match[1] or match[2] or match[3]
    if digits:
        code = int(digits, 16)
        return chr(code) if code <= _LAST else "�"
    return _PLAIN.get(match[4], match[4])


def _number(text: str) -> Any:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return UNKNOWN
    return value if isinstance(value, int | float) else UNKNOWN
