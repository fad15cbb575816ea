"""Programs that are built before they are started: `build` in target.toml and client.toml.

The commands run once for the content of a folder, with the caller's environment and the folder as working directory,
under a lock. What they make is in a folder of the user's cache, `{build}`, and counts only when all of them have ended
well: an interrupted build is made again.
"""

from __future__ import annotations

import os
import platform
import re
import shlex
import shutil
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from device_grant.errors import MissingToolError, TargetUnreachableError, UsageError
from device_grant.implementations import FILES
from device_grant.processes import ProcessGroup, exit_words, last_lines, why_not_started
from device_grant.targets.adapter import fill
from device_grant.targets.environments import cache_folder, digest_of, prepared, say
from device_grant.targets.go_clock import GoClock, builds_go, go_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

PLACE = "{build}"
"""Stands for the folder of what was built."""
_LIMIT = 3600.0
"""Seconds that one command may take: a first build fetches and compiles everything that a program depends on."""
_LOOK = 0.5
"""Seconds between two looks at a command that is under way."""
_LOG_LINES = 20
"""Of the end of the log, shown where a build fails."""
_LOG_END = 8192
"""Octets of the log that are looked at."""
_LINE = 100
"""Characters of its last line that are shown while it grows."""
_NO_SOURCES = frozenset({*FILES.values(), "baseline.toml"})
"""Files that describe a program to the suite, and change what is built in nothing; so does documentation."""
_NO_FOLDERS = frozenset({".git", ".venv", "__pycache__", "node_modules"})
_MADE_BY = {"target": ("pom.xml", "Cargo.toml"), "build": ("build.gradle", "build.gradle.kts")}
"""Folders that a tool fills beside its own file, where somebody has built by hand."""
_INSTALL = {
    "cargo": "Rust (https://rustup.rs, or Debian: apt-get install cargo)",
    "cc": "a compiler for C (Debian: apt-get install gcc)",
    "gcc": "a compiler for C (Debian: apt-get install gcc)",
    "gh": "GitHub's command (Debian: apt-get install gh)",
    "go": "Go (https://go.dev/dl, or Debian: apt-get install golang-go)",
    "gradle": "Gradle (Debian: apt-get install gradle)",
    "java": "a JDK (Debian: apt-get install default-jdk-headless)",
    "javac": "a JDK (Debian: apt-get install default-jdk-headless)",
    "make": "make (Debian: apt-get install make)",
    "mix": "Elixir (Debian: apt-get install elixir)",
    "mvn": "Maven with a JDK (Debian: apt-get install maven default-jdk-headless)",
    "node": "Node.js (https://nodejs.org)",
    "npm": "Node.js with npm (https://nodejs.org)",
    "swift": "Swift (https://swift.org/install)",
}


@dataclass(frozen=True)
class Built:
    """What the commands have made."""

    folder: Path = Path()
    clock: Literal["library", "own", "fixed"] = "library"
    """How a test can move the time of the program: through the C library, by its own clock (Go), not at all."""
    why_fixed: str = ""


def built(
    folder: Path, commands: Sequence[Sequence[str]], name: str, *, python: str = sys.executable, moved: bool = False
) -> Built:
    """What these commands, words of the file that describes a program in `folder`, have made.

    Where its time is to be `moved`, a program in Go gets a clock for that. Raises MissingToolError if a program that
    the commands start is not on PATH, TargetUnreachableError if one of them fails, UsageError if nothing can be kept.
    """
    for command in commands:
        require_tool(command, name)
    clocks = {
        number: go_clock(command, folder, name)
        for number, command in enumerate(commands)
        if builds_go(command) and moved
    }
    values = {"dir": str(folder), "python": python}
    content = _content(folder, commands)
    words = [word for command in commands for word in (*command, "\n")]
    words += [str(clock.overlay) for clock in clocks.values()]
    digest = digest_of(content.values(), *content, *words, platform.machine(), python)
    slug = re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-") or "program"
    place = cache_folder() / f"build-{slug}-{digest}"
    with prepared(place, kept=writes_to_cache(commands)) as missing:
        if missing:
            place.mkdir(parents=True, exist_ok=True)
            values["build"] = str(place)
            steps = [
                _Step([fill(word, values) for word in clock.applied(command)], clock.variables)
                for number, command in enumerate(commands)
                for clock in (clocks.get(number, GoClock()),)
            ]
            _build(steps, folder, place, name)
    why = next((clock.why_not for clock in clocks.values() if clock.why_not), "")
    return Built(place, "fixed" if why else "own" if clocks else "library", why)


@dataclass(frozen=True)
class _Step:
    command: list[str]
    variables: Mapping[str, str]
    """Besides the environment of the caller."""


def writes_to_cache(commands: Iterable[Sequence[str]]) -> bool:
    """Whether a command is told the folder in the cache; where none is, nobody knows what they make, and where."""
    return any(PLACE in word for command in commands for word in command)


def require_tool(command: Sequence[str], name: str) -> None:
    """Raises MissingToolError if the program that a command starts is looked for on PATH and is not there."""
    missing = missing_tool(command)
    if missing:
        raise MissingToolError(f"{name} needs {missing}, which is not on PATH: install {_INSTALL.get(missing, 'it')}")


def missing_tool(command: Sequence[str]) -> str:
    """The program that a command needs from PATH and that is not there; empty if it is, or is named by its path."""
    program = next((word for word in command if word != "env" and not re.match(r"[A-Za-z_]\w*=", word)), "")
    named = not program or "/" in program or "{" in program
    return "" if named or shutil.which(program) else program


def _content(folder: Path, commands: Iterable[Sequence[str]]) -> dict[str, Path]:
    """Every file of which the result may depend: those of the folder, and of others that the commands name."""
    named = (word for command in commands for word in command if word.startswith("{dir}/.."))
    others = [Path(word.replace("{dir}", str(folder))).resolve() for word in named]
    roots = [folder, *(other if other.is_dir() else other.parent for other in others)]
    return {os.path.relpath(file, folder): file for root in roots for file in _sources(root)}


def _sources(folder: Path) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(
            name
            for name in folders
            if name not in _NO_FOLDERS and not any(maker in files for maker in _MADE_BY.get(name, ()))
        )
        for name in sorted(files):
            file = Path(parent, name)
            if name not in _NO_SOURCES and file.suffix not in {".md", ".pyc"} and file.is_file():
                yield file


def _build(steps: Sequence[_Step], folder: Path, place: Path, name: str) -> None:
    log = place.with_name(f"{place.name}.log")
    began = time.monotonic()
    with log.open("wb") as output, _progress(name) as tell:
        for step in steps:
            command = step.command
            output.write(f"$ {shlex.join(command)}\n".encode())
            output.flush()
            try:
                environment = {**os.environ, **step.variables}
                process = ProcessGroup(command, output=output, folder=folder, environment=environment)
            except OSError as error:
                raise UsageError(f"{name}: build: {command[0]} {why_not_started(command[0], folder, error)}") from error
            try:
                status = _awaited(process, log, began, tell)
            finally:
                process.end(0)
            if status != 0:
                raise _failed(shlex.join(command), status, log, name)
    say(f"{name}: built in {time.monotonic() - began:.0f} s")


def _awaited(process: ProcessGroup, log: Path, began: float, tell: Callable[[str], None]) -> int | None:
    until = time.monotonic() + _LIMIT
    while (status := process.wait(_LOOK)) is None and time.monotonic() < until:
        tell(f"{time.monotonic() - began:.0f} s  {last_lines(_end_of(log), 1)}")
    return status


def _failed(command: str, status: int | None, log: Path, name: str) -> TargetUnreachableError:
    for line in _end_of(log).splitlines()[-_LOG_LINES:]:
        # What a compiler quotes may hold anything, also what a terminal would obey.
        say("".join(character if character.isprintable() else " " for character in line), indent=True)
    how = f"failed with {exit_words(status)}" if status is not None else f"took longer than {_LIMIT / 60:.0f} minutes"
    return TargetUnreachableError(f"{name}: build: {command} {how}; the whole log: {log}")


def _end_of(log: Path) -> str:
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - _LOG_END))
        return file.read().decode(errors="replace")


@contextmanager
def _progress(name: str) -> Iterator[Callable[[str], None]]:
    """Say how a build goes on: on a terminal in one line that changes, elsewhere in one at the start."""
    if not sys.stderr.isatty():
        say(f"{name}: building, once for its sources as they are; the first time may take minutes")
        yield lambda _line: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status(f"{name}: building") as status:
        yield lambda line: status.update(escape(f"{name}: building, {line[:_LINE]}"))
