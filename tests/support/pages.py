"""The fenced blocks of README.md and docs/: read, compared with what was printed, and applied as a difference."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from support import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
LANGUAGES = frozenset({"sh", "python", "toml", "yaml", "ini", "diff", "text"})


@dataclass(frozen=True)
class Block:
    """One fenced block."""

    page: str
    """Path below the checkout."""
    line: int
    language: str
    title: str
    """Name of the file that it is, where the page gives one."""
    text: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    def commands(self) -> Iterator[str]:
        """Lines of a shell block; one that ends in a backslash goes on."""
        for line in self.text.replace("\\\n", " ").splitlines():
            if line.strip() and not line.lstrip().startswith("#"):
                yield line.strip()


def blocks(page: Path) -> list[Block]:
    """All fenced blocks, in order; those in a list without their indentation."""
    result, opened = [], None
    name = str(page.relative_to(ROOT))
    for number, line in enumerate(page.read_text("utf-8").splitlines(), 1):
        if opened is None and (fence := re.fullmatch(r'( *)```(\w*)(?: title="([^"]+)")?', line)):
            opened = (number, *fence.groups(default=""), [])
        elif opened is not None and line.strip() == "```":
            start, indent, language, title, lines = opened
            text = "".join(f"{one.removeprefix(indent)}\n" for one in lines)
            result.append(Block(name, start, language, title, text))
            opened = None
        elif opened is not None:
            opened[-1].append(line)
        else:
            # An info string that is not understood must not hide a block.
            assert not line.lstrip().startswith("```"), f"{name}:{number}: {line}"
    assert opened is None, f"{name}: a fence is not closed"
    return result


ALL = [block for page in PAGES for block in blocks(page)]


def assert_printed(shown: Block, said: str) -> None:
    """The lines of a text block are in the output in this order; … stands for anything, spaces for any space."""
    said, at = " ".join(said.split()), 0
    for line in shown.text.splitlines():
        parts = [re.escape(" ".join(part.split())) for part in line.split("…")]
        match = re.compile(r".*?".join(parts).replace(r"\ ", " ")).search(said, at)
        assert match, f"{shown.place}: {line.strip()!r} is not in\n{said[at:]}"
        at = match.end()


def patched(text: str, change: Block) -> str:
    """A file after a diff block, whose old lines must occur in it once."""
    old = "".join(f"{line[1:]}\n" for line in change.text.splitlines() if line[:1] != "+")
    new = "".join(f"{line[1:]}\n" for line in change.text.splitlines() if line[:1] != "-")
    assert text.count(old) == 1, f"{change.place}: the old lines are not there once"
    return text.replace(old, new)


def steps_of(text: str) -> list[dict[str, Any]]:
    """The steps of a workflow, or of the part of one that a page shows."""
    read = yaml.safe_load(text)
    return read if isinstance(read, list) else [step for job in read["jobs"].values() for step in job["steps"]]
