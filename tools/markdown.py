"""What the generated pages of docs/ have in common."""

from __future__ import annotations

import re

NOTICE = "<!-- Made by `make docs`; edit what it is made from instead: catalogue, checks, faults, commands, model. -->"


def text(written: str) -> str:
    """Text as Markdown that says just that, on one line."""
    return re.sub(r"([|<*\\])", r"\\\1", " ".join(written.split()))
