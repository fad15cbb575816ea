"""Where the descriptions of real servers and clients are: in a checkout, or inside the installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
"""The folder of this package."""
FILES = {"servers": "target.toml", "clients": "client.toml"}
"""The file that makes a folder a description, by kind."""
_ROOTS = (PACKAGE.parent.parent / "implementations", PACKAGE / "_implementations")
"""In a checkout, and in an installed wheel."""


def described(kind: str) -> dict[str, Path]:
    """Folders of the real `servers` or `clients` that come with the suite, by name, in alphabetical order."""
    folders: dict[str, Path] = {}
    for root in _ROOTS:
        for file in (root / kind).glob(f"*/{FILES[kind]}"):
            folders.setdefault(file.parent.name, file.parent)
    return dict(sorted(folders.items()))
