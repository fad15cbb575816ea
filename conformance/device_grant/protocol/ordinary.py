"""What is no secret, whoever calls it one: words that all know, and values that nobody draws at random.

Emulators answer with codes such as `test`; replaced by value in a report such words would tear it apart, and a search
for them would hit everywhere. That such codes can be guessed is a finding of the checks on entropy.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from pathlib import Path

import device_grant

_LONG_NUMBER = 9
"""Digits from which a number is not taken for a duration or a length that looks like it."""
_OWN_SUFFIXES = (".py", ".yaml", ".json", ".html", ".css", ".js")
_LONGEST_WORD = 32
_WORD = re.compile(r"[a-z][a-z_.= -]*|[A-Z][a-z]+|\d{1,3}(?:\.\d{1,3})+")
"""Shapes of words of the protocol and of versions; in other shapes (`WDJB-MJHT`, `123456`) people get real codes."""
_SHORTEST_DRAWN = 8
_TIMES = re.compile(r"[0-9T:.+Z-]+")
"""Dates, times and numbers, of which each report has its own."""
_PIECE = re.compile(r"[A-Za-z]{2,}|[A-Za-z]*\d+[A-Za-z\d]*")


@lru_cache(maxsize=4096)
def is_ordinary(form: str) -> bool:
    """Whether a report has it of its own, whatever the target calls a secret: a short number, or a word of ours.

    A value that stands in the published files of the suite is known to everybody.
    """
    return (form.isdecimal() and len(form) < _LONG_NUMBER) or any(form in text for text in _own_texts())


@lru_cache(maxsize=4096)
def is_common(value: str) -> bool:
    """Whether a value is a word that stands alone in the published files of the suite, such as `device_code`."""
    if len(value) > _LONGEST_WORD or not _WORD.fullmatch(value):
        return False
    alone = re.compile(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])")
    return any(value in text and alone.search(text) for text in _own_texts())


@lru_cache(maxsize=4096)
def is_no_secret(form: str) -> bool:
    """Whether nobody draws such a value: it is short, a time, or a piece of a sentence or of markup made of our words.

    Of these a report may hold any by chance, whatever the target has answered.
    """
    if len(form) < _SHORTEST_DRAWN or _TIMES.fullmatch(form):
        return True
    return is_ordinary(form) or all(is_ordinary(piece) for piece in _PIECE.findall(form))


@cache
def _own_texts() -> tuple[str, ...]:
    folder = Path(device_grant.__file__).parent
    files = (
        file
        for file in sorted(folder.rglob("*"))
        if file.suffix in _OWN_SUFFIXES and "_implementations" not in file.parts
    )
    return tuple(file.read_text(encoding="utf-8", errors="replace") for file in files)
