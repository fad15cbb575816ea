"""Whether the field of a page takes a code as a device displays it (HTML Standard, 4.10.5.3 and 4.10.19)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from device_grant.browser.markup import Input, Markup

_OTHER_SYNTAX = re.compile(r"\\[pPkuxc]|\[\[|&&|--|\(\?<[A-Za-z]")
"""What ECMAScript and Python read differently in a pattern."""


def not_typable(markup: Markup, code: str) -> str:
    """Why the only field for a code refuses one as it is displayed; empty where it takes it, or nobody can tell.

    A code whose halves have fields of their own is not typed as it is displayed.
    """
    prompt = markup.prompt()
    if prompt is None:
        return ""
    form, entry = prompt
    return "" if sum(one.typed for one in form.inputs) > 1 else _refused(entry, code)


def _refused(entry: Input, code: str) -> str:
    if entry.most is not None and len(code) > entry.most:
        return f"the field for the code takes {entry.most} characters, and the code as it is displayed has {len(code)}"
    if len(code) < entry.least:
        return f"the field for the code wants {entry.least} characters, and the code as it is displayed has {len(code)}"
    if entry.kind == "number" and not code.isdecimal():
        return "the field for the code takes numbers, and the code as it is displayed is none"
    if entry.pattern and not _matches(entry.pattern, code):
        return "the field for the code has a pattern that the code as it is displayed does not match"
    return ""


def _matches(pattern: str, code: str) -> bool:
    """Whether it does; also where that cannot be told."""
    if _OTHER_SYNTAX.search(pattern):
        return True
    try:
        return re.fullmatch(pattern, code) is not None
    except (re.error, RecursionError, OverflowError):
        return True
