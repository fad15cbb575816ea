"""Text that somebody else wrote, made safe to show on a line of its own."""

from __future__ import annotations

import re

_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 but tab and newline: terminal escapes among them
    "\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, bidirectional controls
    "\u180e\U000e0000-\U000e007f"  # a vowel separator without width, and tags, which nothing shows
    "\ud800-\udfff]"  # lone surrogates cannot be written as UTF-8
)

_LAST_OF_LATIN_1 = 0xFF
_LAST_OF_PLANE_0 = 0xFFFF
_BREAKS = {"\n": "\\n", "\t": "\\t"}


def visible(text: str) -> str:
    r"""Write control, bidirectional, zero-width and surrogate characters as `\x1b` or `\u202e`."""
    return _INVISIBLE.sub(_escape, text)


def unbroken(text: str, longest: int) -> str:
    """A message as one line that shows all its characters; one that is too long loses its middle.

    White space stays as it is, since names of files have it; its beginning says where, its end what to do.
    """
    if len(text) > longest:
        text = f"{text[: longest // 2]}…{text[-(longest // 2) :]}"
    return re.sub(r"[\n\t]", lambda match: _BREAKS[match[0]], visible(text))


def _escape(match: re.Match[str]) -> str:
    code = ord(match.group())
    if match.group() == "\r":
        return "\\r"
    if code > _LAST_OF_PLANE_0:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code <= _LAST_OF_LATIN_1 else f"\\u{code:04x}"
